//! `keywright idp`: the identity provider.

pub mod check;
pub mod serve;

use clap::{Args, Subcommand};

use super::{CliError, Exit, Session};

/// The identity provider: check it, or serve one for practice.
#[derive(Args)]
pub struct Idp {
    #[command(subcommand)]
    command: IdpCommand,
}

#[derive(Subcommand)]
enum IdpCommand {
    Check(check::Check),
    Serve(serve::Serve),
}

impl Idp {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            IdpCommand::Check(command) => command.run(session),
            IdpCommand::Serve(command) => command.run(session),
        }
    }
}
