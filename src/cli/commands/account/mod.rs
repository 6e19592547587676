//! `keywright account`: what happens to people.

pub(crate) mod edit;
pub(crate) mod erase;
pub(crate) mod forget;
pub(crate) mod left;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// People who leave, who were a mistake, whose name was wrong or is to be erased.
///
/// The account is named by its login, a former one, or the IdP's id of the user.
#[derive(Args)]
pub(crate) struct Account {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Subcommand)]
enum AccountCommand {
    Left(left::Left),
    Forget(forget::Forget),
    Edit(edit::Edit),
    Erase(erase::Erase),
}

impl Account {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            AccountCommand::Left(command) => command.run(session),
            AccountCommand::Forget(command) => command.run(session),
            AccountCommand::Edit(command) => command.run(session),
            AccountCommand::Erase(command) => command.run(session),
        }
    }
}
