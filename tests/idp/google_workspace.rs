//! A Google Workspace that is read by its Admin SDK: keys are counted, weaker ways are told, nothing is ever changed.

mod domain;

use std::path::Path;
use std::time::Duration;

use data_encoding::BASE64;
use keywright::idp::capability::{Capability, Readiness, Told, Untold, WhyUntold, weaker_ways};
use keywright::idp::google_workspace::{GoogleWorkspace, Settings};
use keywright::idp::http::Limits;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use serde_json::json;

use crate::estates::{self, Estate, Visit, Writing};
use crate::fake_idp::FakeIdp;
use crate::played::keep;
use crate::scale::{self, Costs, Pace};
use domain::{Domain, State};

impl Estate for Domain {
    const DESCRIPTION: Option<&'static str> =
        Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/idp/google_workspace/description.yaml"));
    /// It changes nothing.
    const WRITINGS: &'static [Writing<Self>] = &[];

    fn start() -> Self {
        Domain::start()
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        let pem = BASE64.encode(rcgen::KeyPair::generate().unwrap().serialized_der());
        let key = json!({
            "type": "service_account", "client_email": "keywright@project.iam.gserviceaccount.com", "private_key_id": "k1",
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n"),
        });
        keep(folder, "google.json", &key.to_string());
        let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(20) };
        let connection = ConnectionConfig {
            name: "google".into(),
            folder: folder.to_owned(),
            limits,
            ..ConnectionConfig::default()
        };
        let settings = Settings {
            service_account: Some(("file:google.json".parse().unwrap(), "admin@example.org".into())),
            api: url.parse().unwrap(),
            auth: url.parse().unwrap(),
        };
        Box::new(GoogleWorkspace::open(&connection, &settings).unwrap())
    }
}

fn with(change: impl FnOnce(&mut State)) -> Visit<Domain> {
    let visit = Visit::<Domain>::new();
    change(&mut visit.idp.state.lock().unwrap());
    visit
}

fn untold(list: &[Untold], what: &str) -> Untold {
    list.iter().find(|one| one.what.contains(what)).unwrap_or_else(|| panic!("{what}: {list:?}")).clone()
}

#[test]
fn google_describes_every_request_and_none_changes_anything() {
    let Some((visit, _prism, front)) = Visit::<Domain>::described() else { return };
    let has = visit.directory.capabilities();
    assert!(visit.directory.registration().by_hand().is_some());
    let ada = visit.directory.find_user("ada@example.org").unwrap();
    assert!(has.methods.unwrap().methods(&ada).unwrap().found.len() > 2);
    has.methods.unwrap().report(None).unwrap().unwrap();
    let (members, pages) = visit.members("admins@example.org");
    assert!(members.is_whole() && (members.found.len(), pages) == (3, 2), "{members:?}");
    visit.admins();
    has.people.unwrap().roles(&ada).unwrap();
    has.last_use.unwrap().last_use(&ada).unwrap();
    has.last_use.unwrap().sign_ins(&ada, time::OffsetDateTime::now_utc() - time::Duration::days(1)).unwrap();
    has.rights.unwrap().rights().unwrap();
    visit.directory.preflight().unwrap();
    let seen = front.seen();
    assert_eq!(seen.len(), visit.idp.idp.seen().len(), "Prism kept a request back");
    assert!(seen.iter().all(|(request, _)| !request.writes() || request.path == "/token"));
}

#[test]
fn keys_are_counted_and_what_else_opens_the_door_is_named() {
    let visit = Visit::<Domain>::new();
    let ada = visit.directory.find_user("ada@example.org").unwrap();
    assert_eq!((ada.id.as_str(), ada.active), ("ada@example.org", true), "the login stays the id");
    let methods = visit.directory.capabilities().methods.unwrap().methods(&ada).unwrap();
    let keys = methods.found.iter().filter(|one| matches!(one.kind.as_str(), "security-key" | "passkey")).count();
    assert_eq!(keys, 3, "two keys and a passkey");
    let weak = weaker_ways(&methods);
    assert_eq!(&weak[..3], ["recovery phone", "app password (Mail)", "backup codes"]);
    assert!(matches!(untold(&methods.untold, "how many keys").why, WhyUntold::Lags(Some(_))));
    assert_eq!(untold(&methods.untold, "second steps").why, WhyUntold::NotOffered);
    let bob = visit.directory.find_user("bob@example.org").unwrap();
    let methods = visit.directory.capabilities().methods.unwrap().methods(&bob).unwrap();
    assert!(weaker_ways(&methods).contains(&"password alone".to_owned()));
}

#[test]
fn a_day_without_a_report_is_not_a_day_without_keys() {
    let report = |change: &dyn Fn(&mut State)| {
        let visit = with(change);
        visit.directory.capabilities().methods.unwrap().report(None).unwrap().unwrap()
    };
    let Told::Known(page) = report(&|state| state.report_days = 5) else { panic!("an older one will do") };
    assert_eq!(page.listing.found.len(), 2);
    assert!(page.next.is_some());
    assert!(page.listing.found.iter().all(|one| !one.methods.is_whole()));
    assert!(matches!(report(&|state| state.report_days = 100), Told::CannotTell(_)), "no report is no clean one");
    let Told::CannotTell(untold) = report(&|state| state.denied = vec!["admin.reports.usage.readonly"]) else {
        panic!("it is not delegated")
    };
    assert!(untold.needs.contains("admin.reports.usage.readonly"), "{untold}");
}

#[test]
fn administrators_are_found_by_their_own_roles_and_by_groups() {
    let visit = Visit::<Domain>::new();
    let (admins, pages) = visit.admins();
    let mut told: Vec<_> =
        admins.found.iter().map(|one| (one.user_id.as_str(), one.role.name.as_str(), one.through.as_deref())).collect();
    told.sort_unstable();
    let by_group = Some("admins@example.org");
    let expected = [
        ("ada@example.org", "_HELP_DESK_ADMIN_ROLE", by_group),
        ("ada@example.org", "_SEED_ADMIN_ROLE", None),
        ("bob@example.org", "_HELP_DESK_ADMIN_ROLE", by_group),
        ("eve@example.org", "_HELP_DESK_ADMIN_ROLE", by_group),
    ];
    assert_eq!((told, pages), (expected.into(), 2));
    let visit = with(|state| state.denied = vec!["admin.directory.group.readonly"]);
    let (admins, _) = visit.admins();
    assert!(untold(&admins.untold, "members of a group").needs.contains("group.readonly"));
    assert!(visit.members("admins@example.org").0.untold[0].needs.contains("group.readonly"));
    let people = visit.directory.capabilities().people.unwrap();
    let visit = Visit::<Domain>::new();
    assert!(matches!(
        visit.directory.capabilities().people.unwrap().members("none@example.org", None),
        Err(DirectoryError::NotFound { .. })
    ));
    assert!(people.roles(&visit.directory.find_user("ada@example.org").unwrap()).unwrap().found.len() == 1);
}

#[test]
fn a_quota_is_not_a_refusal() {
    let visit = Visit::<Domain>::new();
    visit.idp.state.lock().unwrap().over_quota = true;
    let error = visit.directory.find_user("ada@example.org").unwrap_err();
    assert!(matches!(error, DirectoryError::RateLimited { .. }), "{error}");
}

#[test]
fn last_use_and_sign_ins_are_the_accounts() {
    let visit = Visit::<Domain>::new();
    let last_use = visit.directory.capabilities().last_use.unwrap();
    let ada = visit.directory.find_user("ada@example.org").unwrap();
    let used = last_use.last_use(&ada).unwrap();
    assert!(used.account.known().unwrap().at.is_some() && !used.keys.is_whole());
    let bob = visit.directory.find_user("bob@example.org").unwrap();
    assert_eq!(last_use.last_use(&bob).unwrap().account.known().unwrap().at, None, "1970 is never");
    let now = time::OffsetDateTime::now_utc();
    let seen = last_use.sign_ins(&ada, now - time::Duration::days(1)).unwrap();
    assert!(seen.is_whole() && seen.found.len() == 2 && seen.found[0].at < seen.found[1].at, "{seen:?}");
    assert_eq!(seen.found[1].by.as_deref(), Some("google_password, security_key"));
    let older = last_use.sign_ins(&ada, now - time::Duration::days(400)).unwrap();
    assert!(!older.is_whole(), "the log does not go back that far");
}

#[test]
fn a_scope_that_is_not_delegated_is_named() {
    let visit = Visit::<Domain>::new();
    let rights = visit.directory.capabilities().rights.unwrap();
    let all = rights.rights().unwrap();
    for capability in [Capability::People, Capability::Methods, Capability::LastUse] {
        assert_eq!(all.readiness(capability), Readiness::Ready, "{capability:?}");
    }
    assert_eq!(rights.over_administrators().unwrap(), Told::Known(false), "it changes nobody");
    let denied = with(|state| state.denied = vec!["admin.directory.user.security"]);
    let some = denied.directory.capabilities().rights.unwrap().rights().unwrap();
    let lacks = Readiness::Lacks(vec!["scope admin.directory.user.security".into()]);
    assert_eq!(some.readiness(Capability::Methods), lacks);
    let none = with(|state| state.denied = vec!["admin.directory.user.readonly"]);
    assert!(none.directory.preflight().unwrap().iter().any(|finding| finding.blocks));
}

#[test]
fn one_person_costs_a_bounded_number_of_requests() {
    assert_eq!(estates::asked_for_one_person::<Domain>("ada@example.org"), 6);
}

#[test]
fn an_inventory_asks_seven_times_for_each_person_and_goes_on_where_it_ended() {
    let is_list = |path: &str| path == "/token" || path.contains("/groups/") || path.contains("/usage/users/all/");
    let costs = Costs {
        name: "Google Workspace",
        per_person: 7,
        group: "g1",
        pace: Some(Pace {
            requests: 2400,
            per: Duration::from_secs(60),
            source: "quota of the Directory API for a user and project",
        }),
    };
    scale::an_inventory_costs::<Domain>(&costs, is_list, |domain, people| {
        let person = |number: usize| ((1000 + number).to_string(), format!("user{number}"));
        domain.state.lock().unwrap().people = (0..people).map(person).collect();
    });
}
