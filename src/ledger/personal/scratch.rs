//! A ledger file for the tests of this room and of those above it, and what somebody does to it who is not stopped.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::ledger::sample::{clock, log};
use crate::ledger::{AccountId, Entry, Event, Head, LedgerError, Record, SqliteStore, Store, chain};

/// A ledger in a folder of its own.
pub(crate) struct LedgerFile {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl LedgerFile {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        Self { _folder: folder, path }
    }

    /// One as version 0.1.0 wrote it: every text in the log.
    pub(crate) fn old(events: &[Event]) -> Self {
        let ledger = Self::new();
        drop(ledger.open());
        let mut sql = "DROP TABLE texts; DROP TABLE persons; PRAGMA user_version = 1;".to_owned();
        for entry in log(events) {
            let (seq, time, body) = (entry.seq, entry.time, entry.body.replace('\'', "''"));
            let hash = data_encoding::HEXLOWER.encode(&entry.hash);
            sql.push_str(&format!("INSERT INTO events VALUES ({seq}, '{time}', '{body}', x'{hash}');"));
        }
        ledger.forge(&sql);
        ledger
    }

    /// For writing. Another test that starts a program has the lock in its child for a moment.
    pub(crate) fn open(&self) -> SqliteStore {
        let ends = Instant::now() + Duration::from_secs(10);
        loop {
            match SqliteStore::open(&self.path, clock()) {
                Err(LedgerError::Locked { .. }) if Instant::now() < ends => std::thread::yield_now(),
                opened => return opened.unwrap(),
            }
        }
    }

    /// Appends events about one account.
    pub(crate) fn append(&self, about: &AccountId, events: &[Event]) {
        let store = self.open();
        let records: Vec<_> = events.iter().map(|event| Record { event, about: Some(about.clone()) }).collect();
        store.append(&store.head().unwrap(), &records).unwrap();
    }

    /// As `account erase` does.
    pub(crate) fn erase(&self, account: &AccountId) {
        let (login, reason, operator) = (account.login.clone(), "asked".to_owned(), "root".into());
        self.append(account, &[Event::AccountErased { account: account.clone(), login, reason, operator }]);
        self.open().scrub().unwrap();
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        SqliteStore::read(&self.path).unwrap().entries(0).unwrap()
    }

    pub(crate) fn verified(&self) -> Result<Head, LedgerError> {
        chain::verify(&SqliteStore::read(&self.path)?.entries(0)?, None)
    }

    /// The file as somebody has it who wants to change it.
    pub(crate) fn forge(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    /// Whether any file of the ledger has this text in its bytes.
    pub(crate) fn bytes_have(&self, text: &str) -> bool {
        let files = fs::read_dir(self.path.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
        files.map(|file| fs::read(file).unwrap()).any(|bytes| has(&bytes, text))
    }
}

/// Whether bytes have a text in them.
pub(crate) fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
