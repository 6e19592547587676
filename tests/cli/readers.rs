//! Readers of PINs whose keys only a plugin of age knows. The program `age` is the real one; the plugin is a few lines that speak
//! its protocol.

use std::path::Path;

use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::skipped;

/// A key of the plugin below.
const RECIPIENT: &str = "age1test1qpzry9x8qza6vg";

/// Wraps nothing: the file key goes into the file as it is.
const PLUGIN: &str = r#"#!/bin/sh
[ "$1" = --age-plugin=recipient-v1 ] || exit 1
env > "$0.environment"
while read -r line; do
    case $line in
        "-> wrap-file-key"*) read -r key ;;
        "-> done"*) read -r _; break ;;
    esac
done
printf -- '-> recipient-stanza 0 test\n%s\n' "$key"
read -r _
read -r _
printf -- '-> done\n\n'
"#;

/// Provisions somebody with this reader; `programs` come first where programs are looked for.
fn provision(home: &Home, programs: &Path, more: &[&str]) -> Ended {
    let roster = home.file("people.csv", "account,profile\nada@example.org,admin\n");
    let idp = Idp::start(home, Path::new(&roster));
    let reader = format!("vault={RECIPIENT}");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let run = [
        "provision",
        &roster,
        "--softkeys",
        "2",
        "--reader",
        &reader,
        "--idp",
        &idp.url,
        "--idp-token",
        "env:IDP_TOKEN",
    ];
    let environment = [&Idp::ENVIRONMENT[..], &[("PATH", path.as_str())]].concat();
    home.run_with(&[&run[..], more].concat(), &environment)
}

#[cfg(unix)]
#[test]
fn a_pin_is_sealed_by_the_readers_plugin_or_nothing_is_touched() {
    use std::os::unix::fs::PermissionsExt as _;

    if std::process::Command::new("age").arg("--version").output().is_err() {
        return skipped("age is not installed");
    }
    let home = Home::new();
    let programs = home.path("programs");
    std::fs::create_dir(&programs).unwrap();
    let refused = provision(&home, &programs, &[]).expect(2).says("nothing can be sealed to age1test1");
    refused.says("install age and this reader's plugin");
    assert!(!home.state().join("hand-over").exists());

    let plugin = programs.join("age-plugin-test");
    std::fs::write(&plugin, PLUGIN).unwrap();
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
    provision(&home, &programs, &["--dry-run"]).expect(0);
    provision(&home, &programs, &[]).expect(0).says("done");
    for key in ["1", "2"] {
        let sealed = std::fs::read(home.state().join(format!("hand-over/vault/ada@example.org.{key}.age"))).unwrap();
        let text = String::from_utf8_lossy(&sealed);
        assert!(text.starts_with("age-encryption.org/v1\n-> test\n"), "{text}");
    }
    let environment = std::fs::read_to_string(programs.join("age-plugin-test.environment")).unwrap();
    assert!(!environment.contains("IDP_TOKEN"), "{environment}");
}
