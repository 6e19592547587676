//! The log in a SQLite file: WAL, full sync, one writer.

use std::path::Path;

use super::{Entry, Event, LedgerError, Store};

/// A ledger file.
pub struct SqliteStore {}

impl SqliteStore {
    /// Opens for writing, and makes the file if there is none. Holds a lock beside the file (`ledger.lock`) until dropped.
    /// `now` gives the time of entries.
    pub fn open(_path: &Path, _now: Box<dyn Fn() -> time::OffsetDateTime + Send + Sync>) -> Result<Self, LedgerError> {
        todo!()
    }

    /// Opens for reading only, also while another process writes.
    pub fn read(_path: &Path) -> Result<Self, LedgerError> {
        todo!()
    }
}

impl Store for SqliteStore {
    fn append(&self, _event: &Event) -> Result<Entry, LedgerError> {
        todo!()
    }

    fn entries(&self, _after: u64) -> Result<Vec<Entry>, LedgerError> {
        todo!()
    }
}
