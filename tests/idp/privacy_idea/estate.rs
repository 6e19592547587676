//! The real server around the keys: realms, policies, registration codes, last use, rights; each writing request gone wrong in every way.

use std::time::Duration;

use keywright::idp::capability::{About, Admits, Capability, Readiness, Rule, RuleOrder, Told, WantedPass};
use keywright::idp::privacy_idea::{PrivacyIdea, TokenType};
use keywright::idp::{Directory, DirectoryError};
use keywright_test_support::fault_proxy::{self, Fault, FaultProxy, Which};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use ureq::http::Method;

use super::server::Server;

fn hour(once: bool) -> WantedPass {
    WantedPass { lifetime: Duration::from_secs(3600), once }
}

fn codes(server: &Server) -> usize {
    server.tokens().iter().filter(|token| token["tokentype"] == "registration").count()
}

#[test]
fn people_of_a_realm_are_told_and_its_administrators_as_far_as_it_goes() {
    let Some(server) = Server::start(&json!({})) else { return };
    let directory = server.directory(TokenType::Passkey);
    let people = directory.capabilities().people.unwrap();
    for group in ["corp", "people"] {
        let members = people.members(group, None).unwrap();
        assert!(members.listing.is_whole() && members.listing.found.len() == 400 && members.next.is_none(), "{group}");
    }
    assert!(matches!(people.members("nowhere", None), Err(DirectoryError::NotFound { .. })));
    // Nobody made the realm of superusers.
    let admins = people.admins(None).unwrap().listing;
    assert!(admins.found.is_empty() && admins.untold[0].what.contains("pi-manage"), "{admins:?}");
    let user = directory.find_user("user1").unwrap();
    assert!(people.roles(&user).unwrap().found.is_empty());
    let resolvers = json!({ "resolvers": "people" });
    server.ask(Method::POST, "/realm/super", &resolvers);
    let admins = people.admins(None).unwrap().listing;
    assert_eq!((admins.found.len(), admins.found[0].through.as_deref()), (400, Some("realm super")));
    let elsewhere = server.directory_with(TokenType::Passkey, |settings| settings.realm = "super".into());
    let user = elsewhere.find_user("user1").unwrap();
    assert_eq!(elsewhere.capabilities().people.unwrap().roles(&user).unwrap().found.len(), 1);
}

fn rules(directory: &PrivacyIdea) -> Vec<Rule> {
    let told = directory.capabilities().policies.unwrap().of_group("corp").unwrap();
    assert!(told.is_whole());
    told.found
}

fn weak_types(rules: &[Rule]) -> Vec<String> {
    let types = rules.iter().find(|rule| rule.about == About::SignIn && !rule.policy.starts_with("around"));
    match &types.unwrap().admits {
        Admits::Weaker(kinds) => kinds.clone(),
        Admits::PhishingResistant => Vec::new(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn policies_are_read_for_what_they_let_in() {
    let Some(server) = Server::start(&json!({})) else { return };
    let directory = server.directory(TokenType::Passkey);
    let open = rules(&directory);
    assert!(weak_types(&open).contains(&"hotp".to_owned()));
    let registration = open.iter().filter(|rule| rule.about == About::Registration).count();
    assert_eq!(registration, 2, "by a password, and everything: {open:?}");

    server.policy("around", "authentication", &json!({ "passOnNoToken": true, "passthru": "userstore" }));
    let around = rules(&directory).into_iter().find(|rule| rule.policy == "around").unwrap();
    assert!(matches!(&around.admits, Admits::Weaker(ways) if ways.len() == 2), "{around:?}");
    server.policy("shut", "authentication", &json!({ "disabled_token_types": "hotp totp" }));
    let shut = weak_types(&rules(&directory));
    assert!(!shut.contains(&"hotp".to_owned()) && shut.contains(&"spass".to_owned()), "{shut:?}");
    let keys = json!({ "scope": "authorization", "action": { "tokentype": "webauthn passkey" }, "active": true, "user": "user1" });
    server.ask(Method::POST, "/policy/keys", &keys);
    assert!(!weak_types(&rules(&directory)).is_empty(), "one person's policy closes nothing for the others");
    server.ask(Method::DELETE, "/policy/keys", &Value::Null);
    server.policy("keys", "authorization", &json!({ "tokentype": "webauthn passkey" }));
    assert_eq!(weak_types(&rules(&directory)), Vec::<String>::new());
    server.policy("page", "webui", &json!({ "login_mode": "privacyIDEA" }));
    server.policy("own", "user", &json!({ "enrollPASSKEY": true, "enrollHOTP": true }));
    let told = rules(&directory);
    let enrolled: Vec<_> = told.iter().filter(|rule| rule.about == About::Registration).collect();
    assert!(matches!(&enrolled[..], [one] if one.admits == Admits::Weaker(vec!["hotp".into()])), "{enrolled:?}");
}

#[test]
fn the_server_says_itself_which_policies_are_about_a_person() {
    let Some(server) = Server::start(&json!({})) else { return };
    let directory = server.directory(TokenType::Passkey);
    let opened_by = |login: &str| {
        let user = directory.find_user(login).unwrap();
        let told = directory.capabilities().what_if.unwrap().what_if(&user).unwrap();
        assert!(told.is_whole() && told.found[0].prepared.known().is_none());
        told.found[0].admits(RuleOrder::First)
    };
    assert!(matches!(opened_by("user1"), Admits::Weaker(_)));
    // One person's policy counts for that person.
    let keys = json!({ "scope": "authorization", "action": { "tokentype": "webauthn passkey" }, "active": true, "user": "user1" });
    server.ask(Method::POST, "/policy/keys", &keys);
    assert_eq!(opened_by("user1"), Admits::PhishingResistant);
    assert!(matches!(opened_by("user2"), Admits::Weaker(_)));
    server.policy("around", "authentication", &json!({ "passOnNoToken": true }));
    let around = opened_by("user1");
    assert!(matches!(&around, Admits::Weaker(ways) if ways[0].contains("passOnNoToken")), "{around:?}");
}

#[test]
fn a_registration_code_opens_once_ends_and_takes_the_place_of_the_last() {
    let Some(server) = Server::start(&json!({})) else { return };
    let directory = server.directory(TokenType::Passkey);
    let user = directory.find_user("user1").unwrap();
    let passes = directory.capabilities().pass.unwrap();
    assert!(passes.issue(&user, hour(false)).is_err());
    let first = passes.issue(&user, hour(true)).unwrap();
    let second = passes.issue(&user, hour(true)).unwrap();
    assert_eq!(codes(&server), 1);
    let opens = |code: &str| {
        let body = json!({ "user": "user1", "realm": "corp", "pass": code });
        server.ask(Method::POST, "/validate/check", &body) == true
    };
    assert!(!opens(first.secret.expose_secret()));
    let until = second.until.unwrap() - time::OffsetDateTime::now_utc();
    assert!((3590..=3660).contains(&until.whole_seconds()), "{until}");
    assert!(opens(second.secret.expose_secret()) && !opens(second.secret.expose_secret()));
    passes.withdraw(&user, &second.id).unwrap();
    let third = passes.issue(&user, hour(true)).unwrap();
    passes.withdraw(&user, &third.id).unwrap();
    passes.withdraw(&user, &third.id).unwrap();
    assert!(!opens(third.secret.expose_secret()));
    let used = directory.capabilities().last_use.unwrap().last_use(&user).unwrap();
    let seen = used.account.known().unwrap().at.unwrap();
    assert!((time::OffsetDateTime::now_utc() - seen).whole_seconds() < 600, "{seen}");
    let since = |hours| time::OffsetDateTime::now_utc() - time::Duration::hours(hours);
    let seen = directory.capabilities().last_use.unwrap().sign_ins(&user, since(1)).unwrap();
    assert!(matches!(&seen.found[..], [one] if one.by.as_deref() == Some("registration")), "{seen:?}");
    assert!(directory.capabilities().last_use.unwrap().sign_ins(&user, since(-1)).unwrap().found.is_empty());
    let clients = directory.capabilities().applications.unwrap().applications(None).unwrap().listing;
    assert!(clients.is_whole() && !clients.found.is_empty() && !clients.found[0].rules.found.is_empty(), "{clients:?}");
    let other = directory.find_user("user2").unwrap();
    let used = directory.capabilities().last_use.unwrap().last_use(&other).unwrap();
    assert_eq!(used.account.known().unwrap().at, None);
}

#[test]
fn rights_are_those_that_the_sign_in_tells_and_a_refused_list_is_no_empty_one() {
    let Some(server) = Server::start(&json!({})) else { return };
    let directory = server.directory(TokenType::Passkey);
    let has = directory.capabilities();
    assert!(has.suspension.is_none() && has.sessions.is_none());
    let rights = has.rights.unwrap().rights().unwrap();
    let offered = Capability::ALL.into_iter().filter(|one| has.has(*one));
    offered.for_each(|one| assert_eq!(rights.readiness(one), Readiness::Ready, "{one:?}"));
    assert!(matches!(&rights.beyond, Told::Known(beyond) if beyond.len() == 1), "{:?}", rights.beyond);
    assert_eq!(has.rights.unwrap().over_administrators().unwrap(), Told::Known(true));
    // Another administrator keeps every right, so that the test can clean up after itself.
    let all = json!({ "scope": "admin", "action": { "tokenlist": true, "userlist": true, "policywrite": true }, "active": true });
    server.ask(Method::POST, "/policy/few", &all);
    let user = directory.find_user("user1").unwrap();
    let rights = has.rights.unwrap().rights().unwrap();
    assert_eq!(rights.readiness(Capability::Methods), Readiness::Ready);
    assert!(matches!(rights.readiness(Capability::Removal), Readiness::Lacks(_)));
    assert_eq!(rights.beyond, Told::Known(vec!["policywrite".into()]));
    let told = has.policies.unwrap().of_group("corp").unwrap();
    assert!(told.found.is_empty() && told.untold[0].needs.contains("policyread"), "{told:?}");
    let used = has.last_use.unwrap().last_use(&user).unwrap();
    assert!(matches!(&used.account, Told::CannotTell(untold) if untold.needs.contains("auditlog")), "{used:?}");
}

#[test]
fn a_code_goes_wrong_once_and_the_next_try_ends_it() {
    let Some(mut server) = Server::start(&json!({})) else { return };
    server.limits.total = Duration::from_secs(3);
    let proxy = FaultProxy::start(&server.url);
    let directory = server.directory_with(TokenType::Passkey, |settings| settings.url = proxy.url().parse().unwrap());
    let user = directory.find_user("user1").unwrap();
    let passes = directory.capabilities().pass.unwrap();
    for (fault, _) in fault_proxy::table() {
        let gone = fault == Fault::GoneAfter;
        let case = format!("{fault:?}");
        proxy.once(Which::request("POST", "/token/init"), fault.clone());
        let first = passes.issue(&user, hour(true));
        assert!(first.is_err() || codes(&server) == 1, "{case}: it is called done");
        proxy.clear();
        proxy.settle();
        let pass = passes.issue(&user, hour(true)).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(codes(&server), 1, "{case}: an earlier one is left");
        proxy.once(Which::request("DELETE", "/token/*"), fault);
        let first = passes.withdraw(&user, &pass.id);
        assert!(first.is_err() || codes(&server) == 0, "{case}: it is called done");
        assert!(gone || proxy.faults() > 0, "{case}: it did not go wrong");
        proxy.clear();
        proxy.settle();
        passes.withdraw(&user, &pass.id).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(codes(&server), 0, "{case}");
    }
}
