//! Registrations as IdPs carry them and libraries print them, for whatever is not written as WebAuthn's JSON.
//!
//! | found in | what is different |
//! |---|---|
//! | Microsoft Graph, Zitadel, wrappers of one's own | the registration is a member, or JSON in a text |
//! | Okta | `attestation` and `clientData` |
//! | privacyIDEA | `regdata` and `clientdata` |
//! | Python, Go, Rust | `attestation_object`, `client_data_json` |
//! | JavaScript, Java, MongoDB | bytes as hex, lists of numbers, `Buffer`, objects with numbered members, `$binary` |
//!
//! It refuses what has no attestation object in it, and says what that is if it is known.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Parts, RegistrationError, bytes};

/// Names of the attestation object, as [`plain`] writes them. Those after the first count only beside client data: they are
/// names of other things, too.
const ATTESTATION_OBJECT: [&str; 3] = ["attestationobject", "attestation", "regdata"];
const CLIENT_DATA: [&str; 2] = ["clientdatajson", "clientdata"];

/// Objects in objects that are looked into.
const DEPTH: usize = 5;

/// The parts of a registration, wherever they are in a JSON object.
pub(super) fn read(json: &[u8]) -> Result<Parts, RegistrationError> {
    let document: Value = serde_json::from_slice(json).map_err(|error| RegistrationError::Json(error.to_string()))?;
    let Some(found) = find(&document, DEPTH) else {
        return Err(recognised(&document).map_or(RegistrationError::NoAttestationObject, RegistrationError::Recognised));
    };
    let (object, client_data) = parts(&found.members).ok_or(RegistrationError::NoAttestationObject)?;
    let client_data = match client_data {
        Some(Value::String(text)) if text.starts_with('{') => Some(text.clone().into_bytes()),
        Some(value) => Some(octets("clientDataJSON", value)?),
        None => None,
    };
    let id = found.id.as_ref().map(|id| octets("id", id)).transpose()?;
    Ok(Parts { object: octets("attestationObject", object)?, client_data, id, reported_firmware: None })
}

/// Members with an attestation object among them, and the id that stands beside a `response`.
struct Found<'a> {
    members: Cow<'a, Map<String, Value>>,
    id: Option<Value>,
}

fn find(value: &Value, depth: usize) -> Option<Found<'_>> {
    let members = match value {
        Value::Object(members) => Cow::Borrowed(members),
        Value::String(text) if text.trim_start().starts_with('{') => Cow::Owned(serde_json::from_str(text).ok()?),
        _ => return None,
    };
    if parts(&members).is_some() {
        return Some(Found { members, id: None });
    }
    members.iter().filter(|_| depth > 0).find_map(|(name, value)| {
        let mut found = find(value, depth - 1)?;
        if plain(name) == "response" && found.id.is_none() {
            found.id = ["rawId", "raw_id", "id"].iter().find_map(|name| members.get(*name)).cloned();
        }
        // What was found may be borrowed from a text that was read here.
        Some(Found { members: Cow::Owned(found.members.into_owned()), id: found.id })
    })
}

/// The attestation object, and the client data if it was kept.
fn parts(members: &Map<String, Value>) -> Option<(&Value, Option<&Value>)> {
    let member = |known: &[&str]| known.iter().find_map(|known| members.iter().find(|(name, _)| plain(name) == *known));
    let client_data = member(&CLIENT_DATA).map(|(_, value)| value);
    let names = if client_data.is_some() { &ATTESTATION_OBJECT[..] } else { &ATTESTATION_OBJECT[..1] };
    member(names).map(|(_, object)| (object, client_data))
}

/// A member's name without regard to how it is written.
fn plain(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '_' | '-')).map(|char| char.to_ascii_lowercase()).collect()
}

/// Bytes as programs print them.
fn octets(member: &'static str, value: &Value) -> Result<Vec<u8>, RegistrationError> {
    let listed = match value {
        Value::String(text) => return bytes(member, text),
        Value::Array(list) => list.iter().map(octet).collect(),
        Value::Object(members) => {
            if let Some(inner) = ["data", "$binary", "base64"].iter().find_map(|name| members.get(*name)) {
                return octets(member, inner);
            }
            (0..members.len()).map(|at| members.get(&at.to_string()).and_then(octet)).collect()
        }
        _ => None,
    };
    listed.ok_or(RegistrationError::NoBytes { member })
}

/// One byte; Java's are signed.
fn octet(number: &Value) -> Option<u8> {
    let number = number.as_i64()?;
    u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
}

/// What a document is that holds no registration.
fn recognised(document: &Value) -> Option<&'static str> {
    let names = names(document, DEPTH);
    let has = |all: &[&str]| all.iter().all(|one| names.iter().any(|name| name == one));
    Some(match () {
        () if has(&["authenticatordata", "signature"]) => "the answer to a sign-in",
        () if has(&["challenge", "pubkeycredparams"]) => "the options of a registration, which no key has answered",
        () if has(&["aaguid", "attestationlevel"]) => "a key as Microsoft Graph lists it (fido2AuthenticationMethod)",
        () if has(&["factortype"]) => "a factor as Okta lists it",
        () if has(&["tokentype", "serial"]) => "a token as privacyIDEA lists it",
        () if has(&["credentialid", "publickey"]) => "a credential as a server stores it",
        () => return None,
    })
}

fn names(value: &Value, depth: usize) -> Vec<String> {
    match value {
        Value::Object(members) if depth > 0 => {
            members.iter().flat_map(|(name, value)| [vec![plain(name)], names(value, depth - 1)].concat()).collect()
        }
        Value::Array(list) if depth > 0 => list.iter().take(8).flat_map(|value| names(value, depth - 1)).collect(),
        _ => Vec::new(),
    }
}
