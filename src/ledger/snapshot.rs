//! What a station keeps beside its log to be faster next time: bytes that belong to one head of the log, under a MAC of the
//! station's key.
//!
//! Nothing but speed depends on them. It refuses bytes that this station did not write, or that belong to another log than the
//! one beside them, and says why; whoever asked reads the log from its first event then. They say what the log says, names
//! included: the file is its owner's alone, and goes when an account is erased.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use keywright_files::{FileError, private};

use super::{Head, LedgerError, MacPurpose, StationKey};

/// The file begins with it: the head's number (8 bytes, big-endian) and hash, the content, and the MAC of all that follow.
const MAGIC: &[u8; 16] = b"keywright kept 1";
const HEAD: usize = 8 + 32;
const MAC: usize = 32;

/// The longest file that is read, in bytes: a register of 25,000 people has 20 MB.
const LONGEST: u64 = 1 << 30;

/// Bytes, and the head that they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Up to where the log was read when they were made.
    pub head: Head,
    file: Bytes,
}

impl Snapshot {
    /// The bytes. They are shared, not copied.
    pub fn content(&self) -> Bytes {
        self.file.slice(MAGIC.len() + HEAD..self.file.len() - MAC)
    }
}

/// Why what was kept is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It begins otherwise.
    #[error("it has another format")]
    Format,
    /// The station's key says so: it is torn, was changed, or is another station's.
    #[error("this station did not write it as it is")]
    NotOurs,
    /// The log beside it has no such event.
    #[error("it belongs to another log, or to a newer copy of this one")]
    OtherLog,
    /// The file.
    #[error("{0}")]
    File(String),
}

/// The file of what is kept, and the key that vouches for it.
pub(super) struct Keeper {
    path: PathBuf,
    key: StationKey,
}

impl Keeper {
    /// Beside this ledger.
    pub(super) fn beside(ledger: &Path, key: StationKey) -> Self {
        Self { path: ledger.with_extension("kept"), key }
    }

    /// What is kept; `None` if nothing is. `has` says whether the log has an event of this number and hash.
    pub(super) fn read(
        &self,
        has: impl FnOnce(&Head) -> Result<bool, LedgerError>,
    ) -> Result<Option<Snapshot>, Unusable> {
        let unreadable = |error: std::io::Error| Unusable::File(error.to_string());
        let opened = match fs::File::open(&self.path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let length = opened.metadata().map_or(0, |found| found.len().min(LONGEST));
        let mut file = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        opened.take(LONGEST).read_to_end(&mut file).map_err(unreadable)?;
        if !file.starts_with(MAGIC) {
            return Err(Unusable::Format);
        }
        let Some((said, mac)) = file.split_last_chunk::<MAC>() else { return Err(Unusable::NotOurs) };
        if !self.key.is_mac(MacPurpose::RegisterSnapshot, said, mac) {
            return Err(Unusable::NotOurs);
        }
        let head = said[MAGIC.len()..].split_first_chunk::<8>();
        let head = head.and_then(|(seq, rest)| Some((u64::from_be_bytes(*seq), *rest.first_chunk::<32>()?)));
        let (seq, hash) = head.ok_or(Unusable::Format)?;
        let head = Head { seq, hash };
        match head == Head::EMPTY || has(&head).map_err(|error| Unusable::File(error.to_string()))? {
            true => Ok(Some(Snapshot { head, file: file.into() })),
            false => Err(Unusable::OtherLog),
        }
    }

    /// Keeps these bytes in place of the older ones.
    pub(super) fn write(&self, head: &Head, content: &[u8]) -> Result<(), FileError> {
        let mut file = Vec::with_capacity(MAGIC.len() + HEAD + content.len() + MAC);
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&head.seq.to_be_bytes());
        file.extend_from_slice(&head.hash);
        file.extend_from_slice(content);
        let mac = self.key.mac(MacPurpose::RegisterSnapshot, &file);
        file.extend_from_slice(&mac);
        private::write(&self.path, &file)
    }

    /// Keeps nothing.
    pub(super) fn remove(&self) -> Result<(), FileError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(private::at(&self.path)(error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::{append, clock, every_kind};
    use crate::ledger::{SqliteStore, Store};

    /// A ledger with a few events that keeps what it is given.
    fn keeping(folder: &Path) -> SqliteStore {
        let key = StationKey::read_or_make(&folder.join("station.pem")).unwrap();
        let store = SqliteStore::open(&folder.join("ledger.sqlite3"), clock()).unwrap().keeping(key);
        every_kind()[..5].iter().for_each(|event| drop(append(&store, event).unwrap()));
        store
    }

    #[test]
    fn what_is_kept_is_there_until_something_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let store = keeping(folder.path());
        assert_eq!(store.kept(), Ok(None));
        let head = store.head().unwrap();
        store.keep(&head, b"the register").unwrap();
        append(&store, &every_kind()[5]).unwrap();
        let kept = store.kept().unwrap().unwrap();
        assert_eq!((&kept.head, &kept.content()[..]), (&head, &b"the register"[..]));
        store.keep(&head, b"").unwrap();
        assert_eq!(store.kept().unwrap().unwrap().content(), &b""[..]);
        for _ in 0..2 {
            store.scrub().unwrap();
            assert_eq!(store.kept(), Ok(None));
        }
    }

    #[test]
    fn a_file_that_this_station_did_not_write_so_is_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let store = keeping(folder.path());
        store.keep(&store.head().unwrap(), b"the register").unwrap();
        let path = folder.path().join("ledger.kept");
        let whole = fs::read(&path).unwrap();
        for byte in 0..whole.len() {
            let mut changed = whole.clone();
            changed[byte] ^= 1;
            fs::write(&path, changed).unwrap();
            let expected = if byte < MAGIC.len() { Unusable::Format } else { Unusable::NotOurs };
            assert_eq!(store.kept(), Err(expected), "byte {byte}");
            fs::write(&path, &whole[..byte]).unwrap();
            assert!(store.kept().is_err(), "cut at {byte}");
        }
        // Another station's.
        let other = tempfile::tempdir().unwrap();
        let others = keeping(other.path());
        others.keep(&others.head().unwrap(), b"the register").unwrap();
        fs::copy(other.path().join("ledger.kept"), &path).unwrap();
        assert_eq!(store.kept(), Err(Unusable::NotOurs));
    }

    #[test]
    fn what_belongs_to_another_log_is_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let store = keeping(folder.path());
        let head = store.head().unwrap();
        for other in [Head { seq: head.seq + 1, ..head.clone() }, Head { hash: [7; 32], ..head.clone() }] {
            store.keep(&other, b"the register").unwrap();
            assert_eq!(store.kept(), Err(Unusable::OtherLog));
        }
        // One that nothing has happened in yet is like any other.
        store.keep(&Head::EMPTY, b"nothing").unwrap();
        assert_eq!(store.kept().unwrap().unwrap().head, Head::EMPTY);
    }
}
