//! What changed between two inventories: people, roles, keys, weak methods, and what can be told. Pure.
//!
//! It refuses to call something gone that one of the two could not read: that is a change of what can be told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Entry, Inventory, KeyEntry, Whose};
use crate::idp::capability::Hold;

/// A change of one person's account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The login, as the newer one has it.
    pub account: String,
    /// What changed.
    #[serde(flatten)]
    pub change: Change,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "change", content = "what", rename_all = "kebab-case")]
pub enum Change {
    /// In the newer one alone.
    PersonNew,
    /// In the older one alone.
    PersonGone,
    /// The account signs in again.
    Activated,
    /// The account does not sign in any more.
    Deactivated,
    /// A role.
    RoleNew(String),
    /// A role.
    RoleGone(String),
    /// A key.
    KeyNew(String),
    /// A key.
    KeyGone(String),
    /// A key is something else than it was, such as gone at the IdP.
    KeyChanged(String),
    /// A weak method.
    WeakMethodNew(String),
    /// A weak method.
    WeakMethodGone(String),
    /// Something that could be read before.
    Untold(String),
    /// Something that could not be read before.
    Told(String),
}

impl Change {
    /// What it is, for people.
    pub fn words(&self) -> String {
        match self {
            Self::PersonNew => "new".to_owned(),
            Self::PersonGone => "not there any more".to_owned(),
            Self::Activated => "active again".to_owned(),
            Self::Deactivated => "not active any more".to_owned(),
            Self::RoleNew(role) => format!("new role: {role}"),
            Self::RoleGone(role) => format!("no longer has the role {role}"),
            Self::KeyNew(key) => format!("new key: {key}"),
            Self::KeyGone(key) => format!("key gone: {key}"),
            Self::KeyChanged(key) => format!("key changed: {key}"),
            Self::WeakMethodNew(method) => format!("new weak method: {method}"),
            Self::WeakMethodGone(method) => format!("weak method gone: {method}"),
            Self::Untold(what) => what.clone(),
            Self::Told(what) => format!("can be told now: {what}"),
        }
    }
}

/// Every change, by login. People go by the IdP's id.
pub fn diff(old: &Inventory, new: &Inventory) -> Vec<Difference> {
    let by_id = |inventory: &'_ Inventory| -> BTreeMap<String, Entry> {
        inventory.people.iter().map(|entry| (entry.user.id.clone(), entry.clone())).collect()
    };
    let (before, after) = (by_id(old), by_id(new));
    let mut all = Vec::new();
    for (id, entry) in &after {
        let changes = before.get(id).map_or_else(|| vec![Change::PersonNew], |before| of_person(before, entry));
        all.extend(changes.into_iter().map(|change| Difference { account: entry.user.login.clone(), change }));
    }
    for (_, entry) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
        all.push(Difference { account: entry.user.login.clone(), change: Change::PersonGone });
    }
    all.sort();
    all
}

fn of_person(before: &Entry, after: &Entry) -> Vec<Change> {
    let mut changes = Vec::new();
    match (before.user.active, after.user.active) {
        (true, false) => changes.push(Change::Deactivated),
        (false, true) => changes.push(Change::Activated),
        _ => {}
    }
    let roles = |entry: &Entry| -> BTreeSet<String> {
        let name = |hold: Hold| if hold == Hold::Eligible { " (can be taken on)" } else { "" };
        entry.roles.iter().map(|held| format!("{}{}", held.role.name, name(held.hold))).collect()
    };
    sides(&roles(before), &roles(after), Change::RoleNew, Change::RoleGone, &mut changes);
    let weak = |entry: &Entry| -> BTreeSet<String> { entry.weak_methods().map(|method| method.name.clone()).collect() };
    sides(&weak(before), &weak(after), Change::WeakMethodNew, Change::WeakMethodGone, &mut changes);
    let untold = |entry: &Entry| -> BTreeSet<String> { entry.untold().map(ToString::to_string).collect() };
    sides(&untold(before), &untold(after), Change::Untold, Change::Told, &mut changes);
    if !after.method_untold.is_empty() {
        // What was not read is not gone.
        changes.retain(|change| !matches!(change, Change::WeakMethodGone(_)));
    }
    keys(before, after, &mut changes);
    changes
}

fn sides(
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    new: fn(String) -> Change,
    gone: fn(String) -> Change,
    changes: &mut Vec<Change>,
) {
    changes.extend(after.difference(before).cloned().map(new));
    changes.extend(before.difference(after).cloned().map(gone));
}

fn keys(before: &Entry, after: &Entry, changes: &mut Vec<Change>) {
    let is_same = |one: &KeyEntry, other: &KeyEntry| match (&one.credential_id, &other.credential_id) {
        (Some(one), Some(other)) => one == other,
        _ => one.whose.directory_id().is_some_and(|id| other.whose.directory_id() == Some(id)),
    };
    for key in &after.keys {
        match before.keys.iter().find(|old| is_same(old, key)) {
            None => changes.push(Change::KeyNew(name(key))),
            Some(old) if (old.whose.code(), old.in_service) != (key.whose.code(), key.in_service) => {
                changes.push(Change::KeyChanged(name(key)));
            }
            Some(_) => {}
        }
    }
    for key in before.keys.iter().filter(|old| !after.keys.iter().any(|key| is_same(old, key))) {
        if after.key_untold.is_empty() {
            changes.push(Change::KeyGone(name(key)));
        }
    }
}

/// A key as people know it, with what it is.
pub fn name(key: &KeyEntry) -> String {
    let name = match &key.whose {
        Whose::Unknown { directory_id } => key.label.as_ref().unwrap_or(directory_id).clone(),
        Whose::Ours { made, .. } | Whose::Gone(made) | Whose::Outlived { made, .. } | Whose::CannotTell(made) => {
            made.to_string()
        }
    };
    let disabled = if key.in_service || key.whose.directory_id().is_none() { "" } else { ", disabled" };
    format!("{name} ({}{disabled})", key.whose.words())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::idp::User;
    use crate::idp::capability::{Binding, Method, MethodClass, Removal, Role, Seen, Told, Untold, Usable};
    use crate::ledger::IdpInstance;
    use crate::rollout::inventory::{HeldRole, MadeHere, Scope, Teller};

    fn method(kind: &str) -> Method {
        Method {
            id: kind.into(),
            kind: kind.into(),
            name: kind.into(),
            class: MethodClass::Phishable,
            usable: Usable::Yes,
            removal: Removal::Possible,
            turn: 0,
        }
    }

    const MADE: MadeHere = MadeHere { ordinal: 1, number: None };

    fn key(whose: Whose) -> KeyEntry {
        KeyEntry {
            label: whose.directory_id().map(str::to_owned),
            whose,
            in_service: true,
            credential_id: None,
            aaguid: None,
            binding: Binding::CannotTell,
            told_by: Teller::Nobody,
            used: Told::Known(Seen { at: None }),
        }
    }

    fn person(login: &str) -> Entry {
        Entry {
            user: User { id: format!("id-{login}"), login: login.into(), display_name: login.into(), active: true },
            guest: false,
            group: None,
            account: None,
            roles: Vec::new(),
            keys: vec![key(Whose::Ours { made: MADE, directory_id: "k-1".into() })],
            methods: vec![method("sms")],
            seen: Told::Known(Seen { at: None }),
            key_untold: Vec::new(),
            method_untold: Vec::new(),
        }
    }

    fn words(before: Vec<Entry>, after: Vec<Entry>) -> Vec<String> {
        let inventory = |people| Inventory {
            taken: datetime!(2026-11-24 00:00 UTC),
            directory: "acme".into(),
            instance: IdpInstance::new("embedded", "acme"),
            scope: Scope::Rollout,
            people,
            gone: Vec::new(),
            untold: Vec::new(),
            lacks: BTreeSet::new(),
        };
        let changes = diff(&inventory(before), &inventory(after));
        changes.iter().map(|one| format!("{}: {}", one.account, one.change.words())).collect()
    }

    #[test]
    fn what_changed_of_a_person_is_told() {
        let mut after = person("ada");
        after.user.active = false;
        after.methods = vec![method("push")];
        after.keys = vec![
            key(Whose::Outlived { made: MADE, directory_id: "k-1".into() }),
            key(Whose::Unknown { directory_id: "k-2".into() }),
        ];
        let role = Role { id: "o".into(), name: "owner".into() };
        after.roles = vec![HeldRole { role, hold: Hold::Eligible, through: None }];
        let told = [
            "ada: not active any more",
            "ada: new role: owner (can be taken on)",
            "ada: new key: k-2 (unknown to us)",
            "ada: key changed: key 1 (ours, out of service, still at the IdP)",
            "ada: new weak method: push",
            "ada: weak method gone: sms",
        ];
        assert_eq!(words(vec![person("ada")], vec![after]), told);
        assert_eq!(words(vec![person("ada")], vec![person("bo")]), ["ada: not there any more", "bo: new"]);
        let nothing: [&str; 0] = [];
        assert_eq!(words(vec![person("ada")], vec![person("ada")]), nothing);
    }

    #[test]
    fn a_person_goes_by_the_idps_id() {
        let mut renamed = person("ada");
        renamed.user.login = "ada.l".into();
        let nothing: [&str; 0] = [];
        assert_eq!(words(vec![person("ada")], vec![renamed]), nothing);
    }

    #[test]
    fn what_was_not_read_is_not_gone() {
        let untold = || vec![Untold::not_offered("x")];
        let dark = Entry {
            methods: Vec::new(),
            keys: Vec::new(),
            key_untold: untold(),
            method_untold: untold(),
            ..person("ada")
        };
        let told = words(vec![person("ada")], vec![dark.clone()]);
        assert_eq!(told, ["ada: cannot tell x: the IdP does not tell it"]);
        let told = words(vec![dark], vec![person("ada")]);
        let light = "ada: can be told now: cannot tell x: the IdP does not tell it";
        assert_eq!(told, ["ada: new key: key 1 (ours)", "ada: new weak method: sms", light]);
    }
}
