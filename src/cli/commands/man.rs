//! `keywright man`: the manual pages, made from the same definitions as `--help`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::{CliError, Exit, Session};

/// Write the manual pages.
///
/// With a folder, writes a page for each command into it. Without, prints the main page.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright man /usr/local/share/man/man1\n  keywright man | man -l -")]
pub(crate) struct Man {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Man {
    /// Runs it.
    pub(crate) fn run(&self, tree: clap::Command, session: &Session) -> Result<Exit, CliError> {
        let failed = |path: PathBuf, error: std::io::Error| CliError::File { path, why: error.to_string() };
        if let Some(folder) = &self.folder {
            std::fs::create_dir_all(folder).map_err(|error| failed(folder.clone(), error))?;
            clap_mangen::generate_to(tree, folder).map_err(|error| failed(folder.clone(), error))?;
        } else {
            let mut page = Vec::new();
            clap_mangen::Man::new(tree).render(&mut page).map_err(|error| failed("stdout".into(), error))?;
            session.output.bytes(&page)?;
        }
        Ok(Exit::Done)
    }
}
