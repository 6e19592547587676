//! Which job is this key's? Asked of every key that is plugged in, before anything is done to it.
//!
//! A key is recognised by what only it can have: a credential of the ledger, or the PIN that is sealed for one job. The port
//! says which job to ask about first, and nothing more.

use super::job::spare_attempts;
use super::journal::Journal;
use super::key::OpenKey;
use super::{Station, Trouble};
use crate::ctap::{CtapError, GetAssertion, Permissions, StatusCode};
use crate::ledger::{CredentialState, FailureCode, JobId, JobState, KeyIdentity, Outcome, Step};
use crate::secret::SealedPin;
use crate::webauthn::{CredentialId, RpId};

/// What a key turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// A key that no job began with.
    New,
    /// The key of a job that is not done.
    Of(JobId),
    /// The key of a job that is done.
    Done(JobId),
}

/// A job that has a key somewhere, and is not done.
struct Bound {
    job: JobId,
    key: KeyIdentity,
    sealed: Option<SealedPin>,
    /// Whether the key may have got the sealed PIN.
    pin_may_be_set: bool,
}

/// Finds out whose key this is. `free` are the jobs that nobody works on now.
pub fn recognise(
    station: &Station<'_>,
    journal: &Journal<'_>,
    key: &mut OpenKey,
    free: &[JobId],
) -> Result<Recognised, Trouble> {
    let bound = bound_jobs(journal, free);
    if !key.authenticator.info().has_pin() {
        // Every key of ours gets a PIN, and losing it takes a reset, which takes the credentials too.
        return Ok(without_pin(&key.identity(), &bound));
    }
    if let Some(job) = by_credential(journal, key)? {
        let done = journal.state(job) == JobState::Done;
        return Ok(if done { Recognised::Done(job) } else { Recognised::Of(job) });
    }
    by_pin(station, key, &bound)
}

fn bound_jobs(journal: &Journal<'_>, free: &[JobId]) -> Vec<Bound> {
    let book = journal.book();
    let bound = free.iter().filter_map(|id| {
        let job = &book.jobs[id];
        let Some(Outcome::Inspect { key }) = job.outcomes.get(&Step::Inspect) else { return None };
        let sealed = match job.outcomes.get(&Step::SealPin) {
            Some(Outcome::SealPin { sealed }) => Some(sealed.clone()),
            _ => None,
        };
        let begun = matches!(job.state, JobState::Open(Step::SetPin) | JobState::Failed(Step::SetPin, _));
        let pin_may_be_set = begun || job.outcomes.contains_key(&Step::SetPin);
        Some(Bound { job: *id, key: key.clone(), sealed, pin_may_be_set })
    });
    bound.collect()
}

/// A key without a PIN is like any other of its model. It goes on with the job of its port, if that job has done nothing to its
/// key yet that would be lost.
fn without_pin(identity: &KeyIdentity, bound: &[Bound]) -> Recognised {
    let same = |bound: &&Bound| bound.key.port == identity.port && bound.key.fingerprint == identity.fingerprint;
    match bound.iter().find(same) {
        Some(bound) => Recognised::Of(bound.job),
        None => Recognised::New,
    }
}

/// Asks the key, without PIN and touch, for any credential that the ledger has.
fn by_credential(journal: &Journal<'_>, key: &mut OpenKey) -> Result<Option<JobId>, Trouble> {
    let candidates: Vec<(RpId, CredentialId, JobId)> = {
        let book = journal.book();
        let live = book
            .credentials
            .iter()
            .filter(|(_, credential)| matches!(credential.state, CredentialState::OnKey | CredentialState::Registered));
        live.map(|(id, credential)| (credential.rp_id.clone(), id.clone(), credential.job)).collect()
    };
    let mut rp_ids: Vec<&RpId> = candidates.iter().map(|(rp_id, ..)| rp_id).collect();
    rp_ids.sort();
    rp_ids.dedup();
    for rp_id in rp_ids {
        let ids: Vec<CredentialId> =
            candidates.iter().filter(|(candidate, ..)| candidate == rp_id).map(|(_, id, _)| id.clone()).collect();
        if let Some(found) = key_has_one_of(key, rp_id, &ids)? {
            return Ok(candidates.iter().find(|(_, id, _)| *id == found).map(|(.., job)| *job));
        }
    }
    Ok(None)
}

/// The first of these credentials that the key has.
pub fn key_has_one_of(
    key: &mut OpenKey,
    rp_id: &RpId,
    ids: &[CredentialId],
) -> Result<Option<CredentialId>, CtapError> {
    // A key that does not say how many it takes at once takes a few (CTAP 2.1, 6.4 leaves it open).
    const UNTOLD: u64 = 4;
    let at_once = key.authenticator.info().max_credential_count_in_list.unwrap_or(UNTOLD).clamp(1, 16) as usize;
    for chunk in ids.chunks(at_once) {
        let request = GetAssertion {
            rp_id: rp_id.clone(),
            client_data_hash: [0; 32],
            allow_list: chunk.to_vec(),
            user_presence: false,
        };
        match key.authenticator.get_assertions(&request, None, &mut |_| {}) {
            Ok(assertions) => {
                if let Some(assertion) = assertions.into_iter().next() {
                    return Ok(Some(assertion.credential_id));
                }
            }
            Err(CtapError::Status { status: StatusCode::NoCredentials, .. }) => {}
            // A key that shows nothing without its PIN is recognised by the PIN or not at all.
            Err(CtapError::Status { status: StatusCode::PuatRequired, .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Tries the PIN that is sealed for the job of this port; or, if this port has none, that of the only job whose key looks the
/// same. One attempt, and only if the key has some to spare.
fn by_pin(station: &Station<'_>, key: &mut OpenKey, bound: &[Bound]) -> Result<Recognised, Trouble> {
    let identity = key.identity();
    let alike: Vec<&Bound> =
        bound.iter().filter(|bound| bound.pin_may_be_set && bound.key.fingerprint == identity.fingerprint).collect();
    let candidate = match alike.iter().find(|bound| bound.key.port == identity.port) {
        Some(bound) => *bound,
        None => match alike.as_slice() {
            [only] => *only,
            _ => return Ok(Recognised::New),
        },
    };
    let Some(sealed) = &candidate.sealed else { return Ok(Recognised::New) };
    let Some(pin) = station.vault.unseal(sealed)? else { return Ok(Recognised::New) };
    match spare_attempts(&mut key.authenticator) {
        Ok(()) => {}
        Err(Trouble::Job(failure)) if failure.code == FailureCode::PinBlocked => return Ok(Recognised::New),
        Err(trouble) => return Err(trouble),
    }
    // Any RP ID will do: the token is thrown away.
    let rp_id: RpId = "keywright.invalid".parse()?;
    match key.authenticator.pin_uv_auth_token(&pin, Permissions::GET_ASSERTION, Some(&rp_id)) {
        Ok(_) => Ok(Recognised::Of(candidate.job)),
        Err(CtapError::Status { status: StatusCode::PinInvalid | StatusCode::PinPolicyViolation, .. }) => {
            // 0x31 and 0x37 are also what a key answers that wants its PIN changed first; then it was hardened by its job.
            let hardened = key.authenticator.info().force_pin_change && candidate.key.port == identity.port;
            Ok(if hardened { Recognised::Of(candidate.job) } else { Recognised::New })
        }
        Err(error) => Err(error.into()),
    }
}
