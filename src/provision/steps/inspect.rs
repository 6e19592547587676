//! Is this key one that the job may use, and which is it? Reads only; a key that will not do is left as it was.
//!
//! It refuses, unasked, a key whose USB serial number says that it is somebody's in service, and that was reset.

use crate::ledger::{FailureCode, KeyIdentity, Outcome};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::provision::key_fit::fit;
use crate::provision::same_key;
use crate::provision::which_key;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let profile = &job.planned.profile;
    let key = job.key()?;
    fit(key.authenticator.info(), profile).map_err(JobError::Job)?;
    let has_pin = key.authenticator.info().has_pin();
    let key = which_key::recognise(job.journal, job.key()?)?;
    let own = same_key::old_of(&job.journal.book(), job.id).map(|(_, _, old)| old.number);
    if let Some(number) = own {
        // That it is reset was agreed to with the plan.
        return Ok(Outcome::Inspect { key: KeyIdentity { number, ..key } });
    }
    if has_pin && !job.station.operator.may_reset(&job.label, "it has a PIN already") {
        return Err(JobError::new(
            FailureCode::PinUnknown,
            format!("the key in {} already has a PIN that keywright did not set; it was not reset", key.port),
        ));
    }
    if let Some(like) = which_key::in_service(&job.journal.book(), &key)
        && !job.station.operator.is_another(&job.label, &like)
    {
        let port = &key.port;
        return Err(JobError::new(
            FailureCode::KeyTaken,
            format!(
                "the key in {port} has the USB serial number of {like}, and was reset since: write that down with 'keywright key \
                 reset', or use another key"
            ),
        ));
    }
    Ok(Outcome::Inspect { key })
}
