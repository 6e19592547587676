//! `keywright key`: look at security keys, and change them one at a time.

pub mod credentials;
pub mod identify;
pub mod info;
pub mod list;
pub mod pin;
pub mod policy;
pub mod reset;

use clap::{Args, Subcommand};

use super::{CliError, Exit, Session};

/// Look at security keys, and change them one at a time.
///
/// A command that needs one key refuses to choose: name it with --key if several are plugged in.
#[derive(Args)]
pub struct Key {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// List the keys that are plugged in
    List(list::List),
    /// Show everything that a key says of itself
    Info(info::Info),
    /// Say whose key this is, without its PIN
    Identify(identify::Identify),
    /// List the credentials on a key, or delete one
    Credentials(credentials::Credentials),
    /// Set or change a key's PIN, or show how many attempts are left
    Pin(pin::PinCommand),
    /// Show or change what a key enforces
    Policy(policy::Policy),
    /// Erase everything on a key
    Reset(reset::Reset),
}

impl Key {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            KeyCommand::List(command) => command.run(session),
            KeyCommand::Info(command) => command.run(session),
            KeyCommand::Identify(command) => command.run(session),
            KeyCommand::Credentials(command) => command.run(session),
            KeyCommand::Pin(command) => command.run(session),
            KeyCommand::Policy(command) => command.run(session),
            KeyCommand::Reset(command) => command.run(session),
        }
    }
}
