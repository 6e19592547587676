//! The PIN: drawn and sealed to disk, and only then given to the key. With it the key can be asked what is on it: a key with
//! credentials and no PIN is as used as one with a PIN.

use super::recovery::Recovery;
use super::reset;
use crate::ledger::{FailureCode, Outcome, Step};
use crate::profile::Reset;
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::provision::working_copy;
use crate::secret::{SealedPin, draw};
use keywright_fido::ctap::{Permissions, Pin};
use keywright_fido::webauthn::RpId;

pub(super) fn seal(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let rules = &job.planned.profile.pin;
    let pin = draw(rules.length, rules.alphabet, job.station.entropy);
    // The same name after a crash, when no key can have got the PIN; another after a key was turned away, which keeps its PIN.
    let (attempt, owner) = {
        let book = job.journal.book();
        let attempt = book.jobs[&job.id].pins_sealed + 1;
        (attempt, working_copy::owner(&book, job.id, attempt))
    };
    let sealed = SealedPin(format!("job-{}-{attempt}", job.id.0));
    let sha256 = job.station.vault.seal(&sealed, &owner, &pin, job.station.readers)?;
    let station = job.station.operator_name.seen.as_ref().and_then(|seen| seen.station.clone());
    Ok(Outcome::SealPin { sealed, sha256: Some(sha256), station })
}

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let pin = job.sealed_copy()?.ok_or_else(|| {
        JobError::new(
            FailureCode::Secret,
            "the sealed PIN is gone, and the key does not have it; a new one will be drawn",
        )
    })?;
    give(job, &pin)?;
    empty(job, &pin)?;
    Ok(Outcome::SetPin {})
}

fn give(job: &mut JobContext<'_>, pin: &Pin) -> Result<(), JobError> {
    job.authenticator()?.set_pin(pin)?;
    job.pin_was_set();
    Ok(())
}

/// Looks for credentials that were on the key before it had a PIN. Resets a key that has some, if the profile and the operator agree,
/// and gives it its PIN again.
fn empty(job: &mut JobContext<'_>, pin: &Pin) -> Result<(), JobError> {
    let was_reset = matches!(job.outcome(Step::Reset)?, Some(Outcome::Reset { done: true }));
    if was_reset || !job.authenticator()?.info().manages_credentials() {
        return Ok(());
    }
    let token = job.token(Permissions::CREDENTIAL_MANAGEMENT, None)?;
    let existing = job.authenticator()?.credentials_metadata(&token)?.existing;
    if existing == 0 {
        return Ok(());
    }
    let found = match existing {
        1 => "it has a credential already".to_owned(),
        existing => format!("it has {existing} credentials already"),
    };
    let profile = &job.planned.profile;
    if profile.keys.reset != Reset::Never && job.station.operator.may_reset(&job.label, &found) {
        reset::now(job)?;
        return give(job, pin);
    }
    let why = match profile.keys.reset {
        Reset::Never => format!("profile {} does not allow a reset", profile.name),
        Reset::IfUsed | Reset::Always => "it was not reset".to_owned(),
    };
    Err(JobError::new(
        FailureCode::KeyRefused,
        format!("the key in {} is not fresh: {found}, and had no PIN; {why}", job.label.port),
    ))
}

pub(super) fn recover(job: &mut JobContext<'_>) -> Result<Recovery, JobError> {
    if !job.authenticator()?.info().has_pin() {
        return Ok(match job.sealed_copy()? {
            Some(_) => Recovery::NotDone,
            None => Recovery::RollBackTo(Step::SealPin, "its sealed PIN is gone, and the key does not have it"),
        });
    }
    match job.token(Permissions::GET_ASSERTION, Some(&RpId::PROBE)) {
        Ok(_) => {
            let pin = job.pin()?;
            empty(job, &pin)?;
            Ok(Recovery::Done(Outcome::SetPin {}.into()))
        }
        Err(JobError::Job(failure)) if failure.code == FailureCode::PinUnknown => Err(JobError::new(
            FailureCode::PinUnknown,
            "the key has a PIN that is not the one sealed for this job; is it the key that this job began with?",
        )),
        Err(error) => Err(error),
    }
}
