//! The process is killed before and after every write of a recovery, and the same command again ends it: see
//! [`keywright_test_support::power_cut`].

use keywright::idp::Directory as _;
use keywright::idp::capability::{Standing, Suspension as _};
use keywright::ledger::AccountId;
use keywright::ledger::rollout::{Loss, RecoveryStep};
use keywright::register::{AccountStanding, CredentialState, Register};
use keywright::rollout::recover::{self, StandsAt, Wanted};
use keywright_test_support::power_cut::{self, Cut, Ended, work_until_cut};
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, each};
use time::OffsetDateTime;

fn ada() -> AccountId {
    AccountId::new(DIRECTORY, "ada")
}

fn start(workshop: &Workshop, cut: Cut) -> Ended {
    power_cut::in_another_process("killed_recovery::recovery", workshop, cut, &[])
}

/// ada has two keys, and one more is there.
fn with_two_keys() -> Workshop {
    let workshop = Workshop::new(3, &["ada"]);
    workshop.provision().unwrap();
    workshop
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn recovery() {
    work_until_cut(|workshop, store| {
        let (rack, hands) = (workshop.rack(), Hands::default());
        workshop.with_directory(&workshop.directory(), store, &rack, &hands, |station| {
            let register = Register::of(station.store).unwrap();
            let known = register.rollout.recoveries.iter().next();
            let recovery = match known {
                Some((_, one)) if one.ended.is_some() => return,
                Some((id, _)) => *id,
                None => {
                    let wanted = Wanted {
                        account: ada(),
                        lost: 1,
                        loss: Loss::Stolen,
                        asked_by: "Ada".to_owned(),
                        identity_proved: "in person".to_owned(),
                        rehearsal: None,
                        pass_minutes: Some(30),
                    };
                    recover::begin(station, &recover::plan(station, &register, wanted).unwrap()).unwrap()
                }
            };
            assert_eq!(recover::go_on(station, recovery).unwrap().stands_at, StandsAt::Complete);
        });
    });
}

/// The account is not open with the stolen key in it, once it was shut.
fn is_shut_while_the_key_is_there(workshop: &Workshop, after: Cut) {
    let (book, directory) = (workshop.book(), workshop.directory());
    let Some(recovery) = book.rollout.recoveries.values().next() else { return };
    let user = directory.find_user("ada").unwrap();
    let lost = book.credential_of_key(&ada(), 1).unwrap();
    let is_there = directory.has(&user, lost).unwrap();
    if recovery.result(RecoveryStep::Suspend).is_some() && is_there {
        assert_eq!(directory.standing(&user).unwrap(), Standing::Suspended, "{after}");
    }
    // It counts nowhere from the first write on.
    let ada = book.standing(&ada(), OffsetDateTime::now_utc()).unwrap();
    assert!(!ada.keys[0].standing.counts(), "{after}");
}

fn all_is_well(workshop: &Workshop, after: Cut) {
    let (book, directory) = (workshop.book(), workshop.directory());
    let user = directory.find_user("ada").unwrap();
    assert_eq!(directory.standing(&user).unwrap(), Standing::Active, "{after}");
    let methods = directory.capabilities().methods.unwrap().methods(&user).unwrap();
    assert!(!methods.found.iter().any(|method| method.kind == "temporary-pass"), "{after}: a pass is left");
    let registered = book.credentials.iter().filter(|(_, one)| one.state == CredentialState::Registered);
    let mut registered: Vec<_> = registered.map(|(id, _)| id.clone()).collect();
    let mut listed: Vec<_> = directory.list(&user).unwrap().into_iter().map(|one| one.credential_id.unwrap()).collect();
    registered.sort();
    listed.sort();
    assert_eq!(registered, listed, "{after}");
    assert_eq!(directory.pending(&user).unwrap(), Vec::<String>::new(), "{after}");
    let ada = book.standing(&ada(), OffsetDateTime::now_utc()).unwrap();
    assert_eq!((ada.account, ada.in_service()), (AccountStanding::Complete, 2), "{after}");
    assert!(book.rollout.recoveries.values().all(|one| one.is_complete()), "{after}");
    assert_eq!(workshop.vault().list().unwrap(), [], "{after}");
}

#[test]
fn a_recovery_that_is_killed_is_ended_by_the_same_command() {
    let whole = with_two_keys();
    start(&whole, Cut::Never).expect_success(Cut::Never);
    let writes = power_cut::writes(&whole);
    assert!((30..=70).contains(&writes), "it wrote {writes} times");
    all_is_well(&whole, Cut::Never);
    each(Cut::all(writes), |cut| {
        let workshop = with_two_keys();
        start(&workshop, cut).expect_killed(cut);
        is_shut_while_the_key_is_there(&workshop, cut);
        start(&workshop, Cut::Never).expect_success(cut);
        all_is_well(&workshop, cut);
    });
}
