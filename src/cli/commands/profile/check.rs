//! `keywright profile check`: are the profiles in order? Every file that is not is told, with its line and column.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session};
use crate::profile::{self, ProfileName};

/// Check profiles: your folder's, or the files that you name.
///
/// Says for every file whether it can be used, and where not, the line and column of the first fault. Ends with 2 if one has a fault.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright profile check\n  keywright profile check ours/board.toml ours/admin.toml"
)]
pub(crate) struct Check {
    /// Files, or folders with files
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Checked<'a> {
    file: &'a Path,
    profile: Option<ProfileName>,
    /// What is wrong, with its line and column.
    error: Option<String>,
}

impl View for Checked<'_> {
    const KIND: &'static str = "profile-check";
}

impl Check {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut paths = self.paths.clone();
        if paths.is_empty() {
            let Some(folder) = session.settings()?.profiles else {
                session.console.say("the settings name no folder of profiles, and the built-in ones are in order");
                return Ok(Exit::Done);
            };
            paths.push(folder);
        }
        let mut files = Vec::new();
        for path in paths {
            if path.is_dir() { files.extend(profile::files_in(&path)?) } else { files.push(path) }
        }
        let mut wrong = 0;
        for file in &files {
            let read = profile::read_file(file);
            let checked = Checked {
                file,
                profile: read.as_ref().ok().map(|profile| profile.name.clone()),
                error: read.as_ref().err().map(ToString::to_string),
            };
            wrong += usize::from(checked.error.is_some());
            session.output.result(&checked, || match &checked.error {
                None => format!("{}: in order", file.display()),
                Some(error) => error.clone(),
            })?;
        }
        if wrong == 0 {
            session.console.say(&format!("{} in order", count(files.len(), "profile is", "profiles are")));
            return Ok(Exit::Done);
        }
        session.console.say(&format!("{} of {}", wrong, count(files.len(), "file has a fault", "files have a fault")));
        Ok(Exit::Usage)
    }
}
