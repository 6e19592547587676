//! authenticatorGetInfo (0x04): CTAP 2.1 section 6.4, with the members that 2.2 and 2.3 added.

use std::collections::BTreeMap;

use crate::webauthn::{Aaguid, CoseAlgorithm};

/// What a key says of itself. Members that it leaves out have the specification's defaults or are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetInfo {
    /// 0x01: `FIDO_2_0`, `FIDO_2_1_PRE`, `FIDO_2_1`, `U2F_V2`, ...
    pub versions: Vec<String>,
    /// 0x02
    pub extensions: Vec<String>,
    /// 0x03
    pub aaguid: Aaguid,
    /// 0x04, by name; an absent option means something of its own, see [`GetInfo::option`].
    pub options: BTreeMap<String, bool>,
    /// 0x05, in bytes; 1024 if absent.
    pub max_msg_size: usize,
    /// 0x06, the preferred one first.
    pub pin_uv_auth_protocols: Vec<u64>,
    /// 0x07
    pub max_credential_count_in_list: Option<u64>,
    /// 0x08
    pub max_credential_id_length: Option<u64>,
    /// 0x09: `usb`, `nfc`, ...
    pub transports: Vec<String>,
    /// 0x0A, the preferred one first.
    pub algorithms: Vec<CoseAlgorithm>,
    /// 0x0B, in bytes.
    pub max_serialized_large_blob_array: Option<u64>,
    /// 0x0C
    pub force_pin_change: bool,
    /// 0x0D, in code points; 4 if absent.
    pub min_pin_length: usize,
    /// 0x0E
    pub firmware_version: Option<u64>,
    /// 0x0F
    pub max_cred_blob_length: Option<u64>,
    /// 0x10
    pub max_rp_ids_for_set_min_pin_length: Option<u64>,
    /// 0x11
    pub preferred_platform_uv_attempts: Option<u64>,
    /// 0x12, a bit field.
    pub uv_modality: Option<u64>,
    /// 0x13, by name.
    pub certifications: BTreeMap<String, i64>,
    /// 0x14
    pub remaining_discoverable_credentials: Option<u64>,
    /// 0x15
    pub vendor_prototype_config_commands: Vec<u64>,
    /// 0x16
    pub attestation_formats: Vec<String>,
    /// 0x17
    pub uv_count_since_last_pin_entry: Option<u64>,
    /// 0x18
    pub long_touch_for_reset: Option<bool>,
    /// 0x19
    pub enc_identifier: Option<Vec<u8>>,
    /// 0x1A
    pub transports_for_reset: Vec<String>,
    /// 0x1B
    pub pin_complexity_policy: Option<bool>,
    /// 0x1C
    pub pin_complexity_policy_url: Option<Vec<u8>>,
    /// 0x1D, in bytes; 63 if absent.
    pub max_pin_length: usize,
    /// 0x1E
    pub enc_cred_store_state: Option<Vec<u8>>,
    /// 0x1F; `None` on keys that do not list them.
    pub authenticator_config_commands: Option<Vec<u64>>,
    /// Members that none of the above is, by number, in CBOR.
    pub unknown: BTreeMap<i64, Vec<u8>>,
}

impl GetInfo {
    /// What the key says of an option: `None` means not supported, for most of them.
    pub fn option(&self, name: &str) -> Option<bool> {
        self.options.get(name).copied()
    }

    /// Whether a PIN is set (`clientPin` true).
    pub fn has_pin(&self) -> bool {
        self.option("clientPin") == Some(true)
    }
}
