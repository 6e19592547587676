//! A key is lost, and its person is got back in: with a suspicion of theft, with a pass, without an IdP, without a key at hand.

use keywright::idp::capability::{Standing, Suspension as _};
use keywright::idp::embedded::Embedded;
use keywright::idp::{Directory as _, DirectoryError, User};
use keywright::ledger::AccountId;
use keywright::ledger::rollout::{Loss, RecoveryId, RecoveryResult, RecoveryStep};
use keywright::profile::Reset;
use keywright::provision::{PersonError, Station};
use keywright::register::rollout::Recovery;
use keywright::register::{KeyStanding, Register};
use keywright::rollout::recover::{self, RecoverError, Recovered, StandsAt, StepError, Wanted};
use keywright_practice::idp_server::wire::estate::OtherSignIn;
use keywright_practice::softkey::Rack;
use keywright_test_support::workshop::{DIRECTORY, Hands, TOKEN, Workshop};
use time::OffsetDateTime;

use crate::odd_idp::{OddIdp, Oddity};

fn ada() -> AccountId {
    AccountId::new(DIRECTORY, "ada")
}

fn lost(ordinal: usize) -> Wanted {
    Wanted {
        account: ada(),
        lost: ordinal,
        loss: Loss::Lost,
        asked_by: "Ada, by telephone".to_owned(),
        identity_proved: "called back".to_owned(),
        rehearsal: None,
        pass_minutes: None,
    }
}

fn stolen(ordinal: usize) -> Wanted {
    Wanted { loss: Loss::Stolen, pass_minutes: Some(30), ..lost(ordinal) }
}

/// ada has two keys; so many more are there.
fn with_keys(spare: usize) -> Workshop {
    let workshop = Workshop::new(2, &["ada"]);
    workshop.provision().unwrap();
    put_keys(&workshop, 2 + spare);
    workshop
}

/// So many keys are there from now on.
fn put_keys(workshop: &Workshop, keys: usize) {
    Rack::create(&workshop.path().join("softkeys"), keys).unwrap();
}

fn begin(station: &Station<'_>, wanted: Wanted) -> Result<RecoveryId, RecoverError> {
    let register = Register::of(station.store)?;
    recover::begin(station, &recover::plan(station, &register, wanted)?)
}

fn recovered(workshop: &Workshop, wanted: Wanted) -> Result<Recovered, RecoverError> {
    let rack = workshop.rack();
    workshop.with(&rack, &Hands::default(), |station| recover::go_on(station, begin(station, wanted)?))
}

fn goes_on(workshop: &Workshop, recovery: RecoveryId) -> Result<Recovered, RecoverError> {
    let rack = workshop.rack();
    workshop.with(&rack, &Hands::default(), |station| recover::go_on(station, recovery))
}

fn user(workshop: &Workshop) -> User {
    workshop.directory().find_user("ada").unwrap()
}

fn methods(workshop: &Workshop) -> Vec<String> {
    let directory = workshop.directory();
    let methods = directory.capabilities().methods.unwrap().methods(&user(workshop)).unwrap();
    methods.found.into_iter().map(|method| method.kind).filter(|kind| kind != "passkey").collect()
}

fn standing_there(workshop: &Workshop) -> Standing {
    workshop.directory().standing(&user(workshop)).unwrap()
}

fn in_service(workshop: &Workshop) -> usize {
    workshop.book().standing(&ada(), OffsetDateTime::now_utc()).unwrap().in_service()
}

fn only(workshop: &Workshop) -> Recovery {
    workshop.book().rollout.recoveries[&RecoveryId(1)].clone()
}

#[test]
fn a_stolen_key_is_shut_out_before_the_account_opens_again() {
    let workshop = with_keys(1);
    let directory = workshop.directory();
    directory.sign_in_otherwise(&user(&workshop), &OtherSignIn { method: "sms".into(), pass: None }).unwrap();
    let done = recovered(&workshop, stolen(1)).unwrap();
    assert_eq!(done.stands_at, StandsAt::Complete);

    let recovery = only(&workshop);
    let steps: Vec<_> = recovery.done.iter().map(|ended| ended.step).collect();
    assert_eq!(
        steps,
        [
            RecoveryStep::Suspend,
            RecoveryStep::EndSessions,
            RecoveryStep::RevokeKey,
            RecoveryStep::Restore,
            RecoveryStep::GivePass,
            RecoveryStep::NewKey,
            RecoveryStep::EndPass
        ]
    );
    assert!(recovery.is_complete() && recovery.open_pass().is_none());
    assert_eq!((recovery.asked_by.as_str(), recovery.identity_proved.as_str()), ("Ada, by telephone", "called back"));
    let Some(RecoveryResult::PassGiven { readers, .. }) = recovery.result(RecoveryStep::GivePass) else {
        panic!("{recovery:?}")
    };
    assert_eq!(readers, &["helpdesk"]);
    assert!(workshop.path().join("hand-over/helpdesk/ada.pass.age").exists());

    assert_eq!(standing_there(&workshop), Standing::Active);
    // The new key's own sign-in is the only session.
    assert_eq!(directory.sessions(&user(&workshop)).unwrap().sessions.len(), 1);
    assert_eq!(methods(&workshop), ["sms"], "the pass is withdrawn");
    assert_eq!(directory.list(&user(&workshop)).unwrap().len(), 2);
    assert_eq!(in_service(&workshop), 2);
    let ada = workshop.book().standing(&ada(), OffsetDateTime::now_utc()).unwrap();
    assert_eq!(ada.keys[0].standing, KeyStanding::Revoked);
    assert!(ada.is_complete());
}

#[test]
fn a_lost_key_without_suspicion_leaves_the_account_open() {
    let workshop = with_keys(1);
    assert_eq!(recovered(&workshop, lost(2)).unwrap().stands_at, StandsAt::Complete);
    assert_eq!(only(&workshop).steps, [RecoveryStep::EndSessions, RecoveryStep::RevokeKey, RecoveryStep::NewKey]);
    assert_eq!((in_service(&workshop), standing_there(&workshop)), (2, Standing::Active));
}

#[test]
fn a_key_that_is_not_missed_is_not_made_anew() {
    let mut workshop = Workshop::new(3, &["ada"]);
    workshop.profile.keys.required = 3;
    workshop.provision().unwrap();
    // The profile asks for fewer now.
    workshop.profile.keys.required = 2;
    workshop.provision().unwrap();
    assert_eq!(recovered(&workshop, lost(1)).unwrap().stands_at, StandsAt::Complete);
    assert_eq!(only(&workshop).steps, [RecoveryStep::EndSessions, RecoveryStep::RevokeKey]);
}

#[test]
fn without_a_key_at_hand_it_waits_and_the_account_is_open() {
    // A key that is not new is no key at hand.
    let mut workshop = with_keys(0);
    workshop.profile.keys.reset = Reset::Never;
    workshop.provision().unwrap();
    let done = recovered(&workshop, stolen(1)).unwrap();
    assert_eq!(done.stands_at, StandsAt::Waits(RecoveryStep::NewKey));
    assert_eq!((standing_there(&workshop), in_service(&workshop)), (Standing::Active, 1));
    // The pass is what the person has until then.
    assert!(methods(&workshop).contains(&"temporary-pass".to_owned()));
    assert!(only(&workshop).open_pass().is_some());
    // Another one cannot begin meanwhile.
    let error = recovered(&workshop, lost(2)).unwrap_err();
    assert!(matches!(error, RecoverError::AnotherGoesOn { lost: 1, .. }), "{error}");

    put_keys(&workshop, 3);
    assert_eq!(goes_on(&workshop, RecoveryId(1)).unwrap().stands_at, StandsAt::Complete);
    assert_eq!((in_service(&workshop), methods(&workshop)), (2, vec!["sms".to_owned()]));
}

#[test]
fn while_the_idp_is_away_the_key_counts_no_more_and_the_rest_waits() {
    let workshop = with_keys(1);
    let gone = Embedded::new(DIRECTORY, "http://127.0.0.1:9", TOKEN.to_owned().into()).unwrap();
    let rack = workshop.rack();
    let error = workshop.with_directory(&gone, &workshop.store(), &rack, &Hands::default(), |station| {
        begin(station, stolen(1)).and_then(|recovery| recover::go_on(station, recovery)).unwrap_err()
    });
    let RecoverError::Step { step: RecoveryStep::Suspend, why } = &error else { panic!("{error}") };
    assert!(matches!(**why, StepError::Person(PersonError::Directory(DirectoryError::Unreachable { .. }))), "{why}");
    assert_eq!(in_service(&workshop), 1, "it is written down");
    assert_eq!(workshop.directory().list(&user(&workshop)).unwrap().len(), 2, "and still there");

    assert_eq!(goes_on(&workshop, RecoveryId(1)).unwrap().stands_at, StandsAt::Complete);
    assert_eq!((in_service(&workshop), standing_there(&workshop)), (2, Standing::Active));
}

#[test]
fn an_account_that_somebody_suspended_is_opened_once_its_key_is_gone() {
    let workshop = with_keys(1);
    workshop.directory().suspend(&user(&workshop)).unwrap();
    assert_eq!(recovered(&workshop, lost(1)).unwrap().stands_at, StandsAt::Complete);
    assert!(only(&workshop).steps.contains(&RecoveryStep::Restore));
    assert_eq!((standing_there(&workshop), in_service(&workshop)), (Standing::Active, 2));
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let workshop = with_keys(0);
    let events = || workshop.book().head.seq;
    let before = events();
    let error = recovered(&workshop, lost(7)).unwrap_err();
    assert!(matches!(error, RecoverError::NoSuchKey { ordinal: 7, .. }), "{error}");
    let nobody = Wanted { account: AccountId::new(DIRECTORY, "bo"), ..lost(1) };
    assert!(matches!(recovered(&workshop, nobody).unwrap_err(), RecoverError::NotActive(_)));
    let nobody_asked = Wanted { asked_by: " ".to_owned(), ..lost(1) };
    assert!(matches!(recovered(&workshop, nobody_asked).unwrap_err(), RecoverError::Ledger(_)));
    assert_eq!(events(), before);
}

#[test]
fn what_an_idp_cannot_do_is_said_and_keeps_no_key_in_service() {
    let workshop = with_keys(1);
    let directory = OddIdp::new(workshop.directory(), Oddity::Bare);
    let (rack, hands) = (workshop.rack(), Hands::default());
    let done = workshop.with_directory(&directory, &workshop.store(), &rack, &hands, |station| {
        recover::go_on(station, begin(station, stolen(1))?)
    });
    assert_eq!(done.unwrap().stands_at, StandsAt::Complete);
    let recovery = only(&workshop);
    for step in [RecoveryStep::Suspend, RecoveryStep::EndSessions, RecoveryStep::Restore, RecoveryStep::GivePass] {
        let result = recovery.result(step);
        assert!(matches!(result, Some(RecoveryResult::NotOffered { .. })), "{step}: {result:?}");
    }
    assert_eq!(in_service(&workshop), 2);
    let said = hands.said.lock().unwrap();
    assert!(said.iter().any(|line| line.contains("suspend account: NOT done")), "{said:?}");
}

#[test]
fn a_pass_that_nobody_got_is_withdrawn_and_the_next_is_another() {
    let mut workshop = Workshop::new(3, &["ada"]);
    workshop.profile.hand_over = keywright::profile::HandOver::Letter;
    workshop.letter_program = vec!["cat".to_owned()];
    let rack = workshop.rack();
    workshop.provision_with(&rack, &Hands::default()).unwrap();
    workshop.letter_program = vec!["false".to_owned()];
    let error = workshop.with(&rack, &Hands::default(), |station| {
        begin(station, stolen(1)).and_then(|recovery| recover::go_on(station, recovery)).unwrap_err()
    });
    assert!(error.to_string().contains("temporary pass") && error.to_string().contains("withdrawn"), "{error}");
    assert_eq!(methods(&workshop), ["sms"]);
    workshop.letter_program = vec!["cat".to_owned()];
    // Printed, and nobody saw it come out.
    let blind = Hands { misses_letters: true, ..Hands::default() };
    let error = workshop.with(&rack, &blind, |station| recover::go_on(station, RecoveryId(1)).unwrap_err());
    assert!(error.to_string().contains("nobody said"), "{error}");
    assert_eq!(methods(&workshop), ["sms"]);
    let done = workshop.with(&rack, &Hands::default(), |station| recover::go_on(station, RecoveryId(1)).unwrap());
    assert_eq!(done.stands_at, StandsAt::Complete);
}
