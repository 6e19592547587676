//! A key whose PIN is forgotten is reset and enrolled anew, and the program is killed around every write.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

use keywright::audit::key::credentials_of_ledger;
use keywright::idp::Directory as _;
use keywright::ledger::{AccountId, KeyNumber};
use keywright::profile::Person;
use keywright::provision::{Plan, run};
use keywright::register::{CredentialState, Register, Replacement};
use keywright_fido::ctap::Authenticator;
use keywright_fido::hid::{Bus as _, Cancel, Limits};
use keywright_fido::webauthn::CredentialId;
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, resume};

use crate::resume_after_power_cut::{CUT, Cut, FOLDER, Fragile, URL, start_test};

fn ada() -> AccountId {
    AccountId::new(DIRECTORY, "ada")
}

/// Replaces ada's first key by itself, or goes on with that.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn again() {
    let (folder, url) = (std::env::var(FOLDER).unwrap(), std::env::var(URL).unwrap());
    let workshop = Workshop::at(Path::new(&folder), &url);
    let (rack, store) = (workshop.rack(), workshop.store());
    let cut = Cut::from_text(&std::env::var(CUT).unwrap());
    let fragile = Fragile { store: &store, cut, writes: AtomicUsize::new(0) };
    let report = workshop.with_directory(&workshop.directory(), &fragile, &rack, &Hands::default(), |station| {
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
    std::fs::write(Path::new(&folder).join("writes"), fragile.writes.into_inner().to_string()).unwrap();
}

fn on_keys(workshop: &Workshop, book: &Register) -> Vec<CredentialId> {
    let rack = workshop.rack();
    let devices = rack.devices().unwrap();
    let found = devices.iter().flat_map(|device| {
        let pipe = rack.open(device).unwrap();
        let mut key = Authenticator::open_hid(pipe, Limits::default(), Cancel::default()).unwrap();
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
    let (status, output) = start_test(&whole, "same_key::again", Cut::Never);
    assert!(status.success(), "{output}");
    check(&whole, Cut::Never);
    let writes: usize = std::fs::read_to_string(whole.path().join("writes")).unwrap().parse().unwrap();
    assert!(writes > 20, "{writes}");
    let cuts = (0..writes).flat_map(|at| [Cut::Before(at), Cut::After(at)]);
    keywright_test_support::workshop::each(cuts, |cut| {
        let workshop = workshop();
        let (status, output) = start_test(&workshop, "same_key::again", cut);
        assert!(status.signal() == Some(9) || status.success(), "{cut:?}: {output}");
        let (status, output) = start_test(&workshop, "same_key::again", Cut::Never);
        assert!(status.success(), "after {cut:?}: {output}");
        check(&workshop, cut);
    });
}
