//! `keywright station`: this station among others.

pub(crate) mod show;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// This station, where several share a register.
#[derive(Args)]
pub(crate) struct Station {
    #[command(subcommand)]
    command: StationCommand,
}

#[derive(Subcommand)]
enum StationCommand {
    Show(show::Show),
}

impl Station {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            StationCommand::Show(command) => command.run(session),
        }
    }
}
