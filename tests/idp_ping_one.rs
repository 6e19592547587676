//! People get their keys at PingOne: all goes well, everything goes wrong once, and nothing is there twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/fake_idp.rs"]
mod fake_idp;
#[path = "support/fault_proxy.rs"]
mod fault_proxy;
#[path = "support/one_fault.rs"]
mod one_fault;
#[path = "support/ping_one.rs"]
mod ping_one;
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
use keywright::idp::ping_one::Settings;
use keywright::idp::{Directory, DirectoryError, Tenant};
use keywright::ledger::{AccountId, CredentialState};
use keywright::provision::{Patience, RunError, dry_run, revoke};
use one_fault::{OneFault, Purpose};
use ping_one::{CLIENT, ENVIRONMENT, POLICY, PingOne, RP_ID, SECRET};
use workshop::{DIRECTORY, Hands, Workshop};

/// A file that nobody else may read.
fn keep(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file
}

/// The adapter, with a client that does not wait long. A busy machine must not look like a stalled IdP: that is a second fault.
fn at(url: &str, folder: &Path) -> keywright::idp::ping_one::PingOne {
    keep(folder, "secret", SECRET);
    let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(4) };
    let tenant = Tenant { name: DIRECTORY.into(), folder: folder.to_owned(), limits, ..Tenant::default() };
    let settings = Settings {
        environment: ENVIRONMENT.into(),
        client_id: CLIENT.into(),
        client_secret: "file:secret".parse().unwrap(),
        policy: POLICY.into(),
        rp_id: RP_ID.parse().unwrap(),
        origin: None,
        api: url.parse().unwrap(),
        auth: url.parse().unwrap(),
    };
    keywright::idp::ping_one::PingOne::open(&tenant, &settings).unwrap()
}

fn account(login: &str) -> AccountId {
    AccountId { directory: DIRECTORY.into(), login: login.into() }
}

#[test]
fn two_people_get_two_keys_each_and_one_is_lost() {
    let logins = ["ada", "grace"];
    let Some(fake) = PingOne::start(&logins) else { return };
    let workshop = Workshop::without_directory(4, &logins);
    let directory = &at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    assert_eq!(report.accounts[0].other_methods, ["SMS"]);
    workshop.everything_agrees_at(directory, &workshop.rack(), &logins, 2);
    let mut registered: Vec<String> =
        fake.state.lock().unwrap().devices.iter().map(|device| device.credential_id.clone().unwrap()).collect();
    let mut known: Vec<String> = workshop.book().credentials.keys().map(ToString::to_string).collect();
    registered.sort();
    known.sort();
    assert_eq!(registered, known, "the credentials that py_webauthn verified");

    let (patience, cancel) = (Patience::default(), Cancel::default());
    let revoked = revoke(directory, &workshop.store(), &patience, &cancel, &account("ada"), 1, "lost").unwrap();
    assert_eq!((revoked.removed.len(), revoked.absent.len(), revoked.keys_left), (1, 0, 1));
    let left = &fake.state.lock().unwrap().devices;
    assert_eq!(left.len(), 3);
    let gone = revoked.removed[0].to_string();
    assert!(left.iter().all(|device| device.credential_id.as_ref() != Some(&gone)));
    let book = workshop.book();
    let still = book.credentials.values().filter(|one| one.state == CredentialState::Registered).count();
    assert_eq!(still, 3);
}

#[test]
fn a_user_with_too_many_devices_is_told_so() {
    let Some(fake) = PingOne::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at(&fake.idp.url(), workshop.path());
    let user = directory.find_user("ada").unwrap();
    let begun: Vec<_> = (0..4).map(|_| directory.begin(&user).unwrap().pending.unwrap()).collect();
    assert_eq!(directory.pending(&user).unwrap(), begun);
    let error = directory.begin(&user).unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("5 devices")), "{error}");
}

#[test]
fn what_was_said_is_on_record() {
    let Some(fake) = PingOne::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let (patience, cancel) = (Patience::default(), Cancel::default());
    revoke(&directory, &workshop.store(), &patience, &cancel, &account("ada"), 1, "lost").unwrap();
    recorded::compare("ping-one/enrolment.http", &fake.idp.seen(), &["an-access-token"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let Some(fake) = PingOne::start(&["ada"]) else { return };
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
    assert_eq!(seen.iter().filter(|(request, _)| request.writes() && !request.path.ends_with("/token")).count(), 0);
}

#[test]
fn a_token_without_rights_is_told_before_the_first_key() {
    let Some(fake) = PingOne::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at(&fake.idp.url(), workshop.path());
    assert_eq!(directory.preflight().unwrap(), []);
    fake.state.lock().unwrap().powerless = true;
    let findings = directory.preflight().unwrap();
    let [lacks, _policies] = &findings[..] else { panic!("{findings:?}") };
    assert!(lacks.blocks && lacks.message.contains("Identity Data Admin"), "{lacks:?}");
    fake.state.lock().unwrap().powerless = false;
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn what_is_registered_is_not_abandoned_and_what_is_gone_is_no_error() {
    let Some(fake) = PingOne::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    let user = directory.find_user("ada").unwrap();
    let [key] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(matches!(directory.abandon(&user, &key.id), Err(DirectoryError::Refused { .. })));
    let begun = directory.begin(&user).unwrap().pending.unwrap();
    assert_eq!(fake.state.lock().unwrap().devices.len(), 2);
    directory.abandon(&user, &begun).unwrap();
    directory.abandon(&user, &begun).unwrap();
    assert_eq!(fake.state.lock().unwrap().devices.len(), 1);
}

const REQUESTS: &[(Purpose, &str, &str)] = &[
    (Purpose::Preflight, "GET", "/v1/environments/*/fido2Policies"),
    (Purpose::Preflight, "GET", "/v1/environments/*/users"),
    (Purpose::Look, "GET", "/v1/environments/*/users/*/devices"),
    (Purpose::Act, "POST", "/v1/environments/*/users/*/devices"),
    (Purpose::Act, "POST", "/v1/environments/*/users/*/devices/*"),
    (Purpose::TakeBack, "GET", "/v1/environments/*/users/*/devices/*"),
    (Purpose::TakeBack, "DELETE", "/v1/environments/*/users/*/devices/*"),
];

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    let settled = |fake: &PingOne, _: (&str, &str), case: &str| {
        let state = fake.state.lock().unwrap();
        assert!(state.devices.iter().all(|device| device.credential_id.is_some()), "{case}: {:?}", state.devices);
        assert_eq!(state.devices.len(), 2, "{case}");
    };
    let open = |url: &str, folder: &Path| Box::new(at(url, folder)) as Box<dyn Directory>;
    OneFault { requests: REQUESTS, start: PingOne::start, url: |fake| fake.idp.url(), open, settled }.run();
}

#[test]
fn a_ping_one_that_nobody_reaches_is_an_error_and_nothing_else() {
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at("http://127.0.0.1:9", workshop.path());
    let result = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default());
    assert!(matches!(result, Err(RunError::Directory(DirectoryError::Unreachable { .. }))), "{result:?}");
}
