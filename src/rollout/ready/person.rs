//! What keeps a person from being enforced: keys, passkeys, weak methods that would stay, and what could not be read of them.

use super::group::Shut;
use super::{Grounds, LeftOut, PersonReadiness, Reason, what_if};
use crate::idp::capability::{Binding, Capability, Method, MethodClass, Removal, Rule};
use crate::ledger::AccountId;
use crate::register::Register;
use crate::register::rollout::KEYS_BEFORE_REMOVAL;
use crate::rollout::inventory::{Entry, KeyEntry, Whose};
use crate::rollout::plan::{Factor, GroupPlan};
use time::{Date, OffsetDateTime};

/// The answer for a person of a group.
pub(super) fn assess(entry: &Entry, plan: &GroupPlan, shut: &Shut, grounds: &Grounds<'_>) -> PersonReadiness {
    let is_break_glass = entry.account.as_ref().is_some_and(|account| grounds.register.is_break_glass(account));
    let left_out = match (is_break_glass, entry.user.active) {
        (true, _) => Some(LeftOut::BreakGlass),
        (false, false) => Some(LeftOut::Inactive),
        (false, true) => None,
    };
    let (user, account) = (entry.user.clone(), entry.account.clone());
    let mut person = PersonReadiness {
        user,
        account,
        left_out,
        reasons: Vec::new(),
        tried: Vec::new(),
        to_go: Vec::new(),
        to_stay: Vec::new(),
    };
    if person.left_out.is_some() {
        return person;
    }
    match grounds.plan.shared(&entry.user.login) {
        // Its custodians' keys are what opens it.
        Some(shared) => person.reasons.extend(custodians(&shared.custodians, grounds)),
        None => person.reasons.extend(ways_in(entry, plan, grounds)),
    }
    if let Some(contractor) = grounds.plan.contractor(&entry.user.login)
        && contractor.until < grounds.at.date()
    {
        let (until, sponsor) = (contractor.until, contractor.sponsor.clone());
        person.reasons.push(Reason::ContractOver { until, sponsor });
    }
    person.reasons.extend(left_out_by(entry, shut));
    let (tried, differs) = what_if::of_person(entry, shut, grounds);
    person.tried = tried;
    person.reasons.extend(differs);
    person.reasons.extend(keys_at_idp(entry, plan));
    person.reasons.extend(models(&entry.keys, grounds));
    weak_methods(entry, plan, shut, grounds, &mut person);
    person.reasons.extend(entry.untold().map(|untold| Reason::CannotTell { untold: untold.clone() }));
    person
}

/// The strict rule that leaves the person out, if each of them does: their password goes on opening the door.
fn left_out_by(entry: &Entry, shut: &Shut) -> Option<Reason> {
    let first = shut.guards.first()?;
    let leaves_out = |rule: &Rule| rule.leaves_out.found.contains(&entry.user.id);
    let reason = || Reason::PolicyLeavesOut { policy: first.policy.clone(), place: first.place.clone() };
    shut.guards.iter().all(leaves_out).then(reason)
}

/// What they sign in with from then on.
fn ways_in(entry: &Entry, plan: &GroupPlan, grounds: &Grounds<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if plan.factor.has_keys() {
        let (proved, demanded) = keys(entry.account.as_ref(), grounds.register, grounds.at);
        let needed = demanded.max(KEYS_BEFORE_REMOVAL);
        if proved < needed {
            reasons.push(Reason::KeysMissing { proved, needed });
        }
    } else if !entry.keys.iter().any(|key| key.in_service && suits(key, plan.factor)) && !has_platform(entry, plan) {
        reasons.push(Reason::NoPasskey { factor: plan.factor });
    }
    reasons
}

/// Keys that count, and that the profile demands. Those of somebody who left count for nobody.
fn keys(account: Option<&AccountId>, register: &Register, at: OffsetDateTime) -> (usize, usize) {
    let standing = account.and_then(|account| register.standing(account, at));
    standing.map_or((0, 0), |standing| match standing.account.is_over() {
        true => (0, standing.required),
        false => (standing.in_service(), standing.required),
    })
}

/// Whether a passkey will do for a group whose people make their own. What resists phishing in a stronger way does.
fn suits(key: &KeyEntry, factor: Factor) -> bool {
    match factor {
        Factor::SyncedPasskey | Factor::Both => true,
        Factor::PlatformPasskey | Factor::HardwareKeys => key.binding == Binding::DeviceBound,
    }
}

/// Whether the account has a passkey that is part of a computer or telephone, which lists of security keys may leave out.
fn has_platform(entry: &Entry, plan: &GroupPlan) -> bool {
    plan.factor.has_own_passkeys() && entry.methods.iter().any(|method| method.class == MethodClass::Platform)
}

fn custodians(custodians: &[String], grounds: &Grounds<'_>) -> Vec<Reason> {
    let has_key = |login: &str| {
        let account = grounds.inventory.person(login).and_then(|entry| entry.account.clone());
        let named = || grounds.register.accounts_named(login).into_iter().next().cloned();
        keys(account.or_else(named).as_ref(), grounds.register, grounds.at).0 > 0
    };
    let without = custodians.iter().filter(|login| !has_key(login));
    without.map(|login| Reason::CustodianWithoutKey { custodian: login.clone() }).collect()
}

/// Where IdP and register differ.
fn keys_at_idp(entry: &Entry, plan: &GroupPlan) -> Vec<Reason> {
    let reason = |key: &KeyEntry| match &key.whose {
        Whose::Gone(made) => Some(Reason::KeyGone { ordinal: made.ordinal }),
        Whose::Outlived { made, .. } => Some(Reason::KeyOutlived { ordinal: made.ordinal }),
        // People with passkeys of their own make them without us.
        Whose::Unknown { directory_id } if !plan.factor.has_own_passkeys() => {
            Some(Reason::KeyUnknown { key: key.label.as_ref().unwrap_or(directory_id).clone() })
        }
        // That the list could not be read is told by itself.
        Whose::Ours { .. } | Whose::Unknown { .. } | Whose::CannotTell(_) => None,
    };
    entry.keys.iter().filter_map(reason).collect()
}

/// Keys that the IdP's rules would not let in.
fn models(keys: &[KeyEntry], grounds: &Grounds<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for key in keys {
        let (Whose::Ours { made, .. } | Whose::CannotTell(made)) = &key.whose else { continue };
        let shut = grounds.surroundings.models.iter().flat_map(|listing| &listing.found);
        for rule in shut.filter(|rule| rule.at_sign_in && Some(rule.model) == key.aaguid) {
            reasons.push(Reason::ModelShutOut {
                ordinal: made.ordinal,
                model: rule.model,
                rule: rule.rule.clone(),
                place: rule.place.clone(),
            });
        }
    }
    reasons
}

/// Each weak method goes, stays for a while as the plan says, or would remain, which is a reason.
fn weak_methods(entry: &Entry, plan: &GroupPlan, shut: &Shut, grounds: &Grounds<'_>, person: &mut PersonReadiness) {
    let today: Date = grounds.at.date();
    let can_remove = grounds.surroundings.has.contains(&Capability::Removal);
    for method in entry.weak_methods() {
        let stay = plan.stays(&method.kind, &method.name).filter(|stay| stay.until >= today);
        match (stay, remains(method, can_remove)) {
            (Some(stay), _) => person.to_stay.push((method.clone(), stay.until)),
            (None, None) => person.to_go.push(method.clone()),
            // It opens nothing once the policy acts.
            (None, Some(_)) if shut.is_shut => {}
            (None, Some(why)) => {
                person.reasons.push(Reason::WeakMethodRemains { method: method.name.clone(), why });
            }
        }
    }
}

/// Why a method cannot be removed, if it cannot.
fn remains(method: &Method, can_remove: bool) -> Option<String> {
    match &method.removal {
        Removal::Impossible { why } => Some(why.clone()),
        Removal::Possible | Removal::WithOthers { .. } if !can_remove => {
            Some("the IdP has no way for us to remove it".to_owned())
        }
        Removal::Possible | Removal::WithOthers { .. } => None,
    }
}
