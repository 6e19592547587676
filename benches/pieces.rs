//! The pieces of a job, each alone: the key's three costly exchanges, the verdict, one event in the ledger, a PIN sealed and handed
//! over.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

#[path = "support/place.rs"]
mod place;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use data_encoding::BASE64URL_NOPAD;
use keywright::ledger::{Event, JobId, Outcome, Record, SqliteStore, Step, Store};
use keywright::secret::{AgeFiles, Delivery, PinOwner, Reader, SealedPin, Vault};
use keywright_attest::{Anchors, Chain, Judge};
use keywright_fido::ctap::{
    Authenticator, GetAssertion, MakeCredential, NewCredential, Permissions, Pin, PinUvAuthToken,
};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::{
    CeremonyType, Challenge, ClientDataJson, CoseAlgorithm, RelyingParty, RpId, UserEntity, UserHandle,
};
use keywright_practice::softkey::Rack;
use place::Place;
use time::OffsetDateTime;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    key(&mut criterion);
    ledger(&mut criterion);
    secret(&mut criterion);
    criterion.final_summary();
}

fn rp_id() -> RpId {
    "example.org".parse().unwrap()
}

fn pin() -> Pin {
    Pin::new("k7mw4xrt").unwrap()
}

fn client_data() -> ClientDataJson {
    let challenge = Challenge::new([7; 32]).unwrap();
    ClientDataJson::new(CeremonyType::Create, &challenge, &"https://example.org".parse().unwrap())
}

/// A soft key in memory that has a PIN, open.
struct Key {
    rack: Rack,
    authenticator: Authenticator,
}

impl Key {
    fn new() -> Self {
        let rack = Rack::in_memory(1).unwrap();
        let pipe = rack.key(0).open().unwrap();
        let mut authenticator = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()).unwrap();
        authenticator.set_pin(&pin()).unwrap();
        authenticator.refresh_info().unwrap();
        Self { rack, authenticator }
    }

    fn token(&mut self, permissions: Permissions) -> PinUvAuthToken {
        self.authenticator.pin_uv_auth_token(&pin(), permissions, Some(&rp_id())).unwrap()
    }

    /// Always for the same user, so that the key never gets full.
    fn make(&mut self, token: &PinUvAuthToken) -> NewCredential {
        let request = MakeCredential {
            resident_key: true,
            ..MakeCredential::new(
                client_data().hash(),
                RelyingParty { id: rp_id(), name: "Example".into() },
                UserEntity {
                    id: UserHandle::new([1]).unwrap(),
                    name: "ada@example.org".into(),
                    display_name: "Ada".into(),
                },
                vec![CoseAlgorithm::ES256],
            )
        };
        self.authenticator.make_credential(&request, Some(token), &mut |_| {}).unwrap()
    }
}

fn key(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("soft key");
    let mut key = Key::new();
    group.bench_function("getInfo", |bencher| bencher.iter(|| key.authenticator.refresh_info().unwrap().aaguid));
    group.bench_function("PIN token", |bencher| bencher.iter(|| key.token(Permissions::GET_ASSERTION)));
    group.bench_function("makeCredential", |bencher| {
        bencher.iter_custom(|times| {
            each_with(times, || {
                let token = key.token(Permissions::MAKE_CREDENTIAL);
                let began = Instant::now();
                black_box(key.make(&token));
                began.elapsed()
            })
        });
    });
    let token = key.token(Permissions::MAKE_CREDENTIAL);
    let object = key.make(&token).attestation_object;
    let made = object.auth_data.attested_credential_data.clone().expect("a new credential has its data");
    let request = GetAssertion {
        rp_id: rp_id(),
        client_data_hash: [7; 32],
        allow_list: vec![made.credential_id],
        user_presence: true,
    };
    group.bench_function("getAssertion", |bencher| {
        bencher.iter_custom(|times| {
            each_with(times, || {
                let token = key.token(Permissions::GET_ASSERTION);
                let began = Instant::now();
                black_box(key.authenticator.get_assertions(&request, Some(&token), &mut |_| {}).unwrap());
                began.elapsed()
            })
        });
    });
    group.finish();

    let judge = Judge::new(Anchors::from_pem_or_der(key.rack.anchor_pem().as_bytes()).unwrap());
    let (hash, now) = (client_data().hash(), OffsetDateTime::now_utc());
    assert_eq!(judge.judge(&object, Some(&hash), None, now).chain, Chain::Trusted);
    criterion.bench_function("trust::Judge::judge", |bencher| {
        bencher.iter(|| judge.judge(black_box(&object), Some(&hash), None, now));
    });
}

/// The sum of what `once` measures.
fn each_with(times: u64, mut once: impl FnMut() -> Duration) -> Duration {
    (0..times).map(|_| once()).sum()
}

/// One event, until the disk has it.
fn ledger(criterion: &mut Criterion) {
    let mut key = Key::new();
    let token = key.token(Permissions::MAKE_CREDENTIAL);
    let NewCredential { response, attestation_object: object, .. } = key.make(&token);
    let made = object.auth_data.attested_credential_data.clone().expect("a new credential has its data");
    let started = Event::StepStarted { job: JobId(1), step: Step::Make };
    let done = Event::StepDone {
        job: JobId(1),
        outcome: Outcome::Make {
            credential_id: made.credential_id,
            rp_id: rp_id(),
            user_handle: UserHandle::new([1]).unwrap(),
            ctap_response: Some(BASE64URL_NOPAD.encode(&response)),
            attestation_object: BASE64URL_NOPAD.encode(object.as_bytes()),
            client_data_json: BASE64URL_NOPAD.encode(client_data().as_bytes()),
            public_key: BASE64URL_NOPAD.encode(&made.public_key.bytes),
            transports: vec!["usb".into()],
        },
    };
    let mut group = criterion.benchmark_group("ledger append");
    for place in [Place::Memory, Place::Disk] {
        let folder = place.folder();
        let store =
            SqliteStore::open(&folder.path().join("ledger.sqlite3"), Box::new(OffsetDateTime::now_utc)).unwrap();
        for (name, event) in [("step begun", &started), ("credential made", &done)] {
            group.bench_function(BenchmarkId::new(format!("{place:?}"), name), |bencher| {
                let mut head = store.head().unwrap();
                bencher.iter(|| head = store.append(&head, &[Record::from(event)]).unwrap()[0].head());
            });
        }
    }
    group.finish();
}

fn secret(criterion: &mut Criterion) {
    let reader = Reader { name: "helpdesk".into(), recipient: age::x25519::Identity::generate().to_public().into() };
    let readers = std::slice::from_ref(&reader);
    let (name, pin) = (SealedPin("job-1-1".into()), pin());
    let owner = PinOwner {
        ledger: "0".repeat(64),
        job: 1,
        attempt: 1,
        account: "ada@example.org at corp".into(),
        key: "0".repeat(64),
    };
    let delivery = Delivery {
        account: "ada@example.org".into(),
        person: "Ada".into(),
        ordinal: 1,
        label: "Key 1".into(),
        force_change: true,
        register_first: Vec::new(),
        checkpoint: None,
    };
    for place in [Place::Memory, Place::Disk] {
        let folder = place.folder();
        let vault = Vault::open(&folder.path().join("vault")).unwrap();
        let mut group = criterion.benchmark_group("PIN");
        let named = |what: &str| BenchmarkId::new(format!("{place:?}"), what);
        group.bench_function(named("sealed"), |bencher| {
            bencher.iter(|| vault.seal(&name, &owner, &pin, readers).unwrap());
        });
        group.bench_function(named("unsealed"), |bencher| {
            let sha256 = vault.seal(&name, &owner, &pin, readers).unwrap();
            bencher.iter(|| vault.unseal(&name, &owner, &sha256).unwrap());
        });
        let out = folder.path().join("hand-over");
        group.bench_function(named("handed over"), |bencher| {
            bencher.iter(|| AgeFiles::new(&out, readers).unwrap().write(&delivery, &pin).unwrap());
        });
        group.finish();
    }
}
