//! Keys that look the same come and go while a batch runs: the person at the machine is told whose key is next before touching
//! it, and a key that was there before is recognised.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keywright::register::JobState;
use keywright_practice::softkey::{Moment, Rack, Side, Touch};
use keywright_test_support::workshop::{Hands, Workshop};

/// Longer than any of these journeys takes; they end as soon as everybody is done.
const LONG: Duration = Duration::from_secs(60);

fn said(hands: &Hands<'_>, words: &str) -> bool {
    hands.said.lock().unwrap().iter().any(|said| said == words)
}

/// Gives up, rather than hang, on what should be there long before.
#[track_caller]
fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < LONG, "this never came");
        std::thread::yield_now();
    }
}

/// Touches the key that blinks, until the run is over, and writes down whose it was said to be: port to person.
fn touch_what_blinks(rack: &Rack, hands: &Hands<'_>, is_over: impl Fn() -> bool) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let blinking = || rack.keys().iter().filter(|key| key.is_waiting()).collect::<Vec<_>>();
    while !is_over() {
        if blinking().is_empty() {
            continue;
        }
        // A person takes a moment, in which another key could begin to blink, and one that was touched just now ends.
        std::thread::sleep(Duration::from_millis(30));
        let blinks = blinking();
        assert!(blinks.len() <= 1, "several keys blink, and nobody can tell which is whose");
        let Some(first) = blinks.first().copied() else { continue };
        let port = first.device().unwrap().port;
        let told = hands.said.lock().unwrap().iter().rfind(|said| said.contains(" is in ")).cloned();
        let told = told.expect("whose key it is, is said before it blinks");
        let (whose, where_it_is) = told.split_once(" is in ").unwrap();
        assert_eq!(where_it_is, port, "another key blinks than the one that was named");
        labels.insert(port, whose.to_owned());
        let touches = first.touches();
        first.touch(Touch::After(Duration::ZERO));
        until(|| first.touches() > touches || is_over());
        first.touch(Touch::Never);
    }
    labels
}

#[test]
fn of_keys_that_look_the_same_the_one_that_is_named_blinks() {
    let workshop = Workshop::new(4, &["ada", "grace"]);
    let rack = workshop.rack();
    rack.set_touch(Touch::Never);
    let hands = Hands { goes_by_touch: true, ..Hands::default() };
    let labels = std::thread::scope(|scope| {
        let run = scope.spawn(|| workshop.provision_with(&rack, &hands).unwrap());
        let labels = touch_what_blinks(&rack, &hands, || run.is_finished());
        assert!(run.join().unwrap().accounts.iter().all(|account| account.complete));
        labels
    });
    let book = workshop.book();
    let jobs = book.jobs.values();
    let known: BTreeMap<String, String> =
        jobs.map(|job| (job.key().unwrap().port.clone(), format!("{} {}", job.account.login, job.ordinal))).collect();
    assert_eq!(labels, known, "what is on the labels is what the ledger says");
    assert_eq!(labels.len(), 4);
    rack.set_touch(Touch::After(Duration::ZERO));
    workshop.everything_agrees_on(&rack, &["ada", "grace"], 2);
}

#[test]
fn a_key_alone_needs_no_telling_apart() {
    let workshop = Workshop::with_one_key_each(&["ada"]);
    let hands = Hands { goes_by_touch: true, ..Hands::default() };
    workshop.provision_with(&workshop.rack(), &hands).unwrap();
    assert_eq!(*hands.said.lock().unwrap(), Vec::<String>::new());
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn a_key_is_awaited_by_name_and_one_that_is_done_is_sent_away() {
    for goes_by_touch in [false, true] {
        let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
        let rack = workshop.rack();
        rack.key(1).pull();
        let hands = Hands { goes_by_touch, waits_for_keys: LONG, ..Hands::default() };
        let report = std::thread::scope(|scope| {
            let run = scope.spawn(|| workshop.provision_with(&rack, &hands).unwrap());
            until(|| said(&hands, "insert grace 1; again"));
            until(|| workshop.book().jobs.values().any(|job| job.state == JobState::Done));
            rack.key(0).pull();
            rack.key(0).plug();
            until(|| said(&hands, "the key in soft-1 is ada's key 1 already; it is left alone"));
            rack.key(1).plug();
            run.join().unwrap()
        });
        assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
        assert!(!said(&hands, "insert ada 1 grace 1; again"), "ada's key was there from the start");
        workshop.everything_agrees(&["ada", "grace"], 1);
    }
}

#[test]
fn a_key_that_was_begun_with_is_awaited_by_name() {
    let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
    let rack = workshop.rack();
    // makeCredential
    rack.key(0).pull_at(Moment::Command(0x01), Side::After);
    let hands = Hands { goes_by_touch: true, waits_for_keys: LONG, ..Hands::default() };
    let report = std::thread::scope(|scope| {
        let run = scope.spawn(|| workshop.provision_with(&rack, &hands).unwrap());
        let awaited = || ["ada", "grace"].iter().any(|login| said(&hands, &format!("insert; again {login} 1")));
        until(awaited);
        rack.key(0).plug();
        run.join().unwrap()
    });
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    workshop.everything_agrees(&["ada", "grace"], 1);
}

#[test]
fn a_key_that_is_pulled_while_it_waits_for_its_turn_is_missed_at_once() {
    let workshop = Workshop::with_one_key_each(&["ada", "grace"]);
    let rack = workshop.rack();
    rack.set_touch(Touch::Never);
    let hands = Hands { goes_by_touch: true, waits_for_keys: LONG, ..Hands::default() };
    let report = std::thread::scope(|scope| {
        let run = scope.spawn(|| workshop.provision_with(&rack, &hands).unwrap());
        let blinking = || rack.keys().iter().position(|key| key.is_waiting());
        until(|| blinking().is_some());
        let waiting = 1 - blinking().unwrap();
        rack.key(waiting).pull();
        let missed = || ["ada", "grace"].iter().any(|login| said(&hands, &format!("insert {login} 1; again")));
        until(missed);
        assert!(rack.key(1 - waiting).is_waiting(), "the other key was disturbed");
        rack.set_touch(Touch::After(Duration::ZERO));
        rack.key(waiting).plug();
        run.join().unwrap()
    });
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    workshop.everything_agrees(&["ada", "grace"], 1);
}

#[test]
fn a_key_that_is_done_and_hides_its_credential_is_not_reset_for_the_next_person() {
    let mut workshop = Workshop::with_one_key_each(&["ada", "grace"]);
    workshop.profile.keys.cred_protect = 3;
    workshop.set_roster(&["ada"]);
    let rack = workshop.rack();
    rack.key(1).pull();
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    assert_eq!(workshop.book().jobs.len(), 1);

    workshop.set_roster(&["ada", "grace"]);
    let hands = Hands { waits_for_keys: LONG, ..Hands::default() };
    let told = "the key in soft-1 has a PIN, hides what is on it, and looks like ada's key 1, which is done; it was left \
                alone: if it is another, reset it with 'keywright key reset'";
    let report = std::thread::scope(|scope| {
        let run = scope.spawn(|| workshop.provision_with(&rack, &hands).unwrap());
        until(|| said(&hands, told) || run.is_finished());
        rack.key(1).plug();
        run.join().unwrap()
    });
    assert!(said(&hands, told), "{:?}", hands.said.lock().unwrap());
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    workshop.everything_agrees(&["ada", "grace"], 1);
}
