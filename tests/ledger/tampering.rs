//! Who changes a ledger, or what stands beside it, is found out before anything is done with it.
//!
//! SECURITY.md has the same table in words.

use std::fs;
use std::path::{Path, PathBuf};

use keywright_test_support::cli::{Ended, Idp};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use super::checkpoints::{Station, copy};

mod beside;

const ADA: &str = "ada@example.org";

/// Whoever has the file is not stopped by its triggers.
const NO_TRIGGERS: &str =
    "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed; DROP TRIGGER events_are_appended;";

impl Station {
    fn ledger(&self) -> PathBuf {
        self.home.state().join("ledger.sqlite3")
    }

    fn change(&self, sql: &str) {
        let database = Connection::open(self.ledger()).unwrap();
        database.execute_batch(NO_TRIGGERS).unwrap();
        database.execute_batch(sql).unwrap();
    }

    /// Changes events, and writes the chain anew from there, as somebody does who knows the formula.
    fn rewrite(&self, sql: &str) {
        self.change(sql);
        let database = Connection::open(self.ledger()).unwrap();
        let mut select = database.prepare("SELECT seq, time, body FROM events ORDER BY seq").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let rows: Vec<(i64, String, String)> = rows.map(Result::unwrap).collect();
        let mut before = [0; 32];
        for (seq, time, body) in rows {
            before =
                Sha256::new().chain_update(before).chain_update(format!("{seq}\n{time}\n{body}")).finalize().into();
            database.execute("UPDATE events SET hash = ?1 WHERE seq = ?2", params![before, seq]).unwrap();
        }
    }

    fn memory(&self) -> PathBuf {
        self.home.path(".config/keywright/checkpoints")
    }

    /// The one file that remembers, with a text in it replaced.
    fn change_memory(&self, change: impl FnOnce(&str) -> String) {
        let file = fs::read_dir(self.memory()).unwrap().next().unwrap().unwrap().path();
        fs::write(&file, change(&fs::read_to_string(&file).unwrap())).unwrap();
    }

    /// The newest checkpoint's file, changed.
    fn change_checkpoint(&self, change: impl FnOnce(&str) -> String) {
        let file = self.kept().pop().unwrap();
        fs::write(&file, change(&fs::read_to_string(&file).unwrap())).unwrap();
    }

    fn forget_checkpoints(&self) {
        fs::remove_dir_all(self.home.state().join("checkpoints")).unwrap();
    }

    fn forget_memory(&self) {
        fs::remove_dir_all(self.memory()).unwrap();
    }
}

/// What is done, and the command that notices with the words that it says.
struct Tampering {
    what: &'static str,
    does: fn(&Station),
    noticed_by: &'static [&'static str],
    says: &'static str,
}

const STATUS: &[&str] = &["status"];
const VERIFY: &[&str] = &["ledger", "verify"];
/// With the checkpoint that somebody put away.
const ELSEWHERE: &[&str] = &["ledger", "verify", "--checkpoint", "put-away.checkpoint"];
const SWAP: &str = "UPDATE events SET body = CASE WHEN body LIKE '%\"ordinal\":1%' THEN replace(body, '\"ordinal\":1', '\"ordinal\":2')
    ELSE replace(body, '\"ordinal\":2', '\"ordinal\":1') END WHERE body LIKE '{\"event\":\"job-planned\"%'";
const CUT: &str = "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)";

macro_rules! tamperings {
    ($($what:literal: $does:expr => $noticed_by:expr, $says:literal;)*) => {
        &[$(Tampering { what: $what, does: $does, noticed_by: $noticed_by, says: $says }),*]
    };
}

const TAMPERINGS: &[Tampering] = tamperings! {
    // The log, by itself.
    "an event's text changed": |at| at.change("UPDATE events SET body = body || ' ' WHERE seq = 7") => STATUS, "event 7 of the ledger was changed";
    "an event's time changed": |at| at.change("UPDATE events SET time = replace(time, 'Z', 'z') WHERE seq = 7") => STATUS, "event 7 of the ledger was changed";
    "an event's hash changed": |at| at.change("UPDATE events SET hash = zeroblob(32) WHERE seq = 7") => STATUS, "event 7 of the ledger was changed";
    "an event's hash cut": |at| at.change("UPDATE events SET hash = substr(hash, 1, 31) WHERE seq = 7") => STATUS, "event 7 of the ledger was changed";
    "text that is no UTF-8": |at| at.change("UPDATE events SET body = CAST(x'ff' AS TEXT) WHERE seq = 7") => STATUS, "event 7 of the ledger was changed";
    "a text of 20 megabytes": |at| at.change("UPDATE events SET body = CAST(zeroblob(20000000) AS TEXT) WHERE seq = 7") => STATUS, "longer than an event can be";
    "an event removed": |at| at.change("DELETE FROM events WHERE seq = 7") => STATUS, "event 8 stands in its place";
    "an event removed, and the others numbered anew": |at| at.change("DELETE FROM events WHERE seq = 7; UPDATE events SET seq = -seq; UPDATE events SET seq = -seq - (-seq > 7)") => STATUS, "event 7 of the ledger was changed";
    "two events in each other's place": |at| at.change("UPDATE events SET seq = -1 WHERE seq = 7; UPDATE events SET seq = 7 WHERE seq = 8; UPDATE events SET seq = 8 WHERE seq = -1") => STATUS, "event 7 of the ledger was changed";
    "an event copied to the end": |at| at.change("INSERT INTO events SELECT (SELECT max(seq) + 1 FROM events), time, body, hash FROM events WHERE seq = 7") => STATUS, "does not match its text";
    "an event put before the first": |at| at.change("INSERT INTO events SELECT 0, time, body, hash FROM events WHERE seq = 7") => STATUS, "event 0 stands before it";
    "a negative number": |at| at.change("UPDATE events SET seq = -7 WHERE seq = 7") => STATUS, "event -7 stands before it";
    "the number 2^63-1": |at| at.change("INSERT INTO events SELECT 9223372036854775807, time, body, hash FROM events WHERE seq = 7") => STATUS, "event 9223372036854775807 stands in its place";
    "rows out of order in the B-tree": |at| swap_cells(&at.ledger()) => STATUS, "of the ledger was changed";
    "two keys' numbers swapped": |at| at.change(SWAP) => STATUS, "of the ledger was changed";
    "a word that no version writes": |at| at.rewrite("UPDATE events SET body = replace(body, 'batch-started', 'batch-begun') WHERE seq = 1") => STATUS, "another ledger";
    "the table gone": |at| at.change("DROP TABLE events") => STATUS, "the ledger's database failed";
    "the mark of a newer format": |at| at.change("PRAGMA user_version = 99") => STATUS, "this keywright knows up to";
    "another program's mark": |at| at.change("PRAGMA application_id = 7") => STATUS, "is not a keywright ledger";
    // The log, with the chain written anew.
    "two keys' numbers swapped, and the chain written anew": |at| at.rewrite(SWAP) => STATUS, "the ledger tells another history";
    "the same, and what was remembered removed": |at| { at.rewrite(SWAP); at.forget_memory(); } => VERIFY, "the log was rewritten";
    "the same, and the kept checkpoints removed": |at| { at.rewrite(SWAP); at.forget_memory(); at.forget_checkpoints(); } => ELSEWHERE, "the log was rewritten";
    "the newest event cut off": |at| at.change(CUT) => STATUS, "the ledger is an older copy";
    "the same, and what was remembered removed, too": |at| { at.change(CUT); at.forget_memory(); } => VERIFY, "it is missing";
    "the same, and the kept checkpoints removed, too": |at| { at.change(CUT); at.forget_memory(); at.forget_checkpoints(); } => ELSEWHERE, "it is missing";
    "the log emptied": |at| at.change("DELETE FROM events") => STATUS, "there is no ledger at";
    "the ledger's file removed": |at| fs::remove_file(at.ledger()).unwrap() => STATUS, "there is no ledger at";
    "another ledger's file in its place": |at| { fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ledger/fixtures/0.1.0.sqlite3"), at.ledger()).unwrap(); } => STATUS, "this is another ledger";
    // Checkpoints.
    "a checkpoint of more events": |at| at.change_checkpoint(|text| text.replacen(&format!("\n{}\n", text.lines().nth(1).unwrap()), "\n99999\n", 1)) => VERIFY, "it is missing";
    "a checkpoint's root changed": |at| at.change_checkpoint(|text| text.replacen(text.lines().nth(2).unwrap(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1)) => VERIFY, "the log was rewritten";
    "a checkpoint's signature changed": |at| at.change_checkpoint(|text| { let at = text.len() - 20; let other = if &text[at..=at] == "A" { "B" } else { "A" }; format!("{}{other}{}", &text[..at], &text[at + 1..]) }) => VERIFY, "is forged";
    "another checkpoint's signature": |at| { let first = fs::read_to_string(&at.kept()[0]).unwrap(); at.change_checkpoint(|text| text.replace(text.lines().last().unwrap(), first.lines().last().unwrap())); } => VERIFY, "is forged";
    "a checkpoint that is none": |at| at.change_checkpoint(|_| "nothing".to_owned()) => VERIFY, "this is no signed note";
    "a checkpoint of another ledger": |at| at.change_checkpoint(|text| text.replace(&text["keywright/ledger/".len()..][..8], "00000000")) => VERIFY, "checkpoint of another ledger";
    "the station's key replaced": |at| { fs::remove_file(at.home.state().join("station.pem")).unwrap(); fs::remove_dir_all(at.home.state().join("checkpoints")).unwrap(); at.forget_memory(); at.rename("Ada the Second").expect(0); } => &["ledger", "verify", "--pin", "STATION"], "no checkpoint of this ledger is signed by";
    "the station's key made unreadable as one": |at| fs::write(at.home.state().join("station.pem"), "no key").unwrap() => &["account", "edit", ADA, "--name", "Eve"], "this is no Ed25519 key";
    "a link in the place of the station's key": |at| link(&at.home.state().join("station.pem")) => &["account", "edit", ADA, "--name", "Eve"], "is a symbolic link";
    "a link in the place of the checkpoints": |at| link(&at.home.state().join("checkpoints")) => STATUS, "is a symbolic link";
    "the station's key readable by others": |at| open_up(&at.home.state().join("station.pem")) => &["account", "edit", ADA, "--name", "Eve"], "others can read";
    // What is remembered.
    "what is remembered is damaged": |at| at.change_memory(|text| text.replace("\"head\"", "\"tail\"")) => &["account", "edit", ADA, "--name", "Eve"], "missing field `head`";
    "what is remembered has another head": |at| at.change_memory(|text| { let at = text.find("\"head\"").unwrap(); let hash = text[at..].find(':').unwrap() + at; let hash = text[hash + 1..].find(':').unwrap() + hash + 2; format!("{}00000000{}", &text[..hash], &text[hash + 8..]) }) => STATUS, "the ledger tells another history";
    "what is remembered is of other events": |at| at.change_memory(|text| text.replacen("\"head\": \"", "\"head\": \"1", 1)) => STATUS, "its head and its checkpoint are of different events";
};

#[cfg(unix)]
fn open_up(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
}

#[cfg(not(unix))]
fn open_up(_file: &Path) {}

/// Moves it elsewhere, and leaves a link to it.
#[cfg(unix)]
fn link(file: &Path) {
    let elsewhere = file.with_extension("elsewhere");
    fs::rename(file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(elsewhere, file).unwrap();
}

#[cfg(not(unix))]
fn link(_file: &Path) {}

/// The cells of a leaf page are found by an array of offsets; the first and the last of each page change places.
fn swap_cells(ledger: &Path) {
    Connection::open(ledger).unwrap().execute_batch("PRAGMA journal_mode = DELETE; VACUUM").unwrap();
    let mut file = fs::read(ledger).unwrap();
    let page_size = usize::from(u16::from_be_bytes([file[16], file[17]]));
    for leaf in (page_size..file.len()).step_by(page_size).filter(|page| file[*page] == 0x0d).collect::<Vec<_>>() {
        let cells = usize::from(u16::from_be_bytes([file[leaf + 3], file[leaf + 4]]));
        for byte in 0..2 * usize::from(cells > 1) {
            file.swap(leaf + 8 + byte, leaf + 8 + 2 * (cells - 1) + byte);
        }
    }
    fs::write(ledger, file).unwrap();
}

/// Does one after the other, each to what the folders hold now, and says which of them nobody noticed.
fn unnoticed(
    station: &Station,
    folders: &[PathBuf],
    tamperings: &[Tampering],
    run: impl Fn(&[&str]) -> Ended,
) -> Vec<String> {
    let before: Vec<_> = (0..folders.len()).map(|number| station.home.path(&format!("before-{number}"))).collect();
    folders.iter().zip(&before).for_each(|(folder, before)| copy(folder, before));
    let mut unnoticed = Vec::new();
    for Tampering { what, does, noticed_by, says } in tamperings {
        for (folder, before) in folders.iter().zip(&before) {
            fs::remove_dir_all(folder).unwrap();
            copy(before, folder);
        }
        does(station);
        let ended = run(noticed_by);
        if ended.code != 1 || !ended.stderr.contains(says) {
            unnoticed.push(format!("{what}: {ended:?}"));
        }
    }
    unnoticed
}

#[test]
fn each_tampering_is_noticed() {
    let station = Station::new();
    station.rename("Ada L.").expect(0);
    fs::copy(station.kept().pop().unwrap(), station.home.path("put-away.checkpoint")).unwrap();
    let guarantees = station.run(&["ledger", "verify", "--json"]).expect(0).one()["guarantees"].clone();
    assert_eq!(guarantees.as_array().unwrap().len(), 3, "{guarantees}");
    let pin = station.vkey();
    let run = |arguments: &[&str]| {
        let arguments: Vec<_> =
            arguments.iter().map(|argument| if *argument == "STATION" { &*pin } else { argument }).collect();
        station.run(&arguments)
    };
    let unnoticed = unnoticed(&station, &[station.home.state(), station.home.path(".config")], TAMPERINGS, run);
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
    assert!(TAMPERINGS.len() >= 40);
}

#[test]
fn two_keys_whose_numbers_were_swapped_are_not_acted_on() {
    let station = Station::new();
    station.change(SWAP);
    let events = || station.run(&["ledger", "verify"]).expect(1).says("was changed").stdout;
    events();
    station.run(&["status"]).expect(1).says("was changed");
    for command in [
        &["revoke", ADA, "--key", "1", "--reason", "stolen", "--yes"][..],
        &["provision", "roster.csv", "--softkeys", "4"],
        &["provision", "roster.csv", "--softkeys", "4", "--dry-run"],
        &["enroll", ADA, "--softkeys", "4"],
        &["resume", "--softkeys", "4"],
        &["drill", ADA, "--key", "1", "--softkeys", "4"],
        &["replace", ADA, "--key", "1", "--reason", "worn", "--softkeys", "4"],
        &["account", "edit", ADA, "--name", "Eve"],
        &["account", "left", ADA, "--reason", "left", "--yes"],
        &["account", "forget", ADA, "--reason", "test", "--yes"],
        &["ledger", "export", "evidence"],
    ] {
        let ended = station.run(command);
        assert!(ended.code == 1 && ended.stderr.contains("was changed"), "{command:?}: {ended:#?}");
    }
    assert!(!station.home.path("evidence").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_that_was_made_up_stands_beside_what_the_system_says() {
    let station = Station::new();
    let liar = [Idp::ENVIRONMENT[0], ("SUDO_USER", "somebody-else")];
    let arguments = ["account", "edit", ADA, "--name", "Ada L.", "--config", "keywright.toml"];
    station.home.run_with(&arguments, &liar).expect(0);
    let uid = rustix::process::getuid().as_raw();
    let host = rustix::system::uname().nodename().to_str().unwrap().to_owned();
    let seen = format!("(uid {uid}");
    let shown = station.run(&["ledger", "show"]).expect(0).stdout;
    let line = shown.lines().last().unwrap();
    let (begins, place) = (format!("by somebody-else {seen}"), format!("host {host}, station "));
    assert!(line.contains(&begins) && line.contains(&place), "{line}");
    let operator = station.run(&["status", ADA]).expect(0).stdout;
    assert!(operator.contains(&format!("tester {seen}")), "{operator}");
    let json = station.run(&["status", ADA, "--json"]).expect(0).one();
    assert_eq!((&json["operator"], &json["operator_seen"]["uid"]), (&"tester".into(), &uid.into()));
}

/// Kinds of events that stand between the start of a batch, which names the operator, and its end, or follow from another event.
const WITHIN_A_BATCH: &[&str] = &[
    "account-planned",
    "user-found",
    "job-planned",
    "replacement-planned",
    "step-started",
    "step-done",
    "step-failed",
    "stepped-back",
    "credential-deleted",
    "ceremony-abandoned",
    "account-completed",
    "attention-needed",
];

#[test]
#[cfg(target_os = "linux")]
fn each_event_that_a_person_causes_names_the_person() {
    let station = Station::new();
    for command in [
        &["key", "add", "--stock", "--softkeys", "5", "--place", "safe"][..],
        &["account", "edit", ADA, "--name", "Ada L."],
        &["revoke", ADA, "--key", "1", "--reason", "lost", "--yes"],
        &["account", "left", ADA, "--reason", "left", "--yes"],
    ] {
        station.run(command).expect(0);
    }
    let events = station.run(&["ledger", "show", "--json"]).expect(0).json();
    let uid = rustix::process::getuid().as_raw();
    let mut kinds = Vec::new();
    for body in events.iter().map(|event| &event["body"]) {
        let kind = body["event"].as_str().unwrap();
        if !WITHIN_A_BATCH.contains(&kind) {
            let operator = &body["operator"];
            assert_eq!((&operator["name"], &operator["uid"]), (&"tester".into(), &uid.into()), "{body}");
            assert!(operator["host"].is_string(), "{body}");
            // The very first event is written by a station that has no key yet.
            assert!(operator["station"].is_string() || kind == "batch-started", "{body}");
            kinds.push(kind);
        }
    }
    for kind in [
        "batch-started",
        "pin-delivered",
        "key-added",
        "key-marked",
        "account-edited",
        "revocation-requested",
        "credential-revoked",
        "account-left",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
}
