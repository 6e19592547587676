//! `keywright attest`: attestations of any origin, without a key and without a ledger.

pub mod verify;

use clap::{Args, Subcommand};

use super::{CliError, Exit, Session};

/// Judge attestations that were kept.
#[derive(Args)]
pub struct Attest {
    #[command(subcommand)]
    command: AttestCommand,
}

#[derive(Subcommand)]
enum AttestCommand {
    Verify(verify::Verify),
}

impl Attest {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            AttestCommand::Verify(command) => command.run(session),
        }
    }
}
