//! Somebody receives a metadata BLOB: one of FIDO's, or one that was changed in one respect.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use keywright_attest::mds::{Blob, fido_roots};
use keywright_attest::{Anchors, MdsError, Metadata};
use keywright_test_support::data;
use keywright_test_support::metadata_service::{MetadataService, entry, now, payload};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::{date, datetime};

const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

fn small() -> Value {
    payload(7, json!([entry(MODEL, "Key", "FIDO_CERTIFIED_L1", &[])]))
}

fn real(name: &str) -> Option<Vec<u8>> {
    data::find(&format!("mds/{name}")).map(|path| std::fs::read(path).unwrap())
}

/// The three parts of a BLOB.
fn parts(blob: &[u8]) -> [String; 3] {
    let parts: Vec<String> = std::str::from_utf8(blob).unwrap().trim().split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn fido(bytes: Vec<u8>, at: OffsetDateTime) -> Result<Blob, MdsError> {
    Blob::signed(bytes, &fido_roots(), at)
}

#[test]
fn fidos_own_are_taken_while_their_certificates_are_valid() {
    let (Some(newer), Some(older)) = (real("mds3-no237.jwt"), real("mds3-no122.jwt")) else { return };
    let metadata = Metadata::read(&fido(newer.clone(), datetime!(2026-03-20 00:00 UTC)).unwrap()).unwrap();
    assert_eq!((metadata.id().no, metadata.next_update(), metadata.id().signed), (237, date!(2026 - 04 - 01), true));
    assert_eq!(metadata.id().signer(), "signed by FIDO");
    assert_eq!((metadata.models().len(), metadata.uaf_entries()), (405, 35));
    assert_eq!(metadata.unreadable(), []);
    let bio = metadata.model("d8522d9f-575b-4866-88a9-ba99fa02f35b".parse().unwrap()).unwrap();
    assert_eq!((bio.name.as_str(), bio.firmware), ("YubiKey Bio Series - FIDO Edition", Some(328_965)));
    assert_eq!(metadata.days_overdue(datetime!(2026-04-01 23:59 UTC)), 0);
    assert_eq!(metadata.days_overdue(datetime!(2026-04-03 00:00 UTC)), 2);

    let metadata = Metadata::read(&fido(older.clone(), datetime!(2024-12-20 00:00 UTC)).unwrap()).unwrap();
    assert_eq!((metadata.id().no, metadata.models().len() + metadata.uaf_entries()), (122, 281));

    let from = date!(2025 - 07 - 25);
    for (at, day) in [
        (datetime!(2025-07-24 00:00 UTC), date!(2025 - 07 - 24)),
        (datetime!(2026-11-23 00:00 UTC), date!(2026 - 11 - 23)),
    ] {
        let error = fido(newer.clone(), at).unwrap_err();
        assert_eq!(error, MdsError::NotValid { at: day, from, until: date!(2026 - 08 - 26) });
    }
    assert!(matches!(fido(older, datetime!(2026-03-20 00:00 UTC)), Err(MdsError::NotValid { .. })));
}

#[test]
fn fidos_roots_are_these_two() {
    let fingerprints: Vec<String> =
        fido_roots().iter().map(|root| data_encoding::HEXLOWER.encode(&Sha256::digest(&root.der))).collect();
    assert_eq!(
        fingerprints,
        [
            "cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b",
            "4fa3126d8d3a11d1c4855a4f807cbad6cf919d3a5a88b03bea2c6372d93c40c9",
        ]
    );
}

#[test]
fn fidos_own_changed_in_one_respect_is_refused() {
    let Some(blob) = real("mds3-no237.jwt") else { return };
    let at = datetime!(2026-03-20 00:00 UTC);
    let [header, payload, signature] = parts(&blob);
    let refused = |parts: [&str; 3]| fido(parts.join(".").into_bytes(), at).unwrap_err();

    let other = |text: &str| format!("{}{}", if text.starts_with('A') { "B" } else { "A" }, &text[1..]);
    assert_eq!(refused([&header, &payload, &other(&signature)]), MdsError::Signature);
    let mut changed = BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
    let no = changed.windows(8).position(|window| window == b"\"no\":237").unwrap();
    changed[no + 5] = b'9';
    assert_eq!(refused([&header, &BASE64URL_NOPAD.encode(&changed), &signature]), MdsError::Signature);
    assert_eq!(refused([&header, &payload, ""]), MdsError::Signature);

    let read: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(header.as_bytes()).unwrap()).unwrap();
    let with = |member: &str, value: Value| {
        let mut header = read.clone();
        header[member] = value;
        BASE64URL_NOPAD.encode(header.to_string().as_bytes())
    };
    // The order of certificates is looked at before the signature, so that its own error is told.
    let (leaf, issuer) = (read["x5c"][0].clone(), read["x5c"][1].clone());
    assert_eq!(refused([&with("x5c", json!([issuer, leaf])), &payload, &signature]), MdsError::Order);
    assert!(matches!(refused([&with("x5c", json!([leaf])), &payload, &signature]), MdsError::Untrusted(_)));
    // A header that says the same in other words is not what was signed.
    assert_eq!(refused([&with("typ", "jwt".into()), &payload, &signature]), MdsError::Signature);
}

#[test]
fn another_ones_and_a_self_made_one_are_told_apart_from_fidos() {
    let service = MetadataService::new();
    let blob = Blob::signed(service.sign(&small()), &service.roots(), now()).unwrap();
    assert!(blob.is_signed());
    assert_eq!(Metadata::read(&blob).unwrap().id().no, 7);
    let with_newline = [&service.sign(&small())[..], b"\n"].concat();
    assert!(Blob::signed(with_newline, &service.roots(), now()).is_ok());

    let untrusted = |roots: &Anchors| Blob::signed(service.sign(&small()), roots, now()).unwrap_err();
    assert!(matches!(untrusted(&fido_roots()), MdsError::Untrusted(_)));
    assert!(matches!(untrusted(&Anchors::none()), MdsError::Untrusted(_)));
    let namesake = MetadataService::new();
    assert!(matches!(untrusted(&namesake.roots()), MdsError::Untrusted(_)), "a root of the same name");
}

#[test]
fn one_change_to_the_header() {
    let service = MetadataService::new();
    let refused = |member: &str, value: Value| {
        let mut header = service.header();
        header[member] = value;
        Blob::signed(service.sign_with(&header, &small()), &service.roots(), now()).unwrap_err()
    };
    for algorithm in ["none", "HS256", "RS384", "PS256", "es256", ""] {
        assert_eq!(refused("alg", algorithm.into()), MdsError::Algorithm(algorithm.into()));
    }
    // The key is one for ES256.
    assert_eq!(refused("alg", "RS256".into()), MdsError::Signature);
    let [leaf, issuer] = &service.x5c[..] else { panic!() };
    let root = service.root.der().to_vec();
    let x5c = |certificates: &[&Vec<u8>]| certificates.iter().map(|der| BASE64.encode(der)).collect::<Vec<_>>().into();
    assert_eq!(refused("x5c", x5c(&[issuer, leaf])), MdsError::Order);
    assert_eq!(refused("x5c", x5c(&[leaf, &root, issuer])), MdsError::Order);
    assert_eq!(refused("x5c", x5c(&[leaf, leaf, issuer])), MdsError::Order);
    assert!(matches!(refused("x5c", x5c(&[leaf])), MdsError::Untrusted(_)));
    assert!(matches!(refused("x5c", json!([])), MdsError::Malformed(_)));
    assert!(matches!(refused("x5c", json!(["*"])), MdsError::Malformed(_)));
    assert!(matches!(refused("x5c", json!(["MAA="])), MdsError::Malformed(_)));
    assert!(matches!(refused("crit", json!(["b64"])), MdsError::Malformed(_)));

    let mut with_root = service.header();
    with_root["x5c"] = x5c(&[leaf, issuer, &root]);
    assert!(Blob::signed(service.sign_with(&with_root, &small()), &service.roots(), now()).is_ok());
}

#[test]
fn the_signer_has_fidos_name() {
    for name in ["mds3.fidoalliance.org", "fidoalliance.org", "mds.fidoalliance.org.example.com", "*.fidoalliance.com"]
    {
        let service = MetadataService::called(name);
        assert_eq!(
            Blob::signed(service.sign(&small()), &service.roots(), now()).unwrap_err(),
            MdsError::Name,
            "{name}"
        );
    }
}

#[test]
fn dates_are_those_of_the_moment_that_is_given() {
    let service = MetadataService::new();
    let blob = |at| Blob::signed(service.sign(&small()), &service.roots(), at);
    assert!(blob(datetime!(2025-01-01 00:00 UTC)).is_ok());
    assert!(blob(datetime!(2099-12-31 23:59 UTC)).is_ok());
    let (from, until) = (date!(2025 - 01 - 01), date!(2100 - 01 - 01));
    for at in [datetime!(2024-12-31 23:59 UTC), datetime!(2100-01-02 00:00 UTC)] {
        assert_eq!(blob(at).unwrap_err(), MdsError::NotValid { at: at.date(), from, until });
    }
}

#[test]
fn what_is_no_jws_is_refused() {
    let service = MetadataService::new();
    let whole = String::from_utf8(service.sign(&small())).unwrap();
    let [header, body, signature] = parts(whole.as_bytes());
    let refused = |text: &str| Blob::signed(text.as_bytes().to_vec(), &service.roots(), now()).unwrap_err();
    for text in [
        "",
        "a.b",
        "a.b.c",
        &format!("{whole}."),
        &format!("{whole}.{signature}"),
        &format!("{header}.{body}.{signature}="),
        &format!("{header}. {body}.{signature}"),
        &whole.replacen('.', "\n.", 1),
    ] {
        let error = refused(text);
        assert!(matches!(error, MdsError::Malformed(_) | MdsError::Signature), "{text}: {error}");
    }
    assert_eq!(refused(&whole[..whole.len() - 42]), MdsError::Signature);
    assert_eq!(refused(&small().to_string()), MdsError::Unsigned);
}

#[test]
fn an_unsigned_one_is_taken_where_somebody_asks_for_it_and_says_so() {
    let service = MetadataService::new();
    for bytes in [small().to_string().into_bytes(), service.sign(&small())] {
        let blob = Blob::unsigned(bytes).unwrap();
        let metadata = Metadata::read(&blob).unwrap();
        assert!(!blob.is_signed() && !metadata.id().signed);
        assert_eq!(metadata.model(MODEL.parse().unwrap()).unwrap().name, "Key");
    }
    assert!(matches!(Blob::unsigned(b"hello".to_vec()), Err(MdsError::Malformed(_))));
}
