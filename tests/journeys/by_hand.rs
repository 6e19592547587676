//! An IdP without an API: keys are made ready, a person registers them in a browser, and a drill confirms each.

use std::path::Path;
use std::process::Command;

use keywright_fido::ctap::{Authenticator, CredProtect, MakeCredential, Permissions, Pin};
use keywright_fido::hid::{Bus as _, Cancel, Limits};
use keywright_fido::webauthn::{CoseAlgorithm, CredentialId, RelyingParty, RpId, UserEntity, UserHandle};
use keywright_practice::softkey::Rack;
use keywright_test_support::cli::{Ended, Home};
use keywright_test_support::installed::installed;
use serde_json::{Value, json};

const ADA: &str = "ada@bank.example";
const BANK: &str = "kind = \"manual\"\nrp-id = \"bank.example\"\nsign-in-url = \"https://login.bank.example\"\n\
                    steps = [\"Open https://admin.bank.example.\", \"People > the person > Add a security key.\"]\n";
const GOOGLE: &str = "kind = \"google-workspace\"\n";
const PROFILE: &str = r#"
name = "vip"
description = "By hand."
label = "Key {ordinal}"
hand-over = "age"
[keys]
required = 2
attestation = "trusted"
reset = "if-used"
always-uv = true
cred-protect = 3
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 6
force-change = FORCE
"#;

/// An office whose IdP only people talk to.
struct Office {
    home: Home,
    settings: String,
    roster: String,
    reader: age::x25519::Identity,
}

impl Office {
    fn new(idp: &str, force_change: bool) -> Self {
        let home = Home::new();
        let roster = home.file("roster.csv", &format!("account,profile,name\n{ADA},vip,Ada\n"));
        std::fs::create_dir(home.path("profiles")).unwrap();
        home.file("profiles/vip.toml", &PROFILE.replace("FORCE", &force_change.to_string()));
        let reader = age::x25519::Identity::generate();
        let text = format!("profiles = \"profiles\"\nreaders = [\"vault={}\"]\n[idp.bank]\n{idp}", reader.to_public());
        let settings = home.file("keywright.toml", &text);
        Self { home, settings, roster, reader }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run(&[arguments, &["--config", &self.settings]].concat())
    }

    fn provision(&self) -> Vec<Value> {
        self.run(&["provision", &self.roster, "--softkeys", "2", "--json"]).expect(0).json()
    }

    /// Where the key with this number is.
    fn port(&self, ordinal: u64) -> String {
        let shown = self.run(&["resume", "--softkeys", "2", "--json"]).expect(0).json();
        let jobs = shown[0]["jobs"].as_array().unwrap();
        jobs.iter().find(|job| job["ordinal"] == ordinal).unwrap()["port"].as_str().unwrap().to_owned()
    }

    /// What was handed over for a key.
    fn sheet(&self, ordinal: u64) -> String {
        let sealed = self.home.state().join(format!("hand-over/vault/{ADA}.{ordinal}.age"));
        String::from_utf8(age::decrypt(&self.reader, &std::fs::read(sealed).unwrap()).unwrap()).unwrap()
    }

    fn pin(&self, ordinal: u64) -> String {
        self.sheet(ordinal).lines().find_map(|line| line.strip_prefix("PIN ")).unwrap().trim().to_owned()
    }

    fn key(&self, port: &str) -> Authenticator {
        let rack = Rack::open(&self.home.state().join("softkeys")).unwrap();
        let device = rack.devices().unwrap().into_iter().find(|device| device.port == port).unwrap();
        Authenticator::open(rack.open(&device, Limits::default(), Cancel::default()).unwrap()).unwrap()
    }

    /// What a browser does when a key is added to an account.
    fn add_in_browser(&self, port: &str, pin: &str, rp_id: &str, login: &str) -> CredentialId {
        let mut key = self.key(port);
        let rp_id: RpId = rp_id.parse().unwrap();
        let (pin, permission) = (Pin::new(pin).unwrap(), Permissions::MAKE_CREDENTIAL);
        let token = key.pin_uv_auth_token(&pin, permission, Some(&rp_id)).unwrap();
        let request = MakeCredential {
            resident_key: true,
            cred_protect: Some(CredProtect::UserVerificationRequired),
            ..MakeCredential::new(
                [7; 32],
                RelyingParty { id: rp_id, name: "Bank".into() },
                UserEntity {
                    id: UserHandle::new(login.as_bytes()).unwrap(),
                    name: login.into(),
                    display_name: "Ada".into(),
                },
                vec![CoseAlgorithm::ES256],
            )
        };
        let made = key.make_credential(&request, Some(&token), &mut |_| {}).unwrap();
        made.attestation_object.auth_data.attested_credential_data.unwrap().credential_id
    }

    fn drill(&self, ordinal: u64, more: &[&str]) -> Ended {
        self.drill_with(&self.pin(ordinal), ordinal, more)
    }

    fn drill_with(&self, pin: &str, ordinal: u64, more: &[&str]) -> Ended {
        let (port, pin) = (self.port(ordinal), self.home.secret("pin", pin));
        self.run(&[&["drill", ADA, "--softkeys", "2", "--key", &port, "--pin", &pin, "--json"], more].concat())
    }

    fn status(&self) -> Value {
        self.run(&["status", "--json"]).expect(0).json().remove(0)
    }

    /// Findings that ask for something: code and key.
    fn to_do(&self) -> Vec<(String, u64)> {
        let root = self.home.state().join("softkeys/attestation-ca.pem");
        let ended = self.run(&["audit", "ledger", "--json", "--root", root.to_str().unwrap()]);
        let lines = ended.json().into_iter();
        let findings = lines.filter(|line| line["kind"] == "finding" && line["severity"] != "notice");
        findings
            .map(|one| (one["finding"].as_str().unwrap().to_owned(), one["ordinal"].as_u64().unwrap_or(0)))
            .collect()
    }

    fn drills(&self) -> Vec<Value> {
        let shown = self.run(&["ledger", "show", "--json"]).expect(0).json();
        let events = shown.into_iter().map(|mut line| line["body"].take());
        events.filter(|event| event["event"] == "key-drilled").collect()
    }
}

fn codes(wanted: &[(&str, u64)]) -> Vec<(String, u64)> {
    wanted.iter().map(|(code, key)| ((*code).to_owned(), *key)).collect()
}

#[test]
fn a_key_is_made_ready_and_counts_only_when_a_drill_confirmed_it() {
    let office = Office::new(BANK, false);
    let dry = office.run(&["provision", &office.roster, "--softkeys", "2", "--dry-run"]).expect(0);
    assert!(dry.says("has no API").stdout.contains("2 keys to be made"));

    let made = office.provision();
    let (account, summary) = (&made[0], &made[1]);
    assert_eq!((&account["complete"], &account["to_be_confirmed"]), (&json!(false), &json!(true)));
    assert!(account["jobs"].as_array().unwrap().iter().all(|job| job["done"] == true && job["unconfirmed"] == true));
    assert_eq!((&summary["keys_proved"], &summary["keys_unconfirmed"]), (&json!(0), &json!(2)));
    assert_eq!((&summary["complete"], &summary["failed"]), (&json!(0), &json!(0)));
    assert_eq!(summary["by_hand"]["steps"][1], "People > the person > Add a security key.");
    assert!(office.sheet(1).contains("First    2. People > the person > Add a security key."), "{}", office.sheet(1));
    assert!(office.sheet(1).contains("Then     keywright drill confirms it; this PIN stays"));
    // The same roster makes no third key, and nothing is left for 'resume'.
    assert_eq!(office.provision()[0]["jobs"].as_array().unwrap().len(), 2);
    let status = office.status();
    assert_eq!((&status["keys_unconfirmed"], &status["jobs"][0]["state"]), (&json!(2), &json!("unconfirmed")));
    let words = office.run(&["status"]).expect(0).stdout;
    assert!(words.contains("to be confirmed") && words.contains("key 1: register it by hand, then drill"), "{words}");
    assert_eq!(office.to_do(), codes(&[("too-few-keys", 0), ("unconfirmed", 1), ("unconfirmed", 2)]));

    // The key shows whose it is, without a PIN, though it keeps nothing of ours on its list.
    let port = office.port(1);
    let identified = office.run(&["key", "identify", "--softkeys", "2", "--key", &port, "--json"]).expect(0).one();
    assert_eq!(
        (&identified["in_ledger"], &identified["credentials"][0]["state"]),
        (&json!(true), &json!("unconfirmed"))
    );
    let pin = office.home.secret("pin", &office.pin(1));
    let listed = office.run(&["key", "credentials", "--softkeys", "2", "--key", &port, "--pin", &pin, "--json"]);
    assert_eq!(listed.expect(0).stdout, "");

    // Nobody's word, and a word that the key belies, are not enough.
    office.drill(1, &[]).expect(2).says("--signed-in");
    let belied = office.drill(1, &["--signed-in"]).expect(1).says("keywright idp check").one();
    assert_eq!(belied["failure"]["message"], "the key has no credential for bank.example");
    assert_eq!(belied["recorded"], false);
    assert_eq!(office.drills(), Vec::<Value>::new());

    office.add_in_browser(&port, &office.pin(1), "bank.example", "somebody.else@bank.example");
    let hers = office.add_in_browser(&port, &office.pin(1), "bank.example", ADA);
    let drilled = office.drill(1, &["--signed-in"]).expect(0).one();
    assert_eq!(drilled["by_hand"]["found"]["credential_id"], hers.to_string());
    assert_eq!((&drilled["by_hand"]["said_by"], &drilled["signed_in"]), (&json!("tester"), &Value::Null));
    assert_eq!((&drilled["proved"], &drilled["account_complete"]), (&json!(true), &json!(false)));
    assert_eq!(office.to_do(), codes(&[("too-few-keys", 0), ("unconfirmed", 2)]));

    office.add_in_browser(&office.port(2), &office.pin(2), "bank.example", ADA);
    let drilled = office.drill(2, &["--signed-in"]).expect(0).one();
    assert_eq!(drilled["account_complete"], true);
    assert_eq!(office.to_do(), []);
    assert_eq!((&office.status()["complete"], &office.status()["keys_proved"]), (&json!(true), &json!(2)));
    let nothing = office.run(&["resume", "--softkeys", "2"]).expect(0);
    nothing.says("nothing is left to do");
}

#[test]
fn an_auditor_verifies_what_keys_registered_by_hand_attest_and_show() {
    let office = Office::new(BANK, false);
    office.provision();
    office.add_in_browser(&office.port(1), &office.pin(1), "bank.example", ADA);
    office.drill(1, &["--signed-in"]).expect(0);
    let (root, page) = (office.home.state().join("softkeys/attestation-ca.pem"), office.home.path("audit.html"));
    let audit = ["audit", "ledger", "--json", "--root", root.to_str().unwrap(), "--html", page.to_str().unwrap()];
    let lines = office.run(&audit).json();
    let keys: Vec<_> = lines.iter().filter(|line| line["kind"] == "credential").map(|line| &line["by_hand"]).collect();
    assert_eq!(
        (&keys[0]["said_by"], &keys[0]["rp_id"], keys[1]),
        (&json!("tester"), &json!("bank.example"), &Value::Null)
    );
    let page = std::fs::read_to_string(page).unwrap();
    for words in ["by hand at bank, as tester says; the key showed credential ", "by hand at bank, not confirmed"] {
        assert!(page.contains(words), "{words}");
    }
    let folder = office.home.path("evidence");
    office.run(&["ledger", "export", folder.to_str().unwrap()]).expect(0);
    let read = |entry: std::io::Result<std::fs::DirEntry>| -> Value {
        serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap()
    };
    let mut files: Vec<Value> = std::fs::read_dir(folder.join("credentials")).unwrap().map(read).collect();
    files.sort_by_key(|file| file["ordinal"].as_u64());
    assert_eq!((&files[0]["state"], &files[1]["state"]), (&json!("registered"), &json!("unconfirmed")));
    assert_eq!(
        (&files[0]["rp_id"], &files[0]["by_hand"]["rp_id"]),
        (&json!("keywright.invalid"), &json!("bank.example"))
    );
    assert_eq!((&files[0]["by_hand"]["said_by"], &files[1]["by_hand"]), (&json!("tester"), &Value::Null));

    let Some(cache) = installed("reverify", "py_webauthn", "tests/reverify/install") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reverify/reverify.py");
    let output = Command::new(cache.join("bin/python"))
        .arg("-I")
        .arg(script)
        .arg("--root")
        .args([&root, &folder])
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        output.status.success() && said.contains("2 registrations verified") && said.contains("3 proofs"),
        "{said}"
    );
}

#[test]
fn the_pin_is_changed_by_force_when_the_key_is_confirmed_and_not_before() {
    let office = Office::new(GOOGLE, true);
    let made = office.provision();
    assert!(made[1]["by_hand"]["steps"].to_string().contains("admin.google.com"));
    assert!(office.sheet(1).contains("after that a new PIN has to be chosen"), "{}", office.sheet(1));
    let (port, pin) = (office.port(1), office.pin(1));
    assert!(!office.key(&port).info().force_pin_change);

    // Google makes a credential that the key does not list; the person's word has to do.
    let drilled = office.drill(1, &["--signed-in"]).expect(0).one();
    assert_eq!((&drilled["by_hand"]["found"], &drilled["force_pin_change"]), (&Value::Null, &json!(true)));
    assert!(office.key(&port).info().force_pin_change);
    office.drill(1, &["--signed-in"]).expect(6).says("keywright key pin change");

    // With the person's own PIN it can be drilled as often as anybody likes, and is not asked for another.
    let mut key = office.key(&port);
    key.change_pin(&Pin::new(&pin).unwrap(), &Pin::new("the person's own").unwrap()).unwrap();
    drop(key);
    let again = office.drill_with("the person's own", 1, &["--signed-in"]).expect(0).one();
    assert_eq!((&again["proved"], &again["force_pin_change"]), (&json!(true), &json!(false)));
    assert_eq!(office.drills().len(), 2);
}

#[test]
fn a_confirmed_key_that_lost_its_credential_fails_its_next_drill() {
    let office = Office::new(BANK, false);
    office.provision();
    let (port, pin) = (office.port(1), office.pin(1));
    let id = office.add_in_browser(&port, &pin, "bank.example", ADA);
    office.drill(1, &["--signed-in"]).expect(0);

    let mut key = office.key(&port);
    let token = key.pin_uv_auth_token(&Pin::new(&pin).unwrap(), Permissions::CREDENTIAL_MANAGEMENT, None).unwrap();
    key.delete_credential(&token, &id).unwrap();
    drop(key);
    let failed = office.drill(1, &["--signed-in"]).expect(1).one();
    assert_eq!(
        (&failed["failure"]["message"], &failed["recorded"]),
        (&json!("the key has no credential for bank.example"), &json!(true))
    );
    assert!(office.to_do().contains(&("last-try-failed".to_owned(), 1)));

    // A reset takes what shows whose key it is, too.
    office.home.reset_elsewhere(&port);
    let gone = ["drill", ADA, "--softkeys", "2", "--key", &port, "--number", "1", "--signed-in", "--json"];
    assert_eq!(
        office.run(&gone).expect(1).one()["failure"]["message"].as_str().unwrap().split(':').next(),
        Some("the key no longer has the credential")
    );
}

#[test]
fn a_lost_key_is_written_down_when_a_person_has_removed_it() {
    let office = Office::new(BANK, false);
    office.provision();
    let revoke = ["revoke", ADA, "--key", "2", "--reason", "lost", "--json"];
    office.run(&[&revoke[..], &["--dry-run"]].concat()).expect(0).says("bank has no API: remove the key");
    office.run(&revoke).expect(1).says("removed there");
    assert_eq!(office.status()["keys_unconfirmed"], 2);
    let revoked = office.run(&[&revoke[..], &["--yes"]].concat()).expect(0).one();
    assert_eq!((revoked["by_hand"].as_array().unwrap().len(), &revoked["removed"]), (1, &json!([])));
    assert_eq!(office.status()["keys_unconfirmed"], 1);
    // The next run makes another one, out of a key that is not in use.
    let more = office.run(&["provision", &office.roster, "--softkeys", "3", "--json"]).expect(0).json();
    let ordinals: Vec<_> = more[0]["jobs"].as_array().unwrap().iter().map(|job| job["ordinal"].clone()).collect();
    assert_eq!(ordinals, [1, 2, 3]);
    assert_eq!(more[0]["to_be_confirmed"], true);
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_the_person_is_asked() {
    let office = Office::new(GOOGLE, false);
    office.provision();
    let (port, pin) = (office.port(1), office.home.secret("pin", &office.pin(1)));
    let drill = ["drill", ADA, "--softkeys", "2", "--key", &port, "--pin", &pin, "--config", &office.settings];
    let (code, shown) = office.home.on_terminal(&drill, &["n"]);
    // Lines end where the terminal does.
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        code == 1 && shown.contains("nobody has signed in with this key yet") && shown.contains("keywright idp check"),
        "{shown}"
    );
    assert_eq!(office.drills(), Vec::<Value>::new());
    let (code, shown) = office.home.on_terminal(&drill, &["y"]);
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && shown.contains("has somebody signed in with it at https://accounts.google.com?"), "{shown}");
    assert!(shown.contains("signs in as tester says, and the key shows nothing of it"), "{shown}");
}

#[test]
fn what_has_to_be_done_is_told_before_anybody_needs_it() {
    let office = Office::new(GOOGLE, false);
    let checked = office.run(&["idp", "check", "bank"]).expect(0).stdout;
    assert!(checked.contains("there is nothing to sign in to") && checked.contains("has no API"), "{checked}");
    assert!(
        checked.contains("  1. Sign in as an administrator") && checked.contains("keywright drill ACCOUNT"),
        "{checked}"
    );
    let listed = office.run(&["idp", "list"]).expect(0).stdout;
    assert_eq!(listed, "bank  google-workspace  https://accounts.google.com  registered by hand\n");
    let checked = office.run(&["idp", "check", "--json"]).expect(0).one();
    assert_eq!(checked["by_hand"]["rp_id"], "google.com");
    let added = office.run(&["idp", "add", "goog", "--kind", "google-workspace"]).expect(0);
    assert_eq!(added.stdout, "[idp.goog]\nkind = \"google-workspace\"\n");
    let bad = office.run(&["idp", "add", "two", "--kind", "manual", "--set", "rp-id=a.example"]).expect(2);
    bad.says("sign-in-url");
    let typo = ["--set", "rp-id=a.example", "--set", "sign-in-url=https://login.a.exmple"];
    let bad = office.run(&[&["idp", "add", "two", "--kind", "manual"], &typo[..]].concat()).expect(2);
    bad.says("rp-id a.example is neither the host of sign-in-url nor a parent domain of it")
        .says("nothing was written");
}
