//! People get their keys at a Zitadel: all goes well, everything goes wrong once, and nothing is there twice.

mod estate;
mod fake;
mod people;

use crate::played;
use std::path::Path;
use std::time::Duration;

use crate::fake_idp::{FakeIdp, Request};
use crate::played::{Played, Purpose, keep};
use fake::{DOMAIN, PAT, Zitadel};
use keywright::idp::http::Limits;
use keywright::idp::zitadel::Settings;
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use keywright_test_support::workshop::DIRECTORY;

impl Played for Zitadel {
    const NAME: &'static str = "zitadel";
    /// `passkeys/*` is `verify` before it is `_search`.
    const REQUESTS: &'static [(Purpose, &'static str, &'static str)] = &[
        (Purpose::Preflight, "POST", "/auth/v1/permissions/zitadel/me/_search"),
        (Purpose::Look, "POST", "/v2/users"),
        (Purpose::Look, "GET", "/v2/users/*/authentication_methods"),
        (Purpose::Act, "POST", "/v2/users/*/passkeys"),
        (Purpose::Act, "POST", "/v2/users/*/passkeys/*"),
        (Purpose::Look, "POST", "/v2/users/*/passkeys/_search"),
        (Purpose::TakeBack, "DELETE", "/v2/users/*/passkeys/*"),
    ];
    const REVOKING: &'static [(&'static str, &'static str)] =
        &[("POST", "/v2/users"), ("POST", "/v2/users/*/passkeys/_search"), ("DELETE", "/v2/users/*/passkeys/*")];
    const RENEWS: bool = false;
    const OTHER_METHODS: &'static [&'static str] = &["PASSWORD", "OTP_SMS"];

    fn start(logins: &[&str]) -> Option<Self> {
        Zitadel::start(logins)
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        keep(folder, "pat", PAT);
        let limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(4) };
        let connection = ConnectionConfig {
            name: DIRECTORY.into(),
            folder: folder.to_owned(),
            limits,
            ..ConnectionConfig::default()
        };
        let settings = Settings {
            url: url.parse().unwrap(),
            token: "file:pat".parse().unwrap(),
            domain: Some(DOMAIN.parse().unwrap()),
            origin: None,
            organization: None,
        };
        Box::new(keywright::idp::zitadel::Zitadel::open(&connection, &settings).unwrap())
    }

    fn has(&self) -> Vec<Option<String>> {
        self.state.lock().unwrap().passkeys.iter().map(|passkey| passkey.credential_id.clone()).collect()
    }

    /// Zitadel asks questions with POST.
    fn changes(request: &Request) -> bool {
        request.writes() && !request.path.ends_with("/_search") && request.path != "/v2/users"
    }

    fn may_leave(method: &str, path: &str) -> bool {
        (method, path) == ("POST", "/v2/users/*/passkeys")
    }

    fn expire(&self) {
        self.state.lock().unwrap().passkeys.retain(|passkey| passkey.credential_id.is_some());
    }
}

#[test]
fn two_people_get_two_keys_each_and_one_is_lost() {
    played::a_day::<Zitadel>();
}

#[test]
fn methods_are_those_of_the_domain_and_what_is_unknown_is_weak() {
    let Some((fake, _workshop, directory)) = played::one_person::<Zitadel>() else { return };
    let user = directory.find_user("ada").unwrap();
    let methods = || directory.capabilities().methods.unwrap().methods(&user).unwrap();
    {
        let mut state = fake.state.lock().unwrap();
        state.methods = vec!["PASSKEY", "IDP", "RECOVERY_CODE", "BRAIN_WAVE"];
        state.elsewhere = vec!["U2F"];
        state.links = vec![("312", "ada@elsewhere.example"), ("313", "ada")];
    }
    let kinds: Vec<_> = methods().found.into_iter().map(|one| (one.kind.clone(), one.is_weak())).collect();
    let expected = [("PASSKEY", false), ("IDP", true), ("IDP", true), ("RECOVERY_CODE", true), ("BRAIN_WAVE", true)];
    assert_eq!(kinds, expected.map(|(kind, weak)| (kind.to_owned(), weak)));
    fake.state.lock().unwrap().methods_hidden = true;
    let told = directory.other_methods(&user).unwrap();
    assert!(matches!(&told[..], [one] if one.starts_with("cannot tell") && one.contains("user.read")), "{told:?}");
}

#[test]
fn what_was_said_is_on_record() {
    played::on_record::<Zitadel>();
}

#[test]
fn a_dry_run_changes_nothing() {
    played::only_tried::<Zitadel>();
}

#[test]
fn a_token_without_rights_is_told_before_the_first_key() {
    let Some((fake, _workshop, directory)) = played::one_person::<Zitadel>() else { return };
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
    played::taken_back::<Zitadel>();
}

#[test]
fn a_registration_whose_time_runs_out_is_begun_anew() {
    played::too_late::<Zitadel>();
}

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    played::one_fault::<Zitadel>();
}

#[test]
fn one_request_goes_wrong_while_a_key_is_revoked_and_the_next_try_ends_it() {
    played::one_fault_in_a_revocation::<Zitadel>();
}

#[test]
fn a_zitadel_that_nobody_reaches_is_an_error_and_nothing_else() {
    played::unreachable::<Zitadel>();
}
