//! Somebody finds a key and asks what it is, whether it is genuine, and whose.

use keywright_test_support::cli::{Ended, Home};
use serde_json::{Value, json};

const ONE: [&str; 2] = ["--softkeys", "1"];

fn audit(home: &Home, arguments: &[&str]) -> Ended {
    home.run(&[&["audit", "key"], arguments, &ONE[..]].concat())
}

/// Gives the key a PIN; returns its place.
fn with_pin(home: &Home) -> String {
    let pin = home.secret("pin.txt", "135791\n");
    home.run(&[&["key", "pin", "set", "--new-pin", &pin][..], &ONE].concat()).expect(0);
    pin
}

/// A profile like admin, with something else in it.
fn profile(home: &Home, name: &str, from: &str, to: &str) {
    let admin = include_str!("../../profiles/admin.toml");
    assert!(admin.contains(from));
    let _ = std::fs::create_dir(home.path("profiles"));
    let text = admin.replace("name = \"admin\"", &format!("name = \"{name}\"")).replace(from, to);
    home.file(&format!("profiles/{name}.toml"), &text);
}

#[test]
fn a_new_key_shows_what_it_is_and_keeps_nothing() {
    let home = Home::new();
    let found = audit(&home, &["--json"]).expect(0).says("judged by no FIDO metadata, 1 root").one();
    let attestation = &found["attestation"];
    assert_eq!((&attestation["statement"], &attestation["chain"]), (&json!("valid"), &json!("trusted")));
    assert_eq!((&attestation["accepted"], &attestation["refusals"]), (&Value::Null, &json!([])));
    assert_eq!(attestation["aaguid"], found["info"]["aaguid"]);
    assert_eq!(found["pin"]["set"], false);
    for unknown in [&found["pin"]["retries"], &found["credentials"], &found["ledger"], &attestation["serial"]] {
        assert_eq!(unknown, &Value::Null, "{found}");
    }
    // The throw-away credential took no room.
    assert_eq!(found["info"]["remaining_discoverable_credentials"], 150);
    let after = audit(&home, &["--touch-after", "20"]).expect(0).says("touch now: ");
    for words in
        ["150 more", "PIN                     not set", "valid (packed), the chain is trusted", "there is none"]
    {
        assert!(after.stdout.contains(words), "{words}: {}", after.stdout);
    }
}

#[test]
fn with_the_pin_its_credentials_are_listed() {
    let home = Home::new();
    let pin = with_pin(&home);
    let without = audit(&home, &["--json"]).expect(0).one();
    assert_eq!((&without["pin"]["set"], &without["pin"]["retries"]), (&json!(true), &json!(8)));
    assert_eq!(without["credentials"], Value::Null);
    let with = audit(&home, &["--pin", &pin, "--json"]).expect(0).one();
    assert_eq!((&with["credentials"], &with["attestation"]["statement"]), (&json!([]), &json!("valid")));

    let wrong = home.secret("wrong.txt", "999999");
    audit(&home, &["--pin", &wrong]).expect(6).says("error: wrong PIN, 7 attempts left");
    assert_eq!(audit(&home, &["--json"]).expect(0).one()["pin"]["retries"], 7);
}

#[test]
fn a_profile_refuses_a_key_with_its_reasons() {
    let home = Home::new();
    audit(&home, &["--profile", "admin"]).expect(0);
    profile(&home, "other", "models = []", "models = [\"2fc0579f-8113-47ea-b116-bb5a8db9202a\"]");
    profile(&home, "vault", "attestation = \"trusted\"", "attestation = \"enterprise\"");
    let by = |name: &str, more: &[&str]| {
        let arguments = ["--profiles", "profiles", "--profile", name, "--json"];
        audit(&home, &[&arguments[..], more].concat())
    };
    let refused = by("other", &[]).expect(7).one();
    let refusals = refused["attestation"]["refusals"].as_array().unwrap();
    assert!(refusals.len() == 1 && refusals[0].as_str().unwrap().contains("is not among those"), "{refusals:?}");
    let words = audit(&home, &["--profiles", "profiles", "--profile", "other"]).expect(7).stdout;
    assert!(words.contains("for the profile       refused"), "{words}");
    by("bank", &[]).expect(2).says("there is no profile \"bank\"");

    // An enterprise attestation is asked for by name, and the key has to be allowed to give it.
    by("vault", &[]).expect(7);
    by("vault", &["--enterprise"]).expect(1).says("this key has no enabled enterprise attestation");
    home.run(&[&["key", "policy", "--enterprise-attestation", "--yes"][..], &ONE].concat()).expect(0);
    let accepted = by("vault", &["--enterprise"]).expect(0).one();
    assert_eq!(
        (&accepted["attestation"]["accepted"], &accepted["attestation"]["enterprise"]),
        (&json!(true), &json!(true))
    );
    assert!(accepted["attestation"]["serial"].as_str().unwrap().len() == 16, "{accepted}");
}

#[test]
fn the_ledger_knows_whose_a_key_is() {
    let home = Home::new();
    home.run(&["rehearse", "--people", "1", "--out", "rehearsal"]).expect(0);
    let arguments = ["audit", "key", "--state", "rehearsal", "--softkeys", "rehearsal/softkeys", "--key", "soft:2"];
    // A key that always asks for the PIN shows no attestation without it, and tells whose it is all the same.
    let ended = home.run(&[&arguments[..], &["--json"]].concat()).expect(6);
    let found = ended.one();
    assert_eq!((&found["attestation"], &found["ledger"]["known"]), (&Value::Null, &json!(true)));
    let credentials = found["ledger"]["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 1);
    assert_eq!(
        (&credentials[0]["account"], &credentials[0]["state"]),
        (&json!("ada@example.org"), &json!("registered"))
    );
    assert_eq!(found["pin"]["force_pin_change"], true);
    let words = home.run(&arguments).expect(6).stdout;
    assert!(
        words.contains("ada@example.org at ") && words.contains("not shown before the key has the new PIN"),
        "{words}"
    );

    // Somebody else's key.
    home.run(&["key", "list", "--softkeys", "1"]).expect(0);
    let folder = home.state().join("softkeys");
    let other = ["audit", "key", "--state", "rehearsal", "--softkeys", folder.to_str().unwrap(), "--json"];
    let found = home.run(&other).expect(0).one();
    assert_eq!(found["ledger"], json!({"known": false, "credentials": [], "cannot_tell": null, "same_serial": []}));
}

#[test]
fn no_key_is_exit_code_5() {
    let home = Home::new();
    home.run(&["audit", "key", "--softkeys", "0"]).expect(5).says("no security key is plugged in");
}
