//! An auditor verifies a folder of evidence with py_webauthn and Python, and with none of our code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use keywright_test_support::cli::Home;
use keywright_test_support::installed::installed;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Two people with two keys each, exported, and the root that their keys' certificates lead to.
struct Evidence {
    home: Home,
    folder: PathBuf,
    root: String,
    python: PathBuf,
}

impl Evidence {
    fn new() -> Option<Self> {
        let python = installed("reverify", "py_webauthn", "tests/reverify/install")?.join("bin/python");
        let home = Home::new();
        home.run(&["rehearse", "--people", "2", "--out", "done"]).expect(0);
        let folder = home.path("done/evidence");
        let root = home.path("done/softkeys/attestation-ca.pem").to_str().unwrap().to_owned();
        Some(Self { home, folder, root, python })
    }

    /// Whether the script is content, and what it says.
    fn verify(&self, arguments: &[&str]) -> (bool, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reverify/reverify.py");
        let output =
            Command::new(&self.python).arg("-I").arg(script).args(arguments).arg(&self.folder).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    #[track_caller]
    fn refuses(&self, words: &str) {
        let (content, said) = self.verify(&["--root", &self.root]);
        assert!(!content && said.contains(words), "\"{words}\" is not in:\n{said}");
        assert!(!said.contains("Traceback"), "{said}");
    }

    fn credentials(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.folder.join("credentials")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// Changes a credential's file, and its sum with it.
    fn rewrite_credential(&self, change: impl FnOnce(&mut Value)) {
        let file = self.credentials().remove(0);
        let mut credential: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        change(&mut credential);
        fs::write(&file, credential.to_string()).unwrap();
        self.sum_up();
    }

    /// Changes the events, and hashes, head and sums with them, as somebody would who can write the whole ledger anew.
    fn rewrite_events(&self, mut change: impl FnMut(&mut Value)) {
        let events = fs::read_to_string(self.folder.join("events.jsonl")).unwrap();
        let (mut before, mut written) = ([0; 32], String::new());
        let mut head = String::new();
        for line in events.lines() {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let mut event: Value = serde_json::from_str(line["body"].as_str().unwrap()).unwrap();
            change(&mut event);
            line["body"] = event.to_string().into();
            let text =
                format!("{}\n{}\n{}", line["seq"], line["time"].as_str().unwrap(), line["body"].as_str().unwrap());
            before = Sha256::digest([&before[..], text.as_bytes()].concat()).into();
            line["hash"] = HEXLOWER.encode(&before).into();
            head = format!("{}:{}\n", line["seq"], HEXLOWER.encode(&before));
            written.push_str(&format!("{line}\n"));
        }
        fs::write(self.folder.join("events.jsonl"), written).unwrap();
        fs::write(self.folder.join("HEAD"), head).unwrap();
        self.sum_up();
    }

    fn sum_up(&self) {
        let sums = fs::read_to_string(self.folder.join("SHA256SUMS")).unwrap();
        let summed = sums.lines().map(|line| {
            let name = line.split_once("  ").unwrap().1;
            let digest = Sha256::digest(fs::read(self.folder.join(name)).unwrap());
            format!("{}  {name}\n", HEXLOWER.encode(&digest))
        });
        fs::write(self.folder.join("SHA256SUMS"), summed.collect::<String>()).unwrap();
    }
}

/// Something that somebody does to a document.
type Change = fn(&mut Value);

/// Flips one bit in the middle of bytes that are written as base64url.
fn flip(text: &mut Value, from_end: usize) {
    let mut bytes = BASE64URL_NOPAD.decode(text.as_str().unwrap().as_bytes()).unwrap();
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    *text = BASE64URL_NOPAD.encode(&bytes).into();
}

fn is_step(event: &Value, step: &str) -> bool {
    event["event"] == "step-done" && event["outcome"]["step"] == step
}

#[test]
fn an_export_verifies_without_our_code() {
    let Some(evidence) = Evidence::new() else { return };
    let (content, said) = evidence.verify(&["--root", &evidence.root]);
    assert!(content, "{said}");
    assert!(said.contains("4 credentials; 4 registrations verified (against 1 root), 4 proofs; 0 faults"), "{said}");
    let head = fs::read_to_string(evidence.folder.join("HEAD")).unwrap();
    assert!(evidence.verify(&["--root", &evidence.root, "--head", head.trim()]).0);
    assert!(evidence.verify(&["--without-roots"]).0);
    let (content, said) = evidence.verify(&[]);
    assert!(!content && said.contains("--without-roots"), "{said}");
}

#[test]
fn a_changed_byte_in_any_file_is_found() {
    let Some(evidence) = Evidence::new() else { return };
    let mut files: Vec<_> = ["HEAD", "README.txt", "accounts.json", "events.jsonl", "SHA256SUMS"]
        .iter()
        .map(|name| evidence.folder.join(name))
        .collect();
    files.extend(evidence.credentials());
    for file in files {
        let sound = fs::read(&file).unwrap();
        let mut changed = sound.clone();
        changed[sound.len() / 2] ^= 1;
        fs::write(&file, changed).unwrap();
        let (content, said) = evidence.verify(&["--root", &evidence.root]);
        assert!(!content, "{}: {said}", file.display());
        fs::write(&file, sound).unwrap();
    }
    fs::write(evidence.folder.join("credentials/more.json"), "{}").unwrap();
    evidence.refuses("credentials/more.json: is not in SHA256SUMS");
}

#[test]
fn a_file_that_says_something_else_than_the_events_is_found_though_its_sum_fits() {
    let Some(evidence) = Evidence::new() else { return };
    let sound = fs::read(&evidence.credentials()[0]).unwrap();
    let changes: [(&str, Change); 7] = [
        ("ctap_response: is", |file| flip(&mut file["ctap_response"], 9)),
        ("attestation_object: is", |file| flip(&mut file["attestation_object"], 9)),
        ("client_data_json: is", |file| flip(&mut file["client_data_json"], 9)),
        ("credential_public_key: is", |file| flip(&mut file["credential_public_key"], 9)),
        ("signature: is", |file| flip(&mut file["assertion"]["signature"], 9)),
        ("verdict: is", |file| file["verdict"]["model"] = "another".into()),
        ("challenge: is", |file| flip(&mut file["challenge"], 9)),
    ];
    for (words, change) in changes {
        evidence.rewrite_credential(change);
        evidence.refuses(words);
        fs::write(&evidence.credentials()[0], &sound).unwrap();
    }
    evidence.rewrite_credential(|file| file["policy"] = json!({"attestation": "none", "aaguids": []}));
    evidence.refuses("policy attestation: is 'none' in its file and 'trusted' in the events");
}

#[test]
fn two_credentials_that_change_places_are_found_though_the_sums_fit() {
    let Some(evidence) = Evidence::new() else { return };
    let files = evidence.credentials();
    let read = |file: &PathBuf| serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap();
    let one = read(&files[0]);
    let other = files.iter().map(read).find(|other| other["account"] != one["account"]).unwrap();
    for members in [
        &["account", "user_id", "ordinal"][..],
        &["key"],
        &["account", "ordinal", "job", "tree", "inclusion"],
        &["job"],
    ] {
        let (mut first, mut second) = (one.clone(), other.clone());
        for member in members {
            (first[*member], second[*member]) = (other[*member].clone(), one[*member].clone());
        }
        for changed in [&first, &second] {
            let name = format!("{}.json", changed["id"].as_str().unwrap());
            fs::write(evidence.folder.join("credentials").join(name), changed.to_string()).unwrap();
        }
        evidence.sum_up();
        evidence.refuses(&format!("{}: is", members.last().filter(|_| members.len() == 1).unwrap_or(&"account")));
    }
    for whole in [&one, &other] {
        let name = format!("{}.json", whole["id"].as_str().unwrap());
        fs::write(evidence.folder.join("credentials").join(name), whole.to_string()).unwrap();
    }
    // In the list of accounts, too.
    let accounts = evidence.folder.join("accounts.json");
    let mut list: Value = serde_json::from_slice(&fs::read(&accounts).unwrap()).unwrap();
    let first = list[0]["credentials"].clone();
    list[0]["credentials"] = list[1]["credentials"].clone();
    list[1]["credentials"] = first;
    fs::write(&accounts, list.to_string()).unwrap();
    evidence.sum_up();
    evidence.refuses("credentials: is");
}

#[test]
fn a_ledger_that_was_written_anew_cannot_have_signatures_that_verify() {
    let changes: [(&str, &str, Change); 4] = [
        ("make", "registration: ", |outcome| flip(&mut outcome["client_data_json"], 9)),
        ("make", "registration: ", |outcome| flip(&mut outcome["attestation_object"], 9)),
        ("begin", "registration: ", |outcome| flip(&mut outcome["ceremony"]["options"]["challenge"], 9)),
        ("prove", "proof: ", |outcome| flip(&mut outcome["signature"], 9)),
    ];
    for (step, words, change) in changes {
        let Some(evidence) = Evidence::new() else { return };
        let head = fs::read_to_string(evidence.folder.join("HEAD")).unwrap();
        evidence.rewrite_events(|event| {
            if is_step(event, step) {
                change(&mut event["outcome"]);
            }
        });
        evidence.refuses(words);
        // And a head that was kept elsewhere tells it whatever was changed.
        let (content, said) = evidence.verify(&["--root", &evidence.root, "--head", head.trim()]);
        assert!(!content && said.contains("is not in the chain"), "{said}");
    }
}

#[test]
fn keys_of_another_maker_are_refused() {
    let Some(mut evidence) = Evidence::new() else { return };
    evidence.home.run(&["rehearse", "--people", "1", "--out", "other"]).expect(0);
    evidence.root = evidence.home.path("other/softkeys/attestation-ca.pem").to_str().unwrap().to_owned();
    evidence.refuses("registration: ");
}
