//! One key in hand: list, info, PIN, policy, reset, on soft keys that keep their state between commands.

use keywright_fido::ctap::{Authenticator, MakeCredential};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
use keywright_practice::softkey::{Model, Rack};
use keywright_test_support::cli::program;
use keywright_test_support::cli::{Ended, Home};
use keywright_test_support::skipped;
use serde_json::{Value, json};

const ONE: [&str; 2] = ["--softkeys", "1"];

fn key(home: &Home, arguments: &[&str]) -> Ended {
    home.run(&[&["key"], arguments, &ONE[..]].concat())
}

fn with_pin(home: &Home, pin: &str) -> String {
    let source = home.secret("pin.txt", &format!("{pin}\n"));
    key(home, &["pin", "set", "--new-pin", &source]).expect(0);
    source
}

#[test]
fn the_list_has_an_object_for_each_key() {
    let home = Home::new();
    let keys = home.run(&["key", "list", "--softkeys", "2", "--json"]).expect(0).json();
    assert_eq!(keys.len(), 2);
    for (found, path) in keys.iter().zip(["soft:1", "soft:2"]) {
        assert_eq!(found["path"], path);
        for (member, kind) in
            [("product", "string"), ("vendor_id", "number"), ("product_id", "number"), ("aaguid", "string")]
        {
            let is = match &found[member] {
                Value::String(_) => "string",
                Value::Number(_) => "number",
                _ => "something else",
            };
            assert_eq!(is, kind, "{member}: {found}");
        }
        assert!(found.as_object().unwrap().contains_key("serial"));
        assert!(found["versions"].as_array().unwrap().contains(&json!("FIDO_2_1")));
    }
    let words = home.run(&["key", "list", "--softkeys", "2"]).expect(0).stdout;
    assert!(words.starts_with("PATH") && words.lines().count() == 3, "{words}");
}

#[test]
fn a_bad_key_does_not_hide_the_others() {
    let home = Home::new();
    home.run(&["key", "list", "--softkeys", "3"]).expect(0);
    let folder = home.state().join("softkeys");
    std::fs::write(folder.join("soft-02.key"), "garbage").unwrap();
    let keys = home.run(&["key", "list", "--softkeys", folder.to_str().unwrap(), "--json"]).expect(0).json();
    assert_eq!(keys.len(), 3);
    let bad: Vec<_> = keys.iter().filter(|key| key.get("error").is_some()).collect();
    assert_eq!(bad.len(), 1, "{keys:?}");
    assert_eq!(bad[0]["path"], "soft:2");
    assert!(bad[0]["error"]["code"].is_string() && bad[0]["error"]["message"].is_string(), "{}", bad[0]);
}

#[test]
fn no_key_and_several_keys_are_exit_code_5() {
    let home = Home::new();
    home.run(&["key", "list", "--softkeys", "0"]).expect(5).says("no security key is plugged in");
    let ended = home.run(&["key", "info", "--softkeys", "2"]).expect(5).says("hint: name one with --key");
    assert!(ended.stderr.contains("soft:1") && ended.stderr.contains("soft:2"), "{}", ended.stderr);
    assert!(ended.stdout.is_empty());
    home.run(&["key", "info", "--softkeys", "2", "--key", "soft:9"]).expect(5).says("no security key is at soft:9");
    let info = home.run(&["key", "info", "--softkeys", "2", "--key", "soft:2", "--json"]).expect(0).one();
    assert_eq!(info["path"], "soft:2");
}

#[test]
fn a_key_is_named_by_touching_it() {
    let home = Home::new();
    let info = home.run(&["key", "info", "--softkeys", "1", "--key", "touch", "--json"]).expect(0);
    assert!(info.stderr.contains("touch now: the key that you mean"), "{}", info.stderr);
    assert_eq!(info.one()["path"], "soft:1");
}

#[test]
fn info_shows_every_member() {
    let home = Home::new();
    let info = key(&home, &["info", "--json"]).expect(0).one();
    assert_eq!(info["options"]["rk"], true);
    assert_eq!(info["options"]["clientPin"], false);
    assert_eq!(info["min_pin_length"], 4);
    assert_eq!(info["max_pin_length"], 63);
    assert_eq!(info["pin_uv_auth_protocols"], json!([2, 1]));
    assert_eq!(info["force_pin_change"], false);
    // schema, kind, path, product, model, 31 members of the specification, unknown ones
    assert_eq!(info.as_object().unwrap().len(), 5 + 31 + 1);
    let words = key(&home, &["info"]).expect(0).stdout;
    for line in ["PIN                     not set", "room for credentials    150 more", "credProtect"] {
        assert!(words.contains(line), "{line}: {words}");
    }
}

#[test]
fn a_pin_is_set_and_changed_and_counted() {
    let home = Home::new();
    let before = key(&home, &["pin", "retries", "--json"]).expect(0).one();
    assert_eq!((&before["pin_set"], &before["retries"]), (&json!(false), &Value::Null));

    let pin = with_pin(&home, "135791");
    let again = key(&home, &["pin", "set", "--new-pin", &pin]).expect(6);
    again.says("error: the key already has a PIN\nhint: 'keywright key pin change'");

    let changed = [&["key", "pin", "change", "--pin", &pin, "--new-pin", "env:NEW", "--json"][..], &ONE].concat();
    let changed = home.run_with(&changed, &[("NEW", "97531x")]).expect(0);
    assert_eq!(changed.one()["done"], true);
    assert!(changed.stderr.contains("PIN attempts left: 8"), "{}", changed.stderr);
    assert!(changed.stderr.contains("at least 4 characters, at most 63 bytes"), "{}", changed.stderr);

    // The old PIN is wrong now, and costs one attempt: it is not tried again.
    key(&home, &["credentials", "--pin", &pin]).expect(6).says("error: wrong PIN, 7 attempts left").says("hint: ");
    assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["retries"], 7);
    let right = [&["key", "credentials", "--pin", "env:NEW", "--json"][..], &ONE].concat();
    assert_eq!(home.run_with(&right, &[("NEW", "97531x")]).expect(0).stdout, "");
}

#[test]
fn a_pin_is_verified_without_anything_else() {
    let home = Home::new();
    let pin = with_pin(&home, "135791");
    let right = key(&home, &["pin", "verify", "--pin", &pin, "--json"]).expect(0).one();
    assert_eq!((&right["done"], &right["retries"]), (&json!(true), &json!(8)));
    let words = key(&home, &["pin", "verify", "--pin", &pin]).expect(0).stdout;
    assert!(words.contains("the PIN is right; 8 attempts left"), "{words}");
    let wrong = home.secret("wrong.txt", "97531x");
    key(&home, &["pin", "verify", "--pin", &wrong]).expect(6).says("wrong PIN, 7 attempts left");
}

/// A soft key as it was made, in the state folder.
fn made(home: &Home, model: Model) -> Rack {
    std::fs::create_dir_all(home.state()).unwrap();
    Rack::create_of(&home.state().join("softkeys"), &[model]).unwrap()
}

#[test]
fn a_key_is_named_by_its_serial_number() {
    let home = Home::new();
    drop(made(&home, Model { usb_serial: Some(20_417_731), ..Model::default() }));
    let by_serial = home.run(&["key", "info", "--softkeys", "2", "--key", "20417731", "--json"]).expect(0).one();
    assert_eq!(by_serial["path"], "soft:1");
    home.run(&["key", "info", "--softkeys", "2", "--key", "20417732"]).expect(5).says("no security key is at 20417732");
}

#[test]
fn a_model_has_a_name_wherever_a_key_is_shown() {
    let home = Home::new();
    let name = json!("keywright soft key");
    for command in [&["key", "list"][..], &["key", "info"]] {
        assert_eq!(home.run(&[command, &ONE, &["--json"]].concat()).expect(0).one()["model"], name);
        let words = home.run(&[command, &ONE].concat()).expect(0).stdout;
        assert!(words.contains("keywright soft key"), "{words}");
    }
}

#[test]
fn the_names_in_a_credential_are_changed_and_the_others_stay() {
    let home = Home::new();
    let rack = made(&home, Model::default());
    {
        let pipe = Box::new(rack.key(0).open().unwrap());
        let mut key = Authenticator::open_hid(pipe, Limits::default(), Cancel::default()).unwrap();
        let user = UserEntity {
            id: UserHandle::new([7]).unwrap(),
            name: "a.lovelace".into(),
            display_name: "Ada Lovelace".into(),
        };
        let rp = RelyingParty { id: "shop.example".parse().unwrap(), name: "Shop".into() };
        let request =
            MakeCredential { resident_key: true, ..MakeCredential::new([7; 32], rp, user, vec![CoseAlgorithm::ES256]) };
        key.make_credential(&request, None, &mut |_| {}).unwrap();
    }
    drop(rack);
    let pin = with_pin(&home, "135791");
    let id = key(&home, &["credentials", "--pin", &pin, "--json"]).expect(0).one()["credential_id"].clone();
    let id = id.as_str().unwrap();
    let rename = ["credentials", "--rename", id, "--user-name", "a.king", "--pin", &pin];
    key(&home, &rename).expect(1).says("call the credential for shop.example on soft:1");
    let dry = key(&home, &[&rename[..], &["--dry-run", "--json"]].concat()).expect(0).one();
    assert_eq!((&dry["user_name"], &dry["renamed"]), (&json!("a.lovelace"), &json!(false)));
    let done = key(&home, &[&rename[..], &["--yes", "--json"]].concat()).expect(0).one();
    assert_eq!((&done["user_name"], &done["renamed"]), (&json!("a.king"), &json!(true)));
    assert_eq!(done["user_display_name"], "Ada Lovelace");
    key(&home, &["credentials", "--rename", id, "--pin", &pin]).expect(2);
    let other = ["credentials", "--rename", "AAAA", "--display-name", "Ada", "--pin", &pin, "--yes"];
    key(&home, &other).expect(1).says("there is no credential AAAA");
}

#[test]
fn what_a_key_cannot_do_is_said_before_its_pin_is_asked_for() {
    let home = Home::new();
    with_pin(&home, "135791");
    for (arguments, words) in [
        (&["fingerprint", "list"][..], "this key has no fingerprints (bioEnroll)"),
        (&["fingerprint", "add", "--yes"], "this key has no fingerprints (bioEnroll)"),
        (&["policy", "--long-touch-for-reset", "--yes"], "this key has no setting for a long touch at a reset"),
        (&["policy", "--pin-complexity", "--yes"], "this key has no PIN rules of its own"),
    ] {
        // There is no terminal, so a PIN that was asked for would be the error.
        key(&home, arguments).expect(1).says(words);
    }
}

#[test]
fn an_rp_may_be_told_the_minimum_length() {
    let home = Home::new();
    let pin = with_pin(&home, "135791");
    let allow = ["policy", "--min-pin-length-rp", "example.org", "--pin", &pin, "--yes", "--json"];
    assert_eq!(key(&home, &allow).expect(0).one()["changed"], true);
    let many: Vec<String> = (0..9).flat_map(|n| ["--min-pin-length-rp".to_owned(), format!("rp{n}.example")]).collect();
    let many: Vec<&str> = ["policy", "--yes"].into_iter().chain(many.iter().map(String::as_str)).collect();
    key(&home, &many).expect(1).says("the number of minPinLengthRPIDs is 9; at most 8 is possible");
}

#[test]
fn a_pin_that_the_key_would_refuse_is_not_sent() {
    let home = Home::new();
    for (pin, words) in [("123", "at least 4 are needed"), (&"a".repeat(64), "at most 63 are possible")] {
        let new = home.secret("new.txt", pin);
        key(&home, &["pin", "set", "--new-pin", &new]).expect(6).says(words);
    }
    assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["pin_set"], false);
    let new = home.secret("new.txt", "2468101");
    let dry = key(&home, &["pin", "set", "--new-pin", &new, "--dry-run", "--json"]).expect(0).one();
    assert_eq!((&dry["done"], &dry["pin_set"]), (&json!(false), &json!(false)));
}

#[test]
fn without_a_terminal_nothing_is_prompted_for() {
    let home = Home::new();
    key(&home, &["pin", "set"]).expect(2).says("there is no terminal to ask on").says("--new-pin");
    with_pin(&home, "135791");
    key(&home, &["credentials"]).expect(2).says("--pin");
}

#[test]
fn the_last_attempts_are_not_spent_by_accident() {
    let home = Home::new();
    let right = with_pin(&home, "135791");
    let wrong = home.secret("wrong.txt", "999999");
    for left in (3..8).rev() {
        key(&home, &["credentials", "--pin", &wrong]).expect(6);
        assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["retries"], left);
    }
    key(&home, &["credentials", "--pin", &right]).expect(6).says("only 3 PIN attempts left").says("--yes");
    assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["retries"], 3);
    key(&home, &["credentials", "--pin", &right, "--yes"]).expect(0);
    assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["retries"], 8);
}

#[test]
fn policy_is_changed_and_read_back() {
    let home = Home::new();
    let pin = with_pin(&home, "13579135");
    let change = ["policy", "--min-pin-length", "8", "--always-uv", "on", "--enterprise-attestation", "--pin", &pin];
    key(&home, &change).expect(1).says("there is no terminal to ask on").says("--yes");
    assert_eq!(key(&home, &["policy", "--json"]).expect(0).one()["min_pin_length"], 4);

    let dry = key(&home, &[&change[..], &["--dry-run", "--json"]].concat()).expect(0);
    assert!(dry.stderr.contains("would allow enterprise attestation"), "{}", dry.stderr);
    assert_eq!(dry.one()["changed"], false);

    let done = key(&home, &[&change[..], &["--yes", "--json"]].concat()).expect(0).one();
    let expected = json!({
        "schema": "keywright/2", "kind": "key-policy", "path": "soft:1", "changed": true, "min_pin_length": 8, "force_pin_change": false,
        "always_uv": true, "enterprise_attestation": true, "pin_complexity_policy": null, "long_touch_for_reset": null
    });
    assert_eq!(done, expected);
    key(&home, &["policy", "--min-pin-length", "6", "--yes", "--pin", &pin]).expect(2).says("it only grows");
    key(&home, &["policy", "--min-pin-length", "64", "--yes"]).expect(2);

    // From here on the key does nothing but change its PIN.
    let forced = key(&home, &["policy", "--force-pin-change", "--yes", "--json", "--pin", &pin]).expect(0).one();
    assert_eq!(forced["force_pin_change"], true);
    key(&home, &["credentials", "--pin", &pin]).expect(6).says("the key demands a new PIN");
    let new = home.secret("new.txt", "24680246");
    key(&home, &["pin", "change", "--pin", &pin, "--new-pin", &new]).expect(0);
    key(&home, &["credentials", "--pin", &new]).expect(0);
}

#[test]
fn a_reset_has_to_be_asked_for() {
    let home = Home::new();
    with_pin(&home, "135791");
    key(&home, &["reset"]).expect(1).says("erase everything on soft:1").says("hint: repeat with --yes");
    let dry = key(&home, &["reset", "--dry-run", "--json"]).expect(0).one();
    assert_eq!(dry["reset"], false);
    assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["pin_set"], true);

    let done = key(&home, &["reset", "--yes", "--json"]).expect(0).one();
    assert_eq!(done["reset"], true);
    assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["pin_set"], false);
}

#[test]
fn a_folder_of_soft_keys_has_to_be_there() {
    let home = Home::new();
    home.run(&["key", "list", "--softkeys", "./nowhere"]).expect(1).says("nowhere");
    assert!(!home.path("nowhere").exists());
}

/// Runs the program on a terminal of its own, and types `keys` after a moment. Returns what stands on the screen, and `exit N`.
#[cfg(target_os = "linux")]
#[allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
fn on_a_terminal(home: &Home, arguments: &str, environment: &[(&str, &str)], keys: &[&str]) -> Option<String> {
    use std::io::{Read as _, Write as _};
    use std::process::Stdio;

    let shell = format!("{} {arguments}; echo exit $?", program().display());
    let mut command = home.command(&[]);
    let program = command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)));
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &shell, "/dev/null"]).env_clear().current_dir(home.path(""));
    script.envs(program.filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm").env("SHELL", "/bin/sh");
    script.envs(environment.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stdin(Stdio::null());
    let Ok(mut child) = script.spawn() else {
        skipped("there is no program 'script' to make a terminal with");
        return None;
    };
    let mut stdout = child.stdout.take().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut screen = Vec::new();
    let mut read_until = |end: &str| {
        let mut byte = [0];
        while !String::from_utf8_lossy(&screen).ends_with(end) && stdout.read(&mut byte).unwrap() == 1 {
            screen.push(byte[0]);
        }
    };
    for pair in keys.chunks(2) {
        let [wait_for, typed] = pair else { panic!("keys come in pairs: what to wait for, what to type") };
        read_until(wait_for);
        stdin.write_all(typed.as_bytes()).unwrap();
    }
    read_until("\n\n");
    drop(stdin);
    child.wait().unwrap();
    Some(String::from_utf8(screen).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_reset_is_asked_about() {
    let home = Home::new();
    with_pin(&home, "135791");
    let reset = "key reset --softkeys 1";
    let Some(no) = on_a_terminal(&home, reset, &[], &["[y/N] ", "n\n"]) else { return };
    assert!(no.contains("not confirmed; nothing was changed") && no.contains("exit 1"), "{no}");
    assert!(no.contains("\u{1b}[1;31merror:"), "{no}");
    let plain = on_a_terminal(&home, reset, &[("NO_COLOR", "1")], &["[y/N] ", "\n"]).unwrap();
    assert!(plain.contains("error: not confirmed") && !plain.contains('\u{1b}'), "{plain}");
    assert_eq!(key(&home, &["pin", "retries", "--json"]).expect(0).one()["pin_set"], true);
    let yes = on_a_terminal(&home, reset, &[], &["[y/N] ", "y\n"]).unwrap();
    assert!(yes.contains("is reset to factory state") && yes.contains("exit 0"), "{yes}");
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_pin_is_typed_twice() {
    let home = Home::new();
    let set = "key pin set --softkeys 1";
    let Some(differ) = on_a_terminal(&home, set, &[], &["new PIN: ", "135791\n", "again: ", "135792\n"]) else {
        return;
    };
    assert!(differ.contains("the two PINs are not the same") && differ.contains("exit 6"), "{differ}");
    let same = on_a_terminal(&home, set, &[], &["new PIN: ", "135791\n", "again: ", "135791\n"]).unwrap();
    assert!(same.contains("the PIN is set") && same.contains("exit 0"), "{same}");
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_each_key_has_a_line() {
    let home = Home::new();
    let Some(live) = on_a_terminal(&home, "rehearse --people 1 --out live", &[], &[]) else { return };
    assert!(live.contains("of 2 keys") && live.contains("exit 0"), "{live}");
    let dumb = on_a_terminal(&home, "rehearse --people 1 --out dumb", &[("TERM", "dumb")], &[]).unwrap();
    assert!(!dumb.contains("of 2 keys") && !dumb.contains('\u{1b}'), "{dumb}");
    assert_eq!(dumb.matches("  done").count(), 2, "{dumb}");
}

#[test]
fn a_port_has_the_name_that_the_settings_give_it() {
    let home = Home::new();
    let settings = home.file("keywright.toml", "[ports]\n\"soft-2\" = \"slot 7\"\n");
    let run = |arguments: &[&str]| home.run(&[arguments, &["--softkeys", "2", "--config", &settings]].concat());
    let ports: Vec<_> =
        run(&["key", "list", "--json"]).expect(0).json().iter().map(|key| key["port"].clone()).collect();
    assert_eq!(ports, ["soft-1", "slot 7"]);
    assert_eq!(run(&["key", "info", "--key", "slot 7", "--json"]).expect(0).one()["path"], "soft:2");
    run(&["key", "info", "--key", "soft-2"]).expect(5).says("no security key is at soft-2").says("port slot 7");
    let twice = home.file("twice.toml", "[ports]\n\"1-1\" = \"slot 7\"\n\"1-2\" = \"slot 7\"\n");
    home.run(&["key", "list", "--softkeys", "1", "--config", &twice])
        .expect(2)
        .says("\"slot 7\" of port 1-1 is there twice");
}
