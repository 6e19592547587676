//! `keywright roster`: who needs keys.

mod draw;

use clap::{Args, Subcommand};

use self::draw::Draw;
use crate::cli::shared::{CliError, Exit, Session};

/// Rosters: who needs keys
#[derive(Args)]
pub(crate) struct Roster {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(missing_docs, reason = "a comment here would take the place of the command's own help")]
enum Command {
    Draw(Draw),
}

impl Roster {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            Command::Draw(command) => command.run(session),
        }
    }
}
