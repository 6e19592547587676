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

#[cfg(unix)]
#[test]
fn a_planted_link_is_not_followed() {
    for name in ["ledger.db", "ledger.db.lock", "ledger.db-wal", "ledger.db-shm"] {
        for (folder, path) in [place(), written()] {
            let (victim, link) = (folder.path().join("victim"), path.with_file_name(name));
            fs::write(&victim, "the only copy").unwrap();
            private::make_folder(path.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&victim, &link).unwrap();
            let opened = SqliteStore::open(&path, clock()).and_then(|store| append(&store, &attention("x")));
            // SQLite removes what an older database of that name left, and a link is no more than its name.
            assert!(opened.is_err() || !link.is_symlink(), "{name} is followed");
            let reads_it = name != "ledger.db.lock";
            assert!(
                !reads_it || SqliteStore::read(&path).is_err() || !link.is_symlink(),
                "{name} is followed by who reads"
            );
            assert_eq!(fs::read(&victim).unwrap(), b"the only copy", "{name}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "{name}");
        }
    }
    // The folder itself may be reached over one.
    let (folder, path) = written();
    let other = folder.path().join("other");
    std::os::unix::fs::symlink(path.parent().unwrap(), &other).unwrap();
    checked(&other.join("ledger.db")).unwrap();
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
        case(format!("INSERT INTO events SELECT {last} + 1, time, body, hash FROM events WHERE seq = {seq}"), last + 1);
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
    let refused = store.append(&known, &[Record::from(&attention("three"))]);
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
        .each(&Head::EMPTY, &mut |entry| {
            seen += 1;
            if entry.seq == 2 { append(&store, &attention("x")).map(|_| ()) } else { Ok(()) }
        })
        .unwrap();
    assert!(seen >= WRITTEN);
    assert_eq!(store.entries(0).unwrap().len() as u64, WRITTEN + 1);
    let end = store.each(&Head::EMPTY, &mut |entry| Err(LedgerError::broken(entry.seq, "enough")));
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

/// Within a second or two: a reader that waits for the end of i64 never comes back.
#[track_caller]
fn assert_blamed_soon(path: &Path, seq: u64) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let file = path.to_owned();
    thread::spawn(move || sender.send(checked(&file)));
    let read = receiver.recv_timeout(std::time::Duration::from_secs(30)).expect("it is read to the end of i64");
    assert!(matches!(read, Err(LedgerError::Broken { seq: found, .. }) if found == seq), "{read:?}");
}

#[test]
fn absurd_numbers_end_the_reading() {
    for absurd in [i64::MAX, i64::MAX - 1, 1 << 53, -1, 0, i64::MIN] {
        let (_folder, path) = written();
        forger(&path)
            .execute("INSERT INTO events SELECT ?1, time, body, hash FROM events WHERE seq = 1", [absurd])
            .unwrap();
        assert_blamed_soon(&path, if absurd > 0 { WRITTEN + 1 } else { 1 });
    }
}

/// The cells of a leaf page are found by an array of offsets; who swaps two of them has rows out of order.
#[test]
fn rows_out_of_order_in_the_b_tree_end_the_reading() {
    let (_folder, path) = written();
    forger(&path).execute_batch("PRAGMA journal_mode = DELETE; VACUUM;").unwrap();
    let mut file = fs::read(&path).unwrap();
    let page_size = usize::from(u16::from_be_bytes([file[16], file[17]]));
    let leaves: Vec<usize> = (page_size..file.len()).step_by(page_size).filter(|page| file[*page] == 0x0d).collect();
    assert!(!leaves.is_empty());
    let mut swapped = 0;
    for leaf in leaves {
        let cells = usize::from(u16::from_be_bytes([file[leaf + 3], file[leaf + 4]]));
        if cells >= 2 {
            // The last cell first: what follows in order is below it, and a reader that goes on from there comes back.
            let (first, last) = (leaf + 8, leaf + 8 + 2 * (cells - 1));
            for byte in 0..2 {
                file.swap(first + byte, last + byte);
            }
            swapped += 1;
        }
    }
    assert!(swapped > 0);
    fs::write(&path, file).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || sender.send(checked(&path)));
    let read = receiver.recv_timeout(std::time::Duration::from_secs(30)).expect("it is read in a circle");
    assert!(read.is_err(), "{read:?}");
}

#[test]
fn a_text_that_no_event_can_have_is_not_read() {
    let (_folder, path) = written();
    forger(&path)
        .execute("UPDATE events SET body = cast(zeroblob(?1) AS TEXT) WHERE seq = 3", [i64::from(LONGEST_TEXT) + 1])
        .unwrap();
    assert_blamed_soon(&path, 3);
}

#[cfg(unix)]
#[test]
fn a_file_that_was_removed_or_replaced_is_noticed_at_the_next_commit() {
    let replaced = |change: &dyn Fn(&Path, &Path)| {
        let (folder, path) = place();
        let store = SqliteStore::open(&path, clock()).unwrap();
        append(&store, &attention("one")).unwrap();
        change(folder.path(), &path);
        let refused = append(&store, &attention("two"));
        assert!(matches!(refused, Err(LedgerError::Replaced { .. })), "{refused:?}");
    };
    replaced(&|_, path| fs::remove_file(path).unwrap());
    replaced(&|_, path| fs::remove_file(beside(path, "-wal")).unwrap());
    replaced(&|folder, path| fs::rename(path, folder.join("elsewhere")).unwrap());
    replaced(&|_, path| {
        fs::copy(path, beside(path, ".copy")).unwrap();
        fs::rename(beside(path, ".copy"), path).unwrap();
    });
    replaced(&|folder, path| {
        fs::rename(path.parent().unwrap(), folder.join("elsewhere")).unwrap();
        fs::create_dir(path.parent().unwrap()).unwrap();
    });
}

#[test]
fn the_chain_goes_on_from_the_entry_that_is_trusted_and_from_no_other() {
    let (_folder, path) = written();
    let store = SqliteStore::read(&path).unwrap();
    let entries = store.entries(0).unwrap();
    let after = |head: &Head| {
        let mut seen = Vec::new();
        store.each(head, &mut |entry| {
            seen.push(entry.seq);
            Ok(())
        })?;
        Ok::<_, LedgerError>(seen)
    };
    assert_eq!(after(&Head::EMPTY).unwrap().len() as u64, WRITTEN);
    assert_eq!(after(&entries[4].head()).unwrap(), (6..=WRITTEN).collect::<Vec<_>>());
    assert_eq!(after(&entries[11].head()).unwrap(), Vec::<u64>::new());
    for wrong in [
        Head { seq: 5, hash: [7; 32] },
        Head { seq: WRITTEN + 1, hash: [7; 32] },
        Head { seq: u64::MAX, hash: [7; 32] },
    ] {
        let refused = after(&wrong);
        assert!(matches!(refused, Err(LedgerError::Broken { seq, .. }) if seq == wrong.seq), "{refused:?}");
    }
}
