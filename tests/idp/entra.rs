//! People get their keys at a tenant of Entra ID: all goes well, everything goes wrong once, and nothing is there twice.

mod estate;
mod fake;
mod tenant;

use crate::fake_idp;
use crate::played;
use crate::prism;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::played::{Played, Purpose, keep};
use crate::prism::Prism;
use fake::{DOMAIN, Entra, SECRET, TENANT, method};
use keywright::idp::capability::{Cursor, Told};
use keywright::idp::entra::{Access, Api, Settings};
use keywright::idp::http::Limits;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use keywright_test_support::workshop::{DIRECTORY, Workshop};
use serde_json::{Value, json};

/// Derived from the vendor's own; its head says how.
const DESCRIPTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/idp/entra/description.yaml");

fn opened(url: &str, folder: &Path, access: Access, api: Api, total: Duration) -> keywright::idp::entra::Entra {
    tenant(TENANT, url, folder, access, api, total)
}

fn tenant(
    tenant: &str,
    url: &str,
    folder: &Path,
    access: Access,
    api: Api,
    total: Duration,
) -> keywright::idp::entra::Entra {
    let limits = Limits { connect: Duration::from_secs(5), total };
    let connection =
        ConnectionConfig { name: DIRECTORY.into(), folder: folder.to_owned(), limits, ..ConnectionConfig::default() };
    let settings = Settings {
        tenant_id: tenant.to_owned().try_into().unwrap(),
        client_id: "00001111-aaaa-2222-bbbb-3333cccc4444".into(),
        access,
        api,
        graph: url.parse().unwrap(),
        authority: url.parse().unwrap(),
    };
    keywright::idp::entra::Entra::open(&connection, &settings).unwrap()
}

fn by_secret(folder: &Path) -> Access {
    keep(folder, "secret", SECRET);
    Access::Secret("file:secret".parse().unwrap())
}

impl Played for Entra {
    const NAME: &'static str = "entra";
    const REQUESTS: &'static [(Purpose, &'static str, &'static str)] = &[
        (Purpose::Preflight, "POST", "/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token"),
        (
            Purpose::Preflight,
            "GET",
            "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2",
        ),
        (Purpose::Look, "GET", "/v1.0/users/*"),
        (Purpose::Look, "GET", "/v1.0/users/*/authentication/methods"),
        (Purpose::Look, "GET", "/v1.0/reports/authenticationMethods/userRegistrationDetails/*"),
        (Purpose::Look, "GET", "/v1.0/users/*/authentication/fido2Methods/creationOptions"),
        (Purpose::Act, "POST", "/v1.0/users/*/authentication/fido2Methods"),
        (Purpose::Look, "GET", "/v1.0/users/*/authentication/fido2Methods"),
    ];
    const REVOKING: &'static [(&'static str, &'static str)] = &[
        ("GET", "/v1.0/users/*"),
        ("GET", "/v1.0/users/*/authentication/fido2Methods"),
        ("DELETE", "/v1.0/users/*/authentication/fido2Methods/*"),
    ];
    const OTHER_METHODS: &'static [&'static str] = &["password", "phone (mobile)"];

    fn start(logins: &[&str]) -> Option<Self> {
        Entra::start(logins)
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        Box::new(opened(url, folder, by_secret(folder), Api::V1, Duration::from_secs(4)))
    }

    fn has(&self) -> Vec<Option<String>> {
        self.state.lock().unwrap().passkeys.iter().map(|passkey| Some(passkey.credential_id.clone())).collect()
    }

    /// A passkey's name ends with something of its credential id.
    fn struck_out(seen: &[(Request, Answer)]) -> Vec<String> {
        let names = seen.iter().filter_map(|(request, _)| request.json()["displayName"].as_str().map(str::to_owned));
        names.chain([SECRET.to_owned(), "an-access-token".to_owned()]).collect()
    }

    fn expire(&self) {
        self.state.lock().unwrap().challenges.clear();
    }
}

/// The excerpt names types that it leaves out: there they may be anything.
fn described(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(prism::described("graph-openapi-excerpt.yaml")?).unwrap();
    let named = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split(['\'', '"', '\n']).next());
    let missing: BTreeSet<&str> = named.filter(|name| !text.contains(&format!("\n    {name}:"))).collect();
    let anything: String = missing.iter().map(|name| format!("    {name}:\n      type: object\n")).collect();
    let (before, after) = text.split_once("\n  schemas:\n").unwrap();
    let file = folder.join("graph.yaml");
    std::fs::write(&file, format!("{before}\n  schemas:\n{anything}{after}")).unwrap();
    Some(file.to_str().unwrap().to_owned())
}

#[test]
fn two_people_get_two_keys_each_and_graph_knows_every_request() {
    let logins = ["ada", "grace"];
    let Some(fake) = Entra::start(&logins) else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(description) = described(folder.path()) else { return };
    let Some(prism) = Prism::start(&description, &fake.idp.url()) else { return };
    let Some(whole) = Prism::start(DESCRIPTION, &fake.idp.url()) else { return };
    let (described, whole, others) = (prism.url(), whole.url(), fake.idp.url());
    // One excerpt describes registrations on v1.0, and the options of beta; the other what else there is on v1.0.
    let is_described =
        |path: &str| path.contains("/creationOptions") || path.starts_with("/v1.0") && path.contains("/fido2");
    let front = FakeIdp::start(move |request| {
        let to = match request.path.as_str() {
            path if is_described(path) => &described,
            path if path.starts_with("/v1.0") => &whole,
            _ => &others,
        };
        fake_idp::forward(to, request)
    });
    for api in [Api::V1, Api::Beta { challenge_minutes: 60 }] {
        fake.state.lock().unwrap().passkeys.clear();
        let workshop = Workshop::without_directory(4, &logins);
        let access = by_secret(workshop.path());
        // Prism takes its time on a busy machine.
        let directory = opened(&front.url(), workshop.path(), access, api, Duration::from_secs(30));
        played::a_day_at(&directory, &fake, &workshop, &logins);
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
    let Some((fake, workshop, directory)) = played::one_person::<Entra>() else { return };
    played::everybody(directory.as_ref(), &workshop);
    let user = directory.find_user("ada").unwrap();
    let known = workshop.book().credentials.keys().next().unwrap().clone();
    // Another process knows no id.
    let other = Entra::open(&fake.idp.url(), workshop.path());
    assert!(other.has(&user, &known).unwrap());
    fake.state.lock().unwrap().lists_nothing = true;
    assert!(other.has(&user, &known).unwrap());
    fake.state.lock().unwrap().passkeys.clear();
    assert!(!other.has(&user, &known).unwrap());
}

/// An Entra with Ada behind the vendor's description, and her weak methods as they are told.
fn weak(fake: &Entra, others: &[Value], reported: Option<Vec<&'static str>>) -> Option<Vec<String>> {
    {
        let mut state = fake.state.lock().unwrap();
        state.others = others.to_vec();
        state.reported = reported;
    }
    let prism = Prism::start(DESCRIPTION, &fake.idp.url())?;
    let (whole, others) = (prism.url(), fake.idp.url());
    let front = FakeIdp::start(move |request| {
        fake_idp::forward(if request.path.starts_with("/v1.0") { &whole } else { &others }, request)
    });
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&front.url(), folder.path(), by_secret(folder.path()), Api::V1, Duration::from_secs(30));
    let user = directory.find_user("ada").unwrap();
    Some(directory.other_methods(&user).unwrap())
}

#[test]
fn a_pass_that_has_run_out_is_not_weak_and_what_only_the_report_knows_is() {
    let Some(fake) = Entra::start(&["ada"]) else { return };
    let pass = |usable: bool, why: &str| {
        let more =
            json!({ "isUsable": usable, "methodUsabilityReason": why, "lifetimeInMinutes": 60, "isUsableOnce": true });
        method("temporaryAccessPass", "05267842-25b2-4b21-8abd-8e4982796f7f", &more)
    };
    let passkey = |kind: &str| {
        let more = json!({ "displayName": "k", "passkeyType": kind, "aaGuid": "2fc0579f-8113-47ea-b116-bb5a8db9202a" });
        method("fido2", "73e4b2c6-8a2f-4d3e-9b1a-5c7d8e9f0a1b", &more)
    };
    let strong = [passkey("deviceBound"), pass(false, "Expired"), method("windowsHelloForBusiness", "1", &json!({}))];
    let Some(told) = weak(&fake, &strong, Some(vec![])) else { return };
    assert_eq!(told, Vec::<String>::new());
    let told = weak(&fake, &[pass(true, "EnabledByPolicy")], Some(vec!["securityQuestion", "mobilePhone"])).unwrap();
    assert_eq!(told, ["Temporary Access Pass", "security questions"], "a phone that Graph does not list is gone");
    let told = weak(&fake, &strong, None).unwrap();
    assert!(matches!(&told[..], [one] if one.starts_with("cannot tell") && one.contains("Entra ID P1")), "{told:?}");
}

#[test]
fn the_report_is_walked_page_by_page_and_says_how_old_it_is() {
    let Some(fake) = Entra::start(&["ada", "grace", "hedy"]) else { return };
    let Some(prism) = Prism::start(DESCRIPTION, &fake.idp.url()) else { return };
    let (whole, others, told) = (prism.url(), fake.idp.url(), fake.idp.url());
    let front = FakeIdp::start(move |request| {
        let mut answer = fake_idp::forward(if request.path.starts_with("/v1.0") { &whole } else { &others }, request);
        // Links name the address that was asked.
        let host = request.header("host").unwrap();
        answer.body = String::from_utf8(answer.body).unwrap().replace(&told, &format!("http://{host}")).into_bytes();
        answer
    });
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&front.url(), folder.path(), by_secret(folder.path()), Api::V1, Duration::from_secs(30));
    let methods = directory.capabilities().methods.unwrap();
    let page = |after: Option<&Cursor>| match methods.report(after).unwrap().unwrap() {
        Told::Known(page) => page,
        Told::CannotTell(untold) => panic!("{untold}"),
    };
    let first = page(None);
    let second = page(first.next.as_ref());
    let logins: Vec<_> =
        first.listing.found.iter().chain(&second.listing.found).map(|one| one.login.as_str()).collect();
    assert_eq!((logins, second.next), (vec!["ada", "grace", "hedy"], None));
    let ada = &first.listing.found[0];
    assert!(!ada.methods.is_whole() && ada.methods.found.iter().all(|one| one.is_weak()), "{ada:?}");
    fake.state.lock().unwrap().reported = None;
    assert!(matches!(methods.report(None), Some(Ok(Told::CannotTell(untold))) if untold.needs.contains("P1")));
    assert!(methods.report(Some(&Cursor("/v1.0/users".into()))).unwrap().is_err(), "somebody else's cursor");
}

#[test]
fn a_guest_is_refused_before_anything_is_begun() {
    let Some((fake, _workshop, directory)) = played::one_person::<Entra>() else { return };
    fake.state.lock().unwrap().guests = vec!["ada"];
    let error = directory.find_user("ada").unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("guest")), "{error}");
}

#[test]
fn profiles_are_asked_for_and_a_tenant_that_does_not_expand_them_is_asked_without() {
    let Some((fake, _workshop, directory)) = played::one_person::<Entra>() else { return };
    {
        let mut state = fake.state.lock().unwrap();
        state.expands = false;
        state.policy = json!({ "excludeTargets": [{ "targetType": "group", "id": "7a1e" }] });
    }
    let findings = directory.preflight().unwrap();
    assert!(matches!(&findings[..], [one] if one.message.contains("nor sign in")), "{findings:?}");
    let allow = json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [] });
    fake.state.lock().unwrap().policy = json!({ "keyRestrictions": allow });
    let models = BTreeSet::from(["2fc0579f-8113-47ea-b116-bb5a8db9202a".parse().unwrap()]);
    let shut = directory.capabilities().models.unwrap().shut_out(&models).unwrap();
    assert!(shut.is_whole() && shut.found.len() == 1 && shut.found[0].at_sign_in, "{shut:?}");
}

#[test]
fn what_was_said_is_on_record() {
    played::on_record::<Entra>();
}

#[test]
fn a_dry_run_changes_nothing() {
    played::only_tried::<Entra>();
}

#[test]
fn a_switch_that_is_off_is_told_before_the_first_key() {
    let Some((fake, _workshop, directory)) = played::one_person::<Entra>() else { return };
    assert_eq!(directory.preflight().unwrap(), []);
    fake.state.lock().unwrap().self_service = false;
    let findings = directory.preflight().unwrap();
    assert!(findings.iter().any(|one| one.blocks && one.message.contains("self-service")), "{findings:?}");
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn a_registration_whose_time_runs_out_is_begun_anew() {
    played::too_late::<Entra>();
}

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    played::one_fault::<Entra>();
}

#[test]
fn one_request_goes_wrong_while_a_key_is_revoked_and_the_next_try_ends_it() {
    played::one_fault_in_a_revocation::<Entra>();
}

#[test]
fn an_entra_that_nobody_reaches_is_an_error_and_nothing_else() {
    played::unreachable::<Entra>();
}

#[test]
fn a_tenant_is_one_instance_by_its_id_and_by_its_domain() {
    let Some(entra) = Entra::start(&["ada@example.org"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        tenant(name, &entra.idp.url(), folder.path(), by_secret(folder.path()), Api::V1, Duration::from_secs(5))
    };
    let by_id = open(TENANT).instance().unwrap();
    assert_eq!(open(DOMAIN).instance().unwrap(), by_id);
    assert_eq!(open(&TENANT.to_uppercase()).instance().unwrap(), by_id);
    assert!(by_id.to_string().contains(TENANT));
    assert!(open("other.example").instance().is_err());
}

#[test]
fn a_dry_run_hears_that_a_registration_would_be_refused() {
    let Some(entra) = Entra::start(&["ada@example.org"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let access = by_secret(folder.path());
    let directory = opened(&entra.idp.url(), folder.path(), access, Api::V1, Duration::from_secs(5));
    let user = directory.find_user("ada@example.org").unwrap();
    directory.try_registration(&user).unwrap();
    entra.state.lock().unwrap().self_service = false;
    assert!(directory.try_registration(&user).is_err());
    assert!(entra.state.lock().unwrap().passkeys.is_empty(), "it changes nothing");
}
