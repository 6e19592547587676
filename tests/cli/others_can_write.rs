//! Somebody else on the machine can write where a station keeps its things, or plants a link there.

#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use keywright_test_support::cli::Home;

fn change_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Settings that have a program run for the IdP's token, and the file that shows that it ran.
fn settings_with_a_command(home: &Home) -> (String, std::path::PathBuf) {
    let ran = home.path("ran");
    let text = format!(
        "[idp.corp]\nkind = \"embedded\"\nurl = \"http://127.0.0.1:9\"\ntoken = \"command:touch {}\"\n",
        ran.display()
    );
    (home.file("keywright.toml", &text), ran)
}

#[test]
fn settings_that_others_can_change_run_no_program() {
    let home = Home::new();
    let (settings, ran) = settings_with_a_command(&home);
    let check = || home.run(&["idp", "check", "--config", &settings]);
    for mode in [0o666, 0o622, 0o660] {
        change_mode(Path::new(&settings), mode);
        check().expect(2).says("other accounts can write to").says(&format!("chmod go-w '{settings}'"));
        assert!(!ran.exists(), "{mode:o}: the program ran");
    }
    change_mode(Path::new(&settings), 0o644);
    check();
    assert!(ran.exists(), "the program is the settings' own");
}

#[test]
fn settings_that_others_can_replace_run_no_program() {
    let home = Home::new();
    let (settings, ran) = settings_with_a_command(&home);
    change_mode(&home.path(""), 0o777);
    home.run(&["idp", "check", "--config", &settings]).expect(2).says("chmod go-w");
    assert!(!ran.exists());
    // Nor over a link, which anybody may have put anywhere.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("keywright.toml");
    symlink(&settings, &link).unwrap();
    home.run(&["idp", "check", "--config", link.to_str().unwrap()]).expect(2).says("chmod go-w");
    assert!(!ran.exists());
}

#[test]
fn profiles_that_others_can_change_are_not_read() {
    let home = Home::new();
    let profiles = home.path("profiles");
    fs::create_dir(&profiles).unwrap();
    let profile = profiles.join("admin.toml");
    fs::write(&profile, keywright::profile::BUILT_IN[0].1).unwrap();
    let roster = home.file("roster.csv", "account,profile\nada@example.org,admin\n");
    let provision = ["provision", &roster, "--dry-run", "--profiles", profiles.to_str().unwrap(), "--softkeys", "2"];
    change_mode(&profile, 0o666);
    home.run(&provision).expect(2).says("other accounts can write to").says("chmod go-w");
}

#[test]
fn a_state_folder_that_others_can_write_to_is_refused() {
    let home = Home::new();
    let state = home.state();
    fs::create_dir_all(state.join("vault")).unwrap();
    for (wide, mode) in [(state.clone(), 0o777), (state.clone(), 0o1777), (state.join("vault"), 0o770)] {
        change_mode(&wide, mode);
        let refused = home.run(&["ledger", "verify"]).expect(1);
        refused.says("other accounts can write to").says(&format!("chmod go-w '{}'", wide.display()));
        change_mode(&wide, 0o700);
    }
    home.run(&["ledger", "verify"]).expect(1).says("there is no ledger");
}

#[test]
fn a_planted_lock_overwrites_nothing() {
    let home = Home::new();
    let victim = home.path("victim");
    fs::write(&victim, "the only copy\n").unwrap();
    let state = home.state();
    fs::create_dir_all(&state).unwrap();
    change_mode(&state, 0o700);
    for name in ["ledger.sqlite3.lock", "ledger.sqlite3", "ledger.sqlite3-wal", "vault", "softkeys", "mds", "idp.token"]
    {
        let link = state.join(name);
        symlink(&victim, &link).unwrap();
        for command in [&["rehearse", "--people", "1", "--out", state.to_str().unwrap()][..], &["ledger", "verify"]] {
            let ended = home.run(command);
            assert_ne!(ended.code, 0, "{name}: {ended:?}");
        }
        home.run(&["status"]).expect(1).says("is a symbolic link").says(&format!("then: rm '{}'", link.display()));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "the only copy\n", "{name}");
        fs::remove_file(&link).unwrap();
    }
}
