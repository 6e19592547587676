//! The process is killed before and after every write of what is done to keys after their first day, and `resume` or the same
//! command again ends it: see [`keywright_test_support::power_cut`].

use keywright::idp::Directory as _;
use keywright::ledger::{AccountId, Event};
use keywright::profile::Person;
use keywright::provision::{Plan, RetryPolicy, RevokeOrder, leave, revoke};
use keywright::register::{AccountStanding, CredentialState, KeyStanding, Register, Replacement, Standing};
use keywright_fido::webauthn::CredentialId;
use keywright_files::Cancel;
use keywright_practice::softkey::{Moment, Side};
use keywright_test_support::as_said::run_as_said;
use keywright_test_support::cli::program;
use keywright_test_support::power_cut::{self, Cut, Ended, work_until_cut};
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, each, resume};
use time::OffsetDateTime;

fn ada() -> AccountId {
    AccountId::new(DIRECTORY, "ada")
}

fn standing(workshop: &Workshop) -> Standing {
    workshop.book().standing(&ada(), OffsetDateTime::now_utc()).unwrap()
}

/// The keys that the IdP has.
fn at_the_idp(workshop: &Workshop) -> Vec<CredentialId> {
    let directory = workshop.directory();
    let listed = directory.list(&directory.find_user("ada").unwrap()).unwrap();
    listed.into_iter().map(|one| one.credential_id.unwrap()).collect()
}

/// The IdP has what the register says is registered, and nothing else; and nothing is pending there.
fn register_and_idp_agree(workshop: &Workshop, after: Cut) {
    let book = workshop.book();
    let registered = book.credentials.iter().filter(|(_, one)| one.state == CredentialState::Registered);
    let mut registered: Vec<_> = registered.map(|(id, _)| id.clone()).collect();
    let mut listed = at_the_idp(workshop);
    registered.sort();
    listed.sort();
    assert_eq!(registered, listed, "{after}");
    let directory = workshop.directory();
    assert_eq!(directory.pending(&directory.find_user("ada").unwrap()).unwrap(), Vec::<String>::new(), "{after}");
}

fn start(test: &str, workshop: &Workshop, cut: Cut) -> Ended {
    power_cut::in_another_process(&format!("killed_verbs::{test}"), workshop, cut, &[])
}

/// Kills a verb on both sides of each of its writes, in a workshop of its own each time, and looks at what `ends` it leads to.
fn killed_at_every_write(
    test: &str,
    writes: std::ops::RangeInclusive<usize>,
    workshop: impl Fn() -> Workshop + Sync,
    ends: impl Fn(&Workshop, Cut) + Sync,
) {
    let whole = workshop();
    start(test, &whole, Cut::Never).expect_success(Cut::Never);
    let found = power_cut::writes(&whole);
    assert!(writes.contains(&found), "{test} wrote {found} times");
    ends(&whole, Cut::Never);
    each(Cut::all(found), |cut| {
        let workshop = workshop();
        start(test, &workshop, cut).expect_killed(cut);
        ends(&workshop, cut);
    });
}

/// ada has two keys, and one more is there.
fn with_two_keys() -> Workshop {
    let workshop = Workshop::new(3, &["ada"]);
    workshop.provision().unwrap();
    workshop
}

/// ada's second key is pulled when the IdP has begun a registration for it.
fn with_a_key_under_way() -> Workshop {
    let workshop = Workshop::new(2, &["ada"]);
    let rack = workshop.rack();
    rack.key(1).pull_at(Moment::Command(0x02), Side::Before);
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    workshop
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn replacement() {
    work_until_cut(|workshop, store| {
        let (rack, hands) = (workshop.rack(), Hands::default());
        let report = workshop.with_directory(&workshop.directory(), store, &rack, &hands, |station| {
            let book = Register::read(&station.store.entries(0)?)?;
            if book.jobs.values().any(|job| job.replaces.is_some()) {
                return resume(station);
            }
            let person = Person { ..book.accounts[&ada()].person.clone() };
            let worn = Replacement { ordinal: 1, reason: "worn".to_owned(), same_key: false };
            run_as_said(station, &Plan::replacing(station, &person, &workshop.profile, worn)?)
        });
        report.unwrap();
    });
}

#[test]
fn a_replacement_that_is_killed_is_ended_by_the_next_run() {
    killed_at_every_write("replacement", 20..=60, with_two_keys, |workshop, cut| {
        // At no moment are there fewer than there were.
        assert!(standing(workshop).in_service() >= 2, "{cut}");
        assert!(at_the_idp(workshop).len() >= 2, "{cut}");
        if cut != Cut::Never {
            start("replacement", workshop, Cut::Never).expect_success(cut);
        }
        let ada = standing(workshop);
        let states: Vec<_> = ada.keys.iter().map(|key| key.standing.clone()).collect();
        assert_eq!(states, [KeyStanding::Revoked, KeyStanding::InService, KeyStanding::InService], "{cut}");
        assert_eq!(ada.account, AccountStanding::Complete, "{cut}");
        register_and_idp_agree(workshop, cut);
        assert_eq!(workshop.vault().list().unwrap(), [], "{cut}");
    });
}

#[test]
fn what_runs_is_told_from_what_was_interrupted() {
    let workshop = with_two_keys();
    let cut = Cut::After(9);
    start("replacement", &workshop, cut).expect_killed(cut);
    let status = || {
        let mut status = std::process::Command::new(program());
        status.arg("status").arg("--state").arg(workshop.path()).env_clear().env("HOME", workshop.path());
        String::from_utf8(status.output().unwrap().stdout).unwrap()
    };
    let told = status();
    assert!(told.contains("interrupted; 'keywright resume' goes on") && !told.contains("running"), "{told}");
    let store = workshop.store();
    let (told, this) = (status(), format!("running in process {} since ", std::process::id()));
    assert!(told.contains(&this) && !told.contains("interrupted"), "{told}");
    drop(store);
    workshop.resume().unwrap();
    assert!(!status().contains("interrupted"));
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn revocation() {
    work_until_cut(|workshop, store| {
        // The key under way, or else the newest.
        let book = workshop.book();
        let ordinal = book.unfinished().next().map_or_else(|| book.last_ordinal(&ada()), |(_, job)| job.ordinal);
        let (directory, policy) = (workshop.directory(), RetryPolicy::default());
        revoke(
            &directory,
            store,
            &policy,
            &Cancel::default(),
            &ada(),
            ordinal,
            RevokeOrder { reason: "lost", operator: &"tester".into() },
        )
        .unwrap();
    });
}

#[test]
fn a_revocation_that_is_killed_is_ended_by_the_next_run() {
    killed_at_every_write("revocation", 2..=2, with_two_keys, |workshop, cut| {
        if cut == Cut::Before(0) {
            // Nobody was told anything.
            assert_eq!((standing(workshop).in_service(), at_the_idp(workshop).len()), (2, 2));
            start("revocation", workshop, Cut::Never).expect_success(cut);
        }
        workshop.resume().unwrap();
        assert_eq!(standing(workshop).keys[1].standing, KeyStanding::Revoked, "{cut}");
        register_and_idp_agree(workshop, cut);
        assert_eq!(at_the_idp(workshop).len(), 1, "{cut}");
    });
}

#[test]
fn a_key_under_way_whose_revocation_is_killed_is_given_up_by_the_same_command() {
    killed_at_every_write("revocation", 1..=4, with_a_key_under_way, |workshop, cut| {
        if cut != Cut::Never {
            start("revocation", workshop, Cut::Never).expect_success(cut);
        }
        assert_eq!(workshop.book().unfinished().count(), 0, "{cut}");
        register_and_idp_agree(workshop, cut);
    });
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn departure() {
    work_until_cut(|workshop, store| {
        let (directory, policy) = (workshop.directory(), RetryPolicy::default());
        leave(
            &directory,
            store,
            &policy,
            &Cancel::default(),
            &ada(),
            RevokeOrder { reason: "left", operator: &"tester".into() },
        )
        .unwrap();
    });
}

#[test]
fn a_departure_that_is_killed_is_ended_by_resume_alone() {
    killed_at_every_write("departure", 2..=6, with_two_keys, |workshop, cut| {
        if cut == Cut::Before(0) {
            return assert_eq!(standing(workshop).account, AccountStanding::Complete);
        }
        workshop.resume().unwrap();
        assert_eq!(standing(workshop).account, AccountStanding::Left, "{cut}");
        register_and_idp_agree(workshop, cut);
        assert_eq!(at_the_idp(workshop), [], "{cut}");
    });
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn oblivion() {
    work_until_cut(|workshop, store| {
        let mut register = workshop.book();
        let (account, reason, operator) = (ada(), "typing error".to_owned(), "tester".into());
        register.record(store, &Event::AccountForgotten { account, reason, operator }).unwrap();
    });
}

#[test]
fn an_account_that_is_forgotten_is_so_whole_or_not_at_all() {
    // Nobody has a key: the one that is planned never came.
    let planned = || {
        let workshop = Workshop::new(0, &["ada"]);
        workshop.provision().unwrap_err();
        workshop
    };
    killed_at_every_write("oblivion", 1..=1, planned, |workshop, cut| {
        if cut == Cut::Before(0) {
            assert_eq!(standing(workshop).account, AccountStanding::Planned);
            start("oblivion", workshop, Cut::Never).expect_success(cut);
        }
        let ada = standing(workshop);
        assert_eq!((ada.account, ada.to_come()), (AccountStanding::Forgotten, 0), "{cut}");
        let rack = workshop.rack();
        let plan = workshop.with(&rack, &Hands::default(), |station| Plan::for_resuming(station).unwrap());
        assert!(plan.is_none(), "{cut}");
    });
}
