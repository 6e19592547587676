//! The way back from the command line: a lost key, and accounts for emergencies.

use std::path::Path;

use keywright_test_support::cli::{Ended, Home, Idp};
use serde_json::{Value, json};

const PROFILE: &str = r#"
name = "kept"
description = "For these tests."
label = "Key {ordinal}"
hand-over = "age"
drill-interval-days = 90
[keys]
required = 2
attestation = "trusted"
reset = "if-used"
always-uv = true
cred-protect = 1
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 6
force-change = false
"#;

/// A home with two people who have two keys each, and a running IdP.
struct Office {
    home: Home,
    settings: String,
    reader: age::x25519::Identity,
    _idp: Idp,
}

const ADA: &str = "ada@example.org";
const BO: &str = "bo@example.org";

impl Office {
    fn new() -> Self {
        let home = Home::new();
        let roster = home.file("roster.csv", &format!("account,profile,name\n{ADA},kept,Ada\n{BO},kept,Bo\n"));
        std::fs::create_dir(home.path("profiles")).unwrap();
        home.file("profiles/kept.toml", PROFILE);
        let idp = Idp::start(&home, Path::new(&roster));
        let reader = age::x25519::Identity::generate();
        let settings = format!(
            "profiles = \"profiles\"\nreaders = [\"vault={}\"]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
            reader.to_public(),
            idp.url
        );
        let settings = home.file("keywright.toml", &settings);
        let office = Self { home, settings, reader, _idp: idp };
        office.run(&["provision", &roster, "--softkeys", "4"]).expect(0);
        office
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let arguments = [arguments, &["--config", &self.settings]].concat();
        self.home.run_with(&arguments, &Idp::ENVIRONMENT)
    }

    /// The PIN of somebody's key, in a file that only its owner reads.
    fn pin(&self, account: &str, ordinal: usize) -> String {
        let path = self.home.state().join(format!("hand-over/vault/{account}.{ordinal}.age"));
        let text = String::from_utf8(age::decrypt(&self.reader, &std::fs::read(path).unwrap()).unwrap()).unwrap();
        let pin = text.lines().find_map(|line| line.strip_prefix("PIN")).unwrap().trim().to_owned();
        self.home.secret("pin.txt", &pin)
    }

    /// The soft key that is this key of an account.
    fn key_of(&self, account: &str, ordinal: usize) -> String {
        let listed = self.run(&["key", "list", "--known", "--softkeys", "4", "--json"]).expect(0).json();
        let is_it = |key: &&Value| {
            let one = &key["credentials"][0];
            one["account"] == account && one["ordinal"] == ordinal
        };
        listed.iter().find(is_it).unwrap_or_else(|| panic!("{listed:?}"))["path"].as_str().unwrap().to_owned()
    }
}

const WHO: [&str; 4] = ["--asked-by", "Ada, by telephone", "--identity-proved", "called back"];

fn states(recovery: &Value) -> Vec<(&str, &str)> {
    let steps = recovery["steps"].as_array().unwrap();
    steps.iter().map(|step| (step["step"].as_str().unwrap(), step["state"].as_str().unwrap())).collect()
}

#[test]
fn a_person_who_lost_a_key_is_got_back_in() {
    let office = Office::new();
    let recover = ["recover", ADA, "--lost", "1", "--stolen", "--pass"];
    office.run(&recover).expect(2).says("--asked-by is missing");
    office.run(&[&recover[..], &WHO].concat()).expect(1).says("there is no terminal to ask on");

    let dry = [&recover[..], &WHO, &["--dry-run", "--json"]].concat();
    let plan = office.run(&dry).expect(0).one();
    assert_eq!((&plan["state"], &plan["recovery"], &plan["loss"]), (&json!("planned"), &Value::Null, &json!("stolen")));
    assert_eq!(plan["steps"].as_array().unwrap().len(), 7);

    // No key is at hand: the account is open again, and the recovery waits.
    let yes = [&recover[..], &WHO, &["--yes", "--json", "--softkeys", "0"]].concat();
    let waits = office.run(&yes).expect(5);
    let waits = waits.json();
    let recovery = waits.last().unwrap();
    assert_eq!((&recovery["kind"], &recovery["state"]), (&json!("recovery"), &json!("open")));
    let (done, next) = (states(recovery), ("new-key", "next"));
    assert_eq!((done[3], done[4], done[5]), (("restore", "done"), ("give-pass", "done"), next));
    assert!(recovery["pass_until"].is_string());
    assert!(office.home.state().join(format!("hand-over/vault/{ADA}.pass.age")).exists());

    // A fifth key comes, when somebody else is at the desk.
    let resume = ["resume", "--softkeys", "5", "--json", "--config", &office.settings];
    let ended = office.home.run_with(&resume, &[&Idp::ENVIRONMENT[..], &[("USER", "bea")]].concat()).expect(0).json();
    let recovery = ended.iter().find(|line| line["kind"] == "recovery").unwrap();
    assert_eq!((&recovery["state"], &recovery["pass_until"]), (&json!("complete"), &Value::Null));
    assert!(states(recovery).iter().all(|(_, state)| *state == "done"), "{recovery}");
    let status = office.run(&["status", "--json"]).expect(0).json();
    let ada = status.iter().find(|line| line["account"] == ADA).unwrap();
    assert_eq!(ada["keys_proved"], 2);
    let log = office.run(&["ledger", "show"]).expect(0).stdout;
    assert!(log.contains("asked by Ada, by telephone, identity proved by called back"), "{log}");
    let by = |words: &str, name: &str| {
        log.lines().any(|line| line.contains(words) && line.contains(&format!(", by {name}")))
    };
    assert!(by("revoke key begins", "tester") && by("recovery 1: complete", "bea"), "{log}");
    office.run(&["ledger", "verify"]).expect(0);
    office.run(&["resume", "--softkeys", "5"]).expect(0).says("nothing is left to do");
}

#[test]
fn the_last_key_is_lost_by_its_accounts_name() {
    let office = Office::new();
    office.run(&["revoke", ADA, "--key", "1", "--reason", "worn", "--yes"]).expect(0);
    let last = [&["recover", ADA, "--lost", "2", "--yes"][..], &WHO].concat();
    office.run(&last).expect(1).says("is the last one of");
    let named = |login| [&last[..], &["--last-key-of", login]].concat();
    office.run(&named(BO)).expect(1).says("not confirmed");
    let ended = office.run(&[&named(ADA)[..], &["--softkeys", "6", "--json"]].concat()).expect(0).json();
    assert_eq!(ended.last().unwrap()["state"], "complete");
    let status = office.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status.iter().find(|line| line["account"] == ADA).unwrap()["keys_proved"], 2);
}

#[test]
fn a_rehearsal_does_it_all_and_a_recovery_can_be_given_up() {
    let office = Office::new();
    let rehearse = ["recover", ADA, "--rehearse", "--group", "admins", "--yes", "--json", "--softkeys", "5"];
    let ended = office.run(&rehearse).expect(0).json();
    let recovery = ended.last().unwrap();
    assert_eq!((&recovery["rehearsal"], &recovery["state"]), (&json!("admins"), &json!("complete")));
    assert_eq!(states(recovery).len(), 7);

    office.run(&["recover", BO, "--give-up", "found"]).expect(1).says("no recovery of");
    let lost = [&["recover", BO, "--lost", "1", "--yes", "--softkeys", "0"][..], &WHO].concat();
    office.run(&lost).expect(5);
    let given_up = office.run(&["recover", BO, "--give-up", "found again", "--yes", "--json"]).expect(0).one();
    assert_eq!((&given_up["state"], &given_up["reason"]), (&json!("given-up"), &json!("found again")));
}

#[test]
fn a_break_glass_account_is_bagged_drilled_and_watched() {
    let office = Office::new();
    let add = |account, key, place, bag| {
        let add = ["breakglass", "add", account, "--key", key, "--place", place, "--bag", bag, "--may-open", "Cy"];
        office.run(&[&add[..], &["--yes", "--json"]].concat()).expect(0).one()
    };
    let findings = |expected: i32| {
        let told = office.run(&["breakglass", "status", "--json"]).expect(expected).json();
        let findings = told.iter().filter(|line| line["kind"] == "break-glass-finding");
        findings.map(|line| line["finding"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(findings(3), ["too-few-accounts"]);
    let added = add(ADA, "1", "safe, Linz", "4711");
    assert_eq!((&added["kept"], &added["bags"][0]["place"]), (&json!(true), &json!("safe, Linz")));
    add(BO, "1", "safe, Graz", "4712");
    assert_eq!(findings(3), ["drill-due", "drill-due"]);
    // No such key; and a recovery is for people.
    let add_7 = ["breakglass", "add", ADA, "--key", "7", "--place", "p", "--bag", "1", "--may-open", "Cy", "--yes"];
    office.run(&add_7).expect(1).says("no key 7 that counts");
    office.run(&[&["recover", ADA, "--lost", "1", "--yes"][..], &WHO].concat()).expect(1).says("break-glass account");

    let drill = |account: &'static str, bag: &'static str| {
        let (pin, key) = (office.pin(account, 1), office.key_of(account, 1));
        let drill = ["breakglass", "drill", account, "--by", "Cy", "--by", "Dee", "--softkeys", "4", "--key", &key];
        office.run(&[&drill[..], &["--pin", &pin, "--new-bag", bag, "--json"]].concat())
    };
    let one = ["breakglass", "drill", ADA, "--by", "Cy", "--softkeys", "4"];
    office.run(&one).expect(2).says("takes two people");
    let drilled = drill(ADA, "4713").expect(0).json();
    let account = drilled.last().unwrap();
    assert_eq!((&account["last_drill"]["passed"], &account["bags"][0]["bag"]), (&json!(true), &json!("4713")));
    assert!(account["last_drill"]["sign_ins"].as_u64().unwrap() >= 1, "the log of the IdP has the drill");
    drill(BO, "4714").expect(0);
    assert_eq!(findings(0), Vec::<String>::new());

    let gone = office.run(&["breakglass", "remove", BO, "--reason", "another", "--yes", "--json"]).expect(0).one();
    assert_eq!(gone["kept"], false);
    let status = office.run(&["breakglass", "status"]).expect(3);
    assert!(
        status.stdout.contains("key 1: bag 4713, safe, Linz") && status.stderr.contains("2 are needed"),
        "{status:?}"
    );
}
