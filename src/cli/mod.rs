//! The command line: `command` is the tree of commands, `commands` has one file or folder for each, `view` shows things, `shared`
//! is what commands share. Each knows only those after it.
//!
//! Results go to stdout, everything else to stderr, questions to the terminal. It refuses to take a secret as an argument, and
//! to destroy anything without being asked to: no terminal and no `--yes` is a no.

mod command;
mod commands;
mod shared;
mod view;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use command::{Arguments, tree};
use commands::completions;
use shared::{CliError, Exit, Session, logging};

/// Runs the program. `--help`, `--version` and wrong usage end here too, with clap's words and codes (0 and 2).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match completions::answered(tree, &arguments) {
        Ok(true) => return Exit::Done.into(),
        Ok(false) => {}
        Err(error) => error.exit(),
    }
    let parsed = tree().try_get_matches_from(arguments).and_then(|found| Arguments::from_arg_matches(&found));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe is the reader's business, not an error.
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    let session = Session::new(&arguments.global);
    let ready =
        logging::start(&session).and_then(|()| session.named_settings_exist(arguments.command.writes_settings()));
    let ended = ready.and_then(|()| arguments.command.run(&session));
    // Also of what a command wrote that did not end well.
    let ended = match session.end_with_checkpoint() {
        Err(error) if ended.is_ok() => Err(error),
        _ => ended,
    };
    let ended = match ended {
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
