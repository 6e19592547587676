//! One person is one account, whatever the roster, the IdP and the settings call them; and what changes is told and asked for.

use std::path::Path;

use keywright::idp::Directory as _;
use keywright::idp::embedded::Embedded;
use keywright_practice::idp_server::wire::{NewUser, UserChange};
use keywright_test_support::cli::{Ended, Home, Idp};
use serde_json::{Value, json};

pub(super) const ADA: &str = "ada@example.org";

pub(super) struct Office {
    pub(super) home: Home,
    idp: Idp,
}

impl Office {
    pub(super) fn new(roster: &str) -> Self {
        let home = Home::new();
        let users = home.file("users.csv", "account,name\nada@example.org,Ada\nbo@example.org,Bo\n");
        let idp = Idp::start(&home, Path::new(&users));
        let office = Self { home, idp };
        office.settings("corp");
        office.roster(roster);
        office
    }

    /// The settings, with this name for the IdP.
    fn settings(&self, name: &str) {
        let reader = age::x25519::Identity::generate().to_public();
        let idp = format!("kind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", self.idp.url);
        self.home.file("keywright.toml", &format!("{}[idp.{name}]\n{idp}", desk(&reader.to_string())));
    }

    fn roster(&self, rows: &str) {
        self.home.file("roster.csv", &format!("account,profile,name\n{rows}\n"));
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        let settings = ["--config", "keywright.toml"];
        self.home.run_with(&[arguments, &settings].concat(), &Idp::ENVIRONMENT)
    }

    fn provision(&self, more: &[&str]) -> Ended {
        self.run(&[&["provision", "roster.csv", "--softkeys", "6", "--letters-came-out"], more].concat())
    }

    fn directory(&self) -> Embedded {
        Embedded::new("corp", &self.idp.url, Idp::ENVIRONMENT[0].1.to_owned().into()).unwrap()
    }

    /// The accounts of the register, each with its keys that count and its state.
    pub(super) fn accounts(&self) -> Vec<(String, u64, String)> {
        let lines = self.run(&["status", "--json"]).expect(0).json();
        let accounts = lines.iter().filter(|line| line["kind"] == "account");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        accounts.map(|one| (text(&one["account"]), one["keys_proved"].as_u64().unwrap(), text(&one["state"]))).collect()
    }

    fn ada_is_complete(&self) {
        assert_eq!(self.accounts(), [(ADA.to_owned(), 2, "complete".to_owned())]);
    }
}

/// Who reads PINs, and a printer that works.
fn desk(reader: &str) -> String {
    format!("readers = [\"vault={reader}\"]\nletter-program = [\"sh\", \"-c\", \"cat > /dev/null\"]\n")
}

#[test]
fn however_a_person_is_written_it_is_one_account() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let id = office.directory().find_user(ADA).unwrap().id;
    for row in ["ADA@Example.org,admin,Ada".to_owned(), format!("{id},admin,Ada")] {
        office.roster(&row);
        let plan = office.provision(&["--dry-run", "--json"]).expect(0).json();
        assert_eq!((&plan[0]["account"], &plan[0]["make"]), (&json!(ADA), &json!([])), "{row}");
        office.provision(&[]).expect(0);
        office.ada_is_complete();
    }
    // The same person twice in one roster.
    office.roster(&format!("{ADA},admin,Ada\n{id},admin,Ada"));
    office.provision(&[]).expect(3);
    office.ada_is_complete();
    office.run(&["enroll", "Ada@example.org", "--softkeys", "6", "--dry-run"]).expect(0);
}

#[test]
fn a_login_that_changed_is_the_same_person_and_the_old_one_still_finds_them() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let user = office.directory().find_user(ADA).unwrap();
    let renamed = UserChange { login: Some("ada.lovelace@example.org".into()), ..UserChange::default() };
    office.directory().change_user(&user, &renamed).unwrap();
    office.roster("ada.lovelace@example.org,admin,Ada");
    let plan = office.provision(&["--dry-run"]).expect(0);
    assert!(plan.stdout.contains("its login was ada@example.org; has its keys"), "{}", plan.stdout);
    office.provision(&[]).expect(0);
    assert_eq!(office.accounts(), [("ada.lovelace@example.org".to_owned(), 2, "complete".to_owned())]);
    office.run(&["revoke", ADA, "--key", "1", "--reason", "lost", "--yes"]).expect(0);
    assert_eq!(office.accounts()[0].1, 1);
}

#[test]
fn an_idp_that_the_settings_call_otherwise_is_the_same_idp() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    office.settings("acme");
    office.provision(&[]).expect(0);
    office.ada_is_complete();
    office.run(&["resume", "--softkeys", "6"]).expect(0).says("nothing is left to do");
    office.run(&["revoke", ADA, "--key", "2", "--reason", "lost", "--yes"]).expect(0);
}

#[test]
fn a_login_that_somebody_else_has_now_gets_no_key_before_the_first_one_left() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let directory = office.directory();
    let first = directory.find_user(ADA).unwrap();
    let renamed = UserChange { login: Some("ada.old@example.org".into()), ..UserChange::default() };
    directory.change_user(&first, &renamed).unwrap();
    let new = NewUser { login: ADA.into(), display_name: "Ada B.".into(), active: true, other_methods: Vec::new() };
    let second = directory.create_user(&new).unwrap();
    for arguments in [&["--dry-run"][..], &[]] {
        let told = office.provision(arguments).expect(1).stdout;
        assert!(told.contains("belongs to another user now"), "{told}");
    }
    assert_eq!(directory.list(&second).unwrap(), []);
    office.run(&["account", "left", ADA, "--reason", "left the company", "--yes"]).expect(0);
    office.provision(&[]).expect(0);
    assert_eq!(directory.list(&second).unwrap().len(), 2);
    let states: Vec<_> = office.accounts().into_iter().map(|(_, keys, state)| (keys, state)).collect();
    assert_eq!(states, [(0, "left".to_owned()), (2, "complete".to_owned())]);
}

#[test]
fn another_profile_is_a_change_that_is_told_and_asked_for() {
    let office = Office::new("ada@example.org,finance,Ada");
    office.provision(&[]).expect(0);
    for change in [
        &["provision", "roster.csv", "--softkeys", "6"][..],
        &["enroll", ADA, "--profile", "break-glass", "--softkeys", "6"],
    ] {
        office.roster("ada@example.org,break-glass,Ada");
        office.run(change).expect(1).says("ada@example.org: its profile was finance").says("--yes");
        let status = office.run(&["status", "--json"]).expect(0).json();
        assert_eq!((&status[0]["profile"], &status[0]["complete"]), (&json!("finance"), &json!(true)));
    }
    let plan = office.provision(&["--dry-run", "--json"]).expect(0).json();
    assert_eq!(plan[0]["changes"][0]["change"], "profile");
}

#[test]
fn a_corrected_name_is_kept() {
    let office = Office::new("ada@example.org,admin,Aba");
    office.provision(&[]).expect(0);
    office.roster("ada@example.org,admin,Ada Lovelace");
    let plan = office.provision(&["--dry-run"]).expect(0);
    assert!(plan.stdout.contains("its name was Aba"), "{}", plan.stdout);
    office.provision(&[]).expect(0);
    let status = office.run(&["status", "--json"]).expect(0).json();
    assert_eq!((&status[0]["person"], &status[0]["complete"]), (&json!("Ada Lovelace"), &json!(true)));
}

#[test]
fn a_dry_run_tells_what_is_to_be_finished_and_the_run_does_that() {
    let office = Office::new("ada@example.org,admin,Ada\nbo@example.org,admin,Bo");
    // Too few keys: bo's second one is planned, and not begun.
    office.run(&["provision", "roster.csv", "--softkeys", "3"]).expect(3);
    for arguments in [&["provision", "roster.csv", "--dry-run", "--json"][..], &["resume", "--dry-run", "--json"]] {
        let plan = office.run(&[arguments, &["--softkeys", "4"]].concat()).expect(0).json();
        let bo = plan.iter().find(|line| line["account"] == "bo@example.org").unwrap();
        assert_eq!(bo["unfinished"], json!([{"job": 4, "ordinal": 2, "step": "inspect"}]), "{bo}");
        assert_eq!((&bo["make"], &plan.last().unwrap()["keys"]), (&json!([]), &json!(1)));
    }
    office.run(&["resume", "--softkeys", "4"]).expect(0);
    assert!(office.accounts().iter().all(|(_, keys, state)| (*keys, state.as_str()) == (2, "complete")));
}

#[test]
fn the_report_of_a_replacement_counts_what_status_counts() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let ended = office.run(&["replace", ADA, "--key", "1", "--reason", "worn", "--softkeys", "6"]).expect(0);
    assert!(ended.stdout.contains("2/2   complete"), "{}", ended.stdout);
    assert!(ended.stdout.contains("1 of 1 account complete, 2 keys proved"), "{}", ended.stdout);
    assert!(!ended.stderr.contains("key 3 of"), "{}", ended.stderr);
    assert_eq!(office.accounts(), [(ADA.to_owned(), 2, "complete".to_owned())]);
}

#[test]
fn a_key_that_replaced_itself_is_to_be_collected_once() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    office
        .run(&["replace", ADA, "--key", "1", "--same-key", "--reason", "forgotten", "--softkeys", "6", "--yes"])
        .expect(0);
    let left = office.run(&["account", "left", ADA, "--reason", "left", "--yes", "--json"]).expect(0).one();
    let mut numbers: Vec<_> = left["collect"].as_array().unwrap().iter().map(|key| key["number"].clone()).collect();
    numbers.sort_by_key(|number| number.as_str().map(str::to_owned));
    assert_eq!(numbers, [json!("K-0001"), json!("K-0002")]);
    office.run(&["account", "left", ADA, "--reason", "left", "--wipe", "--softkeys", "6", "--yes"]).expect(0);
    office.run(&["account", "erase", ADA, "--reason", "asked", "--yes"]).expect(0);
}

#[test]
fn a_key_that_never_came_leaves_nothing_planned() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.run(&["provision", "roster.csv", "--softkeys", "2"]).expect(0);
    for _ in 0..2 {
        office.run(&["enroll", ADA, "--softkeys", "2"]).expect(5);
        office.ada_is_complete();
    }
    let report = office.run(&["enroll", ADA, "--softkeys", "6", "--json"]).expect(0).json();
    let ordinals: Vec<_> = report[0]["jobs"].as_array().unwrap().iter().map(|job| job["ordinal"].clone()).collect();
    assert_eq!(ordinals, [json!(1), json!(2), json!(3)]);
    assert_eq!(office.accounts(), [(ADA.to_owned(), 3, "complete".to_owned())]);
}

#[test]
fn a_key_that_is_lost_while_the_idp_is_away_is_revoked_by_the_next_resume() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let Office { home, idp } = office;
    let address = idp.url.clone();
    let database = home.state().join("idp.sqlite3");
    idp.interrupt();
    assert!(database.exists(), "the practice IdP keeps its people");
    let run =
        |arguments: &[&str]| home.run_with(&[arguments, &["--config", "keywright.toml"]].concat(), &Idp::ENVIRONMENT);
    run(&["revoke", ADA, "--key", "1", "--reason", "lost", "--yes"]).expect(4).says("keywright resume");
    let status = run(&["status", "--json"]).expect(0).json();
    assert_eq!((&status[0]["keys"][0]["state"], &status[0]["keys_proved"]), (&json!("revocation-pending"), &json!(1)));
    let listen = address.strip_prefix("http://").unwrap();
    let again = ["idp", "serve", "--listen", listen, "--token", "env:IDP_TOKEN"];
    let idp = Idp::run(&home, &again, &Idp::ENVIRONMENT);
    run(&["resume", "--softkeys", "6"]).says("ada@example.org's key 1 is removed at the IdP");
    let directory = Embedded::new("corp", &idp.url, Idp::ENVIRONMENT[0].1.to_owned().into()).unwrap();
    assert_eq!(directory.list(&directory.find_user(ADA).unwrap()).unwrap().len(), 1);
    let status = run(&["status", "--json"]).expect(0).json();
    assert_eq!(status[0]["keys"][0]["state"], "revoked");
}

#[test]
fn who_leaves_has_every_key_revoked_and_collected() {
    let office = Office::new("ada@example.org,admin,Ada");
    // The second key never came: it is only planned.
    office.run(&["provision", "roster.csv", "--softkeys", "1"]).expect(5);
    let left = ["account", "left", ADA, "--reason", "HR-1"];
    let dry = office.run(&[&left[..], &["--dry-run", "--json"]].concat()).expect(0).one();
    assert_eq!((&dry["dry_run"], &dry["removed"]), (&json!(true), &json!([])));
    office.run(&left).expect(1).says("--yes");
    let gone = office.run(&[&left[..], &["--yes", "--json"]].concat()).expect(0).one();
    assert_eq!(gone["removed"].as_array().unwrap().len(), 1);
    assert_eq!(gone["collect"][0]["ordinal"], 1);
    let user = office.directory().find_user(ADA).unwrap();
    assert_eq!(office.directory().list(&user).unwrap(), []);
    let status = office.run(&["status"]).expect(0).stdout;
    assert!(status.contains("left") && status.contains("key 1: to be collected"), "{status}");
    // Again, it changes nothing.
    office.run(&[&left[..], &["--yes"]].concat()).expect(0);
    office.run(&["resume", "--softkeys", "1"]).expect(0).says("nothing is left to do");

    let back = ["key", "return", "--softkeys", "1"];
    office.run(&[&back[..], &["--dry-run"]].concat()).expect(0);
    let back = office.run(&[&back[..], &["--yes", "--json"]].concat()).expect(0).one();
    assert_eq!((&back["wiped"], &back["keys"][0]["account"]), (&json!(true), &json!(ADA)));
    let pin = office.run(&["key", "pin", "retries", "--softkeys", "1", "--json"]).expect(0).one();
    assert_eq!(pin["pin_set"], false);
    let status = office.run(&["status", "--json"]).expect(0).json();
    assert_eq!((&status[0]["state"], &status[0]["keys"][0]["out"]), (&json!("left"), &json!(false)));
    office.run(&["key", "return", "--softkeys", "1", "--yes"]).expect(1).says("no credential of the ledger");
    // The roster still names them: that takes a yes.
    office.provision(&[]).expect(1).says("comes back");
}

#[test]
fn a_typing_error_is_forgotten_and_a_person_with_keys_is_not() {
    let office = Office::new("ada@example.org,admin,Ada\nbo@example.org,admin,Bo");
    office.run(&["provision", "roster.csv", "--softkeys", "2"]).expect(3);
    let forget = |login: &str| office.run(&["account", "forget", login, "--reason", "typing error", "--yes"]);
    forget(ADA).expect(2).says("keywright account left");
    forget("bo@example.org").expect(0);
    assert_eq!(office.accounts()[1], ("bo@example.org".to_owned(), 0, "forgotten".to_owned()));
    office.run(&["resume", "--softkeys", "4"]).expect(0).says("nothing is left to do");
    let found = office.run(&["audit", "ledger", "--json"]).stdout;
    assert!(found.contains("summary") && !found.contains("bo@example.org"), "{found}");
    forget("nobody@example.org").expect(1).says("no account nobody@example.org");
}

#[test]
fn what_people_keep_of_accounts_and_keys_can_be_corrected() {
    let office = Office::new("ada@example.org,admin,Aba");
    office.provision(&[]).expect(0);
    office.run(&["account", "edit", ADA, "--name", "Ada", "--ticket", "IT-9"]).expect(0);
    office.run(&["account", "edit", ADA]).expect(2);
    let edit = ["key", "edit", ADA, "--key", "2", "--place", "safe, Basel", "--label", "blue"];
    let edited = office.run(&[&edit[..], &["--json"]].concat()).expect(0).one();
    assert_eq!((&edited["label"], &edited["place"]), (&json!("blue"), &json!("safe, Basel")));
    office.run(&["key", "edit", ADA, "--key", "9", "--place", "x"]).expect(1).says("has no key 9");
    office.run(&["key", "edit", "K-0009", "--place", "x"]).expect(1).says("there is no key K-0009");
    office.run(&["key", "edit", ADA, "--place", "x"]).expect(2).says("--key");
    let shown = office.run(&["status", ADA]).expect(0).stdout;
    for words in ["Ada", "IT-9", "safe, Basel", "blue"] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    let rows = office.run(&["status", "--csv"]).expect(0).stdout;
    assert_eq!(rows.lines().count(), 3);
    assert!(rows.contains("\"safe, Basel\""), "{rows}");
    let shown = office.run(&["status", "--profile", "finance"]).expect(0).stdout;
    assert!(!shown.contains(ADA), "{shown}");
    // Nothing of it was known a year ago.
    let before = office.run(&["status", "--at", "2025-01-01", "--json"]).expect(0).json();
    assert_eq!((before.len(), &before[0]["accounts"]), (1, &json!(0)));
}

#[test]
fn what_would_be_corrected_or_erased_is_told_and_not_done() {
    let office = Office::new("ada@example.org,admin,Ada\nbo@example.org,admin,Bo");
    office.run(&["provision", "roster.csv", "--softkeys", "2"]).expect(3);
    let ledger = || office.run(&["ledger", "show", "--json"]).expect(0).stdout;
    let told = |command: &[&str]| {
        let before = ledger();
        let one = office.run(&[command, &["--dry-run", "--json"]].concat()).expect(0).one();
        assert_eq!((&one["dry_run"], ledger() == before), (&json!(true), true), "{command:?}");
        one
    };
    let edited = told(&["account", "edit", ADA, "--name", "Ada King"]);
    assert_eq!((&edited["person"], &edited["account"]), (&json!("Ada King"), &json!(ADA)));
    let labelled = told(&["key", "edit", ADA, "--key", "1", "--label", "blue"]);
    assert_eq!((&labelled["label"], &labelled["label_at_idp"]), (&json!("blue"), &json!("to-change")));
    assert_eq!(told(&["key", "edit", "K-0001", "--as", "lost", "--reason", "train"])["state"], "lost");
    assert_eq!(told(&["account", "forget", "bo@example.org", "--reason", "typo"])["account"], "bo@example.org");
    // What a run refuses, its dry run refuses.
    office.run(&["account", "forget", ADA, "--reason", "typo", "--dry-run"]).expect(2).says("account left");
    let erase = ["account", "erase", ADA, "--reason", "asked"];
    office.run(&[&erase[..], &["--dry-run"]].concat()).expect(2).says("has not left");

    office.run(&["account", "left", ADA, "--reason", "left", "--wipe", "--softkeys", "2", "--yes"]).expect(0);
    let erased = told(&erase);
    assert_eq!((&erased["account"], &erased["plain_events"]), (&json!(ADA), &json!([])));
    let files = erased["files"].clone();
    let done = office.run(&[&erase[..], &["--yes", "--json"]].concat()).expect(0).one();
    assert_eq!((&done["files"], &done["dry_run"]), (&files, &json!(false)));
}

#[test]
fn a_corrected_label_is_the_one_at_the_idp_too_and_waits_for_it_while_it_is_away() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let at_the_idp = |directory: &Embedded| {
        let user = directory.find_user(ADA).unwrap();
        let labels = directory.list(&user).unwrap().into_iter().map(|one| one.label);
        labels.collect::<std::collections::BTreeSet<_>>()
    };
    let edit = |run: &dyn Fn(&[&str]) -> Ended, label: &str| {
        run(&["key", "edit", ADA, "--key", "1", "--label", label, "--json"])
    };
    let edited = edit(&|arguments| office.run(arguments), "blue").expect(0).one();
    assert_eq!((&edited["label"], &edited["label_at_idp"]), (&json!("blue"), &json!("changed")));
    assert!(at_the_idp(&office.directory()).contains("blue"));
    // Nothing is asked of the IdP for what it has already, and for what it does not keep.
    assert_eq!(edit(&|arguments| office.run(arguments), "blue").expect(0).one()["label_at_idp"], Value::Null);
    let placed = office.run(&["key", "edit", "K-0001", "--place", "safe", "--json"]).expect(0).one();
    assert_eq!(placed["label_at_idp"], Value::Null);

    let Office { home, idp } = office;
    let address = idp.url.clone();
    idp.interrupt();
    let run =
        |arguments: &[&str]| home.run_with(&[arguments, &["--config", "keywright.toml"]].concat(), &Idp::ENVIRONMENT);
    let pending = edit(&run, "red").expect(4).says("keywright resume").one();
    assert_eq!((&pending["label"], &pending["label_at_idp"]), (&json!("red"), &json!("pending")));
    let listen = address.strip_prefix("http://").unwrap();
    let idp = Idp::run(&home, &["idp", "serve", "--listen", listen, "--token", "env:IDP_TOKEN"], &Idp::ENVIRONMENT);
    let plan = run(&["resume", "--softkeys", "0", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(plan[0]["labels"], json!([{"account": ADA, "ordinal": 1, "label": "red"}]));
    run(&["resume", "--softkeys", "0"]).expect(0).says("ada@example.org's key 1 is called \"red\" at the IdP");
    let directory = Embedded::new("corp", &idp.url, Idp::ENVIRONMENT[0].1.to_owned().into()).unwrap();
    assert!(at_the_idp(&directory).contains("red"));
    run(&["resume", "--softkeys", "0"]).expect(0).says("nothing is left to do");
    // An IdP that the settings no longer have is told nothing.
    home.file("keywright.toml", "");
    let alone = edit(&run, "green").expect(0).says("the settings have no IdP corp").one();
    assert_eq!((&alone["label"], &alone["label_at_idp"]), (&json!("green"), &json!("stays")));
}

#[test]
fn a_key_has_a_number_that_is_shown_and_taken_everywhere() {
    let office = Office::new("ada@example.org,admin,Ada");
    let made = office.provision(&["--json"]).expect(0).json();
    let mut numbers: Vec<_> = made[0]["jobs"].as_array().unwrap().iter().map(|job| job["number"].clone()).collect();
    numbers.sort_by_key(|number| number.as_str().map(str::to_owned));
    assert_eq!(numbers, [json!("K-0001"), json!("K-0002")]);
    let status = office.run(&["status", ADA, "--json"]).expect(0).one();
    let key = |number: &str| {
        status["keys"].as_array().unwrap().iter().find(|key| key["number"] == number).unwrap()["ordinal"].clone()
    };
    let shown = office.run(&["status", ADA]).expect(0).stdout;
    let known = office.run(&["key", "list", "--known", "--softkeys", "6"]).expect(0).stdout;
    let rows = office.run(&["status", "--csv"]).expect(0).stdout;
    for number in ["K-0001", "K-0002"] {
        assert!([&shown, &known, &rows].iter().all(|text| text.contains(number)), "{shown}\n{known}\n{rows}");
    }
    // Of several that are plugged in, each is told in a row.
    let all = office.run(&["key", "identify", "--softkeys", "6"]).expect(0).stdout;
    assert!(all.starts_with("PORT ") && all.contains("(K-0001)") && all.contains("not in the ledger"), "{all}");
    assert_eq!(office.run(&["key", "identify", "--softkeys", "6", "--json"]).expect(0).json().len(), 6);
    // Plugged in, it is found by its number: by what it shows.
    for number in ["K-0001", "k-2"] {
        let found = office.run(&["key", "identify", "--softkeys", "6", "--key", number, "--json"]).expect(0).one();
        let shown = found["credentials"][0]["number"].as_str().unwrap().parse::<keywright::ledger::KeyNumber>();
        assert_eq!(shown, number.parse());
    }
    let info = |number: &str| office.run(&["key", "info", "--softkeys", "6", "--key", number]);
    info("K-0009").expect(1).says("there is no key K-0009");
    let edited = office.run(&["key", "edit", "k-1", "--place", "safe", "--json"]).expect(0).one();
    assert_eq!((&edited["number"], &edited["ordinal"]), (&json!("K-0001"), &key("K-0001")));
    // It counts no longer once it is lost, and the IdP still has it.
    let lost = ["key", "edit", "K-0001", "--as", "lost", "--reason", "train"];
    office.run(&lost).expect(0).says("keywright revoke ada@example.org --key");
    let status = office.run(&["status", ADA, "--json"]).expect(0).one();
    assert_eq!(status["keys_proved"], 1);
    assert!(office.run(&["status"]).expect(0).stdout.contains("lost, and still registered"));
    let audit = || office.run(&["audit", "ledger", "--json"]).stdout;
    assert!(audit().contains("still-registered"), "{}", audit());
    office.run(&["revoke", ADA, "--key", "K-0009", "--reason", "lost", "--yes"]).expect(1).says("K-0009 is no key of");
    let revoked =
        office.run(&["revoke", ADA, "--key", "K-0001", "--reason", "lost", "--yes", "--json"]).expect(0).one();
    assert_eq!(revoked["ordinal"], key("K-0001"));
    assert!(!audit().contains("still-registered"), "{}", audit());
    office.run(&["replace", ADA, "--key", "K-0002", "--reason", "worn", "--softkeys", "6", "--dry-run"]).expect(0);
}

#[test]
fn keys_are_in_stock_before_they_are_anybodys_and_again_when_they_come_back() {
    let office = Office::new("ada@example.org,admin,Ada");
    let add = ["key", "add", "--stock", "--softkeys", "2", "--place", "safe"];
    let told = office.run(&[&add[..], &["--dry-run", "--json"]].concat()).expect(0).json();
    let added = office.run(&[&add[..], &["--json"]].concat()).expect(0).json();
    let numbers = |lines: &[Value]| lines.iter().map(|line| line["number"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&added), [json!("K-0001"), json!("K-0002")]);
    assert!(added.iter().all(|key| key["recognisable"] == true), "{added:?}");
    assert_eq!(told.len(), 2);
    office.run(&add).expect(1).says("it is K-0001 already");
    let list = office.home.file("bought.csv", "serial,model\n15898933,Key\n");
    let bought = ["key", "add", "--stock", "--list", &list];
    assert_eq!(office.run(&[&bought[..], &["--json"]].concat()).expect(0).one()["number"], "K-0003");
    office.run(&bought).expect(2).says("row 2: K-0003 has this serial number");
    let stock = || numbers(&office.run(&["key", "list", "--stock", "--json"]).expect(0).json());
    assert_eq!(stock(), [json!("K-0001"), json!("K-0002"), json!("K-0003")]);
    let identify = |number: &str| office.run(&["key", "identify", "--softkeys", "2", "--key", number, "--json"]);
    assert_eq!(identify("K-0002").expect(0).one()["number"], "K-0002");
    identify("K-0003").expect(5).says("no plugged-in security key shows that it is K-0003");

    let two = ["provision", "roster.csv", "--softkeys", "2"];
    let plan = office.run(&[&two[..], &["--dry-run", "--json"]].concat()).expect(0).json();
    assert_eq!(plan.last().unwrap()["keys_in_stock"], 3);
    office.run(&two).expect(0);
    assert_eq!(stock(), [json!("K-0003")]);
    let status = office.run(&["status", ADA, "--json"]).expect(0).one();
    let mut held = numbers(status["keys"].as_array().unwrap());
    held.sort_by_key(|number| number.as_str().map(str::to_owned));
    assert_eq!(held, [json!("K-0001"), json!("K-0002")]);

    // Who leaves with the keys in hand has them wiped, and the ledger has what they answered before and after.
    let left = ["account", "left", ADA, "--reason", "HR-1", "--wipe", "--softkeys", "2", "--json"];
    let told = office.run(&[&left[..], &["--dry-run"]].concat()).expect(0).one();
    let gone = office.run(&[&left[..], &["--yes"]].concat()).expect(0).one();
    assert_eq!((&told["wiped"], gone["wiped"].as_array().unwrap().len()), (&gone["wiped"], 2));
    assert_eq!(gone["collect"], json!([]));
    let events = office.run(&["ledger", "show", "--json"]).expect(0).json();
    let erased: Vec<_> = events.iter().filter(|line| line["body"]["event"] == "key-erased").collect();
    assert_eq!(erased.len(), 2);
    for line in erased {
        let (ids, seen) = (&line["body"]["credential_ids"], &line["body"]["seen"]);
        assert_eq!((&seen["silent"], &seen["before"][0]["credential_id"]), (ids, &ids[0]));
    }
    assert_eq!(stock(), [json!("K-0001"), json!("K-0002"), json!("K-0003")]);
    let known = office.run(&["key", "list", "--known", "--softkeys", "2"]).expect(0).stdout;
    assert!(known.contains("K-0001") && known.contains("in stock"), "{known}");
}

#[test]
fn a_key_whose_pin_is_forgotten_stays_and_keeps_its_number() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let again = ["replace", ADA, "--key", "K-0001", "--same-key", "--reason", "forgotten", "--softkeys", "6"];
    let plan = office.run(&[&again[..], &["--dry-run", "--json"]].concat()).expect(0).json();
    assert_eq!(plan[0]["make"], json!([{"ordinal": 3, "plugged_in": true, "reset": true, "failure": null}]));
    assert_eq!(
        (&plan.last().unwrap()["same_key"], &plan[0]["changes"][0]["change"]),
        (&json!(true), &json!("same-key"))
    );
    // Somebody has to agree, and until then nothing is done.
    office.run(&again).expect(1).says("other keys in service").says("--yes");
    office.ada_is_complete();
    office.run(&[&again[..], &["--yes"]].concat()).expect(0);
    office.ada_is_complete();
    let status = office.run(&["status", ADA, "--json"]).expect(0).one();
    let keys = status["keys"].as_array().unwrap();
    let new = keys.iter().find(|key| key["ordinal"] == 3).unwrap();
    assert_eq!((&new["number"], &new["state"]), (&json!("K-0001"), &json!("in-service")));
    let old = keys.iter().find(|key| key["number"] == "K-0001" && key["ordinal"] != 3).unwrap();
    assert_eq!(old["state"], "revoked");
    let user = office.directory().find_user(ADA).unwrap();
    assert_eq!(office.directory().list(&user).unwrap().len(), 2);
}

#[test]
fn a_run_ends_with_what_was_made_and_where_the_pins_are() {
    let office = Office::new("ada@example.org,admin,Ada");
    let run = office.provision(&["--labels", "labels.csv"]).expect(0).stdout;
    for words in ["PORT", "soft-", "Ada (ada@example.org)", "2 PINs are in", "age -d -i", "end of the ledger: "] {
        assert!(run.contains(words), "{words} is not in {run}");
    }
    let labels = std::fs::read_to_string(office.home.path("labels.csv")).unwrap();
    let mut lines = labels.lines();
    assert_eq!(lines.next(), Some("\u{feff}port,person,key,number,label,model,serial"));
    assert_eq!(lines.count(), 2);
    // A second run makes nothing, and says so by leaving it out.
    assert!(!office.provision(&[]).expect(0).stdout.contains("PORT"));
}

#[test]
fn a_key_is_replaced_by_one_that_counts_before_it_is_revoked() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let replace = ["replace", ADA, "--key", "1", "--reason", "worn", "--softkeys", "6"];
    let before = office.directory().list(&office.directory().find_user(ADA).unwrap()).unwrap();
    let plan = office.run(&[&replace[..], &["--dry-run"]].concat()).expect(0).stdout;
    assert!(plan.contains("make key 3") && plan.contains("then revoke key 1"), "{plan}");
    let plan = office.run(&[&replace[..], &["--dry-run", "--json"]].concat()).expect(0).json();
    assert_eq!(plan.last().unwrap()["replaces"], 1);
    // No key is free: nothing is revoked and nothing stays planned.
    office.run(&["replace", ADA, "--key", "1", "--reason", "worn", "--softkeys", "0"]).expect(5);
    office.ada_is_complete();
    office.run(&replace).expect(0).says("ada@example.org's key 1 is removed at the IdP");
    let after = office.directory().list(&office.directory().find_user(ADA).unwrap()).unwrap();
    assert_eq!((before.len(), after.len()), (2, 2));
    assert!(before.iter().filter(|key| after.iter().any(|other| other.id == key.id)).count() == 1);
    office.ada_is_complete();
    let status = office.run(&["status", "--json"]).expect(0).json();
    let states: Vec<_> = status[0]["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, [json!("revoked"), json!("in-service"), json!("in-service")]);
    office.run(&["replace", ADA, "--key", "9", "--reason", "worn", "--softkeys", "6"]).expect(1).says("no key 9");
}

#[test]
fn an_account_of_another_idp_is_never_meant() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let settings = std::fs::read_to_string(office.home.path("keywright.toml")).unwrap();
    let bank =
        "[idp.bank]\nkind = \"manual\"\nrp-id = \"bank.example\"\nsign-in-url = \"https://login.bank.example\"\n";
    office.home.file("keywright.toml", &format!("{settings}{bank}"));
    for command in [
        &["revoke", ADA, "--key", "1", "--reason", "lost", "--yes"][..],
        &["account", "left", ADA, "--reason", "left", "--yes"],
        &["replace", ADA, "--key", "1", "--reason", "worn", "--softkeys", "6"],
    ] {
        office.run(&[command, &["--idp", "bank"]].concat()).expect(1).says("no account ada@example.org at bank");
    }
    let enroll = ["enroll", ADA, "--softkeys", "6", "--idp", "bank"];
    office.run(&enroll).expect(2).says("name a profile");
    office.ada_is_complete();
    // Without a name it is the account's own IdP.
    office.run(&["revoke", ADA, "--key", "1", "--reason", "lost", "--yes"]).expect(0);
    // And nobody is asked for at an IdP where they have no account.
    office.run(&["resume", "--idp", "bank", "--softkeys", "6"]).expect(0).says("nothing is left to do");
}

#[test]
fn a_list_that_cannot_be_written_takes_nothing_of_the_report_away() {
    let office = Office::new("ada@example.org,admin,Ada");
    let ended = office.provision(&["--labels", "no/such/folder/labels.csv", "--json"]);
    assert_ne!(ended.code, 0);
    assert_eq!(ended.json()[0]["complete"], true);
}

#[test]
fn a_roll_out_goes_in_waves() {
    let office = Office::new("ada@example.org,admin,Ada");
    office
        .home
        .file("roster.csv", "account,profile,name,wave\nada@example.org,admin,Ada,Pilot\nbo@example.org,admin,Bo,2\n");
    office.provision(&["--wave", "3"]).expect(1).says("nobody on the roster is in wave 3");
    office.provision(&["--wave", "PILOT"]).expect(0);
    office.ada_is_complete();
    office.provision(&["--wave", "2", "--dry-run"]).expect(0);
    office.provision(&[]).expect(0);
    let of_wave = |wave: &str| office.run(&["status", "--wave", wave, "--json"]).expect(0).json();
    let (pilot, second) = (of_wave("pilot"), of_wave("2"));
    assert_eq!((pilot.len(), &pilot[0]["account"], &pilot[0]["wave"]), (2, &json!(ADA), &json!("Pilot")));
    assert_eq!((second.len(), &second[0]["account"]), (2, &json!("bo@example.org")));
    // What the roster says later is shown as a change, and kept; what it leaves out stays.
    office.home.file("roster.csv", "account,profile,wave\nada@example.org,admin,2\n");
    let plan = office.provision(&["--dry-run"]).expect(0).stdout;
    assert!(plan.contains("its wave was Pilot"), "{plan}");
    office.provision(&[]).expect(0);
    office.roster("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    assert_eq!(of_wave("2").len(), 3);
    assert!(office.run(&["status", ADA]).expect(0).stdout.contains("wave"));
    assert!(office.run(&["status", "--csv"]).expect(0).stdout.lines().next().unwrap().ends_with(",wave"));
}

#[test]
fn what_is_left_at_two_idps_is_ended_at_each() {
    let office = Office::new("ada@example.org,admin,Ada");
    let users = office.home.file("lab.csv", "account,name\nlin@example.org,Lin\n");
    let serve = ["idp", "serve", "--listen", "127.0.0.1:0", "--token", "env:IDP_TOKEN", "--users", &users];
    let lab = Idp::run(&office.home, &[&serve[..], &["--state", "lab"]].concat(), &Idp::ENVIRONMENT);
    let settings = std::fs::read_to_string(office.home.path("keywright.toml")).unwrap();
    let lab = format!("[idp.lab]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", lab.url);
    office.home.file("keywright.toml", &format!("{settings}{lab}"));
    // Each gets one of two keys.
    office.run(&["provision", "roster.csv", "--softkeys", "1", "--idp", "corp"]).expect(5);
    office.roster("lin@example.org,admin,Lin");
    office.run(&["provision", "roster.csv", "--softkeys", "2", "--idp", "lab"]).expect(5);
    let resume = ["resume", "--softkeys", "4"];
    office.run(&[&resume[..], &["--labels", "labels.csv"]].concat()).expect(2).says("--idp");
    let told = office.run(&[&resume[..], &["--dry-run", "--json"]].concat()).expect(0).json();
    let plans: Vec<_> = told.iter().filter(|line| line["kind"] == "plan").map(|line| &line["directory"]).collect();
    assert_eq!(plans, ["corp", "lab"]);
    office.run(&resume).expect(0);
    let states: Vec<_> = office.accounts().into_iter().map(|(login, _, state)| (login, state)).collect();
    let complete = |login: &str| (login.to_owned(), "complete".to_owned());
    assert_eq!(states, [complete(ADA), complete("lin@example.org")]);
    office.run(&resume).expect(0).says("nothing is left to do");
}

#[test]
fn of_two_idps_one_is_the_default_and_known_accounts_go_to_their_own() {
    let office = Office::new("ada@example.org,admin,Ada");
    office.provision(&[]).expect(0);
    let settings = std::fs::read_to_string(office.home.path("keywright.toml")).unwrap();
    let bank = "\n# The bank\n[idp.bank]\nkind = \"manual\"\nrp-id = \"bank.example\"\nsign-in-url = \"https://login.bank.example\"\n";
    office.home.file("keywright.toml", &format!("{settings}{bank}"));
    office.provision(&[]).expect(2).says("several identity providers");
    office.run(&["idp", "default", "lab"]).expect(2).says("no identity provider is called");
    office.run(&["idp", "default", "bank"]).expect(0);
    let written = std::fs::read_to_string(office.home.path("keywright.toml")).unwrap();
    assert_eq!(written, format!("{settings}{bank}default = true\n"));
    let listed = office.run(&["idp", "list", "--json"]).expect(0).json();
    let default = listed.iter().filter(|idp| idp["default"] == true).map(|idp| &idp["name"]).collect::<Vec<_>>();
    assert_eq!(default, ["bank"]);
    // Ada is known at corp, whatever the default is.
    office.run(&["revoke", ADA, "--key", "1", "--reason", "lost", "--yes"]).expect(0);
    office.run(&["idp", "default", "corp"]).expect(0);
    office.run(&["resume", "--softkeys", "0", "--dry-run", "--idp", "bank"]).expect(0).says("nothing is left to do");
    office.provision(&[]).expect(0);
    office.ada_is_complete();
}
