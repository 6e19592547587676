//! People get their keys at an Okta org: all goes well, everything goes wrong once, and nothing is there twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/fake_idp.rs"]
mod fake_idp;
#[path = "support/fault_proxy.rs"]
mod fault_proxy;
#[path = "support/okta.rs"]
mod okta;
#[path = "support/one_fault.rs"]
mod one_fault;
#[path = "support/prism.rs"]
mod prism;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/relying_party.rs"]
mod relying_party;
#[path = "support/workshop.rs"]
mod workshop;

use std::path::{Path, PathBuf};
use std::time::Duration;

use keywright::hid::Cancel;
use keywright::idp::http::Limits;
use keywright::idp::okta::{Access, Settings};
use keywright::idp::{Directory, DirectoryError, Tenant};
use keywright::ledger::{AccountId, CredentialState};
use keywright::provision::{Patience, RunError, dry_run, revoke};
use keywright::secret::SecretSource;
use okta::{ORIGIN, Okta, TOKEN};
use one_fault::{OneFault, Purpose};
use prism::Prism;
use workshop::{DIRECTORY, Hands, Workshop};

/// A file that nobody else may read.
fn keep(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file
}

fn opened(url: &str, folder: &Path, access: Access, total: Duration) -> keywright::idp::okta::Okta {
    let limits = Limits { connect: Duration::from_secs(5), total };
    let tenant = Tenant { name: DIRECTORY.into(), folder: folder.to_owned(), limits, ..Tenant::default() };
    let settings = Settings { url: url.parse().unwrap(), access, origin: Some(ORIGIN.parse().unwrap()) };
    keywright::idp::okta::Okta::open(&tenant, &settings).unwrap()
}

/// The adapter, with a client that does not wait long. A busy machine must not look like a stalled IdP: that is a second fault.
fn at(url: &str, folder: &Path) -> keywright::idp::okta::Okta {
    keep(folder, "token", TOKEN);
    opened(url, folder, Access::Token("file:token".parse().unwrap()), Duration::from_secs(4))
}

fn account(login: &str) -> AccountId {
    AccountId { directory: DIRECTORY.into(), login: login.into() }
}

/// Two people, two keys each, one of which is lost.
fn a_day_at(directory: &dyn Directory, fake: &Okta, workshop: &Workshop, logins: &[&str]) {
    let report = workshop.provision_at(directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    workshop.everything_agrees_at(directory, &workshop.rack(), logins, 2);
    let mut registered: Vec<String> =
        fake.state.lock().unwrap().factors.iter().map(|factor| factor.credential_id.clone().unwrap()).collect();
    let mut known: Vec<String> = workshop.book().credentials.keys().map(ToString::to_string).collect();
    registered.sort();
    known.sort();
    assert_eq!(registered, known, "the credentials that py_webauthn verified");

    let (patience, cancel) = (Patience::default(), Cancel::default());
    let revoked = revoke(directory, &workshop.store(), &patience, &cancel, &account("ada"), 1, "lost").unwrap();
    assert_eq!((revoked.removed.len(), revoked.absent.len(), revoked.keys_left), (1, 0, 1));
    let left = &fake.state.lock().unwrap().factors;
    assert_eq!(left.len(), 3);
    let gone = revoked.removed[0].to_string();
    assert!(left.iter().all(|factor| factor.credential_id.as_ref() != Some(&gone)));
    let book = workshop.book();
    let still = book.credentials.values().filter(|one| one.state == CredentialState::Registered).count();
    assert_eq!(still, 3);
}

#[test]
fn two_people_get_two_keys_each_and_okta_knows_every_request() {
    let logins = ["ada", "grace"];
    let Some(fake) = Okta::start(&logins) else { return };
    let Some(prism) = Prism::start("okta-openapi-excerpt.yaml", &fake.idp.url()) else { return };
    fake.state.lock().unwrap().without_sms = true;
    let workshop = Workshop::without_directory(4, &logins);
    keep(workshop.path(), "token", TOKEN);
    // Prism takes its time on a busy machine.
    let access = Access::Token("file:token".parse().unwrap());
    let directory = opened(&prism.url(), workshop.path(), access, Duration::from_secs(30));
    a_day_at(&directory, &fake, &workshop, &logins);
}

#[test]
fn a_service_app_binds_its_tokens_to_a_key() {
    let logins = ["ada", "grace"];
    let Some(fake) = Okta::start(&logins) else { return };
    let workshop = Workshop::without_directory(4, &logins);
    let key = data_encoding::BASE64.encode(rcgen::KeyPair::generate().unwrap().serialized_der());
    keep(workshop.path(), "key.pem", &format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"));
    let private_key: SecretSource = "file:key.pem".parse().unwrap();
    let access = |dpop| Access::ServiceApp {
        client_id: "0oa1".into(),
        private_key: private_key.clone(),
        key_id: Some("k1".into()),
        dpop,
    };
    let limit = Duration::from_secs(10);
    let unbound = opened(&fake.idp.url(), workshop.path(), access(false), limit);
    let error = unbound.preflight().unwrap_err();
    assert!(matches!(&error, DirectoryError::SignIn { why, .. } if why.contains("`dpop`")), "{error}");
    let directory = opened(&fake.idp.url(), workshop.path(), access(true), limit);
    a_day_at(&directory, &fake, &workshop, &logins);
}

#[test]
fn a_custom_rp_id_is_the_one_that_credentials_are_for() {
    let Some(fake) = Okta::start(&["ada"]) else { return };
    fake.state.lock().unwrap().rp_id = Some("example.org".into());
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let user = directory.find_user("ada").unwrap();
    assert_eq!(directory.begin(&user).unwrap().options.rp.id.as_str(), "example.org");

    fake.state.lock().unwrap().rp_id = Some("example.com".into());
    let findings = directory.preflight().unwrap();
    assert!(findings.iter().any(|finding| finding.blocks && finding.message.contains("example.com")), "{findings:?}");
}

#[test]
fn a_factor_that_the_list_leaves_out_is_found_by_its_enrolment() {
    let Some(fake) = Okta::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    fake.state.lock().unwrap().hides_factors = true;
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    assert_eq!(report.accounts[0].other_methods, ["sms", "password"]);
    workshop.everything_agrees_at(&directory, &workshop.rack(), &["ada"], 1);
}

#[test]
fn what_was_said_is_on_record() {
    let Some(fake) = Okta::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let (patience, cancel) = (Patience::default(), Cancel::default());
    revoke(&directory, &workshop.store(), &patience, &cancel, &account("ada"), 1, "lost").unwrap();
    recorded::compare("okta/enrolment.http", &fake.idp.seen(), &[]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let Some(fake) = Okta::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(2, &["ada"]);
    let directory = at(&fake.idp.url(), workshop.path());
    let plan = workshop.plan(&keywright::ledger::Book::default());
    let report =
        workshop.with_directory(&directory, &workshop.store(), &workshop.rack(), &Hands::default(), |station| {
            dry_run(station, &plan).unwrap()
        });
    assert!(report.accounts[0].failure.is_none(), "{report:#?}");
    let seen = fake.idp.seen();
    assert!(!seen.is_empty());
    assert_eq!(seen.iter().filter(|(request, _)| request.writes()).count(), 0);
}

#[test]
fn a_token_without_rights_is_told_before_the_first_key() {
    let Some(fake) = Okta::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at(&fake.idp.url(), workshop.path());
    assert_eq!(directory.preflight().unwrap(), []);
    fake.state.lock().unwrap().powerless = true;
    let findings = directory.preflight().unwrap();
    let [lacks] = &findings[..] else { panic!("{findings:?}") };
    assert!(lacks.blocks && lacks.message.contains("Help Desk Administrator"), "{lacks:?}");
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
    assert!(matches!(directory.find_user("a/b"), Err(DirectoryError::Refused { .. })));
}

#[test]
fn what_is_registered_is_not_abandoned_and_what_is_gone_is_no_error() {
    let Some(fake) = Okta::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    let user = directory.find_user("ada").unwrap();
    let [key] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(matches!(directory.abandon(&user, &key.id), Err(DirectoryError::Refused { .. })));
    let begun = directory.begin(&user).unwrap().pending.unwrap();
    assert_eq!(fake.state.lock().unwrap().factors.len(), 2);
    directory.abandon(&user, &begun).unwrap();
    directory.abandon(&user, &begun).unwrap();
    assert_eq!(fake.state.lock().unwrap().factors.len(), 1);
}

const REQUESTS: &[(Purpose, &str, &str)] = &[
    (Purpose::Preflight, "GET", "/api/v1/users"),
    (Purpose::Preflight, "GET", "/api/v1/authenticators"),
    (Purpose::Preflight, "GET", "/api/v1/authenticators/*/methods/webauthn"),
    (Purpose::Look, "GET", "/api/v1/users/*"),
    (Purpose::Look, "GET", "/api/v1/users/*/factors"),
    (Purpose::Act, "POST", "/api/v1/users/*/factors"),
    (Purpose::Act, "POST", "/api/v1/users/*/factors/*/lifecycle/activate"),
    (Purpose::TakeBack, "GET", "/api/v1/users/*/factors/*"),
    (Purpose::TakeBack, "DELETE", "/api/v1/users/*/factors/*"),
];

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    let settled = |fake: &Okta, _: (&str, &str), case: &str| {
        let state = fake.state.lock().unwrap();
        assert!(state.factors.iter().all(|factor| factor.credential_id.is_some()), "{case}: {:?}", state.factors);
        assert_eq!(state.factors.len(), 2, "{case}");
    };
    let open = |url: &str, folder: &Path| Box::new(at(url, folder)) as Box<dyn Directory>;
    OneFault { requests: REQUESTS, start: Okta::start, url: |fake| fake.idp.url(), open, settled }.run();
}

#[test]
fn an_okta_that_nobody_reaches_is_an_error_and_nothing_else() {
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at("http://127.0.0.1:9", workshop.path());
    let result = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default());
    assert!(matches!(result, Err(RunError::Directory(DirectoryError::Unreachable { .. }))), "{result:?}");
}
