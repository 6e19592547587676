//! A key that is to stay, because only its PIN is forgotten: it is reset and enrolled anew, and its old credential goes.
//!
//! It refuses any other key for that: the key shows its old credential, or it is empty, looks like that key, and its reset was begun.

use super::credential_on_key;
use super::job_context::JobContext;
use super::job_error::JobError;
use super::open_key::OpenKey;
use super::plan::Planned;
use super::recognise::looks_like;
use crate::ledger::{AccountId, Erasure, ErasureSeen, Event, JobId};
use crate::profile::Reset;
use crate::register::{Credential, CredentialState, Register, Replacement};
use keywright_fido::webauthn::CredentialId;

/// A job of a register, and the credential that it made.
type Made<'a> = (JobId, &'a CredentialId, &'a Credential);

/// The job of the key that a job resets and enrols anew, with that one's credential; `None` if it takes another key.
pub(super) fn old_of(register: &Register, job: JobId) -> Option<Made<'_>> {
    let job = register.jobs.get(&job)?;
    old_by(register, &job.account, job.replaces.as_ref()?)
}

/// The same by what is to be replaced of this account.
pub(super) fn old_by<'a>(register: &'a Register, account: &AccountId, replacement: &Replacement) -> Option<Made<'a>> {
    let ordinal = replacement.same_key.then_some(replacement.ordinal)?;
    let old = register.job_of_key(account, ordinal)?;
    let (id, credential) = register.credentials.get_key_value(register.jobs.get(&old)?.credential_id()?)?;
    Some((old, id, credential))
}

/// Whether this key, which shows nothing and has no PIN, is taken for the one that had this credential: its reset was begun, or done.
pub(super) fn is_emptied(old: &Credential, key: &OpenKey) -> bool {
    let begun = old.erasing.is_some() || old.state == CredentialState::Erased;
    begun && !key.authenticator.info().has_pin() && looks_like(&old.key, &key.identity())
}

/// What such a job does, whatever its profile says of resets.
pub(super) fn planned(planned: &Planned, register: &Register, job: JobId) -> Planned {
    let mut planned = planned.clone();
    if old_of(register, job).is_some() {
        planned.profile.keys.reset = Reset::Always;
    }
    planned
}

/// Before the reset: what goes with it, if something that the ledger has in use does.
pub(super) fn begin(job: &JobContext<'_>) -> Result<Option<CredentialId>, JobError> {
    let old = {
        let register = job.journal.book();
        old_of(&register, job.id).filter(|(_, _, old)| old.state.lives()).map(|(_, id, _)| id.clone())
    };
    if let Some(id) = &old {
        let (credential_ids, operator) = (vec![id.clone()], job.station.operator_name.clone());
        job.record(Event::KeyErasureStarted { credential_ids, how: Erasure::Reset, operator })?;
    }
    Ok(old)
}

/// After the reset: the key has to be silent.
pub(super) fn end(job: &mut JobContext<'_>, id: CredentialId) -> Result<(), JobError> {
    let rp_id = job.journal.book().credentials[&id].rp_id.clone();
    let only = std::slice::from_ref(&id);
    let operator = job.station.operator_name.clone();
    if credential_on_key::first(job.authenticator()?, &rp_id, only, None)?.is_some() {
        job.record(Event::KeyNotErased { credential_ids: vec![id], operator })?;
        return Err(JobError::new(
            crate::ledger::FailureCode::KeyFault,
            "the key accepted the reset but still has its credential",
        ));
    }
    let seen = ErasureSeen { before: Vec::new(), silent: vec![id.clone()] };
    let credential_ids = vec![id];
    job.record(Event::KeyErased { credential_ids, how: Erasure::Reset, operator, seen: Some(Box::new(seen)) })
}
