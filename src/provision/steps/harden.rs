//! The key's policy: PIN at every use, a long touch for a reset, the rules for PINs, and last the forced change, after which the key
//! gives no token.
//!
//! A key that a person has yet to register needs its PIN for that: the change is forced when a drill has confirmed it.

use crate::idp::Registration;
use crate::ledger::{FailureCode, Outcome};
use crate::provision::job_context::JobContext;
use crate::provision::job_error::JobError;
use keywright_fido::ctap::{MinPinLength, Permissions};

pub(super) fn execute(job: &mut JobContext<'_>) -> Result<Outcome, JobError> {
    let (keys, pin) = (&job.planned.profile.keys, &job.planned.profile.pin);
    let force_change = pin.force_change && job.registration == Registration::Api;
    let info = job.authenticator()?.info();
    let longer = (info.min_pin_length < pin.minimum_on_key).then_some(pin.minimum_on_key);
    let complexity = pin.complexity_on_key && info.pin_complexity_policy != Some(true);
    let long_touch = keys.long_touch_for_reset && info.long_touch_for_reset != Some(true);
    let force = force_change && !info.force_pin_change;
    let (rp_id, credential_id) = (job.ceremony()?.options.rp.id, job.registration_response()?.credential_id.clone());
    let known = Some((&rp_id, &credential_id));
    // Seen, and before there is a token: firmware exists that shows it while it is locked.
    let always_uv =
        keys.always_uv && job.touching(|authenticator, touch| authenticator.always_uv(known, touch))? != Some(true);
    let rules = longer.is_some() || complexity || force;
    if rules || always_uv || long_touch {
        let token = job.token(Permissions::AUTHENTICATOR_CONFIGURATION, None)?;
        if always_uv {
            job.touching(|authenticator, touch| authenticator.toggle_always_uv(Some(&token), true, known, touch))?;
        }
        let authenticator = job.authenticator()?;
        if long_touch {
            authenticator.enable_long_touch_for_reset(Some(&token))?;
        }
        if rules {
            let request = MinPinLength {
                new_min_pin_length: longer,
                rp_ids: Vec::new(),
                force_change_pin: force,
                pin_complexity_policy: complexity,
            };
            authenticator.set_min_pin_length(Some(&token), &request)?;
        }
    }
    let info = job.authenticator()?.refresh_info()?;
    let outcome = Outcome::Harden {
        min_pin_length: info.min_pin_length,
        always_uv: info.option("alwaysUv") == Some(true),
        force_pin_change: info.force_pin_change,
        pin_complexity_policy: info.pin_complexity_policy,
        long_touch_for_reset: info.long_touch_for_reset,
    };
    // The key's own word is what counts, not that it answered "ok".
    match outcome {
        Outcome::Harden { min_pin_length, .. } if min_pin_length < pin.minimum_on_key => {
            unmet("the minimum PIN length")
        }
        Outcome::Harden { always_uv: false, .. } if keys.always_uv => unmet("the PIN at every use"),
        Outcome::Harden { pin_complexity_policy, .. }
            if pin.complexity_on_key && pin_complexity_policy != Some(true) =>
        {
            unmet("its maker's rules for PINs")
        }
        Outcome::Harden { long_touch_for_reset, .. }
            if keys.long_touch_for_reset && long_touch_for_reset != Some(true) =>
        {
            unmet("the long touch for a reset")
        }
        Outcome::Harden { force_pin_change: false, .. } if force_change => unmet("the forced PIN change"),
        outcome => Ok(outcome),
    }
}

fn unmet(what: &str) -> Result<Outcome, JobError> {
    Err(JobError::new(FailureCode::KeyFault, format!("the key accepted {what} but does not show it")))
}
