//! A key is erased by us, and the program is killed around every write: no ledger says "in service" of a key that is empty.

use keywright::audit::key::credentials_of_ledger;
use keywright::ledger::{AccountId, Event, Store};
use keywright::register::{CredentialState, KeyStanding, Register, Standing};
use keywright_fido::ctap::Authenticator;
use keywright_fido::hid::{Bus, Cancel, Device, Limits};
use keywright_fido::webauthn::CredentialId;
use keywright_practice::softkey::Rack;
use keywright_test_support::power_cut::{self, Cut, work_until_cut};
use keywright_test_support::workshop::{DIRECTORY, Workshop};

use crate::key_verbs;

fn ada(book: &Register) -> Standing {
    book.standing(&AccountId::new(DIRECTORY, "ada"), time::OffsetDateTime::now_utc()).unwrap()
}

/// Her first key, wherever it is plugged in.
fn first_key(rack: &Rack, book: &Register) -> Device {
    let port = &book.jobs[&ada(book).keys[0].job].key().unwrap().port;
    rack.devices().unwrap().into_iter().find(|device| device.port == *port).unwrap()
}

/// Resets it, as `keywright key reset` does.
fn reset_first_key(workshop: &Workshop, store: &dyn Store) {
    let port = first_key(&workshop.rack(), &workshop.book()).port;
    key_verbs::reset(workshop, store, &port);
}

/// Whether the first key has its credential, as it tells itself.
fn is_there(workshop: &Workshop, id: &CredentialId) -> bool {
    let (rack, book) = (workshop.rack(), workshop.book());
    let device = first_key(&rack, &book);
    let opened = rack.open(&device, Limits::default(), Cancel::default()).unwrap();
    let mut key = Authenticator::open(opened).unwrap();
    credentials_of_ledger(&mut key, &book).unwrap().contains(id)
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn wipe() {
    work_until_cut(reset_first_key);
}

#[test]
fn killed_at_every_write_of_a_reset() {
    for cut in [Cut::Before(0), Cut::After(0), Cut::Before(1), Cut::After(1), Cut::Never] {
        let workshop = Workshop::new(2, &["ada"]);
        workshop.provision().unwrap();
        let first = ada(&workshop.book()).keys[0].credential_id.clone().unwrap();
        let ended = power_cut::in_another_process("erased::wipe", &workshop, cut, &[]);
        assert!(ended.was_killed() || cut == Cut::Never && ended.status.success(), "{cut}: {}", ended.output);
        let agree = |when: &str| {
            let counts = ada(&workshop.book()).keys[0].standing.counts();
            assert!(!counts || is_there(&workshop, &first), "{when} {cut:?}: in service, and not on the key");
        };
        agree("after");
        workshop.resume().unwrap();
        agree("resumed after");
        let book = workshop.book();
        match (is_there(&workshop, &first), &ada(&book).keys[0].standing) {
            // It is seen, and counts again.
            (true, KeyStanding::InService) => assert!(ada(&book).is_complete(), "{cut:?}"),
            // An empty key shows nothing: only a person can say that it is that key.
            (false, KeyStanding::CannotTell { .. } | KeyStanding::Erased) => {}
            other => panic!("{cut:?}: {other:?}"),
        }
        reset_first_key(&workshop, &workshop.store());
        let book = workshop.book();
        assert_eq!(book.credentials[&first].state, CredentialState::Erased, "{cut:?}");
        assert_eq!((ada(&book).in_service(), is_there(&workshop, &first)), (1, false), "{cut:?}");
    }
}

#[test]
fn what_the_key_showed_before_and_after_is_kept() {
    let workshop = Workshop::new(2, &["ada"]);
    workshop.provision().unwrap();
    reset_first_key(&workshop, &workshop.store());
    let entries = workshop.store().entries(0).unwrap();
    let Event::KeyErased { credential_ids, seen: Some(seen), .. } = entries.last().unwrap().event().unwrap() else {
        panic!("{entries:?}")
    };
    assert_eq!(seen.silent, credential_ids);
    let [answer] = &seen.before[..] else { panic!("{seen:?}") };
    let made = workshop.book().evidence(&answer.credential_id, &workshop.store()).unwrap().unwrap();
    let public_key = keywright_fido::webauthn::CosePublicKey::parse(&made.public_key).unwrap();
    answer.signature.verify(&public_key).unwrap();
}
