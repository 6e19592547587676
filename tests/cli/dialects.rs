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

#[test]
fn an_attestation_of_ssh_keygen_is_read_and_what_its_signature_lacks_is_told() {
    use keywright_fido::webauthn::cbor;

    let Some(path) = data::case("editors/utf8-bom.json") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let registration: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
    let object = registration["response"]["attestationObject"].as_str().unwrap();
    let object = cbor::decode(&data_encoding::BASE64URL_NOPAD.decode(object.as_bytes()).unwrap()).unwrap();
    let statement = object.get("attStmt").unwrap();
    let certificate = statement.get("x5c").unwrap().as_array().unwrap()[0].as_bytes().unwrap();
    let auth_data = cbor::encode(object.get("authData").unwrap());
    let signature = statement.get("sig").unwrap().as_bytes().unwrap();
    let mut file = Vec::new();
    for string in [b"ssh-sk-attest-v01", certificate, signature, auth_data.as_slice()] {
        file.extend(u32::try_from(string.len()).unwrap().to_be_bytes());
        file.extend(string);
    }
    file.extend([0; 8]);
    let home = Home::new();
    let attestation = home.path("id_ecdsa_sk.attestation");
    std::fs::write(&attestation, &file).unwrap();
    let verdict = home.run(&["attest", "verify", attestation.to_str().unwrap(), "--json"]).expect(7).json().remove(0);
    let aaguid = "7b1e0c5d-4f3a-42b8-9d6e-11223344aabb";
    assert_eq!((&verdict["aaguid"], &verdict["accepted"]), (&aaguid.into(), &false.into()), "{verdict}");
    assert!(verdict["reasons"].to_string().contains("client data"), "{verdict}");

    std::fs::write(&attestation, &file[..200]).unwrap();
    let cut = home.run(&["attest", "verify", attestation.to_str().unwrap()]).expect(1).stdout;
    assert!(cut.contains("an attestation of ssh-keygen, but it ends"), "{cut}");
}
