//! Factory state, if the profile says so. CTAP2 allows it only right after power-up, so the key is pulled and plugged in first.

use crate::ledger::{FailureCode, Outcome};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use crate::provision::key_fit::{fit, to_be_reset};
use crate::provision::same_key;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let profile = &job.planned.profile;
    if !to_be_reset(job.authenticator()?.info(), profile) {
        return Ok(Outcome::Reset { done: false });
    }
    let old = same_key::begin(job)?;
    now(job)?;
    if let Some(id) = old {
        same_key::end(job, id)?;
    }
    Ok(Outcome::Reset { done: true })
}

/// Resets the key, whatever the profile says.
pub(super) fn now(job: &mut JobContext<'_>) -> Result<(), JobError> {
    let key = job.take_key()?;
    if !job.station.bus.cuts_power(&key.device) {
        job.station.operator.replug(&job.label);
    }
    let key = key.replugged(job.station)?;
    job.put_key(key);
    if job.authenticator()?.info().long_touch_for_reset == Some(true) {
        job.station.operator.tell(&format!("hold the key in {} for ten seconds when it blinks", job.label.port));
    }
    job.touching(|authenticator, touch| authenticator.reset(touch))?;
    let profile = &job.planned.profile;
    let info = job.authenticator()?.refresh_info()?;
    if info.has_pin() {
        return Err(JobError::new(FailureCode::KeyFault, "the key accepted the reset but still has a PIN"));
    }
    // What the reset changes could not be held against the profile before.
    fit(info, profile).map_err(JobError::Job)
}
