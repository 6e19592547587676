//! What happened: one append-only log of events, hash-chained with SHA-256.
//!
//! The log is the journal too: a step is written before it is done, and again when it is done, so that after a crash the last
//! event of a job says what was open. It refuses to change or remove an event, and it never holds a secret.

pub mod chain;
pub mod event;
#[cfg(test)]
pub(crate) mod sample;
pub mod sqlite;
pub mod witness_result;
mod writer;

pub use chain::{Entry, Head};
pub use event::{
    AccountId, Erasure, Event, Failure, FailureCode, FoundOnKey, IdpInstance, JobId, KeyIdentity, Observed, Outcome,
    SeenByHand, Step,
};
pub use sqlite::SqliteStore;
pub use witness_result::{Unavailable, WitnessResult};
pub use writer::Writer;

use std::io::ErrorKind;
use std::path::Path;

/// Where events are kept: a SQLite file; later a server for several stations.
pub trait Store: Send + Sync {
    /// Appends events after `expected`, the head up to which the writer has read the log, and returns their entries, one for
    /// each event. When this returns, the disk has all of them; if it fails, none.
    ///
    /// Fails with [`LedgerError::Conflict`] if the log ends elsewhere: somebody else wrote, and what the writer decided may no
    /// longer hold.
    fn append(&self, expected: &Head, events: &[Event]) -> Result<Vec<Entry>, LedgerError>;

    /// The end of the log. The default reads the whole log for it.
    fn head(&self) -> Result<Head, LedgerError> {
        let mut head = Head::EMPTY;
        self.each(0, &mut |entry| {
            head = entry.head();
            Ok(())
        })?;
        Ok(head)
    }

    /// The entries after this sequence number (0 for all), in order.
    fn entries(&self, after: u64) -> Result<Vec<Entry>, LedgerError>;

    /// Shows the same entries to `visit` one by one, so that a long log need not fit into memory. Ends with `visit`'s first error.
    /// Entries that are appended meanwhile may be among them.
    fn each(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.entries(after)?.into_iter().try_for_each(visit)
    }
}

/// What can go wrong with the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Another process writes to it.
    #[error("{path} is in use by another keywright: {holder}")]
    Locked {
        /// The file.
        path: String,
        /// Program and process id, as far as known.
        holder: String,
    },
    /// The file is something else.
    #[error("{path} is not a keywright ledger")]
    NotALedger {
        /// The file.
        path: String,
    },
    /// It was opened for reading only.
    #[error("{path} is open for reading only")]
    ReadOnly {
        /// The file.
        path: String,
    },
    /// It was written by a newer keywright.
    #[error("{path} has version {found} of the format; this keywright knows up to {known}")]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// There is none.
    #[error("there is no ledger at {path}")]
    Missing {
        /// The file.
        path: String,
    },
    /// The disk is full. Nothing was half-written.
    #[error("the disk is full; nothing was written to {path}")]
    DiskFull {
        /// The file.
        path: String,
    },
    /// An event that does not fit the chain, or cannot be read.
    #[error("event {seq} of the ledger was changed: {why}")]
    Broken {
        /// The event's sequence number.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// An event that cannot follow what the log says already. It was not written.
    #[error("the ledger refuses this event: {why}")]
    Rejected {
        /// What it contradicts.
        why: String,
    },
    /// Somebody else wrote since the log was read. Nothing was written.
    #[error("another program wrote to the ledger: it ends at event {}, not at event {}", found.seq, expected.seq)]
    Conflict {
        /// Where the writer took the log to end.
        expected: Head,
        /// Where it ends.
        found: Head,
    },
    /// A text that is no head of a log.
    #[error("\"{0}\" is not the head of a ledger (NUMBER:HASH, the hash in 64 hexadecimal digits)")]
    Head(String),
    /// The database's own words.
    #[error("the ledger's database failed: {0}")]
    Database(String),
    /// A file of the ledger or of an export.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        why: String,
    },
}

impl LedgerError {
    pub(crate) fn broken(seq: u64, why: impl Into<String>) -> Self {
        Self::Broken { seq, why: why.into() }
    }

    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        let path = path.display().to_string();
        if is_full(error) { Self::DiskFull { path } } else { Self::File { path, why: error.to_string() } }
    }
}

/// Whether the system refused to write for want of room.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
