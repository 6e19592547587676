//! Two administrators get two keys each, and everything that is left behind agrees.

use keywright::ledger::{Outcome, Step};
use keywright::register::JobState;
use keywright_fido::webauthn::CredentialId;
use keywright_test_support::workshop::{Hands, Workshop};

#[test]
fn two_admins_get_two_keys_each() {
    let workshop = Workshop::new(4, &["ada", "grace"]);
    let report = workshop.provision().unwrap();
    for account in &report.accounts {
        for job in &account.jobs {
            assert_eq!(job.failure, None, "{}", account.account);
        }
        assert!(account.complete);
        assert_eq!(account.other_methods, ["sms"]);
    }
    workshop.everything_agrees(&["ada", "grace"], 2);
    let book = workshop.book();
    assert!(book.jobs.values().all(|job| job.outcomes.steps().eq(Step::ALL)));
    // Each of the two keys would refuse to make the other's account a second credential.
    assert_eq!(book.credentials.len(), 4);
}

#[test]
fn a_second_run_of_the_same_roster_has_nothing_to_do() {
    let workshop = Workshop::new(3, &["ada"]);
    workshop.provision().unwrap();
    let before = workshop.book();
    let report = workshop.provision().unwrap();
    assert!(report.accounts[0].complete);
    let after = workshop.book();
    assert_eq!(after.jobs.len(), before.jobs.len());
    workshop.everything_agrees(&["ada"], 2);
}

#[test]
fn with_too_few_keys_the_rest_waits_for_the_next_run() {
    let workshop = Workshop::new(3, &["ada", "grace"]);
    let report = workshop.provision().unwrap();
    let complete: Vec<bool> = report.accounts.iter().map(|account| account.complete).collect();
    assert_eq!(complete.iter().filter(|complete| **complete).count(), 1, "{report:?}");
    let waiting = workshop.book().jobs.values().filter(|job| job.state == JobState::Ready(Step::Inspect)).count();
    assert_eq!(waiting, 1);
    keywright_practice::softkey::Rack::create(&workshop.path().join("softkeys"), 4).unwrap();
    workshop.resume().unwrap();
    workshop.everything_agrees(&["ada", "grace"], 2);
}

#[test]
fn touches_are_asked_for_with_the_name_and_taken_back() {
    let workshop = Workshop::new(2, &["ada"]);
    let (rack, hands) = (workshop.rack(), Hands::default());
    rack.set_touch(keywright_practice::softkey::Touch::After(std::time::Duration::from_millis(150)));
    workshop.with(&rack, &hands, |station| {
        keywright_test_support::as_said::run_as_said(station, &workshop.plan(station).unwrap()).unwrap()
    });
    let touches = hands.touches.lock().unwrap();
    // Making, proving and signing in, on two keys.
    assert_eq!(touches.iter().filter(|(_, needed)| *needed).count(), 6);
    assert_eq!(touches.iter().filter(|(_, needed)| !needed).count(), 6);
    assert!(touches.iter().all(|(account, _)| account == "ada"));
    // One of the two waits for the other to be registered, and says so.
    let waits = hands.waits.lock().unwrap();
    let [(who, other)] = &waits[..] else { panic!("{waits:?}") };
    assert_eq!((&*who.account, &*other.account), ("ada", "ada"));
    assert_ne!(who.ordinal, other.ordinal);
}

#[test]
fn the_second_key_is_refused_the_first_ones_credential() {
    let workshop = Workshop::new(2, &["ada"]);
    workshop.provision().unwrap();
    workshop.everything_agrees(&["ada"], 2);
    let book = workshop.book();
    let ids: Vec<&CredentialId> = book.credentials.keys().collect();
    // The second ceremony asks to exclude what the first registered.
    let excluded = book
        .jobs
        .values()
        .filter_map(|job| match workshop.outcome(job, Step::Begin) {
            Some(Outcome::Begin { ceremony, .. }) => Some(ceremony),
            _ => None,
        })
        .filter(|ceremony| ceremony.options.exclude_credentials.iter().any(|one| ids.contains(&&one.id)));
    assert_eq!(excluded.count(), 1);
}
