//! People get their keys at a privacyIDEA server that nobody here wrote, and its own list agrees with the ledger.

#![allow(clippy::unwrap_used)] // clippy knows test functions only, not what they call

#[path = "support/fault_proxy.rs"]
mod fault_proxy;
#[path = "support/installed.rs"]
mod installed;
#[path = "support/privacy_idea.rs"]
mod privacy_idea;
#[path = "support/workshop.rs"]
mod workshop;

use std::time::Duration;

use fault_proxy::{FaultProxy, Which};
use keywright::hid::Cancel;
use keywright::idp::privacy_idea::TokenType;
use keywright::idp::{Directory, DirectoryError};
use keywright::ledger::{AccountId, Book, FailureCode};
use keywright::provision::{Patience, RunError, dry_run, revoke};
use privacy_idea::Server;
use serde_json::{Value, json};
use ureq::http::Method;
use workshop::{DIRECTORY, Hands, Workshop, failures};

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

    let account = AccountId { directory: DIRECTORY.into(), login: "user3".into() };
    let revocation =
        revoke(&directory, &workshop.store(), &Patience::default(), &Cancel::default(), &account, 1, "lost").unwrap();
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
        let plan = workshop.plan(&Book::default());
        let (store, rack, hands) = (workshop.store(), workshop.rack(), Hands::default());
        let report =
            workshop.with_directory(&directory, &store, &rack, &hands, |station| dry_run(station, &plan).unwrap());
        assert!(report.accounts.iter().all(|account| account.failure.is_none()), "{report:#?}");
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

#[test]
fn a_registration_goes_wrong_once_and_the_next_run_ends_it() {
    let Some(mut server) = Server::start(&json!({})) else { return };
    server.limits.total = Duration::from_secs(3);
    // Where in a run of one person the requests are: to begin, to complete, to look.
    let run = |proxy: &FaultProxy, workshop: &Workshop| {
        let directory =
            server.directory_with(TokenType::Webauthn, |settings| settings.url = proxy.url().parse().unwrap());
        workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default())
    };
    let one_person = || {
        let mut workshop = Workshop::without_directory(1, &["user1"]);
        workshop.profile.keys.required = 1;
        workshop
    };
    let tidy = || {
        for token in server.tokens() {
            server.ask(Method::DELETE, &format!("/token/{}", token["serial"].as_str().unwrap()), &Value::Null);
        }
    };
    let proxy = FaultProxy::start(&server.url);
    assert!(run(&proxy, &one_person()).unwrap().accounts[0].complete);
    tidy();
    let seen = proxy.seen();
    let mut wanted: Vec<usize> = (0..seen.len()).filter(|at| seen[*at].path == "/token/init").collect();
    assert_eq!(wanted.len(), 2);
    wanted.extend(seen.iter().position(|one| one.method == "GET" && one.path == "/token/"));
    for at in wanted {
        for (fault, code) in fault_proxy::table() {
            let case = format!("{at} {:?} {fault:?}", seen[at]);
            let workshop = one_person();
            let proxy = FaultProxy::start(&server.url);
            proxy.once(Which::Index(at), fault);
            match run(&proxy, &workshop) {
                Ok(report) => {
                    for (_, failure) in failures(&report) {
                        let looked = seen[at].method == "GET" && failure.code == FailureCode::DirectoryDown;
                        assert!(failure.code == code || looked, "{case}: {failure:?}");
                    }
                }
                Err(RunError::Directory(_)) => assert_eq!(seen[at].method, "GET", "{case}"),
                Err(error) => panic!("{case}: {error}"),
            }
            proxy.clear();
            proxy.settle();
            let report = run(&proxy, &workshop).unwrap();
            assert!(report.accounts[0].complete, "{case}: {report:#?}");
            let tokens = server.tokens();
            assert_eq!(tokens.len(), 1, "{case}: {tokens:#?}");
            assert_eq!(tokens[0]["rollout_state"], "enrolled", "{case}");
            tidy();
        }
    }
}
