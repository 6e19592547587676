//! The command line: one file per command, arguments in, words out.
//!
//! Results go to stdout, everything else to stderr, questions to the terminal. It refuses to take a secret as an argument, and
//! to destroy anything without being asked to: no terminal and no `--yes` is a no.

pub mod args;
pub mod attest;
pub mod audit;
pub mod batch;
pub mod completions;
pub mod console;
pub mod device;
pub mod doctor;
pub mod drill;
pub mod enroll;
pub mod exit;
pub mod failure;
pub mod idp;
pub mod judging;
pub mod key;
pub mod ledger;
pub mod logging;
pub mod man;
pub mod mds;
pub mod output;
pub mod pin_entry;
pub mod provision;
#[cfg(feature = "practice")]
pub mod rehearse;
pub mod report;
pub mod resume;
pub mod revoke;
pub mod select_by_touch;
pub mod session;
#[cfg(feature = "practice")]
pub mod soft_keys;
#[cfg(all(feature = "practice", target_os = "linux"))]
pub mod softkey;
pub mod state;
pub mod status;
pub mod terminal;
pub mod witness;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

pub use args::{Arguments, Command};
pub use exit::Exit;
pub use failure::CliError;
pub use session::Session;

/// Runs the program. `--help`, `--version` and wrong usage end here too, with clap's words and codes (0 and 2).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe is the reader's business, not an error.
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    let session = Session::new(&arguments.global);
    let ended = match run(&arguments.command, &session) {
        Ok(exit) => exit,
        // Whatever a key or a prompt made of it, it was the person who ended it.
        Err(error) if session.cancel.is_cancelled() && error.exit() != Exit::Interrupted && !error.is_ledger() => {
            session.console.error(&CliError::Stopped);
            Exit::Interrupted
        }
        Err(error) => {
            session.console.error(&error);
            error.exit()
        }
    };
    ended.into()
}

fn run(command: &Command, session: &Session) -> Result<Exit, CliError> {
    logging::start(session)?;
    match command {
        #[cfg(feature = "practice")]
        Command::Rehearse(command) => command.run(session),
        Command::Provision(command) => command.run(session),
        Command::Resume(command) => command.run(session),
        Command::Status(command) => command.run(session),
        Command::Enroll(command) => command.run(session),
        Command::Revoke(command) => command.run(session),
        Command::Drill(command) => command.run(session),
        Command::Key(command) => command.run(session),
        Command::Doctor(command) => command.run(session),
        Command::Idp(command) => command.run(session),
        #[cfg(all(feature = "practice", target_os = "linux"))]
        Command::Softkey(command) => command.run(session),
        Command::Ledger(command) => command.run(session),
        Command::Audit(command) => command.run(session),
        Command::Attest(command) => command.run(session),
        Command::Mds(command) => command.run(session),
        Command::Completions(command) => command.run(session),
        Command::Man(command) => command.run(session),
        Command::Witness(command) => command.run(),
    }
}
