//! People get their keys at Auth0: all goes well, everything goes wrong once, and nothing is there twice.

mod estate;
mod tenant;

use std::path::Path;
use std::time::Duration;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use keywright::idp::auth0::{Auth0, Settings};
use keywright::idp::http::Limits;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use keywright::register::Credential;
use keywright_fido::webauthn::CredentialId;
use keywright_test_support::workshop::{DIRECTORY, Workshop};
use serde_json::json;

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::played::{self, Played, Purpose, keep};
use tenant::{CLIENT, RP_ID, SECRET, State, Tenant, id_of};

fn open(connection: &ConnectionConfig, url: &str) -> Box<dyn Directory> {
    let settings = Settings {
        url: url.parse().unwrap(),
        client_id: CLIENT.into(),
        client_secret: "file:secret".parse().unwrap(),
        rp_id: RP_ID.parse().unwrap(),
        origin: None,
    };
    Box::new(Auth0::open(connection, &settings).unwrap())
}

impl Played for Tenant {
    const NAME: &'static str = "auth0";
    const REQUESTS: &'static [(Purpose, &'static str, &'static str)] = &[
        (Purpose::Preflight, "POST", "/oauth/token"),
        (Purpose::Preflight, "GET", "/api/v2/custom-domains"),
        (Purpose::Preflight, "GET", "/api/v2/connections"),
        (Purpose::Look, "GET", "/api/v2/users"),
        (Purpose::Look, "GET", "/api/v2/users/*"),
        (Purpose::Look, "GET", "/api/v2/users/*/authentication-methods"),
        (Purpose::Act, "POST", "/api/v2/users/*/authentication-methods"),
    ];
    const REVOKING: &'static [(&'static str, &'static str)] = &[
        ("GET", "/api/v2/users"),
        ("GET", "/api/v2/users/*"),
        ("GET", "/api/v2/users/*/authentication-methods"),
        ("DELETE", "/api/v2/users/*/authentication-methods/*"),
    ];
    const OTHER_METHODS: &'static [&'static str] = &["phone", "password"];

    /// Nobody verifies what is registered, so nothing has to be installed.
    fn start(logins: &[&str]) -> Option<Self> {
        Some(Tenant::start(logins).with_phones())
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        keep(folder, "secret", SECRET);
        let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(4) };
        let connection = ConnectionConfig {
            name: DIRECTORY.into(),
            folder: folder.to_owned(),
            limits,
            ..ConnectionConfig::default()
        };
        open(&connection, url)
    }

    fn has(&self) -> Vec<Option<String>> {
        self.credentials()
    }

    fn struck_out(_: &[(Request, Answer)]) -> Vec<String> {
        vec![SECRET.into()]
    }

    /// Nothing is ever begun there.
    fn expire(&self) {}
}

#[test]
fn two_people_get_two_keys_each_and_one_is_lost() {
    played::a_day::<Tenant>();
}

/// What was registered is the public key of the ledger, as Auth0 keeps one, with the account's one user handle.
#[test]
fn what_is_registered_is_what_the_key_made() {
    let logins = ["ada"];
    let tenant = Tenant::start(&logins);
    let workshop = Workshop::without_directory(2, &logins);
    let directory = <Tenant as Played>::open(&tenant.idp.url(), workshop.path());
    played::everybody(directory.as_ref(), &workshop);
    let book = workshop.book();
    let methods = tenant.state.lock().unwrap().methods.clone();
    assert_eq!(methods.len(), 2);
    for method in &methods {
        let id: CredentialId = method["key_id"].as_str().unwrap().parse().unwrap();
        let credential = &book.credentials[&id];
        let public_key = BASE64.decode(method["public_key"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(Credential::print(&BASE64URL_NOPAD.encode(&public_key)), credential.public_key_print);
        assert_eq!(method["credential_device_type"], "single_device");
        assert_eq!(method["aaguid"], json!(credential.key.aaguid));
    }
    assert_eq!(methods[0]["user_handle"], methods[1]["user_handle"], "a passkey signs in by it");
    // One that is there already is taken over.
    let tenant = Tenant::start(&logins);
    let known = BASE64URL_NOPAD.encode(&[7; 64]);
    let there = json!({ "type": "passkey", "key_id": "AAAA", "user_handle": known });
    tenant::put(&mut tenant.state.lock().unwrap(), &id_of("ada"), &there);
    let directory = <Tenant as Played>::open(&tenant.idp.url(), workshop.path());
    let ceremony = directory.begin(&directory.find_user("ada").unwrap()).unwrap();
    assert_eq!(ceremony.options.user.id.to_string(), known);
    assert_eq!(ceremony.options.exclude_credentials.len(), 1);
}

/// What the preflight finds besides what is always said, after the state was changed like this.
fn found(change: impl FnOnce(&mut State)) -> Vec<(bool, String)> {
    let (tenant, _workshop, directory) = played::one_person::<Tenant>().unwrap();
    change(&mut tenant.state.lock().unwrap());
    let findings = directory.preflight().unwrap().into_iter();
    findings.skip(1).map(|finding| (finding.blocks, finding.message)).collect()
}

#[test]
fn what_would_keep_a_passkey_from_opening_anything_is_told_before_the_first_key() {
    let only = |change: &dyn Fn(&mut State)| {
        let [one] = <[_; 1]>::try_from(found(change)).unwrap_or_else(|found| panic!("{found:?}"));
        one
    };
    assert_eq!(found(|_| {}), []);
    let (blocks, words) = only(&|state| state.scopes = state.scopes.replace("create:authentication_methods ", ""));
    assert!(blocks && words.contains("create:authentication_methods"), "{words}");
    let (blocks, words) = only(&|state| state.domains = json!([]));
    assert!(blocks && words.contains(RP_ID), "{words}");
    let domain = |rp_id: &str| {
        json!([{ "custom_domain_id": "c", "domain": "id.example.org", "primary": true, "status": "ready",
            "type": "auth0_managed_certs", "relying_party_identifier": rp_id }])
    };
    assert_eq!(found(|state| state.domains = domain(RP_ID)), []);
    assert!(only(&|state| state.domains = domain("example.org")).0);
    let (blocks, words) = only(&|state| state.passkeys_enabled = false);
    assert!(blocks && words.contains("Authentication Methods"), "{words}");
    for list in ["/custom-domains", "/connections"] {
        let (blocks, words) = only(&|state| state.refused = vec![list]);
        assert!(!blocks && words.contains("cannot tell"), "{words}");
    }
}

#[test]
fn what_is_registered_is_not_abandoned_and_what_is_gone_is_no_error() {
    let (tenant, workshop, directory) = played::one_person::<Tenant>().unwrap();
    played::everybody(directory.as_ref(), &workshop);
    let user = directory.find_user("ada").unwrap();
    let [key] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(matches!(directory.abandon(&user, &key.id), Err(DirectoryError::Refused { .. })));
    directory.abandon(&user, "passkey|dev_gone").unwrap();
    assert_eq!((tenant.credentials().len(), directory.pending(&user).unwrap()), (1, Vec::new()));
    for _ in 0..2 {
        directory.revoke(&user, &key).unwrap();
    }
    assert_eq!(tenant.credentials(), []);
}

#[test]
fn a_key_gets_another_name() {
    let (_tenant, workshop, directory) = played::one_person::<Tenant>().unwrap();
    played::everybody(directory.as_ref(), &workshop);
    let user = directory.find_user("ada").unwrap();
    let key = || <[_; 1]>::try_from(directory.list(&user).unwrap()).unwrap()[0].clone();
    let labels = directory.capabilities().labels.unwrap();
    labels.relabel(&user, &key(), "blue").unwrap();
    assert_eq!(key().label, "blue");
    let gone = keywright::idp::Registered { id: "gone".into(), ..key() };
    assert!(matches!(labels.relabel(&user, &gone, "red"), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn what_was_said_is_on_record() {
    played::on_record::<Tenant>();
}

#[test]
fn a_dry_run_changes_nothing() {
    played::only_tried::<Tenant>();
}

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    played::one_fault::<Tenant>();
}

#[test]
fn one_request_goes_wrong_while_a_key_is_revoked_and_the_next_try_ends_it() {
    played::one_fault_in_a_revocation::<Tenant>();
}

#[test]
fn an_auth0_that_nobody_reaches_is_an_error_and_nothing_else() {
    played::unreachable::<Tenant>();
}
