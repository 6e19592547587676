//! authenticatorGetInfo.

use data_encoding::HEXLOWER;
use serde::Serialize;

use crate::cli::shared::output::View;
use keywright_fido::ctap::GetInfo;
use keywright_files::shown;

/// A key and what it says of itself.
#[derive(Serialize)]
pub(crate) struct KeyInfo<'a> {
    pub(crate) path: &'a str,
    pub(crate) product: &'a str,
    /// The model's name, if it is known.
    pub(crate) model: Option<String>,
    #[serde(flatten)]
    pub(crate) info: &'a GetInfo,
}

impl View for KeyInfo<'_> {
    const KIND: &'static str = "key-info";
}

/// The members that the key tells, a line each, under the key's path and product.
pub(crate) fn key_info_text(KeyInfo { path, product, model, info }: &KeyInfo<'_>) -> String {
    let mut text = format!("{path}  {}\n", shown::one_line(product));
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<24}{}\n", shown::one_line(&value)));
        }
    };
    let number = |value: Option<u64>, unit: &str| value.map(|value| format!("{value}{unit}")).unwrap_or_default();
    let yes_no = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let numbers = |values: &[u64], name: fn(u64) -> String| {
        values.iter().map(|value| name(*value)).collect::<Vec<_>>().join(", ")
    };

    line("model", model.clone().unwrap_or_default());
    line("model (AAGUID)", info.aaguid.to_string());
    line("speaks", info.versions.join(", "));
    line("firmware", number(info.firmware_version, ""));
    line("transports", info.transports.join(", "));
    line("PIN", pin_state(info).to_owned());
    line("  minimum length", format!("{} characters", info.min_pin_length));
    line("  maximum length", format!("{} bytes", info.max_pin_length));
    line("  change demanded", yes_no(info.force_pin_change));
    line("  complexity rules", info.pin_complexity_policy.map(yes_no).unwrap_or_default());
    let url = info.pin_complexity_policy_url.as_deref();
    line("  rules explained at", url.map(|url| String::from_utf8_lossy(url).into_owned()).unwrap_or_default());
    line("  protocols", numbers(&info.pin_uv_auth_protocols, |value| value.to_string()));
    line("always asks for PIN", option(info, "alwaysUv"));
    line("enterprise attestation", option(info, "ep"));
    line("credential management", option(info, "credMgmt"));
    line("room for credentials", number(info.remaining_discoverable_credentials, " more"));
    line("algorithms", info.algorithms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    line("attestation formats", info.attestation_formats.join(", "));
    line("extensions", info.extensions.join(", "));
    line("options", info.options.iter().map(|(name, on)| format!("{name}={on}")).collect::<Vec<_>>().join(", "));
    line(
        "config commands",
        info.authenticator_config_commands
            .as_deref()
            .map(|commands| numbers(commands, config_command))
            .unwrap_or_default(),
    );
    line("vendor config commands", numbers(&info.vendor_prototype_config_commands, |value| format!("0x{value:x}")));
    line("largest message", format!("{} bytes", info.max_msg_size));
    line("credentials per list", number(info.max_credential_count_in_list, ""));
    line("longest credential id", number(info.max_credential_id_length, " bytes"));
    line("credBlob", number(info.max_cred_blob_length, " bytes"));
    line("large blobs", number(info.max_serialized_large_blob_array, " bytes"));
    line("RP IDs for minPinLength", number(info.max_rp_ids_for_set_min_pin_length, ""));
    line("fingerprint tries", number(info.preferred_platform_uv_attempts, ""));
    line("fingerprints since PIN", number(info.uv_count_since_last_pin_entry, ""));
    line(
        "user verification",
        info.uv_modality.map(|bits| format!("0x{bits:x} (bits of the FIDO registry)")).unwrap_or_default(),
    );
    line(
        "certifications",
        info.certifications.iter().map(|(name, level)| format!("{name} {level}")).collect::<Vec<_>>().join(", "),
    );
    line("long touch for reset", info.long_touch_for_reset.map(yes_no).unwrap_or_default());
    line("fingerprints", fingerprints(info).unwrap_or_default().to_owned());
    line("transports for reset", info.transports_for_reset.join(", "));
    let hex = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| HEXLOWER.encode(bytes)).unwrap_or_default();
    line("encrypted identifier", hex(&info.enc_identifier));
    line("encrypted store state", hex(&info.enc_cred_store_state));
    for (number, cbor) in &info.unknown {
        line(&format!("member 0x{number:02x}"), format!("{} (not in the specification)", HEXLOWER.encode(cbor)));
    }
    text
}

fn fingerprints(info: &GetInfo) -> Option<&'static str> {
    match info.option("bioEnroll").or(info.option("userVerificationMgmtPreview"))? {
        true => Some("enrolled"),
        false => Some("none enrolled"),
    }
}

fn pin_state(info: &GetInfo) -> &'static str {
    match info.option("clientPin") {
        Some(true) => "set",
        Some(false) => "not set",
        None => "not supported",
    }
}

fn option(info: &GetInfo, name: &str) -> String {
    match info.option(name) {
        Some(true) => "on",
        Some(false) => "off",
        None => "not supported",
    }
    .to_owned()
}

fn config_command(number: u64) -> String {
    match number {
        1 => "enableEnterpriseAttestation".to_owned(),
        2 => "toggleAlwaysUv".to_owned(),
        3 => "setMinPINLength".to_owned(),
        4 => "enableLongTouchForReset".to_owned(),
        0xff => "vendorPrototype".to_owned(),
        other => format!("0x{other:x}"),
    }
}
