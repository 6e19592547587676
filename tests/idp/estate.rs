//! The practice IdP around the keys: every capability, and each of its writing requests gone wrong in every way.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use keywright::idp::capability::{
    Admits, Binding, Capability, Hold, Readiness, Removed, RuleOrder, RuleState, Standing, Told, Usable, WantedPass,
    weaker_ways,
};
use keywright::idp::embedded::Embedded;
use keywright::idp::http::Limits;
use keywright::idp::{Directory, DirectoryError, User};
use keywright_attest::Anchors;
use keywright_fido::webauthn::Aaguid;
use keywright_practice::idp_server::wire::{self, estate};
use keywright_practice::idp_server::{EmbeddedServer, Settings};
use keywright_test_support::fault_proxy::{self, Fault, FaultProxy, Which};
use keywright_test_support::workshop::each;
use secrecy::ExposeSecret;

use crate::fake_idp::{self, FakeIdp};
use crate::scale::{self, Costs};
use crate::software_signer::Signer;

const TOKEN: &str = "correct-horse-battery";

fn server() -> EmbeddedServer {
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    EmbeddedServer::start(loopback, None, TOKEN.into(), Settings::new(Arc::new(Anchors::none()))).unwrap()
}

fn client(url: &str) -> Embedded {
    let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(4) };
    Embedded::with_limits("rehearsal", url, TOKEN.into(), limits).unwrap()
}

fn account(idp: &Embedded, login: &str) -> User {
    let other_methods = vec!["sms".into(), "password".into()];
    let new = wire::NewUser { login: login.into(), display_name: login.into(), active: true, other_methods };
    idp.create_user(&new).unwrap()
}

fn enrolled(idp: &Embedded, user: &User) -> Signer {
    let signer = Signer::new();
    let ceremony = idp.begin(user).unwrap();
    let made = signer.register(&ceremony.options.challenge, &ceremony.origin, &ceremony.options.rp.id);
    idp.complete(&ceremony, &made, "key").unwrap();
    signer
}

fn signs_in(idp: &Embedded, user: &User, signer: &mut Signer) -> Result<(), DirectoryError> {
    let door = idp.sign_in().unwrap();
    let ceremony = door.begin(user)?;
    let options = &ceremony.options;
    door.finish(user, &ceremony, &signer.sign_in(&options.challenge, &ceremony.origin, &options.rp_id))
}

fn by(method: &str, pass: Option<&str>) -> estate::OtherSignIn {
    estate::OtherSignIn { method: method.into(), pass: pass.map(str::to_owned) }
}

#[test]
fn groups_and_roles_are_walked_page_by_page() {
    let server = server();
    let idp = client(&server.url());
    let people: Vec<User> = (0..103).map(|number| account(&idp, &format!("user{number:03}"))).collect();
    for user in &people {
        idp.set_member("staff", user, true).unwrap();
        idp.set_role(user, "helpdesk", Some(estate::Hold::Active)).unwrap();
    }
    idp.set_role(&people[7], "owner", Some(estate::Hold::Eligible)).unwrap();
    let reads = idp.capabilities().people.unwrap();
    let first = reads.members("staff", None).unwrap();
    let second = reads.members("staff", first.next.as_ref()).unwrap();
    let logins: Vec<_> =
        first.listing.found.iter().chain(&second.listing.found).map(|person| person.user.login.clone()).collect();
    assert_eq!((first.listing.found.len(), second.next), (100, None));
    assert_eq!(logins, people.iter().map(|user| user.login.clone()).collect::<Vec<_>>());
    let (mut after, mut holders) = (None, Vec::new());
    loop {
        let page = reads.admins(after.as_ref()).unwrap();
        holders.extend(page.listing.found);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(holders.len(), 104);
    let roles = reads.roles(&people[7]).unwrap().found;
    let roles: Vec<_> = roles.iter().map(|one| (one.role.name.as_str(), one.hold)).collect();
    assert_eq!(roles, [("helpdesk", Hold::Active), ("owner", Hold::Eligible)]);
    idp.set_role(&people[7], "owner", None).unwrap();
    assert_eq!(reads.roles(&people[7]).unwrap().found.len(), 1);
}

#[test]
fn a_policy_shuts_the_weak_ways_and_the_key_still_opens() {
    let server = server();
    let idp = client(&server.url());
    let ada = account(&idp, "ada");
    let mut key = enrolled(&idp, &ada);
    idp.set_member("admins", &ada, true).unwrap();
    idp.sign_in_otherwise(&ada, &by("sms", None)).unwrap();
    assert!(idp.sign_in_otherwise(&ada, &by("push", None)).is_err(), "she has none");
    let policy = |enforced| estate::Policy { group: Some("admins".into()), enforced, admits: Vec::new() };
    idp.set_policy("keys only", Some(&policy(false))).unwrap();
    idp.sign_in_otherwise(&ada, &by("sms", None)).unwrap();
    let evaluations = idp.capabilities().what_if.unwrap().what_if(&ada).unwrap().found;
    assert!(matches!(evaluations[0].admits(RuleOrder::Every), Admits::Weaker(_)), "{evaluations:?}");
    assert!(evaluations[0].prepared.known().is_some_and(|rules| rules.len() == 1));
    let rules = || idp.capabilities().policies.unwrap().of_group("admins").unwrap().found;
    assert_eq!(rules()[0].state, RuleState::ReportOnly);
    idp.set_policy("keys only", Some(&policy(true))).unwrap();
    assert_eq!((rules()[0].state, &rules()[0].admits), (RuleState::On, &Admits::PhishingResistant));
    let evaluation = idp.capabilities().what_if.unwrap().what_if(&ada).unwrap();
    assert_eq!(evaluation.found[0].admits(RuleOrder::Every), Admits::PhishingResistant, "{evaluation:?}");
    let error = idp.sign_in_otherwise(&ada, &by("sms", None)).unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("keys only")), "{error}");
    signs_in(&idp, &ada, &mut key).unwrap();
    let last = idp.capabilities().last_use.unwrap().last_use(&ada).unwrap();
    assert!(matches!(last.account, Told::Known(seen) if seen.at.is_some()) && last.keys.found[0].at.is_some());

    let sms = idp.capabilities().methods.unwrap().methods(&ada).unwrap();
    assert_eq!(weaker_ways(&sms), ["sms", "password"]);
    let sms = sms.found.into_iter().find(|method| method.kind == "sms").unwrap();
    let removal = idp.capabilities().removal.unwrap();
    assert_eq!(removal.remove(&ada, &sms).unwrap(), Removed::Gone);
    assert_eq!(removal.remove(&ada, &sms).unwrap(), Removed::Gone);
    assert_eq!(idp.other_methods(&ada).unwrap(), ["password"]);
    let passkeys = idp.capabilities().passkeys.unwrap().passkeys(&ada).unwrap();
    assert_eq!(passkeys.found[0].binding, Binding::DeviceBound, "it said that it cannot be copied");
}

#[test]
fn a_lost_key_is_replaced_while_the_account_is_suspended() {
    let server = server();
    let idp = client(&server.url());
    let ada = account(&idp, "ada");
    let mut lost = enrolled(&idp, &ada);
    signs_in(&idp, &ada, &mut lost).unwrap();
    let has = idp.capabilities();
    let (suspension, sessions) = (has.suspension.unwrap(), has.sessions.unwrap());
    suspension.suspend(&ada).unwrap();
    suspension.suspend(&ada).unwrap();
    sessions.end(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Suspended);
    assert!(!idp.find_user("ada").unwrap().active);
    assert_eq!(idp.sessions(&ada).unwrap().sessions, []);
    assert!(signs_in(&idp, &ada, &mut lost).is_err() && idp.sign_in_otherwise(&ada, &by("sms", None)).is_err());
    assert_eq!(suspension.registers_while_suspended(), Told::Known(true));
    let mut new = enrolled(&idp, &ada);
    let listed = idp.list(&ada).unwrap();
    idp.revoke(&ada, &listed[0]).unwrap();
    suspension.restore(&ada).unwrap();
    suspension.restore(&ada).unwrap();
    assert_eq!(suspension.standing(&ada).unwrap(), Standing::Active);
    assert!(signs_in(&idp, &ada, &mut lost).is_err());
    signs_in(&idp, &ada, &mut new).unwrap();
}

#[test]
fn a_pass_opens_once_and_is_a_weak_way_while_it_is_good() {
    let server = server();
    let idp = client(&server.url());
    let ada = account(&idp, "ada");
    let passes = idp.capabilities().pass.unwrap();
    let wanted = |seconds| WantedPass { lifetime: Duration::from_secs(seconds), once: true };
    assert!(passes.issue(&ada, wanted(1)).is_err(), "too short");
    let first = passes.issue(&ada, wanted(3600)).unwrap();
    let second = passes.issue(&ada, wanted(3600)).unwrap();
    let typed = |pass: &str| idp.sign_in_otherwise(&ada, &by("temporary-pass", Some(pass)));
    assert!(typed(first.secret.expose_secret()).is_err(), "a new one takes its place");
    assert!(idp.other_methods(&ada).unwrap().contains(&"temporary-pass".to_owned()));
    typed(second.secret.expose_secret()).unwrap();
    assert!(typed(second.secret.expose_secret()).is_err(), "once");
    let methods = idp.capabilities().methods.unwrap().methods(&ada).unwrap();
    let used = methods.found.iter().find(|one| one.kind == "temporary-pass").unwrap();
    assert!(matches!(used.usable, Usable::No { .. }) && !used.is_weak());
    passes.withdraw(&ada, &second.id).unwrap();
    passes.withdraw(&ada, &second.id).unwrap();
    assert_eq!(idp.other_methods(&ada).unwrap(), ["sms", "password"]);
    let rights = idp.capabilities().rights.unwrap().rights().unwrap();
    assert!(Capability::ALL.iter().all(|one| rights.readiness(*one) == Readiness::Ready));
}

#[test]
fn a_model_that_is_shut_out_is_told_and_opens_nothing() {
    let server = server();
    let idp = client(&server.url());
    let ada = account(&idp, "ada");
    let mut key = enrolled(&idp, &ada);
    let model = idp.capabilities().passkeys.unwrap().passkeys(&ada).unwrap().found[0].aaguid;
    let models = BTreeSet::from([model.unwrap_or(Aaguid::ZERO)]);
    let shut = || idp.capabilities().models.unwrap().shut_out(&models).unwrap().found;
    assert_eq!(shut(), []);
    for model in &models {
        idp.set_model_shut(*model, true).unwrap();
    }
    assert!(shut()[0].at_sign_in);
    let error = signs_in(&idp, &ada, &mut key).unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("shut models")), "{error}");
    for model in &models {
        idp.set_model_shut(*model, false).unwrap();
    }
    signs_in(&idp, &ada, &mut key).unwrap();
}

#[test]
fn applications_and_the_report_are_walked_page_by_page() {
    let server = server();
    let idp = client(&server.url());
    let policy = estate::Policy { group: None, enforced: true, admits: Vec::new() };
    idp.set_policy("keys only", Some(&policy)).unwrap();
    for number in 0..101 {
        account(&idp, &format!("user{number:03}"));
        let policies = vec!["keys only".into(), "no such policy".into()];
        let application = estate::Application { name: format!("App {number}"), legacy: false, policies };
        idp.set_application(&format!("app{number:03}"), Some(&application)).unwrap();
    }
    let reads = idp.capabilities().applications.unwrap();
    let first = reads.applications(None).unwrap();
    let second = reads.applications(first.next.as_ref()).unwrap();
    assert_eq!((first.listing.found.len(), second.listing.found.len(), second.next), (100, 1, None));
    assert_eq!(second.listing.found[0].rules.found.len(), 1);
    idp.set_application("app100", None).unwrap();
    assert_eq!(reads.applications(first.next.as_ref()).unwrap().listing.found, []);

    let methods = idp.capabilities().methods.unwrap();
    let Told::Known(first) = methods.report(None).unwrap().unwrap() else { panic!("it is kept back") };
    let Told::Known(second) = methods.report(first.next.as_ref()).unwrap().unwrap() else { panic!("it is kept back") };
    assert_eq!((first.listing.found.len(), second.listing.found.len(), second.next), (100, 1, None));
    let kinds: Vec<_> = second.listing.found[0].methods.found.iter().map(|method| method.kind.clone()).collect();
    assert_eq!(kinds, ["sms", "password"]);
}

/// A writing request, what it is sent by, and whether it was done.
type Writing =
    (&'static str, &'static str, fn(&Embedded, &User) -> Result<(), DirectoryError>, fn(&Embedded, &User) -> bool);

const WRITINGS: [Writing; 5] = [
    (
        "DELETE",
        "/v1/users/*/methods/*",
        |idp, user| {
            let methods = idp.capabilities().methods.unwrap().methods(user)?;
            let Some(sms) = methods.found.iter().find(|method| method.kind == "sms") else { return Ok(()) };
            idp.capabilities().removal.unwrap().remove(user, sms).map(drop)
        },
        |idp, user| idp.other_methods(user).unwrap() == ["password"],
    ),
    (
        "PUT",
        "/v1/users/*/suspension",
        |idp, user| idp.capabilities().suspension.unwrap().suspend(user),
        |idp, user| idp.capabilities().suspension.unwrap().standing(user).unwrap() == Standing::Suspended,
    ),
    (
        "DELETE",
        "/v1/users/*/suspension",
        |idp, user| idp.capabilities().suspension.unwrap().restore(user),
        |idp, user| idp.capabilities().suspension.unwrap().standing(user).unwrap() == Standing::Active,
    ),
    (
        "DELETE",
        "/v1/users/*/sessions",
        |idp, user| idp.capabilities().sessions.unwrap().end(user),
        |idp, user| idp.sessions(user).unwrap().sessions.is_empty(),
    ),
    (
        "POST",
        "/v1/users/*/passes",
        |idp, user| {
            let wanted = WantedPass { lifetime: Duration::from_secs(600), once: false };
            idp.capabilities().pass.unwrap().issue(user, wanted).map(drop)
        },
        |idp, user| idp.other_methods(user).unwrap().contains(&"temporary-pass".to_owned()),
    ),
];

/// Each goes wrong once, in every way, and is never called done where it is not; asked again, it is done.
#[test]
fn one_writing_request_goes_wrong_once_and_the_next_try_ends_it() {
    let faults = |writing| fault_proxy::table().into_iter().map(move |(fault, _)| (writing, fault));
    each(WRITINGS.iter().flat_map(faults), |(&(method, path, write, is_done), fault)| {
        let case = format!("{method} {path} {fault:?}");
        let server = server();
        let proxy = FaultProxy::start(&server.url());
        let (direct, idp) = (client(&server.url()), client(&proxy.url()));
        let user = account(&direct, "ada");
        direct.sign_in_otherwise(&user, &by("sms", None)).unwrap();
        if (method, path) == ("DELETE", "/v1/users/*/suspension") {
            direct.capabilities().suspension.unwrap().suspend(&user).unwrap();
        }
        assert!(!is_done(&direct, &user), "{case}: there is something to do");
        let gone = fault == Fault::GoneAfter;
        proxy.once(Which::request(method, path), fault);
        let first = write(&idp, &user);
        assert!(first.is_err() || is_done(&direct, &user), "{case}: it is called done");
        assert!(gone || proxy.faults() == 1, "{case}: it did not go wrong");
        proxy.clear();
        proxy.settle();
        write(&idp, &user).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(is_done(&direct, &user), "{case}");
    });
}

#[test]
fn an_inventory_asks_five_times_for_each_person_and_goes_on_where_it_ended() {
    let server = server();
    let idp = client(&server.url());
    for number in 0..scale::people() {
        idp.set_member("staff", &account(&idp, &format!("user{number}")), true).unwrap();
    }
    let own = server.url();
    let front = FakeIdp::start(move |request| fake_idp::forward(&own, request));
    let is_list = |path: &str| {
        path.contains("/groups")
            || path.contains("/method-report")
            || path.contains("/role-holders")
            || path == "/v1/check"
    };
    let costs = Costs { name: "practice IdP", per_person: 5, group: "staff", pace: None };
    scale::holds(&costs, &client(&front.url()), &front, is_list);
}
