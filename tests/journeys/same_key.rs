//! A key whose PIN is forgotten is reset and enrolled anew, and the program is killed around every write.

use keywright::audit::key::credentials_of_ledger;
use keywright::idp::Directory as _;
use keywright::ledger::{AccountId, KeyNumber};
use keywright::profile::Person;
use keywright::provision::{Plan, run};
use keywright::register::{CredentialState, Register, Replacement};
use keywright_fido::ctap::Authenticator;
use keywright_fido::hid::{Bus as _, Cancel, Limits};
use keywright_fido::webauthn::CredentialId;
use keywright_test_support::power_cut::{self, Cut, Ended, work_until_cut};
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, resume};

fn ada() -> AccountId {
    AccountId::new(DIRECTORY, "ada")
}

/// Replaces ada's first key by itself, or goes on with that.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn again() {
    work_until_cut(|workshop, store| {
        let rack = workshop.rack();
        let report = workshop.with_directory(&workshop.directory(), store, &rack, &Hands::default(), |station| {
            let mut book = Register::default();
            book.catch_up(station.store).unwrap();
            if book.jobs.values().any(|job| job.replaces.is_some()) {
                return resume(station);
            }
            let profile = &book.accounts[&ada()].profile;
            let person: Person = book.accounts[&ada()].person.clone();
            let replacement = Replacement { ordinal: 1, reason: "forgotten".into(), same_key: true };
            run(station, &Plan::replacing(station, &person, profile, replacement)?)
        });
        report.unwrap();
    });
}

fn start(workshop: &Workshop, cut: Cut) -> Ended {
    power_cut::in_another_process("same_key::again", workshop, cut, &[])
}

fn on_keys(workshop: &Workshop, book: &Register) -> Vec<CredentialId> {
    let rack = workshop.rack();
    let devices = rack.devices().unwrap();
    let found = devices.iter().flat_map(|device| {
        let opened = rack.open(device, Limits::default(), Cancel::default()).unwrap();
        let mut key = Authenticator::open(opened).unwrap();
        credentials_of_ledger(&mut key, book).unwrap()
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

/// Register, IdP and keys say the same, and the key has its number still.
fn check(workshop: &Workshop, cut: Cut) {
    let book = workshop.book();
    let standing = book.standing(&ada(), time::OffsetDateTime::now_utc()).unwrap();
    assert!(standing.is_complete() && standing.in_service() == 2, "{cut:?}: {standing:?}");
    let live = book.credentials.iter().filter(|(_, one)| one.state == CredentialState::Registered);
    let live: Vec<_> = live.map(|(id, _)| id.clone()).collect();
    let directory = workshop.directory();
    let user = directory.find_user("ada").unwrap();
    let mut listed: Vec<_> = directory.list(&user).unwrap().into_iter().map(|one| one.credential_id.unwrap()).collect();
    listed.sort();
    assert_eq!((&listed, &on_keys(workshop, &book)), (&live, &live), "{cut:?}");
    assert_eq!(book.keys.iter().count(), 2, "{cut:?}");
    let first = book.job_of_key(&ada(), 1).and_then(|job| book.jobs[&job].credential_id()).unwrap();
    let new = book.job_of_key(&ada(), 3).and_then(|job| book.jobs[&job].credential_id()).unwrap();
    assert_eq!(book.credentials[first].number, book.credentials[new].number, "{cut:?}");
    assert!(book.credentials[new].number.is_some_and(|number| number <= KeyNumber(2)));
    assert_eq!(book.credentials[first].state, CredentialState::Revoked, "{cut:?}");
}

#[test]
fn killed_at_every_write_of_a_key_that_replaces_itself() {
    let workshop = || {
        let workshop = Workshop::new(2, &["ada"]);
        workshop.provision().unwrap();
        workshop
    };
    let whole = workshop();
    start(&whole, Cut::Never).expect_success(Cut::Never);
    check(&whole, Cut::Never);
    let writes = power_cut::writes(&whole);
    assert!(writes > 20, "{writes}");
    keywright_test_support::workshop::each(Cut::all(writes), |cut| {
        let workshop = workshop();
        let ended = start(&workshop, cut);
        assert!(ended.was_killed() || ended.status.success(), "{cut:?}: {}", ended.output);
        start(&workshop, Cut::Never).expect_success(cut);
        check(&workshop, cut);
    });
}
