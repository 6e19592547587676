//! `keywright softkey`: software security keys for practice.

pub(crate) mod attach;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// Soft keys for other programs on this machine, such as a browser.
///
/// For practice only: their private keys lie readable in the state folder.
#[derive(Args)]
pub(crate) struct Softkey {
    #[command(subcommand)]
    command: SoftkeyCommand,
}

#[derive(Subcommand)]
enum SoftkeyCommand {
    /// Plug soft keys into this machine, until Ctrl-C (Linux)
    Attach(attach::Attach),
}

impl Softkey {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            SoftkeyCommand::Attach(command) => command.run(session),
        }
    }
}
