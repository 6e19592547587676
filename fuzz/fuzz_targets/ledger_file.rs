//! A ledger file that somebody changed, row by row, who is stopped by no trigger: read, verified, taken for a register, exported.

#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use keywright::audit::export;
use keywright::ledger::{Entry, Event, Head, Record, SqliteStore, Store, chain};
use keywright::register::Register;
use keywright_fuzz::lives;
use libfuzzer_sys::fuzz_target;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// What somebody does to the file.
#[derive(Debug, Arbitrary)]
enum Change {
    /// A row gets another number.
    Renumber { row: u8, seq: i64 },
    /// Two rows change places.
    Swap { one: u8, other: u8 },
    /// A row goes.
    Remove { row: u8 },
    /// A row is there twice, under another number.
    Repeat { row: u8, seq: i64 },
    /// One byte of an event's text is another.
    Byte { row: u8, at: u16, byte: u8 },
    /// A text in an event is exchanged for another, wherever it is.
    Text { row: u8, from: Word, to: Word },
    /// A number in an event is a huge one.
    Number { row: u8, number: u64 },
    /// An event is something else.
    Body { row: u8, body: String },
    /// An event is as long as this many kilobytes.
    Long { row: u8, kilobytes: u16 },
    /// A time is something else.
    Time { row: u8, time: String },
    /// A hash is something else.
    Hash { row: u8, hash: Vec<u8> },
    /// The chain is computed anew, so that it holds.
    Chain,
    /// A byte of the file, beneath SQLite.
    File { at: u32, byte: u8 },
}

/// Words that events are made of.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Word {
    Planned,
    Done,
    Make,
    Begin,
    Inspect,
    Complete,
    JobOne,
    JobTwo,
    Ordinal,
    Null,
    Nested,
}

impl Word {
    fn text(self) -> &'static str {
        match self {
            Self::Planned => "job-planned",
            Self::Done => "step-done",
            Self::Make => "\"step\":\"make\"",
            Self::Begin => "\"step\":\"begin\"",
            Self::Inspect => "\"step\":\"inspect\"",
            Self::Complete => "\"step\":\"complete\"",
            Self::JobOne => "\"job\":1",
            Self::JobTwo => "\"job\":2",
            Self::Ordinal => "\"ordinal\":1",
            Self::Null => "null",
            Self::Nested => "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
        }
    }
}

/// A folder in memory where there is one, and a sound ledger in it.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new("/dev/shm").join(format!("keywright-fuzz-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("memory takes a folder");
    let path = folder.join("sound.db");
    let store = SqliteStore::open(&path, Box::new(|| OffsetDateTime::UNIX_EPOCH)).expect("a new ledger");
    let events: Vec<Event> =
        lives::two_keys().into_iter().map(|event| serde_json::from_value(event).expect("an event")).collect();
    let records: Vec<Record<'_>> = events.iter().map(Record::from).collect();
    store.append(&Head::EMPTY, &records).expect("events are appended");
    drop(store);
    let database = Connection::open(&path).expect("a database");
    let forgotten = "PRAGMA journal_mode = DELETE; DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed; \
                     DROP TRIGGER events_are_appended;";
    database.execute_batch(forgotten).expect("triggers go");
    folder
});

fuzz_target!(|changes: Vec<Change>| {
    let path = PLACE.join("changed.db");
    for ending in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(PLACE.join(format!("changed.db{ending}")));
    }
    std::fs::copy(PLACE.join("sound.db"), &path).expect("memory takes a copy");
    // A change that SQLite refuses is none.
    changes.iter().take(24).for_each(|change| drop(apply(change, &path)));
    look(&path);
});

fn apply(change: &Change, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    if let Change::File { at, byte } = change {
        let mut bytes = std::fs::read(path)?;
        let at = *at as usize % bytes.len().max(1);
        if let Some(found) = bytes.get_mut(at) {
            *found = *byte;
        }
        return Ok(std::fs::write(path, bytes)?);
    }
    let database = Connection::open(path)?;
    database.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")?;
    let seqs: Vec<i64> =
        database.prepare("SELECT seq FROM events ORDER BY seq")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let nth = |row: &u8| seqs.get(usize::from(*row) % seqs.len().max(1)).copied().unwrap_or_default();
    let body = |row: &u8| database.query_row("SELECT body FROM events WHERE seq = ?1", [nth(row)], |row| row.get::<_, String>(0));
    let set = |row: &u8, text: String| database.execute("UPDATE events SET body = ?1 WHERE seq = ?2", (text, nth(row)));
    match change {
        Change::Renumber { row, seq } => database.execute("UPDATE events SET seq = ?1 WHERE seq = ?2", [*seq, nth(row)])?,
        Change::Swap { one, other } => {
            let (one, other) = (nth(one), nth(other));
            database.execute("UPDATE events SET seq = -9 WHERE seq = ?1", [one])?;
            database.execute("UPDATE events SET seq = ?1 WHERE seq = ?2", [one, other])?;
            database.execute("UPDATE events SET seq = ?1 WHERE seq = -9", [other])?
        }
        Change::Remove { row } => database.execute("DELETE FROM events WHERE seq = ?1", [nth(row)])?,
        Change::Repeat { row, seq } => database
            .execute("INSERT INTO events SELECT ?1, time, body, hash FROM events WHERE seq = ?2", [*seq, nth(row)])?,
        Change::Byte { row, at, byte } => {
            let mut bytes = body(row)?.into_bytes();
            let at = usize::from(*at) % bytes.len().max(1);
            if let Some(found) = bytes.get_mut(at) {
                *found = *byte;
            }
            set(row, String::from_utf8_lossy(&bytes).into_owned())?
        }
        Change::Text { row, from, to } => set(row, body(row)?.replacen(from.text(), to.text(), 1))?,
        Change::Number { row, number } => {
            let text = body(row)?;
            let Some(at) = text.find(|char: char| char.is_ascii_digit()) else { return Ok(()) };
            let end = text[at..].find(|char: char| !char.is_ascii_digit()).map_or(text.len(), |end| at + end);
            set(row, format!("{}{number}{}", &text[..at], &text[end..]))?
        }
        Change::Body { row, body } => set(row, body.clone())?,
        Change::Long { row, kilobytes } => set(row, "[".repeat(usize::from(*kilobytes) * 1024))?,
        Change::Time { row, time } => {
            database.execute("UPDATE events SET time = ?1 WHERE seq = ?2", (time, nth(row)))?
        }
        Change::Hash { row, hash } => {
            database.execute("UPDATE events SET hash = ?1 WHERE seq = ?2", (hash, nth(row)))?
        }
        Change::Chain => {
            let mut before = [0; 32];
            for seq in &seqs {
                let (time, body): (String, String) = database.query_row(
                    "SELECT time, body FROM events WHERE seq = ?1",
                    [seq],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
                before = hash(&before, *seq, &time, &body);
                database.execute("UPDATE events SET hash = ?1 WHERE seq = ?2", (before, seq))?;
            }
            0
        }
        Change::File { .. } => 0,
    };
    Ok(())
}

fn hash(before: &[u8; 32], seq: i64, time: &str, body: &str) -> [u8; 32] {
    Sha256::digest([&before[..], format!("{seq}\n{time}\n{body}").as_bytes()].concat()).into()
}

/// Everything that reads a ledger ends, and what is called whole is.
fn look(path: &Path) {
    let Ok(store) = SqliteStore::read(path) else { return };
    let mut seen: Vec<Entry> = Vec::new();
    let followed = store.each(&Head::EMPTY, &mut |entry| {
        seen.push(entry);
        Ok(())
    });
    // Each entry that was shown follows the one before it, by somebody else's count.
    let mut before = [0; 32];
    for (at, entry) in (1..).zip(&seen) {
        before = hash(&before, at, &entry.time, &entry.body);
        assert_eq!((entry.seq, entry.hash), (at as u64, before), "an entry that does not follow was shown");
    }
    let entries = store.entries(0);
    let verified = entries.as_ref().is_ok_and(|entries| chain::verify(entries, None).is_ok());
    assert!(followed.is_ok() || !verified, "{followed:?}");
    let _ = store.head();
    let mut register = Register::default();
    let read = register.catch_up(&store);
    for account in register.accounts.keys() {
        let _ = register.standing(account, OffsetDateTime::UNIX_EPOCH);
    }
    for id in register.credentials.keys() {
        let _ = register.evidence(id, &store);
    }
    let folder = PLACE.join("export");
    let exported = export::export(&store, &folder);
    assert!(exported.is_err() || (followed.is_ok() && read.is_ok()), "a log that does not hold was exported");
    let _ = std::fs::remove_dir_all(&folder);
}
