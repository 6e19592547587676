//! Who changes a ledger, or what stands beside it, is found out before anything is done with it.

use std::path::Path;

use keywright_test_support::cli::{Ended, Home, Idp};
use rusqlite::Connection;

const ADA: &str = "ada@example.org";

/// Ada has two keys, in a ledger whose triggers are gone: whoever has the file is not stopped by them.
struct Station {
    home: Home,
    _idp: Idp,
}

impl Station {
    fn new() -> Self {
        let home = Home::new();
        let users = home.file("users.csv", &format!("account,name\n{ADA},Ada\n"));
        let idp = Idp::start(&home, Path::new(&users));
        let reader = age::x25519::Identity::generate().to_public();
        let corp = format!("[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", idp.url);
        home.file("keywright.toml", &format!("readers = [\"vault={reader}\"]\n{corp}"));
        home.file("roster.csv", &format!("account,profile,name\n{ADA},admin,Ada\n"));
        let station = Self { home, _idp: idp };
        station.run(&["provision", "roster.csv", "--softkeys", "4"]).expect(0);
        station
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run_with(&[arguments, &["--config", "keywright.toml"]].concat(), &Idp::ENVIRONMENT)
    }

    fn change(&self, sql: &str) {
        let database = Connection::open(self.home.state().join("ledger.sqlite3")).unwrap();
        database
            .execute_batch(
                "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed; DROP TRIGGER events_are_appended;",
            )
            .unwrap();
        database.execute_batch(sql).unwrap();
    }
}

#[test]
fn two_keys_whose_numbers_were_swapped_are_not_acted_on() {
    let station = Station::new();
    station.change(
        "UPDATE events SET body = CASE WHEN body LIKE '%\"ordinal\":1%' THEN replace(body, '\"ordinal\":1', '\"ordinal\":2')
             ELSE replace(body, '\"ordinal\":2', '\"ordinal\":1') END
         WHERE body LIKE '{\"event\":\"job-planned\"%'",
    );
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
