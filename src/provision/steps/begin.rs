//! The IdP begins a registration.

use time::format_description::well_known::Rfc3339;

use super::recovery::Recovery;
use super::undo;
use crate::ledger::{FailureCode, Outcome};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use keywright_fido::webauthn::Ceremony;

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let (station, user) = (job.station, job.user);
    let ceremony = match station.retry_policy.send(&station.cancel, || station.directory.begin(user)) {
        Err(error) if error.may_have_acted() => {
            // What it began is of no use without its answer.
            undo::abandon_pending(job)?;
            return Err(error.into());
        }
        answer => answer?,
    };
    usable(&ceremony)?;
    let deadline = ceremony.deadline.format(&Rfc3339).map_err(|error| {
        JobError::new(FailureCode::DirectoryRefused, format!("the deadline is not a date: {error}"))
    })?;
    Ok(Outcome::Begin { ceremony: ceremony.into(), deadline })
}

/// What begins and never gets its answer is removed before the next.
pub(super) fn recover(job: &mut JobContext<'_>) -> Result<Recovery, JobError> {
    undo::abandon_pending(job)?;
    Ok(Recovery::NotDone)
}

/// An IdP that asks for something that no browser would do has the wrong settings; a credential made so would not sign in.
fn usable(ceremony: &Ceremony) -> Result<(), JobError> {
    if ceremony.origin.may_use(&ceremony.options.rp.id) {
        return Ok(());
    }
    Err(JobError::new(
        FailureCode::DirectoryRefused,
        format!(
            "the IdP asks for RP ID {} at {}, which no browser would allow",
            ceremony.options.rp.id, ceremony.origin
        ),
    ))
}
