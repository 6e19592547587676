//! What keys, websites, IdPs and file systems call things does not steer the terminal that it is printed on.

use keywright_fido::ctap::{Authenticator, MakeCredential, Permissions, Pin};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
use keywright_files::shown::is_hidden;
use keywright_practice::softkey::Rack;
use keywright_test_support::cli::{Ended, Home};

/// Sets the window's title, paints, begins a line, turns the direction of writing round, and hides a letter.
const EVIL: &str = "eve\u{1b}]0;pwned\u{7}\u{1b}[31m\r\nerror: \u{202e}moc\u{200b}\u{9b}2J\u{e0041}";

/// Nothing hidden but line ends in what a person sees.
#[track_caller]
fn steers_nothing(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        let found = text.chars().find(|char| is_hidden(*char) && *char != '\n');
        assert_eq!(found, None, "{text:?}");
    }
}

/// A website made a credential for somebody with this name.
fn visit(home: &Home, name: &str) {
    let rack = Rack::open(&home.state().join("softkeys")).unwrap();
    let pipe = rack.key(0).open().unwrap();
    let mut key = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()).unwrap();
    let pin = Pin::new("271828").unwrap();
    key.set_pin(&pin).unwrap();
    let rp = "site.example".parse().unwrap();
    let token = key.pin_uv_auth_token(&pin, Permissions::MAKE_CREDENTIAL, Some(&rp)).unwrap();
    let user = UserEntity { id: UserHandle::new([1]).unwrap(), name: name.into(), display_name: name.into() };
    let rp = RelyingParty { id: rp, name: "Site".into() };
    let request =
        MakeCredential { resident_key: true, ..MakeCredential::new([7; 32], rp, user, vec![CoseAlgorithm::ES256]) };
    key.make_credential(&request, Some(&token), &mut |_| {}).unwrap();
}

#[test]
fn a_website_cannot_steer_the_terminal_by_a_user_name() {
    let home = Home::new();
    home.run(&["key", "list", "--softkeys", "1"]).expect(0);
    visit(&home, EVIL);
    let pin = home.secret("pin", "271828");
    let credentials = ["key", "credentials", "--softkeys", "1", "--pin", &pin];
    let table = home.run(&credentials).expect(0);
    steers_nothing(&table);
    assert_eq!(table.stdout.lines().count(), 2, "{}", table.stdout);
    assert!(table.stdout.contains("eve\u{fffd}]0;pwned"), "{}", table.stdout);

    // JSON says all of it, and shows nothing either.
    let json = home.run(&[&credentials[..], &["--json"]].concat()).expect(0);
    steers_nothing(&json);
    let line = json.one();
    let name = line["user_name"].as_str().unwrap();
    assert!(EVIL.starts_with(name) && name.contains('\u{202e}'), "{name:?}");

    let id = line["credential_id"].as_str().unwrap();
    let asked = home.run(&[&credentials[..], &["--delete", id, "--dry-run"]].concat()).expect(0);
    steers_nothing(&asked);
    steers_nothing(&home.run(&["audit", "key", "--softkeys", "1", "--pin", &pin]).expect(0));
}

#[test]
fn names_of_people_and_folders_do_not_steer_the_terminal() {
    let home = Home::new();
    let as_eve = [("USER", "eve\u{1b}[2J\u{202e}"), ("LOGNAME", "")];
    let ended = home.run_with(&["rehearse", "--people", "1", "--out", "all\u{1b}[31m\u{2066}"], &as_eve).expect(0);
    steers_nothing(&ended);
    for arguments in [&["ledger", "show"][..], &["doctor", "--softkeys", "1"], &["audit", "ledger"], &["status"]] {
        let ended = home.run_with(&[arguments, &["--state", "all\u{1b}[31m\u{2066}"]].concat(), &as_eve);
        assert!(!ended.stdout.is_empty(), "{arguments:?}");
        steers_nothing(&ended);
    }
    let missing = home.run(&["status", "--state", "none\u{1b}]0;x\u{7}\nhere"]).expect(1);
    steers_nothing(&missing);
    assert_eq!(missing.stderr.lines().count(), 2, "{}", missing.stderr);
}
