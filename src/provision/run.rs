//! Carries out a plan with all keys that are there at once.

use std::collections::{BTreeMap, BTreeSet};

use super::journal::Journal;
use super::letters::{self, LetterError};
use super::plan::{Change, PendingLabel, PendingRevocation, Plan, Planned, pending_revocations};
use super::preflight;
use super::relabel::{Relabelled, relabel_in};
use super::report::Report;
use super::revoke::{self, RevokeError, RevokeOrder};
use super::run_error::RunError;
use super::scheduler::{ResolvedAccount, Scheduler};
use super::settle_erasures;
use super::station::Station;
use super::working_copy;
use crate::ledger::{AccountId, Event, Failure, JobId, LedgerError, Step, Store};
use crate::register::{Register, Replacement};

/// Makes every key of the plan, and goes on with what earlier runs left open for its people. Failures of single people are in
/// the report. Fails with [`LedgerError::Conflict`] if the log went on since the plan was drawn, otherwise than by work on jobs that
/// the plan knew.
pub fn run(station: &Station<'_>, plan: &Plan) -> Result<Report, RunError> {
    preflight::every_pin_has_a_way(station, plan)?;
    let journal = Journal::open(station.store)?;
    let (batch, first_new) = begin(station, &journal, plan)?;
    finish_revocations(station, &journal, &plan.revocations)?;
    finish_labels(station, &journal, &plan.labels)?;
    settle_erasures::settle(station, &journal, &plan.erasures)?;
    let open_before: BTreeSet<JobId> = journal.book().unfinished().map(|(id, _)| id).collect();
    let mut failures = work(station, &journal, first_new, plan)?;
    ask_for_letters(station, &journal, plan, &mut failures)?;
    finish_revocations(station, &journal, &replaced_now(station, &journal, plan))?;
    Ok(Report::read(station, &journal, batch, &plan.people, &open_before, &failures))
}

/// Writes the plan, after whatever other stations wrote since it was drawn. Gives the batch, and the first job that is new in it.
fn begin(station: &Station<'_>, journal: &Journal<'_>, plan: &Plan) -> Result<(u64, JobId), RunError> {
    loop {
        let (batch, first_new, head, events) = {
            let register = journal.book();
            let batch = register.batch + 1;
            (batch, register.next_job(), register.head.clone(), beginning(station, &register, plan, batch))
        };
        if head != plan.head && !still_holds(station.store, plan)? {
            return Err(LedgerError::Conflict { expected: plan.head.clone(), found: head }.into());
        }
        match journal.record_plan(&events) {
            Err(LedgerError::Conflict { .. }) => journal.catch_up()?,
            written => return written.map(|()| (batch, first_new)).map_err(RunError::from),
        }
    }
}

/// Whether all that was written since a plan was drawn is work on jobs that it knew: other stations go on meanwhile.
fn still_holds(store: &dyn Store, plan: &Plan) -> Result<bool, LedgerError> {
    let mut holds = true;
    store.each(&plan.head, &mut |entry| {
        holds &= match entry.event()? {
            Event::JobPlanned { .. } | Event::ReplacementPlanned { .. } | Event::JobGivenUp { .. } => false,
            Event::BatchStarted { .. } | Event::AccountCompleted { .. } | Event::AttentionNeeded { .. } => true,
            event => event.job().is_some(),
        };
        Ok(())
    })?;
    Ok(holds)
}

/// The plan as events. They are written at once, so that a crash leaves the whole plan in the log, or nothing of it.
fn beginning(station: &Station<'_>, register: &Register, plan: &Plan, batch: u64) -> Vec<Event> {
    let mut events = vec![Event::BatchStarted {
        batch,
        operator: station.operator_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        directory: station.directory.name().to_owned(),
        roster_sha256: plan.roster_sha256.map(|hash| data_encoding::HEXLOWER.encode(&hash)),
    }];
    let mut next = register.next_job();
    for planned in plan.people.iter().filter(|planned| planned.refused.is_none()) {
        let known = register.accounts.get(&planned.account);
        let as_known = known.is_some_and(|known| known.person == planned.person && *known.profile == planned.profile);
        let is_back = planned.changes.contains(&Change::Back);
        if planned.user.is_some() && (!as_known || is_back || !planned.ordinals.is_empty()) {
            events.push(Event::AccountPlanned {
                batch,
                account: planned.account.clone(),
                person: planned.person.clone(),
                profile: Box::new(planned.profile.clone()),
            });
        }
        events.extend(user_found(register, plan, planned));
        for ordinal in &planned.ordinals {
            events.push(Event::JobPlanned { job: next, account: planned.account.clone(), ordinal: *ordinal });
            if let Some(Replacement { ordinal, reason, same_key }) = plan.replaces.clone() {
                events.push(Event::ReplacementPlanned { job: next, ordinal, reason, same_key });
            }
            next = JobId(next.0 + 1);
        }
    }
    events
}

/// What the IdP says of the user, if the register does not say the same.
fn user_found(register: &Register, plan: &Plan, planned: &Planned) -> Option<Event> {
    let user = planned.user.as_ref()?;
    let known = register.accounts.get(&planned.account);
    let is_known = known.is_some_and(|known| {
        known.user_id.as_deref() == Some(user.id.as_str())
            && known.login == user.login
            && known.idp.as_ref() == Some(&plan.idp.instance)
    });
    (!is_known).then(|| Event::UserFound {
        account: planned.account.clone(),
        user_id: user.id.clone(),
        login: Some(user.login.clone()),
        idp: Some(plan.idp.instance.clone()),
        other_methods: planned.other_methods.clone(),
    })
}

/// Asks whether the letters that wait for somebody's word came out; those of earlier runs too. Without a yes they go on waiting.
fn ask_for_letters(
    station: &Station<'_>,
    journal: &Journal<'_>,
    plan: &Plan,
    failures: &mut BTreeMap<JobId, (Step, Failure)>,
) -> Result<(), RunError> {
    let letters: Vec<JobId> = {
        let book = journal.book();
        let of_account = |planned: &Planned| letters::waiting_letters(&book, &planned.account);
        plan.people.iter().flat_map(of_account).map(|(job, _)| job).collect()
    };
    // Nobody here saw what another station's printer did.
    let mut here = Vec::new();
    for job in letters {
        if working_copy::sealed_elsewhere(station, journal, job)?.is_none() {
            here.push(job);
        }
    }
    let letters = here;
    if letters.is_empty() || station.cancel.is_cancelled() || !station.operator.letters_came_out(letters.len()) {
        return Ok(());
    }
    for job in letters {
        match letters::arrived(journal, station.vault, job, &station.operator_name) {
            Ok(()) => _ = failures.remove(&job),
            Err(LetterError::Ledger(error)) => return Err(error.into()),
            // The ledger has the word; the next run takes the copy away.
            Err(LetterError::Secret(error)) => station.operator.tell(&error.to_string()),
        }
    }
    Ok(())
}

/// Keys of this plan's people that another one has taken the place of by now.
fn replaced_now(station: &Station<'_>, journal: &Journal<'_>, plan: &Plan) -> Vec<PendingRevocation> {
    let mut pending = pending_revocations(&journal.book(), (station.now)());
    pending.retain(|one| plan.people.iter().any(|planned| planned.account == one.account));
    // What the IdP could not be told before the work began is left for the next run.
    pending.retain(|one| !plan.revocations.contains(one));
    pending
}

/// Removes at the IdP what was revoked while it was away, or what another key has taken the place of.
fn finish_revocations(
    station: &Station<'_>,
    journal: &Journal<'_>,
    revocations: &[PendingRevocation],
) -> Result<(), RunError> {
    for PendingRevocation { account, login, ordinal, reason } in revocations {
        let (directory, cancel) = (station.directory, &station.cancel);
        let order = RevokeOrder { reason, operator: &station.operator_name };
        let message =
            match revoke::revoke_in(journal, directory, &station.retry_policy, cancel, account, *ordinal, order) {
                Ok(done) if done.pending.is_empty() => format!("{login}'s key {ordinal} is removed at the IdP"),
                Ok(_) => format!("{login}'s key {ordinal} still signs in: the IdP did not answer"),
                Err(RevokeError::Ledger(error)) => return Err(error.into()),
                Err(error) => format!("{login}'s key {ordinal} still signs in: {error}"),
            };
        station.operator.tell(&message);
    }
    Ok(())
}

/// Gives keys at the IdP the labels that were corrected while it was away.
fn finish_labels(station: &Station<'_>, journal: &Journal<'_>, labels: &[PendingLabel]) -> Result<(), RunError> {
    for PendingLabel { login, ordinal, credential_id, label, .. } in labels {
        let done = relabel_in(journal, station.directory, &station.retry_policy, &station.cancel, credential_id)?;
        let key = format!("{login}'s key {ordinal}");
        station.operator.tell(&match done {
            Relabelled::Done => format!("{key} is called \"{label}\" at the IdP"),
            Relabelled::Pending => format!("{key} is not called \"{label}\" at the IdP yet: the IdP did not answer"),
            Relabelled::Refused(why) => format!("{key} keeps its label at the IdP: {why}"),
        });
    }
    Ok(())
}

/// Works on everything that is open. Returns why jobs stopped.
fn work(
    station: &Station<'_>,
    journal: &Journal<'_>,
    first_new: JobId,
    plan: &Plan,
) -> Result<BTreeMap<JobId, (Step, Failure)>, RunError> {
    let attendees = plan.people.iter().filter_map(|planned| {
        let user = planned.user.clone().filter(|_| planned.has_keys_to_come())?;
        Some((planned.account.clone(), ResolvedAccount { planned: planned.clone(), user }))
    });
    let attendees: BTreeMap<AccountId, ResolvedAccount> = attendees.collect();
    let jobs = open_jobs(station, journal, &attendees)?;
    for planned in &plan.people {
        // The last run may have ended between the last key and this.
        journal.complete_account(&planned.account)?;
    }
    let failures =
        if jobs.is_empty() { BTreeMap::new() } else { Scheduler::new(station, journal, &attendees, &jobs).work()? };
    let no_key_came = failures.is_empty() && !jobs.is_empty() && jobs.iter().all(|job| untouched(journal, *job));
    if no_key_came && plan.withdrawn_without_key {
        let order = RevokeOrder { reason: "no key was plugged in", operator: &station.operator_name };
        let mut planned_now = jobs.iter().filter(|job| **job >= first_new);
        planned_now.try_for_each(|job| journal.record(&order.given_up(*job)))?;
    }
    if no_key_came && !station.cancel.is_cancelled() {
        return Err(RunError::NoKey);
    }
    Ok(failures)
}

fn untouched(journal: &Journal<'_>, job: JobId) -> bool {
    journal.book().jobs[&job].outcomes.is_empty()
}

/// Jobs of these accounts that are not done, in order. Of those whose PIN another station sealed it is said that they go on there.
fn open_jobs(
    station: &Station<'_>,
    journal: &Journal<'_>,
    attendees: &BTreeMap<AccountId, ResolvedAccount>,
) -> Result<Vec<JobId>, RunError> {
    let open: Vec<(JobId, AccountId, usize)> = {
        let book = journal.book();
        let open = book.unfinished().filter(|(_, job)| attendees.contains_key(&job.account));
        open.map(|(id, job)| (id, job.account.clone(), job.ordinal)).collect()
    };
    let mut ours = Vec::new();
    for (id, account, ordinal) in open {
        match working_copy::goes_on_elsewhere(station, journal, id)? {
            None => ours.push(id),
            Some(other) => {
                let login = &attendees[&account].planned.login;
                station
                    .operator
                    .tell(&format!("{login}'s key {ordinal} has a PIN that station {other} sealed: it goes on there"));
            }
        }
    }
    Ok(ours)
}
