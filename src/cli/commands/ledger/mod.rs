//! `keywright ledger`: show, verify and export the log. None of these writes to it.

pub(crate) mod export;
pub(crate) mod show;
pub(crate) mod verify;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// The ledger: show, verify and export it.
#[derive(Args)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Subcommand)]
enum LedgerCommand {
    Show(show::Show),
    Verify(verify::Verify),
    Export(export::Export),
}

impl Ledger {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            LedgerCommand::Show(command) => command.run(session),
            LedgerCommand::Verify(command) => command.run(session),
            LedgerCommand::Export(command) => command.run(session),
        }
    }
}
