//! People get their keys at a privacyIDEA server that nobody here wrote, and its own list agrees with the ledger.

mod estate;
mod server;

use crate::fake_idp;
use crate::recorded;
use keywright_test_support::fault_proxy;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::fake_idp::FakeIdp;
use crate::played::Purpose;
use keywright::idp::capability::{Binding, Removed};
use keywright::idp::privacy_idea::TokenType;
use keywright::idp::{Directory, DirectoryError};
use keywright::ledger::{AccountId, FailureCode};
use keywright::provision::{Report, RetryPolicy, RevokeOrder, RunError, dry_run, revoke};
use keywright_fido::hid::Cancel;
use keywright_practice::softkey::{Rack, Touch};
use keywright_test_support::fault_proxy::{Fault, FaultProxy, Which};
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop, failures};
use serde_json::{Value, json};
use server::Server;
use ureq::http::Method;

const TEN: [&str; 10] = ["user1", "user2", "user3", "user4", "user5", "user6", "user7", "user8", "user9", "user10"];

/// A workshop with one key for each, which the server trusts.
fn workshop_at(server: &Server, logins: &[&str]) -> Workshop {
    let mut workshop = Workshop::without_directory(logins.len(), logins);
    workshop.profile.keys.required = 1;
    server.trust(&workshop.path().join("softkeys/attestation-ca.pem"), "softkeys");
    workshop
}

fn trusted() -> Value {
    json!({ "webauthn_authenticator_attestation_level": "trusted" })
}

fn ten_people(token_type: TokenType) {
    let Some(server) = Server::start(&trusted()) else { return };
    let workshop = workshop_at(&server, &TEN);
    let directory = server.directory(token_type);
    let blocking: Vec<_> = directory.preflight().unwrap().into_iter().filter(|finding| finding.blocks).collect();
    assert_eq!(blocking, []);
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert_eq!(failures(&report), []);
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    workshop.everything_agrees_at(&directory, &workshop.rack(), &TEN, 1);
    let tokens = server.tokens();
    assert_eq!(tokens.len(), TEN.len());
    for token in &tokens {
        assert_eq!(token["rollout_state"], "enrolled", "{token}");
        assert_eq!(token["active"], true, "{token}");
        assert_eq!(token["tokentype"], token_type.name());
        assert!(token["description"].as_str().unwrap().starts_with("Key 1"), "{token}");
        if token_type == TokenType::Webauthn {
            assert_eq!(token["info"]["attestation_level"], "trusted");
        }
    }

    let account = AccountId::new(DIRECTORY, "user3");
    let revocation = revoke(
        &directory,
        &workshop.store(),
        &RetryPolicy::default(),
        &Cancel::default(),
        &account,
        1,
        RevokeOrder { reason: "lost", operator: &"tester".into() },
    )
    .unwrap();
    assert_eq!((revocation.removed.len(), revocation.keys_left), (1, 0));
    let user = directory.find_user("user3").unwrap();
    assert_eq!(directory.list(&user).unwrap(), []);
    let revoked: Vec<_> = server.tokens().into_iter().filter(|token| token["revoked"] == true).collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["username"], "user3");
}

#[test]
fn ten_people_get_webauthn_tokens_whose_attestation_the_server_trusts() {
    ten_people(TokenType::Webauthn);
}

#[test]
fn ten_people_get_passkeys() {
    ten_people(TokenType::Passkey);
}

#[test]
fn what_is_not_rolled_out_or_disabled_is_no_key_in_service() {
    let Some(server) = Server::start(&json!({})) else { return };
    let workshop = workshop_at(&server, &["user1"]);
    let directory = server.directory(TokenType::Passkey);
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let user = directory.find_user("user1").unwrap();
    let waiting = directory.begin(&user).unwrap().pending.unwrap();
    let [key] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(key.in_service && key.id != waiting);
    directory.capabilities().labels.unwrap().relabel(&user, &key, "blue").unwrap();
    assert_eq!(directory.list(&user).unwrap()[0].label, "blue");
    let passkeys = directory.capabilities().passkeys.unwrap().passkeys(&user).unwrap();
    assert!(passkeys.is_whole() && passkeys.found[0].binding == Binding::DeviceBound, "{passkeys:?}");

    // Weak ones of every kind that needs nothing else.
    for (kind, more) in [
        ("hotp", json!({ "genkey": 1 })),
        ("spass", json!({})),
        ("registration", json!({})),
        ("pw", json!({ "otpkey": "x" })),
    ] {
        let mut body = json!({ "type": kind, "user": "user1", "realm": "corp" });
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        server.ask(Method::POST, "/token/init", &body);
    }
    let weak = || directory.other_methods(&user).unwrap();
    assert_eq!(weak(), ["hotp", "pw", "registration", "spass"]);
    let methods = directory.capabilities().methods.unwrap().methods(&user).unwrap();
    let hotp = methods.found.iter().find(|one| one.kind == "hotp").unwrap();
    server.ask(Method::POST, &format!("/token/disable/{}", hotp.id), &json!({}));
    assert_eq!(weak(), ["pw", "registration", "spass"]);
    let spass = methods.found.iter().find(|one| one.kind == "spass").unwrap();
    let removal = directory.capabilities().removal.unwrap();
    assert_eq!(removal.remove(&user, spass).unwrap(), Removed::Gone);
    assert_eq!(removal.remove(&user, spass).unwrap(), Removed::Gone, "it is gone already");
    assert_eq!(weak(), ["pw", "registration"]);

    server.ask(Method::POST, &format!("/token/disable/{}", key.id), &json!({}));
    let [disabled] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(!disabled.in_service && disabled.id == key.id, "it can be enabled again, and revoked");
    directory.revoke(&user, &disabled).unwrap();
    assert_eq!(directory.list(&user).unwrap(), []);
}

/// What a run with one person came to: the failures' codes.
fn refused(server: &Server, workshop: &Workshop, token_type: TokenType) -> Vec<FailureCode> {
    let directory = server.directory(token_type);
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(!report.accounts[0].complete, "{report:#?}");
    failures(&report).into_iter().map(|(_, failure)| failure.code).collect()
}

#[test]
fn what_the_server_refuses_leaves_no_token_behind() {
    let Some(server) = Server::start(&trusted()) else { return };
    // No certificate of the keys' maker is trusted.
    let mut workshop = Workshop::without_directory(1, &["user1"]);
    workshop.profile.keys.required = 1;
    assert_eq!(refused(&server, &workshop, TokenType::Webauthn), [FailureCode::DirectoryRefused]);
    assert_eq!(server.tokens(), [] as [Value; 0]);
    // Only another model is let in.
    server.trust(&workshop.path().join("softkeys/attestation-ca.pem"), "softkeys");
    let model = json!({ "webauthn_authenticator_selection_list": "2fc0579f-8113-47ea-b116-bb5a8db9202a" });
    server.policy("more", "enrollment", &model);
    assert_eq!(refused(&server, &workshop, TokenType::Webauthn), [FailureCode::DirectoryRefused]);
    assert_eq!(server.tokens(), [] as [Value; 0]);
    // The policy lets the model in: the same job is ended.
    server.policy("more", "enrollment", &trusted());
    let directory = server.directory(TokenType::Webauthn);
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    workshop.everything_agrees_at(&directory, &workshop.rack(), &["user1"], 1);
}

#[test]
fn who_may_not_or_is_not_there_is_told() {
    let Some(server) = Server::start(&json!({})) else { return };
    let directory = server.directory(TokenType::Passkey);
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
    let elsewhere = server.directory_with(TokenType::Passkey, |settings| settings.realm = "elsewhere".into());
    assert!(elsewhere.find_user("user1").is_err());
    let stranger = server.open(TokenType::Passkey, "not the password", |_| {}).unwrap();
    assert!(matches!(stranger.preflight(), Err(DirectoryError::SignIn { .. })));

    let user = directory.find_user("user1").unwrap();
    let begun = directory.begin(&user).unwrap().pending.unwrap();
    assert_eq!(directory.pending(&user).unwrap(), std::slice::from_ref(&begun));
    directory.abandon(&user, &begun).unwrap();
    directory.abandon(&user, &begun).unwrap();
    assert_eq!(server.tokens(), [] as [Value; 0]);
}

#[test]
fn two_keys_each_and_a_dry_run_before_that_writes_nothing() {
    for token_type in [TokenType::Webauthn, TokenType::Passkey] {
        let Some(server) = Server::start(&json!({})) else { return };
        let logins = ["user1", "user2"];
        let workshop = Workshop::without_directory(4, &logins);
        let proxy = FaultProxy::start(&server.url);
        let directory = server.directory_with(token_type, |settings| settings.url = proxy.url().parse().unwrap());
        let (store, rack, hands) = (workshop.store(), workshop.rack(), Hands::default());
        let plan = workshop.with_directory(&directory, &store, &rack, &hands, |station| {
            let plan = workshop.plan(station).unwrap();
            dry_run(station, &plan).unwrap();
            plan
        });
        assert!(plan.people.iter().all(|planned| planned.refused.is_none()), "{plan:#?}");
        let seen = proxy.seen();
        let writes: Vec<_> = seen.iter().filter(|one| one.method != "GET" && one.path != "/auth").collect();
        assert!(!seen.is_empty() && writes.is_empty(), "{writes:?}");
        drop((store, rack));

        let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
        assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
        workshop.everything_agrees_at(&directory, &workshop.rack(), &logins, 2);
        assert_eq!(server.tokens().len(), 4);
    }
}

/// One person at a server that several cases share, with one key.
struct Visit<'a> {
    server: &'a Server,
    workshop: Workshop,
}

impl<'a> Visit<'a> {
    fn new(server: &'a Server) -> Self {
        let mut workshop = Workshop::without_directory(1, &["user1"]);
        workshop.profile.keys.required = 1;
        Self { server, workshop }
    }

    fn run(&self, url: &str, rack: &Rack) -> Result<Report, RunError> {
        let directory = self.server.directory_with(TokenType::Webauthn, |settings| settings.url = url.parse().unwrap());
        self.workshop.provision_at(&directory, &self.workshop.store(), rack, &Hands::default())
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.server.tidy();
        }
    }
}

/// These requests go wrong once, in every way: by method, path, which one of its kind, and what they are for.
fn go_wrong_once(requests: &[(Purpose, &str, &str, usize)]) {
    let Some(mut server) = Server::start(&json!({})) else { return };
    server.limits.total = Duration::from_secs(3);
    for (purpose, method, path, nth) in requests {
        for (fault, code) in fault_proxy::table() {
            let case = format!("{method} {path} {nth} {fault:?}");
            let visit = Visit::new(&server);
            let proxy = FaultProxy::start(&server.url);
            let rack = visit.workshop.rack();
            if *purpose == Purpose::TakeBack {
                rack.key(0).touch(Touch::Declined);
            }
            // Others of its kind go before it.
            for _ in 0..*nth {
                proxy.once(Which::request(method, path), Fault::Pass);
            }
            proxy.once(Which::request(method, path), fault);
            let renewed = code == FailureCode::DirectorySignIn && *path != "/auth" && *purpose != Purpose::TakeBack;
            match visit.run(&proxy.url(), &rack) {
                Ok(report) => {
                    for (_, failure) in failures(&report) {
                        let looked = *purpose != Purpose::Act && failure.code == FailureCode::DirectoryDown;
                        let declined = *purpose == Purpose::TakeBack && failure.code == FailureCode::TouchDeclined;
                        assert!(failure.code == code || looked || declined, "{case}: {failure:?}");
                    }
                    assert!(!renewed || report.accounts[0].complete, "{case}: the token was not renewed");
                }
                Err(RunError::Directory(_)) => {
                    assert!(*purpose != Purpose::Act && !renewed, "{case}");
                }
                Err(error) => panic!("{case}: {error}"),
            }
            assert_eq!(proxy.faults(), nth + 1, "{case}: it did not go wrong");
            drop(rack);
            proxy.clear();
            proxy.settle();
            let report = visit.run(&proxy.url(), &visit.workshop.rack()).unwrap();
            assert!(report.accounts[0].complete, "{case}: {report:#?}");
            let tokens = server.tokens();
            assert_eq!(tokens.len(), 1, "{case}: {tokens:#?}");
            assert_eq!(tokens[0]["rollout_state"], "enrolled", "{case}");
        }
    }
}

#[test]
fn a_registration_goes_wrong_once_and_the_next_run_ends_it() {
    // The first begins it, the second completes it.
    go_wrong_once(&[(Purpose::Act, "POST", "/token/init", 0), (Purpose::Act, "POST", "/token/init", 1)]);
}

#[test]
fn a_question_or_a_removal_goes_wrong_once_and_the_next_run_ends_it() {
    go_wrong_once(&[
        (Purpose::Preflight, "POST", "/auth", 0),
        (Purpose::Look, "GET", "/user/", 0),
        (Purpose::Look, "GET", "/token/", 0),
        (Purpose::TakeBack, "DELETE", "/token/*", 0),
    ]);
}

#[test]
fn a_user_with_too_many_tokens_is_told_so() {
    let Some(server) = Server::start(&json!({})) else { return };
    server.policy("limit", "enrollment", &json!({ "max_token_per_user": "1" }));
    let directory = server.directory(TokenType::Passkey);
    let user = directory.find_user("user1").unwrap();
    directory.begin(&user).unwrap();
    let error = directory.begin(&user).unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("max_token_per_user")), "{error}");
}

#[test]
fn a_challenge_that_is_too_old_is_begun_anew_and_leaves_no_token() {
    for token_type in [TokenType::Webauthn, TokenType::Passkey] {
        let Some(server) = Server::start(&json!({})) else { return };
        let visit = Visit::new(&server);
        let directory = server.directory(token_type);
        let run = || {
            let (store, rack) = (visit.workshop.store(), visit.workshop.rack());
            visit.workshop.provision_at(&directory, &store, &rack, &Hands::default()).unwrap()
        };
        // Too old as soon as it is made.
        server.ask(Method::POST, "/system/setConfig", &json!({ "WebauthnChallengeValidityTime": -1 }));
        let report = run();
        let codes: Vec<_> = failures(&report).into_iter().map(|(_, failure)| failure.code).collect();
        assert_eq!(codes, [FailureCode::ChallengeExpired]);
        assert_eq!(server.tokens(), [] as [Value; 0]);
        server.ask(Method::POST, "/system/setConfig", &json!({ "WebauthnChallengeValidityTime": 120 }));
        assert!(run().accounts[0].complete);
        visit.workshop.everything_agrees_at(&directory, &visit.workshop.rack(), &["user1"], 1);
    }
}

#[test]
fn a_registration_that_reaches_the_server_twice_is_there_once() {
    for token_type in [TokenType::Webauthn, TokenType::Passkey] {
        let Some(server) = Server::start(&json!({})) else { return };
        let visit = Visit::new(&server);
        // Something on the way sends it again, and the second answer is the one that arrives.
        let (url, replayed) = (server.url.clone(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&replayed);
        let front = FakeIdp::start(move |request| {
            if request.path == "/token/init" && request.json()["serial"].is_string() {
                assert_eq!(fake_idp::forward(&url, request).status, 200);
                counter.fetch_add(1, Ordering::SeqCst);
            }
            fake_idp::forward(&url, request)
        });
        let directory = server.directory_with(token_type, |settings| settings.url = front.url().parse().unwrap());
        let (store, rack) = (visit.workshop.store(), visit.workshop.rack());
        let report = visit.workshop.provision_at(&directory, &store, &rack, &Hands::default()).unwrap();
        assert!(report.accounts[0].complete, "{report:#?}");
        drop(rack);
        assert_eq!((replayed.load(Ordering::SeqCst), server.tokens().len()), (1, 1));
        visit.workshop.everything_agrees_at(&directory, &visit.workshop.rack(), &["user1"], 1);
    }
}

#[test]
fn what_was_said_is_on_record() {
    for token_type in [TokenType::Webauthn, TokenType::Passkey] {
        let Some(server) = Server::start(&json!({})) else { return };
        let visit = Visit::new(&server);
        let url = server.url.clone();
        let front = FakeIdp::start(move |request| fake_idp::forward(&url, request));
        let directory = server.directory_with(token_type, |settings| settings.url = front.url().parse().unwrap());
        let user = directory.find_user("user1").unwrap();
        let (store, rack) = (visit.workshop.store(), visit.workshop.rack());
        let report = visit.workshop.provision_at(&directory, &store, &rack, &Hands::default()).unwrap();
        assert!(report.accounts[0].complete, "{report:#?}");
        let [key] = directory.list(&user).unwrap().try_into().unwrap();
        directory.revoke(&user, &key).unwrap();
        let begun = directory.begin(&user).unwrap().pending.unwrap();
        directory.abandon(&user, &begun).unwrap();
        let record = |body: &mut Vec<u8>| {
            if let Ok(json) = serde_json::from_slice(body) {
                *body = for_the_record(json).to_string().into_bytes();
            }
        };
        let mut seen = front.seen();
        for (request, answer) in &mut seen {
            record(&mut request.body);
            record(&mut answer.body);
        }
        recorded::compare(&format!("privacy_idea/{}.http", token_type.name()), &seen, &[key.id, begun]);
    }
}

/// Without what differs each time and without secrets, and with lists of words in order, which the server keeps in none; of long
/// lists the beginning.
fn for_the_record(mut body: Value) -> Value {
    const SHOWN: usize = 3;
    const VARYING: [&str; 14] = [
        "serial",
        "serialNumber",
        "transaction_id",
        "time",
        "nonce",
        "challenge",
        "token",
        "signature",
        "threadid",
        "password",
        "credential_id_hash",
        "assignment_date",
        "creation_date",
        "attestation_certificate",
    ];
    match &mut body {
        Value::Object(members) => {
            for (name, member) in members {
                *member = match member.take() {
                    Value::String(_) | Value::Number(_) if VARYING.contains(&name.as_str()) => "[removed]".into(),
                    member => for_the_record(member),
                };
            }
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.sort_by_key(ToString::to_string);
            if items.len() > 4 * SHOWN {
                let more = format!("[{} more]", items.len() - SHOWN);
                items.truncate(SHOWN);
                items.push(more.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = for_the_record(item.take())),
        _ => {}
    }
    body
}
