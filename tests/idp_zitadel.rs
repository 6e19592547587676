//! People get their keys at a Zitadel: all goes well, everything goes wrong once, and nothing is there twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/fake_idp.rs"]
mod fake_idp;
#[path = "support/fault_proxy.rs"]
mod fault_proxy;
#[path = "support/one_fault.rs"]
mod one_fault;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/relying_party.rs"]
mod relying_party;
#[path = "support/workshop.rs"]
mod workshop;
#[path = "support/zitadel.rs"]
mod zitadel;

use std::path::Path;
use std::time::Duration;

use keywright::hid::Cancel;
use keywright::idp::http::Limits;
use keywright::idp::zitadel::Settings;
use keywright::idp::{Directory, DirectoryError, Tenant};
use keywright::ledger::{AccountId, CredentialState};
use keywright::provision::{Patience, RunError, dry_run, revoke};
use one_fault::{OneFault, Purpose};
use workshop::{DIRECTORY, Hands, Workshop};
use zitadel::{DOMAIN, PAT, Zitadel};

/// The adapter, with a client that does not wait long.
fn at(url: &str, folder: &Path) -> keywright::idp::zitadel::Zitadel {
    let token = folder.join("pat");
    std::fs::write(&token, PAT).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_millis(1500) };
    let tenant = Tenant { name: DIRECTORY.into(), folder: folder.to_owned(), limits, ..Tenant::default() };
    let settings = Settings {
        url: url.parse().unwrap(),
        token: "file:pat".parse().unwrap(),
        domain: Some(DOMAIN.parse().unwrap()),
        origin: None,
        organization: None,
    };
    keywright::idp::zitadel::Zitadel::open(&tenant, &settings).unwrap()
}

fn account(login: &str) -> AccountId {
    AccountId { directory: DIRECTORY.into(), login: login.into() }
}

#[test]
fn two_people_get_two_keys_each_and_one_is_lost() {
    let logins = ["ada", "grace"];
    let Some(fake) = Zitadel::start(&logins) else { return };
    let workshop = Workshop::without_directory(4, &logins);
    let directory = at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    assert_eq!(report.accounts[0].other_methods, ["PASSWORD", "OTP_SMS"]);
    workshop.everything_agrees_at(&directory, &workshop.rack(), &logins, 2);
    let mut registered: Vec<String> =
        fake.state.lock().unwrap().passkeys.iter().map(|passkey| passkey.credential_id.clone().unwrap()).collect();
    let mut known: Vec<String> = workshop.book().credentials.keys().map(ToString::to_string).collect();
    registered.sort();
    known.sort();
    assert_eq!(registered, known, "the credentials that py_webauthn verified");

    let patience = Patience::default();
    let revoked =
        revoke(&directory, &workshop.store(), &patience, &Cancel::default(), &account("ada"), 1, "lost").unwrap();
    assert_eq!((revoked.removed.len(), revoked.absent.len(), revoked.keys_left), (1, 0, 1));
    let left = &fake.state.lock().unwrap().passkeys;
    assert_eq!(left.len(), 3);
    let gone = revoked.removed[0].to_string();
    assert!(left.iter().all(|passkey| passkey.credential_id.as_ref() != Some(&gone)));
    let book = workshop.book();
    let still = book.credentials.values().filter(|one| one.state == CredentialState::Registered).count();
    assert_eq!(still, 3);
}

#[test]
fn what_was_said_is_on_record() {
    let Some(fake) = Zitadel::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let (patience, cancel) = (Patience::default(), Cancel::default());
    revoke(&directory, &workshop.store(), &patience, &cancel, &account("ada"), 1, "lost").unwrap();
    recorded::compare("zitadel/enrolment.http", &fake.idp.seen(), &[]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let Some(fake) = Zitadel::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(2, &["ada"]);
    let directory = at(&fake.idp.url(), workshop.path());
    let plan = workshop.plan(&keywright::ledger::Book::default());
    let report =
        workshop.with_directory(&directory, &workshop.store(), &workshop.rack(), &Hands::default(), |station| {
            dry_run(station, &plan).unwrap()
        });
    assert!(report.accounts[0].failure.is_none(), "{report:#?}");
    // Zitadel asks questions with POST.
    let questions = |path: &str| path.ends_with("/_search") || path == "/v2/users";
    let writes = fake.idp.seen().into_iter().filter(|(request, _)| request.writes() && !questions(&request.path));
    assert_eq!(writes.count(), 0);
    assert!(fake.state.lock().unwrap().passkeys.is_empty());
}

#[test]
fn a_token_without_rights_is_told_before_the_first_key() {
    let Some(fake) = Zitadel::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at(&fake.idp.url(), workshop.path());
    fake.state.lock().unwrap().permissions = vec!["user.read".into()];
    let findings = directory.preflight().unwrap();
    let lacks = findings.iter().find(|finding| finding.message.contains("Org User Manager")).unwrap();
    assert!(!lacks.blocks);
    fake.state.lock().unwrap().permissions.clear();
    assert!(directory.preflight().unwrap().iter().any(|finding| finding.blocks));
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn what_is_registered_is_not_abandoned_and_what_is_gone_is_no_error() {
    let Some(fake) = Zitadel::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    let user = directory.find_user("ada").unwrap();
    let [key] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(matches!(directory.abandon(&user, &key.id), Err(DirectoryError::Refused { .. })));
    let begun = directory.begin(&user).unwrap().pending.unwrap();
    assert_eq!(fake.state.lock().unwrap().passkeys.len(), 2);
    directory.abandon(&user, &begun).unwrap();
    directory.abandon(&user, &begun).unwrap();
    assert_eq!(fake.state.lock().unwrap().passkeys.len(), 1);
}

/// `passkeys/*` is `verify` before it is `_search`.
const REQUESTS: &[(Purpose, &str, &str)] = &[
    (Purpose::Preflight, "POST", "/auth/v1/permissions/zitadel/me/_search"),
    (Purpose::Look, "POST", "/v2/users"),
    (Purpose::Look, "GET", "/v2/users/*/authentication_methods"),
    (Purpose::Act, "POST", "/v2/users/*/passkeys"),
    (Purpose::Act, "POST", "/v2/users/*/passkeys/*"),
    (Purpose::Look, "POST", "/v2/users/*/passkeys/_search"),
    (Purpose::TakeBack, "DELETE", "/v2/users/*/passkeys/*"),
];

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    let settled = |fake: &Zitadel, request: (&str, &str), case: &str| {
        let state = fake.state.lock().unwrap();
        assert_eq!(state.ready(), 2, "{case}");
        // Only a passkey whose id was lost with the answer can be left, and no list shows it.
        let lost = request == ("POST", "/v2/users/*/passkeys");
        assert!(state.passkeys.len() == 2 || lost, "{case}: {:?}", state.passkeys);
    };
    let open = |url: &str, folder: &Path| Box::new(at(url, folder)) as Box<dyn Directory>;
    OneFault { requests: REQUESTS, start: Zitadel::start, url: |fake| fake.idp.url(), open, settled }.run();
}

#[test]
fn a_zitadel_that_nobody_reaches_is_an_error_and_nothing_else() {
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at("http://127.0.0.1:9", workshop.path());
    let result = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default());
    assert!(matches!(result, Err(RunError::Directory(DirectoryError::Unreachable { .. }))), "{result:?}");
}
