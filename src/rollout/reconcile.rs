//! Where IdP, register and keys in hand differ, each difference with what mends it. Pure.
//!
//! It refuses to call two lists equal of which one could not be read.

use std::fmt;

use super::inventory::{Entry, Inventory, KeyEntry, Whose};
use crate::idp::capability::Untold;
use crate::ledger::KeyNumber;
use crate::register::{CredentialState, Register};
use keywright_fido::webauthn::CredentialId;

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The login; `None` if it is about no single account.
    pub account: Option<String>,
    /// Whether the account has a role of power.
    pub administrator: bool,
    /// What it is.
    pub kind: Kind,
}

/// What differs. In the order in which it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A key at the IdP that nobody here made.
    Unknown {
        /// The IdP's name for it.
        directory_id: String,
        /// Its label there.
        label: Option<String>,
    },
    /// A key that was taken out of service here still signs in.
    Outlived {
        /// Its number in the account.
        ordinal: usize,
    },
    /// A key that counts here is not at the IdP.
    Gone {
        /// Its number in the account.
        ordinal: usize,
    },
    /// A key that counts here does not sign in, because the IdP has it disabled, blocked or locked.
    Disabled {
        /// Its number in the account.
        ordinal: usize,
    },
    /// The IdP has no such account any more, and keys of it are out.
    AccountGone {
        /// How many.
        keys: usize,
    },
    /// A key in hand has a credential that was taken out of service.
    StillOnKey {
        /// Its number in the account.
        ordinal: usize,
        /// Where it is plugged in.
        port: String,
        /// The key's own number.
        number: Option<KeyNumber>,
    },
    /// A key in hand is empty, and here it counts.
    NotOnKey {
        /// Its number in the account.
        ordinal: usize,
        /// Where it is plugged in.
        port: String,
    },
    /// A key in hand does not tell.
    KeyDoesNotTell {
        /// Where it is plugged in.
        port: String,
        /// Why not.
        why: String,
    },
    /// A list could not be read.
    CannotTell {
        /// Which, why, and what it needs.
        untold: Untold,
    },
}

/// A key in hand, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InHand {
    /// Where it is plugged in.
    pub port: String,
    /// Credentials of the ledger that it has.
    pub has: Vec<CredentialId>,
    /// Credentials of the ledger that were on it before it was emptied.
    pub had: Vec<CredentialId>,
    /// Why it does not tell, if it does not.
    pub cannot_tell: Option<String>,
}

/// Everything that differs: first what nobody here made, administrators before others.
pub fn differences(inventory: &Inventory, in_hand: &[InHand], register: &Register) -> Vec<Difference> {
    let mut all: Vec<Difference> = inventory.people.iter().flat_map(of_person).collect();
    for gone in &inventory.gone {
        let account = gone.account.as_ref();
        let keys = account.map_or(0, |id| register.credentials_of(id).filter(|(_, one)| one.state.lives()).count());
        let login = account.map(|id| register.login(id).to_owned()).or_else(|| gone.login.clone());
        if keys > 0 {
            all.push(Difference { account: login, administrator: false, kind: Kind::AccountGone { keys } });
        }
    }
    all.extend(in_hand.iter().flat_map(|key| of_key(key, register)));
    let untold = |untold: &Untold| Kind::CannotTell { untold: untold.clone() };
    all.extend(inventory.untold.iter().map(|one| Difference {
        account: None,
        administrator: false,
        kind: untold(one),
    }));
    all.sort_by_key(|one| (one.kind.rank(), !one.administrator));
    all
}

fn of_person(entry: &Entry) -> Vec<Difference> {
    let of_key = |key: &KeyEntry| match &key.whose {
        Whose::Unknown { directory_id } => {
            Some(Kind::Unknown { directory_id: directory_id.clone(), label: key.label.clone() })
        }
        Whose::Outlived { made, .. } => Some(Kind::Outlived { ordinal: made.ordinal }),
        Whose::Gone(made) => Some(Kind::Gone { ordinal: made.ordinal }),
        Whose::Ours { made, .. } if !key.in_service => Some(Kind::Disabled { ordinal: made.ordinal }),
        // That the list could not be read is told once.
        Whose::Ours { .. } | Whose::CannotTell(_) => None,
    };
    let untold = entry.key_untold.iter().map(|untold| Kind::CannotTell { untold: untold.clone() });
    let kinds = entry.keys.iter().filter_map(of_key).chain(untold);
    let account = || Some(entry.user.login.clone());
    kinds.map(|kind| Difference { account: account(), administrator: entry.is_admin(), kind }).collect()
}

fn of_key(key: &InHand, register: &Register) -> Vec<Difference> {
    let known = |id: &CredentialId| register.credentials.get(id);
    let login = |id: &CredentialId| known(id).map(|one| register.login(&one.account).to_owned());
    let about = |id: &CredentialId, kind| Difference { account: login(id), administrator: false, kind };
    let mut all = Vec::new();
    for id in &key.has {
        let Some(credential) = known(id).filter(|one| !one.state.lives()) else { continue };
        let (ordinal, port, number) = (credential.ordinal, key.port.clone(), credential.number);
        all.push(about(id, Kind::StillOnKey { ordinal, port, number }));
    }
    for id in key.had.iter().filter(|id| !key.has.contains(id)) {
        let Some(credential) = known(id).filter(|one| one.state == CredentialState::Registered) else { continue };
        all.push(about(id, Kind::NotOnKey { ordinal: credential.ordinal, port: key.port.clone() }));
    }
    if let Some(why) = &key.cannot_tell {
        let kind = Kind::KeyDoesNotTell { port: key.port.clone(), why: why.clone() };
        all.push(Difference { account: None, administrator: false, kind });
    }
    all
}

impl Kind {
    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown",
            Self::Outlived { .. } => "outlived",
            Self::Gone { .. } => "gone",
            Self::Disabled { .. } => "disabled",
            Self::AccountGone { .. } => "account-gone",
            Self::StillOnKey { .. } => "still-on-key",
            Self::NotOnKey { .. } => "not-on-key",
            Self::KeyDoesNotTell { .. } => "key-does-not-tell",
            Self::CannotTell { .. } => "cannot-tell",
        }
    }

    /// Which of the account's keys it is about.
    pub fn ordinal(&self) -> Option<usize> {
        match self {
            Self::Outlived { ordinal }
            | Self::Gone { ordinal }
            | Self::Disabled { ordinal }
            | Self::StillOnKey { ordinal, .. }
            | Self::NotOnKey { ordinal, .. } => Some(*ordinal),
            _ => None,
        }
    }

    /// What is told first.
    fn rank(&self) -> u8 {
        match self {
            Self::Unknown { .. } => 0,
            Self::Outlived { .. } => 1,
            Self::AccountGone { .. } => 2,
            Self::Gone { .. } => 3,
            Self::NotOnKey { .. } => 4,
            Self::StillOnKey { .. } => 5,
            Self::Disabled { .. } => 6,
            Self::KeyDoesNotTell { .. } => 7,
            Self::CannotTell { .. } => 8,
        }
    }
}

impl Difference {
    /// The command that mends it, or what a person does.
    pub fn next_step(&self) -> String {
        let login = self.account.as_deref().unwrap_or("ACCOUNT");
        match &self.kind {
            Kind::Unknown { directory_id, .. } => {
                format!("ask {login} about it; if nobody knows it: keywright revoke {login} --unknown {directory_id}")
            }
            Kind::Outlived { ordinal } => format!("keywright revoke {login} --key {ordinal} --reason outlived"),
            Kind::Gone { ordinal } => format!("keywright replace {login} --key {ordinal} --reason gone-at-the-idp"),
            Kind::Disabled { .. } => format!("enable it in the IdP's console, then: keywright drill {login}"),
            Kind::AccountGone { .. } => format!("keywright account left {login} --reason gone-at-the-idp"),
            Kind::StillOnKey { .. } => "keywright key return".to_owned(),
            Kind::NotOnKey { ordinal, .. } => format!("keywright replace {login} --key {ordinal} --reason erased"),
            Kind::KeyDoesNotTell { port, .. } => format!("keywright audit key --key {port}"),
            Kind::CannotTell { untold } => untold.next_step(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { directory_id, label } => {
                let label = label.as_ref().map(|label| format!(" \"{label}\"")).unwrap_or_default();
                write!(f, "nobody here made the key{label} ({directory_id})")
            }
            Self::Outlived { ordinal } => write!(f, "key {ordinal} is out of service here and still at the IdP"),
            Self::Gone { ordinal } => write!(f, "key {ordinal} is not at the IdP any more"),
            Self::Disabled { ordinal } => write!(f, "key {ordinal} is disabled at the IdP"),
            Self::AccountGone { keys: 1 } => f.write_str("not at the IdP any more, with 1 key out"),
            Self::AccountGone { keys } => write!(f, "not at the IdP any more, with {keys} keys out"),
            Self::StillOnKey { ordinal, port, .. } => {
                write!(f, "key {ordinal}, in port {port}, is out of service and still has its credential")
            }
            Self::NotOnKey { ordinal, port } => write!(f, "key {ordinal}, in port {port}, is empty, and counts here"),
            Self::KeyDoesNotTell { port, why } => write!(f, "the key in port {port} does not tell: {why}"),
            Self::CannotTell { untold } => untold.fmt(f),
        }
    }
}
