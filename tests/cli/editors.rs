//! What editors and mail programs make of the files that people write.

use std::path::{Path, PathBuf};

use keywright::secret::SecretSource;
use keywright::settings::Settings;
use keywright_test_support::cli::Home;
use keywright_test_support::data;
use secrecy::ExposeSecret as _;

/// A case where only its owner can read it.
fn private(home: &Home, name: &str) -> Option<PathBuf> {
    let bytes = std::fs::read(data::case(&format!("editors/{name}"))?).unwrap();
    let path = home.path(name);
    std::fs::write(&path, bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    Some(path)
}

#[test]
fn a_secret_is_read_in_the_encodings_that_name_themselves() {
    let home = Home::new();
    for name in ["t-bom", "t-utf16"] {
        let Some(path) = private(&home, name) else { return };
        for secret in [SecretSource::File(path.clone()).take("token"), SecretSource::File(path).take_text("token")] {
            assert_eq!(secret.unwrap().expose_secret().trim_end(), "00abcDEFtoken", "{name}");
        }
    }
}

#[test]
fn a_secret_that_ends_with_what_nobody_sees_is_refused_by_its_file() {
    let home = Home::new();
    let Some(path) = private(&home, "t-nbsp") else { return };
    let error = SecretSource::File(path).take("token").unwrap_err().to_string();
    assert!(error.contains("t-nbsp") && error.contains("U+00A0") && !error.contains("00abc"), "{error}");
    for (unseen, code) in [("\u{200b}", "U+200B"), ("\t", "U+0009"), ("\u{feff}", "U+FEFF")] {
        let place: SecretSource = home.secret("token", &format!("t0ken{unseen}\n")).parse().unwrap();
        let error = place.take("token").unwrap_err().to_string();
        assert!(error.contains(code) && !error.contains("t0ken"), "{error}");
    }
}

#[test]
fn a_token_that_no_header_can_carry_is_told_by_its_place_before_anything_is_sent() {
    let home = Home::new();
    for (token, code) in [("t0ken\u{a0}hunter2", "U+00A0"), ("t0ken hunter2", "U+0020"), ("z\u{f6}hunter2", "U+00F6")] {
        let place = home.secret("token", token);
        // Nobody listens there: it would be "cannot be reached".
        let ended = home.run(&["idp", "check", "--idp", "http://127.0.0.1:1", "--idp-token", &place]).expect(1);
        assert!(ended.stderr.contains(&format!("{place}: no token has the character {code}")), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

#[test]
fn settings_are_read_in_the_encodings_that_name_themselves() {
    for name in ["bom.toml", "u16.toml"] {
        let Some(path) = data::case(&format!("editors/{name}")) else { return };
        let settings = Settings::find(Some(&path)).unwrap();
        assert!(settings.idp.contains_key("o"), "{name}");
    }
    let home = Home::new();
    let path = home.path("keywright.toml");
    std::fs::write(&path, b"profiles = \"\xe9\"\n").unwrap();
    let error = Settings::find(Some(Path::new(&path))).unwrap_err().to_string();
    assert!(error.contains("keywright.toml") && error.contains("line 1 is not UTF-8"), "{error}");
}

#[test]
fn an_armoured_secret_is_opened_by_an_identity_from_an_editor() {
    let home = Home::new();
    let (Some(identity), Some(armoured)) = (private(&home, "id-bom.txt"), private(&home, "sec-armor.age")) else {
        return;
    };
    let pin = format!("age:{}", armoured.display());
    let environment = [("KEYWRIGHT_AGE_IDENTITY", identity.to_str().unwrap())];
    // The secret is taken before the address is asked, which nobody listens at.
    let check = ["idp", "check", "--idp", "http://127.0.0.1:1", "--idp-token", &pin];
    home.run_with(&check, &environment).expect(4).says("cannot be reached");

    let windows = std::fs::read_to_string(&armoured).unwrap().replace('\n', "\r\n");
    std::fs::write(&armoured, format!("\u{feff}{windows}")).unwrap();
    home.run_with(&check, &environment).expect(4).says("cannot be reached");
    std::fs::write(&armoured, windows.replacen("YWdl", "????", 1)).unwrap();
    home.run_with(&check, &environment).expect(1).says("not an age file");
}
