//! `keywright completions`: a script for the shell.

use clap::Args;
use clap_complete::Shell;

use crate::cli::shared::{CliError, Exit, Session};

/// Print a completion script for a shell.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright completions bash > /etc/bash_completion.d/keywright")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub(crate) fn run(&self, mut tree: clap::Command, session: &Session) -> Result<Exit, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut tree, "keywright", &mut script);
        session.output.bytes(&script)?;
        Ok(Exit::Done)
    }
}
