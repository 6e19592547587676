//! `keywright audit list`: every key of the ledger, a row each, with everything that it is checked against.

use clap::Args;

use super::records::{Asked, Sheet, print};
use crate::audit::record::KeyRecord;
use crate::cli::shared::{CliError, Exit, Session};

/// List every key of the ledger for an auditor: whose, which model, how proved, by whom, with which verdict.
///
/// Judged as 'keywright audit ledger' does it. With --csv, every column: a spreadsheet opens it without questions and calculates nothing
/// of it. What is out of service has its row and no verdict.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright audit list --csv > keys.csv\n  keywright audit list --from evidence --mds blob.jwt --json"
)]
pub(crate) struct List {
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    sheet: Sheet,
}

impl List {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let records = self.asked.audit(session, KeyRecord::all)?;
        print(&records, &self.sheet, session)?;
        Ok(Exit::Done)
    }
}
