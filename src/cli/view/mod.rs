//! How things are shown: one view for each thing, for people and as JSON.

pub(crate) mod break_glass;
pub(crate) mod checkpoint;
pub(crate) mod enforcement;
pub(crate) mod get_info;
pub(crate) mod inventory;
pub(crate) mod key_credential;
pub(crate) mod ledger_credential;
pub(crate) mod ledger_head;
pub(crate) mod plan;
pub(crate) mod problem;
pub(crate) mod profile;
pub(crate) mod readiness;
pub(crate) mod recovery;
pub(crate) mod run_report;
pub(crate) mod status_account;

use crate::cli::shared::batch::Outcome;
use crate::cli::shared::{CliError, Exit, Session};

/// Prints what came of a plan, and returns what it means.
pub(crate) fn print_outcome(outcome: &Outcome, session: &Session) -> Result<Exit, CliError> {
    match outcome {
        Outcome::Nothing => Ok(Exit::Done),
        Outcome::DryRun(dry_run) => plan::print(dry_run, session),
        Outcome::Run(run) => run_report::print(run, session),
    }
}
