//! `keywright key`: look at security keys, and change them one at a time.

pub(crate) mod add;
pub(crate) mod credentials;
pub(crate) mod edit;
pub(in crate::cli::commands) mod erase;
pub(crate) mod fingerprint;
pub(crate) mod identify;
pub(crate) mod info;
pub(crate) mod list;
pub(in crate::cli::commands) mod mark;
mod owner;
pub(crate) mod pin;
pub(crate) mod policy;
pub(crate) mod reset;
pub(crate) mod return_key;

use clap::{Args, Subcommand};

use crate::cli::shared::{CliError, Exit, Session};

/// Look at security keys, and change them one at a time.
///
/// A command that needs one key refuses to choose: if several are plugged in, name it with --key, or touch it (--key touch).
#[derive(Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    List(list::List),
    Info(info::Info),
    Identify(identify::Identify),
    Credentials(credentials::Credentials),
    Pin(pin::PinCommand),
    Policy(policy::Policy),
    Fingerprint(fingerprint::FingerprintCommand),
    Reset(reset::Reset),
    Add(add::Add),
    Edit(edit::Edit),
    Return(return_key::Return),
}

impl Key {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            KeyCommand::List(command) => command.run(session),
            KeyCommand::Info(command) => command.run(session),
            KeyCommand::Identify(command) => command.run(session),
            KeyCommand::Credentials(command) => command.run(session),
            KeyCommand::Pin(command) => command.run(session),
            KeyCommand::Policy(command) => command.run(session),
            KeyCommand::Fingerprint(command) => command.run(session),
            KeyCommand::Reset(command) => command.run(session),
            KeyCommand::Add(command) => command.run(session),
            KeyCommand::Edit(command) => command.run(session),
            KeyCommand::Return(command) => command.run(session),
        }
    }
}
