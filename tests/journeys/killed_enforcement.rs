//! The process is killed before and after every write of an enforcement, and the same command again ends it: see
//! [`keywright_test_support::power_cut`].

use keywright::idp::Directory as _;
use keywright::ledger::AccountId;
use keywright::provision::RetryPolicy;
use keywright::rollout::enforce::Enforcing;
use keywright_files::Cancel;
use keywright_practice::idp_server::wire::UserChange;
use keywright_test_support::power_cut::{self, Cut, Ended, work_until_cut};
use keywright_test_support::workshop::{DIRECTORY, Workshop, each};
use time::OffsetDateTime;

use crate::enforcement::{plan, policy, weak};

const PEOPLE: [&str; 2] = ["ada", "bo"];

fn start(workshop: &Workshop, cut: Cut) -> Ended {
    power_cut::in_another_process("killed_enforcement::enforcement", workshop, cut, &[])
}

fn with_weak_methods() -> Workshop {
    let workshop = Workshop::new(4, &PEOPLE);
    workshop.provision().unwrap();
    for login in PEOPLE {
        let methods = Some(vec!["sms".to_owned(), "totp".to_owned()]);
        let user = workshop.directory().find_user(login).unwrap();
        let change = UserChange { other_methods: methods, ..UserChange::default() };
        workshop.directory().change_user(&user, &change).unwrap();
    }
    workshop
}

#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn enforcement() {
    work_until_cut(|workshop, store| {
        let (directory, retry, operator) = (workshop.directory(), RetryPolicy::default(), "tester".into());
        let enforcing = Enforcing {
            directory: &directory,
            store,
            retry: &retry,
            cancel: &Cancel::default(),
            now: &OffsetDateTime::now_utc,
            operator: &operator,
            tell: &|_| {},
        };
        enforcing.go_on(&plan(workshop, &PEOPLE), policy()).unwrap();
    });
}

/// What is gone is in the ledger, or about to be: nobody loses a method of which nobody knows.
fn nothing_is_gone_unsaid(workshop: &Workshop, after: Cut) {
    let book = workshop.book();
    for login in PEOPLE {
        let account = AccountId::new(DIRECTORY, login);
        let left = weak(workshop, login);
        for kind in ["sms", "totp"].iter().filter(|kind| !left.iter().any(|one| one == *kind)) {
            let removed = book.rollout.removed_methods(&account);
            let is_open = book.rollout.enforcements.values().any(|one| {
                let open = one.open.as_ref().filter(|(of, _)| *of == account);
                open.is_some_and(|(_, step)| format!("{step:?}").contains(kind))
            });
            assert!(removed.iter().any(|one| one.method.kind == **kind) || is_open, "{after}: {login}'s {kind}");
        }
    }
}

#[test]
fn an_enforcement_that_is_killed_is_ended_by_the_same_command() {
    let whole = with_weak_methods();
    start(&whole, Cut::Never).expect_success(Cut::Never);
    let writes = power_cut::writes(&whole);
    assert!((18..=20).contains(&writes), "it wrote {writes} times");
    each(Cut::all(writes), |cut| {
        let workshop = with_weak_methods();
        start(&workshop, cut).expect_killed(cut);
        nothing_is_gone_unsaid(&workshop, cut);
        start(&workshop, Cut::Never).expect_success(cut);
        let book = workshop.book();
        for login in PEOPLE {
            assert_eq!(weak(&workshop, login), Vec::<String>::new(), "{cut}");
            let account = AccountId::new(DIRECTORY, login);
            let mut removed: Vec<_> =
                book.rollout.removed_methods(&account).into_iter().map(|one| one.method.kind.clone()).collect();
            removed.sort();
            assert_eq!(removed, ["sms", "totp"], "{cut}");
        }
        assert!(book.rollout.open_enforcement(DIRECTORY).is_none(), "{cut}");
    });
}
