//! The credential signs in at the IdP, where the IdP lets us: the proof that no check of ours can give.

use super::prove::sign;
use crate::ledger::{FailureCode, Outcome};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let (station, user) = (job.station, job.user);
    let Some(door) = station.directory.sign_in() else { return Ok(Outcome::SignIn { done: false }) };
    let credential_id = job.registration_response()?.credential_id.clone();
    let ceremony = station.retry_policy.ask(&station.cancel, || door.begin(user))?;
    let options = &ceremony.options;
    let response = sign(job, &options.rp_id, &credential_id, &options.challenge, &ceremony.origin)?;
    station.retry_policy.send(&station.cancel, || door.finish(user, &ceremony, &response)).map_err(|error| {
        match JobError::from(error) {
            JobError::Job(failure) if failure.code == FailureCode::DirectoryRefused => JobError::new(
                FailureCode::ProofFailed,
                format!("signing {} in with the new key failed: {}", user.login, failure.message),
            ),
            error => error,
        }
    })?;
    Ok(Outcome::SignIn { done: true })
}
