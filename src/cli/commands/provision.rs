//! `keywright provision`: the keys of everybody on a roster.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::arguments::Work;
use crate::cli::shared::batch::{RunContext, RunKind};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::cli::view;
use crate::profile::Roster;
use crate::provision::{Plan, Station};

/// Provision the keys of everybody on a roster.
///
/// The roster is a CSV file with the columns 'account' and 'profile' and, optionally, 'name', 'ticket', 'reason' and 'storage'. It is
/// checked as a whole before anything is touched. Keys are taken as they are plugged in, several at once. People who have their
/// keys already are left alone, so the same roster can be run again.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright provision roster.csv --dry-run\n  keywright provision roster.csv --idp corp\n  keywright provision roster.csv --softkeys 4 --json"
)]
pub(crate) struct Provision {
    /// The roster
    #[arg(value_name = "ROSTER")]
    roster: PathBuf,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
}

impl Provision {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let profiles = profiles::load(self.profiles.as_deref(), &settings)?;
        let roster = Roster::read(&self.roster, &profiles)?;
        session.catch_interrupts(ENDING)?;
        let context = RunContext::open(&self.work, &settings, session)?;
        let draw = |station: &Station<'_>| Plan::for_roster(station, &roster, &profiles);
        let outcome = context.run(RunKind::Provision, draw, session)?;
        view::print_outcome(&outcome, session)
    }
}
