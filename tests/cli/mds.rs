//! Somebody keeps the metadata of models up to date, asks it, and has keys refused by it.

use keywright_test_support::data;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use keywright_practice::softkey::SOFT_AAGUID;
use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::metadata_service::{MetadataService, entry, payload};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
const OTHER: &str = "d8522d9f-575b-4866-88a9-ba99fa02f35b";

/// A home, and a metadata service whose root is in it.
struct Desk {
    home: Home,
    service: MetadataService,
    root: String,
}

impl Desk {
    fn new() -> Self {
        let (home, service) = (Home::new(), MetadataService::new());
        std::fs::write(home.path("root.der"), service.root.der()).unwrap();
        let root = home.path("root.der").to_str().unwrap().to_owned();
        Self { home, service, root }
    }

    /// A signed BLOB in a file.
    fn blob(&self, no: u64, entries: Value) -> String {
        let path = self.home.path(&format!("blob-{no}.jwt"));
        std::fs::write(&path, self.service.sign(&payload(no, entries))).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run(arguments)
    }

    fn import(&self, blob: &str) -> Ended {
        self.run(&["mds", "import", blob, "--root", &self.root])
    }

    fn update(&self, url: &str) -> Ended {
        self.run(&["mds", "update", "--url", url, "--root", &self.root])
    }
}

fn one_model(status: &str) -> Value {
    json!([entry(MODEL, "Key One", status, &[])])
}

#[test]
fn models_are_listed_by_name_and_certification() {
    let desk = Desk::new();
    let entries = json!([
        entry(MODEL, "Key One FIPS", "FIDO_CERTIFIED_L2", &[]),
        entry(OTHER, "Key Two", "FIDO_CERTIFIED_L1", &[])
    ]);
    desk.import(&desk.blob(7, entries)).expect(0);
    let listed = |arguments: &[&str]| -> Vec<Value> {
        let all = desk.run(&[&["mds", "list", "--json"], arguments].concat()).expect(0).json();
        all.into_iter().map(|line| line["name"].clone()).collect()
    };
    assert_eq!(listed(&[]), [json!("Key One FIPS"), json!("Key Two")]);
    assert_eq!(listed(&["--name", "fips KEY"]), [json!("Key One FIPS")]);
    assert_eq!(listed(&["--certification", "L1plus"]), [json!("Key One FIPS")]);
    assert_eq!(listed(&["--name", "key", "--certification", "L3"]), Vec::<Value>::new());
    let words = desk.run(&["mds", "list", "--name", "two"]).expect(0).stdout;
    assert!(words.contains(OTHER) && words.contains("L1"), "{words}");
    desk.run(&["mds", "list", "--certification", "L9"]).expect(2);
    // The metadata's name counts before keywright's own.
    let soft = SOFT_AAGUID.to_string();
    desk.import(&desk.blob(8, json!([entry(&soft, "Soft One", "FIDO_CERTIFIED_L1", &[])]))).expect(0);
    let info = desk.run(&["key", "info", "--softkeys", "1", "--json"]).expect(0).one();
    assert_eq!(info["model"], "Soft One");
}

#[test]
fn without_metadata_every_question_says_how_to_get_some() {
    let desk = Desk::new();
    for arguments in [&["mds", "status"][..], &["mds", "show", MODEL], &["mds", "diff"]] {
        desk.run(arguments).expect(1).says("no FIDO metadata is stored").says("'keywright mds update'");
    }
    assert!(!desk.home.state().exists(), "asking makes nothing");
}

#[test]
fn a_blob_from_a_file_is_put_to_use_and_asked() {
    let desk = Desk::new();
    let blob = desk.blob(7, one_model("FIDO_CERTIFIED_L2"));
    assert!(desk.import(&blob).expect(0).stdout.starts_with("number 7 is in use\n"));
    assert!(desk.import(&blob).expect(0).stdout.starts_with("number 7 is already stored\n"));

    let status = desk.run(&["mds", "status", "--json"]).expect(0).one();
    assert_eq!(status["root"].as_str().map(str::len), Some(64), "another's is not FIDO's: {status}");
    assert_eq!((&status["no"], &status["signed"], &status["models"]), (&json!(7), &json!(true), &json!(1)));
    assert_eq!(status["signer_revocation_checked"], false);
    assert!(status["source"].as_str().unwrap().ends_with("blob-7.jwt"), "{status}");
    let words = desk.run(&["mds", "status"]).expect(0).stdout;
    assert!(words.contains("NOT FIDO'S: verified under the root with the SHA-256"), "{words}");
    assert!(words.contains("days ago: 'keywright mds update'"), "2026-08-01 is past: {words}");

    let model = desk.run(&["mds", "show", MODEL, "--json"]).expect(0).one();
    assert_eq!((&model["name"], &model["certification"]), (&json!("Key One"), &json!("L2")));
    assert_eq!(model["advisories"][0]["id"], "YSA-2024-03");
    assert_eq!(model["entry"]["metadataStatement"]["description"], "Key One");
    let words = desk.run(&["mds", "show", MODEL]).expect(0).stdout;
    assert!(words.contains("certification  L2") && words.contains("EUCLEAK"), "{words}");
    desk.run(&["mds", "show", OTHER]).expect(1).says("does not list the model");
    desk.run(&["mds", "show", "key"]).expect(2);
}

#[test]
fn what_nobody_signed_is_only_taken_where_that_is_said() {
    let desk = Desk::new();
    let blob = desk.home.file("payload.json", &payload(7, one_model("FIDO_CERTIFIED")).to_string());
    desk.run(&["mds", "import", &blob])
        .expect(1)
        .says("not signed")
        .says("hint: take it without a signature with --unsigned")
        .says("--unsigned");
    desk.run(&["mds", "status"]).expect(1);
    desk.run(&["mds", "import", &blob, "--unsigned"]).expect(0);
    let words = desk.run(&["mds", "status"]).expect(0).stdout;
    assert!(words.contains("NOT VERIFIED"), "{words}");
    assert!(desk.run(&["mds", "show", MODEL]).expect(0).stdout.contains("UNSIGNED"));
    assert_eq!(desk.run(&["mds", "status", "--json"]).expect(0).one()["signed"], false);
}

#[test]
fn what_another_signed_is_refused() {
    let desk = Desk::new();
    let blob = desk.blob(7, one_model("FIDO_CERTIFIED"));
    desk.run(&["mds", "import", &blob])
        .expect(1)
        .says("do not lead to a trusted root")
        .says("nothing was stored")
        .says("--root");
    let text = std::fs::read_to_string(&blob).unwrap();
    let cut = desk.home.file("cut.jwt", &text[..text.len() / 2]);
    desk.import(&cut).expect(1).says("not a FIDO metadata BLOB");
    desk.import("nowhere.jwt").expect(1).says("nowhere.jwt");
    desk.run(&["mds", "import", &blob, "--root", &blob]).expect(2).says("there is no certificate in it");
    desk.run(&["mds", "status"]).expect(1);
}

#[test]
fn an_older_one_is_refused_and_changes_are_shown() {
    let desk = Desk::new();
    let older = desk.blob(7, one_model("FIDO_CERTIFIED_L1"));
    let newer =
        desk.blob(8, json!([entry(MODEL, "Key One", "REVOKED", &[]), entry(OTHER, "Key Two", "FIDO_CERTIFIED", &[])]));
    desk.import(&older).expect(0);
    desk.run(&["mds", "diff"]).expect(1).says("no other metadata before");
    let foreseen = desk.run(&["mds", "diff", &newer, "--root", &desk.root, "--json"]).expect(0).one();
    assert_eq!((&foreseen["from"], &foreseen["to"]), (&json!(7), &json!(8)));
    assert_eq!(desk.run(&["mds", "status", "--json"]).expect(0).one()["no"], 7, "looking stores nothing");

    assert!(desk.import(&newer).expect(0).stdout.starts_with("number 8 is in use, instead of 7\n"));
    desk.import(&older)
        .expect(1)
        .says("metadata number 7, and the newer number 8 is stored")
        .says("hint: keep the newer");
    let changes = desk.run(&["mds", "diff", "--json"]).expect(0).one();
    assert_eq!(changes["changes"], foreseen["changes"]);
    let words = desk.run(&["mds", "diff"]).expect(0).stdout;
    for line in ["is reported REVOKED", "is no longer reported FIDO_CERTIFIED_L1", "Key Two (d8522d9f-", "is new"] {
        assert!(words.contains(line), "{line}: {words}");
    }
}

/// Serves one answer on loopback.
fn once(status: &str, body: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/blob", listener.local_addr().unwrap());
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut asked, mut byte) = (Vec::new(), [0]);
        while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            asked.push(byte[0]);
        }
        // A client that has read enough may hang up.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        String::from_utf8(asked).unwrap()
    };
    (url, std::thread::spawn(serve))
}

#[test]
fn the_newest_is_fetched() {
    let desk = Desk::new();
    let filler = "x".repeat(9 * 1024 * 1024);
    let mut large = entry(MODEL, "Key One", "FIDO_CERTIFIED", &[]);
    large["metadataStatement"]["icon"] = filler.into();
    let (url, server) = once("200 OK", desk.service.sign(&payload(7, json!([large]))));
    let fetched = desk.update(&url).expect(0);
    assert!(fetched.stdout.starts_with("number 7 is in use\n"), "{}", fetched.stdout);
    assert!(server.join().unwrap().starts_with("GET /blob HTTP/1.1\r\n"));
    assert_eq!(desk.run(&["mds", "status", "--json"]).expect(0).one()["source"], url);

    let (url, _server) = once("200 OK", desk.service.sign(&payload(6, one_model("FIDO_CERTIFIED"))));
    desk.update(&url).expect(1).says("number 6, and the newer number 7 is stored");
}

#[test]
fn a_server_that_does_not_have_it_changes_nothing() {
    let desk = Desk::new();
    desk.import(&desk.blob(7, one_model("FIDO_CERTIFIED"))).expect(0);
    let hint = "'keywright mds import FILE'";
    let (url, _server) = once("503 Service Unavailable", Vec::new());
    desk.update(&url).expect(1).says("the metadata service failed with HTTP 503").says(hint);
    let (url, _server) = once("200 OK", b"<html>Sign in to this network</html>".to_vec());
    desk.update(&url).expect(1).says("this is not a FIDO metadata BLOB");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    desk.update(&format!("http://{nobody}/")).expect(1).says("the metadata service cannot be reached").says(hint);
    desk.update("http://mds.example/").expect(1).says("neither https nor on this machine");
    assert_eq!(desk.run(&["mds", "status", "--json"]).expect(0).one()["no"], 7);
}

#[test]
fn damaged_metadata_is_told_before_any_key_is_touched() {
    let desk = Desk::new();
    desk.import(&desk.blob(7, one_model("FIDO_CERTIFIED"))).expect(0);
    let folder = desk.home.state().join("mds");
    let mut files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let blob = files.find(|path| path.extension().is_some_and(|it| it == "blob")).unwrap();
    std::fs::write(blob, "x").unwrap();
    desk.run(&["mds", "status"]).expect(1).says("was changed since it was stored").says("hint: remove the folder");
    std::fs::remove_dir_all(folder).unwrap();
    desk.import(&desk.blob(7, one_model("FIDO_CERTIFIED"))).expect(0);
}

#[test]
fn a_blob_that_somebody_put_into_the_folder_is_refused_though_its_hash_fits() {
    let desk = Desk::new();
    desk.import(&desk.blob(7, one_model("FIDO_CERTIFIED"))).expect(0);
    let folder = desk.home.state().join("mds");
    let index = folder.join("current.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    let signed = desk.service.sign(&payload(7, one_model("FIDO_CERTIFIED_L3plus")));
    let (input, _) = std::str::from_utf8(&signed).unwrap().rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", data_encoding::BASE64URL_NOPAD.encode(&[0; 64]));
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&forged));
    json["current"]["sha256"] = sha256.clone().into();
    std::fs::write(folder.join(format!("no7-{}.blob", &sha256[..16])), &forged).unwrap();
    std::fs::write(&index, json.to_string()).unwrap();
    for arguments in [&["mds", "status"][..], &["mds", "show", MODEL]] {
        desk.run(arguments).expect(1).says("was changed since it was stored").says("hint: remove the folder");
    }
}

/// Provisions two soft keys where metadata has this status of their model.
fn provision(status: &str) -> (Desk, Ended) {
    let desk = Desk::new();
    let roster = desk.home.file("roster.csv", "account,profile,name\nada@example.org,admin,Ada\n");
    let idp = Idp::start(&desk.home, Path::new(&roster));
    let reader = age::x25519::Identity::generate().to_public();
    let idps = format!("[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", idp.url);
    let settings = desk.home.file("keywright.toml", &format!("readers = [\"vault={reader}\"]\n{idps}"));
    desk.import(&desk.blob(7, json!([entry(&SOFT_AAGUID.to_string(), "Soft key", status, &[])]))).expect(0);
    let arguments = ["provision", &roster, "--softkeys", "2", "--json", "--config", &settings];
    let ended = desk.home.run_with(&arguments, &Idp::ENVIRONMENT);
    (desk, ended)
}

#[test]
fn a_revoked_model_gets_nobodys_credential() {
    let (_, refused) = provision("REVOKED");
    let refused = refused.expect(7);
    assert!(refused.stdout.contains("The FIDO metadata reports the model as REVOKED."), "{}", refused.stdout);
}

#[test]
fn the_ledger_says_what_metadata_knew_of_a_key() {
    let (desk, done) = provision("FIDO_CERTIFIED_L1");
    done.expect(0).says("warning: the FIDO metadata, number 7, is").says("days overdue");
    let events = desk.run(&["ledger", "show", "--json"]).expect(0).stdout;
    let verdicts = events.lines().filter(|line| line.contains("\"model\":\"Soft key\""));
    let (mut count, known) = (0, ["\"certification\":\"L1\"", "\"no\":7", "\"signed\":true"]);
    for verdict in verdicts {
        assert!(known.iter().all(|words| verdict.contains(words)), "{verdict}");
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn fidos_own_blob_of_the_spring_is_too_old_to_be_taken_as_signed() {
    let Some(blob) = data::find("mds/mds3-no237.jwt") else { return };
    let (desk, blob) = (Desk::new(), blob.to_str().unwrap().to_owned());
    desk.run(&["mds", "import", &blob]).expect(1).says("they are from 2025-07-25 to 2026-08-26").says("mds update");
    desk.run(&["mds", "import", &blob, "--unsigned"]).expect(0);
    let bio = desk.run(&["mds", "show", OTHER]).expect(0).stdout;
    assert!(bio.contains("YubiKey Bio Series - FIDO Edition") && bio.contains("YSA-2024-03"), "{bio}");
}
