//! The estate around the keys, by the program as people run it: inventory, reconciliation, rosters, ways in, readiness, watch.
//!
//! The IdP stands behind a proxy that counts: what only reads sends nothing that is no read.

mod drawn;
mod inventory;
mod ready;
mod reconcile;
mod watch;

use std::path::Path;

use keywright::idp::embedded::Embedded;
use keywright::idp::{Directory as _, User};
use keywright::ledger::{Event, SqliteStore};
use keywright::register::Register;
use keywright_practice::idp_server::wire::estate::{Hold, Policy};
use keywright_practice::idp_server::wire::{NewUser, UserChange};
use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::fault_proxy::FaultProxy;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// A home, an IdP behind a proxy, and keys for whoever is in the roster.
pub(super) struct Estate {
    pub(super) home: Home,
    /// The IdP itself, for what its administrators do.
    pub(super) idp: Embedded,
    pub(super) proxy: FaultProxy,
    settings: String,
    _server: Idp,
}

impl Estate {
    /// With these people, none of whom has a key.
    pub(super) fn new(logins: &[&str]) -> Self {
        let home = Home::new();
        let users = home.file("users.csv", &roster(logins));
        let server = Idp::start(&home, Path::new(&users));
        let idp = Embedded::new("corp", &server.url, Idp::ENVIRONMENT[0].1.to_owned().into()).unwrap();
        let proxy = FaultProxy::start(&server.url);
        let reader = age::x25519::Identity::generate();
        let settings = format!(
            "readers = [\"vault={}\"]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
            reader.to_public(),
            proxy.url()
        );
        let settings = home.file("keywright.toml", &settings);
        Self { home, idp, proxy, settings, _server: server }
    }

    /// With these people, each of whom has two proved keys.
    pub(super) fn with_keys(logins: &[&str]) -> Self {
        let estate = Self::new(logins);
        let (file, keys) = (estate.home.file("roster.csv", &roster(logins)), (logins.len() * 2).to_string());
        estate.run(&["provision", &file, "--softkeys", &keys]).expect(0);
        estate
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        let arguments = [arguments, &["--config", &self.settings]].concat();
        self.home.run_with(&arguments, &Idp::ENVIRONMENT)
    }

    /// Runs something that only reads: nothing else gets to the IdP.
    pub(super) fn look(&self, arguments: &[&str]) -> Ended {
        let before = self.proxy.seen().len();
        let ended = self.run(arguments);
        for request in &self.proxy.seen()[before..] {
            assert_eq!(request.method, "GET", "{arguments:?} sent {request:?}");
        }
        ended
    }

    pub(super) fn user(&self, login: &str) -> User {
        self.idp.find_user(login).unwrap()
    }

    pub(super) fn create(&self, login: &str, other_methods: &[&str]) -> User {
        let other_methods = other_methods.iter().map(|method| (*method).to_owned()).collect();
        let new = NewUser { login: login.into(), display_name: login.to_uppercase(), active: true, other_methods };
        self.idp.create_user(&new).unwrap()
    }

    pub(super) fn set_methods(&self, login: &str, methods: &[&str]) {
        let other_methods = Some(methods.iter().map(|method| (*method).to_owned()).collect());
        self.idp.change_user(&self.user(login), &UserChange { other_methods, ..UserChange::default() }).unwrap();
    }

    pub(super) fn set_active(&self, login: &str, active: bool) {
        self.idp.change_user(&self.user(login), &UserChange { active: Some(active), ..UserChange::default() }).unwrap();
    }

    pub(super) fn make_admin(&self, login: &str, role: &str, hold: Hold) {
        self.idp.set_role(&self.user(login), role, Some(hold)).unwrap();
    }

    /// A policy about a group that admits these besides passkeys.
    pub(super) fn set_policy(&self, name: &str, group: &str, enforced: bool, admits: &[&str]) {
        let admits = admits.iter().map(|way| (*way).to_owned()).collect();
        self.idp.set_policy(name, Some(&Policy { group: Some(group.into()), enforced, admits })).unwrap();
    }

    /// Writes into the ledger what happened elsewhere in this story.
    pub(super) fn record(&self, events: &[Value]) {
        let file = self.home.state().join("ledger.sqlite3");
        let store = SqliteStore::open(&file, Box::new(OffsetDateTime::now_utc)).unwrap();
        let mut register = Register::of(&store).unwrap();
        for event in events {
            let event: Event = serde_json::from_value(event.clone()).unwrap();
            register.record(&store, &event).unwrap();
        }
    }

    /// The ledger, event by event, as text.
    pub(super) fn ledger(&self) -> String {
        self.run(&["ledger", "show", "--json"]).expect(0).stdout
    }
}

fn roster(logins: &[&str]) -> String {
    let rows: String = logins.iter().map(|login| format!("{login},admin\n")).collect();
    format!("account,profile\n{rows}")
}

/// The lines of a kind.
pub(super) fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// An account's id in events.
pub(super) fn account(login: &str) -> Value {
    json!({"directory": "corp", "login": login})
}
