//! People get their keys at PingOne: all goes well, everything goes wrong once, and nothing is there twice.

mod fake;

use crate::played;
use std::path::Path;
use std::time::Duration;

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::played::{Played, Purpose, keep};
use fake::{CLIENT, ENVIRONMENT, POLICY, PingOne, RP_ID, SECRET};
use keywright::idp::http::Limits;
use keywright::idp::ping_one::Settings;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use keywright_test_support::workshop::DIRECTORY;

impl Played for PingOne {
    const NAME: &'static str = "ping-one";
    const REQUESTS: &'static [(Purpose, &'static str, &'static str)] = &[
        (Purpose::Preflight, "POST", "/*/as/token"),
        (Purpose::Preflight, "GET", "/v1/environments/*/fido2Policies"),
        (Purpose::Preflight, "GET", "/v1/environments/*/users"),
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
    let [lacks, _policies] = &findings[..] else { panic!("{findings:?}") };
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
