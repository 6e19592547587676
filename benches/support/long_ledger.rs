//! Ledgers of any length: the events of one real job, again and again, each time for another person and another credential.
//!
//! Every signature is real, by a key of the credential's own and by one maker's certificate for all, so that an audit verifies
//! them. A ledger is made once and kept among the build's files.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use keywright::ledger::{Event, Head, JobId, Outcome, Record, SqliteStore, StationKey, Store};
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fido::webauthn::{
    AttestationObject, CeremonyType, Challenge, ClientDataJson, CredentialId, SignedAssertion, UserHandle,
};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, DnValue, IsCa, Issuer, KeyPair};
use time::{Duration, OffsetDateTime};

use super::{Place, Stopwatch, Workbench};

/// People who are provisioned together.
const BATCH: usize = 50;

/// A ledger of this many people, two keys each, and the anchor that its attestations lead to. The folder is a state folder.
pub(crate) struct LongLedger {
    pub(crate) folder: PathBuf,
    pub(crate) people: usize,
    pub(crate) events: u64,
}

impl LongLedger {
    /// Makes it, unless it was made before.
    pub(crate) fn of(people: usize) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ledger-of-{people}"));
        if !folder.join("anchor.der").exists() {
            let _ = fs::remove_dir_all(&folder);
            make(people, &folder);
        }
        let events = SqliteStore::read(&folder.join("ledger.sqlite3")).unwrap().head().unwrap().seq;
        Self { folder, people, events }
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.join("ledger.sqlite3")
    }

    /// What is kept beside it.
    pub(crate) fn kept(&self) -> PathBuf {
        self.folder.join("ledger.kept")
    }

    pub(crate) fn anchor(&self) -> PathBuf {
        self.folder.join("anchor.der")
    }
}

/// What a person is called.
pub(crate) fn login(person: usize) -> String {
    format!("person-{person}@example.org")
}

fn make(people: usize, folder: &Path) {
    let template = Workbench::new(Place::Memory, 1, 2).events(&Stopwatch::default());
    let maker = Maker::new();
    fs::create_dir_all(folder).unwrap();
    let clock = std::sync::atomic::AtomicI64::new(0);
    // Ten events a second, so that the newest is not in the future.
    let began =
        OffsetDateTime::now_utc() - Duration::seconds(i64::try_from(people * template.len() / 10 + 60).unwrap());
    let now = move || {
        let tick = clock.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        began + Duration::milliseconds(tick * 100)
    };
    let store = SqliteStore::open(&folder.join("ledger.sqlite3"), Box::new(now)).unwrap();
    let mut head = Head::EMPTY;
    for batch in 0..people.div_ceil(BATCH) {
        let mut events = Vec::new();
        for person in batch * BATCH..people.min((batch + 1) * BATCH) {
            let mut life = Life { maker: &maker, person, batch: batch as u64 + 1, keys: Vec::new() };
            let its =
                template.iter().filter(|event| !matches!(event, Event::BatchStarted { .. }) || person % BATCH == 0);
            events.extend(its.map(|event| life.event(event.clone())));
        }
        // Each person's events follow the one that names the account.
        let mut about = None;
        let records = events.iter().map(|event| {
            about = event.account().cloned().or_else(|| about.take());
            Record { event, about: about.clone() }
        });
        head = store.append(&head, &records.collect::<Vec<_>>()).unwrap().last().unwrap().head();
    }
    drop(store);
    StationKey::read_or_make(&folder.join("station.pem")).unwrap();
    fs::write(folder.join("anchor.der"), &maker.anchor).unwrap();
}

/// Who makes the keys: one certificate for all of them.
struct Maker {
    anchor: Vec<u8>,
    certificate: Vec<u8>,
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Maker {
    fn new() -> Self {
        let authority = KeyPair::generate().unwrap();
        let mut params = named("Maker of keys for benchmarks", "test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let anchor = params.self_signed(&authority).unwrap().der().to_vec();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let public = KeyPair::try_from(pkcs8.as_ref()).unwrap();
        let mut batch = named("Authenticator Attestation", "key for benchmarks");
        batch.is_ca = IsCa::ExplicitNoCa;
        // id-fido-gen-ce-aaguid (WebAuthn 8.2.1): an OCTET STRING of the soft keys' model.
        let aaguid = [&[0x04, 16][..], &keywright_practice::softkey::SOFT_AAGUID.0].concat();
        batch.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4], aaguid));
        let certificate = batch.signed_by(&public, &Issuer::new(params, authority)).unwrap().der().to_vec();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
        Self { anchor, certificate, key, random: SystemRandom::new() }
    }
}

fn named(unit: &str, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let country = "CH".try_into().unwrap();
    params.distinguished_name.push(DnType::CountryName, DnValue::PrintableString(country));
    params.distinguished_name.push(DnType::OrganizationName, "keywright");
    params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    params
}

/// One person's events.
struct Life<'a> {
    maker: &'a Maker,
    /// From 0.
    person: usize,
    batch: u64,
    /// The person's keys, as they are made.
    keys: Vec<(Challenge, Option<(CredentialId, EcdsaKeyPair)>)>,
}

impl Life<'_> {
    /// The template's event as this person's.
    fn event(&mut self, mut event: Event) -> Event {
        match &mut event {
            Event::BatchStarted { batch, .. } => *batch = self.batch,
            Event::AccountPlanned { batch, account, person, .. } => {
                *batch = self.batch;
                account.login = login(self.person);
                person.account = login(self.person);
                person.name = Some(format!("Person {} of Example", self.person));
            }
            Event::UserFound { account, user_id, login: now, .. } => {
                account.login = login(self.person);
                *user_id = self.user_id();
                *now = Some(login(self.person));
            }
            Event::JobPlanned { job, account, .. } => {
                account.login = login(self.person);
                *job = self.job(*job);
            }
            Event::StepStarted { job, .. } | Event::PinDelivered { job, .. } => *job = self.job(*job),
            Event::StepDone { job, outcome } => {
                let key = usize::try_from(job.0).unwrap() - 1;
                *job = self.job(*job);
                self.outcome(key, outcome);
            }
            Event::AccountCompleted { account } => account.login = login(self.person),
            other => panic!("a job of a soft key has no such event: {other:?}"),
        }
        event
    }

    fn job(&self, template: JobId) -> JobId {
        JobId(2 * self.person as u64 + template.0)
    }

    fn user_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.person)
    }

    fn user_handle(&self) -> UserHandle {
        UserHandle::new(digest(&SHA256, self.user_id().as_bytes()).as_ref()).unwrap()
    }

    fn outcome(&mut self, key: usize, outcome: &mut Outcome) {
        let own = |what: &str| format!("{what}{:08}-{key}", self.person);
        match outcome {
            Outcome::SealPin { sealed, sha256, station: _ } => {
                sealed.0 = own("pin-");
                *sha256 = Some(data_encoding::HEXLOWER.encode(digest(&SHA256, sealed.0.as_bytes()).as_ref()));
            }
            Outcome::Begin { ceremony, .. } => {
                ceremony.user_id = self.user_id();
                ceremony.pending = ceremony.pending.as_ref().map(|_| own("pending-"));
                ceremony.options.user.name = login(self.person);
                ceremony.options.user.id = self.user_handle();
                let challenge = Challenge::new(digest(&SHA256, own("challenge").as_bytes()).as_ref()).unwrap();
                ceremony.options.challenge = challenge.clone();
                self.keys.resize_with(self.keys.len().max(key + 1), || (challenge.clone(), None));
                self.keys[key].0 = challenge;
            }
            Outcome::Make { .. } => self.make(key, outcome),
            Outcome::Prove { assertion, .. } => {
                let SignedAssertion { authenticator_data, client_data_json, signature } = assertion;
                let message = [&authenticator_data[..], &client_data_json.hash()].concat();
                let (_, pair) = self.keys[key].1.as_ref().unwrap();
                *signature = pair.sign(&self.maker.random, &message).unwrap().as_ref().to_vec();
            }
            Outcome::Complete { directory_id, .. } => *directory_id = own("credential-"),
            _ => {}
        }
    }

    /// A credential of its own, attested by the maker.
    fn make(&mut self, key: usize, outcome: &mut Outcome) {
        let handle = self.user_handle();
        let Outcome::Make {
            credential_id,
            user_handle,
            ctap_response,
            attestation_object,
            client_data_json,
            public_key,
            ..
        } = outcome
        else {
            return;
        };
        *user_handle = handle;
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        let (challenge, made) = &mut self.keys[key];
        let origin = serde_json::from_slice::<serde_json::Value>(&decode(client_data_json)).unwrap()["origin"].clone();
        let origin = origin.as_str().unwrap().parse().unwrap();
        let client_data = ClientDataJson::new(CeremonyType::Create, challenge, &origin);

        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        // COSE (RFC 9053, 7.1): kty EC2, alg ES256, crv P-256, x, y.
        let cose = cbor::encode(&Value::map([
            (1, Value::from(2)),
            (3, Value::from(-7)),
            (-1, Value::from(1)),
            (-2, Value::from(&point[1..33])),
            (-3, Value::from(&point[33..])),
        ]));
        let object = AttestationObject::parse(&decode(attestation_object)).unwrap();
        let own_id: Vec<u8> =
            digest(&SHA256, point).as_ref().iter().copied().cycle().take(credential_id.as_bytes().len()).collect();
        let mut auth_data = object.auth_data_bytes.clone();
        replace(&mut auth_data, credential_id.as_bytes(), &own_id);
        replace(&mut auth_data, &decode(public_key), &cose);
        let message = [&auth_data[..], &client_data.hash()].concat();
        let signature = self.maker.key.sign(&self.maker.random, &message).unwrap();
        let statement = Value::map([
            ("alg", Value::from(-7)),
            ("sig", Value::from(signature.as_ref())),
            ("x5c", Value::Array(vec![Value::from(self.maker.certificate.as_slice())])),
        ]);
        let response = Value::map([
            (1, Value::from(object.fmt.as_str())),
            (2, Value::from(auth_data.as_slice())),
            (3, statement.clone()),
        ]);
        let object = AttestationObject::new(object.fmt, statement, auth_data).unwrap();
        *credential_id = CredentialId::new(own_id).unwrap();
        *ctap_response = Some(BASE64URL_NOPAD.encode(&cbor::encode(&response)));
        *attestation_object = BASE64URL_NOPAD.encode(object.as_bytes());
        *client_data_json = BASE64URL_NOPAD.encode(client_data.as_bytes());
        *public_key = BASE64URL_NOPAD.encode(&cose);
        *made = Some((credential_id.clone(), pair));
    }
}

/// Puts `new` where `old` stands, which has the same length.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    assert_eq!(old.len(), new.len());
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
}
