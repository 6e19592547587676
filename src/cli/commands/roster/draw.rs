//! `keywright roster draw`: the roster of who needs keys.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::estate::{Estate, WhichPeople, WhichPlan};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::spreadsheet::Spreadsheet;
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::profile::{ProfileName, Profiles, RosterLayout};
use crate::rollout::draw::{self, NoLonger, Row};
use crate::rollout::inventory::read::Depth;

/// Draw the roster of who needs keys, as 'keywright provision' takes it.
///
/// Prints CSV: account, profile, name and wave, and in further columns what each has already. Without --group, --role or --all-admins
/// it is about everybody in the roll-out plan; profile and wave are the plan's where it has the person. Who is on an older roster but
/// no longer asked for is told on stderr, with exit code 3. Changes nothing at the IdP.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright roster draw --all-admins > roster.csv\n  keywright roster draw --missing > to-make.csv\n  keywright roster draw --role helpdesk --profile admin --against roster.csv"
)]
pub(super) struct Draw {
    #[command(flatten)]
    people: WhichPeople,
    #[command(flatten)]
    plan: WhichPlan,
    /// The profile of everybody whom the plan has in no group
    #[arg(long, value_name = "NAME", default_value = "admin")]
    profile: ProfileName,
    /// Only who does not have all keys yet
    #[arg(long)]
    missing: bool,
    /// Tell who is on this roster and no longer asked for
    #[arg(long, value_name = "ROSTER")]
    against: Option<PathBuf>,
    #[command(flatten)]
    idp: WhichIdp,
}

impl View for Row {
    const KIND: &'static str = "roster-row";
}

impl View for NoLonger {
    const KIND: &'static str = "no-longer";
}

#[derive(Serialize)]
struct Drawn<'a> {
    directory: &'a str,
    people: usize,
    complete: usize,
    no_longer: usize,
    /// What could not be read that is about no single person, in sentences.
    untold: Vec<String>,
}

impl View for Drawn<'_> {
    const KIND: &'static str = "roster-drawn";
}

impl Draw {
    pub(super) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let known = profiles::load(None, &session.settings()?)?;
        profiles::find(&self.profile, &known)?;
        let older = self.against.as_ref().map(|file| self.read(file, &known, session)).transpose()?;
        let plan = self.people.plan(&self.plan, session)?;
        let estate = Estate::open(&self.idp, plan.as_ref(), session)?;
        session.catch_interrupts("ending; what was read is kept for a day; Ctrl-C again ends at once")?;
        let register = session.register_or_empty()?;
        let scope = self.people.scope();
        let inventory = estate.inventory(&scope, plan.as_ref(), Depth::Report, &register, false)?;
        let mut rows = draw::draw(&inventory, plan.as_ref(), &self.profile, &register, Session::now());
        let complete = rows.iter().filter(|row| row.is_complete()).count();
        if self.missing {
            rows.retain(|row| !row.is_complete());
        }
        let no_longer = match &older {
            Some(people) => draw::no_longer(people, &inventory, plan.as_ref()),
            None => Vec::new(),
        };
        let untold: Vec<String> = inventory.untold.iter().map(ToString::to_string).collect();
        if session.output.is_json() {
            rows.iter().try_for_each(|row| session.output.object(row))?;
            no_longer.iter().try_for_each(|one| session.output.object(one))?;
            let (people, no_longer) = (rows.len(), no_longer.len());
            session.output.object(&Drawn { directory: &inventory.directory, people, complete, no_longer, untold })?;
        } else {
            session.output.bytes(&csv(&rows))?;
            for one in &no_longer {
                session.console.say(&format!("{}: {}", one.account, one.why.words()));
            }
            untold.iter().for_each(|untold| session.console.warn(untold));
            let people = count(rows.len(), "person", "people");
            session.console.say(&format!("{people}; {complete} have all their keys"));
        }
        // Whom a list that was kept back may have, nobody can call gone.
        let is_clean = no_longer.is_empty() && (older.is_none() || inventory.untold.is_empty());
        Ok(if is_clean { Exit::Done } else { Exit::Partial })
    }

    fn read(
        &self,
        file: &std::path::Path,
        known: &Profiles,
        session: &Session,
    ) -> Result<Vec<crate::profile::Person>, CliError> {
        let headings = session.settings()?.columns;
        let layout = RosterLayout { headings, profile: None };
        Ok(layout.read(file, known)?.people)
    }
}

/// What `provision` reads comes first; it leaves further columns alone.
fn csv(rows: &[Row]) -> Vec<u8> {
    let mut sheet = Spreadsheet::new([
        "account",
        "profile",
        "name",
        "wave",
        "roles",
        "keys",
        "unknown keys",
        "weak methods",
        "cannot tell",
    ]);
    for row in rows {
        let keys = match row.required {
            Some(required) => format!("{} of {required}", row.proved),
            None => "none".to_owned(),
        };
        let unknown = if row.unknown == 0 { String::new() } else { row.unknown.to_string() };
        sheet.row([
            row.account.as_str(),
            row.profile.as_str(),
            &row.name,
            row.wave.as_deref().unwrap_or_default(),
            &row.roles.join("; "),
            &keys,
            &unknown,
            &row.weak.join("; "),
            &row.untold.join("; "),
        ]);
    }
    sheet.finish()
}
