//! Can a group be enforced now? "Yes", or "not, because ...": per person, per group, and about everything.
//!
//! It is a pure function of what was read. It refuses to say yes over anything that could not be read, and counts no keys:
//! [`crate::register::Standing`] does.

mod group;
mod person;
mod reason;
pub mod surroundings;
#[cfg(test)]
mod tests;
mod what_if;

use std::collections::BTreeMap;

use time::{Date, Duration, OffsetDateTime};

pub use reason::Reason;
pub use surroundings::Surroundings;
pub use what_if::Tried;

use super::breakglass;
use super::inventory::Inventory;
use super::paths::{Open, ways_in};
use super::plan::{Factor, Plan};
use crate::idp::User;
use crate::idp::capability::{Capability, Method, Readiness as RightsReadiness, Rule, Told, Untold};
use crate::ledger::AccountId;
use crate::profile::login;
use crate::register::Register;

/// For how many days a rehearsal of a recovery is good.
pub const GOOD_FOR_DAYS: i64 = 90;

/// Whom the question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Everybody in the plan.
    All,
    /// A wave: of the roster, where it says one, else of the group.
    Wave(String),
    /// A group of the plan.
    Group(String),
}

/// What the answer rests on.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// What people decided.
    pub plan: &'a Plan,
    /// What was read of the people of the plan, each account by itself.
    pub inventory: &'a Inventory,
    /// What was read of the rest.
    pub surroundings: &'a Surroundings,
    /// Keys, drills and rehearsals.
    pub register: &'a Register,
    /// Now.
    pub at: OffsetDateTime,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// As of when.
    pub at: OffsetDateTime,
    /// Groups of which somebody was asked for, in the order of the plan.
    pub groups: Vec<GroupReadiness>,
    /// Reasons that are about no single group.
    pub reasons: Vec<Reason>,
}

/// The answer for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReadiness {
    /// The plan's name for it.
    pub name: String,
    /// What its people are to sign in with.
    pub factor: Factor,
    /// Whom they ask for help.
    pub supporter: String,
    /// Reasons that are about no single person.
    pub reasons: Vec<Reason>,
    /// Policies that are prepared and do not act yet: the switches of the enforcement.
    pub switches: Vec<Rule>,
    /// Its people, by login.
    pub people: Vec<PersonReadiness>,
}

/// The answer for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonReadiness {
    /// As the IdP has them.
    pub user: User,
    /// The account in the register.
    pub account: Option<AccountId>,
    /// Why they are not asked for at all; `None` if they are.
    pub left_out: Option<LeftOut>,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// What the IdP's own what-if says, if it was asked about them.
    pub tried: Vec<Tried>,
    /// Weak methods that the enforcement removes.
    pub to_go: Vec<Method>,
    /// Weak methods that the plan lets stay, with the last day.
    pub to_stay: Vec<(Method, Date)>,
}

/// Why a person is not enforced whatever they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// The account is kept for emergencies.
    BreakGlass,
    /// The account does not sign in: it is suspended, locked or disabled.
    Inactive,
}

impl Readiness {
    /// Whether it can be enforced now.
    pub fn is_ready(&self) -> bool {
        !self.groups.is_empty() && self.reasons.is_empty() && self.groups.iter().all(GroupReadiness::is_ready)
    }

    /// Every reason, with the group and the person that it is about.
    pub fn all(&self) -> impl Iterator<Item = (Option<&GroupReadiness>, Option<&PersonReadiness>, &Reason)> {
        let overall = self.reasons.iter().map(|reason| (None, None, reason));
        let of_groups = self.groups.iter().flat_map(|group| {
            let its = group.reasons.iter().map(move |reason| (Some(group), None, reason));
            let of_people = group
                .people
                .iter()
                .flat_map(move |person| person.reasons.iter().map(move |reason| (Some(group), Some(person), reason)));
            its.chain(of_people)
        });
        overall.chain(of_groups)
    }
}

impl GroupReadiness {
    /// Whether nothing of this group stands in the way.
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty() && self.people.iter().all(|person| person.reasons.is_empty())
    }
}

impl LeftOut {
    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::BreakGlass => "break-glass account",
            Self::Inactive => "not active",
        }
    }
}

/// Answers. Nothing is asked, and nothing is changed.
pub fn assess(which: &Which, grounds: &Grounds<'_>) -> Readiness {
    let groups: Vec<GroupReadiness> =
        grounds.plan.groups.iter().filter_map(|plan| group::assess(plan, which, grounds)).collect();
    let mut reasons = break_glass(grounds);
    reasons.extend(rights(grounds));
    reasons.extend(paths(grounds));
    if grounds.inventory.people.iter().any(|entry| !entry.keys.is_empty()) {
        reasons.extend(models_untold(grounds).into_iter().map(|untold| Reason::CannotTell { untold }));
    }
    reasons.extend(grounds.inventory.untold.iter().map(|untold| Reason::CannotTell { untold: untold.clone() }));
    Readiness { at: grounds.at, groups, reasons }
}

/// What is to be done about the accounts for emergencies, as far as the register knows.
fn break_glass(grounds: &Grounds<'_>) -> Vec<Reason> {
    let found = breakglass::judge(grounds.register, &grounds.inventory.directory, &BTreeMap::new(), grounds.at);
    found.into_iter().map(|finding| Reason::BreakGlass { finding }).collect()
}

/// What an enforcement or a recovery does, and our account may not. What the IdP has no way to do is no reason: a person does it.
fn rights(grounds: &Grounds<'_>) -> Vec<Reason> {
    let rights = match &grounds.surroundings.rights {
        Told::Known(rights) => rights,
        Told::CannotTell(untold) => return vec![Reason::CannotTell { untold: untold.clone() }],
    };
    let needed = [Capability::Registration, Capability::Removal, Capability::Suspension, Capability::Sessions];
    let mut reasons = over_administrators(grounds);
    for capability in needed.into_iter().filter(|one| grounds.surroundings.has.contains(one)) {
        match rights.readiness(capability) {
            RightsReadiness::Ready => {}
            RightsReadiness::Lacks(permissions) => reasons.push(Reason::RightsLacking { capability, permissions }),
            RightsReadiness::CannotTell(untold) => {
                for untold in untold {
                    let reason = Reason::CannotTell { untold };
                    if !reasons.contains(&reason) {
                        reasons.push(reason);
                    }
                }
            }
        }
    }
    reasons
}

/// Whether our account may change those of the people who are administrators, if any is.
fn over_administrators(grounds: &Grounds<'_>) -> Vec<Reason> {
    if grounds.inventory.people.iter().all(|entry| entry.roles.is_empty()) {
        return Vec::new();
    }
    match &grounds.surroundings.over_administrators {
        Told::Known(true) => Vec::new(),
        Told::Known(false) => vec![Reason::NotOverAdministrators],
        Told::CannotTell(_) if grounds.plan.administrators_vouched_by.is_some() => Vec::new(),
        Told::CannotTell(untold) => {
            let somebody = "somebody who tries it, and administrators-vouched-by in rollout.toml";
            let needs = if untold.needs.is_empty() { somebody.to_owned() } else { untold.needs.clone() };
            vec![Reason::CannotTell { untold: Untold { needs, ..untold.clone() } }]
        }
    }
}

/// Rules about models that could not be read; where the adapter has none to read, somebody may have looked.
fn models_untold(grounds: &Grounds<'_>) -> Vec<Untold> {
    match &grounds.surroundings.models {
        Some(listing) => listing.untold.clone(),
        None if grounds.plan.models_vouched_by.is_some() => Vec::new(),
        None => vec![Untold {
            needs: "somebody who looks, and models-vouched-by in rollout.toml".into(),
            ..Untold::not_offered("which models of keys its rules shut out")
        }],
    }
}

/// Ways in that nobody has decided on, whose day is over, or that are not covered as they were decided to be.
fn paths(grounds: &Grounds<'_>) -> Vec<Reason> {
    let Surroundings { applications, order, .. } = grounds.surroundings;
    let listed = applications.as_ref().map_or(&[][..], |listing| &listing.found);
    let mut reasons = Vec::new();
    for way in ways_in(Some(grounds.plan), listed, *order, grounds.at.date()) {
        let (path, owner) = (way.name.to_owned(), way.plan.map(|plan| plan.owner.clone()));
        reasons.extend(way.open.map(|open| match open {
            Open::Undecided => Reason::PathUndecided { path, owner },
            Open::NotCovered => Reason::PathNotCovered { path, guard: way.guard.words() },
            Open::Overdue { owner, until } => Reason::PathOverdue { path, owner: owner.to_owned(), until },
        }));
    }
    let untold = match applications {
        Some(listing) => listing.untold.clone(),
        None if grounds.plan.paths_vouched_by.is_some() => Vec::new(),
        None => vec![Untold {
            needs: "[[path]] for each, and paths-vouched-by in rollout.toml".into(),
            ..Untold::not_offered("which applications there are")
        }],
    };
    reasons.extend(untold.into_iter().map(|untold| Reason::CannotTell { untold }));
    reasons
}

/// Whether something that was done then is still good.
fn is_fresh(then: OffsetDateTime, at: OffsetDateTime) -> bool {
    at - then <= Duration::days(GOOD_FOR_DAYS)
}

impl Which {
    /// Whether a person of this wave and group is asked for.
    fn wants(&self, group: &str, wave: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Wave(wanted) => wave.is_some_and(|wave| login::is_same(wave, wanted)),
            Self::Group(wanted) => login::is_same(group, wanted),
        }
    }
}

impl std::str::FromStr for Which {
    type Err = UnknownScope;

    /// As [`Which`] is written down, in the ledger too.
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        if text == Self::All.to_string() {
            return Ok(Self::All);
        }
        match text.split_once(' ') {
            Some(("wave", wave)) => Ok(Self::Wave(wave.to_owned())),
            Some(("group", group)) => Ok(Self::Group(group.to_owned())),
            _ => Err(UnknownScope(text.to_owned())),
        }
    }
}

/// No part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no wave and no group")]
pub struct UnknownScope(String);

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("everybody in the plan"),
            Self::Wave(wave) => write!(f, "wave {wave}"),
            Self::Group(group) => write!(f, "group {group}"),
        }
    }
}
