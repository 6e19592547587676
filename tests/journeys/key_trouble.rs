//! Keys are pulled, moved and not touched at every moment of a job; others go on, and the next run ends what was begun.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use keywright::idp::Directory;
use keywright::idp::embedded::Embedded;
use keywright::ledger::{FailureCode, Step};
use keywright::provision::JobLabel;
use keywright::register::{CredentialState, JobState};
use keywright_fido::ctap::{Authenticator, Pin};
use keywright_fido::hid::{Bus, Cancel, Limits};
use keywright_practice::softkey::{Moment, Rack, Side, Touch};
use keywright_test_support::fault_proxy::{Fault, FaultProxy, Reply, Which};
use keywright_test_support::workshop::{DIRECTORY, Hands, TOKEN, Workshop, each, failures};

/// The soft keys' model waits this long for a touch.
const PAST_ALL_PATIENCE: Duration = Duration::from_secs(31);

/// Two people, one key each, with everything that makes a key hard to recognise afterwards.
fn two_people() -> Workshop {
    let mut workshop = Workshop::with_one_key_each(&["ada", "grace"]);
    workshop.profile.pin.force_change = true;
    workshop
}

#[test]
fn a_key_is_pulled_at_each_request() {
    let whole = {
        let workshop = two_people();
        let rack = workshop.rack();
        workshop.provision_with(&rack, &Hands::default()).unwrap();
        workshop.everything_agrees(&["ada", "grace"], 1);
        rack.key(0).requests()
    };
    assert!(whole > 15, "twelve steps take more than {whole} requests");
    let moments = (1..=whole).flat_map(|n| [(n, Side::Before), (n, Side::After)]);
    each(moments, |(n, side)| {
        let workshop = two_people();
        let rack = workshop.rack();
        rack.key(0).pull_at(Moment::Request(n), side);
        let report = workshop.provision_with(&rack, &Hands::default()).unwrap();
        assert!(!rack.key(0).is_pull_pending(), "request {n} never came");
        let complete = report.accounts.iter().filter(|account| account.complete).count();
        assert!(complete >= 1, "{n} {side:?}: the other person was disturbed: {report:#?}");
        for (step, failure) in failures(&report) {
            assert_eq!(failure.code, FailureCode::KeyRemoved, "{n} {side:?} {step}: {failure:?}");
        }
        rack.key(0).plug();
        let hands = Hands::default();
        let report = workshop.with(&rack, &hands, keywright_test_support::workshop::resume).unwrap();
        let said = hands.said.lock().unwrap();
        assert!(report.accounts.iter().all(|account| account.complete), "{n} {side:?}: {report:#?} {said:#?}");
        workshop.everything_agrees(&["ada", "grace"], 1);
    });
}

#[test]
fn a_key_that_is_plugged_in_again_goes_on_in_the_same_run() {
    // setPIN, makeCredential, getAssertion, authenticatorConfig
    let moments = [(0x06, Side::Before), (0x01, Side::After), (0x02, Side::Before), (0x0d, Side::After)];
    each(moments, |(command, side)| {
        let workshop = Workshop::with_one_key_each(&["ada"]);
        let rack = workshop.rack();
        let key = rack.key(0);
        key.pull_at(Moment::Command(command), side);
        let hands = Hands { waits_for_keys: Duration::from_secs(20), ..Hands::default() };
        let report = std::thread::scope(|scope| {
            scope.spawn(|| {
                while key.is_plugged() {
                    std::thread::yield_now();
                }
                key.plug();
            });
            workshop.provision_with(&rack, &hands).unwrap()
        });
        assert!(report.accounts[0].complete, "{command:#x} {side:?}: {report:#?}");
        workshop.everything_agrees(&["ada"], 1);
    });
}

/// How the person at the key behaves at one step.
#[derive(Debug, Clone, Copy)]
enum UserPresence {
    Declines,
    Sleeps,
    EndsTheRun,
}

/// Runs a job in which a touch does not come at one step.
fn without_touch(workshop: &Workshop, at: Step, finger: UserPresence) -> (Step, FailureCode) {
    let rack = workshop.rack();
    let cancel = Cancel::default();
    let hands = Hands {
        cancel: cancel.clone(),
        at_step: Some(Box::new(|_, step| {
            rack.set_touch(match finger {
                _ if step != at => Touch::After(Duration::ZERO),
                UserPresence::Declines => Touch::Declined,
                UserPresence::Sleeps | UserPresence::EndsTheRun => Touch::Never,
            });
        })),
        at_touch: Some(Box::new(|_, _| match finger {
            UserPresence::Declines => {}
            UserPresence::Sleeps => rack.key(0).advance(PAST_ALL_PATIENCE),
            UserPresence::EndsTheRun => cancel.cancel(),
        })),
        ..Hands::default()
    };
    let began = Instant::now();
    let report = workshop.provision_with(&rack, &hands).unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for a touch that will not come");
    assert_eq!(report.interrupted, matches!(finger, UserPresence::EndsTheRun));
    let [(step, failure)] = failures(&report).try_into().unwrap();
    (step, failure.code)
}

#[test]
fn a_touch_is_declined_or_never_comes() {
    let steps = [Step::Make, Step::Prove, Step::SignIn];
    let fingers = [
        (UserPresence::Declines, FailureCode::TouchDeclined),
        (UserPresence::Sleeps, FailureCode::TouchTimeout),
        (UserPresence::EndsTheRun, FailureCode::Interrupted),
    ];
    each(steps.into_iter().flat_map(|step| fingers.map(|finger| (step, finger))), |(at, (finger, code))| {
        let workshop = Workshop::with_one_key_each(&["ada"]);
        let (step, found) = without_touch(&workshop, at, finger);
        assert_eq!(found, code, "{at} {finger:?}");
        let (book, directory) = (workshop.book(), workshop.directory());
        let user = directory.find_user("ada").unwrap();
        assert_eq!(directory.pending(&user).unwrap(), Vec::<String>::new(), "{at} {finger:?}: left waiting");
        let live = book.credentials.values().filter(|one| one.state != CredentialState::Deleted).count();
        let on_key = workshop.credentials_on_keys(&workshop.rack(), &book).len();
        match (at, finger) {
            // Signing in comes after the registration, and does not cost it.
            (Step::SignIn, _) => assert_eq!((step, live, on_key), (Step::SignIn, 1, 1)),
            // An ended run does not go on to tidy keys up; the next one does.
            (Step::Prove, UserPresence::EndsTheRun) => assert_eq!((step, live, on_key), (Step::Prove, 1, 1)),
            (Step::Make, UserPresence::EndsTheRun) => assert_eq!((step, live, on_key), (Step::Make, 0, 0)),
            _ => assert_eq!((step, live, on_key), (Step::Begin, 0, 0), "{at} {finger:?}"),
        }
        assert!(workshop.resume().unwrap().accounts[0].complete, "{at} {finger:?}");
        workshop.everything_agrees(&["ada"], 1);
    });
}

/// Gives a key a PIN, as somebody did who is not here.
fn set_foreign_pin(rack: &Rack, index: usize) {
    let pipe = rack.key(index).open().unwrap();
    let mut key = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()).unwrap();
    key.set_pin(&Pin::new("somebody's").unwrap()).unwrap();
}

#[test]
fn a_reset_that_nobody_touches_can_be_done_with_any_key_later() {
    for (finger, code) in [
        (UserPresence::Declines, FailureCode::TouchDeclined),
        (UserPresence::Sleeps, FailureCode::TouchTimeout),
        (UserPresence::EndsTheRun, FailureCode::Interrupted),
    ] {
        let workshop = Workshop::with_one_key_each(&["ada"]);
        set_foreign_pin(&workshop.rack(), 0);
        assert_eq!(without_touch(&workshop, Step::Reset, finger), (Step::Reset, code));
        assert!(workshop.resume().unwrap().accounts[0].complete, "{finger:?}");
        workshop.everything_agrees(&["ada"], 1);
    }
}

#[test]
fn a_key_that_is_plugged_in_again_for_its_reset_is_no_new_key() {
    let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
    let rack = workshop.rack();
    set_foreign_pin(&rack, 0);
    set_foreign_pin(&rack, 1);
    // Long enough for the run to look at its ports in between.
    rack.set_touch(Touch::After(Duration::from_millis(400)));
    let hands = Hands::default();
    let report = workshop.provision_with(&rack, &hands).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    let mut said = hands.said.lock().unwrap().clone();
    said.sort();
    assert_eq!(said, ["replug soft-1", "replug soft-2"]);
    workshop.everything_agrees(&["ada", "grace"], 1);
}

/// Swaps the keys of two ports.
fn swap(workshop: &Workshop, one: &str, other: &str) {
    let file = |name: &str| workshop.path().join("softkeys").join(format!("{name}.key"));
    std::fs::rename(file(one), file("aside").with_extension("x")).unwrap();
    std::fs::rename(file(other), file(one)).unwrap();
    std::fs::rename(file("aside").with_extension("x"), file(other)).unwrap();
}

#[test]
fn two_keys_that_changed_places_between_runs_are_told_apart() {
    // With a PIN each, and with a credential each.
    for request in ["/v1/users/*/ceremonies", "/v1/users/*/ceremonies/*"] {
        let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
        let proxy = FaultProxy::start(&workshop.url);
        proxy.always(Which::request("POST", request), Fault::ReplyBefore(Reply::status(401)));
        let troubled = Embedded::new(DIRECTORY, &proxy.url(), TOKEN.to_owned().into()).unwrap();
        let report = workshop.provision_at(&troubled, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
        assert!(failures(&report).iter().all(|(_, failure)| failure.code == FailureCode::DirectorySignIn));
        assert_eq!(failures(&report).len(), 2);
        swap(&workshop, "soft-01", "soft-02");
        let report = workshop.resume().unwrap();
        assert!(report.accounts.iter().all(|account| account.complete), "{request}: {report:#?}");
        swap(&workshop, "soft-01", "soft-02");
        workshop.everything_agrees(&["ada", "grace"], 1);
    }
}

#[test]
fn a_key_that_may_have_its_pin_is_missed_by_port() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let rack = workshop.rack();
    rack.key(0).pull_at(Moment::Command(0x06), Side::Before);
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    assert!(workshop.book().jobs.values().all(|job| job.state.step() == Some(Step::SetPin)));
    drop(rack);
    // In another port it could be any key, while ada's may have her PIN.
    let file = |name: &str| workshop.path().join("softkeys").join(name);
    std::fs::rename(file("soft-01.key"), file("soft-07.key")).unwrap();
    let hands = Hands::default();
    let report = workshop.with(&workshop.rack(), &hands, keywright_test_support::workshop::resume).unwrap();
    assert!(!report.accounts[0].complete, "{report:#?}");
    let said = hands.said.lock().unwrap();
    assert!(said.contains(&"ada's key 1 was not seen; it was last in port soft-1".to_owned()), "{said:?}");
    std::fs::rename(file("soft-07.key"), file("soft-01.key")).unwrap();
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn a_key_that_is_done_is_recognised_and_left_alone() {
    let mut workshop = two_people();
    workshop.set_roster(&["ada"]);
    let rack = workshop.rack();
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    let book = workshop.book();
    let done: BTreeSet<String> = book.jobs.values().map(|job| job.key().unwrap().port.clone()).collect();
    // The other key is for grace, who is next; the profile of today asks for a key that is reset in any case.
    workshop.set_roster(&["ada", "grace"]);
    workshop.profile.keys.reset = keywright::profile::Reset::Always;
    let hands = Hands::default();
    let report = workshop.provision_with(&rack, &hands).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete));
    let port = done.first().unwrap();
    let said = hands.said.lock().unwrap();
    assert!(said.contains(&format!("the key in {port} is ada's key 1 already; it is left alone")), "{said:?}");
    assert_eq!(workshop.book().jobs.values().filter(|job| job.state == JobState::Done).count(), 2);
    assert!(rack.devices().unwrap().len() == 2);
    workshop.everything_agrees(&["ada", "grace"], 1);
}

#[test]
fn a_fault_of_ours_in_one_job_does_not_end_the_others() {
    let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
    let fault = |who: &JobLabel, step| assert!(who.account != "ada" || step != Step::Prove, "a fault");
    let hands = Hands { at_step: Some(Box::new(fault)), ..Hands::default() };
    let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
    let [(step, failure)] = &failures(&report)[..] else { panic!("{report:#?}") };
    assert_eq!((*step, failure.code), (Step::Prove, FailureCode::Internal));
    assert!(report.accounts[1].complete, "{report:#?}");
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada", "grace"], 1);
}
