//! What an enforcement would do: data, which a dry run prints and a run carries out.

use std::collections::BTreeSet;

use super::EnforceError;
use crate::idp::capability::{Method, Rule, RuleState, Told};
use crate::idp::{Directory, User};
use crate::ledger::AccountId;
use crate::ledger::rollout::{KeptMethod, PolicySeen};
use crate::provision::RetryPolicy;
use crate::rollout::plan::Plan;
use crate::rollout::ready::{GroupReadiness, PersonReadiness, Readiness, Which};
use keywright_files::Cancel;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct EnforcementPlan {
    /// The IdP's name.
    pub directory: String,
    /// Whom it is about, such as `wave 1`.
    pub scope: String,
    /// The plan's names for its groups.
    pub groups: Vec<String>,
    /// The switches that a person sets first: the plan's name for the group, and the rule.
    pub switches: Vec<(String, Rule)>,
    /// Who loses what.
    pub people: Vec<PersonPlan>,
    /// Who is asked for and not touched.
    pub skipped: Vec<Skipped>,
}

/// One person.
#[derive(Debug, Clone)]
pub struct PersonPlan {
    /// The account in the register.
    pub account: AccountId,
    /// The account at the IdP.
    pub user: User,
    /// Weak methods that go, in the order in which they go.
    pub to_go: Vec<Method>,
    /// Weak methods that the roll-out plan lets stay.
    pub kept: Vec<Kept>,
}

/// A weak method that stays for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The IdP's name for it.
    pub id: String,
    /// What it is called in reports.
    pub name: String,
    /// The last day.
    pub until: time::Date,
}

/// Somebody who is not touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The login.
    pub login: String,
    /// Why.
    pub why: &'static str,
}

/// The plan that an answer of [`crate::rollout::ready`] allows. Fails unless that is yes.
pub fn plan(directory: &str, which: &Which, answer: &Readiness) -> Result<EnforcementPlan, EnforceError> {
    let scope = which.to_string();
    if !answer.is_ready() {
        return Err(EnforceError::NotReady { scope, reasons: answer.all().count() });
    }
    let mut plan = EnforcementPlan {
        directory: directory.to_owned(),
        scope,
        groups: answer.groups.iter().map(|group| group.name.clone()).collect(),
        switches: Vec::new(),
        people: Vec::new(),
        skipped: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for GroupReadiness { name, switches, people, .. } in &answer.groups {
        plan.switches.extend(switches.iter().map(|rule| (name.clone(), rule.clone())));
        for person in people.iter().filter(|person| seen.insert(person.user.id.clone())) {
            match of_person(person) {
                Ok(person) => plan.people.push(person),
                Err(why) => plan.skipped.push(Skipped { login: person.user.login.clone(), why }),
            }
        }
    }
    Ok(plan)
}

fn of_person(person: &PersonReadiness) -> Result<PersonPlan, &'static str> {
    if let Some(left_out) = person.left_out {
        return Err(left_out.words());
    }
    // Nothing is written about somebody whom the ledger does not know, so nothing is taken from them either.
    let account = person.account.clone().ok_or("not in the ledger: remove weak methods in the IdP's console")?;
    let mut to_go = person.to_go.clone();
    // Second telephones before first ones; among equals as the IdP lists them.
    to_go.sort_by_key(|method| method.turn);
    let kept = person.to_stay.iter().map(|(method, until)| Kept {
        id: method.id.clone(),
        name: method.name.clone(),
        until: *until,
    });
    Ok(PersonPlan { account, user: person.user.clone(), to_go, kept: kept.collect() })
}

/// How it is known that the policies of these groups let in nothing weaker: what the IdP says, or what it does not say. Fails if it says
/// that one does not act.
pub fn policy_seen(
    directory: &dyn Directory,
    retry: &RetryPolicy,
    cancel: &Cancel,
    rollout: &Plan,
    groups: &[String],
) -> Result<PolicySeen, EnforceError> {
    let (mut policies, mut untold) = (Vec::new(), Vec::new());
    for name in groups {
        let guarded = rollout.group(name).and_then(|group| group.guarded_as());
        let (Some(asked), Some(guarded)) = (directory.capabilities().policies, guarded) else {
            untold.push(format!("cannot tell the policies of {name}"));
            continue;
        };
        let rules = match Told::from_answer("policies", "", retry.ask(cancel, || asked.of_group(guarded)))? {
            Told::Known(rules) => rules,
            Told::CannotTell(why) => {
                untold.push(why.to_string());
                continue;
            }
        };
        let acting = rules.found.iter().find(|rule| rule.is_strict() && rule.state == RuleState::On);
        match acting {
            Some(rule) => policies.push(rule.policy.clone()),
            None if rules.is_whole() => return Err(EnforceError::PolicyNotOn { group: name.clone() }),
            None => untold.extend(rules.untold.iter().map(ToString::to_string)),
        }
    }
    Ok(if untold.is_empty() { PolicySeen::ReadBack { policies } } else { PolicySeen::Said { untold } })
}

/// What is kept of a method: everything but its secret.
pub(super) fn kept(method: &Method) -> KeptMethod {
    KeptMethod { id: method.id.clone(), kind: method.kind.clone(), name: method.name.clone() }
}
