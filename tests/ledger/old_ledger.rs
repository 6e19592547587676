//! A ledger that version 0.1.0 wrote is read, says the same as it did, and is not rewritten.
//!
//! `fixtures/0.1.0.sqlite3` was made by that version: ada and bo with two keys each, ada planned again as `Ada`, a key of bo revoked,
//! keys of cy planned that never came, two keys of by to be registered by hand at another IdP.

use std::path::Path;

use keywright::ledger::{Event, SqliteStore};
use keywright::register::Register;
use keywright_test_support::cli::{Ended, Home};
use serde_json::{Value, json};
use time::OffsetDateTime;

const HEAD: &str = "249:df585f8c3974ea703a66e3b60fe39086189ae41bf264fa0e97c85ad62e62c7c9";

/// A home with a copy of the ledger.
fn home() -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.state()).unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ledger/fixtures/0.1.0.sqlite3");
    std::fs::copy(fixture, home.state().join("ledger.sqlite3")).unwrap();
    home
}

fn accounts(status: &Ended) -> Vec<(String, String, u64)> {
    let lines = status.json();
    let accounts = lines.iter().filter(|line| line["kind"] == "account");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    accounts.map(|one| (text(&one["account"]), text(&one["state"]), one["keys_proved"].as_u64().unwrap())).collect()
}

#[test]
fn it_verifies_and_gives_the_same_accounts_without_being_rewritten() {
    let home = home();
    home.run(&["ledger", "verify", "--head", HEAD]).expect(0);
    let status = home.run(&["status", "--json"]).expect(0);
    let account = |login: &str, state: &str, keys| (format!("{login}@example.org"), state.to_owned(), keys);
    assert_eq!(
        accounts(&status),
        [
            account("by", "to-be-confirmed", 0),
            // What the first version took for two people is one.
            account("Ada", "duplicate", 2),
            account("ada", "complete", 2),
            account("bo", "keys-missing", 1),
            account("cy", "failed", 1),
        ]
    );
    assert_eq!(status.json()[1]["same_as"], "ada@example.org");
    assert_eq!(status.json().last().unwrap()["accounts"], 4);
    home.run(&["ledger", "verify", "--head", HEAD]).expect(0);
    assert_eq!(home.run(&["ledger", "show", "--json"]).expect(0).json().len(), 249);
}

#[test]
fn what_is_written_after_it_is_appended() {
    let home = home();
    home.run(&["account", "edit", "bo@example.org", "--name", "Bo B."]).expect(0);
    home.run(&["account", "forget", "cy@example.org", "--reason", "test", "--yes"]).expect(2).says("had a key");
    let verified = home.run(&["ledger", "verify", "--json"]).expect(0).one();
    assert_eq!(verified["seq"], 250);
    let shown = home.run(&["status", "bo@example.org", "--json"]).expect(0).one();
    assert_eq!((&shown["person"], &shown["keys"][0]["state"]), (&json!("Bo B."), &json!("revoked")));
}

#[test]
fn a_person_of_it_is_erased_as_far_as_that_is_possible_and_what_is_not_is_said() {
    let home = home();
    let path = home.state().join("ledger.sqlite3");
    let store = SqliteStore::open(&path, Box::new(OffsetDateTime::now_utc)).unwrap();
    let mut register = Register::default();
    register.catch_up(&store).unwrap();
    let bo = register.accounts_named("bo@example.org")[0].clone();
    let left = Event::AccountLeft { account: bo.clone(), reason: "MARKER".into(), operator: "root".into() };
    register.record(&store, &left).unwrap();
    let keys: Vec<_> = register.credentials_of(&bo).map(|(id, _)| id.clone()).collect();
    for credential_id in keys {
        register.record(&store, &Event::KeyReturned { credential_id, operator: "root".into() }).unwrap();
    }
    drop(store);

    let erase = ["account", "erase", "bo@example.org", "--reason", "asked", "--yes"];
    let erased = home.run(&[&erase[..], &["--json"]].concat()).expect(0).one();
    let plain: Vec<u64> = erased["plain_events"].as_array().unwrap().iter().map(|seq| seq.as_u64().unwrap()).collect();
    // Each of them names bo, or is a step of his jobs with a text, and none is of today.
    assert!(plain.len() > 5 && plain.iter().all(|seq| *seq <= 249), "{plain:?}");
    home.run(&["ledger", "verify", "--head", HEAD]).expect(0);
    let status = home.run(&["status"]).expect(0).stdout;
    assert!(!status.contains("bo@example.org") && status.contains("erased-"), "{status}");
    assert!(!std::fs::read(&path).unwrap().windows(6).any(|window| window == b"MARKER"));
    let again = ["account", "erase", erased["account"].as_str().unwrap(), "--reason", "asked", "--yes"];
    let said = home.run(&again).expect(0).stdout;
    assert!(said.contains("of version 0.1.0"), "{said}");
}

/// What is printed on labels does not change: this rule is frozen.
#[test]
fn its_keys_have_numbers_in_the_order_in_which_they_were_enrolled() {
    let home = home();
    let status = home.run(&["status", "--json"]).expect(0).json();
    let mut numbers = Vec::new();
    for account in status.iter().filter(|line| line["kind"] == "account") {
        for key in account["keys"].as_array().unwrap() {
            let of = format!("{} {}", account["account"].as_str().unwrap(), key["ordinal"]);
            numbers.extend(key["number"].as_str().map(|number| (number.to_owned(), of)));
        }
    }
    numbers.sort();
    let expected = [
        ("K-0001", "bo@example.org 1"),
        ("K-0002", "ada@example.org 2"),
        ("K-0003", "bo@example.org 2"),
        ("K-0004", "ada@example.org 1"),
        ("K-0005", "Ada@example.org 2"),
        ("K-0006", "Ada@example.org 1"),
        ("K-0007", "cy@example.org 1"),
        ("K-0008", "by@example.org 1"),
        ("K-0009", "by@example.org 2"),
    ];
    let expected = expected.map(|(number, of)| (number.to_owned(), of.to_owned()));
    assert_eq!(numbers, expected);
}
