//! A state folder came back from an older backup: it is noticed, and the way on ends where the IdP and the ledger agree again.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::one_person::{ADA, Office};

const BO: &str = "bo@example.org";

/// What a backup has: all but the soft keys, which stand for keys in a drawer.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "softkeys") {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

fn restore(backup: &Path, state: &Path) {
    for entry in fs::read_dir(state).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "softkeys") {
        if entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    copy(backup, state);
}

/// The IdP's names for keys of Bo that nobody here made.
fn unknown(office: &Office) -> Vec<String> {
    let lines = office.run(&["reconcile", BO, "--json"]).json();
    let unknown = lines.iter().filter(|line| line["difference"] == "unknown");
    unknown.map(|line| line["directory_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_station_that_came_back_from_an_older_backup_goes_on() {
    let office = Office::new("ada@example.org,admin,Ada");
    let provision = ["provision", "roster.csv", "--softkeys", "6", "--yes"];
    office.run(&provision).expect(0);
    let (state, backup) = (office.home.state(), office.home.path("backup"));
    copy(&state, &backup);
    // The batch after the backup.
    office.home.file("roster.csv", "account,profile,name\nada@example.org,admin,Ada\nbo@example.org,admin,Bo\n");
    office.run(&provision).expect(0);
    restore(&backup, &state);

    // The checkpoint outside the folder tells, and what to do is told.
    for command in [&provision[..], &["resume", "--softkeys", "6"], &["status"]] {
        office.run(command).expect(1).says("the ledger is an older copy").says("keywright ledger accept");
    }
    office.run(&["ledger", "accept", "--reason", "restored the backup of Monday", "--yes"]).expect(0);
    office.run(&["ledger", "verify"]).expect(0);
    assert_eq!(office.accounts(), [(ADA.to_owned(), 2, "complete".to_owned())]);

    // The lost batch is found at the IdP, made anew with other keys, and its keys go.
    let lost = unknown(&office);
    assert_eq!(lost.len(), 2);
    office.run(&provision).expect(0);
    for id in &lost {
        office.run(&["revoke", BO, "--unknown", id, "--reason", "made after the backup", "--yes"]).expect(0);
    }
    assert_eq!(unknown(&office), Vec::<String>::new());
    let both: Vec<Value> = office.run(&["reconcile", ADA, BO, "--json"]).expect(0).json();
    assert_eq!(both.last().unwrap()["differences"], 0, "{both:?}");
    let complete = |who: &str| (who.to_owned(), 2, "complete".to_owned());
    assert_eq!(office.accounts(), [complete(ADA), complete(BO)]);
    office.run(&["ledger", "verify"]).expect(0);
}
