//! What a shell completes: what keywright answers its script, and what the shells make of that where they are installed.

use std::path::Path;
use std::process::Command;

use keywright_test_support::cli::{Home, Idp, program};
use keywright_test_support::skipped;

/// A home with a person whose keys are made, and settings with an IdP.
fn home() -> Home {
    let home = Home::new();
    let roster = home.file("people.csv", "account,profile,name\nada@example.org,admin,Ada\n");
    let idp = Idp::start(&home, Path::new(&roster));
    let reader = format!("vault={}", age::x25519::Identity::generate().to_public());
    let provision = ["provision", &roster, "--softkeys", "2", "--reader", &reader, "--idp", &idp.url];
    home.run_with(&[&provision[..], &["--idp-token", "env:IDP_TOKEN"]].concat(), &Idp::ENVIRONMENT).expect(0);
    let url = &idp.url;
    home.file("k.toml", &format!("[idp.corp]\nkind = \"embedded\"\nurl = \"{url}\"\ntoken = \"env:T\"\n"));
    home
}

/// What may stand in the place of the last word.
fn completed(home: &Home, words: &[&str]) -> Vec<String> {
    let line = [&["--", "keywright"], words].concat();
    let at = words.len().to_string();
    let asked = [("KEYWRIGHT_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", at.as_str()), ("_CLAP_IFS", "\n")];
    home.run_with(&line, &asked).expect(0).stdout.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn accounts_keys_profiles_and_idps_are_offered() {
    let home = home();
    for (words, offered) in [
        (&["status", "a"][..], &["ada@example.org"][..]),
        (&["drill", "ada@example.org", "--number", "K"], &["K-0001", "K-0002"]),
        (&["key", "identify", "--key", "K-"], &["K-0001", "K-0002"]),
        (&["status", "--profile", "fin"], &["finance"]),
        (&["--config", "k.toml", "idp", "check", "c"], &["corp"]),
        (&["--config", "k.toml", "provision", "people.csv", "--idp", "c"], &["corp"]),
        (&["provision", "peo"], &["people.csv"]),
        (&["provision", "--labe"], &["--labels"]),
    ] {
        assert_eq!(completed(&home, words), offered, "{words:?}");
    }
    let commands = completed(&home, &[""]);
    assert!(commands.contains(&"provision".to_owned()) && !commands.contains(&"witness".to_owned()), "{commands:?}");
    // Where nothing can be read, there is nothing to choose from, and nothing is said.
    let empty = home.run_with(
        &["--", "keywright", "status", "a", "--state", "nowhere"],
        &[("KEYWRIGHT_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "2"), ("_CLAP_IFS", "\n")],
    );
    assert_eq!((empty.stdout.as_str(), empty.stderr.as_str()), ("", ""));
}

#[test]
fn the_shells_complete() {
    let home = home();
    let folder = program().parent().unwrap().to_owned();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let bash = "source <(keywright completions bash); COMP_WORDS=(keywright status a); COMP_CWORD=2; COMP_TYPE=9
        _clap_complete_keywright keywright a status; echo ${COMPREPLY[@]}";
    let fish = "keywright completions fish | source; complete -C 'keywright status a'";
    let zsh = "compdef() { :; }; compadd() { print -r -- $@; }; _describe() { print -r -- ${(P)3}; }
        source <(keywright completions zsh); words=(keywright status a); CURRENT=3; _clap_dynamic_completer_keywright";
    for (shell, script) in [("bash", bash), ("fish", fish), ("zsh", zsh)] {
        let mut command = Command::new(shell);
        command.args(["-c", script]).env("PATH", &path).env("KEYWRIGHT_STATE", home.state()).current_dir(home.path(""));
        match command.output() {
            Ok(output) => {
                let shown = String::from_utf8_lossy(&output.stdout);
                assert!(
                    shown.contains("ada@example.org"),
                    "{shell}: {shown}{}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            Err(error) => skipped(format!("{shell}: {error}")),
        }
    }
}
