//! A tenant of Entra ID around the keys: each capability against Graph's own description, each refusal by its permission or licence, each
//! writing request gone wrong in every way.

use std::path::Path;
use std::time::Duration;

use keywright::idp::capability::{
    About, Admits, Binding, Capability, Hold, Readiness, Removed, RuleOrder, RuleState, Standing, Told, ToldBy, Usable,
    WantedPass, WhyUntold,
};
use keywright::idp::entra::{Access, Api, Entra, Settings};
use keywright::idp::http::Limits;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::tenant::{ADMINS, MODEL, SECRET, State, TENANT, Tenant, strength};
use crate::estates::{self, Estate, Visit, Writing};
use crate::fake_idp::FakeIdp;
use crate::played::keep;
use crate::scale::{self, Costs, Pace};

impl Estate for Tenant {
    const DESCRIPTION: Option<&'static str> = Some(super::DESCRIPTION);
    const WRITINGS: &'static [Writing<Self>] = &[
        Writing {
            method: "DELETE",
            path: "/v1.0/users/*/authentication/phoneMethods/*",
            before: |_| {},
            write: |has, user| estates::remove(has, user, "phone"),
            is_done: |tenant| tenant.state.lock().unwrap().phones.is_empty(),
        },
        Writing {
            method: "PATCH",
            path: "/v1.0/users/*",
            before: |_| {},
            write: |has, user| has.suspension.unwrap().suspend(user),
            is_done: |tenant| !tenant.state.lock().unwrap().enabled,
        },
        Writing {
            method: "PATCH",
            path: "/v1.0/users/*",
            before: |tenant| tenant.state.lock().unwrap().enabled = false,
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |tenant| tenant.state.lock().unwrap().enabled,
        },
        Writing {
            method: "POST",
            path: "/v1.0/users/*/revokeSignInSessions",
            before: |_| {},
            write: |has, user| has.sessions.unwrap().end(user),
            is_done: |tenant| !tenant.state.lock().unwrap().sessions,
        },
        Writing {
            method: "POST",
            path: "/v1.0/users/*/authentication/temporaryAccessPassMethods",
            before: |_| {},
            write: |has, user| has.pass.unwrap().issue(user, hour()).map(drop),
            is_done: |tenant| !tenant.state.lock().unwrap().passes.is_empty(),
        },
        Writing {
            method: "DELETE",
            path: "/v1.0/users/*/authentication/temporaryAccessPassMethods/*",
            before: |tenant| tenant.state.lock().unwrap().passes = vec!["7a55".into()],
            write: |has, user| has.pass.unwrap().withdraw(user, "7a55"),
            is_done: |tenant| tenant.state.lock().unwrap().passes.is_empty(),
        },
    ];

    fn start() -> Self {
        Tenant::start()
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
            tenant_id: TENANT.to_owned().try_into().unwrap(),
            client_id: "00001111-aaaa-2222-bbbb-3333cccc4444".into(),
            access: Access::Secret("file:secret".parse().unwrap()),
            api: Api::V1,
            graph: url.parse().unwrap(),
            authority: url.parse().unwrap(),
        };
        Box::new(Entra::open(&connection, &settings).unwrap())
    }
}

fn hour() -> WantedPass {
    WantedPass { lifetime: Duration::from_secs(3600), once: true }
}

fn with(change: impl FnOnce(&mut State)) -> Visit<Tenant> {
    let visit = Visit::<Tenant>::new();
    change(&mut visit.idp.state.lock().unwrap());
    visit
}

#[test]
fn graph_describes_every_request_around_the_keys() {
    let Some((visit, _prism, front)) = Visit::<Tenant>::described() else { return };
    let has = visit.directory.capabilities();
    let ada = visit.ada();
    let (members, pages) = visit.members("Admins");
    assert!(members.is_whole() && members.found.len() == 5 && pages == 3, "{pages}");
    assert_eq!(members.found.iter().filter(|one| one.guest).count(), 1);
    assert!(visit.admins().0.is_whole());
    assert!(has.people.unwrap().roles(&ada).unwrap().is_whole());
    assert!(has.policies.unwrap().of_group(ADMINS).unwrap().is_whole());
    let evaluation = has.what_if.unwrap().what_if(&ada).unwrap();
    assert_eq!(evaluation.found[0].admits(RuleOrder::Every), Admits::PhishingResistant, "{evaluation:?}");
    let suspension = has.suspension.unwrap();
    suspension.suspend(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Suspended);
    suspension.restore(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Active);
    has.sessions.unwrap().end(&ada).unwrap();
    estates::remove(&has, &ada, "phone").unwrap();
    let pass = has.pass.unwrap().issue(&ada, hour()).unwrap();
    assert_eq!((pass.secret.expose_secret(), pass.until.unwrap().hour(), pass.usable), ("TAPRocks!", 11, Usable::Yes));
    has.pass.unwrap().withdraw(&ada, &pass.id).unwrap();
    has.pass.unwrap().withdraw(&ada, &pass.id).unwrap();
    let used = has.last_use.unwrap().last_use(&ada).unwrap();
    assert!(used.keys.is_whole() && used.account.known().unwrap().at.is_some(), "{used:?}");
    assert!(has.passkeys.unwrap().passkeys(&ada).unwrap().is_whole());
    let since = time::OffsetDateTime::now_utc() - time::Duration::days(10);
    assert_eq!(has.last_use.unwrap().sign_ins(&ada, since).unwrap().found.len(), 2);
    assert_eq!(has.applications.unwrap().applications(None).unwrap().listing.found.len(), 2);
    assert_eq!(front.seen().len(), visit.idp.idp.seen().len(), "Prism kept a request back");
}

#[test]
fn administrators_are_found_by_role_by_group_and_by_what_they_can_take_on() {
    let told = |visit: &Visit<Tenant>| {
        let (admins, _) = visit.admins();
        let mut holds: Vec<_> = admins
            .found
            .into_iter()
            .map(|one| (one.login.unwrap(), one.role.name, one.hold, one.through.is_some()))
            .collect();
        holds.sort();
        (holds, admins.untold)
    };
    let (holds, untold) = told(&Visit::<Tenant>::new());
    assert_eq!(untold, []);
    let ada: Vec<_> = holds.iter().filter(|one| one.0 == "ada").map(|one| (one.1.as_str(), one.2, one.3)).collect();
    let expected =
        [("GLOBAL", Hold::Active, false), ("HELPDESK", Hold::Active, true), ("READER", Hold::Eligible, false)];
    assert_eq!(ada, expected);
    let eligible = ("user2".to_owned(), "HELPDESK".to_owned(), Hold::Eligible, true);
    assert!(holds.contains(&eligible), "{holds:?}");

    let (holds, untold) = told(&with(|state| state.licensed = false));
    assert!(!holds.is_empty() && untold.len() == 2, "{untold:?}");
    assert!(
        untold.iter().all(|one| matches!(one.why, WhyUntold::NotLicensed(_)) && one.needs.contains("P2")),
        "{untold:?}"
    );
    let (holds, untold) = told(&with(|state| state.refused = vec!["/v1.0/roleManagement/directory/roleAssignments"]));
    assert!(!holds.is_empty() && untold[0].needs == "RoleManagement.Read.Directory", "{untold:?}");
}

#[test]
fn the_roles_of_a_person_come_by_groups_too() {
    let visit = Visit::<Tenant>::new();
    let people = visit.directory.capabilities().people.unwrap();
    let roles = people.roles(&visit.ada()).unwrap();
    let names: Vec<_> = roles.found.iter().map(|one| (one.role.name.as_str(), one.through.as_deref())).collect();
    assert_eq!(names, [("GLOBAL", None), ("READER", None), ("HELPDESK", Some("Admins"))]);
    assert!(roles.is_whole());
    assert!(matches!(people.members("Nobody", None), Err(DirectoryError::NotFound { .. })));
    assert!(people.members(ADMINS, Some(&keywright::idp::capability::Cursor("/v1.0/users".into()))).is_err());
}

fn rules(visit: &Visit<Tenant>) -> Vec<(About, RuleState, Admits)> {
    let told = visit.directory.capabilities().policies.unwrap().of_group("Admins").unwrap();
    assert!(told.is_whole(), "{:?}", told.untold);
    told.found.into_iter().map(|rule| (rule.about, rule.state, rule.admits)).collect()
}

#[test]
fn a_group_is_under_the_policies_of_the_groups_that_it_is_in() {
    let strong = [
        (About::Registration, RuleState::On, Admits::PhishingResistant),
        (About::SignIn, RuleState::On, Admits::PhishingResistant),
    ];
    assert_eq!(rules(&Visit::<Tenant>::new()), strong, "SMS leaves them out, and one policy is theirs");
    let elsewhere = with(|state| state.access = vec![strength("Others", "0aaaaaaa-0000-4000-8000-00000000000f")]);
    assert_eq!(rules(&elsewhere)[1].2, Admits::Weaker(vec!["a password".into()]));
    let sms = with(|state| state.methods["authenticationMethodConfigurations"][1]["excludeTargets"] = json!([]));
    let told = rules(&sms);
    assert_eq!(told[0].2, Admits::Weaker(vec!["sms".into()]));
    assert!(told.iter().any(|(about, _, admits)| *about == About::Recovery && matches!(admits, Admits::CannotTell(_))));
    let early = with(|state| state.methods["policyMigrationState"] = json!("migrationInProgress"));
    assert!(matches!(&rules(&early)[1].2, Admits::CannotTell(untold) if untold.needs.contains("migration")));
    let campaign = json!({
        "state": "enabled", "excludeTargets": [],
        "includeTargets": [{ "id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator" }],
    });
    let asked = with(|state| {
        state.methods["registrationEnforcement"] = json!({ "authenticationMethodsRegistrationCampaign": campaign });
    });
    assert!(matches!(&rules(&asked)[1].2, Admits::Weaker(ways) if ways[0].contains("asked to set up")));
    let defaults = with(|state| state.security_defaults = true);
    assert!(matches!(&rules(&defaults)[1].2, Admits::Weaker(ways) if ways[0].contains("multifactor")));
}

#[test]
fn a_policy_that_is_kept_back_is_named_with_its_permission() {
    for (path, needs) in [
        ("/v1.0/policies/authenticationMethodsPolicy", "Policy.Read.AuthenticationMethod"),
        ("/v1.0/identity/conditionalAccess", "Policy.Read.ConditionalAccess"),
        ("/v1.0/policies/identity", "Policy.Read.All"),
    ] {
        let visit = with(|state| state.refused = vec![path]);
        let told = visit.directory.capabilities().policies.unwrap().of_group(ADMINS).unwrap();
        assert!(matches!(&told.untold[..], [one] if one.needs == needs), "{path}: {:?}", told.untold);
    }
    let visit = with(|state| state.ids_alone = true);
    let members = visit.members(ADMINS).0;
    assert!(members.found.is_empty() && members.untold[0].needs.contains("User.ReadBasic.All"), "{members:?}");
    let visit = with(|state| state.refused = vec!["/v1.0/groups"]);
    assert!(visit.members(ADMINS).0.untold[0].needs.contains("GroupMember.Read.All"));
}

#[test]
fn an_application_is_guarded_by_what_is_for_everybody() {
    let applications = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        visit.directory.capabilities().applications.unwrap().applications(None).unwrap().listing
    };
    let mut for_everybody = strength("Keys", "-");
    for_everybody["conditions"]["users"] =
        json!({ "includeUsers": ["All"], "includeGroups": [], "excludeUsers": ["b1"] });
    let mut but_mail = for_everybody.clone();
    but_mail["conditions"]["applications"]["excludeApplications"] = json!(["mail"]);
    let told = applications(&|state| state.access = vec![for_everybody.clone()]);
    let names: Vec<_> = told.found.iter().map(|one| (one.name.as_str(), one.legacy)).collect();
    assert_eq!(names, [("payroll", false), ("mail", true)], "somebody signed in to it by IMAP");
    assert_eq!(told.found[0].rules.found[0].admits, Admits::PhishingResistant);
    let told = applications(&|state| state.access = vec![but_mail.clone()]);
    assert_eq!((told.found[0].rules.found.len(), told.found[1].rules.found.len()), (1, 0));
    let told = applications(&|state| state.access = vec![strength("Some", ADMINS)]);
    assert!(matches!(&told.found[0].rules.found[0].admits, Admits::Weaker(_)), "others come in as they are");
    let told = applications(&|state| state.licensed = false);
    assert!(
        told.untold[0].what.contains("older protocols") && told.untold[0].needs.contains("P1"),
        "{:?}",
        told.untold
    );
    let told = applications(&|state| state.refused = vec!["/v1.0/servicePrincipals"]);
    assert_eq!(told.untold[0].needs, "Application.Read.All");
}

#[test]
fn sign_ins_that_came_to_one_are_read_as_far_back_as_they_are_kept() {
    let visit = Visit::<Tenant>::new();
    let log = visit.directory.capabilities().last_use.unwrap();
    let since = |days| time::OffsetDateTime::now_utc() - time::Duration::days(days);
    let seen = log.sign_ins(&visit.ada(), since(10)).unwrap();
    assert!(seen.is_whole() && seen.found.len() == 2 && seen.found[0].at < seen.found[1].at, "{seen:?}");
    assert!(!log.sign_ins(&visit.ada(), since(90)).unwrap().is_whole(), "a drill of 90 days ago cannot be shown by it");
    let visit = with(|state| state.licensed = false);
    let seen = visit.directory.capabilities().last_use.unwrap().sign_ins(&visit.ada(), since(10)).unwrap();
    assert!(seen.untold[0].needs.contains("P1"));
}

#[test]
fn the_default_method_goes_after_the_others() {
    let visit = with(|state| state.phones = vec!["alternateMobile", "mobile"]);
    let (ada, has) = (visit.ada(), visit.directory.capabilities());
    let mut phones = has.methods.unwrap().methods(&ada).unwrap().found;
    phones.retain(|one| one.kind == "phone");
    phones.sort_by_key(|one| one.turn);
    let names: Vec<_> = phones.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["phone (alternateMobile)", "phone (mobile)"]);
    let remove = |at: usize| has.removal.unwrap().remove(&ada, &phones[at]).unwrap();
    assert!(matches!(remove(1), Removed::IsDefault { why } if why.contains("default")));
    assert_eq!(
        (remove(0), remove(0), remove(1), remove(1)),
        (Removed::Gone, Removed::Gone, Removed::Gone, Removed::Gone)
    );
}

#[test]
fn a_pass_that_the_policy_does_not_take_says_so() {
    let visit = with(|state| state.pass_usable = false);
    let pass = visit.directory.capabilities().pass.unwrap().issue(&visit.ada(), hour()).unwrap();
    assert_eq!(pass.usable, Usable::No { why: "DisabledByPolicy".into() });
}

#[test]
fn an_account_that_the_app_may_not_disable_says_what_it_lacks() {
    let visit = Visit::<Tenant>::new();
    let ada = visit.ada();
    visit.idp.state.lock().unwrap().refused = vec!["/v1.0/users"];
    let error = visit.directory.capabilities().suspension.unwrap().suspend(&ada).unwrap_err();
    let words = error.to_string();
    assert!(words.contains("User.EnableDisableAccount.All") && words.contains("privileged role"), "{words}");
}

#[test]
fn last_use_is_told_as_far_as_the_licence_and_the_field_go() {
    let used = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        visit.directory.capabilities().last_use.unwrap().last_use(&visit.ada()).unwrap()
    };
    let told = used(&|state| state.licensed = false);
    assert!(matches!(&told.account, Told::CannotTell(untold) if untold.needs.contains("P1")), "{told:?}");
    assert_eq!(told.keys.found.len(), 1);
    let told = used(&|state| state.used = None);
    assert!(told.keys.found.is_empty() && told.keys.untold.len() == 1, "no time is not never: {told:?}");
}

#[test]
fn a_passkey_is_as_sure_as_its_attestation() {
    let passkey = |key: serde_json::Value| {
        let visit = with(|state| state.key = key);
        let told = visit.directory.capabilities().passkeys.unwrap().passkeys(&visit.ada()).unwrap();
        (told.found[0].binding, told.found[0].told_by, told.found[0].aaguid.is_some())
    };
    let told =
        |level: &str, kind: &str| passkey(json!({ "aaGuid": MODEL, "attestationLevel": level, "passkeyType": kind }));
    assert_eq!(told("attested", "deviceBound"), (Binding::DeviceBound, ToldBy::Attestation, true));
    assert_eq!(told("notAttested", "deviceBound"), (Binding::DeviceBound, ToldBy::IdpType, true));
    assert_eq!(told("notAttested", "synced"), (Binding::Synced, ToldBy::IdpType, true));
    let zero = json!({ "aaGuid": "00000000-0000-0000-0000-000000000000", "passkeyType": "unknownFutureValue" });
    assert_eq!(passkey(zero), (Binding::CannotTell, ToldBy::Nobody, false));
}

#[test]
fn rights_are_those_that_the_token_names() {
    let rights = |granted: Option<(Vec<&'static str>, Vec<&'static str>)>| {
        let visit = with(|state| state.granted = granted);
        let rights = visit.directory.capabilities().rights.unwrap();
        (rights.rights().unwrap(), rights.over_administrators().unwrap())
    };
    let (some, over) = rights(Some((
        vec!["UserAuthMethod-Passkey.ReadWrite.All", "User.Read.All", "User.RevokeSessions.All", "Mail.ReadWrite"],
        vec!["7be44c8a-adaf-4e2a-84d6-ab2649e08a13"],
    )));
    assert_eq!(some.readiness(Capability::Registration), Readiness::Ready);
    assert_eq!(some.readiness(Capability::Sessions), Readiness::Ready);
    assert!(matches!(some.readiness(Capability::Removal), Readiness::Lacks(_)));
    assert_eq!((some.beyond, over), (Told::Known(vec!["Mail.ReadWrite".into()]), Told::Known(true)));
    let each = vec![
        "UserAuthMethod-Phone.ReadWrite.All",
        "UserAuthMethod-Email.ReadWrite.All",
        "UserAuthMethod-SoftwareOATH.ReadWrite.All",
        "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All",
        "UserAuthMethod-External.ReadWrite.All",
    ];
    let (by_kind, over) = rights(Some((each, Vec::new())));
    assert_eq!((by_kind.readiness(Capability::Removal), over), (Readiness::Ready, Told::Known(false)));
    let (opaque, over) = rights(None);
    assert!(Capability::ALL.iter().all(|one| matches!(opaque.readiness(*one), Readiness::CannotTell(_))));
    assert!(matches!(over, Told::CannotTell(_)));
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
fn its_own_what_if_is_asked_and_what_it_keeps_back_is_named() {
    let told = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        let ada = visit.ada();
        visit.directory.capabilities().what_if.unwrap().what_if(&ada).unwrap()
    };
    let strict = told(&|_| {});
    assert_eq!(strict.found[0].admits(RuleOrder::Every), Admits::PhishingResistant);
    let not_about_her = told(&|state| state.evaluates_to_users = true);
    assert!(matches!(not_about_her.found[0].admits(RuleOrder::Every), Admits::Weaker(_)), "{not_about_her:?}");
    let prepared = told(&|state| state.access[0]["state"] = json!("enabledForReportingButNotEnforced"));
    assert!(prepared.found[0].prepared.known().is_none(), "Entra did not say: {prepared:?}");
    let refused = told(&|state| state.refused = vec!["/v1.0/identity/conditionalAccess/evaluate"]);
    assert!(refused.found.is_empty() && refused.untold[0].needs == "Policy.Read.ConditionalAccess", "{refused:?}");
}

#[test]
fn an_inventory_asks_five_times_for_each_person_and_goes_on_where_it_ended() {
    let is_list = |path: &str| {
        ["/groups", "/roleManagement", "/identityGovernance", "/oauth2"].iter().any(|part| path.contains(part))
    };
    let costs = Costs {
        name: "Entra ID",
        per_person: 5,
        group: "Admins",
        pace: Some(Pace {
            requests: 3500,
            per: Duration::from_secs(10),
            source: "Graph's limits of identity and access; those of authentication methods are not documented",
        }),
    };
    scale::an_inventory_costs::<Tenant>(&costs, is_list, |tenant, people| {
        tenant.state.lock().unwrap().logins = (0..people).map(|number| format!("user{number}")).collect();
    });
}
