//! The process is killed before and after every write of what is done to keys after their first day, and `resume` or the same
//! command again ends it: see [`keywright_test_support::power_cut`].

use std::collections::BTreeSet;

use keywright::audit::key::credentials_of_ledger;
use keywright::idp::Directory as _;
use keywright::ledger::{AccountId, Event, KeyNumber, KeyState, Store as _};
use keywright::profile::{HandOver, Person};
use keywright::provision::{self, Plan, Relabelled, RetryPolicy, RevokeOrder, leave, revoke, which_key};
use keywright::register::{AccountStanding, CredentialState, KeyStanding, Register, Replacement, Standing};
use keywright::rollout::unknown_key::Removing;
use keywright_fido::ctap::Permissions;
use keywright_fido::hid::Bus as _;
use keywright_fido::webauthn::CredentialId;
use keywright_files::Cancel;
use keywright_practice::softkey::{Moment, Side};
use keywright_test_support::as_said::run_as_said;
use keywright_test_support::cli::program;
use keywright_test_support::power_cut::{self, Cut, Ended, work_until_cut};
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, each, resume};
use time::OffsetDateTime;

use crate::key_verbs::{eraser, label_anew, open, read, take_back, take_into_stock};
use crate::strange;

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

/// ada has two keys of ours, and one that nobody here made.
fn with_a_strange_key() -> Workshop {
    let workshop = with_two_keys();
    strange::register(&workshop, "ada");
    workshop
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn removal_of_a_strange_key() {
    work_until_cut(|workshop, store| {
        let (directory, retry, cancel) = (workshop.directory(), RetryPolicy::default(), Cancel::default());
        let removing = Removing { directory: &directory, store, retry: &retry, cancel: &cancel };
        let book = Register::read(&store.entries(0).unwrap()).unwrap();
        let open = book.rollout.unknown_keys.first().cloned();
        let removal = open.unwrap_or_else(|| strange::removal(workshop, "ada").unwrap());
        removing.remove(&removal).unwrap();
    });
}

#[test]
fn the_removal_of_a_strange_key_that_is_killed_is_ended_by_the_next_run() {
    killed_at_every_write("removal_of_a_strange_key", 2..=8, with_a_strange_key, |workshop, cut| {
        // Hers are never touched.
        assert_eq!(standing(workshop).in_service(), 2, "{cut}");
        let is_open = || !workshop.book().rollout.unknown_keys.is_empty();
        let is_said = || ledger_says_it_is_gone(workshop);
        if at_the_idp(workshop).len() == 2 {
            assert!(is_open() || is_said(), "it is gone, and nobody wrote that down: {cut}");
        }
        if !is_said() {
            start("removal_of_a_strange_key", workshop, Cut::Never).expect_success(cut);
        }
        register_and_idp_agree(workshop, cut);
        assert!(!is_open() && is_said(), "{cut}");
    });
}

fn ledger_says_it_is_gone(workshop: &Workshop) -> bool {
    let entries = workshop.store().entries(0).unwrap();
    entries.iter().any(|entry| matches!(entry.event().unwrap(), Event::UnknownKeyRemoved(_)))
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

/// Ada's keys are empty, nobody's, and where the register says; it never calls one in stock that has her credential.
fn keys_are_back(workshop: &Workshop, after: Cut) {
    let (book, rack) = (workshop.book(), workshop.rack());
    let states: Vec<_> = book.keys.iter().map(|(_, key)| key.state).collect();
    assert_eq!(states, [KeyState::InStock, KeyState::InStock], "{after}");
    assert!(book.credentials.values().all(|one| one.returned.is_some() && one.erasing.is_none()), "{after}");
    for device in rack.devices().unwrap() {
        let mut key = open(&rack, &device);
        assert!(!key.info().has_pin(), "{after}");
        assert_eq!(credentials_of_ledger(&mut key, &book).unwrap(), [], "{after}");
    }
}

/// Of keys in stock, those show which they are of which the register says so: one that was wiped and not marked is not among them.
fn known_again(workshop: &Workshop, after: Cut) {
    let (book, rack) = (workshop.book(), workshop.rack());
    let shown = rack.devices().unwrap().into_iter().map(|device| {
        let number = which_key::number(&book, &device, &mut open(&rack, &device)).unwrap();
        number.filter(|number| book.keys.get(*number).unwrap().state == KeyState::InStock)
    });
    let said = book.keys.in_stock().map(|(number, _)| number).filter(|number| book.keys.is_recognisable(*number));
    assert_eq!(shown.flatten().collect::<BTreeSet<_>>(), said.collect(), "{after}");
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn return_of_keys() {
    work_until_cut(|workshop, store| take_back(workshop, store, |_, _| true));
}

#[test]
fn a_return_that_is_killed_is_ended_by_the_same_command() {
    let two_of_two = || {
        let workshop = Workshop::new(2, &["ada"]);
        workshop.provision().unwrap();
        workshop
    };
    killed_at_every_write("return_of_keys", 6..=6, two_of_two, |workshop, cut| {
        let book = workshop.book();
        for device in workshop.rack().devices().unwrap() {
            let shown = credentials_of_ledger(&mut open(&workshop.rack(), &device), &book).unwrap();
            let counted = shown.iter().filter(|id| book.credentials[*id].state == CredentialState::Erased);
            assert_eq!(counted.count(), 0, "{cut}: erased by the ledger, and on the key");
        }
        known_again(workshop, cut);
        if cut != Cut::Never {
            start("return_of_keys", workshop, Cut::Never).expect_success(cut);
        }
        keys_are_back(workshop, cut);
        assert_eq!(standing(workshop).in_service(), 0, "{cut}");
    });
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn departure_with_keys() {
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
        take_back(workshop, store, |_, _| true);
    });
}

#[test]
fn a_departure_with_keys_in_hand_that_is_killed_is_ended_by_the_same_command() {
    let two_of_two = || {
        let workshop = Workshop::new(2, &["ada"]);
        workshop.provision().unwrap();
        workshop
    };
    killed_at_every_write("departure_with_keys", 8..=12, two_of_two, |workshop, cut| {
        if cut != Cut::Never {
            start("departure_with_keys", workshop, Cut::Never).expect_success(cut);
        }
        assert_eq!(standing(workshop).account, AccountStanding::Left, "{cut}");
        register_and_idp_agree(workshop, cut);
        assert_eq!(at_the_idp(workshop), [], "{cut}");
        keys_are_back(workshop, cut);
    });
}

/// Deletes the credential of ada's first key, as `key credentials --delete` does.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn deletion() {
    work_until_cut(|workshop, store| {
        let (rack, book) = (workshop.rack(), workshop.book());
        let job = &book.jobs[&book.job_of_key(&ada(), 1).unwrap()];
        let port = &job.key().unwrap().port;
        let device = rack.devices().unwrap().into_iter().find(|device| device.port == *port).unwrap();
        let mut key = open(&rack, &device);
        let pin = workshop.handed_over("ada", 1).unwrap();
        let token = key.pin_uv_auth_token(&pin, Permissions::CREDENTIAL_MANAGEMENT, None).unwrap();
        let id = job.credential_id().unwrap();
        // What is gone already has nothing to be deleted.
        if credentials_of_ledger(&mut key, &book).unwrap().contains(id) {
            eraser(&rack, store).delete(&mut key, &token, id).unwrap();
        }
    });
}

#[test]
fn a_deletion_that_is_killed_never_counts_what_is_gone() {
    killed_at_every_write("deletion", 2..=2, with_two_keys, |workshop, cut| {
        let first = |workshop: &Workshop| standing(workshop).keys[0].standing.clone();
        let is_there = |workshop: &Workshop| {
            let (book, rack) = (workshop.book(), workshop.rack());
            let id = book.jobs[&book.job_of_key(&ada(), 1).unwrap()].credential_id().unwrap().clone();
            let found = rack
                .devices()
                .unwrap()
                .into_iter()
                .flat_map(|device| credentials_of_ledger(&mut open(&rack, &device), &book).unwrap());
            found.collect::<Vec<_>>().contains(&id)
        };
        assert!(is_there(workshop) || !first(workshop).counts(), "{cut}: {:?}", first(workshop));
        workshop.resume().unwrap();
        match (is_there(workshop), first(workshop)) {
            // It was seen, and counts again.
            (true, KeyStanding::InService) => {}
            (false, KeyStanding::CannotTell { .. } | KeyStanding::Erased) => {}
            other => panic!("{cut}: {other:?}"),
        }
        start("deletion", workshop, Cut::Never).expect_success(cut);
        let (directory, policy, cancel) = (workshop.directory(), RetryPolicy::default(), Cancel::default());
        let order = RevokeOrder { reason: "erased", operator: &"tester".into() };
        revoke(&directory, &workshop.store(), &policy, &cancel, &ada(), 1, order).unwrap();
        assert_eq!(first(workshop), KeyStanding::Revoked, "{cut}");
        register_and_idp_agree(workshop, cut);
    });
}

/// Takes the keys that are plugged in and unknown into stock, as `key add --stock` does.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn stock() {
    work_until_cut(take_into_stock);
}

#[test]
fn stock_that_is_killed_has_each_key_once() {
    killed_at_every_write(
        "stock",
        2..=2,
        || Workshop::new(2, &["ada"]),
        |workshop, cut| {
            if cut != Cut::Never {
                start("stock", workshop, Cut::Never).expect_success(cut);
            }
            let numbers: Vec<_> = workshop.book().keys.in_stock().map(|(number, _)| number).collect();
            assert_eq!(numbers, [KeyNumber(1), KeyNumber(2)], "{cut}");
        },
    );
}

/// Somebody says that every letter of ada's came out, as after `hand-over again`.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn letters() {
    work_until_cut(|workshop, store| {
        let waiting = provision::waiting_letters(&read(store), &ada());
        let jobs: Vec<_> = waiting.into_iter().map(|(job, _)| job).collect();
        provision::letters_arrived(store, &workshop.vault(), &jobs, &"tester".into()).unwrap();
    });
}

#[test]
fn the_word_about_letters_is_in_the_ledger_before_their_copies_go() {
    let with_letters = || {
        let mut workshop = Workshop::new(2, &["ada"]);
        workshop.profile.hand_over = HandOver::Letter;
        workshop.letter_program = ["sh", "-c", "cat > /dev/null"].map(str::to_owned).to_vec();
        let (rack, hands) = (workshop.rack(), Hands { misses_letters: true, ..Hands::default() });
        workshop.provision_with(&rack, &hands).unwrap();
        assert_eq!(workshop.vault().list().unwrap().len(), 2);
        workshop
    };
    killed_at_every_write("letters", 5..=8, with_letters, |workshop, cut| {
        let ada = standing(workshop);
        assert!(!ada.keys.iter().any(|key| key.standing == KeyStanding::PinLost), "{cut}: {ada:?}");
        let (sealed, counts) = (workshop.vault().list().unwrap().len(), ada.in_service());
        assert!(sealed + counts <= 3 && sealed <= 2, "{cut}: {sealed} copies, {counts} keys count");
        if cut != Cut::Never {
            start("letters", workshop, Cut::Never).expect_success(cut);
            workshop.resume().unwrap();
        }
        assert!(standing(workshop).is_complete(), "{cut}: {:?}", standing(workshop));
        assert_eq!(workshop.vault().list().unwrap(), [], "{cut}");
    });
}

/// Ada's names are erased, as by `account erase`.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn erasure() {
    work_until_cut(|_, store| {
        let mut register = read(store);
        let (account, known) = register.accounts.iter().next().unwrap();
        if known.erased.is_none() {
            let (account, login) = (account.clone(), known.login.clone());
            let (reason, operator) = ("asked".to_owned(), "tester".into());
            register.record(store, &Event::AccountErased { account, login, reason, operator }).unwrap();
        }
    });
}

#[test]
fn names_that_are_erased_by_a_process_that_is_killed_are_gone() {
    let left = || {
        let workshop = Workshop::new(2, &["ada"]);
        workshop.provision().unwrap();
        let (directory, policy, store) = (workshop.directory(), RetryPolicy::default(), workshop.store());
        leave(
            &directory,
            &store,
            &policy,
            &Cancel::default(),
            &ada(),
            RevokeOrder { reason: "left", operator: &"tester".into() },
        )
        .unwrap();
        take_back(&workshop, &store, |_, _| true);
        let (account, name, operator) = (ada(), Some("Ada Lovelace".to_owned()), "tester".into());
        let named = Event::AccountEdited { account, name, ticket: None, storage: None, operator };
        read(&store).record(&store, &named).unwrap();
        drop(store);
        workshop
    };
    let is_there = |workshop: &Workshop| {
        let files = std::fs::read_dir(workshop.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut ledger = files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("ledger."));
        ledger.any(|file| std::fs::read(file).unwrap().windows(8).any(|window| window == b"Lovelace"))
    };
    killed_at_every_write("erasure", 1..=1, left, |workshop, cut| {
        if cut == Cut::Before(0) {
            assert!(is_there(workshop));
            start("erasure", workshop, Cut::Never).expect_success(cut);
        }
        // The next one who writes takes the last traces off the disk, which the dead process could not.
        drop(workshop.store());
        assert!(!is_there(workshop), "{cut}");
        let book = workshop.book();
        assert!(book.accounts.values().all(|account| account.erased.is_some()), "{cut}");
    });
}

/// Ada's first key is labelled anew, as by `key edit`.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn label() {
    work_until_cut(|workshop, store| {
        let register = read(store);
        let id = register.jobs[&register.job_of_key(&ada(), 1).unwrap()].credential_id().unwrap().clone();
        let done = label_anew(&workshop.directory(), store, &id, "blue").unwrap();
        assert_eq!(done, Relabelled::Done);
    });
}

#[test]
fn a_label_that_is_corrected_by_a_process_that_is_killed_is_the_one_at_the_idp() {
    killed_at_every_write("label", 2..=2, with_two_keys, |workshop, cut| {
        if cut == Cut::Before(0) {
            start("label", workshop, Cut::Never).expect_success(cut);
        }
        workshop.resume().unwrap();
        let (book, directory) = (workshop.book(), workshop.directory());
        let first = &book.credentials[standing(workshop).keys[0].credential_id.as_ref().unwrap()];
        assert_eq!(
            (&first.relabel, first.label.as_deref(), first.label()),
            (&None, Some("blue"), Some("blue")),
            "{cut}"
        );
        let listed = directory.list(&directory.find_user("ada").unwrap()).unwrap();
        assert_eq!(listed.iter().filter(|one| one.label == "blue").count(), 1, "{cut}");
    });
}
