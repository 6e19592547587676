//! The program's dry run is what its run does: for every command that has both, in every test that runs the program.
//!
//! What `--dry-run --json` names, and what `status --json` says before and after, are held against each other: nothing changes that
//! was not named, and a run that ends well has done all that was. The dry run itself leaves the ledger as it is. It refuses to look
//! into a run that says itself that it failed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Ended, Home};

/// Commands that change keys or accounts and have a dry run.
const VERBS: &[&[&str]] = &[
    &["provision"],
    &["resume"],
    &["enroll"],
    &["replace"],
    &["revoke"],
    &["recover"],
    &["account", "left"],
    &["account", "edit"],
    &["account", "forget"],
    &["hand-over", "again"],
    &["key", "edit"],
    &["key", "reset"],
    &["key", "return"],
];

/// A key of an account: login and number.
type Key = (String, u64);

/// Whether a command is to be rehearsed.
pub(super) fn is_rehearsed(arguments: &[&str]) -> bool {
    VERBS.iter().any(|verb| arguments.starts_with(verb))
        && !arguments.iter().any(|word| ["--dry-run", "--help"].contains(word))
}

/// Runs it after its dry run.
pub(super) fn run(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut dry: Vec<&str> = arguments.to_vec();
    dry.push("--dry-run");
    if !dry.contains(&"--json") {
        dry.push("--json");
    }
    let ledger = || std::fs::read(home.state().join("ledger.sqlite3")).ok();
    let written = ledger();
    let dry = home.run_alone(&dry, environment);
    assert!(ledger() == written, "the dry run of {arguments:?} wrote into the ledger: {dry:?}");
    let before = state(home, arguments, environment);
    let ended = home.run_alone(arguments, environment);
    let after = state(home, arguments, environment);
    Held { arguments, dry: &dry, before: &before, ended: &ended, after: &after }.hold();
    ended
}

/// The state of every key that the ledger knows.
fn state(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> BTreeMap<Key, String> {
    let mut status = vec!["status", "--json"];
    for pair in arguments.windows(2).filter(|pair| ["--state", "--config"].contains(&pair[0])) {
        status.extend(pair);
    }
    let mut keys = BTreeMap::new();
    for line in lines(&home.run_alone(&status, environment)) {
        for key in line["keys"].as_array().into_iter().flatten() {
            keys.insert((text(&line["account"]), key["ordinal"].as_u64().unwrap()), text(&key["state"]));
        }
    }
    keys
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

struct Held<'a> {
    arguments: &'a [&'a str],
    dry: &'a Ended,
    before: &'a BTreeMap<Key, String>,
    ended: &'a Ended,
    after: &'a BTreeMap<Key, String>,
}

/// What a dry run named.
#[derive(Default)]
struct Named {
    /// Keys to be made or finished.
    to_come: BTreeSet<Key>,
    /// Keys to be taken out of service.
    to_go: BTreeSet<Key>,
    /// People whose keys are judged by other rules from now on, or who are another account now.
    changed: BTreeSet<String>,
}

impl Held<'_> {
    fn hold(&self) {
        let named = self.named();
        let changed = self.after.iter().filter(|(key, state)| self.before.get(*key) != Some(*state));
        for (key, state) in changed {
            let is_named = named.to_come.contains(key) || named.to_go.contains(key) || named.changed.contains(&key.0);
            assert!(is_named, "{key:?} is {state} now, and the dry run did not name it\n{}", self.all());
        }
        if self.ended.code != 0 {
            return;
        }
        assert_eq!(self.dry.code, 0, "the dry run refused what the run did\n{}", self.all());
        for key in &named.to_come {
            let state = self.after.get(key).map(String::as_str);
            let is_made = matches!(state, Some("in-service" | "drill-due" | "to-be-confirmed"));
            assert!(is_made, "{key:?} was to be made, and is {state:?}\n{}", self.all());
        }
        for key in &named.to_go {
            let state = self.after.get(key).map(String::as_str);
            let counts = matches!(state, Some("in-service" | "drill-due"));
            assert!(!counts, "{key:?} was to be taken out of service, and is {state:?}\n{}", self.all());
        }
    }

    fn named(&self) -> Named {
        let mut named = Named::default();
        let key = |account: &Value, key: &Value| (text(account), key["ordinal"].as_u64().unwrap_or_default());
        let each = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut last = String::new();
        for line in lines(self.dry) {
            let account = &line["account"];
            match line["kind"].as_str().unwrap_or_default() {
                "planned-account" => {
                    last = text(account);
                    let to_come = each(&line["make"]).into_iter().chain(each(&line["unfinished"]));
                    named.to_come.extend(to_come.map(|one| key(account, &one)));
                    if each(&line["changes"]).iter().any(|one| one["change"] != "name") {
                        named.changed.insert(last.clone());
                        // A login that is new now is another name for what was there before.
                        named
                            .changed
                            .extend(self.before.keys().map(|(login, _)| login.clone()).filter(|_| is_renamed(&line)));
                    }
                }
                "plan" => {
                    named.to_go.extend(line["replaces"].as_u64().map(|ordinal| (last.clone(), ordinal)));
                    named.to_go.extend(each(&line["revocations"]).iter().map(|one| key(&one["account"], one)));
                }
                // A key is made until the account has enough, and the one that is gone goes.
                "recovery" => {
                    named.changed.insert(text(account));
                    named.to_go.insert((text(account), line["lost"].as_u64().unwrap_or_default()));
                }
                "revoked" => drop(named.to_go.insert(key(account, &line))),
                "account-left" => {
                    let its = self.before.keys().filter(|(login, _)| *login == text(account));
                    named.to_go.extend(its.cloned());
                }
                "account-forgotten" => drop(named.changed.insert(text(account))),
                "letters-printed" => {
                    let ordinals = each(&line["ordinals"]).into_iter().filter_map(|one| one.as_u64());
                    named.to_come.extend(ordinals.map(|ordinal| (text(account), ordinal)));
                }
                "key-edited" if line["state"] == "held" => drop(named.changed.insert(text(account))),
                "key-edited" if line["state"] != "in-stock" => drop(named.to_go.insert(key(account, &line))),
                "key-reset" => named.to_go.extend(each(&line["erased"]).iter().map(|one| key(&one["account"], one))),
                "key-returned" => named.to_go.extend(each(&line["keys"]).iter().map(|one| key(&one["account"], one))),
                _ => {}
            }
        }
        named
    }

    fn all(&self) -> String {
        format!(
            "{:?}\nbefore: {:?}\ndry run: {:?}\nrun: {:?}\nafter: {:?}",
            self.arguments, self.before, self.dry, self.ended, self.after
        )
    }
}

fn is_renamed(line: &Value) -> bool {
    line["changes"].as_array().into_iter().flatten().any(|one| one["change"] == "login")
}
