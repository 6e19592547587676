//! `keywright witness`: the witness's process, which keywright starts by itself. No person calls it, so no help lists it.

use std::io::{BufReader, stdin, stdout};

use clap::Args;

use crate::cli::shared::{CliError, Exit};
use crate::witness;

/// Verify one assertion with another implementation of CTAP2; keywright starts this by itself.
///
/// The question comes as a line on standard input, the answer is the last line on standard output.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright witness")]
pub(crate) struct Witness {}

impl Witness {
    /// Runs it.
    pub(crate) fn run(&self) -> Result<Exit, CliError> {
        witness::serve(BufReader::new(stdin()), stdout())
            .map_err(|error| CliError::System { what: "answering", why: error.to_string() })?;
        Ok(Exit::Done)
    }
}
