//! The IdP registers the public key, and it is read back; or that is left to a person.

use super::recovery::Recovery;
use super::undo;
use crate::idp::{DirectoryError, Registered};
use crate::ledger::{Failure, FailureCode, Outcome, Step};
use crate::profile::LabelFields;
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let ceremony = job.ceremony()?;
    job.in_time(&ceremony)?;
    let response = job.registration_response()?;
    let credential_id = &response.credential_id;
    let label = label(job);
    let station = job.station;
    let sent = station.retry_policy.send(&station.cancel, || station.directory.complete(&ceremony, &response, &label));
    let doubt = match sent {
        Ok(_) => None,
        // What the IdP has now decides.
        Err(error) if error.may_have_acted() => Some(error),
        Err(DirectoryError::NotFound { .. } | DirectoryError::Expired { .. }) => {
            return Err(JobError::new(FailureCode::ChallengeExpired, "the registration at the IdP has expired"));
        }
        Err(error) => return Err(error.into()),
    };
    let found = station
        .retry_policy
        .find(&station.cancel, || station.directory.read_back(job.user, &ceremony, credential_id, &label));
    match found.map_err(unknown)? {
        Some(registered) => Ok(done(registered, label)),
        None => Err(doubt.map_or_else(
            || JobError::new(FailureCode::DirectoryDown, "the IdP accepted the credential but does not list it"),
            JobError::from,
        )),
    }
}

/// Nothing is sent: a person registers the key.
pub(super) fn by_hand(job: &JobContext<'_>) -> Outcome {
    Outcome::CompleteByHand { label: label(job) }
}

pub(super) fn recover(job: &mut JobContext<'_>) -> Result<Recovery, JobError> {
    let response = job.registration_response()?;
    let credential_id = &response.credential_id;
    let label = label(job);
    let (station, ceremony) = (job.station, job.ceremony()?);
    let ask = || station.directory.read_back(job.user, &ceremony, credential_id, &label);
    if let Some(registered) = station.retry_policy.ask(&station.cancel, ask).map_err(unknown)? {
        return Ok(Recovery::Done(done(registered, label).into()));
    }
    if !job.directory_waits() {
        return Ok(Recovery::RollBackTo(Step::Begin, "its registration was given up"));
    }
    if job.in_time(&ceremony).is_err() {
        return Ok(Recovery::RollBackTo(Step::Begin, "the time for the registration ran out"));
    }
    // An undo that was cut short may have taken the credential off the key already.
    if !undo::is_on_key(job, credential_id)? {
        return Ok(Recovery::RollBackTo(Step::Begin, "the key no longer has the credential"));
    }
    Ok(Recovery::NotDone)
}

fn done(registered: Registered, label: String) -> Outcome {
    Outcome::Complete { directory_id: registered.id, label }
}

/// An IdP that does not let us look says nothing about the registration: that is never taken for a refusal of it, which
/// would be undone on the key.
fn unknown(error: DirectoryError) -> JobError {
    match JobError::from(error) {
        JobError::Job(Failure { code, message, .. }) if code != FailureCode::DirectorySignIn => {
            let message = format!("cannot tell whether the key was registered: {message}");
            JobError::new(FailureCode::DirectoryDown, message)
        }
        error => error,
    }
}

/// The profile's label with this key's facts in it.
fn label(job: &JobContext<'_>) -> String {
    let register = job.journal.book();
    let known = &register.jobs[&job.id];
    let credential = known.credential_id().and_then(|id| register.credentials.get(id));
    let model = credential.and_then(|one| one.model_verdict.as_ref()?.model.as_deref());
    let product = known.key().map(|key| key.product.as_str());
    let number = credential.and_then(|one| one.number).map(|number| number.to_string());
    job.planned.profile.render_label(&LabelFields {
        model: model.or(product).unwrap_or_default(),
        ordinal: job.label.ordinal,
        account: &job.label.account,
        serial: credential.and_then(|one| one.attested_serial.as_deref()),
        number: number.as_deref(),
    })
}
