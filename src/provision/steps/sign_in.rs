//! The credential signs in at the directory, where the directory lets us: the proof that no check of ours can give.

use super::prove::sign;
use super::verify::registration;
use crate::ledger::{FailureCode, Outcome};
use crate::provision::Trouble;
use crate::provision::job::Job;

pub(super) fn carry_out(job: &mut Job<'_>) -> Result<Outcome, Trouble> {
    let (station, user) = (job.station, job.user);
    let Some(door) = station.directory.sign_in() else { return Ok(Outcome::SignIn { done: false }) };
    let (credential_id, _) = registration(job)?;
    let ceremony = station.patience.ask(&station.cancel, || door.begin(user))?;
    let options = &ceremony.options;
    let response = sign(job, &options.rp_id, &credential_id, &options.challenge, &ceremony.origin)?;
    station.patience.send(&station.cancel, || door.finish(user, &ceremony, &response)).map_err(|error| {
        match Trouble::from(error) {
            Trouble::Job(failure) if failure.code == FailureCode::DirectoryRefused => Trouble::new(
                FailureCode::ProofFailed,
                format!("the directory did not let {} in with the new key: {}", user.login, failure.message),
            ),
            trouble => trouble,
        }
    })?;
    Ok(Outcome::SignIn { done: true })
}
