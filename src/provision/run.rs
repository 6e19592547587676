//! Runs a plan, or what earlier runs left open, with all keys that are there at once.

use std::collections::{BTreeMap, BTreeSet};

use super::job_error::JobError;
use super::journal::Journal;
use super::plan::{Plan, Planned};
use super::preflight;
use super::report::Report;
use super::resolve_account::resolve;
use super::run_error::RunError;
use super::scheduler::{ResolvedAccount, Scheduler};
use super::station::Station;
use crate::ledger::{AccountId, Event, Failure, FailureCode, JobId};

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
    preflight::check(station, plan)?;
    let batch = journal.book().batch + 1;
    journal.record_all(&beginning(station, journal, plan, batch))?;
    work(station, journal, batch, &plan.people)
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
        journal.complete_account(&planned.account)?;
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
        match resolve(station, journal, planned) {
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
