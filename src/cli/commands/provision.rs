//! `keywright provision`: the keys of everybody on a roster.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::arguments::Work;
use crate::cli::shared::batch::{RunContext, RunKind};
use crate::cli::shared::findings::station;
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::cli::view;
use crate::profile::{ColumnHeading, ProfileName, RosterLayout};
use crate::provision::{Plan, Station};

/// Provision the keys of everybody on a roster.
///
/// The roster is a CSV file with the columns 'account' and 'profile' and, optionally, 'name', 'ticket', 'reason', 'storage' and
/// 'wave', as spreadsheets save it: with commas, semicolons or tabs, in UTF-8 or UTF-16. It is checked as a whole before anything is touched;
/// other columns are left alone, and named. Keys are taken as they are plugged in, several at once. People who have their keys
/// already are left alone, so the same roster can be run again.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright provision roster.csv --dry-run\n  keywright provision hr-export.csv --column account=UPN --profile exec\n  keywright provision roster.csv --idp corp\n  keywright provision roster.csv --wave 2\n  keywright provision roster.csv --softkeys 4 --json"
)]
pub(crate) struct Provision {
    /// The roster; - is standard input
    #[arg(value_name = "ROSTER")]
    roster: PathBuf,
    /// The roster's heading for one of our columns, if it is another: account=UPN. Once for each column
    #[arg(long, value_name = "COLUMN=HEADING")]
    column: Vec<ColumnHeading>,
    /// The profile of everybody on the roster; a column of profiles is not read then
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,
    /// Only those whose wave this is, in the roster's column 'wave'
    #[arg(long, value_name = "WAVE")]
    wave: Option<String>,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
}

impl Provision {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let ended = self.provision(session);
        // A dry run is there to tell all that is missing, and not one thing after the other.
        if self.work.dry_run && ended.is_err() {
            for finding in station::look(session) {
                finding.tell_what_to_do(session);
            }
        }
        ended
    }

    fn provision(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let profiles = profiles::load(self.profiles.as_deref(), &settings)?;
        if let Some(name) = &self.profile {
            profiles::find(name, &profiles)?;
        }
        let mut layout = RosterLayout { headings: settings.columns.clone(), profile: self.profile.clone() };
        layout.headings.extend(self.column.iter().map(|named| (named.column, named.heading.clone())));
        let mut roster = layout.read(&self.roster, &profiles)?;
        if let Some(wave) = &self.wave {
            roster.people.retain(|person| person.is_in_wave(wave));
            if roster.people.is_empty() {
                return Err(CliError::NotFound(format!("nobody on the roster is in wave {wave}")));
            }
        }
        if !roster.not_read.is_empty() {
            session.console.say(&format!("columns of the roster that are not read: {}", roster.not_read.join(", ")));
        }
        session.catch_interrupts(ENDING)?;
        let context = RunContext::open(&self.work, &settings, session)?;
        let draw = |station: &Station<'_>| Plan::for_roster(station, &roster, &profiles).map(Some);
        let outcome = context.run(RunKind::Provision, draw, session)?;
        view::print_outcome(&outcome, session)
    }
}
