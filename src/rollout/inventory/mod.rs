//! What an IdP and the register say of people's ways in, at a moment: roles, keys, weak methods, last use, and what nobody could tell.
//!
//! It reads and compares; it changes nothing anywhere, and refuses to call clean what could not be read.

pub mod compare;
pub mod diff;
pub mod read;
pub mod sighting;

use std::collections::BTreeSet;

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
    /// Which of them has it.
    pub whose: Whose,
    /// The IdP's name for it; `None` where the IdP does not have it.
    pub directory_id: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// Whether it signs in as things stand at the IdP.
    pub in_service: bool,
    /// The credential, where one of the two tells it.
    pub credential_id: Option<CredentialId>,
    /// Its number in the account, if it is in the register.
    pub ordinal: Option<usize>,
    /// The key's own number.
    pub number: Option<KeyNumber>,
    /// The model, where one of the two tells it.
    pub aaguid: Option<Aaguid>,
    /// Where the private key is.
    pub binding: Binding,
    /// Who says so.
    pub told_by: Teller,
    /// Its last sign-in.
    pub used: Told<Seen>,
}

/// Who has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The IdP and the register.
    Ours,
    /// The IdP alone: nobody here made it.
    Unknown,
    /// The register alone: it is registered there, and the IdP has it no more.
    Gone,
    /// The IdP still has it, and here it was taken out of service.
    Outlived,
    /// The register has it; the IdP's list could not be read.
    CannotTell,
}

impl Whose {
    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Unknown => "unknown to us",
            Self::Gone => "ours, gone at the IdP",
            Self::Outlived => "ours, out of service, still at the IdP",
            Self::CannotTell => "ours, cannot tell whether the IdP has it",
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

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::People(who) => who.fmt(f),
            Self::Rollout => f.write_str("everybody in the roll-out plan"),
            Self::Ledger => f.write_str("everybody in the ledger, and all administrators"),
            Self::Accounts(logins) => f.write_str(&logins.join(", ")),
        }
    }
}
