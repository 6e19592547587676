//! What happened: one append-only log of events, hash-chained with SHA-256, and the [`Book`] of accounts, keys and credentials
//! that is read from it.
//!
//! The log is the journal too: a step is written before it is done, and again when it is done, so that after a crash the last
//! event of a job says what was open. It refuses to change or remove an event, and it never holds a secret.

pub mod book;
pub mod chain;
pub mod event;
pub mod export;
pub mod sqlite;

pub use book::{Account, Book, Credential, CredentialState, Job, JobState};
pub use chain::{Entry, Head};
pub use event::{AccountId, Event, Failure, FailureCode, JobId, KeyIdentity, Outcome, Step};
pub use sqlite::SqliteStore;

/// Where events are kept: a SQLite file; later a server for several stations.
pub trait Store: Send + Sync {
    /// Appends an event to the chain and returns its entry. When this returns, the disk has it.
    fn append(&self, event: &Event) -> Result<Entry, LedgerError>;

    /// The entries after this sequence number (0 for all), in order.
    fn entries(&self, after: u64) -> Result<Vec<Entry>, LedgerError>;
}

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process writes to it.
    #[error("{path} is in use by another keywright: {holder}")]
    Locked {
        /// The file.
        path: String,
        /// Program and process id, as far as known.
        holder: String,
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
    #[error("the disk is full; {path} is as it was")]
    DiskFull {
        /// The file.
        path: String,
    },
    /// An event that does not fit the chain, or cannot be read.
    #[error("event {seq} of the ledger is not as it was written: {why}")]
    Broken {
        /// The event's sequence number.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// The database's own words.
    #[error("the ledger's database says: {0}")]
    Database(String),
    /// A file of an export.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        why: String,
    },
}
