//! `keywright ledger`: show, verify, prove and export the log. One of these writes to it: `accept`.

pub(crate) mod accept;
pub(crate) mod checkpoint;
pub(crate) mod export;
pub(crate) mod prove;
pub(crate) mod show;
pub(crate) mod verify;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// The ledger: show, verify, sign, prove and export it.
#[derive(Args)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Subcommand)]
enum LedgerCommand {
    Show(show::Show),
    Verify(verify::Verify),
    Checkpoint(checkpoint::Checkpoint),
    Prove(prove::Prove),
    Accept(accept::Accept),
    Export(export::Export),
}

impl Ledger {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            LedgerCommand::Show(command) => command.run(session),
            LedgerCommand::Verify(command) => command.run(session),
            LedgerCommand::Checkpoint(command) => command.run(session),
            LedgerCommand::Prove(command) => command.run(session),
            LedgerCommand::Accept(command) => command.run(session),
            LedgerCommand::Export(command) => command.run(session),
        }
    }
}
