//! `keywright rollout`: the roll-out plan.

mod check;

use clap::{Args, Subcommand};

use self::check::Check;
use crate::cli::shared::{CliError, Exit, Session};

/// The roll-out plan: rollout.toml
#[derive(Args)]
pub(crate) struct Rollout {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(missing_docs, reason = "a comment here would take the place of the command's own help")]
enum Command {
    Check(Check),
}

impl Rollout {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            Command::Check(command) => command.run(session),
        }
    }
}
