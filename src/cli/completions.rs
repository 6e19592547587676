//! `keywright completions`: a script for the shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Arguments, CliError, Exit, Session};

/// Print a completion script for a shell.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright completions bash > /etc/bash_completion.d/keywright")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "keywright", &mut script);
        session.output.bytes(&script)?;
        Ok(Exit::Done)
    }
}
