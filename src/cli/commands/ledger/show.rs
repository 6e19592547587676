//! `keywright ledger show`: the events in their order.

mod rollout_event;

use std::collections::BTreeMap;

use clap::Args;
use data_encoding::HEXLOWER;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::event::audit::AuditSampled;
use crate::ledger::{Actor, Entry, Erasure, Event, Head, JobId, LedgerError, Outcome};
use crate::profile::HandOver;
use keywright_fido::webauthn::CredentialId;
use keywright_files::shown;

/// Show the events in their order.
///
/// With --json, each line has the event with all that it holds.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright ledger show\n  keywright ledger show --after 200 --json")]
pub(crate) struct Show {
    /// Only events after this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Only events of this job
    #[arg(long, value_name = "NUMBER")]
    job: Option<u64>,
}

/// Whose key each job makes, for people.
type Keys = BTreeMap<JobId, String>;

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    time: &'a str,
    hash: String,
    /// As the log has it: the one object whose members keep the log's own spelling.
    body: serde_json::Value,
}

impl View for Line<'_> {
    const KIND: &'static str = "event";
}

impl Show {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (mut keys, mut failed) = (BTreeMap::new(), None);
        session.ledger_for_reading()?.each(&Head::EMPTY, &mut |entry| {
            let event = entry.event()?;
            if let Event::JobPlanned { job, account, ordinal } = &event {
                keys.insert(*job, format!("{}, key {ordinal}", account.login));
            }
            let wanted = entry.seq > self.after && self.job.is_none_or(|job| event.job() == Some(JobId(job)));
            if wanted && failed.is_none() && !session.output.is_closed() {
                failed = self.print(&entry, &event, &keys, session).err();
            }
            Ok(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(Exit::Done)
    }
}

impl Show {
    fn print(&self, entry: &Entry, event: &Event, keys: &Keys, session: &Session) -> Result<(), CliError> {
        if session.output.is_json() {
            return session.output.object(&line(entry)?);
        }
        let line = format!("{:>6}  {}  {}", entry.seq, entry.time, with_key(event, keys));
        session.output.text(&shown::one_line(&line))
    }
}

/// What happened, with the key that the job makes before the job's number.
fn with_key(event: &Event, keys: &Keys) -> String {
    let text = event_text(event);
    let known = event.job().and_then(|job| Some((job, keys.get(&job)?)));
    match known.filter(|_| !matches!(event, Event::JobPlanned { .. })) {
        Some((job, key)) => format!("{key} ({job}){}", text.strip_prefix(&job.to_string()).unwrap_or(&text)),
        None => text,
    }
}

fn line(entry: &Entry) -> Result<Line<'_>, LedgerError> {
    let body = entry.with_texts()?;
    Ok(Line { seq: entry.seq, time: &entry.time, hash: HEXLOWER.encode(&entry.hash), body })
}

fn event_text(event: &Event) -> String {
    match event {
        Event::BatchStarted { batch, operator, version, directory, .. } => {
            format!("batch {batch} at {directory}, by {operator}, keywright {version}")
        }
        Event::AccountPlanned { account, profile, .. } => format!("{account}: planned as {}", profile.name),
        Event::UserFound { account, user_id, .. } => format!("{account}: is user {user_id}"),
        Event::JobPlanned { job, account, ordinal } => format!("{job}: key {ordinal} of {account}"),
        Event::ReplacementPlanned { job, ordinal, reason, same_key: true } => {
            format!("{job}: key {ordinal} is reset and enrolled anew: {reason}")
        }
        Event::ReplacementPlanned { job, ordinal, reason, same_key: false } => {
            format!("{job}: takes the place of key {ordinal}: {reason}")
        }
        Event::StepStarted { job, step } => format!("{job}: {step} begins"),
        Event::StepDone { job, outcome } => format!("{job}: {} done{}", outcome.step(), of_outcome(outcome)),
        Event::StepFailed { job, step, failure } => format!("{job}: {step} failed: {}", failure.message),
        Event::PinDelivered { job, how, readers, operator } => {
            let way = match how {
                HandOver::Age => format!("to {}", readers.join(", ")),
                HandOver::Letter => "in a letter".to_owned(),
                HandOver::Terminal => "on the terminal".to_owned(),
            };
            format!("{job}: PIN delivered {way}{}", by(operator))
        }
        Event::SteppedBack { job, to, why } => format!("{job}: back to {to}: {why}"),
        Event::CredentialDeleted { job, credential_id, why } => {
            format!("{job}: credential {credential_id} deleted from the key: {why}")
        }
        Event::CeremonyAbandoned { job, pending } => format!("{job}: pending registration {pending} removed"),
        Event::AccountCompleted { account } => format!("{account}: complete"),
        Event::CredentialRevoked { account, credential_id, reason, operator } => {
            format!("{account}: credential {credential_id} revoked: {reason}{}", by(operator))
        }
        Event::RevocationRequested { account, credential_id, reason, operator } => {
            let by = by(operator);
            format!("{account}: credential {credential_id} is to be revoked when the IdP can be reached: {reason}{by}")
        }
        Event::RelabelRequested { account, credential_id, label } => {
            format!("{account}: credential {credential_id} is to be called \"{label}\" at the IdP")
        }
        Event::RelabelEnded { account, credential_id, label: Some(label) } => {
            format!("{account}: credential {credential_id} is called \"{label}\" at the IdP")
        }
        Event::RelabelEnded { account, credential_id, label: None } => {
            format!("{account}: credential {credential_id} keeps its label at the IdP")
        }
        Event::KeyErasureStarted { credential_ids, how, operator } => {
            let how = match how {
                Erasure::Reset => "reset its key",
                Erasure::CredentialDeleted => "delete it from its key",
            };
            format!("credential {}: {operator} begins to {how}", list(credential_ids))
        }
        Event::KeyErased { credential_ids, how, operator, .. } => {
            let how = match how {
                Erasure::Reset => "its key was reset",
                Erasure::CredentialDeleted => "deleted from its key",
            };
            format!("credential {} is gone: {how} by {operator}", list(credential_ids))
        }
        Event::KeyNotErased { credential_ids, operator } => {
            format!("credential {} is still on its key, as {operator} saw", list(credential_ids))
        }
        Event::KeyEdited { credential_id, label, place, custodian, operator } => {
            let changed = [("label", label), ("place", place), ("custodian", custodian)];
            let changed = changed.iter().filter_map(|(name, new)| Some(format!("{name} \"{}\"", new.as_ref()?)));
            let changed = changed.collect::<Vec<_>>().join(", ");
            format!("key of credential {credential_id}: {changed}, by {operator}")
        }
        Event::AccountEdited { account, name, ticket, storage, operator } => {
            let changed = [("name", name), ("ticket", ticket), ("storage", storage)];
            let changed = changed.iter().filter_map(|(what, new)| Some(format!("{what} \"{}\"", new.as_ref()?)));
            format!("{account}: {}, by {operator}", changed.collect::<Vec<_>>().join(", "))
        }
        Event::KeyAdded { key, model, serial, operator, .. } => {
            let serial = serial.as_ref().map(|serial| format!(", serial {serial}")).unwrap_or_default();
            format!("{key}: in stock: {}{serial}, by {operator}", model.as_deref().unwrap_or("unknown model"))
        }
        Event::KeyMarked { key, credential_id, operator } => {
            format!("{key}: shows which key it is with {credential_id}{}", by(operator))
        }
        Event::KeyChanged { key, state, reason, label, place, custodian, operator } => {
            let state = state.map(|state| state.to_string());
            let changed =
                [("is", &state), ("because", reason), ("label", label), ("place", place), ("custodian", custodian)];
            let changed = changed.iter().filter_map(|(what, new)| Some(format!("{what} \"{}\"", new.as_ref()?)));
            format!("{key}: {}, by {operator}", changed.collect::<Vec<_>>().join(", "))
        }
        Event::KeyReturned { credential_id, operator } => {
            format!("key of credential {credential_id}: returned to {operator}")
        }
        Event::AccountLeft { account, reason, operator } => format!("{account}: left: {reason}, by {operator}"),
        Event::AuditSampled(AuditSampled { seed, size, drawn_from, operator }) => {
            format!("{size} of {drawn_from} keys drawn to be checked, with the seed {seed}, by {operator}")
        }
        Event::LedgerAccepted { lost, reason, operator } => format!("goes on though {lost}: {reason}, by {operator}"),
        Event::AccountForgotten { account, reason, operator } => {
            format!("{account}: forgotten: {reason}, by {operator}")
        }
        Event::AccountErased { account, reason, operator, .. } => {
            format!("{account}: the person's names were erased: {reason}, by {operator}")
        }
        Event::KeyDrilled { account, credential_id, proved, observed, operator } => {
            let how = if *proved { "proved again" } else { "NOT proved" };
            let why = observed.as_ref().and_then(|observed| observed.failure.as_deref());
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            let by_hand = observed.as_ref().and_then(|observed| observed.by_hand.as_ref());
            let word = by_hand.map(|seen| format!(", registered by hand as {} says", seen.said_by)).unwrap_or_default();
            format!("{account}: credential {credential_id} {how}{word}{why}{}", by(operator))
        }
        Event::JobGivenUp { job, reason, operator } => format!("{job}: given up: {reason}{}", by(operator)),
        Event::AttentionNeeded { job: Some(job), message } => format!("{job}: attention: {message}"),
        Event::AttentionNeeded { job: None, message } => format!("attention: {message}"),
        Event::BreakGlassAdded(_)
        | Event::BreakGlassRemoved(_)
        | Event::BreakGlassDrilled(_)
        | Event::UnknownKeyRemovalBegun(_)
        | Event::UnknownKeyRemoved(_)
        | Event::RecoveryBegun(_)
        | Event::RecoveryStepStarted(_)
        | Event::RecoveryStepDone(_)
        | Event::RecoveryEnded(_)
        | Event::EnforcementBegun(_)
        | Event::EnforcementStepStarted(_)
        | Event::EnforcementStepDone(_)
        | Event::EnforcementEnded(_)
        | Event::EstateRead(_) => rollout_event::text(event),
    }
}

/// Who did it, where the log has it.
fn by(operator: &Option<Actor>) -> String {
    operator.as_ref().map(|operator| format!(", by {operator}")).unwrap_or_default()
}

fn list(ids: &[CredentialId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn of_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Inspect { key } => format!(": {} in port {}", key.product, key.port),
        Outcome::Reset { done: false } => ", nothing to reset".into(),
        Outcome::Begin { deadline, .. } => format!(", until {deadline}"),
        Outcome::Make { credential_id, .. } => format!(": credential {credential_id}"),
        Outcome::Prove { witness: Some(witness_result), .. } => format!("; {witness_result}"),
        Outcome::Complete { label, .. } => format!(": \"{label}\""),
        Outcome::CompleteByHand { label } => format!(": \"{label}\", to be registered by hand"),
        Outcome::SignIn { done: false } => ", not possible there".into(),
        Outcome::HandOver { readers, .. } if !readers.is_empty() => format!(" to {}", readers.join(", ")),
        _ => String::new(),
    }
}
