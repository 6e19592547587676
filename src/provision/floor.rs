//! The floor: keys come and go, each gets a thread and a job, until no job is left that a key could do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::job::Job;
use super::journal::Journal;
use super::key::OpenKey;
use super::recognise::{Recognised, recognise};
use super::turns::Turns;
use super::{Planned, Station, Trouble};
use crate::hid::{Device, HidError};
use crate::idp::User;
use crate::ledger::{AccountId, Book, Event, Failure, FailureCode, JobId, JobState, LedgerError, Outcome, Step};
use crate::profile::Profile;

/// Keys worked on at once. More than any hub holds; a rack of soft keys may have more.
const AT_ONCE: usize = 64;

/// How often the bus is asked for keys while threads work.
const GLANCE: Duration = Duration::from_millis(250);

impl State {
    /// Keys worth waiting for: for jobs that any key may take, and for jobs whose own key was not seen in this run.
    fn wanted(&self) -> usize {
        self.waiting.len() + self.bound.iter().filter(|job| !self.failures.contains_key(job)).count()
    }
}

/// A person of this run, found at the directory.
pub struct Attendee {
    /// From the plan.
    pub planned: Planned,
    /// At the directory.
    pub user: User,
}

/// All jobs of a run.
pub struct Floor<'a> {
    station: &'a Station<'a>,
    journal: &'a Journal<'a>,
    attendees: &'a BTreeMap<AccountId, Attendee>,
    turns: Turns,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Jobs that any fit key may take, in order.
    waiting: VecDeque<JobId>,
    /// Jobs that have a key of their own somewhere.
    bound: BTreeSet<JobId>,
    /// Threads at work.
    working: usize,
    /// Insertions that were looked at: port and attach count.
    seen: BTreeSet<(String, u64)>,
    /// Among them: new keys that no job was left for.
    spare: Vec<(String, u64)>,
    /// Why jobs stopped in this run.
    failures: BTreeMap<JobId, (Step, Failure)>,
    /// The ledger cannot be written: everybody stops.
    broken: Option<LedgerError>,
}

impl<'a> Floor<'a> {
    /// Sorts the jobs into those that have a key and those that wait for one.
    pub fn new(
        station: &'a Station<'a>,
        journal: &'a Journal<'a>,
        attendees: &'a BTreeMap<AccountId, Attendee>,
        jobs: &[JobId],
    ) -> Self {
        let mut state = State::default();
        for job in jobs {
            if has_key(journal, *job) {
                state.bound.insert(*job);
            } else {
                state.waiting.push_back(*job);
            }
        }
        Self { station, journal, attendees, turns: Turns::default(), state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Works until no job is left that a key could do. Returns why jobs stopped.
    pub fn work(self) -> Result<BTreeMap<JobId, (Step, Failure)>, FloorError> {
        thread::scope(|scope| {
            self.finish_what_needs_no_key();
            let mut quiet_since = Instant::now();
            let mut asked_for = 0;
            loop {
                let idle = self.state().working == 0;
                let arrived = match self.arrivals() {
                    Ok(arrived) => arrived,
                    // Threads at work have their keys open already; let them end before the run does.
                    Err(error) if idle => return Err(FloorError::Hid(error)),
                    Err(_) => Vec::new(),
                };
                let idle = idle && arrived.is_empty();
                for device in arrived {
                    quiet_since = Instant::now();
                    self.state().working += 1;
                    let floor = &self;
                    scope.spawn(move || {
                        // The thread counts as working until this is dropped, even if it panics.
                        let _leaving = Leaving(floor);
                        floor.serve(&device);
                    });
                }
                let state = self.state();
                let wanted = state.wanted();
                if !idle {
                    quiet_since = Instant::now();
                } else if state.broken.is_some()
                    || self.station.cancel.is_cancelled()
                    || wanted == 0
                    || quiet_since.elapsed() >= self.station.patience.key
                {
                    break;
                } else if wanted != asked_for {
                    asked_for = wanted;
                    self.station.operator.insert_keys(wanted);
                }
                drop(self.changed.wait_timeout(state, GLANCE));
            }
            Ok(())
        })?;
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.broken {
            Some(error) => Err(FloorError::Ledger(error)),
            None => Ok(state.failures),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Insertions that nobody looked at yet, as many as there are hands for.
    fn arrivals(&self) -> Result<Vec<Device>, HidError> {
        let mut state = self.state();
        if state.broken.is_some()
            || self.station.cancel.is_cancelled()
            || (state.waiting.is_empty() && state.bound.is_empty())
        {
            return Ok(Vec::new());
        }
        let mut hands = AT_ONCE.saturating_sub(state.working);
        let mut arrived = self.station.bus.devices()?;
        arrived.retain(|device| {
            if hands == 0 || !state.seen.insert((device.port.clone(), device.attach)) {
                return false;
            }
            hands -= 1;
            true
        });
        Ok(arrived)
    }

    /// One key, from plugged in to done.
    fn serve(&self, device: &Device) {
        let opened = OpenKey::open(self.station, device).and_then(|mut key| {
            let free: Vec<JobId> = self.state().bound.iter().copied().collect();
            let recognised = recognise(self.station, self.journal, &mut key, &free)?;
            Ok((key, recognised))
        });
        let (key, recognised) = match opened {
            Ok(opened) => opened,
            Err(Trouble::Ledger(error)) => return self.stop(error),
            Err(Trouble::Job(failure)) => {
                if !self.station.cancel.is_cancelled() {
                    self.station
                        .operator
                        .tell(&format!("the key in {} cannot be used: {}", device.port, failure.message));
                }
                return;
            }
        };
        let job = match recognised {
            Recognised::Done(job) => {
                let (account, ordinal) = {
                    let book = self.journal.book();
                    (book.jobs[&job].account.login.clone(), book.jobs[&job].ordinal)
                };
                let message = format!("the key in {} is {account}'s key {ordinal} already; take it out", device.port);
                return self.station.operator.tell(&message);
            }
            Recognised::Of(job) => {
                if !self.state().bound.remove(&job) {
                    let message = format!("the key in {} belongs to {job}, which is not part of this run", device.port);
                    return self.station.operator.tell(&message);
                }
                job
            }
            Recognised::New => match self.next_waiting() {
                Some(job) => job,
                None => return self.state().spare.push((device.port.clone(), device.attach)),
            },
        };
        self.run_job(job, Some(key));
    }

    fn next_waiting(&self) -> Option<JobId> {
        self.state().waiting.pop_front()
    }

    /// Runs a job to its end, or to its first trouble.
    fn run_job(&self, id: JobId, key: Option<OpenKey>) {
        let account = self.journal.book().jobs[&id].account.clone();
        let attendee = &self.attendees[&account];
        let mut job = Job::new(self.station, self.journal, &self.turns, &attendee.planned, &attendee.user, id, key);
        let completed =
            |()| complete_account(self.journal, &account, &attendee.planned.profile).map_err(Trouble::Ledger);
        let result = job.run().and_then(completed);
        let who = job.who.clone();
        drop(job);
        match result {
            Ok(()) => {
                self.state().failures.remove(&id);
                self.station.operator.ended(&who, None);
            }
            Err(Trouble::Ledger(error)) => self.stop(error),
            Err(Trouble::Job(failure)) => {
                self.station.operator.ended(&who, Some(&failure));
                self.put_back(id, failure);
            }
        }
    }

    /// A job that stopped may go on: with any other key if it did nothing to this one, else with the same key plugged in again.
    fn put_back(&self, id: JobId, failure: Failure) {
        let step = match self.journal.state(id) {
            JobState::Ready(step) | JobState::Open(step) | JobState::Failed(step, _) => step,
            JobState::Done => return,
        };
        let bound = has_key(self.journal, id);
        let mut state = self.state();
        let refused_at_once = step == Step::Inspect && failure.code != FailureCode::Interrupted;
        let turned_away = failure.code == FailureCode::AttestationRefused;
        state.failures.insert(id, (step, failure));
        if bound {
            state.bound.insert(id);
        } else if refused_at_once && !turned_away {
            state.waiting.push_front(id);
            // A key that was left over may do.
            let spare = std::mem::take(&mut state.spare);
            state.seen.retain(|insertion| !spare.contains(insertion));
        }
    }

    /// Jobs whose only open step is the hand-over do not need their key.
    fn finish_what_needs_no_key(&self) {
        let jobs: Vec<JobId> = self.state().bound.iter().copied().collect();
        for job in jobs {
            let next = match self.journal.state(job) {
                JobState::Ready(step) | JobState::Open(step) | JobState::Failed(step, _) => step,
                JobState::Done => continue,
            };
            if next == Step::HandOver {
                self.state().bound.remove(&job);
                self.run_job(job, None);
            }
        }
    }

    fn stop(&self, error: LedgerError) {
        self.state().broken.get_or_insert(error);
        self.station.cancel.cancel();
    }
}

/// A thread that worked on a key is done with it.
struct Leaving<'f, 'a>(&'f Floor<'a>);

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        self.0.state().working -= 1;
        self.0.changed.notify_all();
    }
}

/// Why the floor closed early.
#[derive(Debug)]
pub enum FloorError {
    /// The ledger cannot be written.
    Ledger(LedgerError),
    /// The bus cannot be read.
    Hid(HidError),
}

fn has_key(journal: &Journal<'_>, job: JobId) -> bool {
    matches!(journal.outcome(job, Step::Inspect), Some(Outcome::Inspect { .. }))
}

/// Writes that an account is complete, once it has as many keys as its profile asks for with every step done.
pub fn complete_account(journal: &Journal<'_>, account: &AccountId, profile: &Profile) -> Result<(), LedgerError> {
    let due = {
        let book = journal.book();
        let open = book.accounts.get(account).is_some_and(|account| !account.completed);
        open && finished_keys(&book, account) >= profile.keys.required
    };
    if due {
        journal.record(&Event::AccountCompleted { account: account.clone() })?;
    }
    Ok(())
}

/// Keys of an account that are proved and handed over.
pub fn finished_keys(book: &Book, account: &AccountId) -> usize {
    let finished = book
        .credentials_of(account)
        .filter(|(_, credential)| credential.is_proved_key() && book.jobs[&credential.job].state == JobState::Done);
    finished.count()
}
