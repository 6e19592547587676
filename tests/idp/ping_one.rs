//! People get their keys at PingOne: all goes well, everything goes wrong once, and nothing is there twice.

mod environment;
mod estate;
mod fake;

use crate::played;
use std::path::Path;
use std::time::Duration;

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::played::{Played, Purpose, keep};
use fake::{CLIENT, ENVIRONMENT, POLICY, PingOne, RP_ID, SECRET};
use keywright::idp::capability::Listing;
use keywright::idp::http::Limits;
use keywright::idp::ping_one::Settings;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use keywright_fido::webauthn::Aaguid;
use keywright_test_support::workshop::DIRECTORY;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

impl Played for PingOne {
    const NAME: &'static str = "ping-one";
    const REQUESTS: &'static [(Purpose, &'static str, &'static str)] = &[
        (Purpose::Preflight, "POST", "/*/as/token"),
        (Purpose::Preflight, "GET", "/v1/environments/*/fido2Policies"),
        (Purpose::Preflight, "GET", "/v1/environments/*/deviceAuthenticationPolicies/*"),
        (Purpose::Preflight, "GET", "/v1/environments/*/users"),
        (Purpose::Look, "GET", "/v1/environments/*/users/*"),
        (Purpose::Look, "GET", "/v1/environments/*/users/*/devices"),
        (Purpose::Act, "POST", "/v1/environments/*/users/*/devices"),
        (Purpose::Act, "POST", "/v1/environments/*/users/*/devices/*"),
        (Purpose::TakeBack, "GET", "/v1/environments/*/users/*/devices/*"),
        (Purpose::TakeBack, "DELETE", "/v1/environments/*/users/*/devices/*"),
    ];
    const REVOKING: &'static [(&'static str, &'static str)] = &[
        ("GET", "/v1/environments/*/users"),
        ("GET", "/v1/environments/*/users/*/devices"),
        ("DELETE", "/v1/environments/*/users/*/devices/*"),
    ];
    const OTHER_METHODS: &'static [&'static str] = &["SMS"];

    fn start(logins: &[&str]) -> Option<Self> {
        PingOne::start(logins)
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
        Box::new(keywright::idp::ping_one::PingOne::open(&connection, &settings).unwrap())
    }

    fn has(&self) -> Vec<Option<String>> {
        self.state.lock().unwrap().devices.iter().map(|device| device.credential_id.clone()).collect()
    }

    fn struck_out(_: &[(Request, Answer)]) -> Vec<String> {
        vec!["an-access-token".into()]
    }

    fn expire(&self) {
        self.state.lock().unwrap().devices.retain(|device| device.credential_id.is_some());
    }
}

#[test]
fn two_people_get_two_keys_each_and_one_is_lost() {
    played::a_day::<PingOne>();
}

#[test]
fn a_user_with_too_many_devices_is_told_so() {
    let Some((_fake, _workshop, directory)) = played::one_person::<PingOne>() else { return };
    let user = directory.find_user("ada").unwrap();
    let begun: Vec<_> = (0..4).map(|_| directory.begin(&user).unwrap().pending.unwrap()).collect();
    assert_eq!(directory.pending(&user).unwrap(), begun);
    let error = directory.begin(&user).unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("5 devices")), "{error}");
}

/// What the preflight finds, after the state was changed like this.
fn found(change: impl FnOnce(&mut fake::State)) -> Option<Vec<(bool, String)>> {
    let (fake, _workshop, directory) = played::one_person::<PingOne>()?;
    change(&mut fake.state.lock().unwrap());
    let findings = directory.preflight().unwrap().into_iter();
    Some(findings.map(|finding| (finding.blocks, finding.message)).collect())
}

#[test]
fn the_policy_in_force_is_the_one_that_the_mfa_policy_names() {
    let only = |change: &dyn Fn(&mut fake::State)| {
        let found = found(change)?;
        let [one] = <[_; 1]>::try_from(found).unwrap_or_else(|found| panic!("{found:?}"));
        Some(one)
    };
    let platform = |state: &mut fake::State| state.fido2_policy = json!({ "authenticatorAttachment": "PLATFORM" });
    let Some((true, words)) = only(&platform) else { return };
    assert!(words.contains("every security key"), "{words}");
    let specific = json!({ "option": "SPECIFIC", "allowedAuthenticators": [{ "id": MODEL }], "enforceDuringAuthentication": true });
    let models = |state: &mut fake::State| {
        state.fido2_policy = json!({ "mdsAuthenticatorsRequirements": specific });
    };
    let (false, words) = only(&models).unwrap() else { panic!("it lets some in") };
    assert!(words.contains(MODEL) && words.contains("and sign in"), "{words}");
    let audited = json!({ "option": "AUDIT_ONLY", "enforceDuringAuthentication": false });
    let nothing = found(|state| state.fido2_policy = json!({ "mdsAuthenticatorsRequirements": audited })).unwrap();
    assert_eq!(nothing, []);
    // Another policy than the default one is in force.
    let (false, words) = only(&|state| state.fido2_devices = json!({ "fido2PolicyId": "0ther" })).unwrap() else {
        panic!("it may be right")
    };
    assert!(words.contains("old.example.org"), "{words}");
    let (true, words) = only(&|state| state.fido2_devices = json!({ "enabled": false })).unwrap() else {
        panic!("nobody can have a key")
    };
    assert!(words.contains("MFA policy Staff"), "{words}");
}

#[test]
fn models_that_are_handed_out_are_held_against_the_list() {
    let Some((fake, _workshop, directory)) = played::one_person::<PingOne>() else { return };
    let (known, other): (Aaguid, Aaguid) = (MODEL.parse().unwrap(), Aaguid([7; 16]));
    let shut = || directory.capabilities().models.unwrap().shut_out(&BTreeSet::from([known, other])).unwrap();
    assert_eq!(shut(), Listing::default());
    let set =
        |models: Value| fake.state.lock().unwrap().fido2_policy = json!({ "mdsAuthenticatorsRequirements": models });
    set(
        json!({ "option": "SPECIFIC", "allowedAuthenticators": [{ "id": MODEL }], "enforceDuringAuthentication": false }),
    );
    assert!(matches!(&shut().found[..], [one] if one.model == other && !one.at_sign_in));
    for not_told in ["CERTIFIED", "GLOBAL"] {
        set(json!({ "option": not_told, "enforceDuringAuthentication": true }));
        assert!(!shut().is_whole(), "{not_told}");
    }
}

#[test]
fn an_account_without_mfa_and_one_that_is_locked_do_not_look_well() {
    let Some((fake, workshop, directory)) = played::one_person::<PingOne>() else { return };
    let user = directory.find_user("ada").unwrap();
    fake.state.lock().unwrap().account = json!({ "mfaEnabled": false });
    let told = directory.other_methods(&user).unwrap();
    assert!(matches!(&told[..], [off, sms] if off.contains("MFA is off") && sms == "SMS"), "{told:?}");
    for locked in
        [json!({ "status": "LOCKED", "canAuthenticate": true }), json!({ "status": "OK", "canAuthenticate": false })]
    {
        fake.state.lock().unwrap().account = json!({ "account": locked });
        assert!(!directory.find_user("ada").unwrap().active);
    }
    fake.state.lock().unwrap().account = json!({});
    played::everybody(directory.as_ref(), &workshop);
    fake.state.lock().unwrap().blocked = true;
    let [key] = directory.list(&user).unwrap().try_into().unwrap();
    assert!(!key.in_service, "an administrator blocked it");
    let blocked = json!({ "id": "b", "type": "TOTP", "status": "ACTIVE", "block": { "status": "BLOCKED" } });
    let locked = json!({ "id": "l", "type": "EMAIL", "status": "ACTIVE", "lock": { "status": "LOCKED" } });
    let new = json!({ "id": "n", "type": "TELEPATHY", "status": "ACTIVE" });
    fake.state.lock().unwrap().others = vec![blocked, locked, new];
    assert_eq!(directory.other_methods(&user).unwrap(), ["EMAIL", "TELEPATHY"], "a lock ends by itself");
}

#[test]
fn a_device_gets_another_nickname() {
    let Some((_fake, workshop, directory)) = played::one_person::<PingOne>() else { return };
    played::everybody(directory.as_ref(), &workshop);
    let user = directory.find_user("ada").unwrap();
    let key = || <[_; 1]>::try_from(directory.list(&user).unwrap()).unwrap()[0].clone();
    let labels = directory.capabilities().labels.unwrap();
    for _ in 0..2 {
        labels.relabel(&user, &key(), "blue").unwrap();
        assert_eq!(key().label, "blue");
    }
    let gone = keywright::idp::Registered { id: "gone".into(), ..key() };
    assert!(matches!(labels.relabel(&user, &gone, "red"), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn what_was_said_is_on_record() {
    played::on_record::<PingOne>();
}

#[test]
fn a_dry_run_changes_nothing() {
    played::only_tried::<PingOne>();
}

#[test]
fn a_token_without_rights_is_told_before_the_first_key() {
    let Some((fake, _workshop, directory)) = played::one_person::<PingOne>() else { return };
    assert_eq!(directory.preflight().unwrap(), []);
    fake.state.lock().unwrap().powerless = true;
    let findings = directory.preflight().unwrap();
    let [lacks, _policy, _policies] = &findings[..] else { panic!("{findings:?}") };
    assert!(lacks.blocks && lacks.message.contains("Identity Data Admin"), "{lacks:?}");
    fake.state.lock().unwrap().powerless = false;
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn what_is_registered_is_not_abandoned_and_what_is_gone_is_no_error() {
    played::taken_back::<PingOne>();
}

#[test]
fn a_registration_whose_time_runs_out_is_begun_anew() {
    played::too_late::<PingOne>();
}

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    played::one_fault::<PingOne>();
}

#[test]
fn one_request_goes_wrong_while_a_key_is_revoked_and_the_next_try_ends_it() {
    played::one_fault_in_a_revocation::<PingOne>();
}

#[test]
fn a_ping_one_that_nobody_reaches_is_an_error_and_nothing_else() {
    played::unreachable::<PingOne>();
}
