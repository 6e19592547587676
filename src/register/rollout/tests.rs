use serde_json::{Value, json};

use super::*;
use crate::ledger::sample::{account, event, every_kind, journey, log, planned, rollout};

fn read(events: &[Event]) -> Register {
    Register::read(&log(events)).unwrap()
}

fn with(events: &[Event], more: Value) -> Result<Register, String> {
    let events: Vec<Event> = events.iter().cloned().chain([event(more)]).collect();
    Register::read(&log(&events)).map_err(|error| error.to_string())
}

/// Ada with two keys, and the roll-out's events up to the one of this kind, without it.
fn until(kind: &str) -> Vec<Event> {
    let mut events = journey("ada");
    let is_other = |one: &Event| serde_json::to_value(one).unwrap()["event"] != kind;
    events.extend(rollout("ada").into_iter().take_while(is_other));
    events
}

#[track_caller]
fn refused(events: &[Event], more: Value, words: &str) {
    match with(events, more.clone()) {
        Err(why) if why.contains(words) => {}
        other => panic!("\"{words}\" is not said of {more}: {:?}", other.map(|register| register.rollout)),
    }
}

#[test]
fn a_recovery_says_what_is_next_and_what_it_came_to() {
    let ada = account("ada");
    let register = read(&until("recovery-step-started"));
    let (id, recovery) = register.rollout.open_recovery(&ada).unwrap();
    assert_eq!((id, recovery.next_step(), recovery.open), (RecoveryId(1), Some(RecoveryStep::Suspend), None));
    let mut events = until("recovery-ended");
    let register = read(&events[..events.len() - 1]);
    let (_, recovery) = register.rollout.open_recovery(&ada).unwrap();
    assert_eq!(recovery.open, Some(RecoveryStep::EndPass));
    assert_eq!(recovery.open_pass(), Some(("p-1", Some("2026-11-23T19:50:00Z"))));
    let done = read(&events);
    assert_eq!(done.rollout.recoveries[&RecoveryId(1)].open_pass(), None);
    assert!(done.rollout.last_rehearsal("sales").is_none());
    events.extend(rollout("ada").pop());
    let ended = read(&events).rollout;
    let (recovery, at) = ended.last_rehearsal("sales").unwrap();
    assert!(recovery.is_complete() && at.starts_with("2026-11-23T18:"), "{at}");
    assert!(ended.last_rehearsal("others").is_none() && ended.open_recoveries().count() == 0);
}

#[test]
fn a_recovery_goes_step_by_step_and_one_at_a_time() {
    let ada = account("ada");
    let begun = until("recovery-step-started");
    let step = |kind: &str, step: &str| json!({"event": kind, "recovery": 1, "account": ada, "step": step, "result": {"result": "done"}});
    refused(&begun, step("recovery-step-started", "restore"), "not the next step");
    refused(&begun, step("recovery-step-done", "suspend"), "was not begun");
    refused(
        &begun,
        json!({"event": "recovery-ended", "recovery": 1, "account": ada, "ending": {"ending": "complete"}}),
        "steps left",
    );
    let new = |number: u64, asked_by: &str| {
        json!({"event": "recovery-begun", "recovery": number, "account": ada, "lost": 2, "loss": "lost",
            "asked_by": asked_by, "identity_proved": "in person", "steps": ["revoke-key"], "operator": "root"})
    };
    refused(&begun, new(2, "Dee"), "has not ended");
    refused(&journey("ada"), new(2, "Dee"), "recovery 1 is the next");
    refused(&journey("ada"), new(1, " "), "who asked");
    with(&journey("ada"), new(1, "Dee")).unwrap();
}

#[test]
fn what_was_taken_is_kept_and_who_may_lose_it_is_held_to() {
    let ada = account("ada");
    let register = read(&every_kind());
    let removed = register.rollout.removed_methods(&ada);
    assert_eq!(removed.iter().map(|one| &*one.method.name).collect::<Vec<_>>(), ["SMS +43 *** 11"]);
    assert!(register.rollout.enforcements[&EnforcementId(1)].is_read_back(&ada));

    let begun = until("enforcement-step-started");
    let removal = json!({"event": "enforcement-step-started", "enforcement": 1, "account": ada,
        "step": {"step": "remove-method", "method": {"id": "sms", "kind": "sms", "name": "SMS"}}});
    with(&begun, removal.clone()).unwrap();
    let bag = json!({"event": "break-glass-added", "account": ada, "ordinal": 1, "place": "p", "bag": "1",
        "may_open": ["Bo"], "operator": "root"});
    let kept: Vec<Event> = begun.iter().cloned().chain([event(bag)]).collect();
    refused(&kept, removal.clone(), "break-glass account");
    let revoked = Event::CredentialRevoked {
        account: ada.clone(),
        credential_id: crate::ledger::sample::credential_id(1),
        reason: "lost".to_owned(),
        operator: None,
    };
    let one_key: Vec<Event> = begun.into_iter().chain([revoked]).collect();
    refused(&one_key, removal, "1 proved keys");
    let done = json!({"event": "enforcement-step-done", "enforcement": 1, "account": ada,
        "step": {"step": "end-sessions"}, "result": {"result": "done"}});
    refused(&until("enforcement-step-started"), done, "was not begun");
    let second = json!({"event": "enforcement-begun", "enforcement": 2, "directory": "embedded", "scope": "wave 2",
        "people": 1, "policy": {"policy": "said", "untold": []}, "operator": "root"});
    refused(&until("enforcement-ended"), second, "enforcement 1 at embedded has not ended");
}

#[test]
fn a_break_glass_account_has_bags_and_drills_of_two_people() {
    let ada = account("ada");
    let added = until("break-glass-drilled");
    assert!(read(&added).is_break_glass(&ada));
    let drill = |ordinal: u64, by: &[&str]| {
        json!({"event": "break-glass-drilled", "account": ada, "ordinal": ordinal, "by": by, "began": "2026-11-23T18:50:00Z",
            "passed": true, "operator": "root", "sign_in_log": {"log": "cannot-tell", "why": "refused"}})
    };
    refused(&added, drill(1, &["Bo"]), "two people");
    refused(&added, drill(1, &["Bo", "bo "]), "two people");
    refused(&added, drill(1, &[]), "two people");
    refused(&added, drill(2, &["Bo", "Cy"]), "in no bag");
    refused(&journey("ada"), drill(1, &["Bo", "Cy"]), "no break-glass account");
    let drilled = with(&added, drill(1, &["Bo", "Cy"])).unwrap();
    let known = &drilled.rollout.break_glass[&ada];
    assert_eq!((known.bags[&1].number.as_deref(), known.drills.len()), (None, 1));
    assert!(known.last_passed().is_some());
    let left = json!({"event": "account-left", "account": ada, "reason": "left", "operator": "root"});
    assert!(!with(&added, left).unwrap().is_break_glass(&ada));
    let planned: Vec<Event> = vec![planned("bo", 1)];
    let no_key = json!({"event": "break-glass-added", "account": account("bo"), "ordinal": 1, "place": "p", "bag": "1",
        "may_open": ["Bo"], "operator": "root"});
    refused(&planned, no_key, "has no key 1");
}

#[test]
fn of_looks_only_the_last_one_is_kept_and_of_inventories_all() {
    let reading = |what: &str, sha256: &str| {
        event(json!({"event": "estate-read", "reading": what, "directory": "embedded", "scope": "wave 1",
            "sha256": sha256, "people": 1, "findings": 0, "operator": "root"}))
    };
    let events = [reading("watch", "1"), reading("inventory", "2"), reading("watch", "3"), reading("inventory", "4")];
    let register = read(&events);
    let kept: Vec<_> = register.rollout.readings.iter().map(|one| &*one.read.sha256).collect();
    assert_eq!(kept, ["2", "3", "4"]);
    let last = |reading| register.rollout.last_reading(reading, "embedded", "wave 1").map(|one| &*one.read.sha256);
    assert_eq!(
        (last(Reading::Watch), last(Reading::Inventory), last(Reading::Readiness)),
        (Some("3"), Some("4"), None)
    );
}
