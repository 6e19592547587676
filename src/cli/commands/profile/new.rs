//! `keywright profile new`: a profile of your own, from one that is there. Its comments come along.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::profile::{self, BUILT_IN, ProfileName};
use keywright_files::private;

/// Make a profile of your own: a copy of a built-in one, with its comments, to be edited.
///
/// It goes into the settings' folder of profiles, or the one that you name. A file that is there already is left alone. Under
/// the name of a built-in profile, it replaces that one.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright profile new board --like exec\n  keywright profile new admin --profiles ours"
)]
pub(crate) struct New {
    /// What it is to be called: lower-case letters, digits, dashes
    #[arg(value_name = "NAME")]
    name: ProfileName,
    /// The built-in profile that it is copied from [default: the one of its name, else admin]
    #[arg(long, value_name = "BUILT-IN")]
    like: Option<ProfileName>,
    /// The folder, instead of the settings'
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made<'a> {
    name: &'a ProfileName,
    file: &'a Path,
}

impl View for Made<'_> {
    const KIND: &'static str = "profile-made";
}

impl New {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let folder = self.profiles.clone().or(settings.profiles).ok_or_else(|| {
            CliError::Usage(
                "the settings name no folder of profiles; add profiles = \"profiles\", or name one with --profiles"
                    .into(),
            )
        })?;
        let like = match &self.like {
            Some(like) => built_in(like).ok_or_else(|| {
                let names: Vec<_> = profile::built_in().into_keys().map(|name| name.to_string()).collect();
                CliError::Usage(format!("no built-in profile is called \"{like}\"; there are {}", names.join(", ")))
            })?,
            None => built_in(&self.name).unwrap_or(BUILT_IN[0].1),
        };
        private::make_folder(&folder)?;
        let file = folder.join(format!("{}.toml", self.name));
        if !private::write_new(&file, profile::renamed(like, &self.name)?.as_bytes())? {
            return Err(CliError::Usage(format!(
                "{} is there already; edit it, or choose another name",
                file.display()
            )));
        }
        let made = Made { name: &self.name, file: &file };
        session.output.result(&made, || file.display().to_string())?;
        session.console.say(&format!("edit it, then: keywright profile check {}", file.display()));
        Ok(Exit::Done)
    }
}

fn built_in(name: &ProfileName) -> Option<&'static str> {
    let file = format!("{name}.toml");
    BUILT_IN.iter().find(|(built_in, _)| *built_in == file).map(|(_, text)| *text)
}
