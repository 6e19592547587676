//! The log in a SQLite file: write-ahead log, full sync, one writer.
//!
//! It refuses a file that is something else or newer, a second writer, and, in the file itself, every change or removal of an
//! event and every event that does not follow the newest.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};
use time::OffsetDateTime;

use super::{Entry, Event, Head, LedgerError, Store, is_full};

/// SQLite's `application_id` of a ledger: "KyWr".
const APPLICATION: i32 = 0x4B79_5772;

/// SQLite's `user_version`: the format's version.
const VERSION: i64 = 1;

/// How many entries are fetched in one go; between two goes others may write.
const PAGE: i64 = 1024;

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
    writer: Option<Writer>,
}

struct Writer {
    now: Clock,
    /// Locked until dropped; after the database, because fields are dropped in order.
    _lock: File,
}

impl SqliteStore {
    /// Opens for writing, and makes the file (0600) and its folder (0700) if there is none. Holds a lock beside the file
    /// (`ledger.db.lock` for `ledger.db`) until dropped. `now` gives the time of entries.
    pub fn open(path: &Path, now: Box<dyn Fn() -> OffsetDateTime + Send + Sync>) -> Result<Self, LedgerError> {
        let folder = folder(path);
        make_folder(folder).map_err(|error| LedgerError::file(folder, &error))?;
        let lock = lock(path)?;
        make_file(path).map_err(|error| LedgerError::file(path, &error))?;

        let failed = |error| database_error(path, &error);
        let mut database =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(failed)?;
        let contents = contents(path, &database)?;
        database
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
                 PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
            )
            .map_err(failed)?;
        if contents == Contents::Nothing {
            let change = database.transaction().map_err(failed)?;
            change.execute_batch(SCHEMA).map_err(failed)?;
            change.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
            change.pragma_update(None, "user_version", VERSION).map_err(failed)?;
            change.commit().map_err(failed)?;
        }

        let writer = Some(Writer { now, _lock: lock });
        Ok(Self { path: path.to_owned(), database: Mutex::new(database), writer })
    }

    /// Opens for reading only, also while another process writes, and on a disk that cannot be written.
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(LedgerError::Missing { path: path.display().to_string() });
        }
        let database = open_to_read(path).map_err(|error| database_error(path, &error))?;
        match contents(path, &database)? {
            Contents::Ledger => Ok(Self { path: path.to_owned(), database: Mutex::new(database), writer: None }),
            Contents::Nothing => Err(LedgerError::Missing { path: path.display().to_string() }),
        }
    }

    /// What is behind the lock is sound even if a thread panicked while it held it: a transaction that was not committed is
    /// rolled back.
    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to [`PAGE`] entries with numbers from `first` on.
    fn page(&self, first: i64) -> Result<Vec<Entry>, LedgerError> {
        let database = self.database();
        let failed = |error| database_error(&self.path, &error);
        let mut select = database
            .prepare_cached("SELECT seq, time, body, hash FROM events WHERE seq >= ?1 ORDER BY seq LIMIT ?2")
            .map_err(failed)?;
        let mut rows = select.query(params![first, PAGE]).map_err(failed)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            entries.push(entry(row)?);
        }
        Ok(entries)
    }
}

impl Store for SqliteStore {
    fn append(&self, expected: &Head, events: &[Event]) -> Result<Vec<Entry>, LedgerError> {
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
        let mut entries = Vec::with_capacity(events.len());
        for event in events {
            let entry = Entry::following(&head, timestamp((writer.now)()), event);
            // What cannot be read back would make the whole log unreadable.
            entry.event().map_err(|error| LedgerError::Rejected { why: error.to_string() })?;
            change
                .prepare_cached("INSERT INTO events (seq, time, body, hash) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| insert.execute(params![number(entry.seq), entry.time, entry.body, entry.hash]))
                .map_err(failed)?;
            head = entry.head();
            entries.push(entry);
        }
        change.commit().map_err(failed)?;
        Ok(entries)
    }

    fn head(&self) -> Result<Head, LedgerError> {
        newest(&self.path, &self.database())
    }

    fn entries(&self, after: u64) -> Result<Vec<Entry>, LedgerError> {
        let mut entries = Vec::new();
        self.each(after, &mut |entry| {
            entries.push(entry);
            Ok(())
        })?;
        Ok(entries)
    }

    fn each(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        // From the very bottom, so that an event that somebody put before the first one is seen.
        let mut first = if after == 0 { i64::MIN } else { number(after).saturating_add(1) };
        loop {
            let page = self.page(first)?;
            let Some(last) = page.last() else { return Ok(()) };
            first = number(last.seq).saturating_add(1);
            page.into_iter().try_for_each(&mut *visit)?;
        }
    }
}

/// Readers of a write-ahead log need its index, a file that SQLite makes beside the database. Where no file can be made and no
/// log was left, nobody writes either, so that the database is read as one that does not change.
fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    match database.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !beside(path, "-wal").exists() => {
            let Some(name) = path.to_str() else { return Err(error) };
            let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let frozen = format!("file:{name}?immutable=1");
            Connection::open_with_flags(frozen, flags | OpenFlags::SQLITE_OPEN_URI)
        }
        _ => Ok(database),
    }
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

/// RFC 3339 in UTC with milliseconds, always 24 characters.
fn timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
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
    })
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
    Ledger,
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
        (application, VERSION) if application == i64::from(APPLICATION) => Ok(Contents::Ledger),
        (application, found) if application == i64::from(APPLICATION) && found > VERSION => {
            Err(LedgerError::Newer { path: name, found, known: VERSION })
        }
        _ => Err(LedgerError::NotALedger { path: name }),
    }
}

/// SQLite's error in our words. It does not say why a write failed, so that a full disk is looked for.
fn database_error(path: &Path, error: &rusqlite::Error) -> LedgerError {
    let name = path.display().to_string();
    match error.sqlite_error_code() {
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

/// Makes a folder for its owner alone, if it is missing. One that is there stays as it is.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Makes the file for its owner alone, if it is missing; SQLite gives the files beside it the same permissions. The disk has
/// the file's name when this returns. A file that is there is not opened: closing it would end SQLite's locks in this process.
fn make_file(path: &Path) -> io::Result<()> {
    match private().create_new(true).open(path) {
        Ok(_) => sync_folder(folder(path)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems keep names by themselves, or have no way to be asked.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// The file that is locked while somebody writes.
pub(super) fn lock_file(path: &Path) -> PathBuf {
    beside(path, ".lock")
}

/// Takes the lock, and writes into its file who has it. The file is never removed: somebody might be waiting for it.
fn lock(path: &Path) -> Result<File, LedgerError> {
    let lock_path = lock_file(path);
    let failed = |error: &io::Error| LedgerError::file(&lock_path, error);
    let mut file = private().create(true).truncate(false).open(&lock_path).map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&lock_path).unwrap_or_default();
            let holder = if holder.is_empty() { "another process" } else { holder.trim_end() };
            return Err(LedgerError::Locked { path: path.display().to_string(), holder: holder.to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name).unwrap_or("keywright".as_ref());
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}, process {}", program.to_string_lossy(), std::process::id()))
        .map_err(|error| failed(&error))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use tempfile::TempDir;

    use super::*;
    use crate::ledger::chain;
    use crate::ledger::sample::{append, clock, every_kind, log};

    fn place() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("station").join("ledger.db");
        (folder, path)
    }

    fn attention(message: impl Into<String>) -> Event {
        Event::AttentionNeeded { job: None, message: message.into() }
    }

    /// How many events [`written`] has.
    const WRITTEN: u64 = 12;

    /// A ledger, closed.
    fn written() -> (TempDir, PathBuf) {
        let (folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        for event in &every_kind()[..12] {
            append(&store, event).unwrap();
        }
        (folder, path)
    }

    /// The file as somebody has it who is not stopped by triggers.
    fn forger(path: &Path) -> Connection {
        let database = Connection::open(path).unwrap();
        database
            .execute_batch(
                "PRAGMA synchronous = OFF; DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed; DROP TRIGGER events_are_appended;",
            )
            .unwrap();
        database
    }

    fn checked(path: &Path) -> Result<Head, LedgerError> {
        chain::verify(&SqliteStore::read(path)?.entries(0)?, None)
    }

    #[track_caller]
    fn assert_blamed(path: &Path, seq: u64) {
        match checked(path) {
            Err(LedgerError::Broken { seq: found, .. }) if found == seq => {}
            other => panic!("event {seq} is not blamed: {other:?}"),
        }
    }

    #[test]
    fn what_is_appended_is_read_back() {
        let (_folder, path) = place();
        let mut appended = Vec::new();
        for event in &every_kind()[..12] {
            // Opened anew each time: the chain goes on where the file ends.
            let store = SqliteStore::open(&path, clock()).unwrap();
            appended.push(append(&store, event).unwrap());
        }
        let store = SqliteStore::read(&path).unwrap();
        assert_eq!(store.entries(0).unwrap(), appended);
        assert_eq!(store.entries(7).unwrap(), appended[7..]);
        assert_eq!(store.entries(appended.len() as u64).unwrap(), []);
        assert_eq!(store.entries(u64::MAX).unwrap(), []);
        assert_eq!(appended[0].time, "2026-11-23T18:00:00.000Z");
        assert_eq!(checked(&path).unwrap(), appended.last().unwrap().head());
        assert!(matches!(append(&store, &every_kind()[0]), Err(LedgerError::ReadOnly { .. })));
    }

    #[test]
    fn time_has_milliseconds_and_is_in_utc() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_795_456_800_004_999_999).unwrap();
        let elsewhere = at.to_offset(time::UtcOffset::from_hms(-11, -30, 0).unwrap());
        assert_eq!(timestamp(elsewhere), "2026-11-23T18:00:00.004Z");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        append(&store, &attention("x")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = path.parent().unwrap();
        assert_eq!(mode(folder), 0o700);
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 4, "{files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    }

    #[test]
    fn each_column_of_each_event_is_covered() {
        let (folder, path) = written();
        let changes = [
            "seq = 1000 + seq",
            "seq = -seq",
            "time = replace(time, 'Z', 'z')",
            "time = time || char(10)",
            "body = replace(body, '\"', '''')",
            "body = body || ' '",
            "hash = zeroblob(32)",
            "hash = substr(hash, 1, 31)",
            "hash = zeroblob(33)",
        ];
        for seq in 1..=WRITTEN {
            for change in changes {
                let copy = folder.path().join("copy.db");
                fs::copy(&path, &copy).unwrap();
                forger(&copy).execute(&format!("UPDATE events SET {change} WHERE seq = ?1"), [number(seq)]).unwrap();
                // A number below the first is seen before anything else.
                let blamed = if change == "seq = -seq" { 1 } else { seq };
                assert_blamed(&copy, blamed);
            }
        }
    }

    #[test]
    fn removed_swapped_and_added_rows_are_found() {
        let (folder, path) = written();
        let last = WRITTEN;
        for seq in 1..last {
            let case = |sql: String, blamed| {
                let copy = folder.path().join("copy.db");
                fs::copy(&path, &copy).unwrap();
                forger(&copy).execute_batch(&sql).unwrap();
                assert_blamed(&copy, blamed);
            };
            case(format!("DELETE FROM events WHERE seq = {seq}"), seq);
            case(
                format!(
                    "DELETE FROM events WHERE seq = {seq}; UPDATE events SET seq = -seq; UPDATE events SET seq = -seq - (-seq > {seq});"
                ),
                seq,
            );
            case(
                format!(
                    "UPDATE events SET seq = -1 WHERE seq = {seq}; UPDATE events SET seq = {seq} WHERE seq = {seq} + 1;
                     UPDATE events SET seq = {seq} + 1 WHERE seq = -1;"
                ),
                seq,
            );
            case(
                format!("INSERT INTO events SELECT {last} + 1, time, body, hash FROM events WHERE seq = {seq}"),
                last + 1,
            );
        }
    }

    #[test]
    fn the_file_refuses_changes() {
        let (_folder, path) = written();
        let database = Connection::open(&path).unwrap();
        for sql in [
            "UPDATE events SET time = '' WHERE seq = 3",
            "UPDATE events SET seq = 99 WHERE seq = 3",
            "DELETE FROM events WHERE seq = 3",
            "DELETE FROM events",
            "INSERT OR REPLACE INTO events SELECT 3, time, body, hash FROM events WHERE seq = 4",
            "INSERT INTO events SELECT 1000, time, body, hash FROM events WHERE seq = 4",
            "INSERT INTO events SELECT 0, time, body, hash FROM events WHERE seq = 4",
            "INSERT INTO events (time, body, hash) VALUES ('', '', x'00')",
        ] {
            let refused = database.execute(sql, []).unwrap_err().to_string();
            assert!(refused.contains("event"), "{sql}: {refused}");
        }
        checked(&path).unwrap();
    }

    #[test]
    fn a_log_that_changes_under_its_writer_is_noticed() {
        let (_folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        append(&store, &attention("one")).unwrap();
        let known = append(&store, &attention("two")).unwrap().head();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("DROP TRIGGER events_are_not_removed; DELETE FROM events WHERE seq = 2;").unwrap();
        let found = store.head().unwrap();
        assert_eq!(found.seq, 1);
        let refused = store.append(&known, &[attention("three")]);
        assert_eq!(refused, Err(LedgerError::Conflict { expected: known, found }));
        assert_eq!(store.entries(0).unwrap().len(), 1);
    }

    #[test]
    fn there_is_one_writer() {
        let (_folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        let Err(LedgerError::Locked { path: named, holder }) = SqliteStore::open(&path, clock()) else {
            panic!("two writers");
        };
        assert_eq!(Path::new(&named), path);
        assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
        SqliteStore::read(&path).unwrap();
        drop(store);
        SqliteStore::open(&path, clock()).unwrap();
    }

    #[test]
    fn a_stranger_in_the_file_is_a_lock_too() {
        let (_folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        store.database().busy_timeout(std::time::Duration::ZERO).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(append(&store, &attention("x")), Err(LedgerError::Locked { .. })));
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(append(&store, &attention("x")).unwrap().seq, 1);
    }

    #[test]
    fn newer_and_foreign_files_are_refused_and_left_alone() {
        let (folder, path) = written();
        Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        let newer = |result: Result<SqliteStore, LedgerError>| match result {
            Err(LedgerError::Newer { found, known, .. }) => assert_eq!((found, known), (VERSION + 1, VERSION)),
            other => panic!("{:?}", other.err()),
        };
        newer(SqliteStore::open(&path, clock()));
        newer(SqliteStore::read(&path));

        let text = folder.path().join("text");
        fs::write(&text, "This is not a database. ".repeat(100)).unwrap();
        let database = folder.path().join("addresses.db");
        Connection::open(&database).unwrap().execute_batch("CREATE TABLE addresses (name)").unwrap();
        for foreign in [&text, &database] {
            let before = fs::read(foreign).unwrap();
            for result in [SqliteStore::open(foreign, clock()), SqliteStore::read(foreign)] {
                assert!(matches!(result, Err(LedgerError::NotALedger { .. })), "{:?}", result.err());
            }
            assert_eq!(fs::read(foreign).unwrap(), before);
        }
    }

    #[test]
    fn a_ledger_that_is_not_there_is_missing() {
        let (folder, path) = place();
        assert!(matches!(SqliteStore::read(&path), Err(LedgerError::Missing { .. })));
        assert!(!path.parent().unwrap().exists());
        // What a crash leaves between making the file and filling it.
        let empty = folder.path().join("empty.db");
        File::create(&empty).unwrap();
        assert!(matches!(SqliteStore::read(&empty), Err(LedgerError::Missing { .. })));
        append(&SqliteStore::open(&empty, clock()).unwrap(), &attention("x")).unwrap();
        assert_eq!(checked(&empty).unwrap().seq, 1);
    }

    #[test]
    fn a_full_database_stays_as_it_was_and_goes_on_when_there_is_room() {
        let (_folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        append(&store, &attention("before")).unwrap();
        let pages = |most: i64| store.database().pragma_update(None, "max_page_count", most).unwrap();
        let long = attention("x".repeat(100_000));
        pages(10);
        for _ in 0..3 {
            assert!(matches!(append(&store, &long), Err(LedgerError::DiskFull { .. })));
            assert_eq!(store.entries(0).unwrap().len(), 1);
        }
        pages(1000);
        assert_eq!(append(&store, &long).unwrap().seq, 2);
        assert_eq!(checked(&path).unwrap().seq, 2);
    }

    #[test]
    fn a_writer_that_died_leaves_a_sound_log() {
        let (folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        for event in every_kind() {
            append(&store, &event).unwrap();
        }
        // As the disk is after SIGKILL: the write-ahead log is not yet in the database.
        let copy = folder.path().join("copy");
        fs::create_dir(&copy).unwrap();
        for name in ["ledger.db", "ledger.db-wal"] {
            fs::copy(path.with_file_name(name), copy.join(name)).unwrap();
        }
        let copy = copy.join("ledger.db");
        assert_eq!(checked(&copy).unwrap().seq, every_kind().len() as u64);
        append(&SqliteStore::open(&copy, clock()).unwrap(), &attention("x")).unwrap();
        assert_eq!(checked(&copy).unwrap().seq, every_kind().len() as u64 + 1);

        // Cut at any place, it is a shorter log without a scratch.
        let wal = fs::read(path.with_file_name("ledger.db-wal")).unwrap();
        let mut lengths = Vec::new();
        for cut in (0..wal.len()).step_by(9973) {
            let torn = folder.path().join(format!("torn-{cut}.db"));
            fs::copy(&path, &torn).unwrap();
            fs::write(folder.path().join(format!("torn-{cut}.db-wal")), &wal[..cut]).unwrap();
            match checked(&torn) {
                Ok(head) => lengths.push(head.seq),
                Err(LedgerError::Missing { .. }) => lengths.push(0),
                Err(other) => panic!("{other}"),
            }
        }
        assert!(lengths.is_sorted() && lengths.last().unwrap() > &10, "{lengths:?}");
    }

    #[test]
    fn threads_append_to_one_chain_while_others_read() {
        let (_folder, path) = place();
        let store = Arc::new(SqliteStore::open(&path, clock()).unwrap());
        let reader = SqliteStore::read(&path).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let store = Arc::clone(&store);
                thread::spawn(move || {
                    for number in 0..25 {
                        let event = attention(format!("{thread}/{number}"));
                        // Another thread may have been faster; then the head is another.
                        while let Err(error) = append(&*store, &event) {
                            assert!(matches!(error, LedgerError::Conflict { .. }), "{error}");
                        }
                    }
                })
            })
            .collect();
        let (mut seen, mut before) = (Vec::new(), 0);
        while seen.len() < 100 {
            seen = reader.entries(0).unwrap();
            assert!(seen.len() >= before);
            before = seen.len();
            chain::verify(&seen, None).unwrap();
            assert_eq!(reader.entries(before as u64 / 2).unwrap()[..before - before / 2], seen[before / 2..]);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(store.entries(0).unwrap(), seen);
    }

    #[test]
    fn a_visitor_may_append_and_may_end_the_visit() {
        let (_folder, path) = written();
        let store = SqliteStore::open(&path, clock()).unwrap();
        let mut seen = 0;
        store
            .each(0, &mut |entry| {
                seen += 1;
                if entry.seq == 2 { append(&store, &attention("x")).map(|_| ()) } else { Ok(()) }
            })
            .unwrap();
        assert!(seen >= WRITTEN);
        assert_eq!(store.entries(0).unwrap().len() as u64, WRITTEN + 1);
        let end = store.each(0, &mut |entry| Err(LedgerError::broken(entry.seq, "enough")));
        assert!(matches!(end, Err(LedgerError::Broken { seq: 1, .. })));
    }

    #[test]
    fn a_log_of_several_pages_is_read_whole() {
        let (_folder, path) = place();
        drop(SqliteStore::open(&path, clock()).unwrap());
        let length = usize::try_from(2 * PAGE + 1).unwrap();
        let written = log(&every_kind().into_iter().cycle().take(length).collect::<Vec<_>>());
        let mut database = Connection::open(&path).unwrap();
        let change = database.transaction().unwrap();
        for entry in &written {
            change
                .execute(
                    "INSERT INTO events VALUES (?1, ?2, ?3, ?4)",
                    params![number(entry.seq), entry.time, entry.body, entry.hash],
                )
                .unwrap();
        }
        change.commit().unwrap();
        let store = SqliteStore::open(&path, clock()).unwrap();
        for after in [0, 1, length - 1, length] {
            assert_eq!(store.entries(after as u64).unwrap(), written[after..]);
        }
        assert_eq!(append(&store, &attention("x")).unwrap().seq, length as u64 + 1);
    }
}
