//! An auditor asks whether everything in a ledger is still as it should be.

use keywright_test_support::skipped;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use keywright::ledger::{Event, Head, Record, SqliteStore, Store as _};
use keywright_fido::webauthn::AttestationObject;
use keywright_test_support::cli::{Ended, Home};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

/// Three people with two keys each, made once: every test copies what it needs.
fn rehearsed() -> &'static Home {
    static REHEARSED: OnceLock<Home> = OnceLock::new();
    REHEARSED.get_or_init(|| {
        let home = Home::new();
        home.run(&["rehearse", "--people", "3", "--out", "done"]).expect(0);
        home
    })
}

fn events() -> Vec<Value> {
    let store = SqliteStore::read(&rehearsed().path("done/ledger.sqlite3")).unwrap();
    store.entries(0).unwrap().iter().map(|entry| entry.with_texts().unwrap()).collect()
}

/// A home whose ledger has these events instead, in a chain that holds.
fn with(events: &[Value]) -> Home {
    written_at(OffsetDateTime::now_utc(), events)
}

/// The same, written at a moment.
fn written_at(moment: OffsetDateTime, events: &[Value]) -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.state()).unwrap();
    let store = SqliteStore::open(&home.state().join("ledger.sqlite3"), Box::new(move || moment)).unwrap();
    let events: Vec<Event> = events.iter().map(|event| serde_json::from_value(event.clone()).unwrap()).collect();
    store.append(&Head::EMPTY, &events.iter().map(Record::from).collect::<Vec<_>>()).unwrap();
    home
}

fn root() -> String {
    rehearsed().path("done/softkeys/attestation-ca.pem").to_str().unwrap().to_owned()
}

/// `keywright audit ledger --json`, with the soft keys' root.
fn audit(home: &Home, more: &[&str]) -> Ended {
    home.run(&[&["audit", "ledger", "--json", "--root", &root()], more].concat())
}

/// The lines of a kind.
fn of_kind(ended: &Ended, kind: &str) -> Vec<Value> {
    ended.json().into_iter().filter(|line| line["kind"] == kind).collect()
}

/// Findings that ask for something: code, account's name before the @, ordinal.
fn to_do(ended: &Ended) -> Vec<(String, String, u64)> {
    of_kind(ended, "finding")
        .iter()
        .filter(|finding| finding["severity"] != "notice")
        .map(|finding| {
            let account = finding["account"].as_str().unwrap_or_default();
            let text = |value: &str| value.to_owned();
            let name = account.split('@').next().map(text).unwrap_or_default();
            (text(finding["finding"].as_str().unwrap()), name, finding["ordinal"].as_u64().unwrap_or(0))
        })
        .collect()
}

fn expected<const N: usize>(findings: [(&str, &str, u64); N]) -> Vec<(String, String, u64)> {
    findings.map(|(code, account, ordinal)| (code.to_owned(), account.to_owned(), ordinal)).to_vec()
}

/// The job that made an account's key.
fn job(events: &[Value], name: &str, ordinal: u64) -> u64 {
    let planned = events.iter().find(|event| {
        event["event"] == "job-planned"
            && event["account"]["login"] == format!("{name}@example.org")
            && event["ordinal"] == ordinal
    });
    planned.unwrap()["job"].as_u64().unwrap()
}

/// What a step of a job ended with.
fn outcome<'a>(events: &'a mut [Value], job: u64, step: &str) -> &'a mut Value {
    let done = events
        .iter_mut()
        .find(|event| event["event"] == "step-done" && event["job"] == job && event["outcome"]["step"] == step);
    &mut done.unwrap()["outcome"]
}

/// Changes one character of a text in the middle.
fn spoil(text: &mut Value, at: usize) {
    let mut letters = text.as_str().unwrap().to_owned().into_bytes();
    letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
    *text = String::from_utf8(letters).unwrap().into();
}

#[test]
fn a_sound_ledger_leaves_nothing_to_do() {
    let home = with(&events());
    let ended = audit(&home, &[]).expect(0);
    assert_eq!(to_do(&ended), []);
    let keys = of_kind(&ended, "credential");
    assert_eq!(keys.len(), 6);
    for key in &keys {
        assert_eq!((&key["standing"], &key["chain"]), (&json!("accepted"), &json!("trusted")), "{key}");
    }
    let summary = of_kind(&ended, "summary").remove(0);
    assert_eq!((&summary["accounts_covered"], &summary["keys_accepted"]), (&json!(3), &json!(6)));
    assert_eq!(summary["head"].as_str().unwrap().split(':').next().unwrap(), events().len().to_string());
    let words = home.run(&["audit", "ledger", "--root", &root()]).expect(0);
    assert!(words.stdout.contains("3 of 3 accounts with enough proved keys; 6 of 6 registered keys accepted today"));
}

#[test]
fn without_roots_it_says_what_could_not_be_judged() {
    let home = with(&events());
    let ended = home.run(&["audit", "ledger", "--json"]).expect(3);
    assert_eq!(to_do(&ended), expected([("no-anchors", "", 0)]));
    assert!(of_kind(&ended, "credential").iter().all(|key| key["standing"] == "not-judged"));
}

#[test]
fn another_root_trusts_none_of_them() {
    let home = with(&events());
    let stranger = Home::new();
    stranger.run(&["rehearse", "--people", "1", "--out", "else"]).expect(0);
    let other = stranger.path("else/softkeys/attestation-ca.pem");
    let ended = home.run(&["audit", "ledger", "--json", "--root", other.to_str().unwrap()]).expect(7);
    assert_eq!(to_do(&ended).iter().filter(|(code, ..)| code == "refused").count(), 6);
    let finding = of_kind(&ended, "finding").remove(0);
    assert!(finding["message"].as_str().unwrap().contains("leads to no trusted anchor"), "{finding}");
    assert!(finding["next"].as_str().unwrap().contains("--root"), "{finding}");
}

#[test]
fn a_broken_chain_comes_first_and_nothing_after_it_is_believed() {
    let home = with(&events());
    let before = home.run(&["ledger", "verify"]).expect(0);
    let head = before.stdout.lines().last().unwrap().strip_prefix("head ").unwrap().to_owned();
    let all = of_kind(&audit(&home, &["--head", &head]).expect(0), "credential").len();

    // Somebody with the right to write rewrites an event in the middle.
    let middle = events().len() / 2;
    let database = rusqlite::Connection::open(home.state().join("ledger.sqlite3")).unwrap();
    database
        .execute_batch(&format!(
            "DROP TRIGGER events_are_not_changed;
             UPDATE events SET body = replace(body, 'step', 'Step') WHERE seq = {middle};
             UPDATE events SET time = time || ' ' WHERE seq = {middle};"
        ))
        .unwrap();
    let ended = audit(&home, &[]).expect(1);
    let first = of_kind(&ended, "finding").remove(0);
    assert_eq!((&first["finding"], &first["severity"]), (&json!("chain-broken"), &json!("critical")));
    assert!(first["message"].as_str().unwrap().contains(&format!("event {middle} ")), "{first}");
    assert!(of_kind(&ended, "credential").len() < all);
    let summary = of_kind(&ended, "summary").remove(0);
    assert!(summary["head"].as_str().unwrap().starts_with(&format!("{}:", middle - 1)), "{summary}");
}

#[test]
fn a_lost_tail_is_found_by_the_head_that_was_kept() {
    let whole = with(&events());
    let said = whole.run(&["ledger", "verify"]).expect(0).stdout;
    let head = said.lines().last().unwrap().strip_prefix("head ").unwrap();
    let cut = with(&events()[..events().len() - 1]);
    assert_ne!(audit(&cut, &[]).code, 1);
    let ended = audit(&cut, &["--head", head]).expect(1);
    assert_eq!(of_kind(&ended, "finding")[0]["finding"], "chain-broken");
}

#[test]
fn evidence_that_was_changed_is_found_though_the_chain_holds() {
    let mut events = events();
    let jobs = [("ada", 1), ("ada", 2), ("bo", 1), ("bo", 2)].map(|(name, ordinal)| job(&events, name, ordinal));
    // The attested public key, the statement's signature, the client data, the proof.
    let object = &mut outcome(&mut events, jobs[0], "make")["attestation_object"];
    let end = object.as_str().unwrap().len() - 20;
    spoil(object, end);
    // As in ledgers that do not have the key's own answer: with it, the change shows before anything is judged.
    let made = outcome(&mut events, jobs[1], "make");
    made["ctap_response"] = Value::Null;
    spoil(&mut made["attestation_object"], 80);
    let client_data = &mut outcome(&mut events, jobs[2], "make")["client_data_json"];
    *client_data = data_encoding::BASE64URL_NOPAD.encode(b"{\"type\":\"webauthn.create\"}").into();
    spoil(&mut outcome(&mut events, jobs[3], "prove")["signature"], 60);

    let ended = audit(&with(&events), &[]).expect(7);
    let found = to_do(&ended);
    for wanted in expected([
        ("registration-unsound", "ada", 1),
        ("refused", "ada", 2),
        ("registration-unsound", "bo", 1),
        ("proof-invalid", "bo", 2),
    ]) {
        assert!(found.contains(&wanted), "{wanted:?} is not in {found:?}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn as_of_a_moment_nothing_later_is_known() {
    let home = written_at(datetime!(2026-11-23 18:00 UTC), &events());
    let audit_at = |at: &str| audit(&home, &["--at", at]).expect(0);
    let summary = |ended: &Ended| of_kind(ended, "summary").remove(0);
    let before = summary(&audit_at("2026-11-22"));
    assert_eq!((&before["accounts"], &before["keys_in_service"]), (&json!(0), &json!(0)));
    assert_eq!(before["head"], summary(&audit(&home, &[]).expect(0))["head"]);
    assert_eq!(summary(&audit_at("2026-11-24"))["keys_in_service"], 6);
}

#[test]
fn a_profile_that_asks_for_more_today_turns_keys_away() {
    let home = with(&events());
    let folder = home.path("profiles");
    std::fs::create_dir(&folder).unwrap();
    let admin = include_str!("../../profiles/admin.toml");
    let held_against = |text: &str| {
        std::fs::write(folder.join("admin.toml"), text).unwrap();
        audit(&home, &["--profiles", folder.to_str().unwrap()])
    };

    let one_model = admin.replace("models = []\n", "models = [\"2fc0579f-8113-47ea-b116-bb5a8db9202a\"]\n");
    let ended = held_against(&one_model).expect(7);
    // Six keys, and so no account has as many as it needs.
    assert_eq!(to_do(&ended).len(), 9);
    let turned_away = |finding: &Value| finding["finding"] == "refused";
    let first = of_kind(&ended, "finding").into_iter().find(turned_away).unwrap();
    let message = first["message"].as_str().unwrap();
    assert!(message.contains("is not among those") && message.contains("asks for more now"), "{message}");
    assert!(of_kind(&ended, "credential")[0]["reasons"][0].as_str().unwrap().contains("is not among those"));

    let ended = held_against(&admin.replace("required = 2", "required = 3")).expect(3);
    let few = |name| ("too-few-keys", name, 0);
    assert_eq!(to_do(&ended), expected([few("ada"), few("bo"), few("chidi")]));
}

/// FIDO metadata that nobody signed, with the soft keys' model in it.
fn metadata(home: &Home, next_update: &str, reports: Value) -> String {
    let pem = std::fs::read_to_string(root()).unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let entry = json!({
        "aaguid": "6b657977-7269-4768-b42d-736f66746b31",
        "metadataStatement": {"description": "Soft key of the rehearsal", "attestationRootCertificates": [der]},
        "statusReports": reports,
        "timeOfLastStatusChange": "2026-01-01",
    });
    let payload = json!({"legalHeader": "terms", "no": 7, "nextUpdate": next_update, "entries": [entry]});
    home.file("metadata.json", &payload.to_string())
}

#[test]
fn what_metadata_says_of_a_model_since_is_found() {
    let home = written_at(datetime!(2026-11-23 18:00 UTC), &events());
    let judged = |next_update, reports| {
        let file = metadata(&home, next_update, reports);
        home.run(&["audit", "ledger", "--json", "--at", "2026-11-24", "--mds", &file, "--unsigned"])
    };
    let certified = json!({"status": "FIDO_CERTIFIED_L2", "effectiveDate": "2026-01-01"});

    // Its roots are the metadata's: no other is named.
    let ended = judged("2026-12-01", json!([certified])).expect(3);
    assert_eq!(to_do(&ended), expected([("metadata-unsigned", "", 0)]));
    let key = of_kind(&ended, "credential").remove(0);
    assert_eq!(
        (&key["standing"], &key["model"], &key["certification"]),
        (&json!("accepted"), &json!("Soft key of the rehearsal"), &json!("L2"))
    );
    let old = judged("2026-11-01", json!([certified])).expect(3);
    assert_eq!(to_do(&old), expected([("metadata-overdue", "", 0), ("metadata-unsigned", "", 0)]));

    let ended =
        judged("2026-12-01", json!([certified, {"status": "REVOKED", "effectiveDate": "2026-11-20"}])).expect(7);
    let first = of_kind(&ended, "finding").remove(0);
    assert_eq!((&first["finding"], &first["severity"]), (&json!("refused"), &json!("critical")));
    let message = first["message"].as_str().unwrap();
    assert!(message.contains("REVOKED") && message.contains("was known at enrolment"), "{message}");
    assert_eq!(of_kind(&ended, "summary")[0]["keys_accepted"], 0);

    let update = json!([certified, {"status": "UPDATE_AVAILABLE", "effectiveDate": "2026-11-20"}]);
    let ended = judged("2026-12-01", update).expect(7);
    assert_eq!(to_do(&ended).iter().filter(|(code, ..)| code == "update-available").count(), 6);
    assert_eq!(of_kind(&ended, "summary")[0]["keys_accepted"], 6);
}

#[test]
fn roots_that_a_profile_pins_are_trusted_for_its_accounts() {
    let home = with(&events());
    let folder = home.path("profiles");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(root(), folder.join("maker.pem")).unwrap();
    let admin = include_str!("../../profiles/admin.toml").replace("[keys]", "[keys]\nanchors = [\"maker.pem\"]");
    std::fs::write(folder.join("admin.toml"), admin).unwrap();
    let ended = home.run(&["audit", "ledger", "--json", "--profiles", folder.to_str().unwrap()]).expect(0);
    assert!(of_kind(&ended, "credential").iter().all(|key| key["chain"] == "trusted"));
}

#[test]
fn people_keys_and_jobs_that_need_somebody_are_named() {
    let mut events = events();
    let account = |name: &str| json!({"directory": "rehearsal", "login": format!("{name}@example.org")});
    let credential = |events: &mut [Value], name, ordinal| {
        let job = job(events, name, ordinal);
        outcome(events, job, "make")["credential_id"].clone()
    };
    // Ada's first key failed its last try and her second is lost; Bo's second stopped half-way; Chidi can also use SMS.
    let (first, second) = (credential(&mut events, "ada", 1), credential(&mut events, "ada", 2));
    let stopped = job(&events, "bo", 2);
    let registering = |event: &Value| {
        event["event"] == "pin-delivered"
            || ["complete", "sign-in", "harden", "hand-over"]
                .iter()
                .any(|step| event["step"] == *step || event["outcome"]["step"] == *step)
    };
    events.retain(|event| !(event["job"] == stopped && registering(event)));
    events.retain(|event| !(event["event"] == "account-completed" && event["account"] == account("bo")));
    for event in &mut events {
        if event["event"] == "user-found" && event["account"] == account("chidi") {
            event["other_methods"] = json!(["SMS"]);
        }
    }
    events.extend([
        json!({"event": "key-drilled", "account": account("ada"), "credential_id": first, "proved": false}),
        json!({"event": "credential-revoked", "account": account("ada"), "credential_id": second, "reason": "lost"}),
        json!({"event": "job-planned", "job": 7, "account": account("chidi"), "ordinal": 3}),
        json!({"event": "job-given-up", "job": 7, "reason": "not needed"}),
        json!({"event": "attention-needed", "job": stopped, "message": "Look at port 1-2."}),
    ]);
    let ended = audit(&with(&events), &[]).expect(3);
    assert_eq!(
        to_do(&ended),
        expected([
            // The one key that is left failed: nobody saw a key of hers work.
            ("too-few-keys", "ada", 0),
            ("last-try-failed", "ada", 1),
            ("too-few-keys", "bo", 0),
            ("job-unfinished", "bo", 2),
        ])
    );
    let notices: Vec<_> = of_kind(&ended, "finding")
        .iter()
        .filter(|finding| finding["severity"] == "notice" && finding["area"] == "people")
        .map(|finding| finding["finding"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(notices, ["revoked", "attention", "other-methods", "job-given-up"]);

    // A credential that its job left behind on the key.
    events.push(json!({"event": "job-given-up", "job": stopped, "reason": "the key is lost"}));
    let ended = audit(&with(&events), &[]).expect(3);
    assert!(to_do(&ended).contains(&("not-registered".into(), "bo".into(), 2)));
}

#[test]
fn stored_keys_that_nobody_tried_are_overdue() {
    let mut events = events();
    for event in &mut events {
        if event["event"] == "account-planned" && event["account"]["login"] == "ada@example.org" {
            event["profile"]["name"] = "safe".into();
            event["profile"]["drill-interval-days"] = 90.into();
        }
    }
    let made = job(&events, "ada", 1);
    let id = outcome(&mut events, made, "make")["credential_id"].clone();
    let ada = json!({"directory": "rehearsal", "login": "ada@example.org"});
    let home = with(&events);
    audit(&home, &[]).expect(0);
    let later = (OffsetDateTime::now_utc() + time::Duration::days(91)).date().to_string();
    assert_eq!(
        to_do(&audit(&home, &["--at", &later]).expect(3)),
        expected([("never-drilled", "ada", 1), ("never-drilled", "ada", 2)])
    );
    events.push(json!({"event": "key-drilled", "account": ada, "credential_id": id, "proved": true}));
    assert_eq!(
        to_do(&audit(&with(&events), &["--at", &later]).expect(3)),
        expected([("drill-overdue", "ada", 1), ("never-drilled", "ada", 2)])
    );
}

#[test]
fn a_certificate_that_ran_out_since_is_told_and_asks_for_nothing() {
    let home = with(&events());
    let ended = audit(&home, &["--at", "9998-01-01"]);
    let codes: Vec<_> = of_kind(&ended, "finding").iter().map(|finding| finding["finding"].clone()).collect();
    assert_eq!(codes.iter().filter(|code| *code == "certificate-expired").count(), 6, "{codes:?}");
    ended.expect(0);
}

#[test]
fn wrong_dates_and_missing_ledgers_are_told() {
    let home = Home::new();
    home.run(&["audit", "ledger", "--at", "yesterday"]).expect(2).says("2026-11-23");
    home.run(&["audit", "ledger"]).expect(1).says("there is no ledger").says("--state");
    let home = with(&events());
    home.run(&["audit", "ledger", "--html", "not/there.html"]).expect(1).says("not/there.html");
}

/// The page of a ledger in which people, labels and keys have names that would like to be HTML.
fn hostile_page(home: &Home) -> String {
    let path = home.path("page.html");
    audit(home, &["--html", path.to_str().unwrap()]).expect(0);
    std::fs::read_to_string(path).unwrap()
}

fn hostile() -> Home {
    let mut events = events();
    for event in &mut events {
        if event["event"] == "account-planned" && event["account"]["login"] == "ada@example.org" {
            event["person"]["name"] = "</td></script><script>document.title = 'had'</script>\" onload='x".into();
        }
        if event["event"] == "user-found" {
            event["other_methods"] = json!(["<img onerror=alert(1)>"]);
        }
    }
    let made = job(&events, "ada", 1);
    outcome(&mut events, made, "complete")["label"] = "<b>Key</b> & \"label\" 'one'".into();
    outcome(&mut events, made, "inspect")["key"]["product"] = "<svg/onload=alert(1)>".into();
    with(&events)
}

#[test]
fn the_page_escapes_names_and_loads_nothing() {
    let page = hostile_page(&hostile());
    assert_eq!(page.matches("<script").count(), 1);
    for raw in ["<b>Key", "<img", "<svg/onload", "document.title = 'had'</script>", "src=", "@import", "url("] {
        assert!(!page.contains(raw), "{raw}");
    }
    for escaped in ["&#60;b&#62;Key&#60;/b&#62; &#38; &#34;label&#34; &#39;one&#39;", "&#60;svg/onload=alert(1)&#62;"] {
        assert!(page.contains(escaped), "{escaped}");
    }
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src &#39;none&#39;; ") && !policy.contains("unsafe"), "{policy}");
    // A page that a browser shows has no link that leaves it but advisories, which this one has not.
    assert!(!page.contains("http://") && !page.contains("https://"));
}

#[test]
fn a_browser_runs_the_page_under_its_own_policy() {
    let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|browser| {
        let found = Command::new(browser).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    });
    let Some(browser) = browser else {
        skipped("this machine has no Chromium");
        return;
    };
    let home = hostile();
    hostile_page(&home);
    let page = format!("file://{}", home.path("page.html").display());
    let profile = format!("--user-data-dir={}", home.path("browser").display());
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", &profile, "--dump-dom", &page])
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(dom.contains("6 of 6 shown"), "the script did not run:\n{log}");
    assert!(dom.contains("<title>Security keys: audit of"));
    assert!(!log.contains("Content Security Policy"), "{log}");
}

#[test]
fn the_page_has_every_key_once_and_its_file_is_private() {
    let home = with(&events());
    let path = home.path("page.html");
    audit(&home, &["--html", path.to_str().unwrap()]).expect(0);
    let page = std::fs::read_to_string(&path).unwrap();
    for key in of_kind(&audit(&home, &[]), "credential") {
        assert_eq!(page.matches(key["credential_id"].as_str().unwrap()).count(), 1);
    }
    assert!(page.contains("Nothing") || page.contains("To know"));
    assert_mode(&path);
}

#[cfg(unix)]
fn assert_mode(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn assert_mode(_path: &Path) {}

/// As ledgers may be that were written before a key was refused whose serial number is in use.
#[test]
fn a_key_that_was_reset_and_enrolled_again_is_found_by_its_serial_number() {
    let home = Home::new();
    let profile =
        include_str!("../../profiles/admin.toml").replace("attestation = \"trusted\"", "attestation = \"enterprise\"");
    home.file("admin.toml", &profile);
    let folder = home.path("profiles");
    std::fs::create_dir(&folder).unwrap();
    std::fs::rename(home.path("admin.toml"), folder.join("admin.toml")).unwrap();
    home.run(&["rehearse", "--people", "1", "--out", "done", "--profiles", folder.to_str().unwrap()]).expect(0);
    let store = SqliteStore::read(&home.path("done/ledger.sqlite3")).unwrap();
    let mut events: Vec<Value> = store.entries(0).unwrap().iter().map(|entry| entry.with_texts().unwrap()).collect();
    let root = home.path("done/softkeys/attestation-ca.pem");
    let audited = |events: &[Value]| with(events).run(&["audit", "ledger", "--json", "--root", root.to_str().unwrap()]);
    assert_eq!(to_do(&audited(&events).expect(0)), []);

    // The second registration with the certificate of the first key, which names its serial number.
    let (first, second) = (job(&events, "ada", 1), job(&events, "ada", 2));
    let (first, second) = (first.min(second), first.max(second));
    let certificate = |events: &mut [Value], job| {
        let object = outcome(events, job, "make")["attestation_object"].as_str().unwrap().to_owned();
        let object = data_encoding::BASE64URL_NOPAD.decode(object.as_bytes()).unwrap();
        AttestationObject::parse(&object).unwrap()
    };
    let (older, newer) = (certificate(&mut events, first), certificate(&mut events, second));
    let mixed = AttestationObject::new(newer.fmt, older.att_stmt, newer.auth_data_bytes).unwrap();
    let made = outcome(&mut events, second, "make");
    made["attestation_object"] = data_encoding::BASE64URL_NOPAD.encode(mixed.as_bytes()).into();
    made["ctap_response"] = Value::Null;
    let found = to_do(&audited(&events).expect(7));
    assert!(found.contains(&("enrolled-again".to_owned(), "ada".to_owned(), 1)), "{found:?}");
}

#[test]
fn two_people_with_one_user_handle_are_found() {
    let mut events = events();
    let account = |events: &[Value], job: u64| {
        let planned = events.iter().find(|event| event["event"] == "job-planned" && event["job"] == job).unwrap();
        planned["account"]["login"].as_str().unwrap().split('@').next().unwrap().to_owned()
    };
    let first = outcome(&mut events, 1, "make")["user_handle"].clone();
    let other = (1..=6).find(|job| account(&events, *job) != account(&events, 1)).unwrap();
    outcome(&mut events, other, "make")["user_handle"] = first;
    let names = [account(&events, 1), account(&events, other)];
    let ended = audit(&with(&events), &[]).expect(3);
    let shared: Vec<_> = to_do(&ended).into_iter().filter(|(code, ..)| code == "shared-handle").collect();
    let mut expected: Vec<_> = names.into_iter().map(|name| ("shared-handle".to_owned(), name, 0)).collect();
    expected.sort();
    assert_eq!(shared, expected, "{ended:?}");
}
