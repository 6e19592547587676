//! `keywright hand-over`: PINs that have not reached their readers.

pub(crate) mod again;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// PIN letters that did not come out of the printer.
#[derive(Args)]
pub(crate) struct HandOver {
    #[command(subcommand)]
    command: HandOverCommand,
}

#[derive(Subcommand)]
enum HandOverCommand {
    Again(again::Again),
}

impl HandOver {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            HandOverCommand::Again(command) => command.run(session),
        }
    }
}
