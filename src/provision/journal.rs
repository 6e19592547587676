//! The ledger as running jobs use it: every event goes to disk first, then into the [`Register`] that all threads share.
//!
//! A disk takes its time to say that it has something, and takes no longer for ten events than for one. So threads that write
//! at the same time write together: the first goes, and the others' events go with the next.
//!
//! Where another station wrote meanwhile, what it wrote is read first: events go after it as far as they still fit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::ledger::{AccountId, Event, JobId, KeyNumber, LedgerError, Outcome, Record, Step, Store};
use crate::register::{self, Evidence, JobState, Register};
use keywright_fido::webauthn::{Ceremony, CredentialId};

/// An event by its number in the queue, and what became of it.
type Written = (u64, Result<(), LedgerError>);

/// The store and what it says now, kept in step.
pub(super) struct Journal<'a> {
    store: &'a dyn Store,
    book: Mutex<Register>,
    line: Mutex<Line>,
    moved: Condvar,
    /// Numbers that were given to new keys whose events are not written yet.
    drawn: Mutex<BTreeSet<KeyNumber>>,
}

/// Threads that have something to write.
#[derive(Default)]
struct Line {
    /// The next thread's number.
    next: u64,
    /// Events in the order in which they came.
    waiting: Vec<(u64, Event)>,
    /// What became of those that were written, until their threads have heard.
    ended: BTreeMap<u64, Result<(), LedgerError>>,
    /// Whether a thread writes now.
    writing: bool,
}

impl Line {
    /// The events that are written together: of each job one, so that none of them rests on another. An event that is about no
    /// job goes alone.
    fn group(&mut self) -> Vec<(u64, Event)> {
        let mut jobs = BTreeSet::new();
        let mut group: Vec<(u64, Event)> = Vec::new();
        self.waiting.retain(|(number, event)| {
            let together = event.job().is_some_and(|job| jobs.insert(job)) || group.is_empty();
            let alone = group.first().is_some_and(|(_, first)| first.job().is_none());
            if together && !alone {
                group.push((*number, event.clone()));
            }
            !together || alone
        });
        group
    }
}

/// The thread that writes, and whose events. When it is dropped, even by a panic, another may write, and nobody waits for a
/// result that will not come.
struct Pen<'j, 'a> {
    journal: &'j Journal<'a>,
    numbers: Vec<u64>,
    results: Vec<(u64, Result<(), LedgerError>)>,
}

impl Drop for Pen<'_, '_> {
    fn drop(&mut self) {
        let mut line = self.journal.line();
        for number in &self.numbers {
            let lost = || Err(LedgerError::Database("the thread that wrote to it ended early".to_owned()));
            line.ended.entry(*number).or_insert_with(lost);
        }
        line.ended.extend(self.results.drain(..));
        line.writing = false;
        drop(line);
        self.journal.moved.notify_all();
    }
}

impl<'a> Journal<'a> {
    /// Reads what is there.
    pub(super) fn open(store: &'a dyn Store) -> Result<Self, LedgerError> {
        let book = Mutex::new(Register::of(store)?);
        Ok(Self { store, book, line: Mutex::default(), moved: Condvar::new(), drawn: Mutex::default() })
    }

    /// Reads what other stations wrote.
    pub(super) fn catch_up(&self) -> Result<(), LedgerError> {
        self.book().catch_up(self.store)
    }

    /// Writes an event. When this returns, the disk has it.
    pub(super) fn record(&self, event: &Event) -> Result<(), LedgerError> {
        let mut line = self.line();
        let number = line.next;
        line.next += 1;
        line.waiting.push((number, event.clone()));
        loop {
            if let Some(result) = line.ended.remove(&number) {
                return result;
            }
            if line.writing {
                line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            line.writing = true;
            let group = line.group();
            drop(line);
            let numbers = group.iter().map(|(number, _)| *number).collect();
            let mut pen = Pen { journal: self, numbers, results: Vec::new() };
            pen.results = self.write(group);
            drop(pen);
            line = self.line();
        }
    }

    /// A number that no key has and no other thread was given.
    pub(super) fn next_key_number(&self) -> KeyNumber {
        let next = self.book().keys.next_number();
        let mut drawn = self.drawn();
        let last = drawn.last().map_or(0, |last| last.0);
        let number = next.max(KeyNumber(last.saturating_add(1)));
        drawn.insert(number);
        number
    }

    fn drawn(&self) -> MutexGuard<'_, BTreeSet<KeyNumber>> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes several events: the disk has all of them or none. For a thread that is alone.
    pub(super) fn record_all(&self, events: &[Event]) -> Result<(), LedgerError> {
        loop {
            match self.record_plan(events) {
                Err(LedgerError::Conflict { .. }) => self.catch_up()?,
                written => return written,
            }
        }
    }

    /// The same, but fails with [`LedgerError::Conflict`] where another station wrote meanwhile: what is planned rests on what was
    /// read.
    pub(super) fn record_plan(&self, events: &[Event]) -> Result<(), LedgerError> {
        self.book().record_all(self.store, events)
    }

    /// Writes that an account is complete, once it is. Which keys count does not depend on the time of day.
    pub(super) fn complete_account(&self, account: &AccountId) -> Result<(), LedgerError> {
        let due = {
            let book = self.book();
            let noted = book.accounts.get(account).is_none_or(|account| account.completed);
            !noted && book.standing(account, OffsetDateTime::now_utc()).is_some_and(|standing| standing.is_complete())
        };
        if due {
            self.record(&Event::AccountCompleted { account: account.clone() })?;
        }
        Ok(())
    }

    /// Writes a group, as far as its events fit; only the thread that holds the pen is here.
    fn write(&self, mut group: Vec<(u64, Event)>) -> Vec<(u64, Result<(), LedgerError>)> {
        loop {
            self.number_anew(&mut group);
            match self.write_once(&group) {
                Ok(results) => return results,
                Err(LedgerError::Conflict { .. }) => {}
                Err(error) => return group.into_iter().map(|(number, _)| (number, Err(error.clone()))).collect(),
            }
            if let Err(error) = self.catch_up() {
                return group.into_iter().map(|(number, _)| (number, Err(error.clone()))).collect();
            }
        }
    }

    /// New keys whose number another station has given away meanwhile get another one.
    fn number_anew(&self, group: &mut [(u64, Event)]) {
        for (_, event) in group {
            let Event::StepDone { outcome: Outcome::Verify { key: Some(number), .. }, .. } = event else { continue };
            let is_taken = self.book().keys.get(*number).is_some();
            if is_taken && self.drawn().remove(number) {
                *number = self.next_key_number();
            }
        }
    }

    /// Fails if none of the events was written.
    fn write_once(&self, group: &[(u64, Event)]) -> Result<Vec<Written>, LedgerError> {
        let mut results = Vec::with_capacity(group.len());
        let (mut numbers, mut records) = (Vec::new(), Vec::new());
        let head = {
            let book = self.book();
            for (number, event) in group {
                match book.validate(event) {
                    Ok(()) => {
                        numbers.push(*number);
                        records.push(book.record_of(event));
                    }
                    Err(error) => results.push((*number, Err(error))),
                }
            }
            book.head.clone()
        };
        // The book is free while the disk works.
        let entries = if records.is_empty() { Vec::new() } else { self.store.append(&head, &records)? };
        let mut book = self.book();
        for ((number, entry), Record { event, .. }) in numbers.into_iter().zip(&entries).zip(&records) {
            if let Event::StepDone { outcome: Outcome::Verify { key: Some(key), .. }, .. } = event {
                self.drawn().remove(key);
            }
            // Another thread that reads what other stations wrote may have come upon it first.
            let is_read = entry.seq <= book.head.seq;
            results.push((number, if is_read { Ok(()) } else { book.apply(entry, event) }));
        }
        Ok(results)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the log says now. Hold it briefly: every thread waits for it.
    pub(super) fn book(&self) -> MutexGuard<'_, Register> {
        // A thread that panicked cannot have left the book half-changed for longer than the log: it is read again from the
        // log by the next process, and within this one each event is applied whole.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a job stands.
    pub(super) fn state(&self, job: JobId) -> JobState {
        self.book().jobs[&job].state.clone()
    }

    /// Whether the job has a key of its own: one that has its PIN, or may have it. Until then any fit key will do.
    pub(super) fn has_key(&self, job: JobId) -> bool {
        let book = self.book();
        let job = &book.jobs[&job];
        matches!(job.state, JobState::Open(Step::SetPin) | JobState::Failed(Step::SetPin, _))
            || job.outcomes.contains(Step::SetPin)
    }

    /// Whether a step of a job is done.
    pub(super) fn is_done(&self, job: JobId, step: Step) -> bool {
        self.book().jobs[&job].outcomes.contains(step)
    }

    /// What a step of a job ended with, if it is done.
    pub(super) fn outcome(&self, job: JobId, step: Step) -> Result<Option<Outcome>, LedgerError> {
        let place = self.book().jobs[&job].outcomes.at(step);
        place.map(|seq| register::outcome(self.store, seq)).transpose()
    }

    /// The job's newest ceremony. Whether the IdP still waits in it is another question.
    pub(super) fn ceremony(&self, job: JobId) -> Result<Option<Ceremony>, LedgerError> {
        Ok(match self.outcome(job, Step::Begin)? {
            Some(Outcome::Begin { ceremony, .. }) => Some(*ceremony),
            _ => None,
        })
    }

    /// What the log kept of a credential; `None` if it has no such credential.
    pub(super) fn evidence(&self, id: &CredentialId) -> Result<Option<Evidence>, LedgerError> {
        let register = self.book();
        register.evidence(id, self.store)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::ledger::{Entry, Head, sample};

    /// A store that waits to be told before each write, counts them, and fails the events that say so.
    struct Slow {
        go: Mutex<Receiver<()>>,
        log: Mutex<(Head, Vec<Entry>)>,
        writes: AtomicUsize,
        /// The write that panics, from 1; 0 for none.
        panics_at: usize,
    }

    impl Slow {
        fn new() -> (Sender<()>, Self) {
            let (sender, go) = channel();
            let log = Mutex::new((Head::EMPTY, Vec::new()));
            (sender, Self { go: Mutex::new(go), log, writes: AtomicUsize::new(0), panics_at: 0 })
        }
    }

    impl Store for Slow {
        fn append(&self, _expected: &Head, records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
            self.go.lock().unwrap().recv().unwrap();
            let write = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
            assert_ne!(write, self.panics_at, "the disk is on fire");
            let mut log = self.log.lock().unwrap();
            let mut entries = Vec::new();
            for Record { event, .. } in records {
                let entry = Entry::following(&log.0, "2026-11-23T18:00:00.000Z".into(), event);
                log.0 = entry.head();
                entries.push(entry);
            }
            log.1.extend(entries.clone());
            Ok(entries)
        }

        fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
            self.log.lock().unwrap().1.iter().filter(|entry| entry.seq > after).cloned().try_for_each(visit)
        }
    }

    fn note(job: Option<u64>, message: &str) -> Event {
        Event::AttentionNeeded { job: job.map(JobId), message: message.into() }
    }

    #[test]
    fn events_of_different_jobs_are_written_together_and_of_one_job_apart() {
        let mut line = Line::default();
        let events = [note(Some(1), "a"), note(Some(2), "b"), note(Some(1), "c"), note(None, "d"), note(Some(3), "e")];
        line.waiting = (0..).zip(events).collect();
        let mut groups = Vec::new();
        while !line.waiting.is_empty() {
            groups.push(line.group().into_iter().map(|(number, _)| number).collect::<Vec<_>>());
        }
        assert_eq!(groups, [vec![0, 1, 4], vec![2], vec![3]]);
    }

    #[test]
    fn what_came_while_the_disk_was_busy_goes_in_one_write_and_a_misfit_fails_alone() {
        let (go, store) = Slow::new();
        let journal = Journal::open(&store).unwrap();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| journal.record(&note(None, "first")));
            while !journal.line().writing {
                std::thread::yield_now();
            }
            let rest: Vec<_> = (1..=4)
                // These jobs were never planned, so none of these events fits.
                .map(|job| {
                    scope.spawn({
                        let journal = &journal;
                        move || journal.record(&note(Some(job), "misfit"))
                    })
                })
                .chain([scope.spawn(|| journal.record(&note(None, "last")))])
                .collect();
            while journal.line().waiting.len() < 5 {
                std::thread::yield_now();
            }
            go.send(()).unwrap();
            go.send(()).unwrap();
            assert_eq!(first.join().unwrap(), Ok(()));
            let results: Vec<_> = rest.into_iter().map(|thread| thread.join().unwrap()).collect();
            assert!(
                results[..4].iter().all(|result| matches!(result, Err(LedgerError::Rejected { .. }))),
                "{results:?}"
            );
            assert_eq!(results[4], Ok(()));
        });
        assert_eq!(store.writes.load(Ordering::SeqCst), 2);
        assert_eq!(journal.book().attention.len(), 2);
    }

    #[test]
    fn nobody_waits_for_a_thread_that_panicked_while_it_wrote_for_others() {
        let (go, store) = Slow::new();
        let planned = sample::log(&[
            sample::batch(1),
            sample::planned("ada", 3),
            sample::job_planned(1, "ada", 1),
            sample::job_planned(2, "ada", 2),
        ]);
        let store = Slow { log: Mutex::new((planned[3].head(), planned)), panics_at: 2, ..store };
        let journal = Journal::open(&store).unwrap();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| journal.record(&note(None, "first")));
            while !journal.line().writing {
                std::thread::yield_now();
            }
            let rest = [1, 2].map(|job| {
                let journal = &journal;
                scope.spawn(move || journal.record(&note(Some(job), "together")))
            });
            while journal.line().waiting.len() < 2 {
                std::thread::yield_now();
            }
            go.send(()).unwrap();
            go.send(()).unwrap();
            assert_eq!(first.join().unwrap(), Ok(()));
            let ended = rest.map(|thread| thread.join());
            assert_eq!(ended.iter().filter(|ended| ended.is_err()).count(), 1, "one of them wrote");
            let told = ended.into_iter().find_map(Result::ok).unwrap();
            assert!(matches!(told, Err(LedgerError::Database(_))), "{told:?}");
        });
    }
}
