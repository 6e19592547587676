//! `keywright attest`: attestations of any origin, without a key and without a ledger.

pub(crate) mod verify;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// Verify saved attestations.
#[derive(Args)]
pub(crate) struct Attest {
    #[command(subcommand)]
    command: AttestCommand,
}

#[derive(Subcommand)]
enum AttestCommand {
    Verify(verify::Verify),
}

impl Attest {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            AttestCommand::Verify(command) => command.run(session),
        }
    }
}
