//! `keywright profile`: what each class of accounts demands of its keys.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod show;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// Profiles: what each class of accounts demands of its keys.
#[derive(Args)]
pub(crate) struct Profile {
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Subcommand)]
enum ProfileCommand {
    List(list::List),
    Show(show::Show),
    New(new::New),
    Check(check::Check),
}

impl Profile {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            ProfileCommand::List(command) => command.run(session),
            ProfileCommand::Show(command) => command.run(session),
            ProfileCommand::New(command) => command.run(session),
            ProfileCommand::Check(command) => command.run(session),
        }
    }
}
