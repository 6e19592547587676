//! What the program says, in files that an administrator can review: the help of every command in `help/`, the main errors in
//! `errors/`.
//!
//! `SNAPSHOTS=overwrite cargo test --test cli text` writes them; look at the difference before it is committed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keywright_test_support::cli::Home;
use snapbox::{Assert, Data};

/// The folder of the files.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name)
}

/// Holds a text against its file.
fn hold(file: &Path, text: String) {
    Assert::new().action_env("SNAPSHOTS").eq(text, Data::read_from(file, None).raw());
}

/// The names under `Commands:` in a help. The program's own lists them in groups.
fn commands(help: &str, of_program: bool) -> Vec<String> {
    let begins = |line: &&str| match of_program {
        true => line.starts_with("Usage:"),
        false => *line == "Commands:",
    };
    let ends = |line: &&str| if of_program { *line == "Options:" } else { line.is_empty() };
    let listed = help.lines().skip_while(|line| !begins(line)).skip(1).take_while(|line| !ends(line));
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// The help of this command and of those in it, by file name.
fn helps(home: &Home, words: &[String], found: &mut Vec<(String, String)>) {
    let arguments: Vec<&str> = ["help"].into_iter().chain(words.iter().map(String::as_str)).collect();
    let help = home.run(&arguments).expect(0).stdout;
    for command in commands(&help, words.is_empty()) {
        helps(home, &[words, &[command]].concat(), found);
    }
    found.push((format!("{}.txt", [&["keywright".to_owned()], words].concat().join("-")), help));
}

#[test]
fn the_help_of_every_command_is_as_reviewed() {
    let mut found = Vec::new();
    helps(&Home::new(), &[], &mut found);
    let names: BTreeSet<_> = found.iter().map(|(name, _)| name.clone()).collect();
    assert!(names.len() > 35, "{names:?}");
    for (name, help) in found {
        hold(&folder("help").join(name), help);
    }
    let files = std::fs::read_dir(folder("help")).unwrap();
    let files: BTreeSet<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, names, "files of commands that are no longer there");
}

/// The command line, how it ended, and what it said, with the home folder's name taken out.
fn session(home: &Home, arguments: &[&str]) -> String {
    let ended = home.run(arguments);
    let shown = arguments.iter().map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() });
    let text = format!(
        "$ keywright {}\n{}{}exit code {}\n",
        shown.collect::<Vec<_>>().join(" "),
        ended.stdout,
        ended.stderr,
        ended.code
    );
    text.replace(home.path("").to_str().unwrap().trim_end_matches('/'), "[HOME]")
}

#[test]
fn the_main_errors_are_as_reviewed() {
    let home = Home::new();
    home.file("roster.csv", "account,profile\nada@example.org,admin\nada@example.org,admin\nbob@example.org,boss\n");
    home.file("empty.csv", "");
    for (name, secret) in [("token", "0123456789abcdef"), ("pin", "271828"), ("wrong", "161803")] {
        home.secret(name, secret);
    }
    let idp = |name| format!("[idp.{name}]\nkind = \"embedded\"\nurl = \"http://127.0.0.1:1\"\ntoken = \"env:T\"\n");
    home.file("two.toml", &(idp("corp") + &idp("lab")));
    home.file("typo.toml", "[idp.corp]\nkind = \"embedded\"\nurl = \"http://127.0.0.1:1\"\ntokken = \"env:T\"\n");
    for (name, lines) in [
        ("no-key", &[&["key", "info", "--softkeys", "0"][..]][..]),
        ("several-keys", &[&["key", "info", "--softkeys", "2"], &["key", "info", "--softkeys", "2", "--key", "1-9"]]),
        ("soft-keys", &[&["key", "list", "--softkeys", "99999"], &["key", "list", "--softkeys", "abc"]]),
        ("no-ledger", &[&["status"], &["ledger", "verify"], &["key", "identify", "--softkeys", "1"]]),
        ("roster", &[&["provision", "roster.csv"], &["provision", "empty.csv"], &["provision", "nowhere.csv"]]),
        (
            "settings",
            &[
                &["idp", "check"],
                &["idp", "check", "--config", "two.toml"],
                &["idp", "check", "--config", "two.toml", "--idp", "home"],
                &["idp", "check", "--config", "typo.toml"],
                &["key", "list", "--softkeys", "1", "--config", "nowhere.toml"],
            ],
        ),
        (
            "secrets",
            &[
                &["key", "pin", "set", "--softkeys", "1", "--new-pin", "correct-horse"],
                &["key", "pin", "set", "--softkeys", "1", "--new-pin", "env:NOWHERE"],
                &["key", "pin", "set", "--softkeys", "1"],
                &["idp", "check", "--idp", "http://127.0.0.1:1"],
            ],
        ),
        ("idp", &[&["idp", "check", "--idp", "http://127.0.0.1:1", "--idp-token", "file:token"]]),
        (
            "pin",
            &[
                &["key", "pin", "set", "--softkeys", "1", "--new-pin", "file:pin"],
                &["key", "pin", "set", "--softkeys", "1", "--new-pin", "file:pin"],
                &["key", "credentials", "--softkeys", "1", "--pin", "file:wrong"],
                &["key", "credentials", "--softkeys", "1", "--pin", "file:pin"],
                &["key", "credentials", "--softkeys", "1", "--pin", "file:pin", "--delete", "AAAA"],
                &["key", "policy", "--softkeys", "1", "--min-pin-length", "4", "--dry-run"],
            ],
        ),
        (
            "people",
            &[
                &["enroll", "ada@example.org", "--idp", "http://127.0.0.1:1", "--idp-token", "file:token"],
                &["revoke", "ada@example.org", "--key", "1", "--reason", "lost", "--idp", "home"],
                &["status", "ada@example.org"],
                &["drill", "ada@example.org", "--idp", "http://127.0.0.1:1", "--idp-token", "file:token"],
            ],
        ),
        ("metadata", &[&["mds", "status"], &["mds", "import", "roster.csv"]]),
        ("nobody-to-ask", &[&["key", "reset", "--softkeys", "1"]]),
        ("usage", &[&["kye"], &["key"], &["provision"], &["revoke", "ada@example.org", "--key", "1"]]),
    ] {
        let text: Vec<_> = lines.iter().map(|arguments| session(&home, arguments)).collect();
        hold(&folder("errors").join(format!("{name}.txt")), text.join("\n"));
    }
}
