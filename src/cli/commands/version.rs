//! `keywright version`: the same as `--version`, for those who look for a command.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};

/// Print the version.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright version\n  keywright version --json")]
pub(crate) struct Version {}

#[derive(Serialize)]
struct Program {
    version: &'static str,
}

impl View for Program {
    const KIND: &'static str = "version";
}

impl Version {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let program = Program { version: env!("CARGO_PKG_VERSION") };
        session.output.result(&program, || format!("keywright {}", program.version))?;
        Ok(Exit::Done)
    }
}
