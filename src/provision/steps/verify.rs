//! The attestation is judged, before anything of it is sent anywhere.
//!
//! Where it names the single key, a key that the ledger has in service is refused: reset and enrolled again, one key would count as
//! two. That it was reset is written down.

use crate::ledger::{Erasure, ErasureSeen, Event, FailureCode, KeyNumber, Outcome};
use crate::provision::credential_on_key;
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use keywright_attest::{Policy, Verdict};
use keywright_fido::ctap::Permissions;
use keywright_fido::webauthn::CredentialId;
use keywright_fido::webauthn::response::ExpectedRegistration;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let ceremony = job.ceremony()?;
    let response = job.registration_response()?;
    let attested = response.check(&ExpectedRegistration {
        challenge: &ceremony.options.challenge,
        origin: &ceremony.origin,
        rp_id: &ceremony.options.rp.id,
        user_verification: true,
    })?;
    let info = job.authenticator()?.info();
    let (claimed, firmware) = (info.aaguid, info.firmware_version);
    if attested.aaguid != claimed {
        return Err(JobError::new(
            FailureCode::KeyFault,
            format!("the key says it is model {claimed}, but its credential says another"),
        ));
    }
    let (object, hash) = (&response.attestation_object, response.client_data_json.hash());
    let rules = &job.planned.profile.keys;
    let pinned = rules.pinned_anchors().map_err(|error| {
        let why = format!("an anchor of profile {} cannot be read: {error}", job.planned.profile.name);
        JobError::new(FailureCode::Ledger, why)
    })?;
    let verdict = match pinned.is_empty() {
        true => job.station.judge.judge(object, Some(&hash), firmware, job.now()),
        false => job.station.judge.also_pinning(pinned).judge(object, Some(&hash), firmware, job.now()),
    };
    if let Err(refusals) = Policy::from(rules).accept(&verdict) {
        let reasons = refusals.iter().map(ToString::to_string).chain(verdict.reasons).collect::<Vec<_>>().join(" ");
        return Err(JobError::new(
            FailureCode::AttestationRefused,
            format!(
                "the key in {} is not what profile {} demands: {reasons}",
                job.label.port, job.planned.profile.name
            ),
        ));
    }
    if let Some((id, whose)) = enrolled_before(job, &verdict) {
        write_down_if_gone(job, &id)?;
        return Err(JobError::new(
            FailureCode::KeyTaken,
            format!(
                "the key in {} has the serial number of {whose}, and was reset since; revoke that key first, or use another",
                job.label.port
            ),
        ));
    }
    let key = number(job, &verdict);
    Ok(Outcome::Verify { verdict: Box::new(verdict), key: Some(key) })
}

/// Which key it is: the one that its attestation names, else the one that it was recognised as when the job took it, else a new one.
fn number(job: &JobContext<'_>, verdict: &Verdict) -> KeyNumber {
    let known = {
        let book = job.journal.book();
        let taken = book.jobs[&job.id].number;
        book.keys.attested(verdict).or(taken)
    };
    known.unwrap_or_else(|| job.journal.next_key_number())
}

/// The credential that the key has by the serial number that its attestation names, as far as that one was not taken out of service,
/// and whose it is.
fn enrolled_before(job: &JobContext<'_>, verdict: &Verdict) -> Option<(CredentialId, String)> {
    let book = job.journal.book();
    let number = book.keys.attested(verdict)?;
    let ids = book.keys.get(number)?.credentials.iter().rev();
    let mut known = ids.filter_map(|id| book.credentials.get_key_value(id));
    let (id, other) = known.find(|(_, one)| one.state.lives() && one.job != job.id)?;
    Some((id.clone(), format!("{number}, key {} of {}", other.ordinal, other.account)))
}

/// The key was reset since it got this credential: it says itself, with its PIN, that it no longer has it.
fn write_down_if_gone(job: &mut JobContext<'_>, id: &CredentialId) -> Result<(), JobError> {
    let rp_id = job.journal.book().credentials[id].rp_id.clone();
    let token = job.token(Permissions::GET_ASSERTION, Some(&rp_id))?;
    if credential_on_key::first(job.authenticator()?, &rp_id, std::slice::from_ref(id), Some(&token))?.is_some() {
        return Ok(());
    }
    let operator = job.station.operator_name.clone();
    let seen = ErasureSeen { before: Vec::new(), silent: vec![id.clone()] };
    let credential_ids = vec![id.clone()];
    job.record(Event::KeyErased { credential_ids, how: Erasure::Reset, operator, seen: Some(Box::new(seen)) })
}
