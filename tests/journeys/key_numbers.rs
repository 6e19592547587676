//! A key is a thing with a number of its own, wherever it goes; and one key never counts for two people.

use std::time::Duration;

use keywright::ledger::{AccountId, KeyNumber, KeyState};
use keywright::provision::was_on_empty_key;
use keywright::register::{CredentialState, KeyStanding};
use keywright_attest::AttestationDemand;
use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Authenticator, Transport, TransportError};
use keywright_practice::softkey::Rack;
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, failures};

/// A rack whose keys say this serial number over USB.
struct Named(Rack, &'static str);

impl Bus for Named {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        let devices = self.0.devices()?.into_iter();
        Ok(devices.map(|device| Device { serial: Some(self.1.to_owned()), ..device }).collect())
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        self.0.open(device, limits, cancel)
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        Ok(Device { serial: Some(self.1.to_owned()), ..self.0.replug(device, patience, cancel)? })
    }
}

/// Somebody resets the first key, and tells nobody.
fn reset_elsewhere(rack: &Rack) {
    let device = rack.devices().unwrap().remove(0);
    // A key takes a reset only after power-up.
    let device = rack.replug(&device, Duration::ZERO, &Cancel::default()).unwrap();
    let mut key = Authenticator::open(rack.open(&device, Limits::default(), Cancel::default()).unwrap()).unwrap();
    key.reset(&mut |_| {}).unwrap();
}

fn standing(workshop: &Workshop, login: &str) -> Vec<KeyStanding> {
    let now = time::OffsetDateTime::now_utc();
    let standing = workshop.book().standing(&AccountId::new(DIRECTORY, login), now).unwrap();
    standing.keys.into_iter().map(|key| key.standing).collect()
}

#[test]
fn an_attested_key_that_was_reset_is_seen_to_be_and_keeps_its_number() {
    let mut workshop = Workshop::new(1, &["ada"]);
    workshop.profile.keys.attestation = AttestationDemand::Enterprise;
    workshop.profile.keys.required = 1;
    workshop.provision().unwrap();
    reset_elsewhere(&workshop.rack());
    workshop.create_user("bo");
    workshop.set_roster(&["ada", "bo"]);
    // It is ada's by its serial number. Nobody believed that it signs after this.
    let report = workshop.provision().unwrap();
    assert!(failures(&report)[0].1.message.contains("K-0001, key 1 of ada"), "{report:#?}");
    assert_eq!(standing(&workshop, "ada"), [KeyStanding::Erased]);
    // Now that it is written down, bo may have it, and ada has none.
    workshop.set_roster(&["bo"]);
    workshop.provision().unwrap();
    let book = workshop.book();
    let numbers: Vec<_> = book.credentials.values().map(|one| (one.account.login.as_str(), one.number)).collect();
    assert!(numbers.iter().all(|(_, number)| number.is_none_or(|number| number == KeyNumber(1))), "{numbers:?}");
    assert_eq!(book.keys.iter().count(), 1);
    let (_, current) = book.current_of(KeyNumber(1)).unwrap();
    assert_eq!((current.account.login.as_str(), current.state), ("bo", CredentialState::Registered));
    assert_eq!(
        (standing(&workshop, "ada"), standing(&workshop, "bo")),
        (vec![KeyStanding::Erased], vec![KeyStanding::InService])
    );
}

#[test]
fn a_usb_serial_of_a_key_in_service_is_a_question() {
    for says_another in [false, true] {
        let workshop = Workshop::with_one_key_each(&["ada"]);
        let bus = Named(workshop.rack(), "0A12345");
        workshop.provision_with(&bus, &Hands::default()).unwrap();
        assert_eq!(workshop.book().keys.get(KeyNumber(1)).unwrap().state, KeyState::Held);
        reset_elsewhere(&bus.0);
        workshop.create_user("bo");
        workshop.set_roster(&["bo"]);
        let hands = Hands { says_another, ..Hands::default() };
        let report = workshop.provision_with(&bus, &hands).unwrap();
        let asked = hands.said.lock().unwrap().iter().any(|said| said.contains("another than K-0001, key 1 of ada"));
        assert!(asked, "{report:#?}");
        assert_eq!(report.accounts[0].complete, says_another, "{report:#?}");
        let book = workshop.book();
        assert_eq!(book.keys.iter().count(), if says_another { 2 } else { 1 });
        if !says_another {
            // A person may say that it is that key, by resetting it.
            let device = bus.devices().unwrap().remove(0);
            let opened = bus.open(&device, Limits::default(), Cancel::default()).unwrap();
            let mut key = Authenticator::open(opened).unwrap();
            let first = book.current_of(KeyNumber(1)).unwrap().0.clone();
            assert_eq!(was_on_empty_key(&book, &device, &mut key).unwrap(), [first]);
        }
    }
}

#[test]
fn a_placeholder_is_no_question() {
    let workshop = Workshop::with_one_key_each(&["ada", "bo"]);
    let bus = Named(workshop.rack(), "1000000000");
    let hands = Hands::default();
    let report = workshop.provision_with(&bus, &hands).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    let mut numbers: Vec<_> = report.accounts.iter().filter_map(|account| account.jobs[0].number).collect();
    numbers.sort();
    assert_eq!(numbers, [KeyNumber(1), KeyNumber(2)]);
}
