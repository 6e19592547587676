//! People get their keys at an Okta org: all goes well, everything goes wrong once, and nothing is there twice.

mod estate;
mod fake;
mod org;

use crate::played;
use std::path::Path;
use std::time::Duration;

use crate::fake_idp::FakeIdp;
use crate::played::{Played, Purpose, keep};
use crate::prism::Prism;
use fake::{ORIGIN, Okta, Other, TOKEN};
use keywright::idp::capability::weaker_ways;
use keywright::idp::http::Limits;
use keywright::idp::okta::{Access, Settings};
use keywright::idp::{ConnectionConfig, Directory, DirectoryError};
use keywright::secret::SecretSource;
use keywright_test_support::workshop::{DIRECTORY, Workshop};

/// Cut from the vendor's own; its head says where from.
const DESCRIPTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/idp/okta/description.yaml");

fn opened(url: &str, folder: &Path, access: Access, total: Duration) -> keywright::idp::okta::Okta {
    let limits = Limits { connect: Duration::from_secs(5), total };
    let connection =
        ConnectionConfig { name: DIRECTORY.into(), folder: folder.to_owned(), limits, ..ConnectionConfig::default() };
    let settings = Settings { url: url.parse().unwrap(), access, origin: Some(ORIGIN.parse().unwrap()) };
    keywright::idp::okta::Okta::open(&connection, &settings).unwrap()
}

impl Played for Okta {
    const NAME: &'static str = "okta";
    const REQUESTS: &'static [(Purpose, &'static str, &'static str)] = &[
        (Purpose::Preflight, "GET", "/api/v1/users"),
        (Purpose::Preflight, "GET", "/api/v1/authenticators"),
        (Purpose::Preflight, "GET", "/api/v1/authenticators/*/methods/webauthn"),
        (Purpose::Preflight, "GET", "/api/v1/policies"),
        (Purpose::Look, "GET", "/api/v1/users/*"),
        (Purpose::Look, "GET", "/api/v1/users/*/factors"),
        (Purpose::Look, "GET", "/api/v1/users/*/authenticator-enrollments"),
        (Purpose::Act, "POST", "/api/v1/users/*/factors"),
        (Purpose::Act, "POST", "/api/v1/users/*/factors/*/lifecycle/activate"),
        (Purpose::TakeBack, "GET", "/api/v1/users/*/factors/*"),
        (Purpose::TakeBack, "DELETE", "/api/v1/users/*/factors/*"),
    ];
    const REVOKING: &'static [(&'static str, &'static str)] =
        &[("GET", "/api/v1/users/*"), ("GET", "/api/v1/users/*/factors"), ("DELETE", "/api/v1/users/*/factors/*")];
    const RENEWS: bool = false;
    const OTHER_METHODS: &'static [&'static str] = &["sms", "password"];

    fn start(logins: &[&str]) -> Option<Self> {
        Okta::start(logins)
    }

    fn server(&self) -> &FakeIdp {
        &self.idp
    }

    fn open(url: &str, folder: &Path) -> Box<dyn Directory> {
        Box::new(opened(url, folder, by_token(folder), Duration::from_secs(4)))
    }

    fn has(&self) -> Vec<Option<String>> {
        self.state.lock().unwrap().factors.iter().map(|factor| factor.credential_id.clone()).collect()
    }

    fn expire(&self) {
        self.state.lock().unwrap().factors.retain(|factor| factor.credential_id.is_some());
    }
}

fn by_token(folder: &Path) -> Access {
    keep(folder, "token", TOKEN);
    Access::Token("file:token".parse().unwrap())
}

#[test]
fn two_people_get_two_keys_each_and_okta_knows_every_request() {
    let logins = ["ada", "grace"];
    let Some(fake) = Okta::start(&logins) else { return };
    let Some(prism) = Prism::start(DESCRIPTION, &fake.idp.url()) else { return };
    let workshop = Workshop::without_directory(4, &logins);
    // Prism takes its time on a busy machine.
    let directory = opened(&prism.url(), workshop.path(), by_token(workshop.path()), Duration::from_secs(30));
    played::a_day_at(&directory, &fake, &workshop, &logins);
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
    played::a_day_at(&directory, &fake, &workshop, &logins);
}

#[test]
fn a_custom_rp_id_is_the_one_that_credentials_are_for() {
    let Some((fake, workshop, directory)) = played::one_person::<Okta>() else { return };
    fake.state.lock().unwrap().rp_id = Some("example.org".into());
    played::everybody(directory.as_ref(), &workshop);
    let user = directory.find_user("ada").unwrap();
    assert_eq!(directory.begin(&user).unwrap().options.rp.id.as_str(), "example.org");

    fake.state.lock().unwrap().rp_id = Some("example.com".into());
    let findings = directory.preflight().unwrap();
    assert!(findings.iter().any(|finding| finding.blocks && finding.message.contains("example.com")), "{findings:?}");
}

#[test]
fn a_factor_that_the_list_leaves_out_is_found_by_its_enrolment() {
    let Some((fake, workshop, directory)) = played::one_person::<Okta>() else { return };
    fake.state.lock().unwrap().hides_factors = true;
    played::everybody(directory.as_ref(), &workshop);
    workshop.everything_agrees_at(directory.as_ref(), &workshop.rack(), &["ada"], 1);
}

/// The kinds of Ada's methods, and the weak ones, as they are told.
fn ways(directory: &dyn Directory) -> (Vec<String>, Vec<String>) {
    let user = directory.find_user("ada").unwrap();
    let methods = directory.capabilities().methods.unwrap().methods(&user).unwrap();
    let kinds = methods.found.iter().map(|method| method.kind.clone()).collect();
    assert_eq!(weaker_ways(&methods), directory.other_methods(&user).unwrap());
    (kinds, weaker_ways(&methods))
}

#[test]
fn both_lists_are_read_and_merged() {
    let Some((fake, _workshop, directory)) = played::one_person::<Okta>() else { return };
    let set = |others: Vec<Other>| fake.state.lock().unwrap().others = others;
    // FastPass resists phishing, and its enrolment has nothing else.
    set(vec![Other::factor("fp", "signed_nonce", "OKTA", "ACTIVE"), Other::enrollment("ov", "okta_verify", "ACTIVE")]);
    assert_eq!(ways(directory.as_ref()), (vec!["signed_nonce".into()], vec![]));
    // What the policy does not ask for is in no list but the second.
    set(vec![
        Other::factor("fp", "signed_nonce", "OKTA", "ACTIVE"),
        Other::enrollment("em", "okta_email", "ACTIVE"),
        Other::enrollment("go", "google_otp", "ACTIVE"),
        Other::enrollment("bw", "brain_wave", "ACTIVE"),
        Other::enrollment("tc", "tac", "EXPIRED"),
    ]);
    assert_eq!(ways(directory.as_ref()).1, ["email", "google_otp", "brain_wave"]);
    // Codes of Okta Verify say nothing of Google's.
    set(vec![
        Other::factor("ot", "token:software:totp", "OKTA", "ACTIVE"),
        Other::factor("ps", "push", "OKTA", "INACTIVE"),
        Other::factor("qu", "question", "OKTA", "PENDING_ACTIVATION"),
        Other::enrollment("go", "google_otp", "ACTIVE"),
        Other::enrollment("ov", "okta_verify", "ACTIVE"),
    ]);
    let (kinds, weak) = ways(directory.as_ref());
    assert_eq!(kinds, ["token:software:totp", "push", "google_otp"]);
    assert_eq!(weak, ["token:software:totp", "google_otp"]);
}

#[test]
fn a_list_that_is_refused_is_never_an_empty_one() {
    let Some((fake, _workshop, directory)) = played::one_person::<Okta>() else { return };
    fake.state.lock().unwrap().others.clear();
    assert_eq!(ways(directory.as_ref()).1, Vec::<String>::new());
    fake.state.lock().unwrap().classic = true;
    let weak = ways(directory.as_ref()).1;
    let [untold] = &weak[..] else { panic!("{weak:?}") };
    assert!(untold.starts_with("cannot tell") && untold.contains("okta.users.read"), "{untold}");
}

#[test]
fn an_account_has_ten_passkeys_and_is_told_so() {
    let Some((_fake, _workshop, directory)) = played::one_person::<Okta>() else { return };
    let user = directory.find_user("ada").unwrap();
    (0..10).for_each(|_| drop(directory.begin(&user).unwrap()));
    let error = directory.begin(&user).unwrap_err();
    assert!(matches!(&error, DirectoryError::Refused { why, .. } if why.contains("10 passkeys")), "{error}");
}

#[test]
fn a_policy_that_lets_no_key_in_is_told_before_the_first_one() {
    let Some((fake, _workshop, directory)) = played::one_person::<Okta>() else { return };
    fake.state.lock().unwrap().security_keys = "NOT_ALLOWED";
    let findings = directory.preflight().unwrap();
    assert!(matches!(&findings[..], [one] if one.blocks && one.message.contains("\"Everybody\"")), "{findings:?}");
    fake.state.lock().unwrap().policies_hidden = true;
    let findings = directory.preflight().unwrap();
    assert!(
        matches!(&findings[..], [one] if !one.blocks && one.message.contains("okta.policies.read")),
        "{findings:?}"
    );
}

#[test]
fn a_token_without_rights_is_told_before_the_first_key() {
    let Some((fake, _workshop, directory)) = played::one_person::<Okta>() else { return };
    assert_eq!(directory.preflight().unwrap(), []);
    fake.state.lock().unwrap().powerless = true;
    let findings = directory.preflight().unwrap();
    let [lacks] = &findings[..] else { panic!("{findings:?}") };
    assert!(lacks.blocks && lacks.message.contains("Help Desk Administrator"), "{lacks:?}");
    assert!(matches!(directory.find_user("nobody"), Err(DirectoryError::NotFound { .. })));
    assert!(matches!(directory.find_user("a/b"), Err(DirectoryError::Refused { .. })));
}

#[test]
fn what_was_said_is_on_record() {
    played::on_record::<Okta>();
}

#[test]
fn a_dry_run_changes_nothing() {
    played::only_tried::<Okta>();
}

#[test]
fn what_is_registered_is_not_abandoned_and_what_is_gone_is_no_error() {
    played::taken_back::<Okta>();
}

#[test]
fn a_registration_whose_time_runs_out_is_begun_anew() {
    played::too_late::<Okta>();
}

#[test]
fn one_request_goes_wrong_once_and_the_next_run_ends_it() {
    played::one_fault::<Okta>();
}

#[test]
fn one_request_goes_wrong_while_a_key_is_revoked_and_the_next_try_ends_it() {
    played::one_fault_in_a_revocation::<Okta>();
}

#[test]
fn a_script_learns_from_the_exit_code_whether_somebody_or_nobody_was_served() {
    use keywright_test_support::fault_proxy::{Fault, FaultProxy, Reply, Which};
    const BEGIN: (&str, &str) = ("POST", "/api/v1/users/*/factors");
    let run = |fault: &dyn Fn(&FaultProxy)| {
        let fake = Okta::start(&["ada", "grace"])?;
        let proxy = FaultProxy::start(&fake.idp.url());
        fault(&proxy);
        let home = keywright_test_support::cli::Home::new();
        let token = home.secret("token", TOKEN);
        let reader = age::x25519::Identity::generate().to_public();
        let settings = format!(
            "readers = [\"vault={reader}\"]\n[idp.acme]\nkind = \"okta\"\nurl = \"{}\"\ntoken = \"{token}\"\norigin = \"{ORIGIN}\"\n",
            proxy.url()
        );
        let settings = home.file("keywright.toml", &settings);
        let roster = home.file("roster.csv", "account,profile\nada,admin\ngrace,admin\n");
        let provision = ["provision", &roster, "--softkeys", "4", "--config", &settings, "--json"];
        let code = home.run(&provision).code;
        proxy.clear();
        let resumed = home.run(&["resume", "--softkeys", "4", "--config", &settings, "--json"]).expect(0);
        assert!(resumed.json().iter().all(|line| line["complete"] != false), "{resumed:?}");
        assert_eq!(fake.has().iter().flatten().count(), 4);
        Some(code)
    };
    let which = || Which::request(BEGIN.0, BEGIN.1);
    let Some(one_fails) = run(&|proxy| proxy.once(which(), Fault::ReplyBefore(Reply::status(403)))) else { return };
    let all_fail = run(&|proxy| proxy.always(which(), Fault::ReplyAfter(Reply::status(500))));
    assert_eq!((one_fails, all_fail), (3, Some(4)));
}

#[test]
fn an_okta_that_nobody_reaches_is_an_error_and_nothing_else() {
    played::unreachable::<Okta>();
}
