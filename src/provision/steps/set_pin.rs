//! The PIN: drawn and sealed to disk, and only then given to the key.

use crate::ctap::Permissions;
use crate::ledger::{FailureCode, Outcome};
use crate::provision::Trouble;
use crate::provision::job::{Job, Looked};
use crate::secret::{SealedPin, draw};
use crate::webauthn::RpId;

pub(super) fn seal(job: &mut Job<'_>) -> Result<Outcome, Trouble> {
    let rules = &job.planned.profile.pin;
    let pin = draw(rules.length, rules.alphabet, job.station.entropy);
    // The same name after a crash, when no key can have got the PIN; another after a key was turned away, which keeps its PIN.
    let attempt = job.journal.book().jobs[&job.id].pins_sealed + 1;
    let sealed = SealedPin(format!("job-{}-{attempt}", job.id.0));
    job.station.vault.seal(&sealed, &pin, job.station.readers)?;
    Ok(Outcome::SealPin { sealed })
}

pub(super) fn carry_out(job: &mut Job<'_>) -> Result<Outcome, Trouble> {
    let pin = job.pin()?;
    job.authenticator()?.set_pin(&pin)?;
    job.pin_was_set();
    Ok(Outcome::SetPin {})
}

pub(super) fn look(job: &mut Job<'_>) -> Result<Looked, Trouble> {
    if !job.authenticator()?.info().has_pin() {
        return Ok(Looked::Undone);
    }
    match job.token(Permissions::GET_ASSERTION, Some(&RpId::nobodys())) {
        Ok(_) => Ok(Looked::Done(Outcome::SetPin {}.into())),
        Err(Trouble::Job(failure)) if failure.code == FailureCode::PinUnknown => Err(Trouble::new(
            FailureCode::PinUnknown,
            "the key has a PIN that is not the one sealed for this job; is it the key that this job began with?",
        )),
        Err(trouble) => Err(trouble),
    }
}
