//! What a registered passkey is: which model, and whether its key stays in one device.
//!
//! It says who told: an attestation that the IdP verified is worth more than a type, and that more than a name. It refuses to
//! take an AAGUID without an attestation for proof of a device-bound key; it believes one that says "synced".

use serde::{Deserialize, Serialize};

use super::methods::MethodClass;
use super::told::Listing;
use crate::idp::directory::{Registered, User};
use crate::idp::error::DirectoryError;
use keywright_fido::webauthn::Aaguid;

/// Where a passkey's private key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// In one device, for good.
    DeviceBound,
    /// In every device of its owner.
    Synced,
    /// It cannot be told.
    CannotTell,
}

impl From<Binding> for MethodClass {
    fn from(binding: Binding) -> Self {
        match binding {
            Binding::DeviceBound => Self::DeviceBound,
            Binding::Synced => Self::Synced,
            Binding::CannotTell => Self::PhishingResistant,
        }
    }
}

/// Who says so, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldBy {
    /// An attestation that the IdP verified.
    Attestation,
    /// The IdP's own type, from what the client or key claimed.
    IdpType,
    /// The IdP's policy, which lets in no other.
    Policy,
    /// The model's AAGUID, without a proof.
    Aaguid,
    /// Nobody.
    Nobody,
}

/// A registered passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Its registration.
    pub registered: Registered,
    /// The model, where the IdP tells one that is not all zeros.
    pub aaguid: Option<Aaguid>,
    /// Where the private key is.
    pub binding: Binding,
    /// Who says so.
    pub told_by: ToldBy,
}

impl Passkey {
    /// One of which the IdP tells no more than the model, if that.
    pub fn by_model(registered: Registered, aaguid: Option<Aaguid>) -> Self {
        let aaguid = aaguid.filter(|aaguid| *aaguid != Aaguid::ZERO);
        let (binding, told_by) = match aaguid.and_then(synced_provider) {
            Some(_) => (Binding::Synced, ToldBy::Aaguid),
            None => (Binding::CannotTell, ToldBy::Nobody),
        };
        Self { registered, aaguid, binding, told_by }
    }
}

impl Passkey {
    /// One of which the IdP tells no more than the name of its model, which it has from the AAGUID.
    pub fn by_name(registered: Registered) -> Self {
        let name = registered.label.to_lowercase();
        let is_synced =
            SYNCED.iter().any(|(_, provider)| name == provider.trim_end_matches(" (managed)").to_lowercase());
        let (binding, told_by) =
            if is_synced { (Binding::Synced, ToldBy::Aaguid) } else { (Binding::CannotTell, ToldBy::Nobody) };
        Self { registered, aaguid: None, binding, told_by }
    }
}

/// What the passkeys of a person are.
pub trait Passkeys {
    /// Every one that the account has. Changes nothing.
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError>;
}

/// Password managers that copy passkeys between devices, by the AAGUID that they register with. Collected from
/// <https://github.com/passkeydeveloper/passkey-authenticator-aaguids> (commit 47b6f84, August 2026); a claim, not a proof.
const SYNCED: &[(&str, &str)] = &[
    ("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", "Google Password Manager"),
    ("fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "Apple Passwords"),
    ("dd4ec289-e01d-41c9-bb89-70fa845d4bf2", "iCloud Keychain (managed)"),
    ("d3452668-01fd-4c12-926c-83a4204853aa", "Microsoft Password Manager"),
    ("bada5566-a7aa-401f-bd96-45619a55120d", "1Password"),
    ("d548826e-79b4-db40-a3d8-11116f7e8349", "Bitwarden"),
    ("531126d6-e717-415c-9320-3d9aa6981239", "Dashlane"),
    ("b78a0a55-6ef8-d246-a042-ba0f6d55050c", "LastPass"),
    ("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6", "Keeper"),
    ("b84e4048-15dc-4dd0-8640-f4f60813c8af", "NordPass"),
    ("50726f74-6f6e-5061-7373-50726f746f6e", "Proton Pass"),
    ("f3809540-7f14-49c1-a8b3-8f813b225541", "Enpass"),
    ("53414d53-554e-4700-0000-000000000000", "Samsung Pass"),
    ("fdb141b2-5d84-443e-8a35-4698c205a502", "KeePassXC"),
    ("eaecdef2-1c31-5634-8639-f1cbd9c00a08", "KeePassDX"),
];

/// The password manager that registers with this AAGUID, if it is one that copies passkeys.
pub fn synced_provider(aaguid: Aaguid) -> Option<&'static str> {
    let text = aaguid.to_string();
    SYNCED.iter().find(|(known, _)| *known == text).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_may_say_synced_and_never_bound() {
        let registered = || Registered { id: "1".into(), credential_id: None, label: String::new(), in_service: true };
        let told = |aaguid: &str| {
            let passkey = Passkey::by_model(registered(), aaguid.parse().ok());
            (passkey.aaguid.is_some(), passkey.binding, passkey.told_by)
        };
        assert_eq!(told(SYNCED[0].0), (true, Binding::Synced, ToldBy::Aaguid));
        assert_eq!(told("2fc0579f-8113-47ea-b116-bb5a8db9202a"), (true, Binding::CannotTell, ToldBy::Nobody));
        assert_eq!(told(&Aaguid::ZERO.to_string()), (false, Binding::CannotTell, ToldBy::Nobody));
        for (aaguid, name) in SYNCED {
            assert_eq!(synced_provider(aaguid.parse().unwrap()), Some(*name));
        }
    }
}
