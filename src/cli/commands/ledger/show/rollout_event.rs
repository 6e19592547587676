//! The events of the roll-out, in words.

use super::by;
use crate::ledger::Event;
use crate::ledger::rollout::{
    EnforcementResult, EnforcementStep, KeptMethod, Loss, PolicySeen, Reading, RecoveryEnding, RecoveryResult,
    SignInLog, UnknownKeyEnding,
};

/// One of them; empty for any other event.
pub(super) fn text(event: &Event) -> String {
    match event {
        Event::BreakGlassAdded(added) => format!(
            "{}: break-glass: key {} in bag {} at {}, to be opened by {}; by {}",
            added.account,
            added.ordinal,
            added.bag,
            added.place,
            added.may_open.join(", "),
            added.operator
        ),
        Event::BreakGlassRemoved(removed) => {
            format!("{}: no longer break-glass: {}, by {}", removed.account, removed.reason, removed.operator)
        }
        Event::BreakGlassDrilled(drilled) => {
            let how = if drilled.passed { "passed" } else { "NOT passed" };
            let log = match &drilled.sign_in_log {
                SignInLog::Read { sign_ins, .. } => format!("sign-ins in the IdP's log: {}", sign_ins.len()),
                SignInLog::CannotTell { why } => why.clone(),
            };
            let by = drilled.by.join(" and ");
            format!("{}: break-glass drill of key {} {how}, by {by}; {log}", drilled.account, drilled.ordinal)
        }
        Event::UnknownKeyRemovalBegun(begun) => format!(
            "{}: the key {}, which nobody here made, is to be removed at the IdP: {}, by {}",
            begun.account, begun.directory_id, begun.reason, begun.operator
        ),
        Event::UnknownKeyRemoved(removed) => {
            let ending = match &removed.ending {
                UnknownKeyEnding::Removed {} => "is removed at the IdP".to_owned(),
                UnknownKeyEnding::Absent {} => "was gone at the IdP already".to_owned(),
                UnknownKeyEnding::Kept { why } => format!("is NOT removed, the IdP refused: {why}"),
            };
            format!("{}: the key {}, which nobody here made, {ending}", removed.account, removed.directory_id)
        }
        Event::RecoveryBegun(begun) => {
            let loss = match begun.loss {
                Loss::Lost => "lost",
                Loss::Stolen => "stolen",
            };
            let kind = begun.rehearsal.as_ref().map_or(String::new(), |group| format!(" (rehearsal for {group})"));
            format!(
                "{}: {}{kind}: key {} {loss}; asked by {}, identity proved by {}; by {}",
                begun.account, begun.recovery, begun.lost, begun.asked_by, begun.identity_proved, begun.operator
            )
        }
        Event::RecoveryStepStarted(started) => {
            let by = by(&started.operator);
            format!("{}: {}: {} begins{by}", started.account, started.recovery, started.step)
        }
        Event::RecoveryStepDone(done) => {
            let result = match &done.result {
                RecoveryResult::Done {} => "done".to_owned(),
                RecoveryResult::NotOffered { why } => format!("NOT done: {why}"),
                RecoveryResult::Refused { why } => format!("NOT done, the IdP refused: {why}"),
                RecoveryResult::PassGiven { until, .. } => {
                    format!("done, until {}", until.as_deref().unwrap_or("the IdP ends it"))
                }
                RecoveryResult::KeyMade { job } => format!("done by {job}"),
            };
            format!("{}: {}: {} {result}", done.account, done.recovery, done.step)
        }
        Event::RecoveryEnded(ended) => {
            let ending = match &ended.ending {
                RecoveryEnding::Complete {} => "complete".to_owned(),
                RecoveryEnding::GivenUp { reason } => format!("given up: {reason}"),
            };
            format!("{}: {}: {ending}{}", ended.account, ended.recovery, by(&ended.operator))
        }
        Event::EnforcementBegun(begun) => {
            let policy = match &begun.policy {
                PolicySeen::ReadBack { policies } => format!("policy read: {}", policies.join(", ")),
                PolicySeen::Said { .. } => "policy set, as the operator says".to_owned(),
            };
            let (scope, people) = (&begun.scope, begun.people);
            format!(
                "{}: {scope} at {}, people: {people}; {policy}; by {}",
                begun.enforcement, begun.directory, begun.operator
            )
        }
        Event::EnforcementStepStarted(started) => {
            let by = by(&started.operator);
            format!("{}: {}: {} begins{by}", started.account, started.enforcement, step(&started.step))
        }
        Event::EnforcementStepDone(done) => {
            let result = match &done.result {
                EnforcementResult::Done {} => "done".to_owned(),
                EnforcementResult::NotDone { why } => format!("NOT done: {why}"),
                EnforcementResult::Left { weak, untold } if weak.is_empty() && untold.is_empty() => {
                    "nothing weak left".to_owned()
                }
                EnforcementResult::Left { weak, untold } => {
                    let left: Vec<&str> =
                        weak.iter().map(|one| &*one.name).chain(untold.iter().map(|one| &**one)).collect();
                    format!("left: {}", left.join(", "))
                }
            };
            format!("{}: {}: {} {result}", done.account, done.enforcement, step(&done.step))
        }
        Event::EnforcementEnded(ended) => {
            format!("{} ended; people with something left: {}", ended.enforcement, ended.open)
        }
        Event::EstateRead(read) => {
            let reading = match read.reading {
                Reading::Inventory => "inventory",
                Reading::Readiness => "readiness",
                Reading::Watch => "watch",
            };
            let (scope, people, findings) = (&read.scope, read.people, read.findings);
            format!(
                "{reading} of {scope} at {}: people: {people}, findings: {findings}; by {}",
                read.directory, read.operator
            )
        }
        _ => String::new(),
    }
}

fn step(step: &EnforcementStep) -> String {
    match step {
        EnforcementStep::RemoveMethod { method: KeptMethod { name, .. } } => format!("remove {name}"),
        EnforcementStep::EndSessions {} => "end sessions".to_owned(),
        EnforcementStep::ReadBack {} => "read back".to_owned(),
    }
}
