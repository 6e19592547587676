//! The log in a PostgreSQL database, for several stations: the same bytes and the same heads as in the SQLite file.
//!
//! What stations share is here: the log, people's texts and salts beside it, and who works on what ([`Claim`]). What stays with
//! each station is its key, its vault, the snapshot of the register, the checkpoints that it made, and the newest one that it
//! remembers: by that a server that was put back, or a replica that lags behind and took over, is found out.
//!
//! The database's roles do the guarding: its owner makes and migrates the tables, stations append by one function and have no
//! right to write otherwise, readers read. Entries have the server's time, so that stations whose clocks differ write one order. It
//! refuses a second writer of one station, a replica, and an event about somebody whom another station works on.

mod column;
mod connection;
mod copy;
mod owner;
mod sealed_pins;
mod texts;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use keywright_files::{FileError, private};

use self::column::value;
use self::connection::Connection;
pub use self::connection::{Access, ClientCertificate, PostgresUrl};
pub use self::copy::{copy_into_file, copy_into_server};
pub use self::owner::{Health, Roles, health, init, migrate};
pub use self::sealed_pins::SealedPins;
use self::texts::{Committed, TextsRead};
use super::personal::person::identity;
use super::personal::{PersonTexts, texts_from};
use super::snapshot::{Keeper, Snapshot, Unusable};
use super::writer::lock;
use super::{AccountId, Claim, Entry, Event, Head, LedgerError, Record, StationKey, Store, follow};

/// The format's version.
const VERSION: i32 = 1;

/// How many entries are fetched in one go.
const PAGE: i64 = 1024;

/// A ledger in a database.
pub struct PostgresStore {
    connection: Mutex<Connection>,
    place: String,
    writer: Option<Writer>,
    keeper: Option<Keeper>,
}

/// The station that writes.
pub struct StationAtServer {
    /// Its key: claims are made in its name.
    pub key: StationKey,
    /// What it is called for people.
    pub name: String,
    /// How long what it claims stays its own when it is not heard of.
    pub lease: Duration,
}

struct Writer {
    station: String,
    name: String,
    lease: Duration,
    /// Locked until dropped: one writer of each station.
    _lock: std::fs::File,
}

impl PostgresStore {
    /// Opens for writing. Holds a lock beside `place`, where this station would have its own ledger, until dropped; what it keeps
    /// is there too.
    pub fn open(access: Access, place: &Path, station: StationAtServer) -> Result<Self, LedgerError> {
        let StationAtServer { key, name, lease } = station;
        private::make_folder(place.parent().unwrap_or(Path::new(".")))?;
        let lock = lock(place)?;
        let mut store = Self::read(access)?;
        let recovering = store.connection().ask_one("SELECT pg_is_in_recovery()", &[])?;
        if value(&recovering, 0)? {
            return Err(LedgerError::Replica { place: store.place.clone() });
        }
        store.writer = Some(Writer { station: key.fingerprint(), name, lease, _lock: lock });
        Ok(store.keeping(place, key))
    }

    /// Opens for reading only.
    pub fn read(access: Access) -> Result<Self, LedgerError> {
        let mut connection = Connection::open(access)?;
        let place = connection.place();
        owner::require_version(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection), place, writer: None, keeper: None })
    }

    /// The same, keeping what it is given beside `place`, vouched for by this key.
    #[must_use]
    pub fn keeping(mut self, place: &Path, key: StationKey) -> Self {
        self.keeper = Some(Keeper::beside(place, key));
        self
    }

    /// A statement that was cut off was either carried out or not: the connection is sound after a panic too.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> Result<&Writer, LedgerError> {
        self.writer.as_ref().ok_or_else(|| LedgerError::ReadOnly { path: self.place.clone() })
    }

    /// Entries from one number on, up to a page of them. `expected` counts on.
    fn page(&self, expected: &mut u64) -> Result<Vec<Entry>, LedgerError> {
        let first = if *expected == 1 { i64::MIN } else { number(*expected) };
        let sql = "SELECT seq, time, body, hash FROM keywright.events WHERE seq >= $1 ORDER BY seq LIMIT $2";
        let mut connection = self.connection();
        let rows = connection.ask(sql, &[(&first, Type::INT8), (&PAGE, Type::INT8)])?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let entry = entry(row)?;
            if entry.seq != *expected {
                return Err(LedgerError::broken(*expected, format!("event {} stands in its place", entry.seq)));
            }
            *expected += 1;
            entries.push(entry);
        }
        let texts = TextsRead::of(&mut connection, entries.iter().map(|entry| entry.body.as_str()))?;
        for entry in &mut entries {
            entry.texts = texts.of_entry(entry)?;
        }
        Ok(entries)
    }

    fn has(&self, head: &Head) -> Result<bool, LedgerError> {
        let sql = "SELECT hash FROM keywright.events WHERE seq = $1";
        let found = self.connection().ask(sql, &[(&number(head.seq), Type::INT8)])?;
        let hash = found.first().map(|row| value::<&[u8]>(row, 0)).transpose()?;
        Ok(hash.is_some_and(|hash| hash == head.hash))
    }
}

impl Store for PostgresStore {
    fn append(&self, expected: &Head, records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        let writer = self.writer()?;
        let mut connection = self.connection();
        let committed = Committed::of(&mut connection, records)?;
        let (mut head, mut entries) = (expected.clone(), Vec::with_capacity(records.len()));
        for (body, texts) in committed.bodies {
            let entry = Entry::with_body(&head, committed.time.clone(), body, texts);
            // What cannot be read back would make the whole log unreadable.
            entry.event().map_err(|error| LedgerError::Rejected { why: error.to_string() })?;
            head = entry.head();
            entries.push(entry);
        }
        let mut writing = [0; 16];
        rand::fill(&mut writing).map_err(|_| LedgerError::Database("the system gave no random bytes".to_owned()))?;
        let of_jobs = records.iter().filter(|record| record.event.job().is_some());
        let resources: Vec<String> = of_jobs.filter_map(|record| record.about.as_ref()).map(resource).collect();
        let erased: Vec<String> = records
            .iter()
            .filter_map(|record| match record.event {
                Event::AccountErased { account, .. } => Some(identity(Some(account))),
                _ => None,
            })
            .collect();
        let column = |of: fn(&Entry) -> &str| entries.iter().map(of).collect::<Vec<_>>();
        let (times, bodies) = (column(|entry| &entry.time), column(|entry| &entry.body));
        let hashes: Vec<&[u8]> = entries.iter().map(|entry| entry.hash.as_slice()).collect();
        let (persons, texts) = (&committed.persons, &committed.texts);
        let row = connection.ask_one(
            "SELECT outcome, found_seq, found_hash, holder, held_until FROM keywright.append($1, $2, $3, $4, $5, $6, $7, $8, \
             $9, $10, $11, $12, $13, $14, $15, $16)",
            &[
                (&number(expected.seq), Type::INT8),
                (&expected.hash.as_slice(), Type::BYTEA),
                (&writing.as_slice(), Type::BYTEA),
                (&writer.station, Type::TEXT),
                (&resources, Type::TEXT_ARRAY),
                (&times, Type::TEXT_ARRAY),
                (&bodies, Type::TEXT_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
                (&persons.numbers, Type::INT8_ARRAY),
                (&persons.accounts, Type::TEXT_ARRAY),
                (&persons.salts, Type::BYTEA_ARRAY),
                (&persons.named, Type::BOOL_ARRAY),
                (&texts.persons, Type::INT8_ARRAY),
                (&texts.codes, Type::BYTEA_ARRAY),
                (&texts.texts, Type::BYTEA_ARRAY),
                (&erased, Type::TEXT_ARRAY),
            ],
        )?;
        match value(&row, 0)? {
            "written" => {
                if !erased.is_empty() {
                    // What is kept has the person's names.
                    self.keeper.as_ref().map_or(Ok(()), Keeper::remove)?;
                }
                Ok(entries)
            }
            "claimed" => Err(LedgerError::Claimed { name: value(&row, 3)?, until: value(&row, 4)? }),
            _ => {
                let odd = |name: &str| LedgerError::Column { name: name.to_owned(), why: "it is no head".to_owned() };
                let hash = value::<&[u8]>(&row, 2)?.try_into().map_err(|_| odd("found_hash"))?;
                let seq = u64::try_from(value::<i64>(&row, 1)?).map_err(|_| odd("found_seq"))?;
                let found = Head { seq, hash };
                Err(LedgerError::Conflict { expected: expected.clone(), found })
            }
        }
    }

    fn claim(&self, account: &AccountId) -> Result<Claim, LedgerError> {
        let writer = self.writer()?;
        let row = self.connection().ask_one(
            "SELECT is_ours, holder, held_until FROM keywright.claim($1, $2, $3, $4)",
            &[
                (&resource(account), Type::TEXT),
                (&writer.station, Type::TEXT),
                (&writer.name, Type::TEXT),
                (&writer.lease.as_secs_f64(), Type::FLOAT8),
            ],
        )?;
        Ok(if value(&row, 0)? { Claim::Ours } else { Claim::Theirs { name: value(&row, 1)?, until: value(&row, 2)? } })
    }

    fn renew_claims(&self) -> Result<Option<Duration>, LedgerError> {
        let writer = self.writer()?;
        let parameters = [(&writer.station as _, Type::TEXT), (&writer.lease.as_secs_f64() as _, Type::FLOAT8)];
        self.connection().ask("SELECT keywright.renew($1, $2)", &parameters)?;
        Ok(Some(writer.lease / 3))
    }

    fn release(&self, account: &AccountId) -> Result<(), LedgerError> {
        let parameters = [(&resource(account) as _, Type::TEXT), (&self.writer()?.station as _, Type::TEXT)];
        self.connection().ask("SELECT keywright.release($1, $2)", &parameters).map(drop)
    }

    fn scrub(&self) -> Result<(), LedgerError> {
        self.keeper.as_ref().map_or(Ok(()), Keeper::remove)?;
        self.connection().ask("SELECT keywright.scrub()", &[]).map(drop)
    }

    fn persons(&self, visit: &mut dyn FnMut(PersonTexts) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        texts::persons(|sql, parameters| self.connection().ask(sql, parameters), visit)
    }

    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        let Some(mut expected) = after.checked_add(1) else { return Ok(()) };
        loop {
            let page = self.page(&mut expected)?;
            if page.is_empty() {
                return Ok(());
            }
            page.into_iter().try_for_each(&mut *visit)?;
        }
    }

    fn head(&self) -> Result<Head, LedgerError> {
        let sql = "SELECT seq, time, body, hash FROM keywright.events ORDER BY seq DESC LIMIT 1";
        let rows = self.connection().ask(sql, &[])?;
        rows.first().map_or(Ok(Head::EMPTY), |row| entry(row).map(|entry| entry.head()))
    }

    fn kept(&self) -> Result<Option<Snapshot>, Unusable> {
        self.keeper.as_ref().map_or(Ok(None), |keeper| keeper.read(|head| self.has(head)))
    }

    fn keep(&self, head: &Head, content: &[u8]) -> Result<(), FileError> {
        self.keeper.as_ref().map_or(Ok(()), |keeper| keeper.write(head, content))
    }

    fn entry(&self, seq: u64) -> Result<Entry, LedgerError> {
        let sql = "SELECT seq, time, body, hash FROM keywright.events WHERE seq BETWEEN $1 AND $2 ORDER BY seq";
        let mut connection = self.connection();
        let rows = connection.ask(sql, &[(&number(seq).saturating_sub(1), Type::INT8), (&number(seq), Type::INT8)])?;
        let (mut before, mut found) = (Head::EMPTY, None);
        for row in &rows {
            match entry(row)? {
                entry if entry.seq == seq => found = Some(entry),
                entry => before = entry.head(),
            }
        }
        let mut entry = follow(before, found, seq)?;
        let texts = TextsRead::of(&mut connection, [entry.body.as_str()])?;
        entry.texts = texts.of_entry(&entry)?;
        Ok(entry)
    }
}

impl Drop for PostgresStore {
    /// Gives up what the station claims. If the server is away, the lease ends by itself.
    fn drop(&mut self) {
        let Some(writer) = &self.writer else { return };
        let sql = format!("SELECT keywright.release(NULL, '{}')", writer.station);
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = connection.execute(&sql) {
            tracing::debug!("claims were not given up: {error}");
        }
    }
}

/// What stands for an account where claims are: nobody's name is in it.
fn resource(account: &AccountId) -> String {
    HEXLOWER.encode(&Sha256::digest(identity(Some(account))))
}

/// A sequence number as PostgreSQL has it. No log gets to the end of i64.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn entry(row: &Row) -> Result<Entry, LedgerError> {
    let found: i64 = value(row, 0)?;
    let seq = u64::try_from(found)
        .ok()
        .filter(|seq| *seq > 0)
        .ok_or_else(|| LedgerError::broken(1, format!("event {found} stands before it")))?;
    let hash =
        value::<&[u8]>(row, 3)?.try_into().map_err(|_| LedgerError::broken(seq, "its hash has another length"))?;
    Ok(Entry { seq, time: value(row, 1)?, body: value(row, 2)?, hash, texts: texts_from("", |_| None) })
}
