//! `keywright station`: this station among others.

pub(crate) mod move_away;
pub(crate) mod receive;
pub(crate) mod show;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// This station: what others name it by, and moving it to another machine.
#[derive(Args)]
pub(crate) struct Station {
    #[command(subcommand)]
    command: StationCommand,
}

#[derive(Subcommand)]
enum StationCommand {
    Show(show::Show),
    Move(move_away::Move),
    Receive(receive::Receive),
}

impl Station {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            StationCommand::Show(command) => command.run(session),
            StationCommand::Move(command) => command.run(session),
            StationCommand::Receive(command) => command.run(session),
        }
    }
}
