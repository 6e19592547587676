//! What a person meets first: help, wrong usage, settings, exit codes, colours, pipes.

use keywright_test_support::cli::Home;

#[test]
fn help_and_version_are_results() {
    let home = Home::new();
    let version = home.run(&["--version"]).expect(0);
    assert_eq!(version.stdout, format!("keywright {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(home.run(&["version"]).expect(0).stdout, version.stdout);
    assert_eq!(home.run(&["version", "--json"]).expect(0).one()["version"], env!("CARGO_PKG_VERSION"));
    let help = home.run(&["--help"]).expect(0);
    assert_eq!(home.run(&["help", "key", "list"]).stdout, home.run(&["key", "list", "--help"]).stdout);
    for words in ["Exit codes:", "130  interrupted", "KEYWRIGHT_STATE", "NO_COLOR", "Example:"] {
        assert!(help.stdout.contains(words), "{words}");
    }
}

#[test]
fn a_topic_has_its_help_and_a_slip_is_told_what_there_is() {
    let home = Home::new();
    assert_eq!(home.run(&["help"]).expect(0).stdout, home.run(&["--help"]).expect(0).stdout);
    for (topic, words) in [
        ("secrets", "command:PROGRAM ARG..."),
        ("rosters", "account,profile,name"),
        ("profiles", "keywright profile new"),
        ("settings", "letter-program"),
        ("json", "\"schema\": \"keywright/2\""),
        ("exit-codes", "130  interrupted"),
        ("environment", "KEYWRIGHT_STATE"),
    ] {
        assert!(home.run(&["help", topic]).expect(0).stdout.contains(words), "{topic}");
    }
    home.run(&["help", "secret"]).expect(2).says("no help for \"secret\"").says("secrets");
    home.run(&["help", "key", "pim"]).expect(2).says("no help for \"key pim\"").says("pin");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let home = Home::new();
    for arguments in [&[][..], &["kye"], &["key"], &["key", "list", "--colour"], &["rehearse", "--people", "0"]] {
        let ended = home.run(arguments).expect(2);
        assert!(ended.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let home = Home::new();
    for arguments in [
        &["key", "pin", "set", "--new-pin", "correct-horse"][..],
        &["key", "credentials", "--pin", "correct-horse"],
        &["idp", "check", "--idp", "http://127.0.0.1:1", "--idp-token", "correct-horse"],
        &["idp", "serve", "--token", "correct-horse"],
    ] {
        let ended = home.run(arguments).expect(2).says("only its place");
        assert!(!ended.stderr.contains("horse"), "{}", ended.stderr);
    }
}

#[test]
fn settings_that_are_wrong_are_named_with_line_and_column() {
    let home = Home::new();
    let settings = home
        .file("keywright.toml", "[idp.corp]\nkind = \"embedded\"\nurl = \"http://127.0.0.1:1\"\ntokken = \"env:T\"\n");
    home.run(&["idp", "check", "--config", &settings]).expect(2).says("keywright.toml:4:1: unknown field `tokken`");
    home.run(&["idp", "check", "--config", "nowhere.toml"]).expect(2).says("nowhere.toml");
    home.run(&["idp", "check"]).expect(2).says("no identity provider is set up").says("hint: 'keywright idp add NAME'");
}

#[test]
fn one_of_several_idps_has_to_be_named() {
    let home = Home::new();
    let idp = |name| format!("[idp.{name}]\nkind = \"embedded\"\nurl = \"http://127.0.0.1:1\"\ntoken = \"env:T\"\n");
    let settings = home.file("keywright.toml", &(idp("corp") + &idp("lab")));
    home.run(&["idp", "check", "--config", &settings]).expect(2).says("--idp takes one of: corp, lab");
    home.run(&["idp", "check", "--config", &settings, "--idp", "home"]).expect(2).says("\"home\"");
    // The right one is asked; nobody answers there.
    let asked = home.run_with(&["idp", "check", "--config", &settings, "--idp", "lab"], &[("T", "0123456789abcdef")]);
    asked.expect(4).says("lab cannot be reached");
}

#[test]
fn a_token_that_is_nowhere_is_an_error() {
    let home = Home::new();
    let arguments = ["idp", "check", "--idp", "http://127.0.0.1:1", "--idp-token", "env:NO_SUCH_VARIABLE"];
    home.run(&arguments).expect(1).says("NO_SUCH_VARIABLE");
    home.run(&["idp", "check", "--idp", "http://127.0.0.1:1"]).expect(2).says("needs a token");
}

#[test]
fn a_wrong_roster_touches_nothing() {
    let home = Home::new();
    let wrong = home
        .file("roster.csv", "account,profile\nada@example.org,admin\nada@example.org,admin\nbob@example.org,boss\n");
    let ended = home.run(&["provision", &wrong, "--softkeys", "2"]).expect(2);
    let ended = ended.says("error: ").says("row 3").says("row 4");
    assert!(ended.stderr.contains("boss"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("row 4").count(), 1, "{}", ended.stderr);
    let empty = home.file("empty.csv", "");
    home.run(&["provision", &empty, "--softkeys", "2"]).expect(2).says("the roster is empty");
    home.run(&["provision", "nowhere.csv", "--softkeys", "2"]).expect(2).says("nowhere.csv");
    assert!(!home.state().exists());
}

#[test]
fn there_is_no_status_without_a_ledger() {
    let home = Home::new();
    for arguments in [&["status"][..], &["ledger", "show"], &["ledger", "verify"], &["ledger", "export", "out"]] {
        home.run(arguments).expect(1).says("there is no ledger at").says("hint: name the state folder");
    }
    assert!(!home.state().exists());
}

#[test]
fn colours_are_for_terminals_and_for_those_who_force_them() {
    let home = Home::new();
    let escape = '\u{1b}';
    let plain = home.run(&["status"]).expect(1);
    assert!(plain.stderr.starts_with("error: ") && !plain.stderr.contains(escape), "{}", plain.stderr);
    let forced = home.run_with(&["status"], &[("CLICOLOR_FORCE", "1")]).expect(1);
    assert!(forced.stderr.contains(escape), "{}", forced.stderr);
    let never = home.run_with(&["status"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).expect(1);
    assert!(!never.stderr.contains(escape), "{}", never.stderr);
}

#[test]
fn completions_and_manual_pages_are_made() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("KEYWRIGHT_COMPLETE"), "{shell}");
    }
    assert!(home.run(&["man"]).expect(0).stdout.contains(".TH keywright 1"));
    home.run(&["man", "pages"]).expect(0);
    let order = |page: &str| {
        let page =
            std::fs::read_to_string(home.path("pages").join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        page.lines().filter_map(|line| line.strip_prefix(".SH ")).map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    for page in ["man1/keywright-provision.1", "man1/keywright-key-pin-set.1", "man1/keywright-ledger-verify.1"] {
        assert_eq!(order(page), "NAME SYNOPSIS DESCRIPTION OPTIONS EVERYWHERE EXAMPLES FILES \"SEE ALSO\"", "{page}");
    }
    assert_eq!(
        order("man1/keywright.1"),
        "NAME SYNOPSIS DESCRIPTION OPTIONS EVERYWHERE COMMANDS EXAMPLES EXIT STATUS ENVIRONMENT FILES \"SEE ALSO\""
    );
    assert_eq!(order("man7/keywright-rosters.7"), "NAME DESCRIPTION FILES \"SEE ALSO\"");
    assert!(!home.path("pages/man1/keywright-witness.1").exists(), "what is hidden has no page");
}

#[test]
fn a_log_of_the_wire_is_announced() {
    let home = Home::new();
    let warning = "warning: this log shows which messages go";
    assert!(home.run(&["key", "list", "--softkeys", "1", "-vvv"]).expect(0).stderr.contains(warning));
    assert!(!home.run(&["key", "list", "--softkeys", "1", "-v"]).expect(0).stderr.contains(warning));
    assert!(home.run_with(&["key", "list", "--softkeys", "1"], &[("KEYWRIGHT_LOG", "trace")]).stderr.contains(warning));
    home.run(&["key", "list", "--log", "keywright=loud"]).expect(2).says("--log");
}

#[test]
fn a_closed_pipe_is_quiet() {
    use std::process::Stdio;

    let home = Home::new();
    for arguments in
        [&["key", "list", "--softkeys", "2", "--json"][..], &["completions", "bash"], &["man"], &["--help"]]
    {
        let mut child = home.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}
