//! A ledger that version 0.1.0 wrote is read, says the same as it did, and is not rewritten.
//!
//! `fixtures/0.1.0.sqlite3` was made by that version: ada and bo with two keys each, ada planned again as `Ada`, a key of bo revoked,
//! keys of cy planned that never came, two keys of by to be registered by hand at another IdP.

use std::path::Path;

use keywright_test_support::cli::{Ended, Home};
use serde_json::{Value, json};

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
