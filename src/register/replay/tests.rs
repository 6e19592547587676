//! Which events fit which log, and what comes of them.

use time::OffsetDateTime;

use super::*;
use crate::ledger::sample::*;
use crate::ledger::{SqliteStore, chain};

fn book(events: &[Event]) -> Register {
    Register::read(&log(events)).unwrap()
}

/// A plan for one key, with the steps before `until` done.
fn until(until: Step) -> Vec<Event> {
    let mut events = vec![batch(1), planned("ada", 2), found("ada"), job_planned(1, "ada", 1)];
    events.extend(steps(1, Step::ALL.into_iter().take_while(|step| *step < until)));
    events
}

fn with(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    events.extend(more);
    events
}

/// Why the last event does not fit; everything before it does.
fn misfit(events: &[Event]) -> String {
    let entries = log(events);
    let (last, before) = entries.split_last().unwrap();
    Register::read(before).unwrap();
    match Register::read(&entries) {
        Err(LedgerError::Broken { seq, why }) if seq == last.seq => why,
        other => panic!("{:?} is not refused: {other:?}", events.last()),
    }
}

#[test]
fn the_journal_says_what_is_open() {
    for step in Step::ALL {
        let ready = until(step);
        let state = |events: &[Event]| book(events).jobs[&JobId(1)].state.clone();
        assert_eq!(state(&ready), JobState::Ready(step));
        let open = with(ready.clone(), [started(1, step)]);
        assert_eq!(state(&open), JobState::Open(step));
        // After a crash the step is begun again.
        let open = with(open, [started(1, step)]);
        assert_eq!(state(&open), JobState::Open(step));
        let failed = with(open, [failed(1, step)]);
        assert!(matches!(state(&failed), JobState::Failed(at, _) if at == step));
        assert_eq!(book(&failed).jobs[&JobId(1)].outcomes, book(&ready).jobs[&JobId(1)].outcomes);
        let done = with(failed, steps(1, [step]));
        assert_eq!(state(&done), step.next().map_or(JobState::Done, JobState::Ready));
        assert_eq!(book(&done).unfinished().count(), usize::from(step != Step::HandOver));
    }
}

#[test]
fn a_step_back_forgets_what_came_after() {
    for from in Step::ALL {
        for to in Step::ALL.into_iter().filter(|to| *to <= from) {
            let book = book(&with(until(from), [back(1, to)]));
            let job = &book.jobs[&JobId(1)];
            assert_eq!(job.state, JobState::Ready(to));
            assert!(job.outcomes.steps().eq(Step::ALL.into_iter().take_while(|step| *step < to)));
            // What is on the key does not go away by being forgotten.
            assert_eq!(book.credentials.len(), usize::from(from > Step::Make));
        }
    }
}

#[test]
fn events_out_of_turn_are_refused() {
    let ada = account("ada");
    let bob = account("bob");
    let start = || vec![batch(1), planned("ada", 2)];
    let strangers = [
        found("bob"),
        job_planned(1, "bob", 1),
        job_planned(2, "ada", 1),
        started(1, Step::Inspect),
        done(1, Step::Inspect),
        failed(1, Step::Inspect),
        back(1, Step::Inspect),
        Event::CredentialDeleted { job: JobId(1), credential_id: credential_id(1), why: String::new() },
        Event::CeremonyAbandoned { job: JobId(1), pending: String::new() },
        Event::AccountCompleted { account: ada.clone() },
        Event::AccountCompleted { account: bob.clone() },
        Event::KeyDrilled {
            account: ada.clone(),
            credential_id: credential_id(1),
            proved: true,
            observed: None,
            operator: None,
        },
        Event::AttentionNeeded { job: Some(JobId(1)), message: String::new() },
        batch(1),
    ];
    for stranger in strangers {
        misfit(&with(start(), [stranger]));
    }
    for step in Step::ALL {
        for other in Step::ALL.into_iter().filter(|other| *other != step) {
            misfit(&with(until(step), [started(1, other)]));
            misfit(&with(until(step), [failed(1, other)]));
            misfit(&with(until(step), [started(1, step), done(1, other)]));
            if other > step {
                misfit(&with(until(step), [back(1, other)]));
            }
        }
        assert!(misfit(&with(until(step), [done(1, step)])).contains("not begun"));
    }
    for late in [started(1, Step::HandOver), back(1, Step::Inspect)] {
        misfit(&with(until(Step::HandOver), with(steps(1, [Step::HandOver]), [late])));
    }
    let other_account = with(journey("ada"), [planned("bob", 1)]);
    misfit(&with(
        other_account.clone(),
        [Event::KeyDrilled {
            account: bob.clone(),
            credential_id: credential_id(1),
            proved: true,
            observed: None,
            operator: None,
        }],
    ));
    misfit(&with(
        other_account,
        [Event::CredentialRevoked {
            account: bob,
            credential_id: credential_id(1),
            reason: String::new(),
            operator: None,
        }],
    ));
}

#[test]
fn a_credential_belongs_to_one_job() {
    let make = |job, outcome| [started(job, Step::Make), Event::StepDone { job: JobId(job), outcome }];
    let before = steps(3, Step::ALL.into_iter().take_while(|step| *step < Step::Make));
    let events = with(with(journey("ada"), [job_planned(3, "ada", 3)]), before);
    let why = misfit(&with(events.clone(), make(3, outcome(1, Step::Make))));
    assert!(why.contains("belongs to job 1"), "{why}");
    misfit(&with(
        events,
        [Event::CredentialDeleted { job: JobId(3), credential_id: credential_id(1), why: String::new() }],
    ));

    // The same job may find its own again after a step back.
    let again = with(until(Step::Verify), with(vec![back(1, Step::Make)], make(1, outcome(1, Step::Make))));
    assert_eq!(book(&again).credentials.len(), 1);
}

#[test]
fn an_account_is_complete_only_with_its_keys() {
    let ada = account("ada");
    let completed = || Event::AccountCompleted { account: ada.clone() };
    let two = with(until(Step::HandOver), [job_planned(2, "ada", 2)]);
    for end in Step::ALL {
        let before = steps(2, Step::ALL.into_iter().take_while(|step| *step < end));
        let events = with(with(two.clone(), before), [completed()]);
        if end > Step::Complete {
            assert!(book(&events).accounts[&ada].completed);
        } else {
            assert!(misfit(&events).contains("1 of 2 proved keys"));
        }
    }

    let revoked = Event::CredentialRevoked {
        account: ada.clone(),
        credential_id: credential_id(1),
        reason: "lost".to_owned(),
        operator: None,
    };
    let left = with(journey("ada"), [revoked.clone()]);
    assert!(!book(&left).accounts[&ada].completed);
    assert_eq!(book(&left).credentials[&credential_id(1)].state, CredentialState::Revoked);
    misfit(&with(left.clone(), [completed()]));

    // Later taken off the key too: it stays revoked.
    let deleted = Event::CredentialDeleted { job: JobId(1), credential_id: credential_id(1), why: String::new() };
    assert_eq!(book(&with(left.clone(), [deleted])).credentials[&credential_id(1)].state, CredentialState::Revoked);

    let third = with(with(left, [job_planned(3, "ada", 3)]), steps(3, Step::ALL));
    assert!(book(&with(third, [completed()])).accounts[&ada].completed);

    // A spare key may go.
    let spare = with(with(journey("ada"), [job_planned(3, "ada", 3)]), steps(3, Step::ALL));
    assert!(book(&with(spare, [revoked])).accounts[&ada].completed);
}

#[test]
fn a_key_that_is_registered_by_hand_counts_when_a_drill_has_confirmed_it() {
    let ada = account("ada");
    let mut events = with(until(Step::Complete), [started(1, Step::Complete), completed_by_hand(1)]);
    let standing = |book: &Register| book.standing(&ada, OffsetDateTime::UNIX_EPOCH).unwrap();
    assert_eq!(standing(&book(&events)).to_be_confirmed(), 0, "its job has not ended");
    events.extend(steps(1, [Step::SignIn, Step::Harden, Step::HandOver]));
    let seen = |events: &[Event]| {
        let book = book(events);
        let ada = standing(&book);
        (book.credentials[&credential_id(1)].state, ada.in_service(), ada.to_be_confirmed())
    };
    // Signatures alone say nothing of the IdP.
    let drilled = |proved| Event::KeyDrilled {
        account: ada.clone(),
        credential_id: credential_id(1),
        proved,
        observed: None,
        operator: None,
    };
    let tried = with(events.clone(), [drilled(true), drilled(false)]);
    for unconfirmed in [&events, &tried] {
        assert_eq!(seen(unconfirmed), (CredentialState::Unconfirmed, 0, 1));
    }
    // A later drill that has no word of it takes none away.
    let confirmed = with(tried, [confirmed("ada", 1), drilled(true)]);
    assert_eq!(seen(&confirmed), (CredentialState::Registered, 1, 0));
    assert_eq!(book(&confirmed).credentials[&credential_id(1)].by_hand.as_ref().unwrap().said_by, "root");
    let (account, reason) = (ada.clone(), "lost".to_owned());
    let revoked = Event::CredentialRevoked { account, credential_id: credential_id(1), reason, operator: None };
    assert_eq!(seen(&with(events, [revoked])), (CredentialState::Revoked, 0, 0));
}

#[test]
fn a_second_roster_replaces_person_and_profile() {
    let ada = account("ada");
    assert!(book(&with(journey("ada"), [planned("ada", 2)])).accounts[&ada].completed);
    let more = book(&with(journey("ada"), [planned("ada", 3)]));
    assert!(!more.accounts[&ada].completed);
    assert_eq!(more.accounts[&ada].profile.keys.required, 3);
    assert_eq!(more.accounts[&ada].jobs.len(), 2);
    assert!(more.accounts[&ada].user_id.is_some());
}

#[test]
fn the_directory_no_longer_waits_in_an_abandoned_ceremony() {
    let abandoned = |pending: &str| Event::CeremonyAbandoned { job: JobId(1), pending: pending.to_owned() };
    let ceremony = |events: &[Event]| {
        let job = &book(events).jobs[&JobId(1)];
        job.directory_waits && job.outcomes.contains(Step::Begin)
    };
    assert!(ceremony(&until(Step::Make)));
    assert!(!ceremony(&with(until(Step::Make), [abandoned("pending-1")])));
    assert!(ceremony(&with(until(Step::Make), [abandoned("left by a crash")])));
    // Nothing is known of a ceremony that was cut off; abandoning it is no contradiction.
    assert!(!ceremony(&with(until(Step::Begin), [started(1, Step::Begin), abandoned("pending-1")])));
}

#[test]
fn a_job_that_is_given_up_is_over() {
    let given_up = Event::JobGivenUp { job: JobId(1), reason: String::new(), operator: None };
    let given_up_twice = [given_up.clone(), given_up.clone()];
    let over = book(&with(until(Step::Make), [given_up.clone()]));
    assert_eq!(over.jobs[&JobId(1)].state, JobState::GivenUp);
    assert_eq!(over.unfinished().count(), 0);
    misfit(&with(until(Step::Make), given_up_twice));
    misfit(&with(until(Step::Make), [given_up, started(1, Step::Make)]));
}

#[test]
fn a_deleted_credential_is_deleted() {
    let deleted = |id| Event::CredentialDeleted { job: JobId(1), credential_id: id, why: String::new() };
    let book = book(&with(until(Step::Verify), [deleted(credential_id(1)), deleted(credential_id(7))]));
    assert_eq!(book.credentials[&credential_id(1)].state, CredentialState::Deleted);
    assert_eq!(book.credentials.len(), 1);
}

#[test]
fn every_kind_of_event_is_read_back() {
    let entries = log(&every_kind());
    for (entry, event) in entries.iter().zip(every_kind()) {
        assert_eq!(entry.event().unwrap(), event);
    }
    let book = Register::read(&entries).unwrap();
    assert_eq!(book.attention.len(), 1);
    assert_eq!(book.unfinished().map(|(id, _)| id).collect::<Vec<_>>(), [JobId(3)]);
    assert_eq!(book.credentials_of(&account("ada")).count(), 4);
    assert_eq!(book.credentials_of(&account("bob")).count(), 0);
}

#[test]
fn a_gap_is_refused_and_changes_nothing() {
    let entries = log(&journey("ada"));
    let mut book = Register::read(&entries[..3]).unwrap();
    for wrong in [&entries[2], &entries[4]] {
        let refused = book.apply(wrong, &wrong.event().unwrap());
        assert!(matches!(refused, Err(LedgerError::Broken { seq: 4, .. })));
    }
    book.apply(&entries[3], &entries[3].event().unwrap()).unwrap();
}

#[test]
fn what_does_not_fit_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("ledger.db"), clock()).unwrap();
    let mut book = Register::default();
    for event in journey("ada") {
        book.record(&store, &event).unwrap();
        assert!(matches!(book.record(&store, &found("bob")), Err(LedgerError::Rejected { .. })));
    }
    let entries = store.entries(0).unwrap();
    assert_eq!(entries.len(), journey("ada").len());
    chain::verify(&entries, None).unwrap();

    let mut other = Register::default();
    other.catch_up(&store).unwrap();
    book.record(&store, &planned("bob", 1)).unwrap();
    assert_eq!(other.accounts.len(), 1);
    // What it decides together rests on a log that has gone on since.
    let refused = other.record_all(&store, &[planned("cy", 1)]);
    let Err(LedgerError::Conflict { expected, found }) = refused else { panic!("{refused:?}") };
    assert_eq!((expected, found), (other.head.clone(), book.head.clone()));
    // One event goes after what others wrote, as far as it fits there.
    other.record(&store, &planned("cy", 1)).unwrap();
    assert_eq!((other.accounts.len(), other.head.seq), (3, book.head.seq + 1));
}
