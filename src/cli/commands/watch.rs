//! `keywright watch`: what is new since the last look, and what is due soon.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::estate::{Estate, WhichPlan};
use crate::cli::shared::output::View;
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::AccountId;
use crate::ledger::rollout::Reading;
use crate::provision::PersonError;
use crate::register::Register;
use crate::rollout::breakglass::{self, Sighting};
use crate::rollout::inventory::read::Depth;
use crate::rollout::watch::{self, Finding, Grounds, Look};
use crate::rollout::{Plan, Scope};
use keywright_attest::Anchors;
use keywright_files::shown;

/// Say what is new since the last look, and what is due soon. Made for a timer.
///
/// One line each: a sign-in of a break-glass account outside a drill, a key that nobody here made, one of ours that the IdP no longer has
/// or still has though it was revoked, a weak method that is back, somebody whose account is disabled or deleted and who has keys, a new advisory or metadata status of a model in use, a drill that is
/// due within 14 days, a key that was never used in 30 days, and what could not be read. It is about everybody in the roll-out plan; about
/// everybody in the ledger and all administrators where there is none. Changes nothing at the IdP. Exit code 0: nothing; 3: something.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright watch\n  keywright watch --json | jq -r .message\n  keywright watch --ics drills.ics"
)]
pub(crate) struct Watch {
    /// Write everything that will be due as a calendar (iCalendar)
    #[arg(long, value_name = "FILE")]
    ics: Option<PathBuf>,
    #[command(flatten)]
    plan: WhichPlan,
    #[command(flatten)]
    idp: WhichIdp,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    finding: &'static str,
    directory: &'a str,
    /// `null` if it is about no single account.
    account: Option<&'a str>,
    message: String,
    next: String,
}

impl View for FindingLine<'_> {
    const KIND: &'static str = "watch-finding";
}

#[derive(Serialize)]
struct Watched<'a> {
    directory: &'a str,
    about: String,
    people: usize,
    findings: usize,
    /// RFC 3339: when the last look was; `null`: this is the first.
    since: Option<String>,
    /// Of what was read, as the ledger has it.
    sha256: &'a str,
}

impl View for Watched<'_> {
    const KIND: &'static str = "watched";
}

impl Watch {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let plan = self.plan.read_if_any(session)?;
        let scope = if plan.is_some() { Scope::Rollout } else { Scope::Ledger };
        let estate = Estate::open(&self.idp, plan.as_ref(), session)?;
        session.catch_interrupts("ending; Ctrl-C again ends at once")?;
        let register = session.register_or_empty()?;
        let inventory = estate.inventory(&scope, plan.as_ref(), Depth::EachAccount, &register, true)?;
        let judge = session.judge(Anchors::none())?;
        let now = Session::now();
        let models = watch::models(&register, judge.metadata(), now.date());
        let look = Look { inventory, models };
        let about = scope.to_string();
        let before = self.before(&look, &about, &register, session)?;
        let break_glass = sightings(&estate, &register, session)?;
        let findings = watch::judge(&Grounds {
            before: before.as_ref(),
            now: &look,
            plan: plan.as_ref(),
            register: &register,
            break_glass: &break_glass,
            at: now,
        });
        let sha256 = session.record_look(&about, &look, findings.len())?;
        self.write_calendar(&look, plan.as_ref(), &register, now)?;
        self.show(&findings, &look, about, before.as_ref(), &sha256, session)
    }

    /// The last look at the same people. One whose file is gone or of another version is as good as none, which is told.
    fn before(
        &self,
        look: &Look,
        about: &str,
        register: &Register,
        session: &Session,
    ) -> Result<Option<Look>, CliError> {
        let last = register.rollout.last_reading(Reading::Watch, &look.inventory.directory, about);
        let Some(last) = last else {
            session.console.say("this is the first look: what is new is told from the next one on");
            return Ok(None);
        };
        let before = session.shelf()?.get::<Look>(&last.read.sha256)?;
        if before.is_none() {
            session
                .console
                .warn("what the last look saw is not in this state folder: what is new since cannot be told");
        }
        Ok(before)
    }

    fn write_calendar(
        &self,
        look: &Look,
        plan: Option<&Plan>,
        register: &Register,
        now: time::OffsetDateTime,
    ) -> Result<(), CliError> {
        let Some(file) = &self.ics else { return Ok(()) };
        let dues = watch::dues(register, &look.inventory.directory, plan);
        write_private(file, watch::calendar(&dues, now).as_bytes())
    }

    fn show(
        &self,
        findings: &[Finding],
        look: &Look,
        about: String,
        before: Option<&Look>,
        sha256: &str,
        session: &Session,
    ) -> Result<Exit, CliError> {
        let directory = look.inventory.directory.as_str();
        for finding in findings {
            let (message, next) = (finding.to_string(), finding.next_step());
            let line = FindingLine { finding: finding.code(), directory, account: finding.account(), message, next };
            session
                .output
                .result(&line, || shown::one_line(&format!("{} -> {}", line.message, line.next)).into_owned())?;
        }
        let since = before.and_then(|look| look.inventory.taken.format(&Rfc3339).ok());
        let (people, number) = (look.inventory.people.len(), findings.len());
        if session.output.is_json() {
            session.output.object(&Watched { directory, about, people, findings: number, since, sha256 })?;
        }
        Ok(if findings.is_empty() { Exit::Done } else { Exit::Partial })
    }
}

/// What the IdP says of each break-glass account. One that is gone at the IdP is in the inventory, or told as a key that does not count.
fn sightings(
    estate: &Estate<'_>,
    register: &Register,
    session: &Session,
) -> Result<BTreeMap<AccountId, Sighting>, CliError> {
    let mut all = BTreeMap::new();
    let directory = &*estate.directory;
    for id in register.rollout.break_glass.keys().filter(|id| id.directory == directory.name()) {
        match breakglass::sight(directory, &estate.retry, &session.cancel, register, id, &[]) {
            Ok(sighting) => drop(all.insert(id.clone(), sighting)),
            Err(PersonError::Directory(crate::idp::DirectoryError::NotFound { .. })) => {
                session.console.warn(&format!("the break-glass account {} is not at {}", id.login, directory.name()));
            }
            Err(PersonError::Directory(error)) => return Err(error.into()),
            Err(error) => return Err(CliError::NotFound(error.to_string())),
        }
    }
    Ok(all)
}
