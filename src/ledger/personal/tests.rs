use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::scratch::{LedgerFile, has};
use super::*;
use crate::ledger::AccountId;
use crate::ledger::sample::{account, credential_id, event, every_kind, planned};

/// Members that are no texts about people: each was looked at. Operators are staff; of a batch, a key, a credential, a profile, an
/// IdP and its objects nothing is a person's.
const STAYS: &[&str] = &[
    "account.directory",
    "credential_id",
    "credential_ids[]",
    "directory",
    "directory_id",
    "event",
    "how",
    "attested_serial",
    "identity.aaguid",
    "identity.fingerprint",
    "identity.port",
    "identity.product",
    "identity.usb_serial",
    "idp",
    "key",
    "model",
    "serial",
    "state",
    "job",
    "ledger-accepted reason",
    "lost",
    // Of the roll-out: names of groups, waves, policies and steps, moments, and the IdP's words for a kind of method.
    "began",
    "ending.ending",
    "loss",
    "policy.policies[]",
    "policy.policy",
    "policy.untold[]",
    "reading",
    "rehearsal",
    "result.how",
    "result.pass",
    "result.result",
    "result.until",
    "result.weak[].kind",
    "scope",
    "seed",
    "sha256",
    "sign_in_log.log",
    "sign_in_log.since",
    "sign_in_log.sign_ins[].at",
    "sign_in_log.sign_ins[].by",
    "step.method.kind",
    "step.step",
    "steps[]",
    "observed.by_hand.found.credential_id",
    "observed.by_hand.found.public_key",
    "observed.by_hand.found.rp_id",
    "observed.by_hand.found.signature.authenticator_data",
    "observed.by_hand.found.signature.client_data_json",
    "observed.by_hand.found.signature.signature",
    "observed.signature.authenticator_data",
    "observed.signature.client_data_json",
    "observed.signature.signature",
    "operator",
    "operator.host",
    "operator.name",
    "operator.station",
    "other_methods[]",
    "pending",
    "person.profile",
    "person.wave",
    "roster_sha256",
    "seen.before[].credential_id",
    "seen.before[].signature.authenticator_data",
    "seen.before[].signature.client_data_json",
    "seen.before[].signature.signature",
    "seen.silent[]",
    "step",
    "to",
    "version",
    // Why it was erased: what the erasure rests on.
    "account-erased reason",
    "failure.code",
    "outcome.attestation_object",
    "outcome.authenticator_data",
    "outcome.ceremony.deadline",
    "outcome.ceremony.options.attestation",
    "outcome.ceremony.options.authenticatorSelection.userVerification",
    "outcome.ceremony.options.challenge",
    "outcome.ceremony.options.pubKeyCredParams[].type",
    "outcome.ceremony.options.rp.id",
    "outcome.ceremony.options.rp.name",
    // The user handle: WebAuthn has it in every key's credential.
    "outcome.ceremony.options.user.id",
    "outcome.ceremony.origin",
    "outcome.ceremony.pending",
    "outcome.client_data_json",
    "outcome.credential_id",
    "outcome.ctap_response",
    "outcome.deadline",
    "outcome.directory_id",
    "outcome.how",
    "outcome.key.aaguid",
    "outcome.key.fingerprint",
    "outcome.key.port",
    "outcome.key.product",
    "outcome.public_key",
    "outcome.rp_id",
    "outcome.sealed",
    "outcome.signature",
    "outcome.step",
    "outcome.transports[]",
    "outcome.user_handle",
    "outcome.verdict.aaguid",
    "outcome.verdict.chain",
    "outcome.verdict.fmt",
    "outcome.verdict.statement",
    "outcome.witness.testimony",
    "outcome.witness.witness",
];

/// One of every kind, with every text that an event may have.
fn all_kinds() -> Vec<Event> {
    let known = json!({"directory": "embedded", "login": "ada", "user_id": "u-1"});
    let id = json!(credential_id(1));
    let mut events = every_kind();
    events.extend(
        [
            json!({"event": "account-planned", "batch": 2, "account": known, "profile": profile(),
                "person": {"account": "ada", "profile": "admin", "name": "Ada", "ticket": "T", "reason": "R", "storage": "S", "wave": "2"}}),
            json!({"event": "user-found", "account": known, "user_id": "u-1", "login": "ada", "idp": "embedded:x", "other_methods": ["SMS"]}),
            json!({"event": "replacement-planned", "job": 2, "ordinal": 1, "reason": "worn", "same_key": true}),
            json!({"event": "revocation-requested", "account": known, "credential_id": id, "reason": "lost"}),
            json!({"event": "key-erasure-started", "credential_ids": [id], "how": "reset", "operator": "root"}),
            json!({"event": "key-erased", "credential_ids": [id], "how": "reset", "operator": "root", "seen":
                {"before": [{"credential_id": id, "signature": {"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC"}}],
                 "silent": [id]}}),
            json!({"event": "key-not-erased", "credential_ids": [id], "operator": {"name": "root", "host": "h", "station": "s"}}),
            json!({"event": "key-edited", "credential_id": id, "label": "l", "place": "p", "custodian": "c", "operator": "root"}),
            json!({"event": "account-edited", "account": known, "name": "n", "ticket": "t", "storage": "s", "operator": "root"}),
            json!({"event": "key-returned", "credential_id": id, "operator": "root"}),
            json!({"event": "account-left", "account": known, "reason": "left", "operator": "root"}),
            json!({"event": "account-forgotten", "account": known, "reason": "typing error", "operator": "root"}),
            json!({"event": "account-erased", "account": known, "login": "ada", "reason": "asked", "operator": "root"}),
        ]
        .map(event),
    );
    events
}

fn profile() -> Value {
    let Event::AccountPlanned { profile, .. } = planned("ada", 1) else { unreachable!("it is planned") };
    serde_json::to_value(profile).unwrap()
}

/// A text that is nowhere else, in every text about a person.
fn marked(mut event: Event) -> Event {
    each_text(&mut event, &mut |member, text| {
        *text = if member == Member::OfAccountId { "MARKER-id".to_owned() } else { format!("MARKER-{text}") };
    });
    event
}

/// Paths of the strings of an event that are `wanted`.
fn paths(value: &Value, path: &str, wanted: &dyn Fn(&str) -> bool, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if wanted(text) => _ = found.insert(path.to_owned()),
        Value::Array(elements) => elements.iter().for_each(|one| paths(one, &format!("{path}[]"), wanted, found)),
        Value::Object(members) => members.iter().for_each(|(name, one)| {
            let dot = if path.is_empty() { "" } else { "." };
            paths(one, &format!("{path}{dot}{name}"), wanted, found);
        }),
        _ => {}
    }
}

#[test]
fn of_every_member_of_every_kind_it_is_decided_whether_it_is_about_a_person() {
    // serde names every kind that there is.
    let unknown = serde_json::from_value::<Event>(json!({"event": "?"})).unwrap_err().to_string();
    let kinds: BTreeSet<&str> = unknown.split('`').skip(3).step_by(2).collect();
    let mut seen = BTreeSet::new();
    let mut stays = BTreeSet::new();
    for event in all_kinds() {
        let value = serde_json::to_value(marked(event)).unwrap();
        let kind = value["event"].as_str().unwrap();
        seen.insert(kind.to_owned());
        let mut found = BTreeSet::new();
        paths(&value, "", &|text| !text.starts_with("MARKER-"), &mut found);
        found.retain(|path| !path.starts_with("profile"));
        if ["account-erased", "ledger-accepted"].contains(&kind) && found.remove("reason") {
            found.insert(format!("{kind} reason"));
        }
        stays.extend(found);
    }
    assert_eq!(seen.iter().map(String::as_str).collect::<BTreeSet<_>>(), kinds, "a kind is not among the samples");
    let known: BTreeSet<_> = STAYS.iter().map(|path| (*path).to_owned()).collect();
    let undecided: Vec<_> = stays.difference(&known).collect();
    assert!(undecided.is_empty(), "texts about people (members.rs), or members that stay (this list)? {undecided:?}");
}

#[test]
fn no_text_about_a_person_is_in_the_log_and_none_anywhere_once_erased() {
    let ledger = LedgerFile::new();
    let events: Vec<_> =
        all_kinds().into_iter().filter(|event| !matches!(event, Event::AccountErased { .. })).collect();
    let about = AccountId { user_id: Some("MARKER-id".into()), ..account("MARKER-id") };
    let marked: Vec<_> = events.into_iter().map(marked).collect();
    ledger.append(&about, &marked);
    let entries = ledger.entries();
    for (entry, event) in entries.iter().zip(&marked) {
        assert!(!entry.body.contains("MARKER"), "{}", entry.body);
        assert_eq!(&entry.event().unwrap(), event);
    }
    assert!(ledger.bytes_have("MARKER"));
    let head = ledger.verified().unwrap();

    ledger.erase(&about);
    assert!(!ledger.bytes_have("MARKER"), "a text was left behind");
    assert_eq!(ledger.verified().unwrap().seq, head.seq + 1);
    let after = ledger.entries();
    assert_eq!(after[entries.len() - 1].head(), head);
    for (entry, mut event) in after.iter().zip(marked) {
        // Everything else is as it was.
        let mut read = entry.event().unwrap();
        each_text(&mut read, &mut |_, text| {
            assert!(Token::is_erased(text), "{text}");
            text.clear();
        });
        each_text(&mut event, &mut |_, text| text.clear());
        assert_eq!(read, event);
    }
}

#[test]
fn nothing_is_left_in_pages_that_were_split_and_others_keep_their_texts() {
    let ledger = LedgerFile::new();
    let login = |number: usize| format!("person-{number}@{}", "example.".repeat(number % 40));
    for number in 0..200 {
        let mut events = Vec::new();
        for text in 0..20 {
            let name = Some(format!("NAME-{number}- {text} {}", "x".repeat(number * text % 700)));
            let (ticket, storage) = (None, None);
            let (account, operator) = (account(&login(number)), "root".into());
            events.push(Event::AccountEdited { account, name, ticket, storage, operator });
        }
        ledger.append(&account(&login(number)), &events);
    }
    let before = ledger.entries();
    for number in (0..200).step_by(7) {
        ledger.erase(&account(&login(number)));
    }
    let bytes: Vec<u8> = fs::read(&ledger.path).unwrap();
    for number in 0..200 {
        assert_eq!(has(&bytes, &format!("NAME-{number}-")), number % 7 != 0, "person {number}");
    }
    ledger.verified().unwrap();
    for (before, after) in before.iter().zip(ledger.entries()) {
        let (before, after) = (before.event().unwrap(), after.event().unwrap());
        let erased = before.account().is_some_and(|id| (0..200).step_by(7).any(|number| login(number) == id.login));
        assert_eq!(before == after, !erased);
    }
}

#[test]
fn one_text_of_one_person_is_one_token_and_of_two_is_two() {
    let ledger = LedgerFile::new();
    for login in ["ada", "bo"] {
        let (account, reason, operator) = (account(login), "the same words".to_owned(), "root".into());
        ledger.append(&account.clone(), &[planned(login, 1), Event::AccountLeft { account, reason, operator }]);
    }
    let tokens: Vec<BTreeSet<_>> = ledger.entries().iter().map(|entry| Token::all_in(&entry.body).collect()).collect();
    assert_eq!(tokens[0].intersection(&tokens[1]).count(), 1);
    assert_eq!(tokens[1].intersection(&tokens[3]).count(), 0);
}

#[track_caller]
fn is_broken(ledger: &LedgerFile, words: &str) {
    match ledger.verified() {
        Err(LedgerError::Broken { why, .. }) if why.contains(words) => {}
        other => panic!("\"{words}\" is not said: {other:?}"),
    }
}

#[test]
fn changed_swapped_and_missing_texts_are_a_broken_log() {
    let new = || {
        let ledger = LedgerFile::new();
        for login in ["ada", "bo"] {
            ledger.append(&account(login), &[planned(login, 1)]);
        }
        ledger.verified().unwrap();
        ledger
    };
    for (sql, words) in [
        ("UPDATE texts SET text = 'eve' WHERE text = 'ada'", "was changed"),
        ("UPDATE texts SET text = text || ' '", "was changed"),
        ("UPDATE persons SET salt = randomblob(32) WHERE number = 2", "was changed"),
        ("UPDATE persons SET salt = NULL WHERE number = 2", "was changed"),
        (
            "CREATE TEMP TABLE a AS SELECT * FROM texts; UPDATE texts SET text = (SELECT text FROM a WHERE a.person = 3 - texts.person)",
            "was changed",
        ),
        ("DELETE FROM texts WHERE text = 'ada'", "was not erased"),
        ("DELETE FROM persons WHERE number = 1", "is gone"),
        ("DELETE FROM persons; DELETE FROM texts", "is gone"),
        // As 'account erase' does it, but no event says so.
        ("DELETE FROM texts WHERE person = 1; UPDATE persons SET salt = NULL WHERE number = 1", "no event says"),
    ] {
        let ledger = new();
        ledger.forge(sql);
        is_broken(&ledger, words);
    }
    // The texts of a copy from before the erasure are put back.
    let ledger = new();
    let copy = ledger.path.with_file_name("copy.db");
    fs::copy(&ledger.path, &copy).unwrap();
    ledger.erase(&account("ada"));
    let attach = format!("ATTACH '{}' AS copy;", copy.display());
    ledger.forge(&format!(
        "{attach} INSERT OR IGNORE INTO texts SELECT * FROM copy.texts; UPDATE persons SET salt = (SELECT salt FROM copy.persons c WHERE c.number = persons.number)"
    ));
    is_broken(&ledger, "there again");
}

#[test]
fn a_text_without_a_token_is_refused_where_texts_are_committed() {
    let mut event = planned("ada", 1);
    assert!(Texts::default().resolve(&mut event).is_err());
    // A login that looks like a token or a mark is a text like any other.
    for odd in ["personal:1:00", "as-it-is:x", &format!("personal:1:{}", "0".repeat(64)), "{\"texts\":", ""] {
        let ledger = LedgerFile::new();
        let about = account(odd);
        ledger.append(&about, &[planned(odd, 1)]);
        assert_eq!(ledger.entries()[0].event().unwrap(), planned(odd, 1), "{odd}");
        ledger.verified().unwrap();
    }
}
