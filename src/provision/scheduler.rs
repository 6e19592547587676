//! The floor: keys come and go, each gets a thread and a job, until no job is left that a key could do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::job::Job;
use super::job_context::JobContext;
use super::job_error::JobError;
use super::journal::Journal;
use super::key_fit;
use super::open_key::OpenKey;
use super::operator::JobLabel;
use super::plan::Planned;
use super::recognise::{Recognised, recognise};
use super::resource_locks::ResourceLocks;
use super::same_key;
use super::station::Station;
use super::working_copy;
use crate::idp::User;
use crate::ledger::{AccountId, Claim, Event, Failure, FailureCode, JobId, LedgerError, Step};
use crate::register::Register;
use keywright_fido::bus::Device;
use keywright_fido::ctap::{GetInfo, TransportError, TransportKind};

/// Keys worked on at once. More than any hub holds; a rack of soft keys may have more.
const AT_ONCE: usize = 64;

/// How often the bus is asked for keys while threads work.
const GLANCE: Duration = Duration::from_millis(250);

impl State {
    /// Keys worth waiting for: for jobs that any key may take, and for jobs whose own key was not seen in this run or was
    /// pulled out.
    fn wanted(&self) -> Wanted {
        let gone =
            |job: &&JobId| self.failures.get(job).is_none_or(|(_, failure)| failure.code == FailureCode::KeyRemoved);
        Wanted { new: self.waiting.iter().copied().collect(), begun: self.bound.iter().filter(gone).copied().collect() }
    }

    /// Takes a job that has a key of its own. False if a thread has it, or nothing is left of it in this run.
    fn take_bound(&mut self, job: JobId) -> bool {
        let is_free = self.bound.remove(&job);
        if is_free {
            self.at_work.insert(job);
        }
        is_free
    }

    /// A thread has left a job, and this is why it stopped.
    fn leave(&mut self, job: JobId, stopped: Option<(Step, Failure)>) {
        self.at_work.remove(&job);
        match stopped {
            Some(stopped) => _ = self.failures.insert(job, stopped),
            None => _ = self.failures.remove(&job),
        }
    }
}

/// Jobs that wait for a key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// For one that is fit, in order.
    new: Vec<JobId>,
    /// For their own.
    begun: Vec<JobId>,
}

impl Wanted {
    fn is_empty(&self) -> bool {
        self.new.is_empty() && self.begun.is_empty()
    }
}

/// A person of this run, found at the IdP.
pub(super) struct ResolvedAccount {
    /// From the plan.
    pub planned: Planned,
    /// At the IdP.
    pub user: User,
}

/// All jobs of a run.
pub(super) struct Scheduler<'a> {
    station: &'a Station<'a>,
    journal: &'a Journal<'a>,
    attendees: &'a BTreeMap<AccountId, ResolvedAccount>,
    locks: ResourceLocks,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Jobs that any fit key may take, in order.
    waiting: VecDeque<JobId>,
    /// Jobs that have a key of their own somewhere.
    bound: BTreeSet<JobId>,
    /// Jobs that a thread works on.
    at_work: BTreeSet<JobId>,
    /// Ports whose key is in a thread's hands. What is plugged in there meanwhile has to wait: it may be the same key.
    in_hand: BTreeSet<String>,
    /// Among them: ports whose key was not told apart yet, so that nobody knows which job it takes.
    unknown: BTreeSet<String>,
    /// Insertions that were looked at: port and attach count.
    seen: BTreeSet<(String, u64)>,
    /// Among them: new keys that no job was left for.
    spare: Vec<(String, u64)>,
    /// Why jobs stopped in this run.
    failures: BTreeMap<JobId, (Step, Failure)>,
    /// Accounts that this station claims, and how many of its threads work for each.
    claimed: BTreeMap<AccountId, usize>,
    /// When it has to say again that it is there; `None` if nobody waits for it.
    renewed: Option<Instant>,
    /// The ledger cannot be written: everybody stops.
    broken: Option<LedgerError>,
}

impl<'a> Scheduler<'a> {
    /// Sorts the jobs into those that have a key and those that wait for one.
    pub(super) fn new(
        station: &'a Station<'a>,
        journal: &'a Journal<'a>,
        attendees: &'a BTreeMap<AccountId, ResolvedAccount>,
        jobs: &[JobId],
    ) -> Self {
        let mut state = State::default();
        for job in jobs {
            if journal.has_key(*job) {
                state.bound.insert(*job);
            } else {
                state.waiting.push_back(*job);
            }
        }
        Self {
            station,
            journal,
            attendees,
            locks: ResourceLocks::default(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Works until no job is left that a key could do. Returns why jobs stopped.
    pub(super) fn work(self) -> Result<BTreeMap<JobId, (Step, Failure)>, SchedulerError> {
        thread::scope(|scope| {
            self.finish_what_needs_no_key();
            let mut quiet_since = Instant::now();
            let mut asked_for = Wanted::default();
            loop {
                let idle = self.state().in_hand.is_empty();
                let arrived = match self.arrivals() {
                    Ok(arrived) => arrived,
                    // Threads at work have their keys open already; let them end before the run does.
                    Err(error) if idle => return Err(SchedulerError::Transport(error)),
                    Err(_) => Vec::new(),
                };
                let idle = idle && arrived.is_empty();
                for device in arrived {
                    quiet_since = Instant::now();
                    let scheduler = &self;
                    scope.spawn(move || {
                        // The key counts as in hand until this is dropped, even if the thread panics.
                        let _leaving = Leaving(scheduler, &device.port);
                        if without_panic(|| scheduler.serve(&device)).is_none() {
                            let message = format!("the key in {} cannot be used: {FAULT}", device.port);
                            scheduler.station.operator.tell(&message);
                        }
                    });
                }
                self.ask_for_keys(&mut asked_for);
                self.renew_claims();
                let state = self.state();
                if !idle {
                    quiet_since = Instant::now();
                } else if state.broken.is_some()
                    || self.station.cancel.is_cancelled()
                    || state.wanted().is_empty()
                    || quiet_since.elapsed() >= self.station.retry_policy.key
                {
                    break;
                }
                // Whoever left since the look above has notified nobody.
                if idle || !state.in_hand.is_empty() {
                    drop(self.changed.wait_timeout(state, GLANCE));
                }
            }
            Ok(())
        })?;
        if !self.station.cancel.is_cancelled() {
            self.tell_missing();
        }
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.broken {
            Some(error) => Err(SchedulerError::Ledger(error)),
            None => Ok(state.failures),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which keys are missing, once it is known what those that are there are good for. Nobody is asked where nobody waits.
    fn ask_for_keys(&self, asked_for: &mut Wanted) {
        let wanted = {
            let state = self.state();
            let ends = state.broken.is_some() || self.station.cancel.is_cancelled();
            if ends || !state.unknown.is_empty() || self.station.retry_policy.key.is_zero() {
                return;
            }
            state.wanted()
        };
        if wanted == *asked_for {
            return;
        }
        if !wanted.is_empty() {
            let whose = |jobs: &[JobId]| jobs.iter().map(|job| self.who(*job)).collect::<Vec<_>>();
            self.station.operator.insert_keys(&whose(&wanted.new), &whose(&wanted.begun));
        }
        *asked_for = wanted;
    }

    /// Whose job it is, and where its key was, if it has one.
    fn who(&self, id: JobId) -> JobLabel {
        let book = self.journal.book();
        let job = &book.jobs[&id];
        let port = job.key().map(|key| key.port.clone()).unwrap_or_default();
        JobLabel::new(&self.attendees[&job.account].planned, id, job.ordinal, port)
    }

    /// Insertions that nobody looked at yet, as many as there are hands for.
    fn arrivals(&self) -> Result<Vec<Device>, TransportError> {
        let mut state = self.state();
        if state.broken.is_some()
            || self.station.cancel.is_cancelled()
            || (state.waiting.is_empty() && state.bound.is_empty())
        {
            return Ok(Vec::new());
        }
        let mut hands = AT_ONCE.saturating_sub(state.in_hand.len());
        let mut arrived = self.station.bus.devices()?;
        arrived.retain(|device| {
            if hands == 0
                || state.in_hand.contains(&device.port)
                || !state.seen.insert((device.port.clone(), device.attach))
            {
                return false;
            }
            hands -= 1;
            state.unknown.insert(device.port.clone());
            state.in_hand.insert(device.port.clone())
        });
        Ok(arrived)
    }

    /// One key, from plugged in to done.
    fn serve(&self, device: &Device) {
        let taken = self.take_up(device);
        self.state().unknown.remove(&device.port);
        match taken {
            Ok(Some((job, key))) => {
                if device.kind != TransportKind::Usb {
                    // A card is touched by lying there, and is gone as soon as it is lifted.
                    let message = format!("leave the card on {} until its job is done", device.port);
                    self.station.operator.tell(&message);
                }
                self.run_job(job, Some(key));
            }
            Ok(None) => {}
            Err(JobError::Ledger(error)) => self.stop(error),
            Err(JobError::Job(_)) if self.station.cancel.is_cancelled() => {}
            Err(JobError::Job(failure)) => {
                self.station.operator.tell(&format!("the key in {} cannot be used: {}", device.port, failure.message));
            }
        }
    }

    /// Finds this key's job. `None` if there is none for it in this run, or not yet.
    fn take_up(&self, device: &Device) -> Result<Option<(JobId, OpenKey)>, JobError> {
        let mut key = OpenKey::open(self.station, device)?;
        loop {
            let free: Vec<JobId> = self.state().bound.iter().copied().collect();
            let job = match recognise(self.station, self.journal, &mut key, &free)? {
                Recognised::Done(old) => {
                    let job = self.waiting_for(|register, job| {
                        same_key::old_of(register, job).is_some_and(|(of_key, ..)| of_key == old)
                    });
                    return match job {
                        Some(job) if self.claim(job)? => Ok(Some((job, key))),
                        Some(_) => Ok(None),
                        None => {
                            self.tell_done(device, old);
                            Ok(None)
                        }
                    };
                }
                Recognised::Hidden(job) => {
                    self.tell_hidden(device, job);
                    return Ok(None);
                }
                Recognised::Of(job) => job,
                // Its job may have been in the hands of a thread that saw it go only now.
                Recognised::New if !self.state().bound.iter().all(|job| free.contains(job)) => continue,
                Recognised::New => {
                    let again = self.waiting_for(|register, job| {
                        same_key::old_of(register, job).is_some_and(|(_, _, old)| same_key::is_emptied(old, &key))
                    });
                    let job = again.or_else(|| self.next_waiting(key.authenticator.info()));
                    let Some(job) = job else {
                        self.state().spare.push((device.port.clone(), device.attach));
                        return Ok(None);
                    };
                    if !self.claim(job)? {
                        continue;
                    }
                    if !self.journal.has_key(job) {
                        return Ok(Some((job, key)));
                    }
                    // Another station began it with another key meanwhile.
                    let account = self.journal.book().jobs[&job].account.clone();
                    self.release(&account);
                    self.state().bound.insert(job);
                    continue;
                }
            };
            if self.state().take_bound(job) {
                return Ok(if self.claim_bound(job)? { Some((job, key)) } else { None });
            }
            if free.contains(&job) {
                // Another key was taken for this job's meanwhile.
                continue;
            }
            let is_at_work = self.state().at_work.contains(&job);
            if is_at_work {
                // The thread that had it in another port has not noticed yet that it is gone.
                self.state().seen.remove(&(device.port.clone(), device.attach));
            } else if !self.attendees.contains_key(&self.journal.book().jobs[&job].account) {
                let message = format!("the key in {} belongs to {job}, which is not part of this run", device.port);
                self.station.operator.tell(&message);
            }
            return Ok(None);
        }
    }

    /// As [`Scheduler::claim`], for a job that was taken from those with a key of their own.
    fn claim_bound(&self, id: JobId) -> Result<bool, JobError> {
        let claimed = self.claim(id);
        if !matches!(claimed, Ok(true)) {
            self.state().at_work.remove(&id);
        }
        claimed
    }

    /// Claims a job's account for this station, and reads what others did to it meanwhile. `false` if another station works on
    /// it, or it is done: then it is no job of this run any more.
    fn claim(&self, id: JobId) -> Result<bool, JobError> {
        let account = self.journal.book().jobs[&id].account.clone();
        *self.state().claimed.entry(account.clone()).or_default() += 1;
        if let Claim::Theirs { name, until } = self.station.store.claim(&account)? {
            self.unclaim(&account, |_| {});
            let whose = self.attendees[&account].planned.login.clone();
            let message =
                format!("{whose}: {name} works on these keys; they are left alone here until {until} at least");
            self.station.operator.tell(&message);
            return Ok(false);
        }
        self.journal.catch_up()?;
        let elsewhere = working_copy::goes_on_elsewhere(self.station, self.journal, id)?;
        if let Some(station) = &elsewhere {
            let (whose, ordinal) = (&self.attendees[&account].planned.login, self.journal.book().jobs[&id].ordinal);
            let message = format!("{whose}'s key {ordinal} has a PIN that station {station} sealed: it goes on there");
            self.station.operator.tell(&message);
        }
        let is_ours = elsewhere.is_none() && self.journal.state(id).step().is_some();
        if !is_ours {
            self.release(&account);
        }
        Ok(is_ours)
    }

    /// One thread less works for an account; the last one gives the claim up. If the server is away, the lease ends by itself.
    fn release(&self, account: &AccountId) {
        self.unclaim(account, |account| {
            if let Err(error) = self.station.store.release(account) {
                tracing::debug!("a claim was not given up: {error}");
            }
        });
    }

    fn unclaim(&self, account: &AccountId, last: impl FnOnce(&AccountId)) {
        let mut state = self.state();
        let Some(threads) = state.claimed.get_mut(account) else { return };
        *threads -= 1;
        if *threads == 0 {
            state.claimed.remove(account);
            // Within the lock, so that no thread claims it anew just now and loses it.
            last(account);
        }
    }

    /// Says that this station is still there. Where it cannot, what it writes next tells why.
    fn renew_claims(&self) {
        let due = {
            let state = self.state();
            !state.claimed.is_empty() && state.renewed.is_none_or(|at| at <= Instant::now())
        };
        if due {
            let next = self.station.store.renew_claims().unwrap_or_else(|error| {
                tracing::debug!("claims were not renewed: {error}");
                None
            });
            // A store of one station is not asked again for a while.
            self.state().renewed = Some(Instant::now() + next.unwrap_or(Duration::from_secs(3600)));
        }
    }

    fn tell_done(&self, device: &Device, job: JobId) {
        let (account, ordinal) = {
            let book = self.journal.book();
            (book.login(&book.jobs[&job].account).to_owned(), book.jobs[&job].ordinal)
        };
        let message = format!("the key in {} is {account}'s key {ordinal} already; it is left alone", device.port);
        self.station.operator.tell(&message);
    }

    fn tell_hidden(&self, device: &Device, job: JobId) {
        let (account, ordinal) = {
            let book = self.journal.book();
            (book.login(&book.jobs[&job].account).to_owned(), book.jobs[&job].ordinal)
        };
        let message = format!(
            "the key in {} has a PIN, hides what is on it, and looks like {account}'s key {ordinal}, which is done; it was \
             left alone: if it is another, reset it with 'keywright key reset'",
            device.port
        );
        self.station.operator.tell(&message);
    }

    /// Whose keys were not seen in this run, and where they were.
    fn tell_missing(&self) {
        let missing: Vec<JobId> = {
            let state = self.state();
            state.bound.iter().filter(|job| !state.failures.contains_key(job)).copied().collect()
        };
        for job in missing {
            let message = {
                let book = self.journal.book();
                let job = &book.jobs[&job];
                let port = job.key().map(|key| key.port.as_str()).unwrap_or_default();
                let login = book.login(&job.account);
                format!("{login}'s key {} was not seen; it was last in port {port}", job.ordinal)
            };
            self.station.operator.tell(&message);
        }
    }

    /// The first waiting job that this key fits; if it fits none, the first has to say why.
    fn next_waiting(&self, info: &GetInfo) -> Option<JobId> {
        let mut waiting = self.state().waiting.clone();
        // A job that is for one key takes no other.
        waiting.retain(|job| same_key::old_of(&self.journal.book(), *job).is_none());
        let fits = |job: &&JobId| {
            let account = self.journal.book().jobs[job].account.clone();
            key_fit::fit(info, &self.attendees[&account].planned.profile).is_ok()
        };
        let best = *waiting.iter().find(fits).or(waiting.front())?;
        let mut state = self.state();
        // Another thread may have been faster.
        let is_for_any = |job: &JobId| waiting.contains(job);
        let at = state.waiting.iter().position(|job| *job == best);
        let at = at.or_else(|| state.waiting.iter().position(is_for_any))?;
        state.waiting.remove(at)
    }

    /// The waiting job that this key is for.
    fn waiting_for(&self, is_for: impl Fn(&Register, JobId) -> bool) -> Option<JobId> {
        let waiting = self.state().waiting.clone();
        let its = waiting.into_iter().find(|job| is_for(&self.journal.book(), *job))?;
        let mut state = self.state();
        let at = state.waiting.iter().position(|job| *job == its)?;
        state.waiting.remove(at)
    }

    /// Runs a job to its end, or to its first trouble.
    fn run_job(&self, id: JobId, key: Option<OpenKey>) {
        self.state().at_work.insert(id);
        let account = self.journal.book().jobs[&id].account.clone();
        let attendee = &self.attendees[&account];
        let planned = same_key::planned(&attendee.planned, &self.journal.book(), id);
        let context = JobContext::new(self.station, self.journal, &planned, &attendee.user, id, key);
        let mut job = Job::new(context, &self.locks);
        let completed = |()| self.journal.complete_account(&account).map_err(JobError::Ledger);
        let result = without_panic(|| job.run().and_then(completed)).unwrap_or_else(|| self.panicked(id));
        let (label, insertion) = (job.label().clone(), job.insertion());
        drop(job);
        // A reset has it plugged in again; that is no arrival.
        self.state().seen.extend(insertion);
        self.release(&account);
        match result {
            Ok(()) => {
                self.state().leave(id, None);
                self.station.operator.ended(&label, None);
            }
            // Its lease ended, and another station has taken it over: that is no reason for the others to stop.
            Err(JobError::Ledger(LedgerError::Claimed { name, until })) => {
                let message = LedgerError::Claimed { name, until }.to_string();
                let failure = Failure { code: FailureCode::Ledger, message, ctap_status: None };
                self.station.operator.ended(&label, Some(&failure));
                let step = self.journal.state(id).step();
                self.state().leave(id, step.map(|step| (step, failure)));
            }
            Err(JobError::Ledger(error)) => self.stop(error),
            Err(JobError::Job(failure)) => {
                self.station.operator.ended(&label, Some(&failure));
                self.put_back(id, failure);
            }
        }
    }

    /// A job whose thread panicked has failed at the step that was open; what it left is looked at when it is resumed.
    fn panicked(&self, id: JobId) -> Result<(), JobError> {
        let failure = Failure { code: FailureCode::Internal, message: FAULT.to_owned(), ctap_status: None };
        if let Some(step) = self.journal.state(id).step() {
            self.journal.record(&Event::StepFailed { job: id, step, failure: failure.clone() })?;
        }
        Err(JobError::Job(failure))
    }

    /// A job that stopped may go on: with any other key if it did nothing to this one, else with the same key plugged in again. No
    /// key helps one that has only its PIN left to hand over.
    fn put_back(&self, id: JobId, failure: Failure) {
        let Some(step) = self.journal.state(id).step() else {
            self.state().leave(id, None);
            return;
        };
        let bound = self.journal.has_key(id) && step != Step::HandOver;
        // What the attestations of a whole delivery lack, the next key lacks too; and it would keep a PIN.
        let another_may_do =
            step <= Step::Reset && !matches!(failure.code, FailureCode::Interrupted | FailureCode::AttestationRefused);
        let mut state = self.state();
        state.leave(id, Some((step, failure)));
        if bound {
            state.bound.insert(id);
        } else if another_may_do {
            state.waiting.push_front(id);
        }
        if bound || another_may_do {
            // A key that was left over may do. It may even be the job's own, back before its thread saw it go.
            let spare = std::mem::take(&mut state.spare);
            state.seen.retain(|insertion| !spare.contains(insertion));
        }
    }

    /// Jobs whose only open step is the hand-over do not need their key.
    fn finish_what_needs_no_key(&self) {
        let jobs: Vec<JobId> = self.state().bound.iter().copied().collect();
        for job in jobs {
            if self.journal.state(job).step() == Some(Step::HandOver) {
                self.state().take_bound(job);
                match self.claim_bound(job) {
                    Ok(true) => self.run_job(job, None),
                    Ok(false) => {}
                    Err(JobError::Ledger(error)) => self.stop(error),
                    Err(JobError::Job(_)) => {}
                }
            }
        }
    }

    fn stop(&self, error: LedgerError) {
        self.state().broken.get_or_insert(error);
        self.station.cancel.cancel();
    }
}

/// What is said of a panic, whose own words may hold anything.
const FAULT: &str = "a fault in keywright itself";

/// `None` if it panicked. Whatever is shared between threads stands a panic: each event is applied whole, and locks are given back
/// as their guards are dropped.
fn without_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// A thread that worked on a key is done with it.
struct Leaving<'f, 'a>(&'f Scheduler<'a>, &'f str);

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.unknown.remove(self.1);
        state.in_hand.remove(self.1);
        drop(state);
        self.0.changed.notify_all();
    }
}

/// Why the floor closed early.
#[derive(Debug)]
pub enum SchedulerError {
    /// The ledger cannot be written.
    Ledger(LedgerError),
    /// The bus cannot be read.
    Transport(TransportError),
}
