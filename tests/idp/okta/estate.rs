//! An Okta org around the keys: each capability against Okta's own description, each refusal by its permission, each writing request
//! gone wrong in every way.

use std::path::Path;
use std::time::Duration;

use keywright::idp::capability::{
    About, Admits, Binding, Capability, Readiness, Removed, Rule, RuleOrder, RuleState, Standing, Told, ToldBy,
    WantedPass,
};
use keywright::idp::http::Limits;
use keywright::idp::okta::{Access, Okta, Settings};
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use secrecy::ExposeSecret as _;

use super::org::{ADMINS, Org, State, TOKEN};
use crate::estates::{self, Estate, Visit, Writing};
use crate::fake_idp::FakeIdp;
use crate::played::keep;
use crate::scale::{self, Costs, Pace};

impl Estate for Org {
    const DESCRIPTION: Option<&'static str> = Some(super::DESCRIPTION);
    const WRITINGS: &'static [Writing<Self>] = &[
        Writing {
            method: "DELETE",
            path: "/api/v1/users/*/factors/*",
            before: |_| {},
            write: |has, user| estates::remove(has, user, "sms"),
            is_done: |org| {
                let state = org.state.lock().unwrap();
                !state.phone && !state.recovery_phone
            },
        },
        Writing {
            method: "POST",
            path: "/api/v1/users/*/lifecycle/suspend",
            before: |_| {},
            write: |has, user| has.suspension.unwrap().suspend(user),
            is_done: |org| status(org) == "SUSPENDED",
        },
        Writing {
            method: "POST",
            path: "/api/v1/users/*/lifecycle/unsuspend",
            before: |org| org.state.lock().unwrap().people[0].1 = "SUSPENDED",
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |org| status(org) == "ACTIVE",
        },
        Writing {
            method: "POST",
            path: "/api/v1/users/*/lifecycle/unlock",
            before: |org| org.state.lock().unwrap().people[0].1 = "LOCKED_OUT",
            write: |has, user| has.suspension.unwrap().restore(user),
            is_done: |org| status(org) == "ACTIVE",
        },
        Writing {
            method: "DELETE",
            path: "/api/v1/users/*/sessions",
            before: |_| {},
            write: |has, user| has.sessions.unwrap().end(user),
            is_done: |org| org.state.lock().unwrap().sessions == 0,
        },
        Writing {
            method: "POST",
            path: "/api/v1/users/*/authenticator-enrollments/tac",
            before: |_| {},
            write: |has, user| has.pass.unwrap().issue(user, hour()).map(drop),
            is_done: |org| !org.state.lock().unwrap().codes.is_empty(),
        },
        Writing {
            method: "DELETE",
            path: "/api/v1/users/*/authenticator-enrollments/*",
            before: |org| org.state.lock().unwrap().codes = vec!["tac1".into()],
            write: |has, user| has.pass.unwrap().withdraw(user, "tac1"),
            is_done: |org| org.state.lock().unwrap().codes.is_empty(),
        },
    ];

    fn start() -> Self {
        Org::start()
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        keep(folder, "token", TOKEN);
        // Long enough for Prism on a busy machine, and for an answer that never comes.
        let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(6) };
        let connection =
            ConnectionConfig { name: "acme".into(), folder: folder.to_owned(), limits, ..ConnectionConfig::default() };
        let access = Access::Token("file:token".parse().unwrap());
        let origin = Some("https://login.example.org".parse().unwrap());
        Box::new(Okta::open(&connection, &Settings { url: url.parse().unwrap(), access, origin }).unwrap())
    }
}

fn status(org: &Org) -> &'static str {
    org.state.lock().unwrap().people[0].1
}

fn hour() -> WantedPass {
    WantedPass { lifetime: Duration::from_secs(3600), once: true }
}

fn with(change: impl FnOnce(&mut State)) -> Visit<Org> {
    let visit = Visit::<Org>::new();
    change(&mut visit.idp.state.lock().unwrap());
    visit
}

fn said(rules: &[Rule]) -> Vec<(About, &str, RuleState, bool)> {
    rules
        .iter()
        .map(|rule| (rule.about, rule.policy.as_str(), rule.state, rule.admits == Admits::PhishingResistant))
        .collect()
}

#[test]
fn okta_describes_every_request_around_the_keys() {
    let Some((visit, _prism, front)) = Visit::<Org>::described() else { return };
    let has = visit.directory.capabilities();
    let ada = visit.ada();
    let (members, pages) = visit.members("Admins");
    assert!(members.is_whole() && members.found.len() == 205 && pages == 2, "{pages}");
    let (admins, _) = visit.admins();
    assert!(admins.is_whole(), "{:?}", admins.untold);
    assert_eq!(has.people.unwrap().roles(&ada).unwrap().found.len(), 2);
    assert!(has.policies.unwrap().of_group(ADMINS).unwrap().is_whole());
    let evaluation = has.what_if.unwrap().what_if(&ada).unwrap();
    assert!(evaluation.is_whole() && evaluation.found.len() == 2, "one for each policy: {evaluation:?}");
    let suspension = has.suspension.unwrap();
    suspension.suspend(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Suspended);
    suspension.restore(&ada).unwrap();
    has.sessions.unwrap().end(&ada).unwrap();
    let methods = has.methods.unwrap().methods(&ada).unwrap().found;
    let sms = methods.iter().find(|one| one.kind == "sms").unwrap();
    for _ in 0..2 {
        assert_eq!(has.removal.unwrap().remove(&ada, sms).unwrap(), Removed::Gone);
    }
    assert_eq!(visit.directory.other_methods(&ada).unwrap(), Vec::<String>::new(), "the recovery's enrolment too");
    let pass = has.pass.unwrap().issue(&ada, hour()).unwrap();
    assert_eq!((pass.secret.expose_secret(), pass.until.is_some()), ("73a1-9f", true));
    has.pass.unwrap().withdraw(&ada, &pass.id).unwrap();
    assert!(has.last_use.unwrap().last_use(&ada).unwrap().keys.is_whole());
    assert!(has.passkeys.unwrap().passkeys(&ada).unwrap().is_whole());
    let since = time::OffsetDateTime::now_utc() - time::Duration::days(10);
    assert_eq!(has.last_use.unwrap().sign_ins(&ada, since).unwrap().found.len(), 2);
    has.applications.unwrap().applications(None).unwrap();
    has.rights.unwrap().rights().unwrap();
    assert_eq!(front.seen().len(), visit.idp.idp.seen().len(), "Prism kept a request back");
}

#[test]
fn administrators_are_found_by_their_own_roles_and_by_groups() {
    let visit = Visit::<Org>::new();
    let (admins, _) = visit.admins();
    let own = admins.found.iter().filter(|one| one.through.is_none()).count();
    assert_eq!(own, 3, "Ada's own, and two who only read");
    let by_group: Vec<_> = admins.found.iter().filter(|one| one.through.as_deref() == Some("Admins")).collect();
    assert_eq!((by_group.len(), by_group[0].role.name.as_str()), (205, "Application Administrator"));
    let asked = visit.idp.idp.calls();
    let groups = asked.iter().filter(|call| call.ends_with("/roles") && call.contains("/groups/")).count();
    assert_eq!(groups, 1, "groups without a role are not asked for one: {asked:?}");

    let visit = with(|state| state.refused = vec!["/api/v1/groups"]);
    let (admins, _) = visit.admins();
    let [untold] = &admins.untold[..] else { panic!("{:?}", admins.untold) };
    assert!(untold.needs.contains("okta.groups.read") && !admins.found.is_empty(), "{untold}");
    assert!(visit.members(ADMINS).0.untold[0].needs.contains("okta.groups.read"));
}

#[test]
fn a_group_is_found_by_its_name_and_none_by_another_lists_page() {
    let visit = Visit::<Org>::new();
    let people = visit.directory.capabilities().people.unwrap();
    assert!(matches!(people.members("Nobody", None), Err(DirectoryError::NotFound { .. })));
    assert!(matches!(people.members("00gnone0000000000001", None), Err(DirectoryError::NotFound { .. })));
    let next = people.members(ADMINS, None).unwrap().next.unwrap();
    assert!(people.members(ADMINS, Some(&next)).is_ok());
    assert!(people.admins(Some(&next)).is_err(), "somebody else's cursor");
}

#[test]
fn what_nobody_of_the_group_gets_to_is_left_out() {
    use About::{Recovery, Registration, SignIn};
    let rules = |visit: &Visit<Org>, group: &str| {
        let told = visit.directory.capabilities().policies.unwrap().of_group(group).unwrap();
        assert!(told.is_whole(), "{:?}", told.untold);
        told.found
    };
    let visit = Visit::<Org>::new();
    let admins = rules(&visit, ADMINS);
    let expected = [
        (Registration, "Keys", RuleState::On, true),
        (SignIn, "Console, rule Admins", RuleState::On, true),
        (Recovery, "Account management, rule Recovery", RuleState::On, true),
    ];
    assert_eq!(said(&admins), expected, "the password's policy leaves it to the account's");
    let staff = rules(&visit, "Staff");
    let expected = [
        (Registration, "Default", RuleState::On, false),
        (SignIn, "Console, rule Catch-all", RuleState::On, false),
        (Recovery, "Account management, rule Recovery", RuleState::On, true),
        (Recovery, "Default, rule Default", RuleState::On, false),
    ];
    assert_eq!(said(&staff), expected);
    assert!(matches!(&staff[3].admits, Admits::Weaker(ways) if ways[0] == "password reset by sms"), "{:?}", staff[3]);
    // A condition more, and the catch-all is open to some of them.
    let visit = with(|state| state.rules[2].1["conditions"]["device"] = serde_json::json!({ "registered": true }));
    assert_eq!(said(&rules(&visit, ADMINS))[2], (SignIn, "Console, rule Catch-all", RuleState::On, false));
    // One that is switched off stops nobody.
    let visit = with(|state| state.rules[2].1["status"] = serde_json::json!("INACTIVE"));
    let states: Vec<_> = rules(&visit, ADMINS).iter().filter(|one| one.about == SignIn).map(|one| one.state).collect();
    assert_eq!(states, [RuleState::Off, RuleState::On]);
    let visit = with(|state| state.refused = vec!["/api/v1/policies"]);
    let told = visit.directory.capabilities().policies.unwrap().of_group(ADMINS).unwrap();
    assert!(told.found.is_empty() && told.untold.len() == 3, "{told:?}");
    assert!(told.untold.iter().all(|one| one.needs.contains("okta.policies.read")), "{told:?}");
}

#[test]
fn an_application_is_told_with_the_rules_that_guard_it() {
    let visit = Visit::<Org>::new();
    let reads = visit.directory.capabilities().applications.unwrap();
    let first = reads.applications(None).unwrap();
    let second = reads.applications(first.next.as_ref()).unwrap();
    let all: Vec<_> = first.listing.found.iter().chain(&second.listing.found).collect();
    let names: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.legacy, one.rules.found.len())).collect();
    assert_eq!(names, [("Console", false, 2), ("Vault", true, 1), ("Wiki", false, 1), ("Old", false, 0)]);
    assert!(!all[3].rules.is_whole(), "without a policy nobody can tell");
    let calls = visit.idp.idp.calls();
    let rules = calls.iter().filter(|call| call.ends_with("acp-account/rules")).count();
    assert_eq!(rules, 1, "one policy is read once: {calls:?}");
    let visit = with(|state| state.refused = vec!["/api/v1/apps"]);
    let page = visit.directory.capabilities().applications.unwrap().applications(None).unwrap();
    assert!(page.listing.untold[0].needs.contains("okta.apps.read"));
}

#[test]
fn sign_ins_are_read_as_far_back_as_the_log_goes() {
    let visit = Visit::<Org>::new();
    let log = visit.directory.capabilities().last_use.unwrap();
    let since = |days| time::OffsetDateTime::now_utc() - time::Duration::days(days);
    let seen = log.sign_ins(&visit.ada(), since(10)).unwrap();
    assert!(seen.is_whole() && seen.found[1].by.as_deref() == Some("FIDO_WEBAUTHN"), "{seen:?}");
    assert!(!log.sign_ins(&visit.ada(), since(200)).unwrap().is_whole());
}

#[test]
fn only_what_can_be_restored_is_suspended() {
    let visit = Visit::<Org>::new();
    let (ada, has) = (visit.ada(), visit.directory.capabilities());
    let suspension = has.suspension.unwrap();
    suspension.suspend(&ada).unwrap();
    suspension.suspend(&ada).unwrap();
    suspension.restore(&ada).unwrap();
    suspension.restore(&ada).unwrap();
    for (status, standing) in [
        ("DEPROVISIONED", Standing::Out("DEPROVISIONED".into())),
        ("LOCKED_OUT", Standing::Locked),
        ("PASSWORD_EXPIRED", Standing::Active),
    ] {
        visit.idp.state.lock().unwrap().people[0].1 = status;
        assert_eq!(suspension.standing(&ada).unwrap(), standing);
        assert!(suspension.suspend(&ada).is_err(), "{status} is not suspended");
        assert_eq!(suspension.restore(&ada).is_ok(), status != "DEPROVISIONED", "{status}");
    }
    assert!(matches!(suspension.registers_while_suspended(), Told::CannotTell(_)));
}

#[test]
fn an_org_without_codes_says_so() {
    let visit = with(|state| state.has_codes = false);
    let error = visit.directory.capabilities().pass.unwrap().issue(&visit.ada(), hour()).unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("Temporary Access Code")), "{error}");
}

#[test]
fn a_key_that_nobody_saw_is_not_called_unused() {
    let used = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        visit.directory.capabilities().last_use.unwrap().last_use(&visit.ada()).unwrap()
    };
    let told = used(&|_| {});
    assert!(told.keys.is_whole() && told.keys.found[0].at.is_some() && told.account.known().unwrap().at.is_some());
    let logged = |state: &mut State| (state.verified, state.logged) = (None, Some("2026-04-22T10:15:30.000Z"));
    let told = used(&logged);
    assert_eq!(told.keys.found[0].at.unwrap().day(), 22);
    let told = used(&|state| state.verified = None);
    assert!(told.keys.found.is_empty() && told.keys.untold.len() == 1, "{told:?}");
    let told = used(&|state| (state.verified, state.refused) = (None, vec!["/api/v1/logs"]));
    assert!(told.keys.untold[0].needs.contains("okta.logs.read"), "{told:?}");
}

#[test]
fn a_passkey_is_synced_if_its_name_says_so_and_else_nobody_knows() {
    let passkey = |name: &'static str| {
        let visit = with(|state| state.key_name = name);
        let told = visit.directory.capabilities().passkeys.unwrap().passkeys(&visit.ada()).unwrap();
        (told.found[0].binding, told.found[0].told_by)
    };
    assert_eq!(passkey("YubiKey 5 Series with NFC"), (Binding::CannotTell, ToldBy::Nobody));
    assert_eq!(passkey("iCloud Keychain"), (Binding::Synced, ToldBy::Aaguid));
}

#[test]
fn rights_are_tried_where_they_only_read_and_follow_from_the_role_where_they_write() {
    let rights = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        let rights = visit.directory.capabilities().rights.unwrap();
        (rights.rights().unwrap(), rights.over_administrators().unwrap())
    };
    let (help_desk, over) = rights(&|_| {});
    assert_eq!(help_desk.readiness(Capability::People), Readiness::Ready);
    assert_eq!(help_desk.readiness(Capability::Removal), Readiness::Ready);
    assert!(matches!(help_desk.readiness(Capability::Suspension), Readiness::CannotTell(_)));
    assert_eq!(over, Told::Known(false));
    let (all, over) = rights(&|state| state.own_role = Some("SUPER_ADMIN"));
    assert!(Capability::ALL.iter().all(|one| all.readiness(*one) == Readiness::Ready), "{all:?}");
    assert_eq!(over, Told::Known(true));
    let (none, _) = rights(&|state| state.own_role = None);
    assert!(matches!(none.readiness(Capability::Suspension), Readiness::Lacks(_)));
    let (refused, over) = rights(&|state| state.refused = vec!["/api/v1/logs", "/api/v1/users/0"]);
    assert!(
        matches!(refused.readiness(Capability::LastUse), Readiness::Lacks(names) if names[0].contains("okta.logs.read"))
    );
    assert!(matches!(refused.readiness(Capability::Pass), Readiness::CannotTell(_)));
    assert!(matches!(over, Told::CannotTell(_)));
}

#[test]
fn one_person_costs_a_bounded_number_of_requests() {
    assert_eq!(estates::asked_for_one_person::<Org>("ada"), 7);
}

#[test]
fn one_writing_request_goes_wrong_once_and_the_next_try_ends_it() {
    estates::one_fault::<Org>();
}

#[test]
fn policy_simulation_is_asked_once_for_each_policy_and_may_be_turned_off() {
    let told = |change: &dyn Fn(&mut State)| {
        let visit = Visit::<Org>::new();
        change(&mut visit.idp.state.lock().unwrap());
        let ada = visit.ada();
        visit.directory.capabilities().what_if.unwrap().what_if(&ada).unwrap()
    };
    let strict = told(&|_| {});
    assert!(strict.found.iter().all(|one| one.admits(RuleOrder::First) == Admits::PhishingResistant), "{strict:?}");
    assert!(strict.found.iter().all(|one| one.prepared.known().is_none()));
    let open = told(&|state| state.simulates_catch_all = true);
    assert!(matches!(open.found[0].admits(RuleOrder::First), Admits::Weaker(_)), "{open:?}");
    let off = told(&|state| state.simulates = false);
    assert!(off.found.is_empty() && off.untold[0].needs.contains("turns on"), "{off:?}");
}

#[test]
fn an_inventory_asks_seven_times_for_each_person_and_goes_on_where_it_ended() {
    let is_list = |path: &str| {
        let is_whole = path.ends_with("/users") || path.ends_with("/roles");
        is_whole || path.contains("/groups") || path.contains("/iam/")
    };
    let costs = Costs {
        name: "Okta",
        per_person: 7,
        group: "Everyone",
        pace: Some(Pace {
            requests: 300,
            per: Duration::from_secs(60),
            source: "its management rate limits: 600 to an endpoint, half of them for one token",
        }),
    };
    scale::an_inventory_costs::<Org>(&costs, is_list, |org, people| {
        let people = (0..people).map(|number| (format!("user{number}"), "ACTIVE"));
        org.state.lock().unwrap().people = people.collect();
    });
}
