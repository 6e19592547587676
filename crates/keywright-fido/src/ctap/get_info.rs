//! authenticatorGetInfo (0x04): CTAP 2.1 section 6.4, with the members that 2.2 and 2.3 added.
//!
//! Members that it does not know, or that are not of their type, are kept as they came: an odd one spoils only itself. It refuses
//! an answer without versions or AAGUID, which every key has. As JSON it has the specification's names in `snake_case`, bytes in
//! hexadecimal, and `null` where the key says nothing.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};

use super::CtapError;
use super::command::Command;
use crate::webauthn::cbor::{self, Value};
use crate::webauthn::{Aaguid, CoseAlgorithm};

pub(super) const COMMAND: Command = Command::new(0x04, "authenticatorGetInfo");

/// What a key says of itself. Members that it leaves out have the specification's defaults or are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    #[serde(serialize_with = "as_hex")]
    pub enc_identifier: Option<Vec<u8>>,
    /// 0x1A
    pub transports_for_reset: Vec<String>,
    /// 0x1B
    pub pin_complexity_policy: Option<bool>,
    /// 0x1C
    #[serde(serialize_with = "as_text")]
    pub pin_complexity_policy_url: Option<Vec<u8>>,
    /// 0x1D, in bytes; 63 if absent.
    pub max_pin_length: usize,
    /// 0x1E
    #[serde(serialize_with = "as_hex")]
    pub enc_cred_store_state: Option<Vec<u8>>,
    /// 0x1F; `None` on keys that do not list them.
    pub authenticator_config_commands: Option<Vec<u64>>,
    /// Members that none of the above is, or that are not of their type, by number, in CBOR as received.
    #[serde(serialize_with = "by_number")]
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

    /// Whether the key lists its resident credentials (`credMgmt`, or `credentialMgmtPreview` on FIDO_2_1_PRE keys).
    pub fn manages_credentials(&self) -> bool {
        self.option("credMgmt") == Some(true) || self.option("credentialMgmtPreview") == Some(true)
    }

    /// Whether the key lists this extension.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extensions.iter().any(|extension| extension == name)
    }
}

fn as_hex<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| HEXLOWER.encode(bytes)).serialize(serializer)
}

fn as_text<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes)).serialize(serializer)
}

/// `{"0x42": "a0"}`
fn by_number<S: Serializer>(members: &BTreeMap<i64, Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(members.iter().map(|(number, cbor)| (format!("0x{number:02x}"), HEXLOWER.encode(cbor))))
}

pub(super) fn encode() -> Vec<u8> {
    COMMAND.request([])
}

/// Reads the map that follows the status.
pub(super) fn decode(body: &[u8]) -> Result<GetInfo, CtapError> {
    let mut members = Members::parse(body)?;
    Ok(GetInfo {
        versions: members.required(0x01, texts)?,
        extensions: members.take(0x02, texts).unwrap_or_default(),
        aaguid: members.required(0x03, |value| value.as_bytes()?.try_into().ok().map(Aaguid))?,
        options: members.take(0x04, |value| named(value, Value::as_bool)).unwrap_or_default(),
        max_msg_size: members.take(0x05, size).unwrap_or(1024),
        pin_uv_auth_protocols: members.take(0x06, unsigned_list).unwrap_or_default(),
        max_credential_count_in_list: members.take(0x07, unsigned),
        max_credential_id_length: members.take(0x08, unsigned),
        transports: members.take(0x09, texts).unwrap_or_default(),
        algorithms: members.take(0x0a, algorithms).unwrap_or_default(),
        max_serialized_large_blob_array: members.take(0x0b, unsigned),
        force_pin_change: members.take(0x0c, Value::as_bool).unwrap_or(false),
        min_pin_length: members.take(0x0d, size).unwrap_or(4),
        firmware_version: members.take(0x0e, unsigned),
        max_cred_blob_length: members.take(0x0f, unsigned),
        max_rp_ids_for_set_min_pin_length: members.take(0x10, unsigned),
        preferred_platform_uv_attempts: members.take(0x11, unsigned),
        uv_modality: members.take(0x12, unsigned),
        certifications: members.take(0x13, |value| named(value, Value::as_integer)).unwrap_or_default(),
        remaining_discoverable_credentials: members.take(0x14, unsigned),
        vendor_prototype_config_commands: members.take_vendor_prototype_config_commands(),
        attestation_formats: members.take(0x16, texts).unwrap_or_default(),
        uv_count_since_last_pin_entry: members.take(0x17, unsigned),
        long_touch_for_reset: members.take(0x18, Value::as_bool),
        enc_identifier: members.take(0x19, bytes),
        transports_for_reset: members.take(0x1a, texts).unwrap_or_default(),
        pin_complexity_policy: members.take(0x1b, Value::as_bool),
        pin_complexity_policy_url: members.take(0x1c, bytes),
        max_pin_length: members.take(0x1d, size).unwrap_or(63),
        enc_cred_store_state: members.take(0x1e, bytes),
        authenticator_config_commands: members.take(0x1f, unsigned_list),
        unknown: members.0,
    })
}

/// The members that were not read yet, by number, in CBOR as received. They are cut apart first and read one by one: the strict
/// reader would refuse the whole answer for a float or a tag in a member that nobody here knows.
struct Members(BTreeMap<i64, Vec<u8>>);

impl Members {
    fn parse(body: &[u8]) -> Result<Self, CtapError> {
        let malformed = |why: &str| COMMAND.malformed(why);
        let mut decoder = minicbor::Decoder::new(body);
        let count = match decoder.map() {
            Ok(Some(count)) => count,
            _ => return Err(malformed("it is not a map of definite length")),
        };
        let mut members = BTreeMap::new();
        for _ in 0..count {
            let key = decoder.i64().map_err(|_| malformed("a member's number is missing or not a number"))?;
            let start = decoder.position();
            decoder.skip().map_err(|_| malformed("a member is cut short"))?;
            if members.insert(key, body[start..decoder.position()].to_vec()).is_some() {
                return Err(malformed("a member is there twice"));
            }
        }
        if decoder.position() != body.len() {
            return Err(malformed("there are bytes after the map"));
        }
        Ok(Self(members))
    }

    /// A member of its type. One of another type stays where it is.
    fn take<T>(&mut self, key: i64, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = read(&cbor::decode(self.0.get(&key)?).ok()?)?;
        self.0.remove(&key);
        Some(value)
    }

    fn required<T>(&mut self, key: i64, read: impl FnOnce(&Value) -> Option<T>) -> Result<T, CtapError> {
        let why = if self.0.contains_key(&key) { "has the wrong type" } else { "is missing" };
        self.take(key, read).ok_or_else(|| COMMAND.malformed(format!("member 0x{key:02X} {why}")))
    }

    /// 0x15 is the only member with integers of 64 bits: vendors draw its numbers at random.
    fn take_vendor_prototype_config_commands(&mut self) -> Vec<u64> {
        let read = self.0.get(&0x15).and_then(|encoded| minicbor::decode(encoded).ok());
        if read.is_some() {
            self.0.remove(&0x15);
        }
        read.unwrap_or_default()
    }
}

fn unsigned(value: &Value) -> Option<u64> {
    value.as_integer()?.try_into().ok()
}

fn size(value: &Value) -> Option<usize> {
    value.as_integer()?.try_into().ok()
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    value.as_bytes().map(<[u8]>::to_vec)
}

/// The items of a list that are as they should be.
fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    Some(value.as_array()?.iter().filter_map(read).collect())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    list(value, |item| item.as_text().map(str::to_owned))
}

fn unsigned_list(value: &Value) -> Option<Vec<u64>> {
    list(value, unsigned)
}

fn algorithms(value: &Value) -> Option<Vec<CoseAlgorithm>> {
    list(value, |item| item.get("alg")?.as_integer().map(CoseAlgorithm))
}

/// The pairs of a map that are as they should be.
fn named<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<BTreeMap<String, T>> {
    let pair = |(name, value): &(Value, Value)| Some((name.as_text()?.to_owned(), read(value)?));
    Some(value.as_map()?.iter().filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    /// What a CTAP 2.0 key answers at the least, and one with every kind of member.
    #[test]
    fn defaults_are_the_specification_s() {
        let mut body = vec![0xa2, 0x01, 0x81, 0x68];
        body.extend_from_slice(b"FIDO_2_0");
        body.extend_from_slice(&[0x03, 0x50]);
        body.extend_from_slice(&[0x11; 16]);
        let info = decode(&body).unwrap();
        assert_eq!(info.versions, ["FIDO_2_0"]);
        assert_eq!(info.aaguid, Aaguid([0x11; 16]));
        assert_eq!((info.max_msg_size, info.min_pin_length, info.max_pin_length), (1024, 4, 63));
        assert_eq!(info.authenticator_config_commands, None);
        assert!(!info.has_pin() && !info.force_pin_change && info.unknown.is_empty());
        assert_eq!(encode(), [0x04]);
    }

    fn with(key: u8, member: &[u8]) -> Result<GetInfo, CtapError> {
        let mut body = vec![0xa3, 0x01, 0x80, 0x03, 0x50];
        body.extend_from_slice(&[0; 16]);
        if key > 23 {
            body.push(0x18);
        }
        body.push(key);
        body.extend_from_slice(member);
        decode(&body)
    }

    #[test]
    fn unknown_members_are_kept_whatever_they_hold() {
        // A float, a tag and an indefinite length, none of which CTAP2 uses.
        for member in [&[0xfa, 0, 0, 0, 0][..], &[0xc0, 0x60], &[0x9f, 1, 0xff], &[0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0]] {
            let info = with(0x20, member).unwrap();
            assert_eq!(info.unknown, BTreeMap::from([(0x20, member.to_vec())]));
        }
        let info = with(0x04, &[0xa1, 0x63, b'n', b'e', b'w', 0xf5]).unwrap();
        assert_eq!(info.option("new"), Some(true));
    }

    #[test]
    fn vendor_commands_have_64_bits() {
        let info = with(0x15, &[0x82, 0x1b, 0xff, 0, 0, 0, 0, 0, 0, 1, 0x05]).unwrap();
        assert_eq!(info.vendor_prototype_config_commands, [0xff00_0000_0000_0001, 5]);
    }

    #[test]
    fn a_member_of_another_type_spoils_only_itself() {
        for (key, member) in
            [(0x05, &[0x20][..]), (0x04, &[0x80]), (0x06, &[0x60]), (0x18, &[0]), (0x0d, &[0xfa, 0, 0, 0, 0])]
        {
            let info = with(key, member).unwrap();
            assert_eq!(info.unknown, BTreeMap::from([(key.into(), member.to_vec())]), "{key:#x}");
            assert_eq!((info.max_msg_size, info.min_pin_length), (1024, 4));
        }
        let info = with(0x04, &[0xa2, 0x62, b'r', b'k', 0xf5, 0x61, b'x', 0x01]).unwrap();
        assert_eq!((info.option("rk"), info.option("x")), (Some(true), None));
        assert_eq!(with(0x06, &[0x82, 0x60, 2]).unwrap().pin_uv_auth_protocols, [2]);
    }

    #[test]
    fn an_answer_without_what_every_key_has_is_refused() {
        for body in [
            &[][..],
            &[0x80],
            &[0xa0],
            &[0xa1, 0x01],
            &[0xbf, 0xff],
            &[0xa0, 0x00],
            &[0xa2, 1, 0x80, 1, 0x80],
            &[0xa1, 3, 0x40],
        ] {
            assert!(matches!(decode(body), Err(CtapError::InvalidResponse { .. })), "{body:02x?}");
        }
    }

    #[test]
    fn an_answer_that_is_cut_short_is_refused() {
        let members =
            [(1, Value::Array(vec!["FIDO_2_3".into()])), (3, vec![1; 16].into()), (0x20, Value::Array(vec![1.into()]))];
        let whole = cbor::encode(&Value::map(members));
        assert!(decode(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(matches!(decode(&whole[..end]), Err(CtapError::InvalidResponse { .. })), "{end} bytes");
        }
    }

    /// Names of members in FIDO metadata statements, which spell getInfo in JSON with byte strings in hex.
    const NAMES: [(i64, &str); 31] = [
        (0x01, "versions"),
        (0x02, "extensions"),
        (0x03, "aaguid"),
        (0x04, "options"),
        (0x05, "maxMsgSize"),
        (0x06, "pinUvAuthProtocols"),
        (0x07, "maxCredentialCountInList"),
        (0x08, "maxCredentialIdLength"),
        (0x09, "transports"),
        (0x0a, "algorithms"),
        (0x0b, "maxSerializedLargeBlobArray"),
        (0x0c, "forcePINChange"),
        (0x0d, "minPINLength"),
        (0x0e, "firmwareVersion"),
        (0x0f, "maxCredBlobLength"),
        (0x10, "maxRPIDsForSetMinPINLength"),
        (0x11, "preferredPlatformUvAttempts"),
        (0x12, "uvModality"),
        (0x13, "certifications"),
        (0x14, "remainingDiscoverableCredentials"),
        (0x15, "vendorPrototypeConfigCommands"),
        (0x16, "attestationFormats"),
        (0x17, "uvCountSinceLastPinEntry"),
        (0x18, "longTouchForReset"),
        (0x19, "encIdentifier"),
        (0x1a, "transportsForReset"),
        (0x1b, "pinComplexityPolicy"),
        (0x1c, "pinComplexityPolicyURL"),
        (0x1d, "maxPINLength"),
        (0x1e, "encCredStoreState"),
        (0x1f, "authenticatorConfigCommands"),
    ];

    fn to_cbor(json: &Json) -> Value {
        match json {
            Json::Bool(value) => (*value).into(),
            Json::Number(number) => number.as_i64().unwrap().into(),
            Json::String(text) => text.as_str().into(),
            Json::Array(items) => Value::Array(items.iter().map(to_cbor).collect()),
            Json::Object(pairs) => Value::map(pairs.iter().map(|(name, value)| (name.as_str(), to_cbor(value)))),
            Json::Null => Value::Null,
        }
    }

    #[test]
    fn real_answers_of_ctap_2_2_and_2_3_models_are_read_whole() {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
        let data = std::env::var("KEYWRIGHT_TEST_DATA").unwrap_or_else(|_| beside.into());
        let path = std::path::Path::new(&data).join("mds/getinfo-ctap22-23.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            assert!(std::env::var_os("KEYWRIGHT_REQUIRE_ALL").is_none(), "{} is not there", path.display());
            eprintln!("SKIPPED: {} is not there", path.display());
            return;
        };
        let models: Vec<Json> = serde_json::from_str(&text).unwrap();
        assert!(!models.is_empty());
        for model in models {
            let said = model["getInfo"].as_object().unwrap();
            let members = said.iter().map(|(name, value)| {
                let (number, _) = *NAMES.iter().find(|(_, known)| known == name).unwrap();
                let value = match (number, value) {
                    (0x03 | 0x19 | 0x1c | 0x1e, Json::String(hex)) => {
                        data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap().into()
                    }
                    (_, value) => to_cbor(value),
                };
                (number, value)
            });
            let info = decode(&cbor::encode(&Value::map(members))).unwrap();
            assert!(info.unknown.is_empty());
            assert_eq!(info.aaguid.to_string(), model["aaguid"]);
            let number = |name: &str| said.get(name).and_then(Json::as_u64);
            assert_eq!(Some(info.max_msg_size as u64), number("maxMsgSize"));
            assert_eq!(Some(info.min_pin_length as u64), number("minPINLength"));
            assert_eq!(Some(info.max_pin_length as u64), number("maxPINLength"));
            assert_eq!(info.remaining_discoverable_credentials, number("remainingDiscoverableCredentials"));
            assert_eq!(info.firmware_version, number("firmwareVersion"));
            assert_eq!(info.uv_modality, number("uvModality"));
            assert_eq!(serde_json::json!(info.options), said["options"]);
            assert_eq!(serde_json::json!(info.versions), said["versions"]);
            assert_eq!(serde_json::json!(info.authenticator_config_commands), said["authenticatorConfigCommands"]);
            assert_eq!(info.long_touch_for_reset, said.get("longTouchForReset").and_then(Json::as_bool));
            let resets = said.get("transportsForReset").cloned().unwrap_or_else(|| Json::Array(Vec::new()));
            assert_eq!(serde_json::json!(info.transports_for_reset), resets);
        }
    }
}
