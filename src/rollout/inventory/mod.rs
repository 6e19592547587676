//! What an IdP and the register say of people's ways in, at a moment: roles, keys, weak methods, last use, and what nobody could tell.
//!
//! It reads and compares; it changes nothing anywhere, and refuses to call clean what could not be read.

pub mod compare;
pub mod diff;
pub mod read;
pub mod sighting;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::plan::Who;
use crate::idp::User;
use crate::idp::capability::{Binding, Capability, Hold, Method, Role, Seen, Told, ToldBy, Untold};
use crate::ledger::{AccountId, IdpInstance, KeyNumber};
use keywright_fido::webauthn::{Aaguid, CredentialId};

/// Whom an inventory is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "who")]
pub enum Scope {
    /// One group, role, or all administrators.
    People(Who),
    /// Everybody in the groups of the roll-out plan.
    Rollout,
    /// Every account of the ledger at this IdP, and all administrators.
    Ledger,
    /// Accounts by their logins or the IdP's ids.
    Accounts(Vec<String>),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// When the last of it was read.
    #[serde(with = "time::serde::rfc3339")]
    pub taken: OffsetDateTime,
    /// The IdP's name in the settings.
    pub directory: String,
    /// Which IdP it is.
    pub instance: IdpInstance,
    /// Whom it is about.
    pub scope: Scope,
    /// Everybody, by login.
    pub people: Vec<Entry>,
    /// Accounts that a list or the ledger has, and the IdP has no more.
    pub gone: Vec<Gone>,
    /// What could not be read that is about no single person, such as a list of administrators.
    pub untold: Vec<Untold>,
    /// What this IdP tells of nobody.
    pub lacks: BTreeSet<Capability>,
}

/// An account that is not there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The IdP's id of it.
    pub user_id: String,
    /// The login, where a list or the ledger has it.
    pub login: Option<String>,
    /// The account in the register.
    pub account: Option<AccountId>,
}

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As the IdP has it.
    pub user: User,
    /// Whether it is another organization's.
    pub guest: bool,
    /// The plan's group that it is in, the first of them; `None` where no plan was asked.
    pub group: Option<String>,
    /// The account in the register.
    pub account: Option<AccountId>,
    /// Roles of power, those too that can be taken on.
    pub roles: Vec<HeldRole>,
    /// Keys at the IdP and in the register.
    pub keys: Vec<KeyEntry>,
    /// Every way in that the IdP lists, keys among them.
    pub methods: Vec<Method>,
    /// The last sign-in by any way.
    pub seen: Told<Seen>,
    /// What could not be read of its keys.
    pub key_untold: Vec<Untold>,
    /// What could not be read of its other ways in.
    pub method_untold: Vec<Untold>,
}

/// A role that a person has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldRole {
    /// The role.
    pub role: Role,
    /// How it is held.
    pub hold: Hold,
    /// The group that gives it; `None`: it is the account's own.
    pub through: Option<String>,
}

/// A key, as the IdP and the register have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Which of them has it, and as what.
    #[serde(flatten)]
    pub whose: Whose,
    /// Its label.
    pub label: Option<String>,
    /// Whether it signs in as things stand at the IdP.
    pub in_service: bool,
    /// The credential, where one of the two tells it.
    pub credential_id: Option<CredentialId>,
    /// The model, where one of the two tells it.
    pub aaguid: Option<Aaguid>,
    /// Where the private key is.
    pub binding: Binding,
    /// Who says so.
    pub told_by: Teller,
    /// Its last sign-in.
    pub used: Told<Seen>,
}

/// Who has a key, and as what: `directory_id` is the IdP's name for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "whose")]
pub enum Whose {
    /// The IdP and the register.
    Ours {
        /// As the register has it.
        #[serde(flatten)]
        made: MadeHere,
        /// As the IdP has it.
        directory_id: String,
    },
    /// The IdP alone: nobody here made it.
    Unknown {
        /// As the IdP has it.
        directory_id: String,
    },
    /// The register alone: it is registered there, and the IdP has it no more.
    Gone(MadeHere),
    /// The IdP still has it, and here it was taken out of service.
    Outlived {
        /// As the register has it.
        #[serde(flatten)]
        made: MadeHere,
        /// As the IdP has it.
        directory_id: String,
    },
    /// The register has it; the IdP's list could not be read.
    CannotTell(MadeHere),
}

/// A key of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeHere {
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The key's own number, if it has one.
    pub number: Option<KeyNumber>,
}

impl fmt::Display for MadeHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => number.fmt(f),
            None => write!(f, "key {}", self.ordinal),
        }
    }
}

impl Whose {
    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ours { .. } => "ours",
            Self::Unknown { .. } => "unknown",
            Self::Gone(_) => "gone",
            Self::Outlived { .. } => "outlived",
            Self::CannotTell(_) => "cannot-tell",
        }
    }

    /// What it is, for people.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Ours { .. } => "ours",
            Self::Unknown { .. } => "unknown to us",
            Self::Gone(_) => "ours, gone at the IdP",
            Self::Outlived { .. } => "ours, out of service, still at the IdP",
            Self::CannotTell(_) => "ours, cannot tell whether the IdP has it",
        }
    }

    /// What the register has of it; `None` if nobody here made it.
    pub fn made_here(&self) -> Option<MadeHere> {
        match self {
            Self::Ours { made, .. } | Self::Gone(made) | Self::Outlived { made, .. } | Self::CannotTell(made) => {
                Some(*made)
            }
            Self::Unknown { .. } => None,
        }
    }

    /// The IdP's name for it; `None` where the IdP does not have it, or does not say.
    pub fn directory_id(&self) -> Option<&str> {
        match self {
            Self::Ours { directory_id, .. } | Self::Unknown { directory_id } | Self::Outlived { directory_id, .. } => {
                Some(directory_id)
            }
            Self::Gone(_) | Self::CannotTell(_) => None,
        }
    }
}

/// Who says where a private key is, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Teller {
    /// Our ledger: its attestation was checked when it was made.
    Ledger,
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

impl From<ToldBy> for Teller {
    fn from(told_by: ToldBy) -> Self {
        match told_by {
            ToldBy::Attestation => Self::Attestation,
            ToldBy::IdpType => Self::IdpType,
            ToldBy::Policy => Self::Policy,
            ToldBy::Aaguid => Self::Aaguid,
            ToldBy::Nobody => Self::Nobody,
        }
    }
}

impl Teller {
    /// Who that is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ledger => "our ledger",
            Self::Attestation => "an attestation that the IdP checked",
            Self::IdpType => "the IdP's type",
            Self::Policy => "the IdP's policy",
            Self::Aaguid => "its AAGUID",
            Self::Nobody => "nobody",
        }
    }
}

impl Entry {
    /// Ways in that an attacker could use, as far as is known.
    pub fn weak_methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|method| method.is_weak())
    }

    /// Keys that the IdP has and nobody here made.
    pub fn unknown_keys(&self) -> impl Iterator<Item = &KeyEntry> {
        self.keys.iter().filter(|key| matches!(key.whose, Whose::Unknown { .. }))
    }

    /// What could not be read of it.
    pub fn untold(&self) -> impl Iterator<Item = &Untold> {
        self.key_untold.iter().chain(&self.method_untold)
    }

    /// Whether it has a role of power, or can take one on.
    pub fn is_admin(&self) -> bool {
        !self.roles.is_empty()
    }
}

impl Inventory {
    /// The entry of the account with this login.
    pub fn person(&self, login: &str) -> Option<&Entry> {
        self.people.iter().find(|entry| crate::profile::login::is_same(&entry.user.login, login))
    }

    /// Everything that could not be read, with the login that it is about.
    pub fn all_untold(&self) -> impl Iterator<Item = (Option<&str>, &Untold)> {
        let of_people =
            self.people.iter().flat_map(|entry| entry.untold().map(|one| (Some(entry.user.login.as_str()), one)));
        self.untold.iter().map(|one| (None, one)).chain(of_people)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(who) => who.fmt(f),
            Self::Rollout => f.write_str("everybody in the roll-out plan"),
            Self::Ledger => f.write_str("everybody in the ledger, and all administrators"),
            Self::Accounts(logins) => f.write_str(&logins.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_of_an_older_inventory_is_read() {
        let kept = |whose: &str, directory_id: Option<&str>, ordinal: Option<usize>| {
            let key = json!({
                "whose": whose, "directory_id": directory_id, "ordinal": ordinal, "number": null, "label": null, "in_service": true,
                "credential_id": null, "aaguid": null, "binding": "cannot_tell", "told_by": "nobody",
                "used": { "known": { "at": null } },
            });
            serde_json::from_value::<KeyEntry>(key)
        };
        let ours = kept("ours", Some("k"), Some(2)).unwrap();
        assert_eq!(ours.whose, Whose::Ours { made: MadeHere { ordinal: 2, number: None }, directory_id: "k".into() });
        assert_eq!(kept("gone", None, Some(1)).unwrap().whose.made_here().unwrap().to_string(), "key 1");
        assert_eq!(kept("unknown", Some("k"), None).unwrap().whose, Whose::Unknown { directory_id: "k".into() });
        assert!(kept("ours", Some("k"), None).is_err(), "a key of ours has a number in its account");
        let again = serde_json::to_value(&ours).unwrap();
        assert_eq!((&again["whose"], &again["ordinal"]), (&json!("ours"), &json!(2)));
    }
}
