//! What happened: one append-only log of events, hash-chained with SHA-256.
//!
//! The log is the journal too: a step is written before it is done, and again when it is done, so that after a crash the last
//! event of a job says what was open. It refuses to change or remove an event, and it never holds a secret. Texts about people are
//! beside it, so that they can be erased.

mod account_id;
mod actor;
mod ahead;
mod archive;
pub mod assertion;
pub mod chain;
mod checkpoint;
mod checkpoints;
pub mod event;
mod key_number;
mod memory;
pub mod note;
mod observed;
pub mod personal;
pub mod postgres;
#[cfg(test)]
pub(crate) mod sample;
mod snapshot;
pub mod sqlite;
pub mod station_key;
pub mod time_stamp;
pub mod tree;
pub mod witness_result;
mod writer;

pub use account_id::{AccountId, IdpInstance};
pub use actor::{Actor, Seen};
pub use ahead::each_event;
pub use archive::Archive;
pub use chain::{Entry, Head};
pub use checkpoint::{Checkpoint, Origin};
pub use checkpoints::{Checkpoints, Kept};
pub use event::{Event, Failure, FailureCode, JobId, KeyIdentity, Outcome, Step, rollout};
pub use key_number::{KeyNumber, KeyState, NoKeyNumber};
pub use memory::{Memory, Mismatch};
pub use observed::{Erasure, ErasureSeen, FoundOnKey, Observed, SeenByHand, SilentAnswer};
pub use personal::{Erasures, PersonTexts, Texts};
pub use postgres::PostgresStore;
pub use snapshot::{Snapshot, Unusable};
pub use sqlite::SqliteStore;
pub use station_key::{MacPurpose, StationKey};
pub use time_stamp::{Stamped, TimeStamp, TimeStampError};
pub use witness_result::{Unavailable, WitnessResult};
pub use writer::Writer;

use std::cmp::Ordering;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use keywright_files::FileError;

/// An event that is to be written.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The event.
    pub event: &'a Event,
    /// The account that the texts in it are about: they are erased with it. `None` if they are about nobody.
    pub about: Option<AccountId>,
}

impl<'a> From<&'a Event> for Record<'a> {
    /// An event that is about the account that it names, or about nobody. [`crate::register::Register::record_of`] knows more.
    fn from(event: &'a Event) -> Self {
        Self { event, about: event.account().cloned() }
    }
}

/// Who works on an account's keys now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This station.
    Ours,
    /// Another one.
    Theirs {
        /// What it is called.
        name: String,
        /// Until when, RFC 3339, if it is not heard of again.
        until: String,
    },
}

/// Where events are kept: a SQLite file, or a server for several stations.
pub trait Store: Send + Sync {
    /// Appends events after `expected`, the head up to which the writer has read the log, and returns their entries, one for
    /// each event. When this returns, the disk has all of them; if it fails, none.
    ///
    /// Fails with [`LedgerError::Conflict`] if the log ends elsewhere: somebody else wrote, and what the writer decided may no
    /// longer hold.
    ///
    /// With [`Event::AccountErased`] the texts that the ledger keeps of its account go in the same write.
    fn append(&self, expected: &Head, records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError>;

    /// Claims an account's keys for this station, so that no other works on them: what others write about its jobs fails with
    /// [`LedgerError::Claimed`]. The default is for stores of one station.
    fn claim(&self, _account: &AccountId) -> Result<Claim, LedgerError> {
        Ok(Claim::Ours)
    }

    /// Says that this station is still there, and so keeps what it claims. Gives back when to say so again; `None` if nobody waits
    /// for it.
    fn renew_claims(&self) -> Result<Option<Duration>, LedgerError> {
        Ok(None)
    }

    /// Gives a claim up.
    fn release(&self, _account: &AccountId) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Takes the last traces of erased texts off the disk, which a log of writes may still have. Can be done again at any time.
    /// The default does nothing: it is for stores that keep no texts.
    fn scrub(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Shows the persons to `visit`, in the order of their numbers, with the texts that are kept of them. The default shows
    /// nobody: it is for stores that keep no texts.
    fn persons(&self, _visit: &mut dyn FnMut(PersonTexts) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Shows the entries after this sequence number (0 for all) to `visit` one by one, as they stand: numbers rise by one from
    /// there, and nothing else is checked. Whoever acts on them reads with [`Store::each`].
    ///
    /// A long log need not fit into memory. Ends with `visit`'s first error, and with [`LedgerError::Broken`] at the first number
    /// that is not the next one. Entries that are appended meanwhile may be among them.
    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError>;

    /// Shows the entries after a head that is trusted, each only once it is known to follow: [`LedgerError::Broken`] where the
    /// chain is broken, also if the log has another entry at that head.
    fn each(&self, after: &Head, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        let mut head = after.clone();
        if let Some(before) = after.seq.checked_sub(1) {
            // The chain goes on from the very entry that is trusted.
            let mut found = false;
            self.rows(before, &mut |entry| {
                if !found {
                    found = true;
                    return after.recognise(&entry.head());
                }
                head.follow(&entry)?;
                visit(entry)
            })?;
            return if found { Ok(()) } else { Err(LedgerError::missing(after)) };
        }
        self.rows(0, &mut |entry| {
            head.follow(&entry)?;
            visit(entry)
        })
    }

    /// The end of the log. The default reads the whole log for it.
    fn head(&self) -> Result<Head, LedgerError> {
        let mut head = Head::EMPTY;
        self.each(&Head::EMPTY, &mut |entry| {
            head = entry.head();
            Ok(())
        })?;
        Ok(head)
    }

    /// The entries after this sequence number (0 for all), in order. The chain is checked from its first event on.
    fn entries(&self, after: u64) -> Result<Vec<Entry>, LedgerError> {
        let mut entries = Vec::new();
        self.each(&Head::EMPTY, &mut |entry| {
            if entry.seq > after {
                entries.push(entry);
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// What was kept beside the log last, if it is of use; `None` if nothing is, or the store keeps nothing.
    fn kept(&self) -> Result<Option<Snapshot>, Unusable> {
        Ok(None)
    }

    /// Keeps bytes beside the log that belong to this head of it, in place of older ones. A matter of speed: a store may keep
    /// nothing.
    fn keep(&self, _head: &Head, _content: &[u8]) -> Result<(), FileError> {
        Ok(())
    }

    /// The entry of this number, held against the one before it. Fails with [`LedgerError::Broken`] if it is missing, or does not
    /// follow. The default reads all that comes after it too.
    fn entry(&self, seq: u64) -> Result<Entry, LedgerError> {
        let (mut before, mut found) = (Head::EMPTY, None);
        self.rows(seq.saturating_sub(2), &mut |entry| {
            match entry.seq.cmp(&seq) {
                Ordering::Less => before = entry.head(),
                Ordering::Equal => found = Some(entry),
                Ordering::Greater => {}
            }
            Ok(())
        })?;
        follow(before, found, seq)
    }
}

/// An entry that was looked for by its number, if it follows the one before it.
fn follow(mut before: Head, found: Option<Entry>, seq: u64) -> Result<Entry, LedgerError> {
    let entry = found.ok_or_else(|| LedgerError::broken(seq, "it is missing"))?;
    before.follow(&entry)?;
    Ok(entry)
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
    /// It was written by an older keywright, and its owner has to migrate it.
    #[error("{path} has version {found} of the format, which is older than version {known} of this keywright")]
    Older {
        /// Where it is.
        path: String,
        /// Its version.
        found: i64,
        /// The version that is needed.
        known: i64,
    },
    /// Its server does not answer. Whatever was under way was written whole, or not at all.
    #[error("the register at {place} cannot be reached: {why}")]
    Unreachable {
        /// Its address.
        place: String,
        /// The system's or the server's words.
        why: String,
    },
    /// Its server follows another one, and cannot be written.
    #[error("{place} is a replica, which can only be read")]
    Replica {
        /// Its address.
        place: String,
    },
    /// Its server does not let us.
    #[error("the register at {place} refuses: {why}")]
    NoRight {
        /// Its address.
        place: String,
        /// Its words.
        why: String,
    },
    /// A column of its database has another type than it was made with, or is empty.
    #[error("column {name} of the register's database is not as keywright made it: {why}")]
    Column {
        /// What it is called.
        name: String,
        /// What does not fit.
        why: String,
    },
    /// Something is there, where a copy was to go.
    #[error("{path} has a ledger already; nothing was copied")]
    NotEmpty {
        /// Where.
        path: String,
    },
    /// Another station works on the keys of the account that the event is about. It was not written.
    #[error("{name} works on these keys now, and has them until {until} if it is not heard of")]
    Claimed {
        /// What the station is called.
        name: String,
        /// RFC 3339.
        until: String,
    },
    /// There is none.
    #[error("there is no ledger at {path}")]
    Missing {
        /// The file.
        path: String,
    },
    /// The file that was opened is no longer the one of that name.
    #[error("{path} was removed or replaced while it was in use")]
    Replaced {
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
    /// It is not the ledger that this station remembers.
    #[error(transparent)]
    NotAsRemembered(#[from] Mismatch),
    /// A signature under a checkpoint that is not what it claims to be.
    #[error("the signature of {name} in {path} is forged: it does not fit that checkpoint")]
    Forged {
        /// Whose it claims to be.
        name: String,
        /// The checkpoint.
        path: String,
    },
    /// A time stamp beside a checkpoint that is not one of it.
    #[error("the time stamp {path} is not good: {why}")]
    TimeStamp {
        /// The file.
        path: String,
        /// Why.
        why: TimeStampError,
    },
    /// The database's own words.
    #[error("the ledger's database failed: {0}")]
    Database(String),
    /// A file of the ledger, or beside it, that is not ours alone.
    #[error(transparent)]
    Private(FileError),
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

    /// The log ends before an entry that it once had.
    fn missing(known: &Head) -> Self {
        Self::broken(known.seq, format!("it is missing; the log once went on to event {}", known.seq))
    }

    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        let path = path.display().to_string();
        if is_full(error) { Self::DiskFull { path } } else { Self::File { path, why: error.to_string() } }
    }
}

impl From<FileError> for LedgerError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::DiskFull { path } => Self::DiskFull { path },
            FileError::Io { path, why } => Self::File { path, why },
            other => Self::Private(other),
        }
    }
}

/// Whether the system refused to write for want of room.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
