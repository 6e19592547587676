//! Runs a plan, or what earlier runs left open, with all keys that are there at once.

use std::collections::{BTreeMap, BTreeSet};

use super::journal::Journal;
use super::report::Report;
use super::scheduler::{ResolvedAccount, Scheduler, SchedulerError, complete_account};
use super::{JobError, Plan, Planned, Station};
use crate::idp::{DirectoryError, Finding};
use crate::ledger::{AccountId, Event, Failure, FailureCode, JobId, LedgerError};
use crate::profile::HandOver;
use keywright_fido::hid::HidError;

/// Why a run could not begin or go on at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The directory is reached, but no registration would work.
    #[error("{directory} would refuse every registration: {}", messages(findings))]
    Blocked {
        /// The directory's name.
        directory: String,
        /// What blocks.
        findings: Vec<Finding>,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The keys' bus.
    #[error(transparent)]
    Hid(#[from] HidError),
    /// A PIN could not reach anybody.
    #[error("profile {profile} {why}")]
    HandOver {
        /// The profile's name.
        profile: String,
        /// What is missing.
        why: &'static str,
    },
    /// No key came.
    #[error("no key is plugged in")]
    NoKey,
}

fn messages(findings: &[Finding]) -> String {
    findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
}

impl From<SchedulerError> for RunError {
    fn from(error: SchedulerError) -> Self {
        match error {
            SchedulerError::Ledger(error) => Self::Ledger(error),
            SchedulerError::Hid(error) => Self::Hid(error),
        }
    }
}

/// Makes every key of the plan, and goes on with what earlier runs left open for its people. Failures of single people are in
/// the report.
pub fn run(station: &Station<'_>, plan: &Plan) -> Result<Report, RunError> {
    go(station, &Journal::open(station.store)?, plan)
}

/// Goes on with everyone in the ledger who is not done.
pub fn resume(station: &Station<'_>) -> Result<Report, RunError> {
    let journal = Journal::open(station.store)?;
    let plan = Plan::for_resuming(station.directory.name(), &journal.book());
    go(station, &journal, &plan)
}

fn go(station: &Station<'_>, journal: &Journal<'_>, plan: &Plan) -> Result<Report, RunError> {
    every_pin_has_a_way(station, plan)?;
    preflight(station)?;
    let batch = journal.book().batch + 1;
    journal.record_all(&beginning(station, journal, plan, batch))?;
    work(station, journal, batch, &plan.people)
}

/// Checks everything that can be checked without writing to a key, the directory or the ledger: the directory, the accounts,
/// and whether the keys that are plugged in are fit. The report's jobs are those that would be begun.
pub fn dry_run(station: &Station<'_>, plan: &Plan) -> Result<Report, RunError> {
    every_pin_has_a_way(station, plan)?;
    preflight(station)?;
    super::dry_run::check(station, plan)
}

/// A profile's way of handing PINs over has to exist before the first key gets one.
fn every_pin_has_a_way(station: &Station<'_>, plan: &Plan) -> Result<(), RunError> {
    for planned in &plan.people {
        let profile = &planned.profile;
        let why = match profile.hand_over {
            HandOver::Age if station.readers.is_empty() => "hands PINs over as age files, but no reader is named",
            HandOver::Letter if station.letter_program.is_empty() => {
                "hands PINs over as letters, but no program that prints them is named"
            }
            HandOver::Age | HandOver::Letter | HandOver::Terminal => continue,
        };
        return Err(RunError::HandOver { profile: profile.name.to_string(), why });
    }
    Ok(())
}

fn preflight(station: &Station<'_>) -> Result<(), RunError> {
    let findings = station.retry_policy.ask(&station.cancel, || station.directory.preflight())?;
    let (blocking, others): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(|finding| finding.blocks);
    for finding in others {
        station.operator.tell(&finding.message);
    }
    if blocking.is_empty() {
        return Ok(());
    }
    Err(RunError::Blocked { directory: station.directory.name().to_owned(), findings: blocking })
}

/// The plan as events. They are written at once, so that a crash leaves the whole plan in the ledger, or nothing of it.
fn beginning(station: &Station<'_>, journal: &Journal<'_>, plan: &Plan, batch: u64) -> Vec<Event> {
    let book = journal.book();
    let mut events = vec![Event::BatchStarted {
        batch,
        operator: station.operator_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        directory: station.directory.name().to_owned(),
        roster_sha256: plan.roster_sha256.map(|hash| data_encoding::HEXLOWER.encode(&hash)),
    }];
    let mut next = book.next_job();
    for planned in plan.people.iter().filter(|planned| !planned.ordinals.is_empty()) {
        events.push(Event::AccountPlanned {
            batch,
            account: planned.account.clone(),
            person: planned.person.clone(),
            profile: Box::new(planned.profile.clone()),
        });
        for ordinal in &planned.ordinals {
            events.push(Event::JobPlanned { job: next, account: planned.account.clone(), ordinal: *ordinal });
            next = JobId(next.0 + 1);
        }
    }
    events
}

fn work(station: &Station<'_>, journal: &Journal<'_>, batch: u64, people: &[Planned]) -> Result<Report, RunError> {
    let (attendees, absent) = attendance(station, journal, people)?;
    let jobs = open_jobs(journal, attendees.keys().collect());
    for planned in people {
        // The last run may have ended between the last key and this.
        complete_account(journal, &planned.account)?;
    }
    let failures =
        if jobs.is_empty() { BTreeMap::new() } else { Scheduler::new(station, journal, &attendees, &jobs).work()? };
    let report = Report::of(station, journal, batch, people, &absent, &failures);
    let nothing_happened = failures.is_empty() && !jobs.is_empty() && jobs.iter().all(|job| untouched(journal, *job));
    if nothing_happened && !report.interrupted {
        return Err(RunError::NoKey);
    }
    Ok(report)
}

fn untouched(journal: &Journal<'_>, job: JobId) -> bool {
    journal.book().jobs[&job].outcomes.is_empty()
}

/// Looks every person up who has a key to come. Those whom the directory does not know, or not as the person of the ledger, are
/// left out, with the reason.
#[allow(clippy::type_complexity, reason = "two maps by account, read at one place")]
fn attendance(
    station: &Station<'_>,
    journal: &Journal<'_>,
    people: &[Planned],
) -> Result<(BTreeMap<AccountId, ResolvedAccount>, BTreeMap<AccountId, Failure>), RunError> {
    let (mut attendees, mut absent) = (BTreeMap::new(), BTreeMap::new());
    // Why the directory did not answer for the last person.
    let mut silence: Option<Failure> = None;
    let mut gone = false;
    for planned in people {
        let account = &planned.account;
        if open_jobs(journal, [account].into()).is_empty() {
            continue;
        }
        if let (true, Some(failure)) = (gone, &silence) {
            // A directory that is down is not asked again for each of a hundred people.
            absent.insert(account.clone(), failure.clone());
            continue;
        }
        match super::attendee::find(station, journal, planned) {
            Ok(user) => {
                silence = None;
                attendees.insert(account.clone(), ResolvedAccount { planned: planned.clone(), user });
            }
            Err(JobError::Ledger(error)) => return Err(error.into()),
            Err(JobError::Job(failure)) => {
                station.operator.tell(&format!("{}: {}", account.login, failure.message));
                let silent = matches!(failure.code, FailureCode::DirectoryDown | FailureCode::DirectorySignIn);
                // Once may be about this person; twice in a row is about the directory.
                gone = silent && silence.is_some();
                silence = silent.then(|| failure.clone());
                absent.insert(account.clone(), failure);
            }
        }
    }
    Ok((attendees, absent))
}

/// Jobs of these accounts that are not done, in order.
fn open_jobs(journal: &Journal<'_>, accounts: BTreeSet<&AccountId>) -> Vec<JobId> {
    let book = journal.book();
    let open = book.jobs.iter().filter(|(_, job)| job.state.step().is_some() && accounts.contains(&job.account));
    open.map(|(id, _)| *id).collect()
}
