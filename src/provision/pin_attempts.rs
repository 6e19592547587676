//! May another PIN attempt be spent on a key? Asked before every PIN that might be wrong.
//!
//! It refuses to spend the last attempts: a key that blocks its PIN has to be reset, and with it goes everything on it.

use super::job_error::JobError;
use crate::ledger::FailureCode;
use keywright_fido::ctap::Authenticator;

/// Attempts that a key must have left before a PIN is tried that might be wrong.
pub const ATTEMPTS_KEPT: u32 = 3;

/// Refuses to try a PIN on a key that is close to blocking it.
pub fn spare_attempts(authenticator: &mut Authenticator) -> Result<(), JobError> {
    let left = authenticator.pin_retries()?;
    if left.power_cycle_state == Some(true) {
        return Err(JobError::new(
            FailureCode::PinBlocked,
            "the key wants to be unplugged and plugged in before another PIN",
        ));
    }
    if left.retries <= ATTEMPTS_KEPT {
        return Err(JobError::new(
            FailureCode::PinBlocked,
            format!("the key has {} PIN attempts left; the last {ATTEMPTS_KEPT} are never used", left.retries),
        ));
    }
    Ok(())
}
