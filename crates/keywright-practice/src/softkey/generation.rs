//! Makes OpenSK pass for an older or a newer key: in what getInfo says, and in which commands exist.
//!
//! Pure: messages in, messages out. It refuses to touch what OpenSK computes; members are only left out or added.

use serde::{Deserialize, Serialize};

use keywright_fido::webauthn::cbor::{self, Value};

/// CTAP1_ERR_INVALID_COMMAND
const INVALID_COMMAND: u8 = 0x01;
/// CTAP1_ERR_INVALID_PARAMETER
const INVALID_PARAMETER: u8 = 0x02;
/// CTAP2_ERR_PIN_AUTH_INVALID
const PIN_AUTH_INVALID: u8 = 0x33;

pub(super) const MAKE_CREDENTIAL: u8 = 0x01;
pub(super) const GET_ASSERTION: u8 = 0x02;
pub(super) const GET_INFO: u8 = 0x04;
pub(super) const CLIENT_PIN: u8 = 0x06;
pub(super) const RESET: u8 = 0x07;
const GET_NEXT_ASSERTION: u8 = 0x08;
pub(super) const CREDENTIAL_MANAGEMENT: u8 = 0x0a;
const CREDENTIAL_MANAGEMENT_PREVIEW: u8 = 0x41;

/// The generation of keys that a soft key passes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Generation {
    /// None: CTAP 2.1, as OpenSK is.
    #[serde(rename = "ctap-2.1")]
    None,
    /// CTAP 2.0: PIN protocol 1, legacy tokens, no credential management, no config, no selection.
    #[serde(rename = "ctap-2.0")]
    Ctap20,
    /// FIDO_2_1_PRE: as 2.0, with the credential management preview (command 0x41).
    #[serde(rename = "ctap-2.1-pre")]
    Ctap21Pre,
    /// CTAP 2.3: getInfo members 0x16 to 0x1F, and a member (0x20) and an option that no specification knows.
    #[serde(rename = "ctap-2.3")]
    Ctap23,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Answered with this status byte alone.
    Refuse(u8),
    /// OpenSK gets it in this form, and its answer goes out as said.
    Forward { request: Vec<u8>, answer: Answer },
}

/// What becomes of OpenSK's answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    AsItIs,
    /// Through [`Generation::get_info`].
    GetInfo,
    /// Through [`keep_members`] with this limit.
    Members(i64),
}

impl Generation {
    /// Whether a token from getPinToken (0x05) opens everything until the power goes, as it did before CTAP 2.1.
    pub(super) fn has_legacy_tokens(self) -> bool {
        matches!(self, Self::Ctap20 | Self::Ctap21Pre)
    }

    /// Decides on a request: its command byte and CBOR.
    pub(super) fn request(self, message: &[u8]) -> Request {
        let pass = |answer| Request::Forward { request: message.to_vec(), answer };
        let Some((&command, parameters)) = message.split_first() else { return pass(Answer::AsItIs) };
        if !self.has_legacy_tokens() {
            return pass(if command == GET_INFO && self == Self::Ctap23 { Answer::GetInfo } else { Answer::AsItIs });
        }
        match command {
            GET_INFO => pass(Answer::GetInfo),
            RESET | GET_NEXT_ASSERTION => pass(Answer::AsItIs),
            MAKE_CREDENTIAL => legacy_request(command, parameters, Legacy { members: 9, protocol: 9 }),
            GET_ASSERTION => legacy_request(command, parameters, Legacy { members: 7, protocol: 7 }),
            CLIENT_PIN => match cbor::decode(parameters) {
                Ok(map) if number(&map, 2).is_some_and(|subcommand| subcommand > 5) => {
                    Request::Refuse(INVALID_PARAMETER)
                }
                Ok(map) if number(&map, 1).is_some_and(|protocol| protocol != 1) => Request::Refuse(INVALID_PARAMETER),
                // Member 4, powerCycleState, came with 2.1.
                _ => pass(Answer::Members(3)),
            },
            CREDENTIAL_MANAGEMENT_PREVIEW if self == Self::Ctap21Pre => match cbor::decode(parameters) {
                // updateUserInformation came with 2.1.
                Ok(map) if number(&map, 1) == Some(7) => Request::Refuse(INVALID_COMMAND),
                _ => Request::Forward {
                    request: [&[CREDENTIAL_MANAGEMENT], parameters].concat(),
                    answer: Answer::AsItIs,
                },
            },
            _ => Request::Refuse(INVALID_COMMAND),
        }
    }

    /// OpenSK's answer to getInfo as this generation would give it. `random` fills what changes with each answer.
    pub(super) fn get_info(self, answer: &[u8], random: &[u8; 64]) -> Vec<u8> {
        edit(answer, |members| match self {
            Self::None => {}
            Self::Ctap20 => {
                versions(members, &[]);
                old_options(members, &[]);
                members.retain(|(key, _)| at_most(key, 6));
            }
            Self::Ctap21Pre => {
                versions(members, &["FIDO_2_1_PRE"]);
                old_options(members, &["credentialMgmtPreview"]);
                members.retain(|(key, _)| at_most(key, 10));
            }
            Self::Ctap23 => {
                versions(members, &["FIDO_2_1", "FIDO_2_3"]);
                if let Some(Value::Map(options)) = member(members, 4) {
                    options.push(("perCredMgmtRO".into(), false.into()));
                    options.push(("keywrightUnheardOf".into(), true.into()));
                }
                members.extend(newer_members(random));
            }
        })
    }
}

/// Leaves members with a number above `most` out of an answer.
pub(super) fn keep_members(answer: &[u8], most: i64) -> Vec<u8> {
    edit(answer, |members| members.retain(|(key, _)| at_most(key, most)))
}

/// The highest member of a request that CTAP 2.0 knows, and the one with pinUvAuthProtocol.
struct Legacy {
    members: i64,
    protocol: i64,
}

/// A 2.0 key does not know later members, and passes over them.
fn legacy_request(command: u8, parameters: &[u8], legacy: Legacy) -> Request {
    let mut request = vec![command];
    match cbor::decode(parameters) {
        Ok(map) if number(&map, legacy.protocol).is_some_and(|protocol| protocol != 1) => {
            return Request::Refuse(PIN_AUTH_INVALID);
        }
        Ok(Value::Map(mut members)) => {
            members.retain(|(key, _)| at_most(key, legacy.members));
            request.extend(cbor::encode(&Value::Map(members)));
        }
        // OpenSK says what is wrong with it.
        _ => request.extend_from_slice(parameters),
    }
    Request::Forward { request, answer: Answer::AsItIs }
}

/// CTAP 2.3, 6.4: members 0x16 to 0x1F, and one beyond.
fn newer_members(random: &[u8; 64]) -> [(Value, Value); 11] {
    let texts = |texts: &[&str]| Value::Array(texts.iter().map(|text| Value::from(*text)).collect());
    [
        (0x16.into(), texts(&["packed", "none"])),
        (0x17.into(), 0.into()),
        (0x18.into(), false.into()),
        (0x19.into(), random[..32].into()),
        (0x1a.into(), texts(&["usb"])),
        (0x1b.into(), false.into()),
        (0x1c.into(), b"https://keywright.example/pin".as_slice().into()),
        (0x1d.into(), 63.into()),
        (0x1e.into(), random[32..].into()),
        (0x1f.into(), Value::Array(vec![1.into(), 2.into(), 3.into()])),
        (0x20.into(), "from the future".into()),
    ]
}

/// Everything but FIDO_2_1 stays; `instead` comes last.
fn versions(members: &mut [(Value, Value)], instead: &[&str]) {
    if let Some(Value::Array(versions)) = member(members, 1) {
        versions.retain(|version| version.as_text() != Some("FIDO_2_1"));
        versions.extend(instead.iter().map(|version| Value::from(*version)));
    }
}

fn old_options(members: &mut [(Value, Value)], more: &[&str]) {
    if let Some(Value::Array(extensions)) = member(members, 2) {
        extensions.retain(|extension| matches!(extension.as_text(), Some("hmac-secret" | "credProtect")));
    }
    if let Some(Value::Map(options)) = member(members, 4) {
        options.retain(|(name, _)| matches!(name.as_text(), Some("rk" | "up" | "clientPin")));
        options.push(("plat".into(), false.into()));
        options.extend(more.iter().map(|name| (Value::from(*name), true.into())));
    }
    if let Some(protocols) = member(members, 6) {
        *protocols = Value::Array(vec![1.into()]);
    }
}

/// Changes the map after a status byte of 0. Anything else stays as it is.
pub(super) fn edit(answer: &[u8], change: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
    if let Some((0, body)) = answer.split_first()
        && let Ok(Value::Map(mut members)) = cbor::decode(body)
    {
        change(&mut members);
        return [&[0], &*cbor::encode(&Value::Map(members))].concat();
    }
    answer.to_vec()
}

pub(super) fn member(members: &mut [(Value, Value)], number: i64) -> Option<&mut Value> {
    members.iter_mut().find(|(key, _)| key.as_integer() == Some(number)).map(|(_, value)| value)
}

fn number(map: &Value, key: i64) -> Option<i64> {
    map.get(key)?.as_integer()
}

fn at_most(key: &Value, most: i64) -> bool {
    key.as_integer().is_some_and(|number| number <= most)
}
