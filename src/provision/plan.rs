//! Who gets how many keys: the roster, held against the ledger.

use crate::ledger::{AccountId, Book};
use crate::profile::{Person, Profile, Profiles, Roster};

/// One person of a plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The account.
    pub account: AccountId,
    /// The roster's row.
    pub person: Person,
    /// The profile.
    pub profile: Profile,
    /// Keys still to be made, by ordinal; empty if the account is complete.
    pub ordinals: Vec<usize>,
}

/// People in the order of the roster.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The people.
    pub people: Vec<Planned>,
    /// SHA-256 of the roster, if there is one.
    pub roster_sha256: Option<[u8; 32]>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Jobs of earlier runs are open; they have to be resumed first.
    #[error("{0} jobs of an earlier run are not finished")]
    Unfinished(usize),
    /// The account is not in the ledger and no profile was given.
    #[error("{0} is not in the ledger; name a profile")]
    UnknownAccount(String),
}

impl Plan {
    /// The keys that the people of a roster still need.
    pub fn for_roster(_roster: &Roster, _profiles: &Profiles, _directory: &str, _book: &Book) -> Self {
        todo!()
    }

    /// One more key for one person, whatever the account has.
    pub fn one_more(_person: &Person, _profile: &Profile, _directory: &str, _book: &Book) -> Self {
        todo!()
    }

    /// Keys to be made.
    pub fn keys(&self) -> usize {
        self.people.iter().map(|planned| planned.ordinals.len()).sum()
    }
}
