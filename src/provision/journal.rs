//! The ledger as the running job uses it: every event goes to disk first, then into the [`Book`] that all threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ledger::{Book, Event, JobId, JobState, LedgerError, Outcome, Step, Store};

/// The store and what it says now, kept in step.
pub struct Journal<'a> {
    store: &'a dyn Store,
    book: Mutex<Book>,
}

impl<'a> Journal<'a> {
    /// Reads what is there.
    pub fn open(store: &'a dyn Store) -> Result<Self, LedgerError> {
        let book = Book::read(&store.entries(0)?)?;
        Ok(Self { store, book: Mutex::new(book) })
    }

    /// Writes an event. When this returns, the disk has it.
    pub fn record(&self, event: &Event) -> Result<(), LedgerError> {
        // One lock for store and book, so that the book reads events in the order of the chain.
        self.book().record(self.store, event)
    }

    /// Writes several events: the disk has all of them or none.
    pub fn record_all(&self, events: &[Event]) -> Result<(), LedgerError> {
        self.book().record_all(self.store, events)
    }

    /// What the log says now. Hold it briefly: every thread waits for it.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        // A thread that panicked cannot have left the book half-changed for longer than the log: it is read again from the
        // log by the next process, and within this one each event is applied whole.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a job stands.
    pub fn state(&self, job: JobId) -> JobState {
        self.book().jobs[&job].state.clone()
    }

    /// Whether the job has a key of its own: one that has its PIN, or may have it. Until then any fit key will do.
    pub fn has_key(&self, job: JobId) -> bool {
        let book = self.book();
        let job = &book.jobs[&job];
        matches!(job.state, JobState::Open(Step::SetPin) | JobState::Failed(Step::SetPin, _))
            || job.outcomes.contains_key(&Step::SetPin)
    }

    /// What a step of a job ended with, if it is done.
    pub fn outcome(&self, job: JobId, step: Step) -> Option<Outcome> {
        self.book().jobs[&job].outcomes.get(&step).cloned()
    }
}
