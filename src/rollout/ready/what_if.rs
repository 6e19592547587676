//! The IdP's own what-if, held against what we read of its rules: for a few people of each group.
//!
//! A door that we read as shut, and that the IdP says lets somebody in by something weaker, is a reason. Where we read it as open there
//! are reasons already. It refuses to take the IdP's word in the place of ours: both have to say yes.

use super::group::Shut;
use super::{Grounds, Reason};
use crate::idp::capability::{Admits, Evaluation, Rule, Told};
use crate::rollout::inventory::{Entry, Inventory};

/// People of each group of whom the IdP is asked.
const SAMPLE: usize = 3;

/// A sign-in as the IdP evaluates it, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// To what and from where.
    pub sign_in: String,
    /// The policies that act and are about it.
    pub policies: Vec<String>,
    /// What opens it now.
    pub admits: String,
    /// What would be about it besides, once it acts; `None` if the IdP does not say.
    pub prepared: Option<Vec<String>>,
}

/// The first, the middle and the last of those of a group who can sign in, by login.
pub(super) fn sample<'a>(inventory: &'a Inventory, group: &str) -> Vec<&'a Entry> {
    let of_group = inventory.people.iter().filter(|entry| entry.group.as_deref() == Some(group) && entry.user.active);
    let mut all: Vec<&Entry> = of_group.collect();
    all.sort_by(|one, other| one.user.login.cmp(&other.user.login));
    match all.len() {
        0..=SAMPLE => all,
        many => vec![all[0], all[many / 2], all[many - 1]],
    }
}

/// What the IdP said of a person, and what of it speaks against them.
pub(super) fn of_person(entry: &Entry, shut: &Shut, grounds: &Grounds<'_>) -> (Vec<Tried>, Vec<Reason>) {
    let Some(told) = grounds.surroundings.what_if.get(&entry.user.id) else { return (Vec::new(), Vec::new()) };
    let order = grounds.surroundings.order;
    let leaves_out = |rule: &Rule| rule.leaves_out.found.contains(&entry.user.id);
    let guards = shut.guards.iter().any(|rule| !leaves_out(rule));
    let (mut tried, mut reasons) = (Vec::new(), Vec::new());
    for evaluation in &told.found {
        let admits = evaluation.admits(order);
        match &admits {
            Admits::CannotTell(untold) => reasons.push(Reason::CannotTell { untold: untold.clone() }),
            Admits::Weaker(ways) if shut.is_today && guards => reasons.push(Reason::WhatIfDiffers {
                sign_in: evaluation.sign_in.clone(),
                says: format!("would open by {}", ways.join(", ")),
            }),
            _ if !shut.is_today && guards && leaves_prepared_out(evaluation) => reasons.push(Reason::WhatIfDiffers {
                sign_in: evaluation.sign_in.clone(),
                says: "is no matter of the policy that is prepared".to_owned(),
            }),
            Admits::Weaker(_) | Admits::Nothing | Admits::PhishingResistant => {}
        }
        tried.push(in_words(evaluation, &admits));
    }
    if grounds.plan.what_if_vouched_by.is_none() {
        reasons.extend(told.untold.iter().map(|untold| Reason::CannotTell { untold: untold.clone() }));
    }
    (tried, reasons)
}

/// Whether the IdP says that no strict policy would be about the sign-in once the prepared ones act.
fn leaves_prepared_out(evaluation: &Evaluation) -> bool {
    match &evaluation.prepared {
        Told::Known(prepared) => !prepared.iter().chain(&evaluation.rules).any(Rule::is_strict),
        Told::CannotTell(_) => false,
    }
}

fn in_words(evaluation: &Evaluation, admits: &Admits) -> Tried {
    let names = |rules: &[Rule]| rules.iter().map(|rule| rule.policy.clone()).collect::<Vec<String>>();
    Tried {
        sign_in: evaluation.sign_in.clone(),
        policies: names(&evaluation.rules),
        admits: match admits {
            Admits::Nothing => "nothing".to_owned(),
            Admits::PhishingResistant => "nothing weaker than a passkey".to_owned(),
            Admits::Weaker(ways) => ways.join(", "),
            Admits::CannotTell(_) => "cannot tell".to_owned(),
        },
        prepared: evaluation.prepared.known().map(|rules| names(rules)),
    }
}
