//! Why a run could not begin, or go on at all.

use super::pin_delivery::NoDelivery;
use super::scheduler::SchedulerError;
use crate::idp::{DirectoryError, Finding};
use crate::ledger::LedgerError;
use keywright_fido::ctap::TransportError;

/// Why a run could not begin or go on at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The IdP is reached, but no registration would work.
    #[error("{directory} would refuse every registration: {}", messages(findings))]
    Blocked {
        /// The IdP's name.
        directory: String,
        /// What blocks.
        findings: Vec<Finding>,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The keys' bus.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A PIN could not reach anybody.
    #[error(transparent)]
    HandOver(#[from] NoDelivery),
    /// No key came.
    #[error("no key is plugged in")]
    NoKey,
}

fn messages(findings: &[Finding]) -> String {
    findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
}

impl From<SchedulerError> for RunError {
    fn from(error: SchedulerError) -> Self {
        match error {
            SchedulerError::Ledger(error) => Self::Ledger(error),
            SchedulerError::Transport(error) => Self::Transport(error),
        }
    }
}
