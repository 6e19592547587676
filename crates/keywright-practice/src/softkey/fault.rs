//! Faults that firmware of other makers was seen to have, for a soft key to have them: `keywright_fido::ctap::quirks` says which.
//!
//! Pure: a request and OpenSK's answer in, the faulty answer out. It refuses to spoil what OpenSK has stored: only what is said
//! is wrong.

use serde::{Deserialize, Serialize};

use super::generation::{CREDENTIAL_MANAGEMENT, GET_ASSERTION, GET_INFO, MAKE_CREDENTIAL, edit, member};
use keywright_fido::webauthn::cbor::{self, Value};

const CONFIG: u8 = 0x0d;
const GET_CREDS_METADATA: i64 = 1;
const OK: u8 = 0x00;
const NO_CREDENTIALS: u8 = 0x2e;
const PIN_BLOCKED: u8 = 0x32;

/// One fault of a firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// While it is locked, a silent getAssertion for a credential of its own is answered with one that does not exist, without
    /// flags and with a signature that nobody made.
    DummyAssertion,
    /// A silent getAssertion without a PIN is answered as if a PIN had blocked.
    SilentPinBlocked,
    /// Credential management answers OK and nothing else where it should say that there are no credentials.
    EmptyOk,
    /// While it is locked, getInfo says that `alwaysUv` is on, whatever is so.
    AlwaysUvShownOn,
    /// Its random source gives the same bytes after each start, as that of every other such key.
    NoRandomness,
    /// Each credential of it has one and the same user handle, whoever it is for, when it lists them or signs.
    ConstantUserHandle,
}

impl Fault {
    /// What the key answers instead. It is locked until a request that showed a PIN/UV auth token was done, in each power cycle.
    pub(super) fn answer(self, request: &[u8], answer: Vec<u8>, locked: bool) -> Vec<u8> {
        let Some((&command, parameters)) = request.split_first() else { return answer };
        let parameters = cbor::decode(parameters).unwrap_or(Value::Null);
        let silent = command == GET_ASSERTION && is_silent(&parameters) && parameters.get(6).is_none();
        match self {
            Self::DummyAssertion if silent && locked && answer.first() == Some(&OK) => dummy(&answer),
            Self::SilentPinBlocked if silent => vec![PIN_BLOCKED],
            Self::EmptyOk if command == CREDENTIAL_MANAGEMENT && says_none(&parameters, &answer) => vec![OK],
            Self::AlwaysUvShownOn if command == GET_INFO && locked => edit(&answer, |members| {
                if let Some(Value::Map(options)) = member(members, 4) {
                    let always_uv = options.iter_mut().find(|(name, _)| name.as_text() == Some("alwaysUv"));
                    always_uv.into_iter().for_each(|(_, on)| *on = true.into());
                }
            }),
            Self::ConstantUserHandle if matches!(command, GET_ASSERTION | CREDENTIAL_MANAGEMENT) => {
                let user = if command == GET_ASSERTION { 4 } else { 6 };
                edit(&answer, |members| {
                    if let Some(Value::Map(user)) = member(members, user) {
                        let id = user.iter_mut().find(|(name, _)| name.as_text() == Some("id"));
                        id.into_iter().for_each(|(_, id)| *id = [0_u8; 8].as_slice().into());
                    }
                })
            }
            _ => answer,
        }
    }
}

/// Whether a request shows a token, by the member of its command that has pinUvAuthParam.
pub(super) fn shows_token(request: &[u8]) -> bool {
    let Some((&command, parameters)) = request.split_first() else { return false };
    let proof = match command {
        MAKE_CREDENTIAL => 8,
        GET_ASSERTION => 6,
        CREDENTIAL_MANAGEMENT | CONFIG => 4,
        _ => return false,
    };
    cbor::decode(parameters).is_ok_and(|map| map.get(proof).is_some())
}

fn is_silent(parameters: &Value) -> bool {
    parameters.get(5).and_then(|options| options.get("up")?.as_bool()) == Some(false)
}

/// The same members with nothing true in them.
fn dummy(answer: &[u8]) -> Vec<u8> {
    edit(answer, |members| {
        if let Some(credential) = member(members, 1) {
            *credential = Value::map([("id", Value::from([0xd0_u8; 32].as_slice())), ("type", "public-key".into())]);
        }
        if let Some(Value::Bytes(data)) = member(members, 2) {
            // Flags and counter.
            data[32..].fill(0);
        }
        if let Some(signature) = member(members, 3) {
            *signature = [0x30_u8, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01].as_slice().into();
        }
    })
}

/// Whether the right answer is that there are none.
fn says_none(parameters: &Value, answer: &[u8]) -> bool {
    let number = |value: &Value, key: i64| value.get(key).and_then(Value::as_integer);
    if answer == [NO_CREDENTIALS] {
        return true;
    }
    number(parameters, 1) == Some(GET_CREDS_METADATA)
        && answer.split_first().is_some_and(|(status, body)| {
            *status == OK && cbor::decode(body).is_ok_and(|members| number(&members, 1) == Some(0))
        })
}
