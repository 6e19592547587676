//! What keeps a group from being enforced: its policies, and whether its way back was rehearsed.

use super::{Grounds, GroupReadiness, Reason, Which, is_fresh, person};
use crate::idp::capability::{About, Admits, Rule, RuleOrder, RuleState};
use crate::register::moment;
use crate::rollout::plan::GroupPlan;
use time::OffsetDateTime;

/// What the policies of a group come to once the prepared ones act.
pub(super) struct Shut {
    /// Whether nothing weaker than a passkey opens the door then.
    pub(super) is_shut: bool,
    /// Whether nothing weaker opens it as things stand.
    pub(super) is_today: bool,
    /// The strict rules that act, or that are to be switched on: one of them has to be about each person.
    pub(super) guards: Vec<Rule>,
}

/// The answer for a group of the plan; `None` if nobody of it was asked for.
pub(super) fn assess(plan: &GroupPlan, which: &Which, grounds: &Grounds<'_>) -> Option<GroupReadiness> {
    let register = grounds.register;
    let members = grounds.inventory.people.iter().filter(|entry| entry.group.as_deref() == Some(&plan.name));
    let members: Vec<_> = members
        .filter(|entry| {
            let account = entry.account.as_ref().and_then(|account| register.accounts.get(account));
            let of_roster = account.and_then(|account| account.person.wave.as_deref());
            which.wants(&plan.name, of_roster.or(plan.wave.as_deref()))
        })
        .collect();
    if members.is_empty() && !which.wants(&plan.name, plan.wave.as_deref()) {
        return None;
    }
    let (mut reasons, switches, shut) = policies(plan, grounds);
    if members.is_empty() {
        reasons.push(Reason::NobodyInGroup);
    }
    if plan.factor.has_keys() {
        let last = register.rollout.last_rehearsal(&plan.name).and_then(|(_, at)| moment(at));
        if !last.is_some_and(|last| is_fresh(last, grounds.at)) {
            reasons.push(Reason::RecoveryNotRehearsed { last: last.map(OffsetDateTime::date) });
        }
    }
    let people = members.into_iter().map(|entry| person::assess(entry, plan, &shut, grounds)).collect();
    Some(GroupReadiness {
        name: plan.name.clone(),
        factor: plan.factor,
        supporter: plan.supporter.clone(),
        reasons,
        switches,
        people,
    })
}

/// Reasons, switches that are to be set, and what holds once they are.
fn policies(plan: &GroupPlan, grounds: &Grounds<'_>) -> (Vec<Reason>, Vec<Rule>, Shut) {
    let (mut reasons, mut switches) = (Vec::new(), Vec::new());
    let Some(rules) = grounds.surroundings.policies.get(&plan.name) else {
        return (vec![Reason::NoPolicy], switches, Shut { is_shut: false, is_today: false, guards: Vec::new() });
    };
    let strict = || rules.found.iter().filter(|rule| rule.is_strict());
    let acts = strict().any(|rule| rule.state == RuleState::On);
    let prepared: Vec<&Rule> = strict().filter(|rule| rule.state != RuleState::On).collect();
    // One that was switched off says less of what is meant than one that is written to the log already.
    match (acts, prepared.iter().find(|rule| rule.state == RuleState::ReportOnly).or(prepared.first())) {
        (true, _) => {}
        (false, Some(rule)) => switches.push((*rule).clone()),
        // What was kept back may be one.
        (false, None) if rules.is_whole() => reasons.push(Reason::NoPolicy),
        (false, None) => {}
    }
    let mut is_open = false;
    for rule in rules.found.iter().filter(|rule| rule.state == RuleState::On) {
        let is_beside = rule.about == About::SignIn && grounds.surroundings.order == RuleOrder::Every;
        match &rule.admits {
            Admits::Weaker(admits) => {
                is_open |= rule.about == About::SignIn && !is_beside;
                let today = grounds.at.date();
                let stays = |way: &&String| plan.stays(way, way).is_some_and(|stay| stay.until >= today);
                let left: Vec<String> = admits.iter().filter(|way| !stays(way)).cloned().collect();
                // Where every rule has to be satisfied, the strict one shuts what this one lets in.
                if !left.is_empty() && !is_beside {
                    reasons.push(Reason::PolicyAdmitsWeaker {
                        policy: rule.policy.clone(),
                        about: rule.about,
                        admits: left,
                        place: rule.place.clone(),
                    });
                }
            }
            Admits::CannotTell(untold) => {
                is_open |= rule.about == About::SignIn && !is_beside;
                reasons.push(Reason::CannotTell { untold: untold.clone() });
            }
            Admits::Nothing | Admits::PhishingResistant => {}
        }
    }
    reasons.extend(rules.untold.iter().map(|untold| Reason::CannotTell { untold: untold.clone() }));
    let guards: Vec<Rule> = match acts {
        true => strict().filter(|rule| rule.state == RuleState::On).cloned().collect(),
        false => switches.clone(),
    };
    if guards.iter().all(|rule| !rule.leaves_out.is_whole()) {
        let untold = guards.iter().flat_map(|rule| &rule.leaves_out.untold);
        reasons.extend(untold.map(|untold| Reason::CannotTell { untold: untold.clone() }));
    }
    let is_shut = !guards.is_empty() && rules.is_whole();
    let is_today = is_shut && acts && !is_open;
    (reasons, switches, Shut { is_shut, is_today, guards })
}
