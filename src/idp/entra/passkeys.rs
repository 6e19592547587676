//! What the passkeys of an Entra account are: `aaGuid`, `attestationLevel` and `passkeyType` of v1.0 (confirmed by CSDL). Without an
//! attestation Entra takes the type from what was claimed, so it says who told.

use super::graph::{Permission, untold};
use super::wire::Passkey as Told;
use super::{Entra, known, registered};
use crate::idp::capability::passkeys::{Binding, Passkey, Passkeys, ToldBy};
use crate::idp::capability::told::Listing;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

impl Passkeys for Entra {
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
        match self.listed_passkeys(&user.id, &known(user)) {
            Ok(passkeys) => Ok(Listing::whole(passkeys.into_iter().map(of_graph).collect())),
            Err(absent @ DirectoryError::NotFound { .. }) => Err(absent),
            Err(error) => untold("the account's passkeys", Permission::READ_PASSKEYS, error).map(Listing::untold),
        }
    }
}

fn of_graph(told: Told) -> Passkey {
    let attested = told.attestation_level.as_deref() == Some("attested");
    let known = match told.passkey_type.as_deref() {
        Some("synced") => Some((Binding::Synced, ToldBy::IdpType)),
        Some("deviceBound") if attested => Some((Binding::DeviceBound, ToldBy::Attestation)),
        Some("deviceBound") => Some((Binding::DeviceBound, ToldBy::IdpType)),
        _ => None,
    };
    let aaguid = told.aa_guid.as_deref().and_then(|aaguid| aaguid.parse().ok());
    let by_model = Passkey::by_model(registered(told), aaguid);
    match known {
        Some((binding, told_by)) => Passkey { binding, told_by, ..by_model },
        None => by_model,
    }
}
