//! A key is lost: it is taken out of service, and the person gets another one.

use keywright::idp::Directory as _;
use keywright::ledger::{AccountId, FailureCode};
use keywright::provision::{RetryPolicy, Revocation, RevokeError, RevokeOrder, revoke};
use keywright::register::{CredentialState, JobState};
use keywright_attest::AttestationDemand;
use keywright_fido::ctap::Authenticator;
use keywright_fido::hid::{Bus as _, Cancel, Limits};
use keywright_practice::softkey::{Moment, Rack, Side};
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, failures};

fn ada() -> AccountId {
    AccountId::new(DIRECTORY, "ada")
}

fn lose(workshop: &Workshop, ordinal: usize) -> Result<Revocation, RevokeError> {
    let (directory, store) = (workshop.directory(), workshop.store());
    revoke(
        &directory,
        &store,
        &RetryPolicy::default(),
        &Cancel::default(),
        &ada(),
        ordinal,
        RevokeOrder { reason: "lost on the train", operator: &"tester".into() },
    )
}

#[test]
fn a_lost_key_no_longer_signs_in_and_the_roster_makes_another() {
    let workshop = Workshop::new(2, &["ada"]);
    workshop.provision().unwrap();
    let revocation = lose(&workshop, 1).unwrap();
    assert_eq!((revocation.removed.len(), revocation.absent.len()), (1, 0));
    assert_eq!((revocation.given_up, revocation.keys_left), (false, 1));
    let (book, directory) = (workshop.book(), workshop.directory());
    assert!(!book.accounts[&ada()].completed);
    assert_eq!(book.credentials[&revocation.removed[0]].state, CredentialState::Revoked);
    let user = directory.find_user("ada").unwrap();
    let left: Vec<_> = directory.list(&user).unwrap().into_iter().map(|one| one.credential_id.unwrap()).collect();
    assert_eq!(left.len(), 1);
    assert!(!left.contains(&revocation.removed[0]));

    Rack::create(&workshop.path().join("softkeys"), 3).unwrap();
    let report = workshop.provision().unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let book = workshop.book();
    assert_eq!(book.jobs.values().map(|job| job.ordinal).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(directory.list(&user).unwrap().len(), 2);
}

#[test]
fn a_job_whose_key_is_lost_is_given_up_and_leaves_nothing_pending() {
    let workshop = Workshop::new(2, &["ada"]);
    let (rack, hands) = (workshop.rack(), Hands::default());
    // The second key is pulled between making its credential and the end.
    rack.key(1).pull_at(Moment::Command(0x02), Side::Before);
    workshop.provision_with(&rack, &hands).unwrap();
    drop(rack);
    let open = workshop.book().jobs.values().find(|job| job.state != JobState::Done).unwrap().ordinal;

    let revocation = lose(&workshop, open).unwrap();
    assert!(revocation.given_up && revocation.removed.is_empty(), "{revocation:?}");
    let directory = workshop.directory();
    let user = directory.find_user("ada").unwrap();
    assert_eq!(directory.pending(&user).unwrap(), Vec::<String>::new());
    assert_eq!(workshop.book().unfinished().count(), 0);
    // Again is no harm, and nothing new.
    assert!(!lose(&workshop, open).unwrap().given_up);
    assert!(matches!(lose(&workshop, 7), Err(RevokeError::NoSuchKey { ordinal: 7, .. })));

    Rack::create(&workshop.path().join("softkeys"), 3).unwrap();
    let report = workshop.provision().unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    assert_eq!(directory.list(&user).unwrap().len(), 2);
}

#[test]
fn one_key_that_was_reset_does_not_count_as_two() {
    let mut workshop = Workshop::new(1, &["ada"]);
    workshop.profile.keys.attestation = AttestationDemand::Enterprise;
    let report = workshop.provision().unwrap();
    assert_eq!(report.accounts[0].jobs.iter().filter(|job| job.done).count(), 1, "{report:#?}");

    // Somebody who has no second key resets the first.
    let reset = |rack: &Rack| {
        let device = rack.devices().unwrap().remove(0);
        let mut key = Authenticator::open(rack.open(&device, Limits::default(), Cancel::default()).unwrap()).unwrap();
        key.reset(&mut |_| {}).unwrap();
    };
    reset(&workshop.rack());
    let report = workshop.provision().unwrap();
    let [(_, failure)] = &failures(&report)[..] else { panic!("{report:#?}") };
    assert_eq!(failure.code, FailureCode::KeyTaken);
    assert!(failure.message.contains("key 1 of ada at workshop"), "{}", failure.message);
    let (directory, user) = (workshop.directory(), workshop.directory().find_user("ada").unwrap());
    assert_eq!((directory.list(&user).unwrap().len(), directory.pending(&user).unwrap().len()), (1, 0));

    // Taken out of service first, it may be the second.
    assert_eq!(lose(&workshop, 1).unwrap().removed.len(), 1);
    reset(&workshop.rack());
    workshop.provision().unwrap();
    let book = workshop.book();
    let in_service = book.credentials.values().filter(|one| one.state == CredentialState::Registered);
    assert_eq!(in_service.map(|one| one.ordinal).collect::<Vec<_>>(), [2]);
}
