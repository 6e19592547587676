//! The process is killed right after each write to the journal, and right before each, and another one goes on.
//!
//! Before a write of an outcome, the deed is done and the ledger does not know; after a write of an intent, the ledger says so
//! and nothing is done. So these two sides of every write are all the moments that differ. The IdP runs in the test's own
//! process and lives on; keys, ledger and vault are files, as they would be on the bench.

use keywright::idp::manual::Manual;
use keywright::idp::{ConnectionConfig, Directory};
use keywright::ledger::AccountId;
use keywright::provision::{AccountReport, RetryPolicy, RevokeOrder, leave};
use keywright::register::{AccountStanding, CredentialState, JobState, Register};
use keywright_files::Cancel;
use keywright_test_support::as_said::run_as_said;
use keywright_test_support::power_cut::{self, Cut, Ended, work_until_cut};
use keywright_test_support::workshop::{self, DIRECTORY, Hands, Workshop, resume};

/// The address of an IdP without an API.
const BY_HAND: &str = "";

fn directory(workshop: &Workshop) -> Box<dyn Directory> {
    match workshop.url.as_str() {
        BY_HAND => Box::new(by_hand()),
        _ => Box::new(workshop.directory()),
    }
}

fn by_hand() -> Manual {
    Manual::google_workspace(&ConnectionConfig { name: DIRECTORY.into(), ..ConnectionConfig::default() }).unwrap()
}

/// One run in a process of its own. Goes on if the ledger has a plan already, as `provision` of the same roster does.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn station() {
    work_until_cut(|workshop, store| {
        let (rack, hands) = (workshop.rack(), Hands::default());
        let report = workshop.with_directory(&*directory(workshop), store, &rack, &hands, |station| {
            let book = Register::read(&station.store.entries(0).unwrap()).unwrap();
            if book.jobs.is_empty() { run_as_said(station, &workshop.plan(station)?) } else { resume(station) }
        });
        let report = report.unwrap();
        let said = hands.said.lock().unwrap();
        let is_well = |account: &AccountReport| account.complete || account.to_be_confirmed;
        assert!(report.accounts.iter().all(is_well), "{report:#?}\n{said:#?}");
    });
}

/// ada leaves, in a process of its own.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn departure() {
    work_until_cut(|workshop, store| {
        let (directory, policy) = (workshop.directory(), RetryPolicy::default());
        let ada = AccountId::new(DIRECTORY, "ada");
        leave(
            &directory,
            store,
            &policy,
            &Cancel::default(),
            &ada,
            RevokeOrder { reason: "left", operator: &"tester".into() },
        )
        .unwrap();
    });
}

fn start(workshop: &Workshop, cut: Cut) -> Ended {
    start_test(workshop, "station", cut)
}

fn start_test(workshop: &Workshop, test: &str, cut: Cut) -> Ended {
    power_cut::in_another_process(&format!("resume_after_power_cut::{test}"), workshop, cut, &[])
}

/// What holds when a run has ended: everything agrees. Where people register keys, nothing counts yet, and nothing but what shows
/// whose a key is was left on it.
fn check(workshop: &Workshop, logins: &[&str]) {
    if workshop.url != BY_HAND {
        return workshop.everything_agrees(logins, 2);
    }
    let book = workshop.book();
    for login in logins {
        let account = AccountId::new(DIRECTORY, login);
        let standing = book.standing(&account, time::OffsetDateTime::now_utc()).unwrap();
        assert_eq!((standing.to_be_confirmed(), standing.in_service()), (2, 0));
    }
    assert!(
        book.credentials.values().all(|one| one.state == CredentialState::Unconfirmed && one.model_verdict.is_some())
    );
    assert!(book.jobs.values().all(|job| job.state == JobState::Done));
    assert_eq!(workshop.credentials_on_keys(&workshop.rack(), &book), []);
    assert_eq!(workshop.vault().list().unwrap(), []);
}

/// Writes of a run that nothing disturbs.
fn writes_in_a_run(workshop: &Workshop, logins: &[&str]) -> usize {
    start(workshop, Cut::Never).expect_success(Cut::Never);
    check(workshop, logins);
    power_cut::writes(workshop)
}

/// Cuts the power as told, one after the other, and then lets the last run end.
fn survive(workshop: &Workshop, logins: &[&str], cuts: &[Cut]) {
    for cut in cuts {
        let ended = start(workshop, *cut);
        // A later cut may lie behind the end of what was left to do.
        assert!(ended.was_killed() || ended.status.success(), "{cut} of {cuts:?}: {}", ended.output);
    }
    start(workshop, Cut::Never).expect_success(cuts);
    check(workshop, logins);
}

/// Every case; the first that fails is told with its cuts.
fn each(cases: impl IntoIterator<Item = Vec<Cut>>, logins: &[&str], workshop: impl Fn() -> Workshop + Sync) {
    workshop::each(cases, |case| survive(&workshop(), logins, &case));
}

#[test]
fn killed_at_every_write_of_one_persons_job() {
    let logins = ["ada"];
    let workshop = || Workshop::new(2, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    assert!(writes > 40, "two keys take twelve steps each, and each step two writes: {writes}");
    each(Cut::all(writes).map(|cut| vec![cut]), &logins, workshop);
}

#[test]
fn killed_at_every_write_of_a_job_whose_keys_are_registered_by_hand() {
    let logins = ["ada"];
    let workshop = || Workshop::without_directory(2, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    assert!(writes > 40, "{writes}");
    each(Cut::all(writes).map(|cut| vec![cut]), &logins, workshop);
}

#[test]
fn killed_while_two_people_are_served_at_once() {
    let logins = ["ada", "grace"];
    let workshop = || Workshop::new(4, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    let cases = (1..writes).step_by(5).flat_map(|at| [vec![Cut::Before(at)], vec![Cut::After(at)]]);
    each(cases, &logins, workshop);
}

#[test]
fn killed_again_while_going_on() {
    let logins = ["ada"];
    let workshop = || Workshop::new(2, &logins);
    let writes = writes_in_a_run(&workshop(), &logins);
    let cases = (2..writes).step_by(4).map(|at| vec![Cut::Before(at), Cut::After(2), Cut::Before(3), Cut::After(1)]);
    each(cases, &logins, workshop);
}

#[test]
fn killed_at_every_write_of_a_departure() {
    // ada has one key, and a second one that is only planned.
    let workshop = || {
        let workshop = Workshop::new(1, &["ada"]);
        workshop.provision().unwrap();
        workshop
    };
    let whole = workshop();
    start_test(&whole, "departure", Cut::Never).expect_success(Cut::Never);
    let writes = power_cut::writes(&whole);
    assert_eq!(writes, 2, "that she left, and that her key is revoked");
    for cut in Cut::all(writes) {
        let workshop = workshop();
        start_test(&workshop, "departure", cut).expect_killed(cut);
        start_test(&workshop, "departure", Cut::Never).expect_success(cut);
        let (book, directory) = (workshop.book(), workshop.directory());
        let user = directory.find_user("ada").unwrap();
        assert_eq!(directory.list(&user).unwrap(), [], "after {cut:?}");
        assert!(book.credentials.values().all(|one| one.state == CredentialState::Revoked), "after {cut:?}");
        assert_eq!(book.unfinished().count(), 0);
        let standing = book.standing(&AccountId::new(DIRECTORY, "ada"), time::OffsetDateTime::now_utc()).unwrap();
        assert_eq!(standing.account, AccountStanding::Left);
    }
}
