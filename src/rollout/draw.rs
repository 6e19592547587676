//! Draws the roster of who needs keys, and tells who is on one but no longer asked for. Pure.
//!
//! It refuses to draw people whose keys nobody here makes, and accounts that do not sign in.

use serde::Serialize;
use time::OffsetDateTime;

use super::inventory::{Entry, Inventory};
use super::plan::Plan;
use crate::idp::capability::Hold;
use crate::profile::{Person, ProfileName};
use crate::register::Register;

/// A row of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The login.
    pub account: String,
    /// The profile: the plan's, else the one that was named.
    pub profile: ProfileName,
    /// The person's name at the IdP.
    pub name: String,
    /// The wave: of the ledger, else of the plan.
    pub wave: Option<String>,
    /// Roles of power.
    pub roles: Vec<String>,
    /// Keys that count here.
    pub proved: usize,
    /// Keys that the profile in the ledger demands; `None` where the ledger does not have the account.
    pub required: Option<usize>,
    /// Keys at the IdP that nobody here made.
    pub unknown: usize,
    /// Weak methods.
    pub weak: Vec<String>,
    /// What could not be read, in sentences.
    pub untold: Vec<String>,
}

/// Somebody on a roster who is not drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoLonger {
    /// The login, as the roster has it.
    pub account: String,
    /// Why.
    pub why: Why,
}

/// Why somebody on a roster is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// They are not among those who were asked for.
    NotAsked,
    /// Their account does not sign in.
    Inactive,
    /// Nobody here makes keys for their group.
    NoKeys,
}

impl Why {
    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotAsked => "has no such role or group any more",
            Self::Inactive => "does not sign in any more",
            Self::NoKeys => "gets no key: the plan has passkeys of their own for them",
        }
    }
}

/// Who needs keys, by login.
pub fn draw(
    inventory: &Inventory,
    plan: Option<&Plan>,
    profile: &ProfileName,
    register: &Register,
    at: OffsetDateTime,
) -> Vec<Row> {
    let wanted = inventory.people.iter().filter(|entry| why_not(entry, plan).is_none());
    wanted.map(|entry| row(entry, plan, profile, register, at)).collect()
}

/// Who is on this roster and not drawn. Whom a list that was kept back may have is never called gone: of those nothing is said.
pub fn no_longer(roster: &[Person], inventory: &Inventory, plan: Option<&Plan>) -> Vec<NoLonger> {
    let mut all = Vec::new();
    for person in roster {
        let why = match inventory.person(&person.account) {
            Some(entry) => why_not(entry, plan),
            None if inventory.untold.is_empty() => Some(Why::NotAsked),
            None => None,
        };
        all.extend(why.map(|why| NoLonger { account: person.account.clone(), why }));
    }
    all
}

fn why_not(entry: &Entry, plan: Option<&Plan>) -> Option<Why> {
    let group = plan.zip(entry.group.as_deref()).and_then(|(plan, group)| plan.group(group));
    match (entry.user.active, group) {
        (false, _) => Some(Why::Inactive),
        (true, Some(group)) if !group.factor.has_keys() => Some(Why::NoKeys),
        (true, _) => None,
    }
}

fn row(entry: &Entry, plan: Option<&Plan>, profile: &ProfileName, register: &Register, at: OffsetDateTime) -> Row {
    let group = plan.zip(entry.group.as_deref()).and_then(|(plan, group)| plan.group(group));
    let known = entry.account.as_ref().and_then(|account| register.accounts.get(account));
    let standing = entry.account.as_ref().and_then(|account| register.standing(account, at));
    let role = |held: &super::inventory::HeldRole| match held.hold {
        Hold::Active => held.role.name.clone(),
        Hold::Eligible => format!("{} (eligible)", held.role.name),
    };
    let of_roster = known.and_then(|known| known.person.wave.clone());
    Row {
        account: entry.user.login.clone(),
        profile: group.and_then(|group| group.profile.clone()).unwrap_or_else(|| profile.clone()),
        name: entry.user.display_name.clone(),
        wave: of_roster.or_else(|| group.and_then(|group| group.wave.clone())),
        roles: entry.roles.iter().map(role).collect(),
        proved: standing.as_ref().map_or(0, |standing| standing.in_service()),
        required: standing.map(|standing| standing.required),
        unknown: entry.unknown_keys().count(),
        weak: entry.weak_methods().map(|method| method.name.clone()).collect(),
        untold: entry.untold().map(ToString::to_string).collect(),
    }
}

impl Row {
    /// Whether nothing is left to be made for it.
    pub fn is_complete(&self) -> bool {
        self.required.is_some_and(|required| self.proved >= required)
    }
}
