//! `keywright inventory`: each person's ways in, at the IdP and in the register.

mod diff;
mod paths;
mod take;

use clap::{Args, Subcommand};

use self::diff::Diff;
use self::take::Take;
use crate::cli::shared::{CliError, Exit, Session};

/// List each person's ways in: roles, keys at IdP and in ledger, weak methods, last use.
///
/// Changes nothing at the IdP. Where it has a report over all accounts, that is used. What could not be read is named, with the
/// permission that it needs, and never shown as clean. The list is kept under the state folder, and its SHA-256 goes into the ledger,
/// so that two can be compared. An inventory that was interrupted goes on where it ended, for a day.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "Keys:\n  ours      the IdP and the ledger have it\n  unknown   nobody here made it\n  gone      the IdP no longer has it\n  outlived  taken out of service here, and still at the IdP\n  bound, synced: where its private key is; 'told_by' in --json says who says so\n  ?         something could not be read\n\n\
        Example:\n  keywright inventory --all-admins\n  keywright inventory --group sales --csv > sales.csv\n  keywright inventory --role owner --page admins.html\n  keywright inventory --paths\n  keywright inventory diff"
)]
pub(crate) struct Inventory {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    take: Take,
}

#[derive(Subcommand)]
#[allow(missing_docs, reason = "a comment here would take the place of the command's own help")]
enum Other {
    Diff(Diff),
}

impl Inventory {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.other {
            Some(Other::Diff(diff)) => diff.run(session),
            None => self.take.run(session),
        }
    }
}
