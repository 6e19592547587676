//! A stored key is taken out of the safe, to see whether it would still open the door.

use std::path::Path;

use keywright::idp::Directory as _;
use keywright::idp::embedded::Embedded;
use keywright::ledger::{Event, Head, Record, SqliteStore, Store as _};
use keywright_test_support::cli::{Ended, Home, Idp};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

const ADA: &str = "ada@example.org";
const PROFILE: &str = r#"
name = "safe"
description = "Kept in a safe."
label = "Key {ordinal}"
hand-over = "age"
drill-interval-days = 90
[keys]
required = 2
attestation = "trusted"
reset = "if-used"
always-uv = true
cred-protect = LEVEL
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 6
force-change = false
"#;

/// A safe with two keys for one person, that were put there 100 days ago.
struct Safe {
    home: Home,
    settings: String,
    reader: age::x25519::Identity,
    idp: Idp,
}

impl Safe {
    fn new() -> Self {
        Self::protected(1)
    }

    /// With this credProtect level.
    fn protected(level: u8) -> Self {
        let home = Home::new();
        let roster = home.file("roster.csv", &format!("account,profile,name\n{ADA},safe,Ada\n"));
        std::fs::create_dir(home.path("profiles")).unwrap();
        home.file("profiles/safe.toml", &PROFILE.replace("LEVEL", &level.to_string()));
        let idp = Idp::start(&home, Path::new(&roster));
        let reader = age::x25519::Identity::generate();
        let text = format!(
            "profiles = \"profiles\"\nreaders = [\"vault={}\"]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
            reader.to_public(),
            idp.url
        );
        let settings = home.file("keywright.toml", &text);
        let safe = Self { home, settings, reader, idp };
        safe.run(&["provision", &roster, "--softkeys", "2"]).expect(0);
        let stored = safe.events();
        for file in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"] {
            let _ = std::fs::remove_file(safe.home.state().join(file));
        }
        let long_ago = Box::new(|| OffsetDateTime::now_utc() - Duration::days(100));
        let store = SqliteStore::open(&safe.home.state().join("ledger.sqlite3"), long_ago).unwrap();
        store.append(&Head::EMPTY, &stored.iter().map(Record::from).collect::<Vec<_>>()).unwrap();
        drop(store);
        // The station remembers another ledger than the one that is 100 days old.
        safe.run(&["ledger", "accept", "--reason", "the same events, dated back", "--yes"]).expect(0);
        safe
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run_with(&[arguments, &["--config", &self.settings]].concat(), &Idp::ENVIRONMENT)
    }

    fn events(&self) -> Vec<Event> {
        let store = SqliteStore::read(&self.home.state().join("ledger.sqlite3")).unwrap();
        store.entries(0).unwrap().iter().map(|entry| entry.event().unwrap()).collect()
    }

    /// Where the key with this number is, as the ledger has it.
    fn port(&self, ordinal: u64) -> String {
        let events = self.events().into_iter().map(|event| serde_json::to_value(event).unwrap()).collect::<Vec<_>>();
        let job = events.iter().find(|event| event["event"] == "job-planned" && event["ordinal"] == ordinal).unwrap();
        let took = |event: &&Value| event["job"] == job["job"] && event["outcome"]["step"] == "inspect";
        events.iter().find(took).unwrap()["outcome"]["key"]["port"].as_str().unwrap().to_owned()
    }

    /// The place of a key's PIN.
    fn pin(&self, ordinal: u64) -> String {
        let sealed = self.home.state().join(format!("hand-over/vault/{ADA}.{ordinal}.age"));
        let text = age::decrypt(&self.reader, &std::fs::read(sealed).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let pin = text.lines().find_map(|line| line.trim().strip_prefix("PIN ")).unwrap().trim();
        self.home.secret(&format!("pin-{ordinal}"), pin)
    }

    fn drill(&self, ordinal: u64, more: &[&str]) -> Ended {
        let (port, pin) = (self.port(ordinal), self.pin(ordinal));
        self.run(&[&["drill", "--softkeys", "2", "--key", &port, "--pin", &pin, "--json"], more].concat())
    }

    /// Findings about this person's keys that ask for something: code and key.
    fn to_do(&self) -> Vec<(String, u64)> {
        let root = self.home.state().join("softkeys/attestation-ca.pem");
        let ended = self.run(&["audit", "ledger", "--json", "--root", root.to_str().unwrap()]);
        let findings =
            ended.json().into_iter().filter(|line| line["kind"] == "finding" && line["severity"] != "notice");
        findings
            .map(|one| (one["finding"].as_str().unwrap().to_owned(), one["ordinal"].as_u64().unwrap_or(0)))
            .collect()
    }

    fn drills(&self) -> Vec<Value> {
        let events = self.events().into_iter().map(|event| serde_json::to_value(event).unwrap());
        events.filter(|event| event["event"] == "key-drilled").collect()
    }
}

fn code(name: &str, ordinal: u64) -> (String, u64) {
    (name.to_owned(), ordinal)
}

#[test]
fn a_key_that_works_is_overdue_no_longer() {
    let safe = Safe::new();
    assert_eq!(safe.to_do(), [code("never-drilled", 1), code("never-drilled", 2)]);

    let dry = safe.drill(1, &["--dry-run"]).expect(0).one();
    assert_eq!((&dry["proved"], &dry["registered"], &dry["recorded"]), (&json!(false), &json!(true), &json!(false)));
    assert_eq!(safe.drills(), Vec::<Value>::new());

    let drilled = safe.drill(1, &[]).expect(0).one();
    assert_eq!((&drilled["account"], &drilled["ordinal"], &drilled["person"]), (&json!(ADA), &json!(1), &json!("Ada")));
    for member in ["proved", "signature", "registered", "signed_in", "recorded"] {
        assert_eq!(drilled[member], true, "{member} in {drilled}");
    }
    assert_eq!(safe.to_do(), [code("never-drilled", 2)]);
    let [event] = &safe.drills()[..] else { panic!() };
    assert_eq!((&event["proved"], &event["observed"]["signed_in"]), (&json!(true), &json!(true)));
    assert!(event["observed"]["signature"]["signature"].is_string());

    // The other one is still due: the account's next drill was ten days ago.
    let status = safe.run(&["status", "--json"]).expect(0).json().remove(0);
    let due = (OffsetDateTime::now_utc() - Duration::days(10)).date().to_string();
    assert_eq!(status["next_drill"].as_str().unwrap()[..10], due);
    safe.drill(2, &[ADA]).expect(0);
    assert_eq!(safe.to_do(), []);
    let words = safe.run(&["status"]).expect(0).stdout;
    let due = (OffsetDateTime::now_utc() + Duration::days(90)).date().to_string();
    assert!(words.contains(&format!("next drill by {due}")), "{words}");
}

#[test]
fn a_key_that_the_directory_no_longer_has_fails_before_anybody_types_a_pin() {
    let safe = Safe::new();
    let directory = Embedded::new("corp", &safe.idp.url, Idp::ENVIRONMENT[0].1.to_owned().into()).unwrap();
    let user = directory.find_user(ADA).unwrap();
    for registered in directory.list(&user).unwrap() {
        directory.revoke(&user, &registered).unwrap();
    }
    // There is no terminal to ask for a PIN on.
    let ended = safe.run(&["drill", ADA, "--softkeys", "2", "--key", &safe.port(1), "--json"]).expect(1);
    let ended = ended.says("keywright enroll").one();
    assert_eq!(
        (&ended["proved"], &ended["registered"], &ended["recorded"]),
        (&json!(false), &json!(false), &json!(true))
    );
    assert_eq!(ended["failure"]["message"], "corp no longer has this key's credential");
    assert!(safe.to_do().contains(&code("last-try-failed", 1)));
}

#[test]
fn a_key_that_was_reset_fails_if_it_is_said_which_one_it_is() {
    let safe = Safe::new();
    let port = safe.port(2);
    safe.home.reset_elsewhere(&port);
    let drill = ["drill", ADA, "--softkeys", "2", "--key", &port, "--json"];
    safe.run(&drill).expect(5).says("no credential that the ledger knows").says("number");
    assert_eq!(safe.drills(), Vec::<Value>::new());

    let ended = safe.run(&[&drill[..], &["--number", "2"]].concat()).expect(1).says("keywright revoke").one();
    assert_eq!((&ended["ordinal"], &ended["recorded"]), (&json!(2), &json!(true)));
    assert!(ended["failure"]["message"].as_str().unwrap().contains("it was reset"), "{ended}");
    assert!(safe.to_do().contains(&code("last-try-failed", 2)));
    // The other key is not the one that was named.
    safe.drill(1, &[ADA, "--number", "2"]).expect(5).says("key 1 of ada@example.org at corp; it was left alone");
}

#[test]
fn a_wrong_pin_says_nothing_about_the_key_and_the_last_attempts_are_kept() {
    let safe = Safe::new();
    let wrong = safe.home.secret("wrong", "not-the-pin");
    let port = safe.port(1);
    let drill = ["drill", ADA, "--softkeys", "2", "--key", &port, "--pin", &wrong, "--json"];
    // Eight attempts: five are spent, and the last three never.
    for left in (3..8).rev() {
        let ended = safe.run(&drill).expect(6).one();
        let words = json!(format!("wrong PIN, {left} attempts left"));
        assert_eq!((&ended["failure"]["message"], &ended["recorded"]), (&words, &json!(false)));
    }
    for _ in 0..2 {
        let ended = safe.run(&drill).expect(6).one();
        assert!(ended["failure"]["message"].as_str().unwrap().contains("only 3 PIN attempts left"), "{ended}");
    }
    let retries = safe.run(&["key", "pin", "retries", "--softkeys", "2", "--key", &port, "--json"]).expect(0).one();
    assert_eq!(retries["retries"], 3);
    assert_eq!(safe.drills(), Vec::<Value>::new());
}

#[test]
fn a_key_that_shows_nothing_without_its_pin_is_found_with_it() {
    let safe = Safe::protected(3);
    let drilled = safe.drill(2, &[ADA]).expect(0).one();
    assert_eq!((&drilled["ordinal"], &drilled["proved"]), (&json!(2), &json!(true)));
}

#[test]
fn one_pin_is_not_tried_on_several_keys() {
    let safe = Safe::new();
    safe.run(&["drill", "--softkeys", "2", "--pin", &safe.pin(1)]).expect(2).says("--key");
    safe.run(&["drill", "--softkeys", "2", "--dry-run"]).expect(0);
    safe.run(&["drill", "bob@example.org", "--softkeys", "2"])
        .expect(1)
        .says("no account bob@example.org at corp is in the ledger");
    let home = Home::new();
    let elsewhere = ["drill", "--softkeys", "1", "--idp", "http://127.0.0.1:1", "--idp-token", "env:IDP_TOKEN"];
    home.run_with(&elsewhere, &Idp::ENVIRONMENT).expect(1).says("there is no ledger");
}
