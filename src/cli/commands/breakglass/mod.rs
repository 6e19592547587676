//! `keywright breakglass`: accounts for emergencies.

mod add;
mod drill;
mod remove;
mod status;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// Keep accounts for emergencies, tried and locked away.
///
/// Two accounts at least, with keys in sealed bags in two places, tried every 90 days by two people. 'keywright enforce' never
/// touches them.
#[derive(Args)]
pub(crate) struct BreakGlass {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(missing_docs, reason = "a comment here would take the place of the command's own help")]
enum Command {
    Add(add::Add),
    Status(status::Status),
    Drill(drill::Drill),
    Remove(remove::Remove),
}

impl BreakGlass {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            Command::Add(command) => command.run(session),
            Command::Status(command) => command.run(session),
            Command::Drill(command) => command.run(session),
            Command::Remove(command) => command.run(session),
        }
    }
}
