//! A person who left is erased: the names go, everywhere, and the log stays whole.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::one_person::{ADA, Office};

/// What nobody may read any more.
const NAMES: [&str; 7] = ["ada@example.org", "Lovelace", "TICKET-77", "Winterthur", "blue tape", "HR-1", "Babbage"];

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[track_caller]
fn nameless(what: &str, bytes: &[u8]) {
    for name in NAMES {
        let found = bytes.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name.as_bytes()));
        assert!(!found, "{name} is in {what}: {}", String::from_utf8_lossy(bytes));
    }
}

/// Ada with two keys and everything that people write about them; then she leaves.
fn office() -> Office {
    let office = Office::new("ada@example.org,admin,Ada Lovelace\nbo@example.org,admin,Bo");
    office.run(&["provision", "roster.csv", "--softkeys", "4"]).expect(0);
    office.run(&["account", "edit", ADA, "--ticket", "TICKET-77", "--storage", "safe, Winterthur"]).expect(0);
    let edit =
        ["key", "edit", ADA, "--key", "2", "--place", "Winterthur", "--label", "blue tape", "--custodian", "Babbage"];
    office.run(&edit).expect(0);
    office
}

fn return_keys_of_ada(office: &Office) {
    let keys = office.run(&["key", "list", "--known", "--softkeys", "4", "--json"]).expect(0).json();
    let of_ada = keys.iter().filter(|key| key.to_string().contains(ADA));
    let ports: Vec<_> = of_ada.map(|key| key["port"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ports.len(), 2, "{keys:?}");
    for port in ports {
        office.run(&["key", "return", "--softkeys", "4", "--key", &port, "--yes"]).expect(0);
    }
}

#[test]
fn names_are_erased_everywhere_and_the_log_stays_whole() {
    let office = office();
    let erase = |account: &str| office.run(&["account", "erase", account, "--reason", "asked", "--yes", "--json"]);
    erase(ADA).expect(2).says("keywright account left");
    office.run(&["account", "left", ADA, "--reason", "HR-1", "--yes"]).expect(0);
    erase(ADA).expect(2).says("still has 2 keys");
    return_keys_of_ada(&office);
    let before = office.run(&["ledger", "verify", "--json"]).expect(0).one();
    office.run(&["account", "erase", ADA, "--reason", "asked"]).expect(1).says("--yes");

    let erased = erase(ADA).expect(0).one();
    let account = erased["account"].as_str().unwrap().to_owned();
    assert!(account.starts_with("erased-"), "{erased}");
    assert_eq!(erased["plain_events"], json!([]));
    // Files that a reader of PINs got are named after the account; they are his.
    let named: Vec<_> = erased["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert_eq!(named.len(), 2, "{erased}");
    named.iter().for_each(|file| std::fs::remove_file(office.home.path(file)).unwrap());

    // The practice IdP is the IdP's, and still knows her.
    let is_idp = |file: &Path| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("idp.sqlite3"));
    for file in files(&office.home.state()).iter().filter(|file| !is_idp(file)) {
        nameless(&file.display().to_string(), &std::fs::read(file).unwrap());
        nameless("a file's name", file.to_string_lossy().as_bytes());
    }
    let head = format!("{}:{}", before["seq"], before["hash"].as_str().unwrap());
    let after = office.run(&["ledger", "verify", "--head", &head, "--json"]).expect(0).one();
    assert_eq!(after["seq"].as_u64(), before["seq"].as_u64().map(|seq| seq + 1));

    let export = office.home.path("evidence");
    let page = office.home.path("page.html");
    let root = office.home.state().join("softkeys/attestation-ca.pem");
    let root = root.to_str().unwrap();
    let (to, html) = (export.to_str().unwrap(), page.to_str().unwrap());
    for command in [
        &["status"][..],
        &["status", "--csv"],
        &["status", "--json"],
        &["status", &account],
        &["ledger", "show"],
        &["ledger", "show", "--json"],
        &["ledger", "export", to],
        &["audit", "ledger", "--root", root],
        &["audit", "ledger", "--root", root, "--json", "--html", html],
        &["key", "list", "--known", "--softkeys", "4"],
    ] {
        let said = office.run(command).expect(0);
        nameless(&command.join(" "), said.stdout.as_bytes());
    }
    files(&export).iter().chain([&page]).for_each(|file| {
        nameless(&file.display().to_string(), &std::fs::read(file).unwrap());
    });
    let status = office.run(&["status", "--json"]).expect(0).json();
    let one = status.iter().find(|line| line["account"] == account).unwrap();
    assert_eq!((&one["state"], one["erased"].is_string()), (&json!("left"), true));
    assert_eq!(status.iter().filter(|line| line["kind"] == "account").count(), 2, "Bo is there as before");

    // It says that it was done, when, by whom and why.
    let shown = office.run(&["ledger", "show"]).expect(0).stdout;
    assert!(shown.contains("names were erased: asked, by "), "{shown}");
    // She comes back: a new account, and nobody knows that it is the same person.
    office.run(&["resume", "--softkeys", "4"]).expect(0);
    office.run(&["provision", "roster.csv", "--softkeys", "4", "--yes"]).expect(0);
    let states: Vec<Value> = office.run(&["status", "--json"]).expect(0).json();
    let complete = states.iter().filter(|line| line["kind"] == "account" && line["state"] == "complete").count();
    assert_eq!(complete, 2);
    office.run(&["ledger", "verify"]).expect(0);
    // What was erased can be erased again, also by what stands for the login.
    erase(&account).expect(0);
}

#[test]
fn a_typing_error_that_was_forgotten_can_be_erased_too() {
    let office = Office::new("ada@example.org,admin,Ada\nbo@example.org,admin,Lovelace");
    office.run(&["provision", "roster.csv", "--softkeys", "2"]).expect(3);
    let bo = "bo@example.org";
    office.run(&["account", "forget", bo, "--reason", "typing error", "--yes"]).expect(0);
    office.run(&["account", "erase", bo, "--reason", "typing error", "--yes"]).expect(0);
    assert_eq!(office.accounts().iter().filter(|(login, ..)| login == bo).count(), 0);
    let shown = office.run(&["ledger", "show", "--json"]).expect(0).stdout;
    assert!(!shown.contains("Lovelace") && !shown.contains(bo), "{shown}");
    office.run(&["ledger", "verify"]).expect(0);
}
