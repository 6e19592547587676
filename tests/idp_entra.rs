//! People get their keys at a tenant of Entra ID: all goes well, everything goes wrong once, and nothing is there twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/entra.rs"]
mod entra;
#[path = "support/fake_idp.rs"]
mod fake_idp;
#[path = "support/fault_proxy.rs"]
mod fault_proxy;
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

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entra::{Entra, SECRET, TENANT};
use keywright::hid::Cancel;
use keywright::idp::entra::{Access, Api, Settings};
use keywright::idp::http::Limits;
use keywright::idp::{Directory, DirectoryError, Tenant};
use keywright::ledger::{AccountId, CredentialState};
use keywright::provision::{Patience, RunError, dry_run, revoke};
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

fn opened(url: &str, folder: &Path, access: Access, api: Api, total: Duration) -> keywright::idp::entra::Entra {
    let limits = Limits { connect: Duration::from_secs(5), total };
    let tenant = Tenant { name: DIRECTORY.into(), folder: folder.to_owned(), limits, ..Tenant::default() };
    let settings = Settings {
        tenant_id: TENANT.into(),
        client_id: "00001111-aaaa-2222-bbbb-3333cccc4444".into(),
        access,
        api,
        challenge_minutes: (api == Api::Beta).then_some(60),
        graph: url.parse().unwrap(),
        authority: url.parse().unwrap(),
    };
    keywright::idp::entra::Entra::open(&tenant, &settings).unwrap()
}

fn by_secret(folder: &Path) -> Access {
    keep(folder, "secret", SECRET);
    Access::Secret("file:secret".parse().unwrap())
}

/// The adapter, with a client that does not wait long.
fn at(url: &str, folder: &Path) -> keywright::idp::entra::Entra {
    opened(url, folder, by_secret(folder), Api::V1, Duration::from_millis(1500))
}

fn account(login: &str) -> AccountId {
    AccountId { directory: DIRECTORY.into(), login: login.into() }
}

/// Two people, two keys each, one of which is lost.
fn a_day_at(directory: &dyn Directory, fake: &Entra, workshop: &Workshop, logins: &[&str]) {
    let report = workshop.provision_at(directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    workshop.everything_agrees_at(directory, &workshop.rack(), logins, 2);
    let mut registered: Vec<String> =
        fake.state.lock().unwrap().passkeys.iter().map(|passkey| passkey.credential_id.clone()).collect();
    let mut known: Vec<String> = workshop.book().credentials.keys().map(ToString::to_string).collect();
    registered.sort();
    known.sort();
    assert_eq!(registered, known, "the credentials that py_webauthn verified");

    let (patience, cancel) = (Patience::default(), Cancel::default());
    let revoked = revoke(directory, &workshop.store(), &patience, &cancel, &account("ada"), 1, "lost").unwrap();
    assert_eq!((revoked.removed.len(), revoked.absent.len(), revoked.keys_left), (1, 0, 1));
    let left = &fake.state.lock().unwrap().passkeys;
    assert_eq!(left.len(), 3);
    let gone = revoked.removed[0].to_string();
    assert!(left.iter().all(|passkey| passkey.credential_id != gone));
    let book = workshop.book();
    let still = book.credentials.values().filter(|one| one.state == CredentialState::Registered).count();
    assert_eq!(still, 3);
}

/// The excerpt names types that it leaves out: there they may be anything.
fn described(folder: &Path) -> Option<String> {
    let excerpt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/facts/graph-openapi-excerpt.yaml");
    let Ok(text) = std::fs::read_to_string(&excerpt) else {
        assert!(std::env::var_os("KEYWRIGHT_REQUIRE_PRISM").is_none(), "there is no {}", excerpt.display());
        eprintln!("SKIPPED: there is no {}", excerpt.display());
        return None;
    };
    let named = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split(['\'', '"', '\n']).next());
    let missing: BTreeSet<&str> = named.filter(|name| !text.contains(&format!("\n    {name}:"))).collect();
    let anything: String = missing.iter().map(|name| format!("    {name}:\n      type: object\n")).collect();
    let (before, after) = text.split_once("\n  schemas:\n").unwrap();
    let file = folder.join("graph.yaml");
    std::fs::write(&file, format!("{before}\n  schemas:\n{anything}{after}")).unwrap();
    Some(file.to_str().unwrap().to_owned())
}

/// Sends a request on as it came.
fn forward(to: &str, request: &fake_idp::Request) -> fake_idp::Answer {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let mut call =
        ureq::http::Request::builder().method(request.method.as_str()).uri(format!("{to}{}{query}", request.path));
    for (name, value) in &request.headers {
        if matches!(name.as_str(), "authorization" | "content-type" | "accept" | "client-request-id") {
            call = call.header(name, value);
        }
    }
    let mut reply = ureq::Agent::new_with_config(config).run(call.body(request.body.clone()).unwrap()).unwrap();
    let kind = reply.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let headers = kind.map(|kind| ("Content-Type".to_owned(), kind)).into_iter().collect();
    fake_idp::Answer { status: reply.status().as_u16(), headers, body: reply.body_mut().read_to_vec().unwrap() }
}

#[test]
fn two_people_get_two_keys_each_and_graph_knows_every_request() {
    let logins = ["ada", "grace"];
    let Some(fake) = Entra::start(&logins) else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(description) = described(folder.path()) else { return };
    let Some(prism) = Prism::start(&description, &fake.idp.url()) else { return };
    let (described, others) = (prism.url(), fake.idp.url());
    // The excerpt describes what is about passkeys on v1.0, and the options of beta; the rest goes past it.
    let is_described =
        |path: &str| path.contains("/creationOptions") || path.starts_with("/v1.0") && path.contains("/fido2");
    let front = fake_idp::FakeIdp::start(move |request| {
        let to = if is_described(&request.path) { &described } else { &others };
        forward(to, request)
    });
    for api in [Api::V1, Api::Beta] {
        fake.state.lock().unwrap().passkeys.clear();
        let workshop = Workshop::without_directory(4, &logins);
        let access = by_secret(workshop.path());
        // Prism takes its time on a busy machine.
        let directory = opened(&front.url(), workshop.path(), access, api, Duration::from_secs(30));
        a_day_at(&directory, &fake, &workshop, &logins);
    }
    assert_eq!(front.seen().len(), fake.idp.seen().len(), "Prism kept a request back");
}

#[test]
fn an_app_signs_in_with_its_certificate() {
    let Some(fake) = Entra::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(1, &["ada"]);
    let made = rcgen::generate_simple_self_signed(["keywright".to_owned()]).unwrap();
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", data_encoding::BASE64.encode(der))
    };
    keep(workshop.path(), "key.pem", &pem("PRIVATE KEY", made.signing_key.serialized_der()));
    std::fs::write(workshop.path().join("app.crt"), pem("CERTIFICATE", made.cert.der())).unwrap();
    let access = Access::Certificate { certificate: "app.crt".into(), private_key: "file:key.pem".parse().unwrap() };
    let limit = Duration::from_secs(10);
    let directory = opened(&fake.idp.url(), workshop.path(), access, Api::V1, limit);
    assert_eq!(directory.preflight().unwrap(), []);
    let (request, _) = fake.idp.seen().into_iter().next().unwrap();
    let header = request.field("client_assertion").unwrap();
    let header = data_encoding::BASE64URL_NOPAD.decode(header.split('.').next().unwrap().as_bytes()).unwrap();
    assert!(String::from_utf8(header).unwrap().contains("x5t#S256"));

    keep(workshop.path(), "wrong", "not the secret");
    let access = Access::Secret("file:wrong".parse().unwrap());
    let error = opened(&fake.idp.url(), workshop.path(), access, Api::V1, limit).preflight().unwrap_err();
    assert!(matches!(&error, DirectoryError::SignIn { why, .. } if why.contains("Certificates & secrets")), "{error}");
}

#[test]
fn a_passkey_that_is_not_listed_yet_is_not_taken_for_absent() {
    let Some(fake) = Entra::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    assert_eq!(report.accounts[0].other_methods, ["password", "phone"]);
    let user = directory.find_user("ada").unwrap();
    let known = workshop.book().credentials.keys().next().unwrap().clone();
    // Another process knows no id.
    let other = at(&fake.idp.url(), workshop.path());
    assert!(other.has(&user, &known).unwrap());
    fake.state.lock().unwrap().lists_nothing = true;
    assert!(other.has(&user, &known).unwrap());
    fake.state.lock().unwrap().passkeys.clear();
    assert!(!other.has(&user, &known).unwrap());
}

#[test]
fn what_was_said_is_on_record() {
    let Some(fake) = Entra::start(&["ada"]) else { return };
    let mut workshop = Workshop::without_directory(1, &["ada"]);
    workshop.profile.keys.required = 1;
    let directory = at(&fake.idp.url(), workshop.path());
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    let (patience, cancel) = (Patience::default(), Cancel::default());
    revoke(&directory, &workshop.store(), &patience, &cancel, &account("ada"), 1, "lost").unwrap();
    let seen = fake.idp.seen();
    // Its end comes from the credential id.
    let names = seen.iter().filter_map(|(request, _)| request.json()["displayName"].as_str().map(str::to_owned));
    let [name] = &names.collect::<Vec<_>>()[..] else { panic!("one registration") };
    recorded::compare("entra/enrolment.http", &seen, &[SECRET, "an-access-token", name]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let Some(fake) = Entra::start(&["ada"]) else { return };
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
fn a_switch_that_is_off_is_told_before_the_first_key() {
    let Some(fake) = Entra::start(&["ada"]) else { return };
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at(&fake.idp.url(), workshop.path());
    assert_eq!(directory.preflight().unwrap(), []);
    fake.state.lock().unwrap().self_service = false;
    let findings = directory.preflight().unwrap();
    assert!(findings.iter().any(|one| one.blocks && one.message.contains("self-service")), "{findings:?}");
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
}

const REQUESTS: &[(Purpose, &str, &str)] = &[
    (Purpose::Preflight, "GET", "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2"),
    (Purpose::Look, "GET", "/v1.0/users/*"),
    (Purpose::Look, "GET", "/v1.0/users/*/authentication/methods"),
    (Purpose::Look, "GET", "/v1.0/users/*/authentication/fido2Methods/creationOptions"),
    (Purpose::Act, "POST", "/v1.0/users/*/authentication/fido2Methods"),
    (Purpose::Look, "GET", "/v1.0/users/*/authentication/fido2Methods"),
];

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    let settled = |fake: &Entra, _: (&str, &str), case: &str| {
        let passkeys = &fake.state.lock().unwrap().passkeys;
        assert_eq!(passkeys.len(), 2, "{case}: {passkeys:?}");
    };
    let open = |url: &str, folder: &Path| Box::new(at(url, folder)) as Box<dyn Directory>;
    OneFault { requests: REQUESTS, start: Entra::start, url: |fake| fake.idp.url(), open, settled }.run();
}

#[test]
fn an_entra_that_nobody_reaches_is_an_error_and_nothing_else() {
    let workshop = Workshop::without_directory(1, &["ada"]);
    let directory = at("http://127.0.0.1:9", workshop.path());
    let result = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default());
    assert!(matches!(result, Err(RunError::Directory(DirectoryError::Unreachable { .. }))), "{result:?}");
}
