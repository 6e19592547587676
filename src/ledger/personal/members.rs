//! Which members of which events are texts about people: decided here for each event, and nowhere else.
//!
//! Whoever adds an event or a member decides here too, or it does not compile. Operators are staff at work and stay; so do ids of
//! keys, credentials and pending objects, profiles, models, serial numbers and the IdP's name.

use crate::ledger::rollout::{
    BreakGlassAdded, BreakGlassDrilled, BreakGlassRemoved, EnforcementResult, EnforcementStep, EnforcementStepDone,
    EnforcementStepStarted, KeptMethod, RecoveryBegun, RecoveryEnded, RecoveryEnding, RecoveryResult, RecoveryStepDone,
    RecoveryStepStarted, SignInLog, UnknownKeyEnding, UnknownKeyRemoval, UnknownKeyRemoved,
};
use crate::ledger::{AccountId, Event, FoundOnKey, Observed, Outcome, SeenByHand};
use crate::profile::Person;
use keywright_fido::webauthn::Ceremony;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Member {
    /// It tells accounts apart: events that name one account have the same.
    OfAccountId,
    /// What an erasure leaves in the place of the login.
    OfErasure,
    /// Anything else.
    Other,
}

type Visit<'a> = &'a mut dyn FnMut(Member, &mut String);

/// Shows each text about a person to `visit`, which may change it.
pub(super) fn each_text(event: &mut Event, visit: Visit<'_>) {
    match event {
        Event::BatchStarted { .. }
        | Event::StepStarted { job: _, step: _ }
        | Event::AuditSampled(_)
        | Event::LedgerAccepted { lost: _, reason: _, operator: _ } => {}
        Event::AccountPlanned { batch: _, account, person, profile: _ } => {
            of_account(account, visit);
            of_person(person, visit);
        }
        Event::UserFound { account, user_id, login, idp: _, other_methods: _ } => {
            of_account(account, visit);
            other([user_id].into_iter().chain(login), visit);
        }
        Event::JobPlanned { job: _, account, ordinal: _ } | Event::AccountCompleted { account } => {
            of_account(account, visit);
        }
        Event::ReplacementPlanned { job: _, ordinal: _, reason, same_key: _ }
        | Event::JobGivenUp { job: _, reason, operator: _ } => {
            other([reason], visit);
        }
        Event::StepDone { job: _, outcome } => of_outcome(outcome, visit),
        Event::PinDelivered { job: _, how: _, readers, operator: _ } => other(readers, visit),
        Event::StepFailed { job: _, step: _, failure } => other([&mut failure.message], visit),
        Event::SteppedBack { job: _, to: _, why } | Event::CredentialDeleted { job: _, credential_id: _, why } => {
            other([why], visit);
        }
        Event::CeremonyAbandoned { job: _, pending: _ } => {}
        Event::CredentialRevoked { account, credential_id: _, reason, operator: _ }
        | Event::RevocationRequested { account, credential_id: _, reason, operator: _ } => {
            of_account(account, visit);
            other([reason], visit);
        }
        Event::RelabelRequested { account, credential_id: _, label } => {
            of_account(account, visit);
            other([label], visit);
        }
        Event::RelabelEnded { account, credential_id: _, label } => {
            of_account(account, visit);
            other(label, visit);
        }
        Event::KeyErasureStarted { credential_ids: _, how: _, operator: _ }
        | Event::KeyErased { credential_ids: _, how: _, operator: _, seen: _ }
        | Event::KeyNotErased { credential_ids: _, operator: _ } => {}
        Event::KeyEdited { credential_id: _, label, place, custodian, operator: _ } => {
            other(label.iter_mut().chain(place).chain(custodian), visit);
        }
        Event::AccountEdited { account, name, ticket, storage, operator: _ } => {
            of_account(account, visit);
            other(name.iter_mut().chain(ticket).chain(storage), visit);
        }
        Event::KeyAdded { key: _, identity: _, model: _, serial: _, attested_serial: _, place, operator: _ } => {
            other(place, visit);
        }
        Event::KeyMarked { key: _, credential_id: _, operator: _ } => {}
        Event::KeyChanged { key: _, state: _, reason, label, place, custodian, operator: _ } => {
            other(reason.iter_mut().chain(label).chain(place).chain(custodian), visit);
        }
        Event::KeyReturned { credential_id: _, operator: _ } => {}
        Event::AccountLeft { account, reason, operator: _ }
        | Event::AccountForgotten { account, reason, operator: _ } => {
            of_account(account, visit);
            other([reason], visit);
        }
        // The reason stays: it is what the erasure rests on.
        Event::AccountErased { account, login, reason: _, operator: _ } => {
            of_account(account, visit);
            visit(Member::OfErasure, login);
        }
        Event::KeyDrilled { account, credential_id: _, proved: _, observed, operator: _ } => {
            of_account(account, visit);
            if let Some(observed) = observed {
                of_drill(observed, visit);
            }
        }
        Event::AttentionNeeded { job: _, message } => other([message], visit),
        Event::BreakGlassAdded(BreakGlassAdded { account, ordinal: _, place, bag, may_open, operator: _ }) => {
            of_account(account, visit);
            // Staff too, but named by others and not seen at work.
            other([place, bag].into_iter().chain(may_open), visit);
        }
        Event::BreakGlassRemoved(BreakGlassRemoved { account, reason, operator: _ }) => {
            of_account(account, visit);
            other([reason], visit);
        }
        Event::BreakGlassDrilled(drilled) => of_break_glass_drill(drilled, visit),
        Event::UnknownKeyRemovalBegun(UnknownKeyRemoval {
            account,
            login,
            user_id,
            directory_id: _,
            label,
            reason,
            operator: _,
        }) => {
            of_account(account, visit);
            other([login, user_id, reason].into_iter().chain(label), visit);
        }
        Event::UnknownKeyRemoved(UnknownKeyRemoved { account, directory_id: _, ending }) => {
            of_account(account, visit);
            match ending {
                UnknownKeyEnding::Removed {} | UnknownKeyEnding::Absent {} => {}
                UnknownKeyEnding::Kept { why } => other([why], visit),
            }
        }
        Event::RecoveryBegun(begun) => of_recovery(begun, visit),
        Event::RecoveryStepStarted(RecoveryStepStarted { recovery: _, account, step: _, operator: _ }) => {
            of_account(account, visit);
        }
        Event::RecoveryStepDone(RecoveryStepDone { recovery: _, account, step: _, result }) => {
            of_account(account, visit);
            match result {
                RecoveryResult::Done {} | RecoveryResult::KeyMade { job: _ } => {}
                RecoveryResult::NotOffered { why } | RecoveryResult::Refused { why } => other([why], visit),
                RecoveryResult::PassGiven { pass: _, until: _, how: _, readers } => other(readers, visit),
            }
        }
        Event::RecoveryEnded(RecoveryEnded { recovery: _, account, ending, operator: _ }) => {
            of_account(account, visit);
            match ending {
                RecoveryEnding::Complete {} => {}
                RecoveryEnding::GivenUp { reason } => other([reason], visit),
            }
        }
        Event::EnforcementStepStarted(EnforcementStepStarted { enforcement: _, account, step, operator: _ }) => {
            of_account(account, visit);
            of_enforcement_step(step, visit);
        }
        Event::EnforcementStepDone(EnforcementStepDone { enforcement: _, account, step, result }) => {
            of_account(account, visit);
            of_enforcement_step(step, visit);
            match result {
                EnforcementResult::Done {} => {}
                EnforcementResult::NotDone { why } => other([why], visit),
                EnforcementResult::Left { weak, untold } => {
                    weak.iter_mut().for_each(|method| of_method(method, visit));
                    other(untold, visit);
                }
            }
        }
        // Names of waves, groups and policies, hashes and counts.
        Event::EnforcementBegun(_) | Event::EnforcementEnded(_) | Event::EstateRead(_) => {}
    }
}

fn of_break_glass_drill(drilled: &mut BreakGlassDrilled, visit: Visit<'_>) {
    let BreakGlassDrilled { account, ordinal: _, by, began: _, passed: _, sign_in_log, bag, operator: _ } = drilled;
    of_account(account, visit);
    other(by.iter_mut().chain(bag), visit);
    match sign_in_log {
        SignInLog::Read { since: _, sign_ins: _ } => {}
        SignInLog::CannotTell { why } => other([why], visit),
    }
}

fn of_recovery(begun: &mut RecoveryBegun, visit: Visit<'_>) {
    let RecoveryBegun {
        recovery: _,
        account,
        lost: _,
        loss: _,
        asked_by,
        identity_proved,
        rehearsal: _,
        steps: _,
        pass_minutes: _,
        operator: _,
    } = begun;
    of_account(account, visit);
    other([asked_by, identity_proved], visit);
}

fn of_enforcement_step(step: &mut EnforcementStep, visit: Visit<'_>) {
    match step {
        EnforcementStep::RemoveMethod { method } => of_method(method, visit),
        EnforcementStep::EndSessions {} | EnforcementStep::ReadBack {} => {}
    }
}

/// A telephone's last digits are in its name, and an IdP may make an id of an address.
fn of_method(method: &mut KeptMethod, visit: Visit<'_>) {
    let KeptMethod { id, kind: _, name } = method;
    other([id, name], visit);
}

fn of_outcome(outcome: &mut Outcome, visit: Visit<'_>) {
    match outcome {
        Outcome::Begin { ceremony, deadline: _ } => {
            let Ceremony { user_id, pending: _, continuation: _, options, origin: _, deadline: _ } = &mut **ceremony;
            other([user_id, &mut options.user.name, &mut options.user.display_name], visit);
        }
        Outcome::Complete { directory_id: _, label } | Outcome::CompleteByHand { label } => other([label], visit),
        Outcome::HandOver { how: _, readers } => other(readers, visit),
        Outcome::Inspect { key: _ }
        | Outcome::Reset { done: _ }
        | Outcome::SealPin { sealed: _, sha256: _, station: _ }
        | Outcome::SetPin {}
        | Outcome::Make { .. }
        | Outcome::Verify { verdict: _, key: _ }
        | Outcome::Prove { assertion: _, witness: _ }
        | Outcome::SignIn { done: _ }
        | Outcome::Harden { .. } => {}
    }
}

fn of_account(account: &mut AccountId, visit: Visit<'_>) {
    let AccountId { directory: _, login, user_id } = account;
    visit(Member::OfAccountId, login);
    if let Some(user_id) = user_id {
        visit(Member::OfAccountId, user_id);
    }
}

fn of_person(person: &mut Person, visit: Visit<'_>) {
    let Person { account, profile: _, name, ticket, reason, storage, wave: _ } = person;
    other([account].into_iter().chain(name).chain(ticket).chain(reason).chain(storage), visit);
}

fn of_drill(observed: &mut Observed, visit: Visit<'_>) {
    let Observed { signature: _, registered: _, signed_in: _, by_hand, failure } = observed;
    other(failure, visit);
    if let Some(SeenByHand { said_by, found }) = by_hand {
        other([said_by], visit);
        if let Some(FoundOnKey { credential_id: _, rp_id: _, user_name, public_key: _, signature: _ }) = found {
            other(user_name, visit);
        }
    }
}

fn other<'a>(texts: impl IntoIterator<Item = &'a mut String>, visit: Visit<'_>) {
    for text in texts {
        visit(Member::Other, text);
    }
}
