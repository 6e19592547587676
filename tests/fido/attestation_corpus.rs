//! Attestation objects of real keys, of public test suites and of the specification, each against what is said of it.

use keywright_test_support::data;
use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use keywright_attest::mds::{Blob, fido_roots};
use keywright_attest::{AnchorKind, Anchors, Chain, Exposure, Judge, Metadata, Statement, Verdict};
use keywright_fido::webauthn::{Aaguid, AttestationObject, ClientDataJson, WebauthnError, cbor};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::{date, datetime};

/// 2026-11-01T00:00:00Z
const WHEN: i64 = 1_793_491_200;

/// Objects that their index calls valid, or says nothing against, and that are refused here before any judgement: the strict
/// reader asks for definite lengths, for `alg` in the credential's key, and for nothing after what the flags announce.
const UNREADABLE: [(&str, &str); 8] = [
    ("self-packed-00010203-6e00123f.json", "an indefinite length"),
    ("self-packed-00010203-9cb5230f.json", "an indefinite length"),
    ("synthetic-fido-u2f-00000000-81c4edbf.json", "an indefinite length"),
    ("synthetic-fido-u2f-00010203-46cb4882.json", "an indefinite length"),
    ("synthetic-fido-u2f-00010203-b3db194b.json", "an indefinite length"),
    ("synthetic-fido-u2f-00000000-e917a299.json", "alg (3) is missing"),
    ("synthetic-packed-326adcf0-a007d43d.json", "no flag announces"),
    ("synthetic-packed-326adcf0-e797555c.json", "no flag announces"),
];

fn index() -> Option<Vec<Value>> {
    data::json("attestations/INDEX.json").map(|index| index.as_array().unwrap().clone())
}

fn text<'a>(entry: &'a Value, pointer: &str) -> &'a str {
    entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn verdict(file: &str, judge: &Judge) -> Result<Verdict, WebauthnError> {
    let sample = data::json(&format!("attestations/{file}")).unwrap();
    let binary = |name: &str| sample[name].as_str().map(|text| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap());
    let bytes = binary("attestationObject").unwrap();
    let object = match sample["ctap2_keys"].as_bool().unwrap() {
        // What the authenticator answered, with CTAP's integer keys.
        true => AttestationObject::from_ctap(&cbor::decode(&bytes)?)?,
        false => AttestationObject::parse(&bytes)?,
    };
    let hash = binary("clientDataJSON").map(|bytes| ClientDataJson::from_bytes(bytes).hash());
    Ok(judge.judge(&object, hash.as_ref(), None, OffsetDateTime::from_unix_timestamp(WHEN).unwrap()))
}

#[test]
fn every_statement_is_worth_what_the_index_says() {
    let Some(index) = index() else { return };
    let judge = Judge::new(Anchors::none());
    for entry in &index {
        let (file, expected) = (text(entry, "/file"), text(entry, "/expected/statement"));
        let unreadable = UNREADABLE.iter().find(|(name, _)| *name == file);
        match (verdict(file, &judge), unreadable) {
            (Ok(verdict), None) => {
                let expected = match (expected, text(entry, "/kind")) {
                    ("valid", "self-attestation") => Statement::SelfSigned,
                    ("valid", _) => Statement::Valid,
                    ("invalid", _) => Statement::Invalid,
                    ("unknown-no-clientData", _) => Statement::Unverified,
                    other => panic!("{file}: the index has a new word: {other:?}"),
                };
                assert_eq!(verdict.statement, expected, "{file}: {:?}", verdict.reasons);
                assert_eq!(verdict.fmt, text(entry, "/format"), "{file}");
                let signed =
                    if verdict.fmt == "fido-u2f" { Aaguid::ZERO } else { text(entry, "/aaguid").parse().unwrap() };
                assert_eq!(verdict.aaguid, signed, "{file}");
            }
            (Err(error), Some((_, words))) => assert!(error.to_string().contains(words), "{file}: {error}"),
            (Err(error), None) => assert_eq!(expected, "invalid", "{file}: {error}"),
            (Ok(verdict), Some(_)) => panic!("{file} was read: {verdict:?}"),
        }
    }
    assert_eq!(index.len(), 146);
}

#[test]
fn yubicos_keys_lead_to_yubicos_roots() {
    let Some(index) = index() else { return };
    let mut anchors = Anchors::none();
    for file in ["yubico-ca-certs.txt", "yubico-ca-1.pem", "yubico-fido-ca-1.pem", "yubico-fido-ca-2.pem"] {
        let Some(path) = data::find(&format!("roots/{file}")) else { return };
        anchors.merge(Anchors::from_pem_or_der(&std::fs::read(path).unwrap()).unwrap());
    }
    let (judge, mut trusted) = (Judge::new(anchors), 0);
    for entry in &index {
        let file = text(entry, "/file");
        let Ok(verdict) = verdict(file, &judge) else { continue };
        let yubicos = verdict.subject.as_deref().is_some_and(|subject| subject.contains("Yubico"));
        match (yubicos, text(entry, "/expected/mds_chain")) {
            (true, "trusted") => {
                assert_eq!(verdict.chain, Chain::Trusted, "{file}: {:?}", verdict.reasons);
                assert_eq!(verdict.anchor.unwrap().kind, AnchorKind::Root, "{file}");
                trusted += 1;
            }
            (_, "") => assert_eq!(verdict.chain, Chain::NotChecked, "{file}"),
            (false, _) | (_, "untrusted") => assert_eq!(verdict.chain, Chain::Untrusted, "{file}"),
            // A model that metadata does not know may have a Yubico root all the same.
            (true, _) => {}
        }
    }
    assert_eq!(trusted, 52);
}

#[test]
fn certificates_of_the_field_tell_firmware_and_transports() {
    let Some(_) = index() else { return };
    let judge = Judge::new(Anchors::none());
    let bio = verdict("real-packed-d8522d9f-0f9a7f88.json", &judge).unwrap();
    assert!(bio.firmware.unwrap().to_string().starts_with("5.5."), "{bio:?}");
    let nfc = verdict("real-packed-2fc0579f-030bfd4e.json", &judge).unwrap();
    assert_eq!((nfc.firmware, nfc.transports), (None, vec!["usb".to_owned(), "nfc".to_owned()]));
    let lightning = verdict("real-packed-c5ef55ff-05251309.json", &judge).unwrap();
    assert!(lightning.transports.contains(&"lightning".to_owned()), "{lightning:?}");
}

#[test]
fn the_vectors_of_the_specification() {
    let Some(document) = data::json("w3c/webauthn-l3-test-vectors.json") else { return };
    let hex = |value: &Value| data_encoding::HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap();
    let (mut judge, mut verdicts) = (Judge::new(Anchors::none()), Vec::new());
    for vector in document["vectors"].as_array().unwrap() {
        if vector["values"]["attestation_ca_cert"].is_string() {
            let anchors = Anchors::from_pem_or_der(&hex(&vector["values"]["attestation_ca_cert"])).unwrap();
            judge = Judge::new(anchors);
        }
        let registration = &vector["registration"];
        if registration.is_object() {
            let object = AttestationObject::parse(&hex(&registration["attestationObject"])).unwrap();
            let hash = ClientDataJson::from_bytes(hex(&registration["clientDataJSON"])).hash();
            let when = OffsetDateTime::from_unix_timestamp(WHEN).unwrap();
            verdicts.push((text(vector, "/title"), judge.judge(&object, Some(&hash), None, when)));
        }
    }
    for (title, verdict) in &verdicts {
        let expected = match verdict.fmt.as_str() {
            "none" => (Statement::None, Chain::NotChecked),
            "packed" if title.contains("Self") => (Statement::SelfSigned, Chain::NotChecked),
            "packed" | "fido-u2f" => (Statement::Valid, Chain::Trusted),
            _ => (Statement::Invalid, Chain::NotChecked),
        };
        assert_eq!((verdict.statement, verdict.chain), expected, "{title}: {:?}", verdict.reasons);
    }
    assert_eq!(verdicts.len(), 15);
}

/// FIDO's metadata number 237, on a day on which its signing certificates were valid.
fn metadata() -> Option<Metadata> {
    let blob = std::fs::read(data::find("mds/mds3-no237.jwt")?).unwrap();
    let blob = Blob::signed(blob, &fido_roots(), datetime!(2026-03-20 00:00 UTC)).unwrap();
    Some(Metadata::read(&blob).unwrap())
}

/// The index was made with number 291, and 237 already lists every model of it that 291 lists.
#[test]
fn every_chain_leads_where_the_index_says() {
    let (Some(index), Some(metadata)) = (index(), metadata()) else { return };
    let judge = Judge::new(Anchors::none()).with_metadata(metadata);
    let mut seen = BTreeMap::new();
    for entry in &index {
        let file = text(entry, "/file");
        let Ok(verdict) = verdict(file, &judge) else { continue };
        let (expected, word) = match text(entry, "/expected/mds_chain") {
            "trusted" => (Chain::Trusted, "trusted"),
            "untrusted" => (Chain::Untrusted, "untrusted"),
            "no-mds-entry" => (Chain::UnknownModel, "unknown"),
            "" => (Chain::NotChecked, "not checked"),
            other => panic!("{file}: the index has a new word: {other}"),
        };
        assert_eq!(verdict.chain, expected, "{file}: {:?}", verdict.reasons);
        assert_eq!(verdict.metadata.unwrap().no, 237);
        if expected == Chain::Trusted {
            assert!(verdict.model.is_some() && verdict.certification.is_some(), "{file}");
            assert!(!verdict.status_reports.is_empty(), "{file}");
        }
        *seen.entry(word).or_insert(0) += 1;
    }
    assert_eq!(seen, BTreeMap::from([("trusted", 55), ("untrusted", 11), ("unknown", 40), ("not checked", 21)]));
}

#[test]
fn weaknesses_of_real_keys_are_known() {
    let (Some(_), Some(metadata)) = (index(), metadata()) else { return };
    let judge = Judge::new(Anchors::none()).with_metadata(metadata);
    for (file, firmware, exposure) in [
        ("real-packed-c1f9a0bc-3bc22120.json", Some("5.4.2"), Some(Exposure::Affected)),
        ("real-packed-2fc0579f-f0dc0bbc.json", Some("5.4.3"), Some(Exposure::Affected)),
        ("real-packed-d8522d9f-0f9a7f88.json", Some("5.5.6"), Some(Exposure::Affected)),
        ("real-packed-f8a011f3-03d8a7ac.json", Some("6.0.0"), None),
        // The same models before their certificates named firmware.
        ("real-packed-2fc0579f-030bfd4e.json", None, Some(Exposure::Presumed)),
        ("real-packed-f8a011f3-2c78e8e7.json", None, Some(Exposure::Presumed)),
        // Told apart by Yubico's device id: a YubiKey 5, a Security Key, a YubiKey 4, a NEO.
        ("real-fido-u2f-00000000-76c28f34.json", None, Some(Exposure::Presumed)),
        ("real-fido-u2f-00000000-1cf506d1.json", None, Some(Exposure::Presumed)),
        ("real-fido-u2f-00000000-6f066f74.json", None, None),
        ("real-fido-u2f-00000000-01e15960.json", None, None),
        ("real-packed-e1a96183-7b3bb820.json", None, None),
    ] {
        let verdict = verdict(file, &judge).unwrap();
        let told: Vec<_> = verdict.advisories.iter().map(|advice| (advice.id.as_str(), advice.exposure)).collect();
        assert_eq!(told, exposure.map(|exposure| ("YSA-2024-03", exposure)).into_iter().collect::<Vec<_>>(), "{file}");
        assert_eq!(verdict.firmware.map(|firmware| firmware.to_string()).as_deref(), firmware, "{file}");
        let inferred = verdict.reasons.iter().any(|reason| reason.starts_with("YSA-2024-03: "));
        assert_eq!(inferred, exposure == Some(Exposure::Presumed), "{file}: {:?}", verdict.reasons);
    }
}

#[test]
fn what_metadata_says_holds_from_its_day_on() {
    let Some(metadata) = metadata() else { return };
    let revoked = metadata.model("ba86dc56-635f-4141-aef6-00227b1b9af6".parse().unwrap()).unwrap();
    let forbidden = |day| revoked.reports_on(day).any(|report| report.status.forbids());
    assert!(!forbidden(date!(2023 - 12 - 19)) && forbidden(date!(2023 - 12 - 20)));
    let forbidding = metadata.models().iter().filter(|model| model.reports.iter().any(|it| it.status.forbids()));
    assert_eq!(forbidding.count(), 1, "which is why there is a table of advisories");
}
