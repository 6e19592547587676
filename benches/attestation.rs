//! Judging attestations, beside the least that it can cost: one verification of a P-256 signature by the same library. With
//! FIDO's metadata (`../shared/data`) also what it takes to load that.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot set itself up has failed")]

use keywright_test_support::data;

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, UnparsedPublicKey};
use criterion::{Criterion, Throughput};
use data_encoding::BASE64URL_NOPAD;
use keywright::ledger::{MacPurpose, StationKey};
use keywright_attest::mds::{Blob, BlobStore, Mac, fido_roots};
use keywright_attest::{Anchors, Chain, Judge, Metadata};
use keywright_fido::webauthn::{AttestationObject, ClientDataJson};
use time::OffsetDateTime;
use time::macros::datetime;
use x509_parser::prelude::{FromDer, X509Certificate};

/// When the metadata's signing certificates were valid.
const SPRING: OffsetDateTime = datetime!(2026-03-20 00:00 UTC);

/// A YubiKey 5 NFC, packed, ES256.
const SAMPLE: &str = "attestations/real-packed-2fc0579f-030bfd4e.json";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    attestation(&mut criterion);
    criterion.final_summary();
}

fn attestation(criterion: &mut Criterion) {
    let (Some(sample), Some(blob)) = (data::json(SAMPLE), data::find("mds/mds3-no237.jwt")) else { return };
    let bytes = |name: &str| BASE64URL_NOPAD.decode(sample[name].as_str().unwrap().as_bytes()).unwrap();
    let encoded = bytes("attestationObject");
    let object = AttestationObject::parse(&encoded).unwrap();
    let hash = ClientDataJson::from_bytes(bytes("clientDataJSON")).hash();

    let message = [&object.auth_data_bytes[..], &hash].concat();
    let signature = object.att_stmt.get("sig").unwrap().as_bytes().unwrap();
    let leaf = object.att_stmt.get("x5c").unwrap().as_array().unwrap()[0].as_bytes().unwrap();
    let (_, certificate) = X509Certificate::from_der(leaf).unwrap();
    let point = certificate.public_key().subject_public_key.as_ref();

    let blob = std::fs::read(blob).unwrap();
    let metadata = Metadata::read(&Blob::signed(blob.clone(), &fido_roots(), SPRING).unwrap()).unwrap();
    let judge = Judge::new(Anchors::none()).with_metadata(metadata);
    assert_eq!(judge.judge(&object, Some(&hash), None, SPRING).chain, Chain::Trusted);

    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
    let bare = || key.verify(black_box(&message), signature).unwrap();
    let judged = |object: &AttestationObject| drop(black_box(judge.judge(object, Some(&hash), None, SPRING)));
    let decoded = || AttestationObject::parse(black_box(&encoded)).unwrap();
    let [least, judging, both] =
        least([&bare, &|| judged(black_box(&object)), &|| judged(&decoded())]).map(|time| time.as_secs_f64() * 1e6);
    println!(
        "least times: bare verify {least:.1} us; judged {judging:.1} us, {:.0} % of that rate; decoded and judged {both:.1} us, \
         {:.0} %",
        100.0 * least / judging,
        100.0 * least / both
    );

    let mut group = criterion.benchmark_group("attestation");
    group.throughput(Throughput::Elements(1));
    group.bench_function("bare P-256 verify", |bencher| {
        bencher.iter(bare);
    });
    group.bench_function("bare P-256 verify, key parsed before", |bencher| {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).unwrap();
        bencher.iter(|| key.verify_sig(black_box(&message), signature).unwrap());
    });
    group.bench_function("judged", |bencher| {
        bencher.iter(|| judged(black_box(&object)));
    });
    group.bench_function("decoded", |bencher| {
        bencher.iter(decoded);
    });
    group.bench_function("decoded and judged", |bencher| {
        bencher.iter(|| judged(&decoded()));
    });
    group.bench_function("judged for the first time", |bencher| {
        bencher.iter_with_setup(
            || Judge::new(Anchors::none()).with_metadata(Metadata::read(&small(&blob)).unwrap()),
            |fresh| fresh.judge(black_box(&object), Some(&hash), None, SPRING),
        );
    });
    group.finish();

    let mut group = criterion.benchmark_group("metadata of 7 MB");
    group.sample_size(20);
    group.bench_function("verified and read", |bencher| {
        bencher.iter_with_setup(
            || blob.clone(),
            |blob| Metadata::read(&Blob::signed(blob, &fido_roots(), SPRING).unwrap()).unwrap(),
        );
    });
    let folder = tempfile::tempdir().unwrap();
    let uncached = BlobStore::new(folder.path());
    let key = StationKey::read_or_make(&folder.path().join("station.pem")).unwrap();
    let mac = Mac::new(move |bytes| key.mac(MacPurpose::VerifiedMetadata, bytes));
    let shelf = uncached.clone().cached(mac);
    shelf.store(&Blob::signed(blob.clone(), &fido_roots(), SPRING).unwrap(), "bench", SPRING).unwrap();
    group.bench_function("verified from the shelf", |bencher| bencher.iter(|| uncached.load().unwrap().unwrap()));
    group.bench_function("loaded from the shelf", |bencher| bencher.iter(|| shelf.load().unwrap().unwrap()));
    group.finish();
}

/// The least time that each work takes, taken in turns: what else the machine does falls out of the ratios.
fn least<const N: usize>(works: [&dyn Fn(); N]) -> [Duration; N] {
    const TIMES: u32 = 50;
    let mut least = [Duration::MAX; N];
    for _ in 0..400 {
        for (work, least) in works.iter().zip(&mut least) {
            let began = Instant::now();
            (0..TIMES).for_each(|_| work());
            *least = (*least).min(began.elapsed() / TIMES);
        }
    }
    least
}

/// The metadata with the sample's model alone.
fn small(blob: &[u8]) -> Blob {
    static SMALL: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let payload = SMALL.get_or_init(|| {
        let whole = Blob::unsigned(blob.to_vec()).unwrap();
        let mut payload: serde_json::Value = serde_json::from_slice(whole.payload()).unwrap();
        let model = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
        payload["entries"].as_array_mut().unwrap().retain(|entry| entry["aaguid"] == model);
        payload.to_string().into_bytes()
    });
    Blob::unsigned(payload.clone()).unwrap()
}
