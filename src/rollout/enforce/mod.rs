//! Weak methods are taken from exactly those people who are ready, once the policy lets in nothing weaker.
//!
//! It is journalled: each method stands in the log, without its secret, before it goes, so that a person can be helped back. It refuses
//! to begin unless [`crate::rollout::ready`] says yes; and it takes nothing from somebody with fewer than two proved keys that the IdP
//! has in service, from a break-glass account, from an account whose list could not be read, and never a passkey.

mod go_on;
mod plan;

pub use go_on::{Enforced, Enforcing, PersonEnforced};
pub use plan::{EnforcementPlan, Kept, PersonPlan, Skipped, plan, policy_seen};

use crate::idp::DirectoryError;
use crate::ledger::LedgerError;
use crate::ledger::rollout::EnforcementId;

/// Why an enforcement did not begin, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum EnforceError {
    /// There are reasons to wait.
    #[error("{scope} cannot be enforced yet: {reasons} reasons")]
    NotReady {
        /// Whom it is about.
        scope: String,
        /// How many.
        reasons: usize,
    },
    /// Another one at this IdP did not come to its end.
    #[error("{enforcement} of {scope} goes on")]
    AnotherGoesOn {
        /// The one that goes on.
        enforcement: EnforcementId,
        /// Whom it is about.
        scope: String,
    },
    /// The IdP says that the policy does not act.
    #[error("no policy acts yet that lets {group} in by nothing weaker")]
    PolicyNotOn {
        /// The plan's name for the group.
        group: String,
    },
    /// The adapter removes nothing.
    #[error("{directory} lets keywright read and remove no sign-in methods")]
    NotOffered {
        /// The IdP's name.
        directory: String,
    },
    /// Somebody ended it between two people.
    #[error("interrupted")]
    Stopped,
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
