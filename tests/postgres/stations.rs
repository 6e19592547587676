//! Two offices, one roster: stations as processes, which share a register on a server and an IdP, and lose one or the other.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::postgres::Postgres;
use serde_json::Value;

use crate::store::register;

const ROSTER: &str =
    "account,profile,name\nada@example.org,admin,Ada\nbob@example.org,admin,Bob\ncy@example.org,admin,Cy\n";

/// People of the roster; each needs two keys.
const PEOPLE: i64 = 3;

/// An office with a station of its own.
struct Office {
    home: Home,
    settings: String,
    roster: String,
}

struct Offices {
    server: Postgres,
    _idp_home: Home,
    _idp: Idp,
    offices: Vec<Office>,
}

impl Offices {
    /// So many, `None` where there is no PostgreSQL.
    fn open(count: usize) -> Option<Self> {
        let server = register()?;
        let idp_home = Home::new();
        let users = idp_home.file("roster.csv", ROSTER);
        let idp = Idp::start(&idp_home, Path::new(&users));
        let reader = age::x25519::Identity::generate().to_public();
        let offices = (0..count).map(|number| {
            let home = Home::new();
            let role = if number % 2 == 0 { "office_a" } else { "office_b" };
            let settings = home.file(
                "keywright.toml",
                &format!(
                    "readers = [\"vault={reader}\"]\n[register]\nurl = \"{}\"\nlease-seconds = 60\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
                    server.url(role),
                    idp.url
                ),
            );
            let roster = home.file("roster.csv", ROSTER);
            Office { home, settings, roster }
        });
        Some(Self { offices: offices.collect(), server, _idp_home: idp_home, _idp: idp })
    }

    fn count(&self, what: &str) -> i64 {
        self.server.sql("keywright", &format!("SELECT count(*) FROM keywright.events WHERE {what}")).parse().unwrap()
    }

    /// Waits until the log has so many events.
    fn wait_for(&self, events: i64) -> bool {
        let ends = Instant::now() + Duration::from_secs(120);
        while Instant::now() < ends {
            if self.count("true") >= events {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    /// Everybody has two keys, each made once, and the log is whole.
    #[track_caller]
    fn everybody_is_complete(&self) {
        for office in &self.offices {
            office.run(&["ledger", "verify"]).expect(0);
        }
        let status = self.offices[0].run(&["status", "--json"]).json();
        let summary = status.last().unwrap();
        assert_eq!(
            (&summary["complete"], &summary["keys_proved"]),
            (&Value::from(PEOPLE), &Value::from(2 * PEOPLE)),
            "{status:?}"
        );
        assert_eq!(self.count("body LIKE '{\"event\":\"job-planned\"%'"), 2 * PEOPLE, "no job was planned twice");
        let numbers = self.server.sql(
            "keywright",
            "SELECT count(body::jsonb #>> '{outcome,key}'), count(DISTINCT body::jsonb #>> '{outcome,key}') \
             FROM keywright.events WHERE body::jsonb #>> '{outcome,step}' = 'verify'",
        );
        let (verified, numbered) = numbers.split_once('|').unwrap();
        assert_eq!(verified, numbered, "each key has a number of its own");
    }
}

impl Office {
    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run_alone(&[arguments, &["--config", &self.settings]].concat(), &Idp::ENVIRONMENT)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let arguments = [arguments, &["--config", &self.settings, "--yes"]].concat();
        let mut command = self.home.command(&arguments);
        command.envs(Idp::ENVIRONMENT).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn provision(&self) -> Child {
        self.start(&["provision", &self.roster, "--softkeys", "6"])
    }

    fn resume(&self) -> Child {
        self.start(&["resume", "--softkeys", "6"])
    }
}

/// What a station said to the person at it.
fn ended(station: Child) -> String {
    String::from_utf8(station.wait_with_output().unwrap().stderr).unwrap()
}

#[test]
fn two_offices_go_through_one_roster_at_once() {
    let Some(offices) = Offices::open(2) else { return };
    let running: Vec<_> = offices.offices.iter().map(Office::provision).collect();
    let said: Vec<_> = running.into_iter().map(ended).collect();
    // Whoever ended first has not seen the other's last keys; nothing is left to do.
    let more: Vec<_> = offices.offices.iter().map(|office| ended(office.resume())).collect();
    println!("{said:#?} {more:#?}");
    offices.everybody_is_complete();
    assert_eq!(offices.server.sql("keywright", "SELECT count(*) FROM keywright.claims"), "0", "all was given up");
}

#[test]
fn eight_stations_make_no_key_twice() {
    let Some(offices) = Offices::open(8) else { return };
    let running: Vec<_> = offices.offices.iter().map(Office::provision).collect();
    let said: Vec<_> = running.into_iter().map(ended).collect();
    println!("{said:#?}");
    ended(offices.offices[0].resume());
    offices.everybody_is_complete();
}

#[test]
fn a_station_that_dies_leaves_its_work_to_itself_and_to_the_others() {
    // Into the plan, into the first keys, and into the last ones.
    for events in [5, 20, 45] {
        let Some(offices) = Offices::open(2) else { return };
        let [a, b] = &offices.offices[..] else { panic!("two of them") };
        let mut dying = a.provision();
        assert!(offices.wait_for(events));
        dying.kill().unwrap();
        dying.wait().unwrap();
        // The other one does what nobody works on, and says what it leaves alone.
        let said = ended(b.provision());
        println!("{events}: {said}");
        // The lease of the dead ends.
        offices.server.sql("keywright", "UPDATE keywright.claims SET until = now() - interval '1 second'");
        let resumed = ended(b.resume());
        println!("{events}: {resumed}");
        // What was begun on a key is ended where that key is.
        let own = ended(a.resume());
        println!("{events}: {own}");
        ended(b.resume());
        offices.everybody_is_complete();
    }
}

#[test]
fn a_server_that_is_killed_under_two_stations_loses_nothing() {
    let Some(offices) = Offices::open(2) else { return };
    let running: Vec<_> = offices.offices.iter().map(Office::provision).collect();
    for events in [8, 25, 40] {
        if offices.wait_for(events) {
            offices.server.kill();
            offices.server.up();
        }
    }
    let said: Vec<_> = running.into_iter().map(ended).collect();
    println!("{said:#?}");
    for office in &offices.offices {
        println!("{}", ended(office.resume()));
    }
    offices.everybody_is_complete();
}

#[test]
fn a_replica_that_lagged_and_took_over_is_found_out_and_gone_on_from() {
    let Some(offices) = Offices::open(1) else { return };
    let [office] = &offices.offices[..] else { panic!("one of them") };
    ended(office.provision());
    let lagging = offices.server.replica();
    // It is cut off, and hears nothing of what comes now.
    lagging.kill();
    office.run(&["account", "edit", "ada@example.org", "--name", "Ada L."]).expect(0);
    let settings = std::fs::read_to_string(&office.settings).unwrap();
    std::fs::write(&office.settings, settings.replace(&offices.server.url("office_a"), &lagging.url("office_a")))
        .unwrap();
    offices.server.kill();
    lagging.up();
    office.run(&["account", "edit", "ada@example.org", "--name", "Ada B."]).expect(1);
    lagging.sql("postgres", "SELECT pg_promote()");

    let words = "the ledger is an older copy";
    office.run(&["resume", "--softkeys", "6"]).expect(1).says(words).says("keywright ledger accept");
    office.run(&["status"]).expect(1).says(words);
    office.run(&["ledger", "accept", "--reason", "the first server is lost", "--yes"]).expect(0);
    office.run(&["account", "edit", "ada@example.org", "--name", "Ada L."]).expect(0);
    office.run(&["resume", "--softkeys", "6"]).expect(0);
    office.run(&["ledger", "verify"]).expect(0);
    // The first one comes back up for the test's end.
    offices.server.up();
}

#[test]
fn the_command_line_makes_copies_and_refuses() {
    let Some(server) = Postgres::start() else { return };
    let home = Home::new();
    let owner = server.url("owner");
    let init = ["register", "init", "--at", &owner, "--writer", "office_a", "--reader", "audit", "--json"];
    assert_eq!(home.run_alone(&[&init[..], &["--dry-run"]].concat(), &[]).expect(0).one()["made"], true);
    assert_eq!(home.run_alone(&init, &[]).expect(0).one()["made"], true);
    assert_eq!(home.run_alone(&init, &[]).expect(0).one()["made"], false);
    assert_eq!(home.run_alone(&["register", "migrate", "--at", &owner, "--json"], &[]).expect(0).one()["version"], 1);

    home.run_alone(&["rehearse", "--people", "2", "--out", "all"], &[]).expect(0);
    let verified = home.run_alone(&["ledger", "verify", "--state", "all", "--json"], &[]).expect(0).one();
    let copied = home.run_alone(&["register", "copy", "all/ledger.sqlite3", &owner, "--json"], &[]).expect(0).one();
    let head = format!("{}:{}", verified["seq"], verified["hash"].as_str().unwrap());
    assert_eq!(copied["head"], head.as_str());
    home.run_alone(&["register", "copy", "all/ledger.sqlite3", &owner], &[]).expect(1).says("has a ledger already");
    let audit = server.url("audit");
    let back = home.run_alone(&["register", "copy", &audit, "back/ledger.sqlite3", "--json"], &[]).expect(0).one();
    assert_eq!(back["head"], copied["head"]);
    home.run_alone(&["ledger", "verify", "--state", "back"], &[]).expect(0);

    // A reader reads, and a station's name for a server is in the settings.
    let settings = home.file("keywright.toml", &format!("register = \"{audit}\"\n"));
    let status = |state: &str, more: &[&str]| {
        let arguments = [&["status", "--csv", "--state", state][..], more].concat();
        home.run_alone(&arguments, &[]).expect(0).stdout
    };
    assert_eq!(status("reader", &["--config", &settings]), status("all", &[]));
    let closed = home.file("closed.toml", "register = \"postgres://office_a@127.0.0.1:1/keywright\"\n");
    home.run_alone(&["status", "--config", &closed], &[]).expect(1).says("cannot be reached");
}
