//! A tenant of Auth0 around the keys: each capability against its description, each refusal by the scope that it needs, each writing
//! request gone wrong in every way.

use std::path::Path;
use std::time::Duration;

use keywright::idp::capability::{
    Binding, Capability, MethodClass, Readiness, Removal, Standing, Told, ToldBy, Usable,
};
use keywright::idp::http::Limits;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use serde_json::{Value, json};

use super::tenant::{self, ROLE, SECRET, State, Tenant, id_of};
use crate::estates::{self, Estate, Visit, Writing};
use crate::fake_idp::FakeIdp;
use crate::played::keep;
use crate::scale::{self, Costs, Pace};

impl Estate for Tenant {
    const DESCRIPTION: Option<&'static str> =
        Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/idp/auth0/description.yaml"));
    const WRITINGS: &'static [Writing<Self>] = &[
        Writing {
            method: "DELETE",
            path: "/api/v2/users/*/authentication-methods/*",
            before: |_| {},
            write: |has, user| estates::remove(has, user, "phone"),
            is_done: |tenant| !tenant.state.lock().unwrap().methods.iter().any(is_adas_phone),
        },
        Writing {
            method: "PATCH",
            path: "/api/v2/users/*",
            before: |_| {},
            write: |has, user| has.suspension.unwrap().suspend(user),
            is_done: |tenant| tenant.state.lock().unwrap().blocked,
        },
        Writing {
            method: "PATCH",
            path: "/api/v2/users/*",
            before: |tenant| tenant.state.lock().unwrap().blocked = true,
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |tenant| !tenant.state.lock().unwrap().blocked,
        },
        Writing {
            method: "DELETE",
            path: "/api/v2/user-blocks/*",
            before: |tenant| tenant.state.lock().unwrap().locked = true,
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |tenant| !tenant.state.lock().unwrap().locked,
        },
        Writing {
            method: "POST",
            path: "/api/v2/users/*/revoke-access",
            before: |_| {},
            write: |has, user| has.sessions.unwrap().end(user),
            is_done: |tenant| tenant.state.lock().unwrap().sessions == 0,
        },
    ];

    fn start() -> Self {
        let tenant = Tenant::start(&["ada", "user1", "user2"]).with_phones();
        tenant::put(&mut tenant.state.lock().unwrap(), &id_of("ada"), &passkey());
        tenant
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
        super::open(&connection, url)
    }
}

fn is_adas_phone(method: &Value) -> bool {
    method["type"] == "phone" && method["user"] == id_of("ada")
}

/// As a tenant of Auth0 keeps one that it registered itself (test data of auth0/Auth0.swift).
fn passkey() -> Value {
    json!({
        "type": "passkey", "key_id": "XqQWiLjlWv6SPbFapFvkwYrSDCc", "credential_device_type": "multi_device",
        "public_key": "pQECAyYgASFYIGK0OMbKXIHgb1Es/MrVoCTrGDzi96vGxUpAGJOhUOp4IlggxIbnS81JDZHWv+NZtWV7wMzbg7sTOJbACvk7xY6DE7A=",
        "credential_backed_up": true, "last_auth_at": "2026-05-01T11:24:10.172Z",
        "user_handle": "uq9owlgkg7papmbVSah3y968mhZfLh6xSBtLxx9rGouTF3ZIw59_VqC3CyRJQCI76Fp07n-5p2I4ew1D-0bOBA",
    })
}

fn with(change: impl FnOnce(&mut State)) -> Visit<Tenant> {
    let visit = Visit::<Tenant>::new();
    change(&mut visit.idp.state.lock().unwrap());
    visit
}

#[test]
fn auth0_describes_every_request_around_the_keys() {
    let Some((visit, _prism, front)) = Visit::<Tenant>::described() else { return };
    let has = visit.directory.capabilities();
    assert!(has.pass.is_none() && has.policies.is_none() && has.applications.is_none() && has.what_if.is_none());
    visit.directory.preflight().unwrap();
    visit.directory.find_user("Ada@example.org").unwrap();
    let ada = visit.ada();
    let (members, pages) = visit.members("Admins");
    assert!(members.is_whole() && members.found.len() == 3 && pages == 1, "{pages}");
    assert!(visit.admins().0.is_whole());
    assert!(has.people.unwrap().roles(&ada).unwrap().is_whole());
    let suspension = has.suspension.unwrap();
    suspension.suspend(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Suspended);
    visit.idp.state.lock().unwrap().locked = true;
    suspension.restore(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Active, "the lock is taken away too");
    has.sessions.unwrap().end(&ada).unwrap();
    assert_eq!(visit.idp.state.lock().unwrap().sessions, 0);
    let used = has.last_use.unwrap().last_use(&ada).unwrap();
    assert!(used.account.known().unwrap().at.is_some() && used.keys.found[0].at.is_some(), "{used:?}");
    has.last_use.unwrap().sign_ins(&ada, time::OffsetDateTime::UNIX_EPOCH).unwrap();
    has.passkeys.unwrap().passkeys(&ada).unwrap();
    let [key] = visit.directory.list(&ada).unwrap().try_into().unwrap();
    has.labels.unwrap().relabel(&ada, &key, "blue").unwrap();
    estates::remove(&has, &ada, "phone").unwrap();
    has.rights.unwrap().rights().unwrap();
    visit.directory.revoke(&ada, &key).unwrap();
    assert_eq!(visit.directory.list(&ada).unwrap(), []);
    assert_eq!(front.seen().len(), visit.idp.idp.seen().len(), "Prism kept a request back");
}

#[test]
fn people_are_found_by_their_roles_however_many_they_are() {
    let visit = with(|state| state.logins.extend((0..150).map(|number| format!("more{number}"))));
    let (admins, pages) = visit.admins();
    assert_eq!((admins.found.len(), pages), (153, 3), "by checkpoints, then the role that nobody has");
    assert!(admins.found.iter().all(|one| one.role.name == "Admins" && one.login.is_some()));
    let (members, pages) = visit.members(ROLE);
    assert_eq!((members.found.len(), pages), (153, 7));
    let visit = with(|state| state.logins.push("new1".into()));
    assert_eq!(visit.members(ROLE).0.found.len(), 4, "the index does not have everybody");
    assert_eq!(visit.directory.capabilities().people.unwrap().roles(&visit.ada()).unwrap().found.len(), 1);
    let people = visit.directory.capabilities().people.unwrap();
    assert!(matches!(people.members("Strangers", None), Err(DirectoryError::NotFound { .. })));
    let visit = with(|state| state.refused = vec!["/roles"]);
    let (admins, _) = visit.admins();
    assert!(matches!(&admins.untold[..], [one] if one.needs.contains("read:role_members")), "{:?}", admins.untold);
}

#[test]
fn a_login_is_a_person_of_the_database_and_nobody_else() {
    let visit = with(|_| {});
    let directory = &visit.directory;
    for login in ["ada", "ADA", "ada@example.org", "Ada@Example.org", &id_of("ada")] {
        // Usernames are kept in lower case, and are searched for as they are said.
        if login != "ADA" {
            assert_eq!(directory.find_user(login).unwrap().id, id_of("ada"), "{login}");
        }
    }
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
    assert!(matches!(directory.find_user("auth0|nobody"), Err(DirectoryError::NotFound { .. })));
    visit.idp.state.lock().unwrap().blocked = true;
    assert!(!directory.find_user("ada").unwrap().active, "the search says otherwise, because it lags");
    let google =
        json!({ "connection": "google-oauth2", "provider": "google-oauth2", "user_id": 117, "isSocial": true });
    let visit = with(|state| (state.in_database, state.identities) = (false, vec![google]));
    let error = visit.directory.find_user("ada@example.org").unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("google-oauth2 alone")), "{error}");
}

#[test]
fn a_passwords_door_and_other_idps_are_told_beside_the_methods() {
    let methods = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        visit.directory.capabilities().methods.unwrap().methods(&visit.ada()).unwrap()
    };
    let told = methods(&|_| {});
    let classes: Vec<_> = told.found.iter().map(|one| (one.kind.as_str(), one.class)).collect();
    let expected =
        [("phone", MethodClass::Phishable), ("passkey", MethodClass::Synced), ("password", MethodClass::Phishable)];
    assert_eq!(classes, expected);
    assert!(told.is_whole() && matches!(told.found[2].removal, Removal::Impossible { .. }));
    let google =
        json!({ "connection": "google-oauth2", "provider": "google-oauth2", "user_id": "117", "isSocial": true });
    let told = methods(&|state| state.identities = vec![google.clone()]);
    assert!(told.found[3].is_weak() && told.found[3].name == "sign-in by google-oauth2");
    let more = |state: &mut State| {
        for kind in [json!({ "type": "push", "link_id": "l" }), json!({ "type": "totp", "link_id": "l" })] {
            tenant::put(state, &id_of("ada"), &kind);
        }
        for kind in ["password", "telepathy"] {
            tenant::put(state, &id_of("ada"), &json!({ "type": kind }));
        }
        state.methods[0]["confirmed"] = false.into();
    };
    let told = methods(&more);
    let of = |kind: &str| told.found.iter().filter(|one| one.kind == kind).collect::<Vec<_>>();
    assert!(matches!(of("phone")[0].usable, Usable::No { .. }), "begun and not confirmed");
    assert_eq!(of("totp")[0].removal, Removal::WithOthers { which: "push".into() });
    assert_eq!(of("password").len(), 1, "told once");
    assert_eq!(of("telepathy")[0].class, MethodClass::Unknown);
    let told = methods(&|state| state.refused = vec!["/authentication-methods"]);
    assert!(told.found.len() == 1 && told.untold[0].needs.contains("read:authentication_methods"), "{told:?}");
    let visit = with(|state| state.lies = true);
    let error = visit.directory.list(&visit.ada()).unwrap_err();
    assert!(matches!(error, DirectoryError::InvalidResponse { .. }), "a list shorter than its total: {error}");
}

#[test]
fn a_passkey_is_what_its_backup_flag_says_and_signs_in_on_its_own_domain() {
    let passkeys = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        visit.directory.capabilities().passkeys.unwrap().passkeys(&visit.ada()).unwrap().found
    };
    let told = passkeys(&|_| {});
    assert_eq!((told[0].binding, told[0].told_by), (Binding::Synced, ToldBy::IdpType));
    assert!(told[0].registered.in_service && told[0].registered.credential_id.is_some());
    let told = passkeys(&|state| state.methods.last_mut().unwrap()["credential_device_type"] = "single_device".into());
    assert_eq!(told[0].binding, Binding::DeviceBound);
    let told = passkeys(&|state| state.methods.last_mut().unwrap()["credential_device_type"] = Value::Null);
    assert_eq!((told[0].binding, told[0].told_by), (Binding::CannotTell, ToldBy::Nobody));
    let told =
        passkeys(&|state| state.methods.last_mut().unwrap()["relying_party_identifier"] = "old.example.org".into());
    assert!(!told[0].registered.in_service, "it is bound to another domain");
}

#[test]
fn rights_are_the_scopes_of_the_token() {
    let rights = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        let rights = visit.directory.capabilities().rights.unwrap();
        assert!(matches!(rights.over_administrators().unwrap(), Told::CannotTell(_)));
        rights.rights().unwrap()
    };
    let told = rights(&|_| {});
    for capability in [Capability::Registration, Capability::People, Capability::Suspension, Capability::Sessions] {
        assert_eq!(told.readiness(capability), Readiness::Ready, "{}", capability.words());
    }
    assert_eq!(told.beyond, Told::Known(Vec::new()));
    let told = rights(&|state| state.scopes = "read:users read:authentication_methods delete:clients".into());
    let Readiness::Lacks(lacking) = told.readiness(Capability::Suspension) else { panic!("{told:?}") };
    assert_eq!(lacking, ["scope update:users"]);
    assert_eq!(told.beyond, Told::Known(vec!["delete:clients".into()]));
    let told = rights(&|state| state.opaque = true);
    assert!(matches!(told.readiness(Capability::Removal), Readiness::CannotTell(_)), "nobody tells");
}

#[test]
fn the_log_is_whole_only_where_it_goes_further_back_than_was_asked() {
    let ada = id_of("ada");
    let event = |at: &str, kind: &str| json!({ "date": at, "type": kind, "user_id": ada, "strategy": "auth0" });
    let logs = vec![
        event("2026-04-21T08:00:00.000Z", "s"),
        event("2026-04-20T08:00:00.000Z", "f"),
        event("2026-04-19T08:00:00.000Z", "s"),
    ];
    let visit = with(|state| state.logs = logs);
    let since =
        |day: u8| time::Date::from_calendar_date(2026, time::Month::April, day).unwrap().midnight().assume_utc();
    let log = |day| visit.directory.capabilities().last_use.unwrap().sign_ins(&visit.ada(), since(day)).unwrap();
    let told = log(20);
    assert!(told.is_whole() && told.found.len() == 1, "{told:?}");
    let told = log(18);
    assert!(told.found.len() == 2 && told.found[0].at < told.found[1].at && !told.is_whole(), "{told:?}");
    visit.idp.state.lock().unwrap().refused = vec!["/logs"];
    assert!(log(20).untold[0].needs.contains("read:logs"));
}

#[test]
fn a_rate_limit_is_waited_for_as_long_as_auth0_says() {
    let visit = with(|state| state.until_limit = Some(0));
    let error = visit.directory.find_user("ada@example.org").unwrap_err();
    let DirectoryError::RateLimited { retry_after: Some(wait), .. } = error else { panic!("{error}") };
    assert!(wait <= Duration::from_secs(2), "{wait:?}");
    visit.directory.find_user("ada@example.org").unwrap();
}

#[test]
fn one_person_costs_a_bounded_number_of_requests() {
    assert_eq!(estates::asked_for_one_person::<Tenant>("ada"), 5);
}

#[test]
fn one_writing_request_goes_wrong_once_and_the_next_try_ends_it() {
    estates::one_fault::<Tenant>();
}

#[test]
fn an_inventory_asks_five_times_for_each_person_and_goes_on_where_it_ended() {
    let is_list = |path: &str| path.contains("/api/v2/roles") || path == "/api/v2/users" || path.ends_with("/token");
    let costs = Costs {
        name: "Auth0",
        per_person: 5,
        group: "Admins",
        pace: Some(Pace {
            requests: 16,
            per: Duration::from_secs(1),
            source: "its rate limit policy: self service and Enterprise, production",
        }),
    };
    scale::an_inventory_costs::<Tenant>(&costs, is_list, |tenant, people| {
        tenant.state.lock().unwrap().logins = (0..people).map(|number| format!("user{number}")).collect();
    });
}
