//! Two audits held against each other: which keys and people came, went and changed, which verdicts changed and why, which drills
//! were done and which were missed.
//!
//! Keys are told apart by their credential, accounts by IdP and user; a new login is a change and nobody new. It judges nothing
//! itself.

pub mod page;

use std::collections::BTreeMap;

use serde::Serialize;

use super::ledger::{Covered, LedgerAudit};
use super::record::{KeyRecord, state_in_words};
use crate::register::KeyStanding;

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What kind of change.
    pub change: Change,
    /// The account, as it is called in the later audit, or in the earlier one if it is gone.
    pub account: String,
    /// Which of its keys; `None` if the account is meant.
    pub key: Option<String>,
    /// What it was; empty if it was not there.
    pub before: String,
    /// What it is; empty if it is gone.
    pub after: String,
    /// Why, where that is known.
    pub why: Vec<String>,
}

/// Kinds of change, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A verdict is another one.
    Verdict,
    /// A key is out of service that was in it.
    KeyWent,
    /// A drill was due and was not done.
    DrillMissed,
    /// A key came into service.
    KeyCame,
    /// A key's label, place, number or model is another one.
    KeyChanged,
    /// A stored key was taken out and tried.
    Drilled,
    /// An account is in the ledger that was not.
    AccountCame,
    /// An account left, or was forgotten.
    AccountWent,
    /// An account's login, profile, number of keys or state is another one.
    AccountChanged,
}

impl Change {
    /// What it is called.
    pub fn words(self) -> &'static str {
        match self {
            Self::Verdict => "verdict changed",
            Self::KeyWent => "key out of service",
            Self::DrillMissed => "drill missed",
            Self::KeyCame => "key in service",
            Self::KeyChanged => "key changed",
            Self::Drilled => "drilled",
            Self::AccountCame => "account came",
            Self::AccountWent => "account went",
            Self::AccountChanged => "account changed",
        }
    }
}

/// Everything that is not as it was, in the order of [`Change`], then by account.
pub fn between(earlier: &LedgerAudit<'_>, later: &LedgerAudit<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    keys(earlier, later, &mut found);
    accounts(earlier, later, &mut found);
    found.sort_by(|a, b| (a.change, &a.account, &a.key).cmp(&(b.change, &b.account, &b.key)));
    found
}

fn by_credential(audit: &LedgerAudit<'_>) -> BTreeMap<String, KeyRecord> {
    KeyRecord::all(audit).into_iter().map(|record| (record.credential_id.clone(), record)).collect()
}

fn keys(earlier: &LedgerAudit<'_>, later: &LedgerAudit<'_>, found: &mut Vec<Difference>) {
    let (before, after) = (by_credential(earlier), by_credential(later));
    let metadata = metadata_changed(earlier, later);
    for (id, now) in &after {
        let mut tell = |change, before: &str, after: &str, why| {
            let (before, after) = (before.to_owned(), after.to_owned());
            found.push(Difference { change, account: now.account.clone(), key: Some(now.name()), before, after, why });
        };
        let Some(then) = before.get(id) else {
            match now.state.is_in_use() {
                true => tell(Change::KeyCame, "", state_in_words(now.state), Vec::new()),
                false => tell(Change::KeyWent, "", state_in_words(now.state), Vec::new()),
            }
            continue;
        };
        if then.state != now.state {
            let change = if now.state.is_in_use() { Change::KeyCame } else { Change::KeyWent };
            tell(change, state_in_words(then.state), state_in_words(now.state), Vec::new());
        } else if then.verdict != now.verdict {
            let news = now.because.iter().filter(|reason| !then.because.contains(reason)).cloned();
            let profile = (then.profile != now.profile).then(|| format!("the profile is {} now", now.profile));
            let why = news.chain(profile).chain(metadata.clone()).collect();
            tell(Change::Verdict, &then.verdict, &now.verdict, why);
        }
        for (what, old, new) in [
            ("number", &then.number, &now.number),
            ("label", &then.label, &now.label),
            ("place", &then.place, &now.place),
            ("serial", &then.serial, &now.serial),
            ("firmware", &then.firmware, &now.firmware),
        ] {
            if old != new {
                tell(Change::KeyChanged, &format!("{what} {old}"), &format!("{what} {new}"), Vec::new());
            }
        }
        if then.drilled != now.drilled && !now.drilled.is_empty() {
            tell(Change::Drilled, &then.drilled, &now.drilled, Vec::new());
        }
    }
    let gone = before.iter().filter(|(id, _)| !after.contains_key(*id));
    found.extend(gone.map(|(_, then)| Difference {
        change: Change::KeyWent,
        account: then.account.clone(),
        key: Some(then.name()),
        before: state_in_words(then.state).to_owned(),
        after: String::new(),
        why: vec!["the later ledger does not have it".to_owned()],
    }));
}

/// A verdict may be another one because the metadata is.
fn metadata_changed(earlier: &LedgerAudit<'_>, later: &LedgerAudit<'_>) -> Option<String> {
    let number = |audit: &LedgerAudit<'_>| audit.metadata.map(|metadata| metadata.id().no);
    let words = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    let (before, after) = (number(earlier), number(later));
    (before != after).then(|| format!("the FIDO metadata was number {}, and is {}", words(before), words(after)))
}

fn accounts(earlier: &LedgerAudit<'_>, later: &LedgerAudit<'_>, found: &mut Vec<Difference>) {
    let of = |audit: &LedgerAudit<'_>, one: &Covered<'_>| {
        let account = &audit.register.accounts[one.id];
        let state = format!(
            "{}, {} of {} keys",
            one.standing.account.words(),
            one.standing.in_service(),
            one.standing.required
        );
        (account.login.clone(), one.profile.to_owned(), state, one.standing.account.is_over())
    };
    let before: BTreeMap<_, _> = earlier.accounts.iter().map(|one| (one.id, of(earlier, one))).collect();
    let after: BTreeMap<_, _> = later.accounts.iter().map(|one| (one.id, of(later, one))).collect();
    for (id, (login, profile, state, over)) in &after {
        let mut tell = |change, before: String, after: String| {
            found.push(Difference { change, account: login.clone(), key: None, before, after, why: Vec::new() });
        };
        let Some((old_login, old_profile, old_state, was_over)) = before.get(id) else {
            tell(Change::AccountCame, String::new(), format!("{profile}: {state}"));
            continue;
        };
        if !was_over && *over {
            tell(Change::AccountWent, old_state.clone(), state.clone());
        } else if old_state != state {
            tell(Change::AccountChanged, old_state.clone(), state.clone());
        }
        for (what, old, new) in [("login", old_login, login), ("profile", old_profile, profile)] {
            if old != new {
                tell(Change::AccountChanged, format!("{what} {old}"), format!("{what} {new}"));
            }
        }
    }
    for (id, (login, _, state, _)) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
        let forgotten = later.register.accounts.contains_key(*id);
        found.push(Difference {
            change: Change::AccountWent,
            account: login.clone(),
            key: None,
            before: state.clone(),
            after: if forgotten { "forgotten".to_owned() } else { String::new() },
            why: Vec::new(),
        });
    }
    found.extend(later.accounts.iter().flat_map(|one| missed(later, one)));
}

/// Keys whose drill is due, as the register counts.
fn missed<'a>(audit: &'a LedgerAudit<'_>, one: &'a Covered<'_>) -> impl Iterator<Item = Difference> + 'a {
    one.standing.keys.iter().filter_map(move |key| {
        let KeyStanding::DrillDue { since } = &key.standing else { return None };
        let login = audit.register.accounts[one.id].login.clone();
        Some(Difference {
            change: Change::DrillMissed,
            key: Some(format!("key {} of {login}", key.ordinal)),
            account: login,
            before: String::new(),
            after: format!("due since {since}"),
            why: Vec::new(),
        })
    })
}
