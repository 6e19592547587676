//! Whether a key can be what a profile demands, by what it says of itself. Asks no key anything.

use crate::ledger::{Failure, FailureCode};
use crate::profile::{Profile, Reset};
use keywright_attest::AttestationDemand;
use keywright_fido::ctap::GetInfo;

/// Refuses a key that cannot be what the profile demands, with the first reason. What a reset changes is left out if the key gets
/// one.
pub(super) fn fit(info: &GetInfo, profile: &Profile) -> Result<(), Failure> {
    lacks(info, profile).into_iter().next().map_or(Ok(()), Err)
}

/// Everything that the key lacks for the profile, as far as it says of itself; what weighs most comes first.
pub fn lacks(info: &GetInfo, profile: &Profile) -> Vec<Failure> {
    let mut lacks = Vec::new();
    let mut refuse = |why: String| lacks.push(failure(FailureCode::KeyRefused, why));
    let (keys, pin) = (&profile.keys, &profile.pin);
    if !info.versions.iter().any(|version| version.starts_with("FIDO_2")) {
        refuse("the key does not speak CTAP2".into());
    }
    // A key says no name; where names are listed too, its attestation decides.
    let by_name = !keys.model_names.is_empty();
    if !keys.models.is_empty() && !keys.models.contains(&info.aaguid) && !by_name {
        refuse(format!("the key says it is model {}, which profile {} does not allow", info.aaguid, profile.name));
    }
    if info.option("rk") != Some(true) {
        refuse("the key cannot keep credentials (no resident keys)".into());
    }
    if info.option("clientPin").is_none() {
        refuse("the key has no PIN".into());
    }
    if info.has_pin() && keys.reset == Reset::Never {
        let why = format!(
            "the key already has a PIN that keywright did not set, and profile {} does not allow a reset",
            profile.name
        );
        lacks.push(failure(FailureCode::PinUnknown, why));
    }
    let as_it_is = !to_be_reset(info, profile);
    if as_it_is && info.remaining_discoverable_credentials == Some(0) {
        lacks.push(failure(FailureCode::KeyFull, "the key has no room for another credential"));
    }
    let mut refuse = |why: String| lacks.push(failure(FailureCode::KeyRefused, why));
    let sets_length = info.option("setMinPINLength") == Some(true);
    if pin.minimum_on_key > info.min_pin_length && !sets_length {
        refuse(format!("the key cannot enforce a PIN of {} characters", pin.minimum_on_key));
    }
    if pin.force_change && !sets_length {
        refuse("the key cannot ask for a new PIN at first use".into());
    }
    if keys.always_uv && info.option("alwaysUv").is_none() {
        refuse("the key cannot be made to ask for the PIN at every use".into());
    }
    let has_long_touch = as_it_is && info.long_touch_for_reset == Some(true);
    if keys.long_touch_for_reset && !has_long_touch && info.takes_long_touch_for_reset().is_err() {
        refuse("the key cannot be made to want a long touch for a reset".into());
    }
    let tells_minimum = info.extensions.iter().any(|name| name == "minPinLength") && sets_length;
    if pin.minimum_signed && !(tells_minimum && info.max_rp_ids_for_set_min_pin_length.unwrap_or(0) > 0) {
        refuse("the key cannot sign its minimum PIN length (minPinLength)".into());
    }
    let takes_rules = info.pin_complexity_policy.is_some() && sets_length;
    if pin.complexity_on_key && !takes_rules && info.pin_complexity_policy != Some(true) {
        refuse("the key has no rules of its own for PINs".into());
    }
    if keys.attestation == AttestationDemand::Enterprise && info.option("ep").is_none() {
        refuse("the key has no enterprise attestation".into());
    }
    if as_it_is && pin.length < info.min_pin_length || pin.length > info.max_pin_length {
        let why = format!(
            "profile {} draws PINs of {} characters, and the key accepts {} to {}",
            profile.name, pin.length, info.min_pin_length, info.max_pin_length
        );
        lacks.push(failure(FailureCode::PinPolicy, why));
    }
    lacks
}

fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure { code, message: message.into(), ctap_status: None }
}

/// Whether the job resets this key.
pub(super) fn to_be_reset(info: &GetInfo, profile: &Profile) -> bool {
    match profile.keys.reset {
        Reset::Never => false,
        Reset::IfUsed => info.has_pin(),
        Reset::Always => true,
    }
}
