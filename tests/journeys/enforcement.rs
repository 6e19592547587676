//! Weak methods go, and nobody is locked out by it: on the practice IdP, and on one with the oddities of others.

use std::sync::atomic::AtomicUsize;

use keywright::idp::capability::SignInMethods as _;
use keywright::idp::{Directory, DirectoryError, User};
use keywright::ledger::rollout::{BreakGlassAdded, EnforcementId, PolicySeen};
use keywright::ledger::{AccountId, Event};
use keywright::provision::RetryPolicy;
use keywright::register::Register;
use keywright::rollout::enforce::{EnforceError, Enforced, EnforcementPlan, Enforcing, Kept, PersonPlan};
use keywright_files::Cancel;
use keywright_practice::idp_server::wire::UserChange;
use keywright_practice::idp_server::wire::estate::OtherSignIn;
use keywright_test_support::workshop::{DIRECTORY, Workshop};
use time::{Duration, OffsetDateTime};

use crate::odd_idp::{OddIdp, Oddity};

fn id(login: &str) -> AccountId {
    AccountId::new(DIRECTORY, login)
}

/// ada and bo have two keys each, and these weak methods.
fn with_two_people(methods: &[&str]) -> Workshop {
    let workshop = Workshop::new(4, &["ada", "bo"]);
    workshop.provision().unwrap();
    for login in ["ada", "bo"] {
        give(&workshop, login, methods);
    }
    workshop
}

fn give(workshop: &Workshop, login: &str, methods: &[&str]) {
    let methods = methods.iter().map(|kind| (*kind).to_owned()).collect();
    let change = UserChange { other_methods: Some(methods), ..UserChange::default() };
    workshop.directory().change_user(&user(workshop, login), &change).unwrap();
}

fn user(workshop: &Workshop, login: &str) -> User {
    workshop.directory().find_user(login).unwrap()
}

pub(crate) fn weak(workshop: &Workshop, login: &str) -> Vec<String> {
    let told = workshop.directory().methods(&user(workshop, login)).unwrap();
    told.found.into_iter().filter(|method| method.is_weak()).map(|method| method.kind).collect()
}

/// Everything weak that these people have goes.
pub(crate) fn plan(workshop: &Workshop, logins: &[&str]) -> EnforcementPlan {
    let person = |login: &&str| {
        let user = user(workshop, login);
        let told = workshop.directory().methods(&user).unwrap().found;
        let to_go = told.into_iter().filter(|method| method.is_weak()).collect();
        PersonPlan { account: id(login), user, to_go, kept: Vec::new() }
    };
    EnforcementPlan {
        directory: DIRECTORY.to_owned(),
        scope: "wave 1".to_owned(),
        groups: vec!["all".to_owned()],
        switches: Vec::new(),
        people: logins.iter().map(person).collect(),
        skipped: Vec::new(),
    }
}

pub(crate) fn policy() -> PolicySeen {
    PolicySeen::ReadBack { policies: vec!["keys only".to_owned()] }
}

fn enforce(workshop: &Workshop, directory: &dyn Directory, plan: &EnforcementPlan) -> Result<Enforced, EnforceError> {
    let store = workshop.store();
    let retry = RetryPolicy { backoff: std::time::Duration::ZERO, ..RetryPolicy::default() };
    let (now, operator) = (OffsetDateTime::now_utc, "tester".into());
    let enforcing = Enforcing {
        directory,
        store: &store,
        retry: &retry,
        cancel: &Cancel::default(),
        now: &now,
        operator: &operator,
        tell: &|_| {},
    };
    enforcing.go_on(plan, policy())
}

#[test]
fn weak_methods_go_keys_stay_and_sessions_end() {
    let workshop = with_two_people(&["sms", "totp"]);
    let directory = workshop.directory();
    for login in ["ada", "bo"] {
        let how = OtherSignIn { method: "sms".into(), pass: None };
        directory.sign_in_otherwise(&user(&workshop, login), &how).unwrap();
    }
    let enforced = enforce(&workshop, &directory, &plan(&workshop, &["ada", "bo"])).unwrap();
    assert_eq!(enforced.enforcement, EnforcementId(1));
    for (person, login) in enforced.people.iter().zip(["ada", "bo"]) {
        assert!(person.is_clean() && person.sessions_ended, "{person:?}");
        assert_eq!((person.login.as_str(), &person.removed), (login, &vec!["sms".to_owned(), "totp".to_owned()]));
        assert_eq!(weak(&workshop, login), Vec::<String>::new());
        let user = user(&workshop, login);
        assert_eq!(directory.list(&user).unwrap().len(), 2);
        assert_eq!(directory.sessions(&user).unwrap().sessions, []);
    }
    let book = workshop.book();
    assert_eq!(book.rollout.removed_methods(&id("ada")).len(), 2);
    assert!(book.rollout.open_enforcement(DIRECTORY).is_none());
    // Again: there is nothing to do, and nothing is done.
    let again = enforce(&workshop, &directory, &plan(&workshop, &["ada", "bo"])).unwrap();
    assert!(again.people.iter().all(|person| person.removed.is_empty() && person.is_clean()));
}

#[test]
fn whoever_could_be_locked_out_is_not_touched() {
    // A key that somebody removed at the IdP is no way in, whatever the ledger says.
    let workshop = with_two_people(&["sms"]);
    let directory = workshop.directory();
    let ada = user(&workshop, "ada");
    let planned = plan(&workshop, &["ada", "bo"]);
    let first = directory.list(&ada).unwrap().remove(0);
    directory.revoke(&ada, &first).unwrap();
    let enforced = enforce(&workshop, &directory, &planned).unwrap();
    assert_eq!((weak(&workshop, "ada"), weak(&workshop, "bo")), (vec!["sms".to_owned()], Vec::new()));
    assert!(enforced.people[0].open[0].contains("1 proved keys"), "{enforced:?}");
    assert!(!enforced.people[0].sessions_ended);

    // A break-glass account.
    let workshop = with_two_people(&["sms"]);
    let added = BreakGlassAdded {
        account: id("ada"),
        ordinal: 1,
        place: "safe".to_owned(),
        bag: "1".to_owned(),
        may_open: vec!["Cy".to_owned()],
        operator: "tester".into(),
    };
    let store = workshop.store();
    Register::of(&store).unwrap().record(&store, &Event::BreakGlassAdded(added)).unwrap();
    drop(store);
    let enforced = enforce(&workshop, &workshop.directory(), &plan(&workshop, &["ada", "bo"])).unwrap();
    assert!(enforced.people[0].open[0].contains("break-glass"), "{enforced:?}");
    assert_eq!((weak(&workshop, "ada"), weak(&workshop, "bo")), (vec!["sms".to_owned()], Vec::new()));
}

#[test]
fn a_list_that_is_not_whole_is_no_ground_to_remove_anything() {
    let workshop = with_two_people(&["sms"]);
    let odd = OddIdp::new(workshop.directory(), Oddity::HidesAList);
    let enforced = enforce(&workshop, &odd, &plan(&workshop, &["ada"])).unwrap();
    assert_eq!(weak(&workshop, "ada"), ["sms"]);
    assert!(enforced.people[0].open[0].contains("cannot tell recovery codes"), "{enforced:?}");
}

#[test]
fn the_default_method_goes_last_and_the_second_telephone_before_the_first() {
    let workshop = with_two_people(&["sms", "totp", "voice"]);
    let odd = OddIdp::new(workshop.directory(), Oddity::Default("sms"));
    let enforced = enforce(&workshop, &odd, &plan(&workshop, &["ada"])).unwrap();
    assert_eq!(enforced.people[0].removed, ["totp", "voice", "sms"]);

    let mut planned = plan(&workshop, &["bo"]);
    planned.people[0].to_go.iter_mut().for_each(|method| method.turn = u8::from(method.kind != "voice"));
    let enforced = enforce(&workshop, &workshop.directory(), &planned).unwrap();
    assert!(enforced.people[0].is_clean());
}

#[test]
fn what_may_stay_stays_and_is_said() {
    let workshop = with_two_people(&["sms", "totp"]);
    let mut planned = plan(&workshop, &["ada"]);
    let until = (OffsetDateTime::now_utc() + Duration::days(10)).date();
    planned.people[0].to_go.retain(|method| method.kind == "sms");
    planned.people[0].kept = vec![Kept { id: "totp".to_owned(), name: "totp".to_owned(), until }];
    let enforced = enforce(&workshop, &workshop.directory(), &planned).unwrap();
    assert_eq!(weak(&workshop, "ada"), ["totp"]);
    assert_eq!(enforced.people[0].stays, [format!("totp until {until}")]);
    assert!(enforced.people[0].is_clean());
}

#[test]
fn an_idp_that_goes_away_is_gone_on_with_where_it_stopped() {
    let workshop = with_two_people(&["sms", "totp"]);
    let planned = plan(&workshop, &["ada", "bo"]);
    let odd = OddIdp::new(workshop.directory(), Oddity::AwayAfter(AtomicUsize::new(3)));
    let error = enforce(&workshop, &odd, &planned).unwrap_err();
    assert!(matches!(error, EnforceError::Directory(DirectoryError::Unreachable { .. })), "{error}");
    assert_eq!((weak(&workshop, "ada"), weak(&workshop, "bo").len()), (Vec::new(), 1));
    let other = EnforcementPlan { scope: "wave 2".to_owned(), ..planned.clone() };
    let error = enforce(&workshop, &workshop.directory(), &other).unwrap_err();
    assert!(matches!(error, EnforceError::AnotherGoesOn { .. }), "{error}");
    let enforced = enforce(&workshop, &workshop.directory(), &planned).unwrap();
    assert!(enforced.people.iter().all(|person| person.is_clean() && person.removed.len() == 2), "{enforced:?}");
    assert_eq!(workshop.book().rollout.enforcements.len(), 1);
    assert_eq!(workshop.book().rollout.removed_methods(&id("bo")).len(), 2);
}

#[test]
fn an_idp_that_removes_nothing_is_named() {
    let workshop = with_two_people(&["sms"]);
    let odd = OddIdp::new(workshop.directory(), Oddity::Bare);
    let error = enforce(&workshop, &odd, &plan(&workshop, &["ada"])).unwrap_err();
    assert!(matches!(error, EnforceError::NotOffered { .. }), "{error}");
    assert!(workshop.book().rollout.enforcements.is_empty());
}
