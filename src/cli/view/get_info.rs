//! authenticatorGetInfo.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::Serialize;

use keywright_fido::ctap::GetInfo;
use keywright_fido::webauthn::{Aaguid, CoseAlgorithm};

/// getInfo as JSON: the specification's names, `null` where the key says nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Members<'a> {
    path: &'a str,
    product: &'a str,
    versions: &'a [String],
    extensions: &'a [String],
    aaguid: Aaguid,
    options: &'a BTreeMap<String, bool>,
    max_msg_size: usize,
    pin_uv_auth_protocols: &'a [u64],
    max_credential_count_in_list: Option<u64>,
    max_credential_id_length: Option<u64>,
    transports: &'a [String],
    algorithms: Vec<i64>,
    max_serialized_large_blob_array: Option<u64>,
    force_pin_change: bool,
    #[serde(rename = "minPINLength")]
    min_pin_length: usize,
    firmware_version: Option<u64>,
    max_cred_blob_length: Option<u64>,
    #[serde(rename = "maxRPIDsForSetMinPINLength")]
    max_rp_ids_for_set_min_pin_length: Option<u64>,
    preferred_platform_uv_attempts: Option<u64>,
    uv_modality: Option<u64>,
    certifications: &'a BTreeMap<String, i64>,
    remaining_discoverable_credentials: Option<u64>,
    vendor_prototype_config_commands: &'a [u64],
    attestation_formats: &'a [String],
    uv_count_since_last_pin_entry: Option<u64>,
    long_touch_for_reset: Option<bool>,
    enc_identifier: Option<String>,
    transports_for_reset: &'a [String],
    pin_complexity_policy: Option<bool>,
    #[serde(rename = "pinComplexityPolicyURL")]
    pin_complexity_policy_url: Option<String>,
    #[serde(rename = "maxPINLength")]
    max_pin_length: usize,
    enc_cred_store_state: Option<String>,
    authenticator_config_commands: Option<&'a [u64]>,
    unknown: BTreeMap<String, String>,
}

impl<'a> Members<'a> {
    /// As the key says.
    pub(crate) fn of(path: &'a str, product: &'a str, info: &'a GetInfo) -> Self {
        let hex = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| HEXLOWER.encode(bytes));
        Self {
            path,
            product,
            versions: &info.versions,
            extensions: &info.extensions,
            aaguid: info.aaguid,
            options: &info.options,
            max_msg_size: info.max_msg_size,
            pin_uv_auth_protocols: &info.pin_uv_auth_protocols,
            max_credential_count_in_list: info.max_credential_count_in_list,
            max_credential_id_length: info.max_credential_id_length,
            transports: &info.transports,
            algorithms: info.algorithms.iter().map(|algorithm| algorithm.0).collect(),
            max_serialized_large_blob_array: info.max_serialized_large_blob_array,
            force_pin_change: info.force_pin_change,
            min_pin_length: info.min_pin_length,
            firmware_version: info.firmware_version,
            max_cred_blob_length: info.max_cred_blob_length,
            max_rp_ids_for_set_min_pin_length: info.max_rp_ids_for_set_min_pin_length,
            preferred_platform_uv_attempts: info.preferred_platform_uv_attempts,
            uv_modality: info.uv_modality,
            certifications: &info.certifications,
            remaining_discoverable_credentials: info.remaining_discoverable_credentials,
            vendor_prototype_config_commands: &info.vendor_prototype_config_commands,
            attestation_formats: &info.attestation_formats,
            uv_count_since_last_pin_entry: info.uv_count_since_last_pin_entry,
            long_touch_for_reset: info.long_touch_for_reset,
            enc_identifier: hex(&info.enc_identifier),
            transports_for_reset: &info.transports_for_reset,
            pin_complexity_policy: info.pin_complexity_policy,
            pin_complexity_policy_url: info
                .pin_complexity_policy_url
                .as_ref()
                .map(|url| String::from_utf8_lossy(url).into_owned()),
            max_pin_length: info.max_pin_length,
            enc_cred_store_state: hex(&info.enc_cred_store_state),
            authenticator_config_commands: info.authenticator_config_commands.as_deref(),
            unknown: info
                .unknown
                .iter()
                .map(|(number, cbor)| (format!("0x{number:02x}"), HEXLOWER.encode(cbor)))
                .collect(),
        }
    }
}

/// The members that the key tells, a line each, under the key's path and product.
pub(crate) fn words(members: &Members<'_>, info: &GetInfo) -> String {
    let mut text = format!("{}  {}\n", members.path, members.product);
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<24}{value}\n"));
        }
    };
    let number = |value: Option<u64>, unit: &str| value.map(|value| format!("{value}{unit}")).unwrap_or_default();
    let yes_no = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let numbers = |values: &[u64], name: fn(u64) -> String| {
        values.iter().map(|value| name(*value)).collect::<Vec<_>>().join(", ")
    };

    line("model (AAGUID)", info.aaguid.to_string());
    line("speaks", info.versions.join(", "));
    line("firmware", number(info.firmware_version, ""));
    line("transports", info.transports.join(", "));
    line("PIN", pin_state(info).to_owned());
    line("  minimum length", format!("{} characters", info.min_pin_length));
    line("  maximum length", format!("{} bytes", info.max_pin_length));
    line("  change demanded", yes_no(info.force_pin_change));
    line("  complexity rules", info.pin_complexity_policy.map(yes_no).unwrap_or_default());
    line("  rules explained at", members.pin_complexity_policy_url.clone().unwrap_or_default());
    line("  protocols", numbers(&info.pin_uv_auth_protocols, |value| value.to_string()));
    line("always asks for PIN", option(info, "alwaysUv"));
    line("enterprise attestation", option(info, "ep"));
    line("credential management", option(info, "credMgmt"));
    line("room for credentials", number(info.remaining_discoverable_credentials, " more"));
    line(
        "algorithms",
        info.algorithms.iter().map(|algorithm| algorithm_name(*algorithm)).collect::<Vec<_>>().join(", "),
    );
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
    line("transports for reset", info.transports_for_reset.join(", "));
    line("encrypted identifier", members.enc_identifier.clone().unwrap_or_default());
    line("encrypted store state", members.enc_cred_store_state.clone().unwrap_or_default());
    for (number, cbor) in &members.unknown {
        line(&format!("member {number}"), format!("{cbor} (not in the specification)"));
    }
    text
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

fn algorithm_name(algorithm: CoseAlgorithm) -> String {
    let name = match algorithm {
        CoseAlgorithm::ES256 => "ES256",
        CoseAlgorithm::ES384 => "ES384",
        CoseAlgorithm::ES512 => "ES512",
        CoseAlgorithm::EDDSA => "EdDSA",
        CoseAlgorithm::RS256 => "RS256",
        CoseAlgorithm::ML_DSA_44 => "ML-DSA-44",
        CoseAlgorithm::ML_DSA_65 => "ML-DSA-65",
        CoseAlgorithm::ML_DSA_87 => "ML-DSA-87",
        CoseAlgorithm(number) => return format!("COSE {number}"),
    };
    name.to_owned()
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
