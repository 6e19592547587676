//! The attestation is judged, before anything of it is sent anywhere.
//!
//! Where it names the single key, a key that the ledger has in service is refused: reset and enrolled again, one key would count as
//! two.

use crate::ledger::{FailureCode, Outcome};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use keywright_attest::{Policy, Verdict};
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
    if let Some(other) = enrolled_before(job, &verdict) {
        return Err(JobError::new(
            FailureCode::KeyTaken,
            format!(
                "the key in {} has the serial number of {other}, and was reset since; revoke that key first, or use another",
                job.label.port
            ),
        ));
    }
    Ok(Outcome::Verify { verdict: Box::new(verdict) })
}

/// Whose key this is by the serial number that its attestation names, as far as that one was not taken out of service.
fn enrolled_before(job: &JobContext<'_>, verdict: &Verdict) -> Option<String> {
    let serial = verdict.serial.as_deref()?;
    let book = job.journal.book();
    let mut others = book.credentials_on_key(verdict.aaguid, serial);
    let (_, other) = others.find(|(_, one)| one.state.lives() && one.job != job.id)?;
    Some(format!("key {} of {}", other.ordinal, other.account))
}
