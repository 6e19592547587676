//! Is this key one that the job may use? Reads only; a key that will not do is left as it was.

use crate::ledger::{FailureCode, Outcome};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::provision::key_fit::fit;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let profile = &job.planned.profile;
    let key = job.key()?;
    fit(key.authenticator.info(), profile).map_err(JobError::Job)?;
    let has_pin = key.authenticator.info().has_pin();
    let key = key.identity();
    if has_pin && !job.station.operator.may_reset(&job.label, "it has a PIN already") {
        return Err(JobError::new(
            FailureCode::PinUnknown,
            format!("the key in {} already has a PIN that keywright did not set; it was not reset", key.port),
        ));
    }
    Ok(Outcome::Inspect { key })
}
