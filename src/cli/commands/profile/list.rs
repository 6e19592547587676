//! `keywright profile list`: the profiles side by side.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::cli::view::profile::{ProfileView, overview};

/// List the profiles: what each class of accounts demands, side by side.
///
/// Four come with keywright; a file of your own folder adds one, or replaces the built-in one of its name.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright profile list\n  keywright profile list --profiles ours --json")]
pub(crate) struct List {
    /// A folder with profiles, instead of the settings'
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
}

impl List {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let profiles = profiles::load(self.profiles.as_deref(), &session.settings()?)?;
        let views: Vec<ProfileView<'_>> = profiles.values().map(ProfileView::new).collect();
        if session.output.is_json() {
            for view in &views {
                session.output.object(view)?;
            }
            return Ok(Exit::Done);
        }
        session.output.text(&overview(&views))?;
        session.console.say("all of one: keywright profile show NAME");
        Ok(Exit::Done)
    }
}
