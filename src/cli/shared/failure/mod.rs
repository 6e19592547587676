//! Everything that can end a command. Messages are the rooms' own: what failed, on what. [`table`] has the exit code and what to
//! do next, because only the command line knows what a person can type.
//!
//! Messages and hints start in lower case and have no full stop. It refuses to print a secret: none of the rooms' errors holds one.

pub(crate) mod table;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::cli::shared::Exit;
use crate::cli::shared::device::KeysError;
use crate::idp::{DirectoryError, OpenError};
use crate::ledger::{LedgerError, TimeStampError};
use crate::profile::stock_list::StockListError;
use crate::profile::{ProfileError, RosterError};
use crate::provision::{DrillError, EraseError, LetterError, PinAttemptError, RevokeError, RunError};
use crate::rollout::enforce::EnforceError;
use crate::rollout::recover::RecoverError;
use crate::rollout::unknown_key::UnknownKeyError;
use crate::rollout::{PlanError, RolloutError};
use crate::secret::SecretError;
use crate::settings::SettingsError;
use keywright_attest::{MdsError, TrustError};
use keywright_fido::ctap::{CtapError, PinError, TransportError};
use keywright_files::FileError;
#[cfg(feature = "practice")]
use keywright_practice::{idp_server::StartError, softkey::SoftKeyError};

/// Everything that can end a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Which key is meant, or whether there is one.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Between this machine and a key.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A key's answer.
    #[error(transparent)]
    Ctap(#[from] CtapError),
    /// A text that is no PIN.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A PIN was wrong, or not sent.
    #[error(transparent)]
    PinAttempt(#[from] PinAttemptError),
    /// The key is in no state to take a PIN.
    #[error("{what}")]
    PinState {
        /// In what state it is.
        what: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// A secret could not be taken, sealed or handed over.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A private file.
    #[error(transparent)]
    Private(#[from] FileError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The roster.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The list of what was bought.
    #[error(transparent)]
    StockList(#[from] StockListError),
    /// The identity provider.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// An identity provider cannot be asked as it is set up.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A revocation.
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    /// A drill.
    #[error(transparent)]
    Drill(#[from] DrillError),
    /// A recovery.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The removal of a key that nobody here made.
    #[error(transparent)]
    UnknownKey(#[from] UnknownKeyError),
    /// An enforcement.
    #[error(transparent)]
    Enforce(#[from] EnforceError),
    /// A key was not erased, or is not known to be.
    #[error(transparent)]
    Erase(#[from] EraseError),
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The roll-out plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The estate was not read, or what was read of it.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// The practice IdP's server.
    #[cfg(feature = "practice")]
    #[error(transparent)]
    Serve(#[from] StartError),
    /// The soft keys.
    #[cfg(feature = "practice")]
    #[error(transparent)]
    SoftKeys(#[from] SoftKeyError),
    /// An anchor file.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The FIDO Alliance's metadata.
    #[error(transparent)]
    Mds(#[from] MdsError),
    /// Metadata could not be fetched.
    #[error(transparent)]
    Download(DirectoryError),
    /// A witness of checkpoints did not answer as one.
    #[error(transparent)]
    Witness(DirectoryError),
    /// A time-stamping server gave no good time stamp.
    #[error("{server}: {why}")]
    TimeStamp {
        /// Its host.
        server: String,
        /// Why.
        why: TimeStampError,
    },
    /// No metadata was ever stored.
    #[error("no FIDO metadata is stored")]
    NoMetadata,
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A file of ours could not be read or written.
    #[error("cannot use {}: {why}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A question had to be asked without a terminal.
    #[error("there is no terminal to ask on: {question}")]
    NobodyToAsk {
        /// The question.
        question: String,
    },
    /// The person said no.
    #[error("not confirmed; nothing was changed")]
    NotConfirmed,
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The settings demand a signature under a batch's checkpoint, and nobody gave it.
    #[error("the checkpoint of this batch is not signed: no key that is plugged in is one of the settings' ({keys})")]
    Unsigned {
        /// Their names.
        keys: String,
    },
    /// The settings, or the state folder, lack what the command works with.
    #[error("{what}")]
    NotSetUp {
        /// What is not there.
        what: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// Another machine is this station by now.
    #[error("this station has moved: only the machine that opens {to} goes on with it")]
    Moved {
        /// That machine's recipient.
        to: String,
    },
    /// Somebody pressed Ctrl-C while a single key was in hand.
    #[error("interrupted")]
    Stopped,
    /// Somebody pressed Ctrl-C in a run that can be resumed.
    #[error("interrupted")]
    Interrupted,
    /// A web server, a signal handler or a logger could not be set up.
    #[error("{what} failed: {why}")]
    System {
        /// What was to be set up.
        what: &'static str,
        /// What the system says.
        why: String,
    },
}

impl CliError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        table::meaning_of(self).exit
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> String {
        table::meaning_of(self).next.into_owned()
    }

    /// Whether it is the ledger's: that is told even if somebody ended the run.
    pub(crate) fn is_ledger(&self) -> bool {
        matches!(
            self,
            Self::Ledger(_)
                | Self::Run(RunError::Ledger(_))
                | Self::Revoke(RevokeError::Ledger(_))
                | Self::Drill(DrillError::Ledger(_))
                | Self::Erase(EraseError::Ledger(_))
                | Self::Recover(RecoverError::Ledger(_))
                | Self::Enforce(EnforceError::Ledger(_))
                | Self::UnknownKey(UnknownKeyError::Ledger(_))
        )
    }

    /// Further lines of the message, such as each wrong row of a roster.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            Self::Roster(RosterError::Heading { row, wrong, .. }) => {
                wrong.iter().map(|why| format!("row {row}: {why}")).collect()
            }
            Self::Roster(RosterError::Rows { rows, .. }) | Self::StockList(StockListError::Rows { rows, .. }) => {
                rows.iter().map(|(row, why)| format!("row {row}: {why}")).collect()
            }
            Self::Plan(PlanError::Wrong { file, faults }) => {
                faults.iter().map(|fault| format!("{file}:{}:{}: {}", fault.line, fault.column, fault.why)).collect()
            }
            Self::Keys(
                KeysError::Ambiguous { keys }
                | KeysError::SeveralTouched { keys }
                | KeysError::NotThisOne { keys, .. }
                | KeysError::NotThere { keys, .. },
            ) => keys.clone(),
            Self::Secret(error) | Self::Open(OpenError::Secret(error)) => error.child_words().into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

impl From<LetterError> for CliError {
    fn from(error: LetterError) -> Self {
        match error {
            LetterError::Secret(error) => error.into(),
            LetterError::Ledger(error) => error.into(),
        }
    }
}
