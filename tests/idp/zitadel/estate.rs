//! A Zitadel around the keys: each capability, each refusal by its permission, each writing request gone wrong in every way.

use std::path::Path;
use std::time::Duration;

use keywright::idp::capability::{About, Admits, Binding, Capability, Readiness, Standing, Told};
use keywright::idp::http::Limits;
use keywright::idp::zitadel::{Settings, Zitadel};
use keywright::idp::{ConnectionConfig, Directory};
use serde_json::json;

use super::people::{ORGANIZATION, PAT, People, State};
use crate::estates::{self, Estate, Visit, Writing};
use crate::fake_idp::FakeIdp;
use crate::played::keep;
use crate::scale::{self, Costs};

impl Estate for People {
    /// Its protos are no OpenAPI.
    const DESCRIPTION: Option<&'static str> = None;
    const WRITINGS: &'static [Writing<Self>] = &[
        Writing {
            method: "DELETE",
            path: "/v2/users/*/otp_sms",
            before: |_| {},
            write: |has, user| estates::remove(has, user, "OTP_SMS"),
            is_done: |people| !people.state.lock().unwrap().phone,
        },
        Writing {
            method: "POST",
            path: "/v2/users/*/deactivate",
            before: |_| {},
            write: |has, user| has.suspension.unwrap().suspend(user),
            is_done: |people| people.state.lock().unwrap().user_state == "INACTIVE",
        },
        Writing {
            method: "POST",
            path: "/v2/users/*/reactivate",
            before: |people| people.state.lock().unwrap().user_state = "INACTIVE",
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |people| people.state.lock().unwrap().user_state == "ACTIVE",
        },
        Writing {
            method: "POST",
            path: "/v2/users/*/unlock",
            before: |people| people.state.lock().unwrap().user_state = "LOCKED",
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |people| people.state.lock().unwrap().user_state == "ACTIVE",
        },
        Writing {
            method: "DELETE",
            path: "/v2/sessions/*",
            before: |_| {},
            write: |has, user| has.sessions.unwrap().end(user),
            is_done: |people| people.state.lock().unwrap().sessions.is_empty(),
        },
    ];

    fn start() -> Self {
        People::start()
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        keep(folder, "pat", PAT);
        let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(4) };
        let connection =
            ConnectionConfig { name: "acme".into(), folder: folder.to_owned(), limits, ..ConnectionConfig::default() };
        let settings = Settings {
            url: url.parse().unwrap(),
            token: "file:pat".parse().unwrap(),
            domain: Some("login.example.org".parse().unwrap()),
            origin: None,
            organization: None,
        };
        Box::new(Zitadel::open(&connection, &settings).unwrap())
    }
}

fn with(change: impl FnOnce(&mut State)) -> Visit<People> {
    let visit = Visit::<People>::new();
    change(&mut visit.idp.state.lock().unwrap());
    visit
}

#[test]
fn an_organization_is_walked_page_by_page_without_its_service_accounts() {
    let visit = Visit::<People>::new();
    let (members, pages) = visit.members(ORGANIZATION);
    assert!(members.is_whole() && (members.found.len(), pages) == (121, 2), "{}", members.found.len());
    let people = visit.directory.capabilities().people.unwrap();
    assert!(people.members("Admins", None).is_err(), "there are no groups");
    let visit = with(|state| state.refused = vec!["/v2/users"]);
    assert!(visit.members(ORGANIZATION).0.untold[0].needs.contains("user.read"));
}

#[test]
fn managers_of_the_instance_and_of_the_organization_are_told() {
    let told = |visit: &Visit<People>| {
        let (admins, _) = visit.admins();
        let names = admins.found.iter().map(|one| (one.login.clone().unwrap(), one.role.name.clone()));
        (names.collect::<Vec<_>>(), admins.untold)
    };
    let (names, untold) = told(&Visit::<People>::new());
    let expected = [("ada", "IAM_OWNER"), ("user1", "ORG_OWNER"), ("user1", "ORG_USER_MANAGER")];
    assert_eq!(names, expected.map(|(login, role)| (login.to_owned(), role.to_owned())));
    assert_eq!(untold, []);
    let (names, untold) = told(&with(|state| state.refused = vec!["/admin/v1"]));
    assert!(names.len() == 2 && untold[0].needs.contains("iam.member.read"), "{untold:?}");
    let visit = Visit::<People>::new();
    let roles = visit.directory.capabilities().people.unwrap().roles(&visit.ada()).unwrap();
    let roles: Vec<_> = roles.found.iter().map(|one| (one.role.name.as_str(), one.through.as_deref())).collect();
    assert_eq!(roles, [("IAM_OWNER", Some("ZITADEL")), ("ORG_OWNER", Some("Acme"))]);
}

#[test]
fn rules_are_an_organizations_and_what_is_left_out_is_off() {
    let rules = |settings: serde_json::Value| {
        let visit = with(|state| state.settings = settings);
        let told = visit.directory.capabilities().policies.unwrap().of_group(ORGANIZATION).unwrap();
        assert!(told.is_whole());
        told.found.into_iter().map(|rule| (rule.about, rule.admits)).collect::<Vec<_>>()
    };
    let keys = rules(json!({ "passkeysType": "PASSKEYS_TYPE_ALLOWED" }));
    assert_eq!(keys, [(About::Registration, Admits::PhishingResistant), (About::SignIn, Admits::PhishingResistant)]);
    let open = rules(json!({ "allowUsernamePassword": true, "secondFactors": ["SECOND_FACTOR_TYPE_OTP"] }));
    assert_eq!(open[0].1, Admits::Weaker(vec!["OTP".into()]));
    assert_eq!(open[1].1, Admits::Weaker(vec!["a password".into()]));
    assert_eq!(open[2].0, About::Recovery);
    let visit = with(|state| state.refused = vec!["/v2/settings"]);
    let told = visit.directory.capabilities().policies.unwrap().of_group(ORGANIZATION).unwrap();
    assert!(told.untold[0].needs.contains("policy.read"));
    assert!(visit.directory.capabilities().policies.unwrap().of_group("Admins").is_err());
}

#[test]
fn an_account_is_suspended_and_a_lock_is_taken_away() {
    let visit = Visit::<People>::new();
    let ada = visit.ada();
    let has = visit.directory.capabilities();
    let suspension = has.suspension.unwrap();
    suspension.suspend(&ada).unwrap();
    suspension.suspend(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Suspended);
    suspension.restore(&ada).unwrap();
    suspension.restore(&ada).unwrap();
    visit.idp.state.lock().unwrap().user_state = "LOCKED";
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Locked);
    suspension.restore(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Active);
    visit.idp.state.lock().unwrap().user_state = "INITIAL";
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Out("INITIAL".into()));
    assert!(suspension.restore(&ada).is_err());
    assert!(has.pass.is_none() && has.models.is_none());
}

#[test]
fn sessions_are_the_only_trace_of_use_and_none_is_not_never() {
    let visit = Visit::<People>::new();
    let (ada, has) = (visit.ada(), visit.directory.capabilities());
    let used = has.last_use.unwrap().last_use(&ada).unwrap();
    assert!(used.account.known().unwrap().at.unwrap().second() == 5 && !used.keys.is_whole(), "{used:?}");
    has.sessions.unwrap().end(&ada).unwrap();
    let calls = visit.idp.idp.calls();
    assert!(!calls.iter().any(|call| call.ends_with("/s9")), "somebody else's is left alone: {calls:?}");
    has.sessions.unwrap().end(&ada).unwrap();
    let used = has.last_use.unwrap().last_use(&ada).unwrap();
    assert!(matches!(used.account, Told::CannotTell(_)), "{used:?}");
    let visit = with(|state| state.refused = vec!["/v2/sessions"]);
    let used = visit.directory.capabilities().last_use.unwrap().last_use(&visit.ada()).unwrap();
    assert!(matches!(&used.account, Told::CannotTell(untold) if untold.needs.contains("session.read")));
}

#[test]
fn a_passkey_cannot_be_told_and_rights_are_those_that_zitadel_lists() {
    let visit = Visit::<People>::new();
    let has = visit.directory.capabilities();
    let passkeys = has.passkeys.unwrap().passkeys(&visit.ada()).unwrap();
    assert!(passkeys.is_whole() && passkeys.found[0].binding == Binding::CannotTell);
    let rights = has.rights.unwrap().rights().unwrap();
    assert_eq!(rights.readiness(Capability::Suspension), Readiness::Ready);
    assert_eq!(rights.readiness(Capability::People), Readiness::Lacks(vec!["iam.member.read".into()]));
    assert!(matches!(rights.readiness(Capability::Sessions), Readiness::CannotTell(_)));
    let visit = with(|state| state.permissions.extend(["session.delete", "org.delete"]));
    let rights = visit.directory.capabilities().rights.unwrap().rights().unwrap();
    assert_eq!(rights.readiness(Capability::Sessions), Readiness::Ready);
    assert_eq!(rights.beyond, Told::Known(vec!["org.delete".into()]));
}

#[test]
fn one_person_costs_a_bounded_number_of_requests() {
    assert_eq!(estates::asked_for_one_person::<People>("ada"), 3);
}

#[test]
fn one_writing_request_goes_wrong_once_and_the_next_try_ends_it() {
    estates::one_fault::<People>();
}

#[test]
fn applications_are_under_the_organizations_settings_and_apis_are_none() {
    let told = |visit: &Visit<People>| visit.directory.capabilities().applications.unwrap().applications(None).unwrap();
    let page = told(&Visit::<People>::new());
    let [wiki] = &page.listing.found[..] else { panic!("{page:?}") };
    assert!(wiki.name == "Wiki" && !wiki.legacy && page.next.is_none());
    let guarded = wiki.rules.found.first().map(|rule| rule.admits.clone());
    assert!(
        guarded == Some(Admits::PhishingResistant) || wiki.rules.untold[0].needs.contains("organization"),
        "{wiki:?}"
    );
    let refused = told(&with(|state| state.refused = vec!["/zitadel.application.v2"]));
    assert!(refused.listing.found.is_empty() && refused.listing.untold[0].needs.contains("project.app.read"));
}

#[test]
fn sign_ins_are_walked_in_the_events_and_are_never_the_whole_log() {
    let log = |visit: &Visit<People>| {
        let since = time::macros::datetime!(2026-04-21 00:00 UTC);
        visit.directory.capabilities().last_use.unwrap().sign_ins(&visit.ada(), since).unwrap()
    };
    let seen = log(&Visit::<People>::new());
    assert_eq!((seen.found.len(), seen.found[100].by.as_deref()), (101, Some("user.human.password.check.succeeded")));
    assert!(seen.untold[0].what.contains("session service"), "{:?}", seen.untold);
    let refused = log(&with(|state| state.refused = vec!["/admin/v1"]));
    assert!(refused.found.is_empty() && refused.untold[0].needs.contains("events.read"), "{refused:?}");
}

#[test]
fn an_inventory_asks_three_times_for_each_person_and_goes_on_where_it_ended() {
    let is_list = |path: &str| path == "/v2/users" || path.contains("/members/");
    let costs = Costs { name: "Zitadel", per_person: 3, group: ORGANIZATION, pace: None };
    scale::an_inventory_costs::<People>(&costs, is_list, |zitadel, people| {
        zitadel.state.lock().unwrap().logins = (0..people).map(|number| format!("user{number}")).collect();
    });
}
