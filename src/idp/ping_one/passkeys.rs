//! What the passkeys of a PingOne account are. PingOne tells neither model nor backup flags of a device (none is in its descriptions);
//! only where the policy for FIDO that is in force refuses synced passkeys at every sign-in too (`backupEligibility`,
//! `enforceDuringAuthentication`) is each one bound.

use super::wire::Device;
use super::{PENDING, PingOne, people, preflight};
use crate::idp::capability::passkeys::{Binding, Passkey, Passkeys, ToldBy};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

impl Passkeys for PingOne {
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
        let told = Told::of_existing("the account's passkeys", people::NEEDS, self.devices(user))?;
        let devices = match told {
            Told::Known(devices) => devices,
            Told::CannotTell(untold) => return Ok(Listing::untold(untold)),
        };
        let mut passkeys = Listing::default();
        let refuses_synced = match preflight::refuses_synced(self)? {
            Told::Known(refuses) => refuses,
            Told::CannotTell(untold) => {
                passkeys.untold.push(untold);
                false
            }
        };
        let (binding, told_by) =
            if refuses_synced { (Binding::DeviceBound, ToldBy::Policy) } else { (Binding::CannotTell, ToldBy::Nobody) };
        let keys = devices.into_iter().filter(|device| device.kind == "FIDO2" && device.status != PENDING);
        let passkey = |device: Device| Passkey { registered: device.registered(), aaguid: None, binding, told_by };
        passkeys.found.extend(keys.map(passkey));
        Ok(passkeys)
    }
}
