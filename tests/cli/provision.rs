//! The main job from the command line: a roster in, proved keys out, against an IdP in another process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use keywright_test_support::cli::{Ended, Home, Idp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const ROSTER: &str = "account,profile,name\nada@example.org,admin,Ada\nbob@example.org,admin,Bob\n";

/// A home with a roster, settings, a reader of PINs and a running IdP.
struct Office {
    home: Home,
    roster: String,
    settings: String,
    reader: age::x25519::Identity,
    idp: Idp,
}

impl Office {
    fn new() -> Self {
        let home = Home::new();
        let roster = home.file("roster.csv", ROSTER);
        let idp = Idp::start(&home, Path::new(&roster));
        let reader = age::x25519::Identity::generate();
        let settings = home.file(
            "keywright.toml",
            &format!(
                "readers = [\"vault={}\"]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
                reader.to_public(),
                idp.url
            ),
        );
        Self { home, roster, settings, reader, idp }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let arguments = [arguments, &["--config", &self.settings]].concat();
        self.home.run_with(&arguments, &Idp::ENVIRONMENT)
    }

    /// The PIN of somebody's key, as its reader finds it.
    fn pin(&self, account: &str, ordinal: usize) -> String {
        let path = self.home.state().join(format!("hand-over/vault/{account}.{ordinal}.age"));
        let sealed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = age::decrypt(&self.reader, &sealed).expect("sealed to this reader");
        let text = String::from_utf8(text).expect("a text");
        let pin = text.lines().find_map(|line| line.trim().strip_prefix("PIN ")).unwrap_or_else(|| panic!("{text}"));
        pin.trim().to_owned()
    }
}

fn summary(lines: &[Value]) -> &Value {
    let summary = lines.last().expect("a last line");
    assert_eq!(summary["kind"], "summary");
    summary
}

#[test]
fn two_admins_get_two_keys_each() {
    let office = Office::new();
    let check = office.run(&["idp", "check", "--json"]).expect(0).one();
    assert_eq!((&check["directory"], &check["ready"]), (&json!("corp"), &json!(true)));

    let provision = ["provision", &office.roster, "--softkeys", "4", "--json"];
    let lines = office.run(&provision).expect(0).json();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["account"], &lines[1]["account"]), (&json!("ada@example.org"), &json!("bob@example.org")));
    for account in &lines[..2] {
        assert_eq!((&account["complete"], &account["failure"]), (&json!(true), &Value::Null));
        let ordinals: Vec<_> = account["jobs"].as_array().unwrap().iter().map(|job| &job["ordinal"]).collect();
        assert_eq!(ordinals, [&json!(1), &json!(2)]);
        assert!(account["jobs"].as_array().unwrap().iter().all(|job| job["done"] == true));
    }
    assert_eq!((&summary(&lines)["complete"], &summary(&lines)["keys_proved"]), (&json!(2), &json!(4)));

    // The same roster again: nothing to do, nothing is done twice.
    let again = office.run(&provision).expect(0).json();
    assert_eq!(summary(&again)["keys_proved"], 4);
    office.run(&["resume", "--softkeys", "4"]).expect(0).says("nothing is left to do");

    let status = office.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status.len(), 3);
    assert_eq!((&status[0]["keys_proved"], &status[0]["keys_required"]), (&json!(2), &json!(2)));
    assert!(office.run(&["status"]).expect(0).stdout.contains("2 of 2 accounts complete, 4 keys proved"));
    assert_eq!(office.run(&["status", "--unfinished", "--json"]).expect(0).json().len(), 1);
}

#[test]
fn a_found_key_tells_whose_it_is() {
    let office = Office::new();
    office.run(&["provision", &office.roster, "--softkeys", "4"]).expect(0);
    let mut owners = Vec::new();
    for path in ["soft:1", "soft:2", "soft:3", "soft:4"] {
        let found = office.run(&["key", "identify", "--softkeys", "4", "--key", path, "--json"]).expect(0).one();
        assert_eq!(found["in_ledger"], true);
        let [owner] = found["credentials"].as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!((&owner["directory"], &owner["state"]), (&json!("corp"), &json!("registered")));
        owners.push(format!("{} {}", owner["account"].as_str().unwrap(), owner["ordinal"]));
    }
    owners.sort();
    assert_eq!(owners, ["ada@example.org 1", "ada@example.org 2", "bob@example.org 1", "bob@example.org 2"]);

    // All of them in one table.
    let known = ["key", "list", "--known", "--softkeys", "5"];
    let listed = office.run(&[&known[..], &["--json"]].concat()).expect(0).json();
    let owner = |key: &Value| key["credentials"].as_array().unwrap().first().map(|one| one["account"].clone());
    assert_eq!(listed.iter().filter_map(owner).count(), 4);
    assert_eq!(listed[4]["credentials"], json!([]));
    let table = office.run(&known).expect(0).stdout;
    assert!(table.contains("ada@example.org") && table.contains("not in the ledger"), "{table}");

    let stranger = office.run(&["key", "identify", "--softkeys", "5", "--key", "soft:5"]).expect(0);
    assert!(stranger.stdout.contains("not in the ledger"), "{}", stranger.stdout);
}

#[test]
fn the_person_changes_the_pin_and_finds_the_credential() {
    let office = Office::new();
    let roster = office.home.file("one.csv", "account,profile\nada@example.org,admin\n");
    office.run(&["provision", &roster, "--softkeys", "2"]).expect(0);
    let found = office.run(&["key", "identify", "--softkeys", "2", "--key", "soft:1", "--json"]).expect(0).one();
    let ordinal = found["credentials"][0]["ordinal"].as_u64().unwrap();
    let credential = found["credentials"][0]["credential_id"].as_str().unwrap();

    let old = office.home.secret("old.txt", &office.pin("ada@example.org", usize::try_from(ordinal).unwrap()));
    let new = office.home.secret("new.txt", "wxyz-9753");
    let key = ["--softkeys", "2", "--key", "soft:1"];
    let run = |arguments: &[&str]| office.run(&[arguments, &key].concat());
    run(&["key", "credentials", "--pin", &old]).expect(6).says("the key demands a new PIN");
    run(&["key", "pin", "change", "--pin", &old, "--new-pin", &new]).expect(0);

    let listed = run(&["key", "credentials", "--pin", &new, "--json"]).expect(0).one();
    assert_eq!((&listed["user_name"], &listed["credential_id"]), (&json!("ada@example.org"), &json!(credential)));
    let delete = ["key", "credentials", "--pin", &new, "--delete", credential];
    run(&delete)
        .expect(1)
        .says(&format!("It is key {ordinal} of ada@example.org at corp; 1 of 2 keys would be left"))
        .says("--yes");
    run(&[&delete[..], &["--dry-run"]].concat()).expect(0).says("would delete");
    assert_eq!(run(&[&delete[..], &["--yes", "--json"]].concat()).expect(0).one()["deleted"], true);
    assert_eq!(run(&["key", "credentials", "--pin", &new, "--json"]).expect(0).stdout, "");
    run(&[&delete[..], &["--yes"]].concat()).expect(1).says("there is no credential");
}

#[test]
fn one_more_key_for_somebody() {
    let office = Office::new();
    office.run(&["enroll", "ada@example.org", "--softkeys", "1"]).expect(2).says("name a profile with --profile");
    office.run(&["enroll", "ada@example.org", "--softkeys", "1", "--profile", "boss"]).expect(2).says("break-glass");
    let enroll = ["enroll", "ada@example.org", "--softkeys", "1", "--profile", "admin", "--json"];
    let lines = office.run(&enroll).expect(0).json();
    // One of two keys: the job is done, the account is not.
    assert_eq!((&lines[0]["complete"], &lines[0]["jobs"][0]["done"]), (&json!(false), &json!(true)));
    let lines = office.run(&["enroll", "ada@example.org", "--softkeys", "2", "--json"]).expect(0).json();
    assert_eq!((&lines[0]["complete"], &lines[0]["jobs"][1]["ordinal"]), (&json!(true), &json!(2)));
}

#[test]
fn a_dry_run_changes_nothing() {
    let office = Office::new();
    let folder = office.home.path("rack");
    office.home.run(&["key", "list", "--softkeys", "2", "--state", "elsewhere"]).expect(0);
    std::fs::rename(office.home.path("elsewhere/softkeys"), &folder).unwrap();
    let rack = folder.to_str().unwrap();
    let ended = office.run(&["provision", &office.roster, "--softkeys", rack, "--dry-run", "--json"]).expect(0);
    let plan = ended.json().pop().unwrap();
    assert_eq!((&plan["kind"], &plan["keys"]), (&json!("plan"), &json!(4)));
    let words = office.run(&["provision", &office.roster, "--softkeys", rack, "--dry-run"]).expect(0).stdout;
    assert!(words.contains("nothing was changed"), "{words}");
    assert!(!office.home.state().join("ledger.sqlite3").exists());
    assert!(!office.home.state().join("vault").exists());
    let retries = ["key", "pin", "retries", "--softkeys", rack, "--key", "soft:1", "--json"];
    assert_eq!(office.run(&retries).expect(0).one()["pin_set"], false);
}

#[test]
fn what_is_missing_is_said_before_anything_is_touched() {
    let office = Office::new();
    let no_reader = office.home.file(
        "none.toml",
        &format!("[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", office.idp.url),
    );
    let provision = |roster: &str| {
        let arguments = ["provision", roster, "--softkeys", "2", "--config", &no_reader];
        office.home.run_with(&arguments, &Idp::ENVIRONMENT)
    };
    provision(&office.roster).expect(2).says("nobody is named who may read PINs");
    let letters = office.home.file("letters.csv", "account,profile\nada@example.org,finance\n");
    provision(&letters).expect(2).says("no program is named that prints letters");
    // A dry run tells everything at once.
    let dry = ["provision", &office.roster, "--softkeys", "2", "--dry-run"];
    let ended = office.home.run(&dry).expect(2);
    for words in ["to do: no IdP is set up; keywright idp add NAME", "to do: nobody opens PIN files", "error: "] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    let secret = age::x25519::Identity::generate();
    let secret = format!("vault={}", secret.to_string().expose_secret());
    let ended = office.run(&["provision", &office.roster, "--softkeys", "2", "--reader", &secret]).expect(2);
    assert!(!ended.stderr.contains("AGE-SECRET-KEY"), "{}", ended.stderr);
}

#[test]
fn keys_that_will_not_do() {
    let office = Office::new();
    let roster = office.home.file("one.csv", "account,profile\nada@example.org,admin\n");
    let pin = office.home.secret("pin.txt", "135791");
    office.run(&["key", "pin", "set", "--softkeys", "1", "--new-pin", &pin]).expect(0);
    let lines = office.run(&["provision", &roster, "--softkeys", "1", "--json"]).expect(6).json();
    assert_eq!(lines[0]["jobs"][0]["failure"]["code"], "pin-unknown", "{}", lines[0]);
}

#[test]
fn too_few_keys_are_exit_code_5() {
    let office = Office::new();
    office.run(&["provision", &office.roster, "--softkeys", "0"]).expect(5).says("no key is plugged in");
    let roster = office.home.file("one.csv", "account,profile\nada@example.org,admin\n");
    office.run(&["provision", &roster, "--softkeys", "2"]).expect(0);
    // The keys are ada's: they are not given to bob.
    office.run(&["provision", &office.roster, "--softkeys", "2"]).says("ada@example.org's key").expect(5);
    let lines = office.run(&["resume", "--softkeys", "3", "--json"]).says("plug more keys in").expect(5).json();
    assert_eq!((&summary(&lines)["complete"], &summary(&lines)["keys_proved"]), (&json!(0), &json!(1)));
    office.run(&["resume", "--softkeys", "4"]).expect(0);
}

#[test]
fn a_ledger_from_a_newer_version_is_left_alone() {
    let home = Home::new();
    home.run(&["rehearse", "--people", "1", "--out", "try"]).expect(0);
    let ledger = rusqlite::Connection::open(home.path("try/ledger.sqlite3")).unwrap();
    ledger.pragma_update(None, "user_version", 99).unwrap();
    drop(ledger);
    for arguments in [
        &["status", "--state", "try"][..],
        &["ledger", "verify", "--state", "try"],
        &["resume", "--state", "try", "--config", "try/keywright.toml", "--softkeys", "2"],
    ] {
        home.run(arguments).expect(1).says("version 99").says("hint: use the newer keywright");
    }
}

#[test]
fn an_idp_that_is_not_as_it_should_be() {
    let office = Office::new();
    let check = ["idp", "check", "--idp", &office.idp.url, "--idp-token", "env:OTHER"];
    office.home.run_with(&check, &[("OTHER", "fedcba9876543210-wrong")]).expect(4).says("signing in at");
    let provision =
        ["provision", &office.roster, "--softkeys", "4", "--idp", &office.idp.url, "--idp-token", "env:OTHER"];
    let reader = format!("vault={}", office.reader.to_public());
    let ended = office
        .home
        .run_with(&[&provision[..], &["--reader", &reader]].concat(), &[("OTHER", "fedcba9876543210-wrong")]);
    ended.expect(4).says("hint: check the token");

    // Somebody whom the IdP does not know does not keep the other from getting keys.
    let roster = office.home.file("two.csv", "account,profile\nada@example.org,admin\nzed@example.org,admin\n");
    let ended = office.run(&["provision", &roster, "--softkeys", "2", "--json"]).expect(3);
    let lines = ended.json();
    assert_eq!((&lines[0]["complete"], &lines[1]["complete"]), (&json!(true), &json!(false)));
    assert_eq!(lines[1]["failure"]["code"], "account-refused");
    assert_eq!(summary(&lines)["failed"], 1);
}

#[cfg(unix)]
#[test]
fn an_idp_is_served_until_ctrl_c() {
    let office = Office::new();
    assert_eq!(office.idp.interrupt(), Some(0));
    let ended = office.home.run_with(&["idp", "check", "--config", &office.settings], &Idp::ENVIRONMENT);
    ended.expect(4).says("corp cannot be reached");
}

#[test]
fn a_rehearsal_leaves_everything_to_look_at() {
    let home = Home::new();
    let lines =
        home.run(&["rehearse", "--people", "3", "--profile", "finance", "--out", "try", "--json"]).expect(0).json();
    assert_eq!(lines.len(), 3 + 2);
    assert_eq!(
        (&lines[3]["kind"], &lines[3]["complete"], &lines[3]["keys_proved"]),
        (&json!("summary"), &json!(3), &json!(6))
    );
    let left = &lines[4];
    assert_eq!(left["kind"], "rehearsal");
    for member in ["roster", "profiles", "settings", "ledger", "evidence", "hand_over", "reader_key", "softkeys"] {
        let path = home.path(left[member].as_str().unwrap());
        assert!(path.exists(), "{member}: {}", path.display());
    }
    assert_eq!(std::fs::read_dir(home.path("try/hand-over/rehearsal")).unwrap().count(), 6);

    // The folder is a state folder: every command can look into it.
    let head = left["head"].as_str().unwrap();
    home.run(&["ledger", "verify", "--state", "try", "--head", head]).expect(0);
    let events = home.run(&["ledger", "show", "--state", "try", "--json"]).expect(0).json();
    assert_eq!(events.len() as u64, left["events"].as_u64().unwrap());
    assert_eq!(events[0]["body"]["event"], "batch-started");
    let shown = home.run(&["ledger", "show", "--state", "try", "--job", "1"]).expect(0).stdout;
    assert!(shown.contains("key 1 (job 1): hand over PIN done to rehearsal") && !shown.contains("job 2"), "{shown}");
    let later = home.run(&["ledger", "show", "--state", "try", "--job", "1", "--after", "30"]).expect(0).stdout;
    assert!(later.lines().all(|line| line.contains("@example.org, key ")), "{later}");
    home.run(&["ledger", "export", "more-evidence", "--state", "try"]).expect(0);
    assert!(home.path("more-evidence/SHA256SUMS").exists());
    home.run(&["ledger", "export", "more-evidence", "--state", "try"]).expect(1).says("more-evidence");
    home.run(&["rehearse", "--out", "try"]).expect(2).says("try is not empty");
}

#[test]
fn a_ledger_that_somebody_changed_is_found_out() {
    let home = Home::new();
    home.run(&["rehearse", "--people", "1", "--out", "try"]).expect(0);
    let later = "99999:0000000000000000000000000000000000000000000000000000000000000000";
    home.run(&["ledger", "verify", "--state", "try", "--head", later])
        .expect(1)
        .says("hint: somebody changed the ledger");
    home.run(&["ledger", "verify", "--state", "try", "--head", "12"]).expect(2);
    let ledger = rusqlite::Connection::open(home.path("try/ledger.sqlite3")).unwrap();
    let table: String =
        ledger.query_row("SELECT name FROM sqlite_master WHERE sql LIKE '%body%'", [], |row| row.get(0)).unwrap();
    let triggers: Vec<String> = ledger
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    triggers.iter().for_each(|trigger| ledger.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap());
    ledger
        .execute(&format!("UPDATE {table} SET body = replace(body, '\"batch\":1', '\"batch\":9') WHERE seq = 2"), [])
        .unwrap();
    drop(ledger);
    home.run(&["ledger", "verify", "--state", "try"]).expect(1).says("event 2 of the ledger was changed");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_cleanly_and_resume_goes_on() {
    let home = Home::new();
    let arguments = ["rehearse", "--people", "12", "--out", "try", "--json"];
    let mut child = home.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("  done") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended without a key: {said}");
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("run 'keywright resume' to go on"), "{said}");

    // What it says to do is what there is to do.
    let words = |command: &str| -> Vec<String> {
        let line = said.lines().find(|line| line.trim_start().starts_with(command)).unwrap_or_else(|| panic!("{said}"));
        line.split_whitespace().skip(1).take_while(|word| *word != "&").map(str::to_owned).collect()
    };
    let serve: Vec<_> = words("keywright idp serve");
    let serve: Vec<_> = serve.iter().map(String::as_str).collect();
    let _idp = Idp::run(&home, &serve, &[]);
    let resume = words("keywright resume");
    let resume: Vec<_> = resume.iter().map(String::as_str).chain(["--json"]).collect();
    home.run(&resume).expect(0);
    let status = home.run(&["status", "--state", "try", "--json"]).expect(0).json();
    assert_eq!((&summary(&status)["complete"], &summary(&status)["keys_proved"]), (&json!(12), &json!(24)));
}

#[test]
fn a_pipe_that_is_closed_does_not_end_the_work() {
    let home = Home::new();
    let mut child = home
        .command(&["rehearse", "--people", "2", "--out", "try"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let status = home.run(&["status", "--state", "try", "--json"]).expect(0).json();
    assert_eq!(summary(&status)["complete"], 2);
}

#[test]
fn the_status_can_be_read_while_somebody_else_writes() {
    let home = Home::new();
    home.run(&["rehearse", "--people", "1", "--out", "try"]).expect(0);
    let now = Box::new(time::OffsetDateTime::now_utc);
    let writer = keywright::ledger::SqliteStore::open(&home.path("try/ledger.sqlite3"), now).unwrap();
    home.run(&["status", "--state", "try"]).expect(0);
    let work = ["resume", "--state", "try", "--config", "try/keywright.toml", "--softkeys", "2"];
    home.run(&work).expect(1).says("in use by another keywright").says("hint: wait for it to end");
    drop(writer);
    home.run(&work).expect(0);
}

/// Whose key is in this port.
fn owner(office: &Office, path: &str) -> (String, u64) {
    let found = office.run(&["key", "identify", "--softkeys", "4", "--key", path, "--json"]).expect(0).one();
    let owner = &found["credentials"][0];
    (owner["account"].as_str().expect("an owner").to_owned(), owner["ordinal"].as_u64().expect("a number"))
}

/// The line that `status --json` has for an account.
fn account(office: &Office, login: &str) -> Value {
    let lines = office.run(&["status", "--json"]).expect(0).json();
    lines.into_iter().find(|line| line["account"] == login).expect("a line for the account")
}

#[test]
fn a_key_that_was_reset_is_nobodys_any_more() {
    let office = Office::new();
    office.run(&["provision", &office.roster, "--softkeys", "4"]).expect(0);
    let (login, ordinal) = owner(&office, "soft:1");
    let whose = format!("key {ordinal} of {login}");

    let reset = ["key", "reset", "--softkeys", "4", "--key", "soft:1"];
    office.run(&reset).expect(1).says(&whose).says("1 of 2 keys would be left");
    assert_eq!(account(&office, &login)["complete"], true, "nothing was reset yet");
    let done = office.run(&[&reset[..], &["--yes", "--json"]].concat()).expect(0).one();
    assert_eq!(done["erased"][0]["account"], login.as_str());

    let after = account(&office, &login);
    assert_eq!((&after["complete"], &after["keys_proved"]), (&json!(false), &json!(1)));
    assert_eq!(after["state"], "keys-missing");
    assert!(after["keys"].as_array().unwrap().iter().any(|key| key["state"] == "erased"), "{after}");
    // The same stick makes the account complete again, and only with a key of a number of its own.
    office.run(&["provision", &office.roster, "--softkeys", "4"]).expect(0);
    let again = account(&office, &login);
    assert_eq!((&again["complete"], &again["keys_proved"]), (&json!(true), &json!(2)));
    assert_eq!(again["keys"].as_array().unwrap().len(), 3);
    // What is left of the erased one at the IdP can be taken away there.
    let number = ordinal.to_string();
    let revoke = ["revoke", &login, "--key", &number, "--reason", "erased", "--yes", "--json"];
    let revoked = office.run(&revoke).expect(0).one();
    assert_eq!(revoked["removed"].as_array().unwrap().len(), 1, "{revoked}");
    assert_eq!((&revoked["keys_left"], &revoked["keys_required"]), (&json!(2), &json!(2)));
    office.run(&revoke).expect(1).says("is revoked already");
}

#[test]
fn a_credential_that_was_deleted_counts_no_more() {
    let office = Office::new();
    office.run(&["provision", &office.roster, "--softkeys", "4"]).expect(0);
    let (login, ordinal) = owner(&office, "soft:2");
    let pin = office.home.secret("pin.txt", &office.pin(&login, usize::try_from(ordinal).unwrap()));
    // The profile has the person choose a PIN of their own first.
    let own = office.home.secret("own.txt", "kx7mw4rtqz");
    let at_key = ["--softkeys", "4", "--key", "soft:2"];
    office.run(&[&["key", "pin", "change", "--pin", &pin, "--new-pin", &own], &at_key[..]].concat()).expect(0);
    let listed = office.run(&[&["key", "credentials", "--pin", &own, "--json"], &at_key[..]].concat()).expect(0).one();
    let id = listed["credential_id"].as_str().unwrap();
    let delete = ["key", "credentials", "--pin", &own, "--delete", id, "--yes"];
    office.run(&[&delete[..], &at_key[..]].concat()).expect(0);
    let after = account(&office, &login);
    assert_eq!((&after["complete"], &after["keys_proved"]), (&json!(false), &json!(1)));
    assert!(after["keys"].as_array().unwrap().iter().any(|key| key["state"] == "erased"), "{after}");
}

#[test]
fn what_a_command_says_is_not_kept() {
    let office = Office::new();
    let program = office.home.file("token.sh", "echo 50me-53cret\necho 'the vault is sealed' >&2\nexit 3\n");
    let text = std::fs::read_to_string(&office.settings).unwrap();
    let text = text.replace("env:IDP_TOKEN", &format!("command:sh {program}"));
    std::fs::write(&office.settings, text).unwrap();
    let ended = office.run(&["provision", &office.roster, "--softkeys", "2", "--yes"]);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("exit status: 3") && !ended.stderr.contains("53cret"), "{ended:?}");
    assert_eq!(ended.stderr.matches("the vault is sealed").count(), 1, "shown once: {ended:?}");
    let mut folders = vec![office.home.state()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains("vault is sealed") && !text.contains("53cret"), "{}", path.display());
        }
    }
}
