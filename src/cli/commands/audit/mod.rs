//! `keywright audit`: questions asked afterwards. None of these changes a key, an IdP or the ledger.

pub(crate) mod diff;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod list;
mod records;
pub(crate) mod sample;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// Check that keys and ledger are still as they should be.
#[derive(Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    Key(key::Key),
    Ledger(ledger::Ledger),
    List(list::List),
    Diff(diff::Diff),
    Sample(sample::Sample),
}

impl Audit {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            AuditCommand::Key(command) => command.run(session),
            AuditCommand::Ledger(command) => command.run(session),
            AuditCommand::List(command) => command.run(session),
            AuditCommand::Diff(command) => command.run(session),
            AuditCommand::Sample(command) => command.run(session),
        }
    }
}
