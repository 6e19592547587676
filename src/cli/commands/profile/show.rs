//! `keywright profile show`: everything that a profile demands, and what a key lacks for it.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::arguments::OneKey;
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::cli::view::profile::ProfileView;
use crate::profile::ProfileName;
use crate::provision::lacks;

/// Show everything that a profile demands, and what a key in hand lacks for it.
///
/// With --key, or with soft keys, the key is asked what it says of itself; nothing on it changes. Whether it is genuine says
/// 'keywright audit key --profile NAME'. Ends with 3 if the key does not meet the profile.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright profile show admin\n  keywright profile show break-glass --key touch\n  keywright profile show exec --json"
)]
pub(crate) struct Show {
    /// Which profile
    #[arg(value_name = "NAME")]
    name: ProfileName,
    /// A folder with profiles, instead of the settings'
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    #[command(flatten)]
    which: OneKey,
}

impl Show {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let profiles = profiles::load(self.profiles.as_deref(), &session.settings()?)?;
        let profile = profiles::find(&self.name, &profiles)?;
        let view = ProfileView::new(profile);
        if self.which.key.is_none() && self.which.source.softkeys().is_none() {
            session.output.result(&view, || view.in_full())?;
            return Ok(Exit::Done);
        }
        let key = OpenKey::open(&self.which, session)?;
        let lacks: Vec<_> = lacks(key.authenticator.info(), profile).into_iter().map(|lack| lack.message).collect();
        let exit = if lacks.is_empty() { Exit::Done } else { Exit::Partial };
        let view = view.with_key(lacks);
        session.output.result(&view, || view.in_full())?;
        Ok(exit)
    }
}
