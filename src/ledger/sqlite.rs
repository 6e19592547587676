//! The log in a SQLite file: write-ahead log, full sync, one writer.
//!
//! It refuses a file that is something else or newer, a second writer, and, in the file itself, every change or removal of an
//! event and every event that does not follow the newest.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};
use time::OffsetDateTime;

use keywright_files::{FileError, private};

use super::chain::timestamp;
use super::personal::{self, SideError, SideRows, SideTables};
use super::snapshot::{Keeper, Snapshot, Unusable};
use super::writer::lock;
use super::{Entry, Event, Head, LedgerError, PersonTexts, Record, StationKey, Store, follow, is_full};

/// SQLite's `application_id` of a ledger: "KyWr".
const APPLICATION: i32 = 0x4B79_5772;

/// SQLite's `user_version`: the format's version.
const VERSION: i64 = 2;

/// The version of keywright 0.1.0, whose texts about people all stand in the log: it has no side tables.
const WITHOUT_SIDE_TABLES: i64 = 1;

/// How many entries are fetched in one go; between two goes others may write.
const PAGE: i64 = 1024;

/// After how many bytes of text a page ends earlier.
const PAGE_BYTES: usize = 4 << 20;

/// The longest text that is read from the file, in bytes: an event has some thousands.
const LONGEST_TEXT: i32 = 16 << 20;

/// The insert trigger stands for `INSERT OR REPLACE` too, which would remove an event without a delete trigger.
const SCHEMA: &str = "
    CREATE TABLE events (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
    CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
    CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
    CREATE TRIGGER events_are_appended BEFORE INSERT ON events
        WHEN new.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
        BEGIN SELECT RAISE(ABORT, 'an event follows the newest one'); END;
";

type Clock = Box<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// A ledger file.
pub struct SqliteStore {
    path: PathBuf,
    database: Mutex<Connection>,
    /// Locked after the database.
    side: Mutex<SideTables>,
    writer: Option<Writer>,
    keeper: Option<Keeper>,
}

struct Writer {
    now: Clock,
    opened: Opened,
    /// Locked until dropped; after the database, because fields are dropped in order.
    _lock: File,
}

impl SqliteStore {
    /// Opens for writing, and makes the file (0600) and its folder (0700) if there is none. Holds a lock beside the file
    /// (`ledger.db.lock` for `ledger.db`) until dropped. `now` gives the time of entries.
    pub fn open(path: &Path, now: Box<dyn Fn() -> OffsetDateTime + Send + Sync>) -> Result<Self, LedgerError> {
        private::make_folder(folder(path))?;
        let lock = lock(path)?;
        // SQLite gives the files beside it the same permissions. One that is there is not opened: closing it would end SQLite's
        // locks in this process.
        private::create(path)?;

        let failed = |error| database_error(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut database = connect(path, flags).map_err(failed)?;
        let contents = contents(path, &database)?;
        database
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
                 PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
                 PRAGMA secure_delete = ON;",
            )
            .map_err(failed)?;
        if contents != Contents::Ledger(VERSION) {
            let change = database.transaction().map_err(failed)?;
            if contents == Contents::Nothing {
                change.execute_batch(SCHEMA).map_err(failed)?;
                change.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
            }
            SideTables::make(&change).map_err(failed)?;
            change.pragma_update(None, "user_version", VERSION).map_err(failed)?;
            change.commit().map_err(failed)?;
        }

        // The first read makes the write-ahead log's file, which stays as long as the database is open.
        newest(path, &database)?;
        let writer = Some(Writer { now, opened: Opened::find(path), _lock: lock });
        let (database, side) = (Mutex::new(database), Mutex::default());
        Ok(Self { path: path.to_owned(), database, side, writer, keeper: None })
    }

    /// Opens for reading only, also while another process writes, and on a disk that cannot be written.
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(LedgerError::Missing { path: path.display().to_string() });
        }
        let database = open_to_read(path).map_err(|error| database_error(path, &error))?;
        match contents(path, &database)? {
            Contents::Ledger(_) => {
                let (database, side) = (Mutex::new(database), Mutex::default());
                Ok(Self { path: path.to_owned(), database, side, writer: None, keeper: None })
            }
            Contents::Nothing => Err(LedgerError::Missing { path: path.display().to_string() }),
        }
    }

    /// What is behind the lock is sound even if a thread panicked while it held it: a transaction that was not committed is
    /// rolled back.
    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cache of what was checked; as sound as the database.
    fn side(&self) -> MutexGuard<'_, SideTables> {
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to [`PAGE`] entries with numbers from `first` on, which has to be the first one's number. `expected` counts on.
    fn page(&self, first: i64, expected: &mut u64) -> Result<Vec<Entry>, LedgerError> {
        let database = self.database();
        let failed = |error| database_error(&self.path, &error);
        let mut select = database
            .prepare_cached("SELECT seq, time, body, hash FROM events WHERE seq >= ?1 ORDER BY seq LIMIT ?2")
            .map_err(failed)?;
        let mut rows = select.query(params![first, PAGE]).map_err(failed)?;
        let (mut entries, mut bytes, mut side) = (Vec::<Entry>::new(), 0, self.side());
        while bytes < PAGE_BYTES
            && let Some(row) = rows.next().map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::TooBig) => LedgerError::broken(*expected, "it is longer than an event can be"),
                _ => failed(error),
            })?
        {
            let mut entry = entry(row)?;
            // A damaged file may have rows in any order, and numbers up to the end of i64.
            if entry.seq != *expected {
                return Err(LedgerError::broken(*expected, format!("event {} stands in its place", entry.seq)));
            }
            match side.texts_of(&database, &entry.body) {
                Ok(texts) => entry.texts = texts,
                // The entries before it are read first: one of them may be the fault.
                Err(_) if !entries.is_empty() => break,
                Err(error) => return Err(side_error(&self.path, entry.seq, error)),
            }
            *expected += 1;
            bytes += entry.body.len();
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The same, keeping what it is given beside the file, vouched for by this key.
    #[must_use]
    pub fn keeping(self, key: StationKey) -> Self {
        Self { keeper: Some(Keeper::beside(&self.path, key)), ..self }
    }

    /// Whether the log has an event of this number and hash.
    fn has(&self, head: &Head) -> Result<bool, LedgerError> {
        let failed = |error| database_error(&self.path, &error);
        let found = self.database().prepare_cached("SELECT hash FROM events WHERE seq = ?1").and_then(|mut select| {
            select.query_row(params![number(head.seq)], |row| row.get::<_, Vec<u8>>(0)).optional()
        });
        Ok(found.map_err(failed)?.is_some_and(|hash| hash == head.hash))
    }

    /// All that stands beside the log.
    pub(super) fn side_rows(&self) -> Result<SideRows, LedgerError> {
        SideTables::rows(&self.database()).map_err(|error| database_error(&self.path, &error))
    }

    /// Takes in a whole log and what stands beside it, which is read after it; all or nothing. For a file that was just made.
    pub(super) fn fill(
        &self,
        from: &dyn Store,
        side: impl FnOnce() -> Result<SideRows, LedgerError>,
    ) -> Result<Head, LedgerError> {
        let failed = |error| database_error(&self.path, &error);
        let mut database = self.database();
        let change = database.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut head = Head::EMPTY;
        from.each(&Head::EMPTY, &mut |entry| {
            head = entry.head();
            insert(&change, &entry).map_err(failed)
        })?;
        SideTables::fill(&change, &side()?).map_err(failed)?;
        change.commit().map_err(failed)?;
        Ok(head)
    }

    /// Fails if the name leads elsewhere than to the file that was opened: what is written there would be lost with it.
    fn still_here(&self, opened: &Opened) -> Result<(), LedgerError> {
        let replaced = || LedgerError::Replaced { path: self.path.display().to_string() };
        if *opened == Opened::find(&self.path) { Ok(()) } else { Err(replaced()) }
    }
}

/// Which files a ledger is in, by what stays the same as long as they are open. Where the system does not let an open file be
/// replaced, there is nothing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opened(Vec<Option<(u64, u64)>>);

impl Opened {
    #[cfg(unix)]
    fn find(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let files = [path.to_owned(), beside(path, "-wal")];
        Self(files.iter().map(|file| fs::metadata(file).ok().map(|found| (found.dev(), found.ino()))).collect())
    }

    #[cfg(not(unix))]
    fn find(_path: &Path) -> Self {
        Self(Vec::new())
    }
}

impl Store for SqliteStore {
    fn append(&self, expected: &Head, records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        let path = &self.path;
        let Some(writer) = &self.writer else {
            return Err(LedgerError::ReadOnly { path: path.display().to_string() });
        };
        let failed = |error| database_error(path, &error);
        let mut database = self.database();
        // From the first read on nobody else writes, so that what is compared is what is followed.
        let change = database.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut head = newest(path, &change)?;
        if head != *expected {
            return Err(LedgerError::Conflict { expected: expected.clone(), found: head });
        }
        let mut entries = Vec::with_capacity(records.len());
        for Record { event, about } in records {
            let in_side_tables = |error| side_error(path, head.seq + 1, error);
            let (body, texts) = SideTables::commit(&change, event, about.as_ref()).map_err(in_side_tables)?;
            let entry = Entry::with_body(&head, timestamp((writer.now)()), body, texts);
            // What cannot be read back would make the whole log unreadable.
            entry.event().map_err(|error| LedgerError::Rejected { why: error.to_string() })?;
            if let Event::AccountErased { account, .. } = event {
                self.side().erase(&change, account).map_err(in_side_tables)?;
            }
            insert(&change, &entry).map_err(failed)?;
            head = entry.head();
            entries.push(entry);
        }
        if records.iter().any(|record| matches!(record.event, Event::AccountErased { .. })) {
            // What is kept has the person's names.
            self.keeper.as_ref().map_or(Ok(()), Keeper::remove)?;
        }
        change.commit().map_err(failed)?;
        self.still_here(&writer.opened)?;
        Ok(entries)
    }

    fn scrub(&self) -> Result<(), LedgerError> {
        self.keeper.as_ref().map_or(Ok(()), Keeper::remove)?;
        let database = self.database();
        let failed = |error| database_error(&self.path, &error);
        let held =
            database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)).map_err(failed)?;
        if held {
            let holder = "a program that reads it".to_owned();
            return Err(LedgerError::Locked { path: self.path.display().to_string(), holder });
        }
        Ok(())
    }

    fn persons(&self, visit: &mut dyn FnMut(PersonTexts) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        let failed = |error| side_error(&self.path, 0, error);
        if contents(&self.path, &self.database())? != Contents::Ledger(VERSION) {
            return Ok(());
        }
        let persons = SideTables::persons(&self.database()).map_err(failed)?;
        for mut person in persons {
            let texts = SideTables::texts_about(&self.database(), person.number);
            person.texts = texts.map_err(|error| database_error(&self.path, &error))?;
            visit(person)?;
        }
        Ok(())
    }

    fn head(&self) -> Result<Head, LedgerError> {
        newest(&self.path, &self.database())
    }

    fn kept(&self) -> Result<Option<Snapshot>, Unusable> {
        self.keeper.as_ref().map_or(Ok(None), |keeper| keeper.read(|head| self.has(head)))
    }

    fn keep(&self, head: &Head, content: &[u8]) -> Result<(), FileError> {
        self.keeper.as_ref().map_or(Ok(()), |keeper| keeper.write(head, content))
    }

    fn entry(&self, seq: u64) -> Result<Entry, LedgerError> {
        let database = self.database();
        let failed = |error| database_error(&self.path, &error);
        let mut select = database
            .prepare_cached("SELECT seq, time, body, hash FROM events WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
            .map_err(failed)?;
        let mut rows = select.query(params![number(seq).saturating_sub(1), number(seq)]).map_err(failed)?;
        let (mut before, mut found) = (Head::EMPTY, None);
        while let Some(row) = rows.next().map_err(failed)? {
            match entry(row)? {
                entry if entry.seq == seq => found = Some(entry),
                entry => before = entry.head(),
            }
        }
        let mut entry = follow(before, found, seq)?;
        let texts = self.side().texts_of(&database, &entry.body);
        entry.texts = texts.map_err(|error| side_error(&self.path, seq, error))?;
        Ok(entry)
    }

    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        // From the very bottom, so that an event that somebody put before the first one is seen.
        let mut first = if after == 0 { i64::MIN } else { number(after).saturating_add(1) };
        let Some(mut expected) = after.checked_add(1) else { return Ok(()) };
        loop {
            let page = self.page(first, &mut expected)?;
            if page.is_empty() {
                return Ok(());
            }
            first = number(expected);
            page.into_iter().try_for_each(&mut *visit)?;
        }
    }
}

/// Readers of a write-ahead log need its index, a file that SQLite makes beside the database. Where no file can be made and no
/// log was left, nobody writes either, so that the database is read as one that does not change.
fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = connect(path, flags)?;
    match database.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !beside(path, "-wal").exists() => {
            let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let Some(name) = real.to_str() else { return Err(error) };
            let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let frozen = format!("file:{name}?immutable=1");
            Connection::open_with_flags(frozen, flags | OpenFlags::SQLITE_OPEN_URI).and_then(bounded)
        }
        _ => Ok(database),
    }
}

/// Opens a file that is no link; the folder may be reached over one, which SQLite would refuse as well.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let real = folder(path).canonicalize().ok().zip(path.file_name()).map(|(folder, name)| folder.join(name));
    let flags = flags | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(real.as_deref().unwrap_or(path), flags).and_then(bounded)
}

/// No row makes us take more memory than an event can need.
fn bounded(database: Connection) -> rusqlite::Result<Connection> {
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_TEXT)?;
    Ok(database)
}

/// The file whose name is `path` and `ending`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A sequence number as SQLite has it. No log gets to the end of i64.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn entry(row: &Row<'_>) -> Result<Entry, LedgerError> {
    let found: i64 =
        row.get(0).map_err(|error| LedgerError::broken(0, format!("its number cannot be read: {error}")))?;
    let seq = u64::try_from(found)
        .ok()
        .filter(|seq| *seq > 0)
        .ok_or_else(|| LedgerError::broken(1, format!("event {found} stands before it")))?;
    let unreadable = |error: rusqlite::Error| LedgerError::broken(seq, error.to_string());
    Ok(Entry {
        seq,
        time: row.get(1).map_err(unreadable)?,
        body: row.get(2).map_err(unreadable)?,
        hash: row.get(3).map_err(unreadable)?,
        texts: personal::Texts::default(),
    })
}

fn insert(database: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached("INSERT INTO events (seq, time, body, hash) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![number(entry.seq), entry.time, entry.body, entry.hash]).map(drop)
}

/// The head of the log in the file.
fn newest(path: &Path, database: &Connection) -> Result<Head, LedgerError> {
    database
        .prepare_cached("SELECT seq, time, body, hash FROM events ORDER BY seq DESC LIMIT 1")
        .and_then(|mut select| select.query_row([], |row| Ok(entry(row))).optional())
        .map_err(|error| database_error(path, &error))?
        .map_or(Ok(Head::EMPTY), |entry| entry.map(|entry| entry.head()))
}

#[derive(PartialEq, Eq)]
enum Contents {
    /// An empty database: the file was made, but the first transaction did not come to be.
    Nothing,
    /// A ledger of this version of the format.
    Ledger(i64),
}

/// What a database is, by its header.
fn contents(path: &Path, database: &Connection) -> Result<Contents, LedgerError> {
    let ask =
        |sql| database.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| database_error(path, &error));
    let application = ask("PRAGMA application_id")?;
    let version = ask("PRAGMA user_version")?;
    let name = path.display().to_string();
    match (application, version) {
        (0, 0) if ask("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(Contents::Nothing),
        (application, WITHOUT_SIDE_TABLES..=VERSION) if application == i64::from(APPLICATION) => {
            Ok(Contents::Ledger(version))
        }
        (application, found) if application == i64::from(APPLICATION) && found > VERSION => {
            Err(LedgerError::Newer { path: name, found, known: VERSION })
        }
        _ => Err(LedgerError::NotALedger { path: name }),
    }
}

/// What is wrong with the texts of one event.
fn side_error(path: &Path, seq: u64, error: SideError) -> LedgerError {
    match error {
        SideError::Database(error) => database_error(path, &error),
        SideError::Changed(why) => LedgerError::broken(seq, why),
    }
}

/// SQLite's error in our words. It does not say why a write failed, so that a full disk is looked for.
fn database_error(path: &Path, error: &rusqlite::Error) -> LedgerError {
    let name = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) if path.is_symlink() => LedgerError::Private(FileError::Link { path: name }),
        Some(ErrorCode::DiskFull) => LedgerError::DiskFull { path: name },
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if disk_is_full(folder(path)) => {
            LedgerError::DiskFull { path: name }
        }
        Some(ErrorCode::NotADatabase) => LedgerError::NotALedger { path: name },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            LedgerError::Locked { path: name, holder: "a program that ignores its lock file".to_owned() }
        }
        _ => LedgerError::Database(error.to_string()),
    }
}

/// Whether a file of the size of a few pages finds no room.
fn disk_is_full(folder: &Path) -> bool {
    let room = || {
        let mut file = tempfile::tempfile_in(folder)?;
        file.write_all(&[0; 65_536])?;
        file.sync_all()
    };
    room().is_err_and(|error| is_full(&error))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
