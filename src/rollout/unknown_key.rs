//! A key at the IdP that nobody here made goes, and what it was signed in to ends.
//!
//! It is journalled: that the key is to go stands in the ledger before it does, so that `resume` ends what was interrupted. It refuses to
//! touch a key that the ledger knows (those are revoked), one of a list that could not be read, and the last way in that the account has.

use crate::idp::capability::{Untold, Usable};
use crate::idp::{Directory, DirectoryError, User};
use crate::ledger::rollout::{UnknownKeyEnding, UnknownKeyRemoval, UnknownKeyRemoved};
use crate::ledger::{AccountId, Actor, Event, LedgerError, Store};
use crate::provision::{PersonError, RetryPolicy, same_person};
use crate::register::{KnownPerson, Register};
use crate::rollout::inventory::{Entry, MadeHere};
use keywright_files::Cancel;

/// Why such a key was not removed.
#[derive(Debug, thiserror::Error)]
pub enum UnknownKeyError {
    /// The account has no such key at the IdP.
    #[error("{login} has no key {directory_id} at the IdP")]
    NoSuchKey {
        /// The login.
        login: String,
        /// The IdP's name for the key.
        directory_id: String,
    },
    /// The ledger has it.
    #[error("{directory_id} is key {ordinal} of {login}, which was made here")]
    MadeHere {
        /// The login.
        login: String,
        /// The IdP's name for the key.
        directory_id: String,
        /// Which of the account's keys.
        ordinal: usize,
    },
    /// What else lets the account in could not be read.
    #[error("{0}")]
    CannotTell(Untold),
    /// Nothing else lets the account in.
    #[error("{login} has no other way in than the key {directory_id}")]
    LastWayIn {
        /// The login.
        login: String,
        /// The IdP's name for the key.
        directory_id: String,
    },
    /// The IdP still lists it after it was removed.
    #[error("the IdP still has the key {0}, though it says that it removed it")]
    StillThere(String),
    /// The login was handed on.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What came of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What became of the key.
    pub ending: UnknownKeyEnding,
    /// Whether what the account was signed in to ended; why not, if it did not.
    pub sessions: Result<(), String>,
}

/// The removal of a key from an account as it was read. Pure; asks nobody.
pub fn plan(
    entry: &Entry,
    directory: &str,
    directory_id: &str,
    reason: &str,
    operator: &Actor,
) -> Result<UnknownKeyRemoval, UnknownKeyError> {
    let login = || entry.user.login.clone();
    let Some(key) = entry.keys.iter().find(|key| key.whose.directory_id() == Some(directory_id)) else {
        return Err(match entry.key_untold.first() {
            Some(untold) => UnknownKeyError::CannotTell(untold.clone()),
            None => UnknownKeyError::NoSuchKey { login: login(), directory_id: directory_id.to_owned() },
        });
    };
    if let Some(MadeHere { ordinal, .. }) = key.whose.made_here() {
        return Err(UnknownKeyError::MadeHere { login: login(), directory_id: directory_id.to_owned(), ordinal });
    }
    if !has_another_way_in(entry, directory_id) {
        return Err(match entry.method_untold.first() {
            Some(untold) => UnknownKeyError::CannotTell(untold.clone()),
            None => UnknownKeyError::LastWayIn { login: login(), directory_id: directory_id.to_owned() },
        });
    }
    Ok(UnknownKeyRemoval {
        account: entry.account.clone().unwrap_or_else(|| AccountId::new(directory, &entry.user.login)),
        login: login(),
        user_id: entry.user.id.clone(),
        directory_id: directory_id.to_owned(),
        label: key.label.clone(),
        reason: reason.to_owned(),
        operator: operator.clone(),
    })
}

/// A key in service besides this one, or another method that is known to work.
fn has_another_way_in(entry: &Entry, directory_id: &str) -> bool {
    let by_key = entry.keys.iter().any(|key| key.in_service && key.whose.directory_id() != Some(directory_id));
    let is_key = |id: &str| entry.keys.iter().any(|key| key.whose.directory_id() == Some(id));
    let by_method = entry.methods.iter().any(|method| method.usable == Usable::Yes && !is_key(&method.id));
    by_key || by_method
}

/// What a removal works with.
pub struct Removing<'a> {
    /// The IdP.
    pub directory: &'a dyn Directory,
    /// The ledger, open for writing.
    pub store: &'a dyn Store,
    /// How often the IdP is asked again.
    pub retry: &'a RetryPolicy,
    /// Ends it between two requests.
    pub cancel: &'a Cancel,
}

impl Removing<'_> {
    /// Writes down that the key is to go, unless that stands there already, and removes it.
    pub fn remove(&self, removal: &UnknownKeyRemoval) -> Result<Removed, UnknownKeyError> {
        let mut register = Register::of(self.store)?;
        if register.rollout.unknown_key(&removal.account, &removal.directory_id).is_none() {
            register.record(self.store, &Event::UnknownKeyRemovalBegun(removal.clone()))?;
        }
        let UnknownKeyRemoval { account, login, user_id, .. } = removal;
        let person = KnownPerson::told(account.clone(), login.clone(), user_id.clone());
        let user = same_person::find(self.directory, self.retry, self.cancel, &person)?;
        let ending = self.ending(&user, &removal.directory_id)?;
        let sessions = match ending {
            UnknownKeyEnding::Kept { .. } => Err("the key is still there".to_owned()),
            UnknownKeyEnding::Removed {} | UnknownKeyEnding::Absent {} => self.end_sessions(&user),
        };
        let (account, directory_id) = (removal.account.clone(), removal.directory_id.clone());
        let removed = UnknownKeyRemoved { account, directory_id, ending: ending.clone() };
        register.record(self.store, &Event::UnknownKeyRemoved(removed))?;
        Ok(Removed { ending, sessions })
    }

    /// Removes the key, and reads back that it is gone. A refusal is an ending; an IdP that does not answer is asked again later.
    fn ending(&self, user: &User, directory_id: &str) -> Result<UnknownKeyEnding, UnknownKeyError> {
        let listed = || self.retry.ask(self.cancel, || self.directory.list(user));
        let Some(key) = listed()?.into_iter().find(|one| one.id == directory_id) else {
            return Ok(UnknownKeyEnding::Absent {});
        };
        match self.retry.ask(self.cancel, || self.directory.revoke(user, &key)) {
            Ok(()) => {}
            Err(DirectoryError::Forbidden { why, .. } | DirectoryError::Refused { why, .. }) => {
                return Ok(UnknownKeyEnding::Kept { why });
            }
            Err(error) => return Err(error.into()),
        }
        match listed()?.iter().any(|one| one.id == directory_id) {
            true => Err(UnknownKeyError::StillThere(directory_id.to_owned())),
            false => Ok(UnknownKeyEnding::Removed {}),
        }
    }

    fn end_sessions(&self, user: &User) -> Result<(), String> {
        let Some(sessions) = self.directory.capabilities().sessions else {
            return Err(format!("{} has no way for us to end them", self.directory.name()));
        };
        self.retry.ask(self.cancel, || sessions.end(user)).map_err(|error| error.to_string())
    }
}
