//! Firmware with faults of its own: the job ends well all the same, or says what is wrong and leaves the key as it was.

use std::path::Path;
use std::time::Duration;

use keywright::ledger::{FailureCode, Step};
use keywright::profile::Reset;
use keywright::provision::{Report, RunError};
use keywright_fido::ctap::{Authenticator, CtapError, GetAssertion, MakeCredential, Permissions, StatusMeaning};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
use keywright_practice::softkey::{Fault, Model, Moment, Rack, Side, SoftKey, Touch};
use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::workshop::{Hands, Workshop, failures};

fn with(fault: Fault) -> Model {
    Model { fault: Some(fault), ..Model::default() }
}

/// One key for each of these people, of these models.
fn workshop(models: &[Model], logins: &[&str]) -> Workshop {
    let mut workshop = Workshop::new(0, logins);
    Rack::create_of(&workshop.path().join("softkeys"), models).unwrap();
    workshop.profile.keys.required = 1;
    workshop
}

fn open(key: &SoftKey) -> Authenticator {
    Authenticator::open_hid(Box::new(key.open().unwrap()), Limits::default(), Cancel::default()).unwrap()
}

fn only_failure(report: &Report) -> (Step, FailureCode, String) {
    let [(step, failure)] = failures(report).try_into().unwrap();
    (step, failure.code, failure.message)
}

/// Somebody else's credentials, on a key that has no PIN.
fn fill(key: &SoftKey, number: u8) {
    let mut key = open(key);
    for user in 0..number {
        let user =
            UserEntity { id: UserHandle::new([user]).unwrap(), name: "somebody".into(), display_name: String::new() };
        let rp = RelyingParty { id: "shop.example".parse().unwrap(), name: "Shop".into() };
        let request =
            MakeCredential { resident_key: true, ..MakeCredential::new([7; 32], rp, user, vec![CoseAlgorithm::ES256]) };
        key.make_credential(&request, None, &mut |_| {}).unwrap();
    }
}

/// How many credentials a key has, asked with the PIN that was sealed or handed over for it.
fn credentials_on(workshop: &Workshop, key: usize) -> usize {
    let rack = workshop.rack();
    let port = rack.key(key).device().unwrap().port;
    let pin = workshop
        .vault()
        .list()
        .unwrap()
        .iter()
        .find_map(|name| workshop.sealed(name))
        .or_else(|| workshop.pin_of(&workshop.book(), &port))
        .unwrap();
    let mut key = open(rack.key(key));
    let token = key.pin_uv_auth_token(&pin, Permissions::CREDENTIAL_MANAGEMENT, None).unwrap();
    let rps = key.enumerate_rps(&token).unwrap();
    rps.iter().map(|rp| key.enumerate_credentials(&token, &rp.id_hash).unwrap().len()).sum()
}

#[test]
fn a_finished_key_that_answers_with_a_dummy_is_probably_its_persons_and_left_alone() {
    let workshop = workshop(&[with(Fault::DummyAssertion)], &["ada"]);
    assert!(workshop.provision().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
    let rack = workshop.rack();
    let shown = keywright::audit::key::shown_of_ledger(&mut open(rack.key(0)), &workshop.book()).unwrap();
    assert_eq!(shown.has, []);
    assert_eq!(shown.perhaps.iter().collect::<Vec<_>>(), workshop.book().credentials.keys().collect::<Vec<_>>());
    assert!(shown.cannot_tell.is_none(), "{shown:?}");
    drop(rack);
    // It is nobody else's key.
    workshop.create_user("grace");
    workshop.set_roster(&["grace"]);
    let hands = Hands::default();
    let run = workshop.provision_with(&workshop.rack(), &hands);
    assert!(matches!(run, Err(RunError::NoKey)), "{run:?}");
    assert!(hands.said.lock().unwrap().iter().any(|said| said.contains("ada's key 1")), "{:?}", hands.said);
}

#[test]
fn an_interrupted_job_goes_on_with_a_key_that_answers_with_a_dummy() {
    for at in [0x02, 0x0d] {
        let workshop = workshop(&[with(Fault::DummyAssertion), Model::default()], &["ada"]);
        let rack = workshop.rack();
        rack.key(0).pull_at(Moment::Command(at), Side::After);
        rack.key(1).pull();
        assert!(!workshop.provision_with(&rack, &Hands::default()).unwrap().accounts[0].complete);
        drop(rack);
        assert!(workshop.resume().unwrap().accounts[0].complete, "{at:#x}");
        workshop.everything_agrees(&["ada"], 1);
    }
}

#[test]
fn a_key_that_calls_a_silent_probe_blocked_is_unknown_and_ends_no_command() {
    let workshop = workshop(&[with(Fault::SilentPinBlocked)], &["ada"]);
    assert!(workshop.provision().unwrap().accounts[0].complete);
    let rack = workshop.rack();
    let shown = keywright::audit::key::shown_of_ledger(&mut open(rack.key(0)), &workshop.book()).unwrap();
    assert!(shown.has.is_empty() && shown.perhaps.is_empty());
    assert!(shown.cannot_tell.unwrap().means(StatusMeaning::PinBlocked));
    drop(rack);
    workshop.create_user("grace");
    workshop.set_roster(&["grace"]);
    let hands = Hands::default();
    let run = workshop.provision_with(&workshop.rack(), &hands);
    assert!(matches!(run, Err(RunError::NoKey)), "{run:?}");
    assert!(hands.said.lock().unwrap().iter().any(|said| said.contains("looks like ada's key 1")), "{:?}", hands.said);
}

#[test]
fn a_key_with_credentials_and_no_pin_is_not_fresh() {
    let mut never = workshop(&[Model::default()], &["ada"]);
    never.profile.keys.reset = Reset::Never;
    fill(never.rack().key(0), 3);
    let hands = Hands::default();
    let report = never.provision_with(&never.rack(), &hands).unwrap();
    let (step, code, message) = only_failure(&report);
    assert_eq!((step, code), (Step::Inspect, FailureCode::KeyRefused), "{message}");
    assert!(message.contains("3 credentials already, and had no PIN"), "{message}");
    // What was on it is there still, and the PIN that it has now is kept and named.
    assert_eq!(credentials_on(&never, 0), 3);
    let sealed = never.vault().list().unwrap();
    assert_eq!(sealed.len(), 1);
    let book = never.book();
    assert!(book.attention.iter().any(|(_, message)| message.contains(&sealed[0].0)), "{:?}", book.attention);
    // Another key does.
    Rack::create_of(&never.path().join("softkeys"), &[Model::default(); 2]).unwrap();
    assert!(never.resume().unwrap().accounts[0].complete);
    assert_eq!(never.vault().list().unwrap(), sealed);

    // Nobody agrees to a reset.
    let asked = workshop(&[Model::default()], &["ada"]);
    fill(asked.rack().key(0), 1);
    let hands = Hands { refuses_resets: true, ..Hands::default() };
    let report = asked.provision_with(&asked.rack(), &hands).unwrap();
    assert_eq!(only_failure(&report).1, FailureCode::KeyRefused);
    assert_eq!(credentials_on(&asked, 0), 1);

    // Somebody does: it is reset, and gets the PIN that was sealed for it.
    let reset = workshop(&[Model::default()], &["ada"]);
    fill(reset.rack().key(0), 2);
    let hands = Hands::default();
    let report = reset.provision_with(&reset.rack(), &hands).unwrap();
    assert!(report.accounts[0].complete, "{report:#?}");
    assert!(hands.said.lock().unwrap().contains(&"replug soft-1".to_owned()));
    reset.everything_agrees(&["ada"], 1);
}

#[test]
fn a_used_key_without_a_pin_is_found_after_a_power_cut_too() {
    let workshop = workshop(&[Model::default()], &["ada"]);
    fill(workshop.rack().key(0), 2);
    let rack = workshop.rack();
    // The PIN is on the key, and nobody has looked yet.
    rack.key(0).pull_at(Moment::Command(0x0a), Side::Before);
    assert!(!workshop.provision_with(&rack, &Hands::default()).unwrap().accounts[0].complete);
    drop(rack);
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn ok_and_nothing_means_that_there_are_no_credentials() {
    let workshop = workshop(&[with(Fault::EmptyOk)], &["ada"]);
    let rack = workshop.rack();
    let hands = Hands {
        at_step: Some(Box::new(|_, step| {
            rack.set_touch(if step == Step::Make { Touch::Declined } else { Touch::After(Duration::ZERO) });
        })),
        ..Hands::default()
    };
    let report = workshop.provision_with(&rack, &hands).unwrap();
    let (step, code, message) = only_failure(&report);
    assert_eq!((step, code), (Step::Begin, FailureCode::TouchDeclined), "{message}");
    assert!(message.contains("nobody touched the key"), "{message}");
    drop(hands);
    drop(rack);
    let rack = workshop.rack();
    rack.key(0).pull_at(Moment::Command(0x01), Side::Before);
    assert!(!workshop.provision_with(&rack, &Hands::default()).unwrap().accounts[0].complete);
    drop(rack);
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
}

#[test]
fn always_uv_that_is_only_shown_is_set_before_a_job_ends() {
    let workshop = workshop(&[with(Fault::AlwaysUvShownOn)], &["ada"]);
    let rack = workshop.rack();
    rack.key(0).pull_at(Moment::Command(0x0d), Side::Before);
    assert!(!workshop.provision_with(&rack, &Hands::default()).unwrap().accounts[0].complete);
    drop(rack);
    // Plugged in again it is locked, and shows what is not so.
    assert_eq!(open(workshop.rack().key(0)).info().option("alwaysUv"), Some(true));
    assert!(workshop.resume().unwrap().accounts[0].complete);
    workshop.everything_agrees(&["ada"], 1);
    let (id, rp_id) = {
        let book = workshop.book();
        let (id, credential) = book.credentials.iter().next().unwrap();
        (id.clone(), credential.rp_id.clone())
    };
    let request = GetAssertion { rp_id, client_data_hash: [7; 32], allow_list: vec![id], user_presence: true };
    let refused = open(workshop.rack().key(0)).get_assertions(&request, None, &mut |_| {}).unwrap_err();
    assert!(refused.means(StatusMeaning::PinRequired), "{refused}");
}

#[test]
fn two_keys_that_make_the_same_credential_are_found_out() {
    let workshop = workshop(&[with(Fault::NoRandomness)], &["ada"]);
    assert!(workshop.provision().unwrap().accounts[0].complete);
    Rack::create_of(&workshop.path().join("softkeys"), &[with(Fault::NoRandomness); 2]).unwrap();
    workshop.create_user("grace");
    workshop.set_roster(&["grace"]);
    let hands = Hands::default();
    let report = workshop.provision_with(&workshop.rack(), &hands).unwrap();
    let (step, code, message) = only_failure(&report);
    assert_eq!((step, code), (Step::Inspect, FailureCode::KeyRefused), "{message}");
    assert!(message.contains("made the credential of key 1 of ada"), "{message}");
    let book = workshop.book();
    assert_eq!(book.credentials.len(), 1);
    assert!(
        book.attention.iter().any(|(_, message)| message.contains("random source is broken")),
        "{:?}",
        book.attention
    );
    assert!(hands.said.lock().unwrap().iter().any(|said| said.contains("take both out of service")));
    let directory = workshop.directory();
    let grace = keywright::idp::Directory::find_user(&directory, "grace").unwrap();
    assert_eq!(keywright::idp::Directory::pending(&directory, &grace).unwrap(), Vec::<String>::new());
    assert_eq!(keywright::idp::Directory::list(&directory, &grace).unwrap(), []);
    assert_eq!(credentials_on(&workshop, 1), 0, "what it made is deleted");
}

#[test]
fn a_key_that_signs_for_one_user_handle_whoever_it_is_for_is_not_proved() {
    let workshop = workshop(&[with(Fault::ConstantUserHandle)], &["ada"]);
    let report = workshop.provision().unwrap();
    let (step, code, message) = only_failure(&report);
    assert_eq!((step, code), (Step::Begin, FailureCode::ProofFailed), "{message}");
    assert!(message.contains("user handle"), "{message}");
}

#[test]
fn nothing_that_a_key_lacks_is_asked_of_it() {
    // A key that has no credential management, and is asked for a permission to it, would say UNAUTHORIZED_PERMISSION.
    let workshop = workshop(&[Model::default()], &["ada"]);
    let rack = workshop.rack();
    let mut key = open(rack.key(0));
    let pin = keywright_fido::ctap::Pin::new("271828").unwrap();
    key.set_pin(&pin).unwrap();
    let refused = key.pin_uv_auth_token(&pin, Permissions::BIO_ENROLLMENT, None).unwrap_err();
    assert_eq!(refused, CtapError::Unsupported("fingerprints (bioEnroll)"));
}

const PROFILE: &str = r#"
name = "desk"
description = "For the desk."
label = "Key {ordinal}"
hand-over = "age"
[keys]
required = 1
attestation = "trusted"
reset = "if-used"
always-uv = false
cred-protect = 1
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 6
force-change = false
"#;

/// A desk with one finished key, whose firmware has this fault.
struct Desk {
    home: Home,
    settings: String,
    reader: age::x25519::Identity,
    _idp: Idp,
}

impl Desk {
    fn new(fault: Fault) -> Self {
        let home = Home::new();
        let roster = home.file("roster.csv", "account,profile,name\nada@example.org,desk,Ada\n");
        std::fs::create_dir(home.path("profiles")).unwrap();
        home.file("profiles/desk.toml", PROFILE);
        let idp = Idp::start(&home, Path::new(&roster));
        let reader = age::x25519::Identity::generate();
        let text = format!(
            "profiles = \"profiles\"\nreaders = [\"vault={}\"]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
            reader.to_public(),
            idp.url
        );
        let settings = home.file("keywright.toml", &text);
        std::fs::create_dir_all(home.state()).unwrap();
        Rack::create_of(&home.state().join("softkeys"), &[with(fault)]).unwrap();
        let desk = Self { home, settings, reader, _idp: idp };
        desk.run(&["provision", &roster]).expect(0);
        desk
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let all = [arguments, &["--softkeys", "1", "--config", &self.settings]].concat();
        self.home.run_with(&all, &Idp::ENVIRONMENT)
    }

    fn pin(&self) -> String {
        let folder = self.home.state().join("hand-over/vault");
        let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        let text = age::decrypt(&self.reader, &std::fs::read(file).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let pin = text.lines().find_map(|line| line.strip_prefix("PIN ")).unwrap().trim().to_owned();
        self.home.secret("pin.txt", &format!("{pin}\n"))
    }
}

#[test]
fn whose_a_locked_key_is_is_said_as_far_as_it_goes_and_settled_by_its_pin() {
    let desk = Desk::new(Fault::DummyAssertion);
    let found = desk.run(&["key", "identify", "--json"]).expect(0).one();
    assert_eq!((&found["in_ledger"], &found["cannot_tell"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(found["probably"][0]["account"], "ada@example.org");
    let words = desk.run(&["key", "identify"]).expect(0).stdout;
    assert!(words.contains("probably ada@example.org at corp, key 1") && words.contains("keywright drill"), "{words}");
    let listed = desk.run(&["key", "list", "--known"]).expect(0).stdout;
    assert!(listed.contains("probably registered"), "{listed}");
    desk.run(&["drill", "--dry-run"]).says("probably key 1 of");
    let drilled = desk.run(&["drill", "--pin", &desk.pin(), "--json"]).expect(0).one();
    assert_eq!(drilled["proved"], true, "{drilled}");
    let audited = desk.run(&["audit", "key", "--pin", &desk.pin(), "--json"]).expect(0).one();
    assert_eq!(audited["ledger"]["credentials"][0]["account"], "ada@example.org");
    // Everything on it can be erased, and its person is told of.
    desk.run(&["key", "reset", "--dry-run"]).expect(0);
}

#[test]
fn a_key_that_does_not_tell_whose_it_is_can_be_asked_everything_else() {
    let desk = Desk::new(Fault::SilentPinBlocked);
    let found = desk.run(&["key", "identify", "--json"]).expect(0).one();
    assert!(found["cannot_tell"].as_str().unwrap().contains("the PIN is blocked"), "{found}");
    for (asked, words) in [
        (&["key", "identify"][..], "cannot tell without its PIN"),
        (&["key", "list", "--known"], "cannot tell"),
        (&["audit", "key", "--pin", &desk.pin()], "cannot tell"),
    ] {
        let said = desk.run(asked).expect(0).stdout;
        assert!(said.contains(words), "{asked:?}: {said}");
    }
    desk.run(&["key", "reset", "--yes"]).expect(0).says("cannot tell whose key this is");
}

#[test]
fn a_policy_that_the_key_only_shows_is_set_and_taken_away() {
    let home = Home::new();
    std::fs::create_dir_all(home.state()).unwrap();
    Rack::create_of(&home.state().join("softkeys"), &[with(Fault::AlwaysUvShownOn)]).unwrap();
    let pin = home.secret("pin.txt", "271828\n");
    let run = |arguments: &[&str]| home.run(&[&["key"], arguments, &["--softkeys", "1"][..]].concat());
    run(&["pin", "set", "--new-pin", &pin]).expect(0);
    let is_on = || {
        let rack = Rack::open(&home.state().join("softkeys")).unwrap();
        open(rack.key(0)).always_verifies(None, &mut |_| {}).unwrap()
    };
    assert_eq!(is_on(), Some(false));
    run(&["policy", "--always-uv", "off", "--pin", &pin, "--yes"]).expect(0);
    assert_eq!(is_on(), Some(false));
    run(&["policy", "--always-uv", "on", "--pin", &pin, "--yes"]).expect(0);
    assert_eq!(is_on(), Some(true));
    run(&["policy", "--always-uv", "off", "--pin", &pin, "--yes"]).expect(0);
    assert_eq!(is_on(), Some(false));
}
