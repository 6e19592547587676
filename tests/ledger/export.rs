//! An auditor checks an export with nothing but coreutils, Python and the README in it.

use keywright_test_support::skipped;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keywright::audit::export;
use keywright::ledger::{Event, Head, Record, SqliteStore, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;

/// Whether this machine has the program; says SKIPPED if not.
pub(super) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        skipped(format_args!("this machine has no {program}"));
    }
    found
}

/// One person, one key, from plan to proof: what a folder of evidence is about.
fn journey() -> Vec<Value> {
    let account = json!({"directory": "embedded", "login": "zoë@example.org"});
    let credential_id = "Y3JlZGVudGlhbA";
    let mut events = vec![
        json!({"event": "batch-started", "batch": 1, "operator": "root", "version": "0.1.0", "directory": "embedded", "roster_sha256": null}),
        json!({"event": "account-planned", "batch": 1, "account": account,
            "person": {"account": "zoë@example.org", "profile": "admin", "name": "Zoë\u{2028}Ångström\n", "ticket": "IT-1", "reason": null, "storage": null},
            "profile": {"name": "admin", "description": "Administrators.", "label": "{model} {ordinal}", "hand-over": "letter",
                "keys": {"required": 1, "models": [], "attestation": "none", "reset": "if-used", "always-uv": false, "cred-protect": 1},
                "pin": {"length": 8, "alphabet": "digits", "minimum-on-key": 6, "force-change": true}}}),
        json!({"event": "user-found", "account": account, "user_id": "u-1", "other_methods": ["SMS \"code\""]}),
        json!({"event": "job-planned", "job": 1, "account": account, "ordinal": 1}),
    ];
    let outcomes = [
        json!({"step": "inspect", "key": {"port": "1-1", "product": "Soft key", "usb_serial": null,
            "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "firmware_version": null, "fingerprint": "00"}}),
        json!({"step": "reset", "done": false}),
        json!({"step": "seal-pin", "sealed": "job-1"}),
        json!({"step": "set-pin"}),
        json!({"step": "begin", "ceremony": {"user_id": "u-1", "pending": "p-1",
            "options": {"rp": {"id": "login.example.org", "name": "Example"},
                "user": {"id": "AQID", "name": "zoë@example.org", "displayName": "Zoë"}, "challenge": "AAECAwQFBgcICQoLDA0ODw",
                "pubKeyCredParams": [{"type": "public-key", "alg": -7}]},
            "origin": "https://login.example.org", "deadline": "2026-11-23T18:06:36Z"}, "deadline": "2026-11-23T18:06:36Z"}),
        json!({"step": "make", "credential_id": credential_id, "rp_id": "login.example.org", "user_handle": "AQID",
            "attestation_object": "oWNmbXRkbm9uZQ", "client_data_json": "e30", "public_key": "pQECAyYgAQ"}),
        json!({"step": "verify", "verdict": {"fmt": "none", "statement": "none", "chain": "not_checked", "anchor": null,
            "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "model": null, "subject": null, "firmware": null,
            "serial": null, "enterprise": false, "transports": [], "backup_eligible": false, "reasons": []}}),
        json!({"step": "prove", "authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC"}),
        json!({"step": "complete", "directory_id": "key-1", "label": "Soft key"}),
        json!({"step": "sign-in", "done": true}),
        json!({"step": "harden", "min_pin_length": 6, "always_uv": false, "force_pin_change": true}),
        json!({"step": "hand-over", "how": "letter", "readers": []}),
    ];
    for outcome in outcomes {
        events.push(json!({"event": "step-started", "job": 1, "step": outcome["step"]}));
        events.push(json!({"event": "step-done", "job": 1, "outcome": outcome}));
    }
    events.push(json!({"event": "account-completed", "account": account}));
    events
}

fn exported() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let ledger = place.path().join("ledger.db");
    let store = SqliteStore::open(&ledger, Box::new(OffsetDateTime::now_utc)).unwrap();
    let events: Vec<Event> = journey().into_iter().map(|event| serde_json::from_value(event).unwrap()).collect();
    store.append(&Head::EMPTY, &events.iter().map(Record::from).collect::<Vec<_>>()).unwrap();
    let folder = place.path().join("evidence");
    export::export(&SqliteStore::read(&ledger).unwrap(), &[], &folder).unwrap();
    (place, folder)
}

/// The program that the README prints.
fn script(folder: &Path, number: usize) -> String {
    let readme = fs::read_to_string(folder.join("README.txt")).unwrap();
    let indented = readme.split("\n\n    import ").nth(number).unwrap();
    let program = format!("    import {indented}");
    let lines = program.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// What the README's program for the events says, and whether it is content.
fn check(folder: &Path) -> (bool, String) {
    run(folder, 1)
}

pub(super) fn run(folder: &Path, number: usize) -> (bool, String) {
    let output =
        Command::new("python3").args(["-I", "-c", &script(folder, number)]).current_dir(folder).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

pub(super) fn sums_hold(folder: &Path) -> bool {
    let output = Command::new("sha256sum").args(["--strict", "-c", "SHA256SUMS"]).current_dir(folder).output().unwrap();
    output.status.success()
}

#[test]
fn the_sums_cover_every_file() {
    if !has("sha256sum") {
        return;
    }
    let (_place, folder) = exported();
    assert!(sums_hold(&folder));
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let named: Vec<_> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!(
        named,
        ["HEAD", "README.txt", "accounts.json", "credentials/Y3JlZGVudGlhbA.json", "events.jsonl", "persons.jsonl"],
        "every file there is"
    );
    for name in named {
        let file = folder.join(name);
        let before = fs::read(&file).unwrap();
        let mut changed = before.clone();
        changed[before.len() / 2] ^= 1;
        fs::write(&file, changed).unwrap();
        assert!(!sums_hold(&folder), "{name}");
        fs::write(&file, before).unwrap();
    }
    assert!(sums_hold(&folder));
}

#[test]
fn the_readmes_program_finds_what_was_changed() {
    if !has("python3") {
        return;
    }
    let (_place, folder) = exported();
    let length = journey().len();
    assert_eq!(check(&folder), (true, format!("{length} events are as they were written\n")));

    let events = folder.join("events.jsonl");
    let sound = fs::read_to_string(&events).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    let finds = |lines: &[String], blamed: usize| {
        fs::write(&events, lines.join("\n") + "\n").unwrap();
        let (content, said) = check(&folder);
        assert!(!content && said.contains(&format!("event {blamed} is not")), "{said}");
    };
    let owned = || lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    for at in [0, 4, length - 1] {
        let change = |member: &str, value: Value| {
            let mut lines = owned();
            let mut line: Value = serde_json::from_str(&lines[at]).unwrap();
            line[member] = value;
            lines[at] = line.to_string();
            finds(&lines, at + 1);
        };
        change("seq", json!(at + 2));
        change("time", json!("2026-11-23T18:00:00.000Z"));
        change("body", json!(r#"{"event":"attention-needed","job":null,"message":""}"#));
        change("hash", json!("00".repeat(32)));
    }
    let mut removed = owned();
    removed.remove(4);
    finds(&removed, 5);
    let mut swapped = owned();
    swapped.swap(4, 5);
    finds(&swapped, 5);
    let mut added = owned();
    added.insert(4, added[4].clone());
    finds(&added, 6);

    fs::write(&events, lines[..length - 1].join("\n") + "\n").unwrap();
    let (content, said) = check(&folder);
    assert!(!content && said.contains("HEAD is not the end"), "{said}");
}

#[test]
fn the_readmes_other_program_finds_a_text_about_a_person_that_was_changed() {
    if !has("python3") {
        return;
    }
    let (_place, folder) = exported();
    let (content, said) = run(&folder, 2);
    assert!(content && said.contains("texts are as they were written, 0 persons were erased"), "{said}");
    let events = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    assert!(!events.contains("zoë") && !events.contains("IT-1"), "{events}");

    let persons = folder.join("persons.jsonl");
    let sound = fs::read_to_string(&persons).unwrap();
    let refused = |changed: String| {
        fs::write(&persons, changed).unwrap();
        let (content, said) = run(&folder, 2);
        assert!(!content && said.contains("no text fits"), "{said}");
    };
    refused(sound.replacen("IT-1", "IT-2", 1));
    refused(sound.replacen("\"IT-1\",", "", 1));
    refused(sound.replacen("\"IT-1\"", "\"IT-1\",\"IT-2\"", 1));
    refused(sound.replacen("\"salt\":\"", "\"salt\":\"00", 1));
}

#[test]
fn the_readmes_third_program_finds_what_is_not_that_persons() {
    if !has("python3") {
        return;
    }
    let (_place, folder) = exported();
    assert_eq!(run(&folder, 3), (true, "every credential is that person's\n".to_owned()));
    let file = folder.join("credentials/Y3JlZGVudGlhbA.json");
    let sound = fs::read(&file).unwrap();
    let changes: [fn(&mut Value); 8] = [
        |file| file["account"]["login"] = "eve".into(),
        |file| file["ordinal"] = 2.into(),
        |file| file["key"]["usb_serial"] = "7".into(),
        |file| file["job"] = 2.into(),
        |file| file["id"] = "AAAA".into(),
        |file| file["inclusion"][0]["seq"] = 1.into(),
        |file| file["inclusion"][2]["path"][0] = "00".repeat(32).into(),
        |file| file["tree"]["root"] = "00".repeat(32).into(),
    ];
    for change in changes {
        let mut credential: Value = serde_json::from_slice(&sound).unwrap();
        change(&mut credential);
        fs::write(&file, credential.to_string()).unwrap();
        let (content, said) = run(&folder, 3);
        assert!(!content && said.contains("Y3JlZGVudGlhbA") && !said.contains("Traceback"), "{credential:#}: {said}");
    }
}

#[test]
fn the_folder_says_what_happened() {
    let (_place, folder) = exported();
    let read = |name: &str| serde_json::from_slice::<Value>(&fs::read(folder.join(name)).unwrap()).unwrap();
    let accounts = read("accounts.json");
    assert_eq!(accounts[0]["complete"], true);
    assert_eq!(accounts[0]["person"]["name"], "Zoë\u{2028}Ångström\n");
    let credential = read("credentials/Y3JlZGVudGlhbA.json");
    assert_eq!(credential["account"], accounts[0]["account"]);
    assert_eq!(credential["state"], "registered");
    assert_eq!(credential["verdict"]["fmt"], "none");
}
