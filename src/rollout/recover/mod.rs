//! A key is lost: who asked and how their identity was proved, the account kept shut if the key may be stolen, sessions ended, the key
//! revoked, the account opened again, a pass if one is wanted, a new key made and proved.
//!
//! It is journalled: that the key is to go is in the log before anybody is asked anything, each step before it is done, and whoever
//! comes back goes on where it stopped. It refuses to begin without a word on who asked and how that is known (NIST SP 800-63B-4,
//! 4.2), and to touch a break-glass account. It never opens an account before the key that is gone is revoked.

mod go_on;
mod pass;
mod plan;

use std::fmt;

pub use go_on::{Recovered, StandsAt, begin, give_up, go_on};
pub use plan::{RecoveryPlan, Wanted, plan};

use crate::idp::DirectoryError;
use crate::ledger::rollout::{RecoveryId, RecoveryStep};
use crate::ledger::{AccountId, LedgerError};
use crate::provision::{PersonError, RevokeError, RunError};
use crate::secret::SecretError;

/// Why a recovery did not begin, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The ledger has no such key of the account that could still sign in.
    #[error("{account} has no key {ordinal} in service")]
    NoSuchKey {
        /// The account.
        account: AccountId,
        /// Which of its keys.
        ordinal: usize,
    },
    /// Another recovery of the account goes on.
    #[error("{recovery} of {account} goes on, for key {lost}")]
    AnotherGoesOn {
        /// The account.
        account: AccountId,
        /// The one that goes on.
        recovery: RecoveryId,
        /// The key that it is about.
        lost: usize,
    },
    /// It is kept for emergencies.
    #[error("{0} is a break-glass account")]
    BreakGlass(AccountId),
    /// The person left, or was a mistake.
    #[error("{0} is not active in the ledger")]
    NotActive(AccountId),
    /// The IdP shut the account out for good.
    #[error("{account} cannot be let in again by keywright: it is {word} at the IdP")]
    Out {
        /// The account.
        account: AccountId,
        /// The IdP's word.
        word: String,
    },
    /// A step did not come to its end.
    #[error("{}: {why}", At(*step))]
    Step {
        /// The step.
        step: RecoveryStep,
        /// Why.
        #[source]
        why: Box<StepError>,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The IdP, before anything was begun.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The login was handed on.
    #[error(transparent)]
    Person(#[from] PersonError),
}

/// A step within a sentence that says that it failed.
struct At(RecoveryStep);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not done", self.0)
    }
}

/// Why a step did not come to its end. The recovery stands there, and goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The login was handed on.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The key's removal.
    #[error(transparent)]
    Revoke(RevokeError),
    /// The IdP did not answer to the key's removal, which is written down.
    #[error("the IdP did not answer, and the key still signs in there")]
    StillSignsIn,
    /// The pass reached nobody, and was withdrawn.
    #[error("the pass reached nobody and was withdrawn: {0}")]
    HandOver(SecretError),
    /// The pass was printed, and nobody said that it came out; it was withdrawn.
    #[error("nobody said that the pass came out of the printer; it was withdrawn")]
    NotOutOfThePrinter,
    /// The run that makes the new key.
    #[error(transparent)]
    Run(RunError),
}
