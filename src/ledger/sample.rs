//! Events for this room's tests: one person, made up, with as many keys as a test wants.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    AccountId, Actor, Entry, Erasure, Event, Head, JobId, KeyNumber, LedgerError, Outcome, Record, Step, Store,
};
use keywright_fido::webauthn::CredentialId;

pub(crate) fn account(login: &str) -> AccountId {
    AccountId::new("embedded", login)
}

pub(crate) fn credential_id(job: u64) -> CredentialId {
    CredentialId::new([&b"credential "[..], &job.to_be_bytes()].concat()).unwrap()
}

/// An event from JSON, as the log has it.
pub(crate) fn event(json: Value) -> Event {
    serde_json::from_value(json).unwrap()
}

pub(crate) fn batch(batch: u64) -> Event {
    event(json!({"event": "batch-started", "batch": batch, "operator": "root", "version": "0.1.0",
        "directory": "embedded", "roster_sha256": null}))
}

pub(crate) fn planned(login: &str, required: usize) -> Event {
    event(json!({"event": "account-planned", "batch": 1, "account": account(login),
    "person": {"account": login, "profile": "admin", "name": "Ada Lovelace", "ticket": "IT-1", "reason": null, "storage": null},
    "profile": {
        "name": "admin", "description": "Administrators.", "label": "{model} {ordinal}", "hand-over": "age",
        "drill-interval-days": 90,
        "keys": {"required": required, "models": [], "attestation": "none", "reset": "if-used", "always-uv": true, "cred-protect": 1},
        "pin": {"length": 8, "alphabet": "digits", "minimum-on-key": 6, "force-change": true},
    }}))
}

pub(crate) fn found(login: &str) -> Event {
    Event::UserFound {
        account: account(login),
        user_id: format!("id-{login}"),
        login: None,
        idp: None,
        other_methods: vec!["SMS".to_owned()],
    }
}

pub(crate) fn job_planned(job: u64, login: &str, ordinal: usize) -> Event {
    Event::JobPlanned { job: JobId(job), account: account(login), ordinal }
}

pub(crate) fn started(job: u64, step: Step) -> Event {
    Event::StepStarted { job: JobId(job), step }
}

pub(crate) fn done(job: u64, step: Step) -> Event {
    Event::StepDone { job: JobId(job), outcome: outcome(job, step) }
}

pub(crate) fn failed(job: u64, step: Step) -> Event {
    event(json!({"event": "step-failed", "job": job, "step": step,
        "failure": {"code": "key-removed", "message": "the key was removed"}}))
}

pub(crate) fn back(job: u64, to: Step) -> Event {
    Event::SteppedBack { job: JobId(job), to, why: "the key was removed".to_owned() }
}

pub(crate) fn outcome(job: u64, step: Step) -> Outcome {
    let mut json = match step {
        Step::Inspect => json!({"key": {"port": format!("1-{job}"), "product": "Soft key", "usb_serial": null,
            "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "firmware_version": 5, "fingerprint": "00"}}),
        Step::Reset => json!({"done": false}),
        Step::SealPin => json!({"sealed": format!("job-{job}")}),
        Step::SetPin => json!({}),
        Step::Begin => json!({"ceremony": {"user_id": "id-ada", "pending": format!("pending-{job}"),
            "options": {"rp": {"id": "login.example.org", "name": "Example"},
                "user": {"id": "AQID", "name": "ada", "displayName": "Ada Lovelace"}, "challenge": "AAECAwQFBgcICQoLDA0ODw",
                "pubKeyCredParams": [{"type": "public-key", "alg": -7}]},
            "origin": "https://login.example.org", "deadline": "2026-11-23T18:06:36Z"}, "deadline": "2026-11-23T18:06:36Z"}),
        Step::Make => json!({"credential_id": credential_id(job), "rp_id": "login.example.org", "user_handle": "AQID",
            "ctap_response": "oQFkbm9uZQ", "attestation_object": "oWNmbXRkbm9uZQ", "client_data_json": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
            "public_key": "pQECAyYgAQ"}),
        Step::Verify => json!({"verdict": {"fmt": "none", "statement": "none", "chain": "not_checked", "anchor": null,
            "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "model": null, "subject": null, "firmware": null,
            "serial": null, "enterprise": false, "transports": [], "backup_eligible": false, "reasons": []}}),
        // Ledgers from before there was a witness do not have that member.
        Step::Prove if job.is_multiple_of(2) => {
            json!({"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC"})
        }
        Step::Prove => json!({"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC",
            "witness": {"testimony": "verified", "witness": "another client 1"}}),
        Step::Complete => json!({"directory_id": format!("key-{job}"), "label": format!("Soft key {job}")}),
        Step::SignIn => json!({"done": true}),
        Step::Harden => json!({"min_pin_length": 6, "always_uv": true, "force_pin_change": true}),
        Step::HandOver => json!({"how": "age", "readers": ["vault"]}),
    };
    json["step"] = json!(step);
    serde_json::from_value(json).unwrap()
}

/// A job's outcome at an IdP without an API.
pub(crate) fn completed_by_hand(job: u64) -> Event {
    event(json!({"event": "step-done", "job": job, "outcome": {"step": "complete-by-hand", "label": "Soft key"}}))
}

/// A drill in which somebody said that the key signs in, and the key showed what a browser made.
pub(crate) fn confirmed(login: &str, job: u64) -> Event {
    event(
        json!({"event": "key-drilled", "account": account(login), "credential_id": credential_id(job), "proved": true,
        "observed": {"signature": null, "registered": null, "signed_in": null, "by_hand": {"said_by": "root", "found": {
            "credential_id": "AAAA", "rp_id": "bank.example", "user_name": "ada", "public_key": "pQECAyYgAQ",
            "signature": {"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC"}}}}}),
    )
}

/// Starts and ends these steps.
pub(crate) fn steps(job: u64, steps: impl IntoIterator<Item = Step>) -> Vec<Event> {
    steps.into_iter().flat_map(|step| [started(job, step), done(job, step)]).collect()
}

/// A person who gets two keys, from the plan to the end: jobs 1 and 2.
pub(crate) fn journey(login: &str) -> Vec<Event> {
    let mut events = vec![batch(1), planned(login, 2), found(login)];
    for job in 1..=2 {
        events.push(job_planned(job, login, usize::try_from(job).unwrap()));
        events.extend(steps(job, Step::ALL));
    }
    events.push(Event::AccountCompleted { account: account(login) });
    events
}

/// The roll-out's events about somebody with two keys: a break-glass account that is drilled and given up, a recovery, an enforcement.
pub(crate) fn rollout(login: &str) -> Vec<Event> {
    let who = account(login);
    let method = json!({"id": "sms", "kind": "sms", "name": "SMS +43 *** 11"});
    let removal = json!({"step": "remove-method", "method": method});
    let mut events = vec![
        json!({"event": "break-glass-added", "account": who, "ordinal": 1, "place": "safe in Linz", "bag": "4711",
            "may_open": ["Bo", "Cy"], "operator": "root"}),
        json!({"event": "break-glass-drilled", "account": who, "ordinal": 1, "by": ["Bo", "Cy"],
            "began": "2026-11-23T18:50:00Z", "passed": true, "bag": "4712", "operator": "root",
            "sign_in_log": {"log": "read", "since": "2026-11-23T18:50:00Z",
                "sign_ins": [{"at": "2026-11-23T18:51:00Z", "by": "passkey"}, {"at": "2026-11-23T18:52:00Z"}]}}),
        json!({"event": "break-glass-drilled", "account": who, "ordinal": 1, "by": ["Bo", "Cy"],
            "began": "2026-11-23T18:50:00Z", "passed": false, "operator": "root",
            "sign_in_log": {"log": "cannot-tell", "why": "refused"}}),
        json!({"event": "break-glass-removed", "account": who, "reason": "another one is kept", "operator": "root"}),
        json!({"event": "unknown-key-removal-begun", "account": who, "login": "ada@example.org", "user_id": "u-1",
            "directory_id": "d-9", "label": "mine", "reason": "nobody knows it", "operator": "root"}),
        json!({"event": "unknown-key-removed", "account": who, "directory_id": "d-9", "ending": {"ending": "removed"}}),
        json!({"event": "unknown-key-removal-begun", "account": who, "login": "ada@example.org", "user_id": "u-1",
            "directory_id": "d-8", "label": null, "reason": "nobody knows it", "operator": "root"}),
        json!({"event": "unknown-key-removed", "account": who, "directory_id": "d-8", "ending": {"ending": "kept", "why": "refused"}}),
        json!({"event": "estate-read", "reading": "readiness", "directory": "embedded", "scope": "wave 1",
            "sha256": "00", "people": 1, "findings": 0, "operator": "root"}),
        json!({"event": "enforcement-begun", "enforcement": 1, "directory": "embedded", "scope": "wave 1", "people": 1,
            "policy": {"policy": "read-back", "policies": ["keys only"]}, "operator": "root"}),
        json!({"event": "enforcement-step-started", "enforcement": 1, "account": who, "step": removal,
            "operator": "root"}),
        json!({"event": "enforcement-step-done", "enforcement": 1, "account": who, "step": removal,
            "result": {"result": "done"}}),
        json!({"event": "enforcement-step-started", "enforcement": 1, "account": who, "step": {"step": "end-sessions"}}),
        json!({"event": "enforcement-step-done", "enforcement": 1, "account": who, "step": {"step": "end-sessions"},
            "result": {"result": "not-done", "why": "refused"}}),
        json!({"event": "enforcement-step-started", "enforcement": 1, "account": who, "step": {"step": "read-back"}}),
        json!({"event": "enforcement-step-done", "enforcement": 1, "account": who, "step": {"step": "read-back"},
            "result": {"result": "left", "weak": [method], "untold": ["cannot tell recovery codes"]}}),
        json!({"event": "enforcement-ended", "enforcement": 1, "open": 1}),
        json!({"event": "enforcement-begun", "enforcement": 2, "directory": "embedded", "scope": "group sales",
            "people": 0, "policy": {"policy": "said", "untold": ["policies"]}, "operator": "root"}),
        json!({"event": "recovery-begun", "recovery": 1, "account": who, "lost": 1, "loss": "stolen",
            "asked_by": "Dee, on the telephone", "identity_proved": "passport", "rehearsal": "sales",
            "steps": ["suspend", "end-sessions", "revoke-key", "restore", "give-pass", "new-key", "end-pass"],
            "pass_minutes": 60, "operator": "root"}),
    ];
    let pass = json!({"result": "pass-given", "pass": "p-1", "until": "2026-11-23T19:50:00Z", "how": "age",
        "readers": ["vault"]});
    for (step, result) in [
        ("suspend", json!({"result": "done"})),
        ("end-sessions", json!({"result": "not-offered", "why": "it cannot end sessions"})),
        ("revoke-key", json!({"result": "done"})),
        ("restore", json!({"result": "done"})),
        ("give-pass", pass),
        ("new-key", json!({"result": "key-made", "job": 2})),
        ("end-pass", json!({"result": "done"})),
    ] {
        let (started, done) = ("recovery-step-started", "recovery-step-done");
        events.push(json!({"event": started, "recovery": 1, "account": who, "step": step, "operator": "root"}));
        events.push(json!({"event": done, "recovery": 1, "account": who, "step": step, "result": result}));
    }
    events.push(json!({"event": "recovery-ended", "recovery": 1, "account": who, "ending": {"ending": "complete"},
        "operator": "root"}));
    events.into_iter().map(event).collect()
}

/// One of every kind of event, in an order that fits.
pub(crate) fn every_kind() -> Vec<Event> {
    let ada = account("ada");
    let mut events = journey("ada");
    events.extend(rollout("ada"));
    events.push(event(
        json!({"event": "recovery-begun", "recovery": 2, "account": ada, "lost": 2, "loss": "lost", "asked_by": "Dee",
            "identity_proved": "in person", "steps": ["revoke-key", "new-key"], "operator": "root"}),
    ));
    events.push(event(json!({"event": "recovery-ended", "recovery": 2, "account": ada,
        "ending": {"ending": "given-up", "reason": "found again"}})));
    events.extend([
        // Logs from before it was kept what a drill saw do not have that member.
        Event::KeyDrilled {
            account: ada.clone(),
            credential_id: credential_id(1),
            proved: true,
            observed: None,
            operator: None,
        },
        event(json!({"event": "key-drilled", "account": ada, "credential_id": credential_id(1), "proved": false,
            "observed": {"signature": {"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC"},
                "registered": true, "signed_in": false, "failure": "it was not let in"}})),
        Event::KeyDrilled {
            account: ada.clone(),
            credential_id: credential_id(1),
            proved: true,
            observed: None,
            operator: None,
        },
        Event::CredentialRevoked {
            account: ada,
            credential_id: credential_id(2),
            reason: "lost".to_owned(),
            operator: None,
        },
        job_planned(3, "ada", 2),
    ]);
    events.extend(steps(3, Step::ALL.into_iter().take_while(|step| *step < Step::Verify)));
    events.extend([
        started(3, Step::Verify),
        failed(3, Step::Verify),
        Event::CredentialDeleted { job: JobId(3), credential_id: credential_id(3), why: "refused".to_owned() },
        Event::CeremonyAbandoned { job: JobId(3), pending: "pending-3".to_owned() },
        back(3, Step::Begin),
        Event::AttentionNeeded { job: Some(JobId(3)), message: "Try another key.".to_owned() },
        job_planned(4, "ada", 3),
        Event::JobGivenUp { job: JobId(4), reason: "lost".to_owned(), operator: None },
        job_planned(5, "ada", 4),
    ]);
    events.extend(steps(5, Step::ALL.into_iter().take_while(|step| *step < Step::Complete)));
    events.extend([started(5, Step::Complete), completed_by_hand(5)]);
    events.extend(steps(5, [Step::SignIn, Step::Harden]));
    events.push(started(5, Step::HandOver));
    events.push(event(json!({"event": "pin-delivered", "job": 5, "how": "age", "readers": ["vault"]})));
    events.push(done(5, Step::HandOver));
    events.push(confirmed("ada", 5));
    let (credential_ids, operator) = (vec![credential_id(2)], Actor::from("root"));
    let begun = || Event::KeyErasureStarted {
        credential_ids: credential_ids.clone(),
        how: Erasure::Reset,
        operator: operator.clone(),
    };
    let key = KeyNumber(9);
    events.extend([
        event(
            json!({"event": "key-added", "key": key, "model": "A key", "serial": "123456", "attested_serial": "00ff",
            "place": "safe", "operator": "root", "identity": {"port": "1-9", "product": "Key", "usb_serial": "123456",
                "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "firmware_version": 5, "fingerprint": "00"}}),
        ),
        Event::KeyMarked { key, credential_id: credential_id(9), operator: None },
        event(json!({"event": "key-changed", "key": key, "state": "retired", "reason": "worn", "label": "blue",
            "place": "bin", "custodian": "Bo", "operator": "root"})),
    ]);
    events.extend([
        begun(),
        Event::KeyNotErased { credential_ids: credential_ids.clone(), operator: operator.clone() },
        begun(),
        event(json!({"event": "key-erased", "credential_ids": credential_ids, "how": "reset", "operator": "root", "seen": {
            "before": [{"credential_id": credential_id(2),
                "signature": {"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC"}}],
            "silent": [credential_id(2)]}})),
    ]);
    let relabel = |kind: &str| json!({"event": kind, "account": account("ada"), "credential_id": credential_id(1)});
    let with_label = |kind: &str, label: &str| {
        let mut relabel = relabel(kind);
        relabel["label"] = json!(label);
        event(relabel)
    };
    events.extend([
        with_label("relabel-requested", "blue"),
        event(relabel("relabel-ended")),
        with_label("relabel-requested", "Soft key 1"),
        with_label("relabel-ended", "Soft key 1"),
        with_label("relabel-requested", "blue"),
    ]);
    events
        .push(event(json!({"event": "ledger-accepted", "lost": "the ledger is an older copy", "reason": "disk died",
        "operator": {"name": "root", "uid": 0, "host": "desk7", "station": "1a2b3c4d5e6f7081"}})));
    events.push(event(
        json!({"event": "audit-sampled", "seed": "dice 4 1 6", "size": 25, "drawn_from": 400, "operator": "root"}),
    ));
    events
}

/// The events as a log, one a minute.
pub(crate) fn log(events: &[Event]) -> Vec<Entry> {
    let mut head = Head::EMPTY;
    events
        .iter()
        .map(|event| {
            let entry = Entry::following(&head, format!("2026-11-23T18:{:02}:00.000Z", head.seq % 60), event);
            head = entry.head();
            entry
        })
        .collect()
}

/// A log in memory, which may be wrong.
pub(crate) struct InMemory(pub(crate) Vec<Entry>);

impl Store for InMemory {
    fn append(&self, _expected: &Head, _records: &[Record<'_>]) -> Result<Vec<Entry>, LedgerError> {
        Err(LedgerError::ReadOnly { path: "memory".to_owned() })
    }

    fn rows(&self, after: u64, visit: &mut dyn FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.0.iter().filter(|entry| entry.seq > after).cloned().try_for_each(visit)
    }
}

/// Appends one event at the end of the log, wherever that is. Its texts are about the account that it names, else about nobody.
pub(crate) fn append(store: &dyn Store, event: &Event) -> Result<Entry, LedgerError> {
    let mut entries = store.append(&store.head()?, &[Record::from(event)])?;
    Ok(entries.pop().unwrap())
}

/// A clock that moves on by a second at each look, from 2026-11-23T18:00:00Z.
pub(crate) fn clock() -> Box<dyn Fn() -> OffsetDateTime + Send + Sync> {
    let ticks = std::sync::atomic::AtomicI64::new(1_795_456_800);
    Box::new(move || {
        let tick = ticks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        OffsetDateTime::from_unix_timestamp(tick).unwrap()
    })
}
