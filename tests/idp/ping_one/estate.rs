//! An environment of PingOne around the keys: each capability against its description, each refusal by the role that it needs, each
//! writing request gone wrong in every way.

use std::path::Path;
use std::time::Duration;

use keywright::idp::capability::{About, Admits, Binding, Capability, Readiness, Standing, Told, ToldBy};
use keywright::idp::http::Limits;
use keywright::idp::ping_one::{PingOne, Settings};
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use serde_json::json;

use super::environment::{CLIENT, ENVIRONMENT, Environment, GROUP, POLICY, SECRET, State};
use crate::estates::{self, Estate, Visit, Writing};
use crate::fake_idp::FakeIdp;
use crate::played::keep;
use crate::scale::{self, Costs, Pace};

impl Estate for Environment {
    const DESCRIPTION: Option<&'static str> =
        Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/idp/ping_one/description.yaml"));
    const WRITINGS: &'static [Writing<Self>] = &[
        Writing {
            method: "DELETE",
            path: "/v1/environments/*/users/*/devices/*",
            before: |_| {},
            write: |has, user| estates::remove(has, user, "SMS"),
            is_done: |environment| !environment.state.lock().unwrap().phone,
        },
        Writing {
            method: "PUT",
            path: "/v1/environments/*/users/*/enabled",
            before: |_| {},
            write: |has, user| has.suspension.unwrap().suspend(user),
            is_done: |environment| !environment.state.lock().unwrap().enabled,
        },
        Writing {
            method: "PUT",
            path: "/v1/environments/*/users/*/enabled",
            before: |environment| environment.state.lock().unwrap().enabled = false,
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |environment| environment.state.lock().unwrap().enabled,
        },
        Writing {
            method: "POST",
            path: "/v1/environments/*/users/*",
            before: |environment| environment.state.lock().unwrap().locked = true,
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |environment| !environment.state.lock().unwrap().locked,
        },
        Writing {
            method: "DELETE",
            path: "/v1/environments/*/users/*/sessions/*",
            before: |_| {},
            write: |has, user| has.sessions.unwrap().end(user),
            is_done: |environment| environment.state.lock().unwrap().sessions.is_empty(),
        },
    ];

    fn start() -> Self {
        Environment::start()
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        keep(folder, "secret", SECRET);
        // Long enough for Prism on a busy machine, and for an answer that never comes.
        let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(6) };
        let connection =
            ConnectionConfig { name: "acme".into(), folder: folder.to_owned(), limits, ..ConnectionConfig::default() };
        let settings = Settings {
            environment: ENVIRONMENT.into(),
            client_id: CLIENT.into(),
            client_secret: "file:secret".parse().unwrap(),
            policy: POLICY.into(),
            rp_id: "auth.example.org".parse().unwrap(),
            origin: None,
            api: url.parse().unwrap(),
            auth: url.parse().unwrap(),
        };
        Box::new(PingOne::open(&connection, &settings).unwrap())
    }
}

fn with(change: impl FnOnce(&mut State)) -> Visit<Environment> {
    let visit = Visit::<Environment>::new();
    change(&mut visit.idp.state.lock().unwrap());
    visit
}

#[test]
fn ping_one_describes_every_request_around_the_keys() {
    let Some((visit, _prism, front)) = Visit::<Environment>::described() else { return };
    let has = visit.directory.capabilities();
    assert!(has.pass.is_none(), "its API has nothing like a pass");
    let ada = visit.ada();
    let (members, pages) = visit.members("Admins");
    assert!(members.is_whole() && members.found.len() == 3 && pages == 2, "{pages}");
    assert!(visit.admins().0.is_whole());
    assert!(has.people.unwrap().roles(&ada).unwrap().is_whole());
    assert!(has.policies.unwrap().of_group("Admins").unwrap().is_whole());
    let suspension = has.suspension.unwrap();
    suspension.suspend(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Suspended);
    visit.idp.state.lock().unwrap().locked = true;
    suspension.restore(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Active, "the lock is taken away too");
    has.sessions.unwrap().end(&ada).unwrap();
    assert_eq!(visit.idp.state.lock().unwrap().sessions, Vec::<String>::new());
    let used = has.last_use.unwrap().last_use(&ada).unwrap();
    assert!(used.account.known().unwrap().at.is_some() && !used.keys.is_whole(), "no device tells: {used:?}");
    let since = time::OffsetDateTime::now_utc() - time::Duration::days(10);
    let seen = has.last_use.unwrap().sign_ins(&ada, since).unwrap();
    assert!(seen.is_whole() && seen.found.len() == 2 && seen.found[0].at < seen.found[1].at, "{seen:?}");
    has.passkeys.unwrap().passkeys(&ada).unwrap();
    estates::remove(&has, &ada, "SMS").unwrap();
    let applications = has.applications.unwrap().applications(None).unwrap().listing.found;
    let guarded: Vec<_> =
        applications.iter().map(|one| (one.name.as_str(), one.rules.found[0].admits.clone())).collect();
    let single = Admits::Weaker(vec!["a password".into()]);
    assert_eq!(guarded, [("Portal", Admits::PhishingResistant), ("Wiki", single)]);
    has.rights.unwrap().rights().unwrap();
    assert_eq!(front.seen().len(), visit.idp.idp.seen().len(), "Prism kept a request back");
}

#[test]
fn administrators_are_found_by_their_own_roles_and_by_groups() {
    let visit = Visit::<Environment>::new();
    let (admins, pages) = visit.admins();
    let mut told: Vec<_> = admins
        .found
        .iter()
        .map(|one| (one.login.as_deref().unwrap(), one.role.name.as_str(), one.through.is_some()))
        .collect();
    told.sort_unstable();
    let expected = [
        ("ada", "Environment Admin", false),
        ("ada", "Identity Data Admin", true),
        ("user1", "Identity Data Admin", true),
        ("user2", "Identity Data Admin", true),
    ];
    assert_eq!((told, pages), (expected.into(), 3));
    let roles = visit.directory.capabilities().people.unwrap().roles(&visit.ada()).unwrap();
    assert_eq!(roles.found.len(), 2);
    let visit = with(|state| state.refused = vec!["/groups"]);
    let (admins, _) = visit.admins();
    assert!(matches!(&admins.untold[..], [one] if one.needs.contains("Identity Data")), "{:?}", admins.untold);
    let visit = with(|state| state.nested = 1);
    let members = visit.members(GROUP).0;
    assert!(!members.is_whole() && members.found.len() == 3, "{members:?}");
    let people = visit.directory.capabilities().people.unwrap();
    assert!(matches!(people.members("Nobody", None), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn a_policy_counts_where_an_application_uses_it() {
    let rules = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        let told = visit.directory.capabilities().policies.unwrap().of_group(GROUP).unwrap();
        assert!(told.is_whole(), "{:?}", told.untold);
        told.found.into_iter().map(|rule| (rule.about, rule.policy, rule.admits)).collect::<Vec<_>>()
    };
    let told = rules(&|_| {});
    let expected = [
        (About::Registration, "Staff".to_owned(), Admits::PhishingResistant),
        (About::SignIn, "Multi, for Portal".to_owned(), Admits::PhishingResistant),
        (About::SignIn, "Single, for Wiki".to_owned(), Admits::Weaker(vec!["a password".into()])),
    ];
    assert_eq!(told, expected);
    let sms = json!({ "sms": { "enabled": true, "pairingDisabled": true } });
    let told = rules(&|state| state.devices = sms.clone());
    assert_eq!(told[0].2, Admits::PhishingResistant, "no new ones");
    assert_eq!(told[1].2, Admits::Weaker(vec!["sms".into()]), "but old ones open");
    let told = rules(&|state| state.mfa = json!({ "noDevicesMode": "BYPASS" }));
    assert!(matches!(&told[1].2, Admits::Weaker(_)));
    let told = rules(&|state| (state.recovery, state.flow) = (true, true));
    assert_eq!(told[1].0, About::Recovery);
    assert!(matches!(&told.last().unwrap().2, Admits::CannotTell(untold) if untold.what.contains("DaVinci")));
    let visit = with(|state| state.refused = vec!["/signOnPolicies"]);
    let told = visit.directory.capabilities().policies.unwrap().of_group(GROUP).unwrap();
    assert!(matches!(&told.untold[..], [one] if one.needs.contains("Configuration Read Only")), "{:?}", told.untold);
}

#[test]
fn a_passkey_is_bound_where_the_policy_refuses_others_at_every_sign_in() {
    let told = |backup: serde_json::Value| {
        let visit = with(|state| state.backup = backup);
        let told = visit.directory.capabilities().passkeys.unwrap().passkeys(&visit.ada()).unwrap();
        (told.found[0].binding, told.found[0].told_by)
    };
    let backup = |allow: bool, enforced: bool| json!({ "allow": allow, "enforceDuringAuthentication": enforced });
    assert_eq!(told(backup(false, true)), (Binding::DeviceBound, ToldBy::Policy));
    assert_eq!(told(backup(false, false)), (Binding::CannotTell, ToldBy::Nobody), "older ones sign in still");
    assert_eq!(told(backup(true, true)), (Binding::CannotTell, ToldBy::Nobody));
    let visit = with(|state| state.refused = vec!["/fido2Policies"]);
    let told = visit.directory.capabilities().passkeys.unwrap().passkeys(&visit.ada()).unwrap();
    assert!(!told.is_whole() && told.found[0].binding == Binding::CannotTell);
}

#[test]
fn rights_are_tried_where_they_only_read_and_follow_from_the_role_where_they_write() {
    let rights = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        let rights = visit.directory.capabilities().rights.unwrap();
        assert!(matches!(rights.over_administrators().unwrap(), Told::CannotTell(_)));
        rights.rights().unwrap()
    };
    let told = rights(&|_| {});
    assert_eq!(told.readiness(Capability::Suspension), Readiness::Ready);
    assert_eq!(told.beyond, Told::Known(Vec::new()));
    let told = rights(&|state| state.own_roles = vec!["Configuration Read Only"]);
    assert!(matches!(told.readiness(Capability::Removal), Readiness::Lacks(_)));
    let told = rights(&|state| state.own_roles = vec!["Identity Data Admin", "Organization Admin"]);
    assert_eq!(told.beyond, Told::Known(vec!["Organization Admin".into()]));
    let told = rights(&|state| state.refused = vec!["/signOnPolicies", "/applications"]);
    assert!(matches!(told.readiness(Capability::Policies), Readiness::Lacks(_)));
    assert!(matches!(told.readiness(Capability::Sessions), Readiness::CannotTell(_)));
}

#[test]
fn one_person_costs_a_bounded_number_of_requests() {
    assert_eq!(estates::asked_for_one_person::<Environment>("ada"), 6);
}

#[test]
fn one_writing_request_goes_wrong_once_and_the_next_try_ends_it() {
    estates::one_fault::<Environment>();
}

#[test]
fn activities_go_two_weeks_back_and_a_refusal_is_none() {
    let visit = Visit::<Environment>::new();
    let ada = visit.ada();
    let log = |visit: &Visit<Environment>, days| {
        let since = time::OffsetDateTime::now_utc() - time::Duration::days(days);
        visit.directory.capabilities().last_use.unwrap().sign_ins(&ada, since).unwrap()
    };
    assert!(log(&visit, 10).is_whole());
    assert!(log(&visit, 20).untold[0].what.contains("before that"));
    visit.idp.state.lock().unwrap().refused = vec!["/activities"];
    let refused = log(&visit, 10);
    assert!(refused.found.is_empty() && refused.untold[0].needs.contains("Identity Data Admin"), "{refused:?}");
}

#[test]
fn an_inventory_asks_six_times_for_each_person_and_goes_on_where_it_ended() {
    let is_list = |path: &str| {
        let is_whole = ["/users", "/roles", "/roleAssignments", "/token"].iter().any(|end| path.ends_with(end));
        is_whole || path.contains("/groups")
    };
    let costs = Costs {
        name: "PingOne",
        per_person: 6,
        group: "Admins",
        pace: Some(Pace { requests: 600, per: Duration::from_secs(60), source: "its base rate limits: configuration" }),
    };
    scale::an_inventory_costs::<Environment>(&costs, is_list, |environment, people| {
        environment.state.lock().unwrap().logins = (0..people).map(|number| format!("user{number}")).collect();
    });
}
