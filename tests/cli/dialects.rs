//! Registrations as IdPs carry them, libraries print them and editors save them.

use keywright::audit::registration::{Registration, RegistrationError};
use keywright_test_support::cli::Home;
use keywright_test_support::data;

#[test]
fn whatever_holds_an_attestation_object_is_read() {
    let Some(files) = data::cases("dialects", "json") else { return };
    let editors = ["utf16le-bom.json", "utf8-bom.json"].map(|name| data::case(&format!("editors/{name}")));
    for file in files.into_iter().chain(editors.into_iter().flatten()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let path = file.to_str().unwrap();
        let lines = Home::new().run(&["attest", "verify", path, "--json"]);
        let verdicts: Vec<_> = lines.json().into_iter().filter(|line| line["statement"].is_string()).collect();
        let count = if ["list.json", "concatenated-pretty.json"].contains(&name) { 2 } else { 1 };
        assert_eq!(verdicts.len(), count, "{name}: {lines:?}");
        for verdict in verdicts {
            assert_eq!(verdict["statement"], "valid", "{name}: {verdict}");
        }
    }
}

/// A small attestation object, and what some program makes of it.
const NONE: [u8; 39] = *b"\xa3cfmtdnonegattStmt\xa0hauthData\x45\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a";

#[test]
fn bytes_are_read_as_programs_print_them() {
    let signed: Vec<i16> = NONE.iter().map(|byte| i16::from(byte.cast_signed())).collect();
    let base64 = data_encoding::BASE64.encode(&NONE);
    let upper = data_encoding::HEXUPPER.encode(&NONE);
    for object in [
        serde_json::json!(NONE.to_vec()),
        serde_json::json!(signed),
        serde_json::json!(base64),
        serde_json::json!(upper),
        serde_json::json!({ "$binary": { "base64": base64, "subType": "00" } }),
        serde_json::json!({ "type": "Buffer", "data": NONE.to_vec() }),
    ] {
        let json = serde_json::json!({ "user": { "key": { "response": { "attestationObject": object } } } });
        // The object is read; its authenticator data is too short, which only CBOR's reader can say.
        let error = Registration::parse(json.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, RegistrationError::Webauthn(_)), "{json}: {error}");
    }
    for object in [serde_json::json!([1, 256]), serde_json::json!({ "a": 1 }), serde_json::json!(7)] {
        let json = serde_json::json!({ "attestationObject": object });
        let error = Registration::parse(json.to_string().as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "attestationObject is neither a text nor a list of bytes");
    }
}

#[test]
fn what_is_no_registration_is_called_by_its_name() {
    for (json, what) in [
        (
            r#"{"id": "x", "response": {"authenticatorData": "a", "signature": "b", "clientDataJSON": "c"}}"#,
            "a sign-in",
        ),
        (r#"{"publicKey": {"challenge": "a", "pubKeyCredParams": [], "attestation": "direct"}}"#, "the options of"),
        (r#"{"value": [{"aaGuid": "x", "attestationLevel": "attested"}]}"#, "as Microsoft Graph lists it"),
        (r#"{"id": "fuf1", "factorType": "webauthn", "profile": {"credentialId": "x"}}"#, "as Okta lists it"),
        (
            r#"{"result": {"value": {"tokens": [{"serial": "WAN1", "tokentype": "webauthn"}]}}}"#,
            "as privacyIDEA lists it",
        ),
        (r#"{"credential_id": "a", "public_key": "b", "sign_count": 1}"#, "as a server stores it"),
    ] {
        let error = Registration::parse(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what) && error.ends_with("it has no attestationObject"), "{json}: {error}");
    }
}
