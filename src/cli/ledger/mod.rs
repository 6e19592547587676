//! `keywright ledger`: show, verify and export the log. None of these writes to it.

pub mod export;
pub mod show;
pub mod verify;

use clap::{Args, Subcommand};

use super::{CliError, Exit, Session};

/// The ledger: show, verify and export it.
#[derive(Args)]
pub struct Ledger {
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
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            LedgerCommand::Show(command) => command.run(session),
            LedgerCommand::Verify(command) => command.run(session),
            LedgerCommand::Export(command) => command.run(session),
        }
    }
}
