//! Factory state, if the profile says so. CTAP2 allows it only right after power-up, so the key is pulled and plugged in first.

use crate::ledger::Outcome;
use crate::profile::Reset;
use crate::provision::Trouble;
use crate::provision::job::Job;

pub(super) fn carry_out(job: &mut Job<'_>) -> Result<Outcome, Trouble> {
    let wanted = match job.planned.profile.keys.reset {
        Reset::Never => false,
        Reset::IfUsed => job.authenticator()?.info().has_pin(),
        Reset::Always => true,
    };
    if !wanted {
        return Ok(Outcome::Reset { done: false });
    }
    let key = job.take_key()?;
    job.station.operator.replug(&job.who);
    let key = key.replugged(job.station)?;
    job.put_key(key);
    job.touching(|authenticator, touch| authenticator.reset(touch))?;
    job.authenticator()?.refresh_info()?;
    Ok(Outcome::Reset { done: true })
}
