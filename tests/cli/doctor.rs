//! What stands between a person and their keys: `keywright doctor` finds each thing, and says the one thing to do about it.

use keywright::ledger::{Event, Head, Record, SqliteStore, Store as _};
use keywright_test_support::cli::{Ended, Home};
use serde_json::{Value, json};
use time::OffsetDateTime;

fn doctor(home: &Home, arguments: &[&str]) -> Ended {
    home.run(&[&["doctor", "--softkeys", "1", "--json"], arguments].concat())
}

/// The findings that are not well, each with something to do.
fn wrong(ended: Ended) -> Vec<Value> {
    let wrong: Vec<Value> = ended.json().into_iter().filter(|finding| finding["ok"] == json!(false)).collect();
    for finding in &wrong {
        assert!(finding["next_step"].is_string(), "{finding}");
    }
    wrong
}

/// The only one.
fn only(ended: Ended) -> Value {
    let [finding] = <[Value; 1]>::try_from(wrong(ended)).expect("one thing is wrong");
    finding
}

#[test]
fn all_is_well() {
    let home = Home::new();
    let findings = home.run(&["doctor", "--softkeys", "2", "--json"]).expect(0).json();
    for check in ["settings", "idp", "state", "ledger"] {
        assert_eq!(findings.iter().filter(|finding| finding["check"] == check).count(), 1, "{check}");
    }
    let keys: Vec<&Value> = findings.iter().filter(|finding| finding["check"] == "key").collect();
    let [first, second] = keys[..] else { panic!("{findings:?}") };
    assert_eq!((&first["subject"], &second["subject"]), (&json!("soft:1"), &json!("soft:2")));
    assert_eq!((&first["port"], &first["product"]), (&json!("soft-1"), &json!("soft key")));
    assert!(first["versions"].as_array().unwrap().contains(&json!("FIDO_2_1")));
    assert_eq!((&first["pin_set"], &first["pin_retries"]), (&json!(false), &Value::Null));
    assert!(findings.iter().all(|finding| finding["ok"] == json!(true)));
    // What a first batch needs and a look at keys does not.
    let to_do: Vec<_> = findings.iter().filter(|finding| finding["next_step"].is_string()).collect();
    let to_do: Vec<_> = to_do.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    assert_eq!(to_do, ["idp", "readers", "letters", "metadata"]);

    let words = home.run(&["doctor", "--softkeys", "2"]).expect(0);
    assert_eq!(words.stdout.lines().filter(|line| line.starts_with("ok     key ")).count(), 2, "{}", words.stdout);
    assert!(words.stderr.is_empty(), "{}", words.stderr);
}

#[test]
fn attempts_are_told_of_a_key_with_a_pin() {
    let home = Home::new();
    let (pin, other) = (home.secret("pin", "right PIN"), home.secret("other", "wrong PIN"));
    home.run(&["key", "pin", "set", "--new-pin", &pin, "--softkeys", "1"]).expect(0);
    home.run(&["key", "pin", "change", "--pin", &other, "--new-pin", &pin, "--softkeys", "1"]).expect(6);
    let findings = doctor(&home, &[]).expect(0).json();
    let key = findings.last().unwrap();
    assert_eq!((&key["pin_set"], &key["pin_retries"]), (&json!(true), &json!(7)));
    // Asking costs no attempt.
    assert_eq!(doctor(&home, &[]).expect(0).json().last().unwrap()["pin_retries"], json!(7));
}

#[test]
fn no_key_is_exit_code_5_whatever_else_is_well() {
    let home = Home::new();
    let ended = home.run(&["doctor", "--softkeys", "0", "--json"]).expect(5);
    assert_eq!(only(ended)["message"], json!("no security key is plugged in"));
    let words = home.run(&["doctor", "--softkeys", "0"]).expect(5).stdout;
    assert!(words.ends_with("do: plug security keys in, or practise with --softkeys 2\n"), "{words}");
}

#[test]
fn a_key_that_does_not_answer_does_not_hide_the_others() {
    let home = Home::new();
    home.run(&["key", "list", "--softkeys", "2"]).expect(0);
    let folder = home.state().join("softkeys");
    std::fs::write(folder.join("soft-01.key"), "garbage").unwrap();
    let findings = home.run(&["doctor", "--softkeys", folder.to_str().unwrap(), "--json"]).expect(1).json();
    let keys: Vec<_> = findings.iter().filter(|finding| finding["check"] == "key").collect();
    assert_eq!(keys.iter().map(|key| key["ok"] == json!(true)).collect::<Vec<_>>(), [false, true], "{keys:?}");
}

#[test]
fn wrong_settings_are_told_with_their_place_and_hide_nothing() {
    let home = Home::new();
    let settings = home.file("keywright.toml", "profile = \"p\"\n");
    let finding = only(doctor(&home, &["--config", &settings]).expect(1));
    assert_eq!((&finding["check"], &finding["subject"]), (&json!("settings"), &json!(settings)));
    assert!(finding["message"].as_str().unwrap().contains("keywright.toml:1:1: "), "{finding}");

    let settings =
        home.file("keywright.toml", "[idp.corp]\nkind = \"embedded\"\nurl = \"http://[::1]:1\"\ntoken = \"env:T\"\n");
    let findings = doctor(&home, &["--config", &settings]).expect(0).json();
    let idp = findings.iter().find(|finding| finding["check"] == "idp").unwrap();
    assert_eq!(idp["subject"], json!("corp"));
    assert!(idp["message"].as_str().unwrap().contains("keywright idp check --idp corp"), "{idp}");
}

#[test]
fn a_state_folder_has_to_be_writable_and_private() {
    let home = Home::new();
    let file = home.file("file", "");
    let below = format!("{file}/state");
    // Soft keys are in it, so they are elsewhere here.
    home.run(&["key", "list", "--softkeys", "1"]).expect(0);
    let keys = home.state().join("softkeys");
    let look = |state: &str| home.run(&["doctor", "--softkeys", keys.to_str().unwrap(), "--state", state, "--json"]);
    let finding = only(look(&below).expect(1));
    assert_eq!(finding["check"], json!("state"), "{finding}");
    assert!(!finding["message"].as_str().unwrap().contains(".keywright-doctor"), "{finding}");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = home.path("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        let finding = only(look(open.to_str().unwrap()).expect(1));
        assert_eq!(finding["next_step"], json!(format!("chmod 700 '{}'", open.display())));
        assert_eq!(std::fs::read_dir(&open).unwrap().count(), 0, "nothing is left behind");
    }
}

#[test]
fn a_ledger_that_was_changed_is_found() {
    let home = Home::new();
    doctor(&home, &[]).expect(0);
    let path = home.state().join("ledger.sqlite3");
    let store = SqliteStore::open(&path, Box::new(OffsetDateTime::now_utc)).unwrap();
    let event = Event::BatchStarted {
        batch: 1,
        operator: "ada".into(),
        version: "0".into(),
        directory: "corp".into(),
        roster_sha256: None,
    };
    store.append(&Head::EMPTY, &[Record::from(&event)]).unwrap();
    drop(store);
    let findings = doctor(&home, &[]).expect(0).json();
    assert!(findings.iter().any(|finding| finding["message"] == json!("1 event, unchanged")), "{findings:?}");

    let database = rusqlite::Connection::open(&path).unwrap();
    let forgery = "DROP TRIGGER events_are_not_changed; UPDATE events SET body = replace(body, 'ada', 'eve')";
    database.execute_batch(forgery).unwrap();
    drop(database);
    let finding = only(doctor(&home, &[]).expect(1));
    assert_eq!(finding["check"], json!("ledger"), "{finding}");
}

#[test]
fn the_udev_rule_can_be_had_without_the_sources() {
    let rule = Home::new().run(&["doctor", "--udev-rule"]).expect(0).stdout;
    assert_eq!(rule, std::fs::read_to_string("udev/70-keywright.rules").unwrap());
}
