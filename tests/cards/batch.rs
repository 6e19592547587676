//! A whole batch: ten cards in readers beside ten keys on USB, made ready, drilled, audited, and read by another client.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use keywright::audit::ledger::{LedgerAudit, Readable, Severity, Standards};
use keywright::provision::drill::Whose;
use keywright::provision::{Drill, RetryPolicy};
use keywright::secret::SystemEntropy;
use keywright_attest::{Anchors, Judge};
use keywright_fido::bus::{Bus, Cancel, Device, Limits, UsbAndReaders};
use keywright_fido::ctap::{Authenticator, Transport, TransportError, TransportKind};
use keywright_fido::smart_card::readers::ReaderBus;
use keywright_practice::softkey::{CardForm, Rack};
use keywright_test_support::workshop::{Hands, Workshop, failures};
use serde_json::{Value, json};

use crate::service::Service;

/// The first so many keys of a rack; the others are cards.
struct First<'a>(&'a Rack, usize);

impl Bus for First<'_> {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        Ok(self.0.devices()?.into_iter().take(self.1).collect())
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        self.0.open(device, limits, cancel)
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        self.0.replug(device, patience, cancel)
    }
}

#[test]
fn ten_cards_beside_ten_keys_are_provisioned_drilled_and_audited() {
    let Some(service) = Service::start() else { return };
    let people = ["ada", "bob", "cyd", "dee", "eve", "fay", "gus", "hal", "ida", "joe"];
    let workshop = Workshop::new(20, &people);
    let rack = workshop.rack();
    let forms = [CardForm::Contacts, CardForm::Contactless];
    let _cards: Vec<_> = (0..10)
        .map(|slot| service.insert(slot, rack.key(10 + usize::from(slot)), forms[usize::from(slot) % 2]))
        .collect();
    let bus = UsbAndReaders { usb: First(&rack, 10), readers: ReaderBus::default() };
    assert_eq!(bus.devices().unwrap().len(), 20);

    let hands = Hands::default();
    let report = workshop.provision_with(&bus, &hands).unwrap();
    assert_eq!(failures(&report), []);
    let said = hands.said.lock().unwrap().clone();
    assert_eq!(said.iter().filter(|words| words.starts_with("leave the card on Virtual ")).count(), 10, "{said:?}");
    assert!(!said.iter().any(|words| words.starts_with("replug Virtual")), "a reader cuts the power itself: {said:?}");
    workshop.everything_agrees_on(&bus, &people, 2);

    // What the IdP was told of each key says how it was reached.
    let book = workshop.book();
    let told = |kind: TransportKind| {
        let ids = book.credentials.keys();
        let evidence = ids.map(|id| book.evidence(id, &workshop.ledger()).unwrap().unwrap());
        evidence.filter(|evidence| evidence.transports.iter().any(|name| name == kind.as_str())).count()
    };
    assert_eq!((told(TransportKind::Nfc), told(TransportKind::SmartCard)), (5, 5));

    let (directory, store) = (workshop.directory(), workshop.store());
    let drill =
        Drill::open(&directory, &store, RetryPolicy::default(), &Cancel::default(), &SystemEntropy, "tester".into());
    let drill = drill.unwrap();
    for device in bus.devices().unwrap() {
        let mut key = Authenticator::open(bus.open(&device, Limits::default(), Cancel::default()).unwrap()).unwrap();
        let Whose::Credential(id) = drill.whose(&device, &mut key, None).unwrap() else {
            panic!("{device:?} is nobody's")
        };
        let ready = drill.examine(&mut key, &id).unwrap();
        let pin = workshop.pin_of(&book, &device.port).unwrap();
        let ended = drill.prove(&mut key, &ready, &pin, &mut |_| {});
        assert!(ended.is_ok(), "{device:?}: {ended:?}");
        assert!(drill.conclude(&id, &ended).unwrap());
    }
    drop(drill);
    drop(store);

    let anchor = std::fs::read(workshop.path().join("softkeys/attestation-ca.pem")).unwrap();
    let judge = Judge::new(Anchors::from_pem_or_der(&anchor).unwrap());
    let ledger = workshop.ledger();
    let readable = Readable::read(&ledger, None, None).unwrap();
    let audit = LedgerAudit::judge(&readable, &Standards { judge: &judge, at: time::OffsetDateTime::now_utc() });
    assert_eq!((audit.count(Severity::Critical), audit.in_service().count()), (0, 20), "{:?}", audit.findings);

    read_back(&service, &workshop);
}

/// python-fido2 finds on each card exactly the credential that the ledger names, and has it sign.
fn read_back(service: &Service, workshop: &Workshop) {
    let book = workshop.book();
    let cards: Vec<_> = book.credentials.iter().filter(|(_, one)| one.key.port.starts_with("Virtual")).collect();
    assert_eq!(cards.len(), 10);
    let questions: Vec<Value> = cards
        .iter()
        .map(|(_, one)| {
            let pin = workshop.pin_of(&book, &one.key.port).unwrap();
            json!({ "node": format!("pcsc:{}", one.key.port), "pin": pin.expose(), "rp_id": one.rp_id.to_string() })
        })
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hid-vm/read_back.py");
    let mut python = Command::new(service.python());
    let mut python = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(json!(questions).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    for ((id, one), answer) in cards.iter().zip(&answers) {
        let hex = data_encoding::HEXLOWER.encode(id.as_bytes());
        let found: Vec<&Value> = answer["credentials"].as_array().unwrap().iter().map(|found| &found["id"]).collect();
        assert_eq!(found, [&Value::from(hex.clone())], "{}", one.key.port);
        assert_eq!(
            (&answer["assertion"]["credential"], &answer["assertion"]["user_verified"]),
            (&hex.into(), &true.into())
        );
    }
}
