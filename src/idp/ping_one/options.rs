//! What a key is asked for and what it made, in PingOne's encodings: JSON within a string, binary members as signed bytes or base64.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

use keywright_fido::webauthn::{CredentialCreationOptions, RegistrationResponse};

/// As WebAuthn writes it (Level 3, 5.1.9), from whichever form PingOne gave.
pub(super) fn creation_options(told: Value) -> Result<CredentialCreationOptions, String> {
    let mut options = match told {
        Value::String(text) => serde_json::from_str(&text).map_err(|error| error.to_string())?,
        object => object,
    };
    for pointer in ["/challenge", "/user/id"] {
        let member = options.pointer_mut(pointer).ok_or_else(|| format!("no {pointer}"))?;
        *member = base64url(member).ok_or_else(|| format!("{pointer} is not binary"))?;
    }
    for excluded in options["excludeCredentials"].as_array_mut().into_iter().flatten() {
        excluded["id"] = base64url(&excluded["id"]).ok_or("an excluded id is not binary")?;
    }
    for parameters in options["pubKeyCredParams"].as_array_mut().into_iter().flatten() {
        if let Some(number) = parameters["alg"].as_str().and_then(|text| text.parse::<i64>().ok()) {
            parameters["alg"] = number.into();
        }
    }
    serde_json::from_value(options).map_err(|error| error.to_string())
}

/// From signed bytes, or from base64 of any alphabet.
fn base64url(value: &Value) -> Option<Value> {
    let text = match value {
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_i64().filter(|byte| (-128..256).contains(byte)).map(|byte| byte as u8);
            BASE64URL_NOPAD.encode(&bytes.iter().map(byte).collect::<Option<Vec<u8>>>()?)
        }
        Value::String(text) => text.trim_end_matches('=').replace('+', "-").replace('/', "_"),
        _ => return None,
    };
    Some(text.into())
}

/// An activation's `attestation`: JSON as text, with binary members in base64 with padding, `id` as WebAuthn has it.
pub(super) fn attestation(response: &RegistrationResponse) -> String {
    let id = &response.credential_id;
    let made = json!({
        "clientDataJSON": BASE64.encode(response.client_data_json.as_bytes()),
        "attestationObject": BASE64.encode(response.attestation_object.as_bytes()),
    });
    let raw_id = BASE64.encode(id.as_bytes());
    json!({ "id": id, "type": "public-key", "rawId": raw_id, "response": made, "clientExtensionResults": {} })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_every_form() {
        let with = |challenge: Value, user: Value, alg: Value| {
            json!({
                "rp": { "id": "auth.example.org", "name": "Example" }, "challenge": challenge, "timeout": 120_000,
                "user": { "id": user, "name": "ada", "displayName": "Ada" }, "excludeCredentials": [{ "type": "public-key", "id": [-1, 2] }],
                "pubKeyCredParams": [{ "type": "public-key", "alg": alg }], "attestation": "none",
                "authenticatorSelection": { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
            })
        };
        let bytes: Vec<i8> = (-8..8).collect();
        let unsigned: Vec<u8> = bytes.iter().map(|byte| *byte as u8).collect();
        let old = with(json!(bytes), json!([-121, 2]), json!("-7")).to_string();
        let new = with(json!(BASE64URL_NOPAD.encode(&unsigned)), json!("hwI"), json!(-7));
        let padded = with(json!(BASE64.encode(&unsigned)), json!("hwI="), json!(-7));
        let read = creation_options(Value::String(old)).unwrap();
        assert_eq!((read.challenge.as_bytes(), read.user.id.as_bytes()), (&unsigned[..], &[135, 2][..]));
        assert_eq!(read.exclude_credentials[0].id.as_bytes(), [255, 2]);
        assert_eq!(creation_options(new).unwrap(), read);
        assert_eq!(creation_options(padded).unwrap(), read);
        for wrong in [json!([300]), json!(7), json!(["a"])] {
            assert!(creation_options(with(wrong, json!("hwI"), json!(-7))).is_err());
        }
    }
}
