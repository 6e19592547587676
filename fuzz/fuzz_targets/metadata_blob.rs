//! A metadata BLOB: the first byte says how the others are meant.

#![no_main]

use std::sync::{Arc, LazyLock};

use keywright_attest::mds::Blob;
use keywright_attest::{Anchors, Chain, Judge, Metadata};
use keywright_fido::webauthn::Aaguid;
use keywright_fuzz::maker::MAKER;
use keywright_fuzz::metadata_service::{MetadataService, entry, now, payload};
use keywright_fuzz::testing::{self, CLIENT_DATA_HASH};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const GOOD: Aaguid = Aaguid([0xee; 16]);

static SERVICE: LazyLock<MetadataService> = LazyLock::new(MetadataService::new);
static ROOTS: LazyLock<Anchors> = LazyLock::new(|| SERVICE.roots());
static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| SERVICE.sign(&payload(7, json!([good()]))));

fuzz_target!(|input: (u8, &[u8])| {
    let (meaning, bytes) = input;
    match meaning % 4 {
        0 => a_blob(bytes.to_vec()),
        1 => a_signed_blob_with_changes(bytes),
        2 => a_payload(bytes),
        _ => entries_beside_a_good_one(bytes),
    }
});

fn good() -> Value {
    entry(&GOOD.to_string(), "Good", "FIDO_CERTIFIED_L1", &[MAKER.root.der()])
}

/// Nobody else has the service's keys.
fn a_blob(bytes: Vec<u8>) {
    assert!(Blob::signed(bytes, &ROOTS, now()).is_err());
}

/// Bytes at offsets are exchanged: three bytes each, the offset first.
fn a_signed_blob_with_changes(changes: &[u8]) {
    let mut bytes = SIGNED.clone();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] = change[2];
    }
    let unchanged = bytes == *SIGNED;
    match Blob::signed(bytes, &ROOTS, now()) {
        Ok(blob) => {
            let expected = payload(7, json!([good()])).to_string();
            assert_eq!(std::str::from_utf8(blob.payload()), Ok(expected.as_str()));
        }
        Err(error) => assert!(!unchanged, "{error}"),
    }
}

/// Whatever it says, a model's keys are trusted only if it lists the key that issued their certificates.
fn a_payload(bytes: &[u8]) {
    let Ok(blob) = Blob::unsigned(bytes.to_vec()) else { return };
    assert!(!blob.is_signed());
    let Ok(metadata) = Metadata::read(&blob).map(Arc::new) else { return };
    assert!(!metadata.id().signed);
    let root = &MAKER.root.key().public_key_raw()[1..];
    let lists_it =
        |model| metadata.anchors(model).iter().any(|anchor| anchor.der.windows(64).any(|bytes| bytes == root));
    let listed = metadata.model(testing::MODEL).is_some_and(lists_it);
    let judge = Judge::new(Anchors::none()).with_metadata(metadata.clone());
    let verdict = judge.judge(&MAKER.good_packed(), Some(&CLIENT_DATA_HASH), None, now());
    assert!(listed || verdict.chain != Chain::Trusted, "{verdict:#?}");
    assert!(verdict.metadata.is_some_and(|id| !id.signed));
}

/// An entry that cannot be read never loses another.
fn entries_beside_a_good_one(bytes: &[u8]) {
    let Ok(Value::Array(mut entries)) = serde_json::from_slice(bytes) else { return };
    entries.push(good());
    let number = entries.len();
    let document = payload(7, Value::Array(entries)).to_string();
    let blob = Blob::unsigned(document.into_bytes()).expect("a document is taken where somebody asks for it");
    let metadata = Metadata::read(&blob).expect("entries that cannot be read are no reason to refuse the rest");
    assert!(metadata.model(GOOD).is_some());
    assert!(metadata.models().len() + metadata.uaf_entries() <= number);
}
