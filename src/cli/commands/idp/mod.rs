//! `keywright idp`: the identity provider.

pub(crate) mod add;
pub(crate) mod check;
mod command_rights;
pub(crate) mod default_idp;
pub(crate) mod edit;
pub(crate) mod list;
pub(crate) mod remove;
#[cfg(feature = "practice")]
pub(crate) mod serve;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// The identity providers: set them up, list and check them, or serve one for practice.
#[derive(Args)]
pub(crate) struct Idp {
    #[command(subcommand)]
    command: IdpCommand,
}

#[derive(Subcommand)]
enum IdpCommand {
    Add(add::Add),
    List(list::List),
    Check(check::Check),
    Default(default_idp::DefaultIdp),
    Edit(edit::Edit),
    Remove(remove::Remove),
    #[cfg(feature = "practice")]
    Serve(serve::Serve),
}

impl Idp {
    /// Whether it makes the settings file where there is none.
    pub(crate) fn writes_settings(&self) -> bool {
        matches!(self.command, IdpCommand::Add(_))
    }

    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            IdpCommand::Add(command) => command.run(session),
            IdpCommand::List(command) => command.run(session),
            IdpCommand::Check(command) => command.run(session),
            IdpCommand::Default(command) => command.run(session),
            IdpCommand::Edit(command) => command.run(session),
            IdpCommand::Remove(command) => command.run(session),
            #[cfg(feature = "practice")]
            IdpCommand::Serve(command) => command.run(session),
        }
    }
}
