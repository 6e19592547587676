//! The ways in that a PingOne account has: its MFA devices, and that none is asked for while MFA is off for it.
//!
//! It refuses to say anything of the password: whether one opens the door alone is a matter of each application's sign-on policy.

use super::classes::{CLASSES, NO_MFA};
use super::wire::{Account, Device};
use super::{PENDING, PingOne, user_path};
use crate::idp::capability::methods::{Method, Removal, SignInMethods, Usable};
use crate::idp::capability::removal::{MethodRemoval, Removed};
use crate::idp::capability::told::{Listing, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

const NEEDS: &str = "the role Identity Data Admin or Identity Data Read Only";

impl SignInMethods for PingOne {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        let account: Account = self.get(&user_path(&user.id), &format!("user {}", user.login))?.json()?;
        let mut methods = Listing::default();
        if account.mfa_enabled == Some(false) {
            let why = "switch MFA on for the account (Directory > Users > the person > Services), or have it required";
            let removal = Removal::Impossible { why: why.into() };
            methods.found.push(Method { removal, ..CLASSES.method(NO_MFA, NO_MFA) });
        }
        match self.devices(user) {
            Ok(devices) => methods.found.extend(devices.iter().filter(|one| one.status != PENDING).map(of_device)),
            Err(error) => methods.untold.push(Untold::of_refusal("the account's MFA devices", NEEDS, error)?),
        }
        Ok(methods)
    }
}

fn of_device(device: &Device) -> Method {
    let usable = match device.status.as_str() {
        _ if device.is_blocked() => Usable::No { why: "BLOCKED".into() },
        // It ends by itself.
        "ACTIVE" if device.is_locked() => Usable::CannotTell,
        "ACTIVE" => Usable::Yes,
        "INVALID" => Usable::No { why: "INVALID".into() },
        _ => Usable::CannotTell,
    };
    Method { usable, ..CLASSES.method(&device.kind, device.id.clone()) }
}

impl MethodRemoval for PingOne {
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        if let Removal::Impossible { why } = &method.removal {
            return Err(self.session.idp().refused(why.clone()));
        }
        self.remove_device(user, &method.id).map(|_| Removed::Gone)
    }
}
