//! An auditor verifies registrations that somebody kept: in every form, any number, with broken ones among them.

use keywright_test_support::data;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use keywright_attest::mds::{Blob, BlobStore, fido_roots};
use keywright_fido::ctap::{Authenticator, MakeCredential};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::cbor::{self, Value as Cbor};
use keywright_fido::webauthn::{
    AttestationObject, CeremonyType, Challenge, ClientDataJson, CoseAlgorithm, CredentialId, RegistrationResponse,
    RelyingParty, UserEntity, UserHandle,
};
use keywright_practice::softkey::Rack;
use keywright_test_support::cli::Home;
use keywright_test_support::metadata_service::{MetadataService, payload};
use serde_json::{Value, json};

/// A row of soft keys, and what their maker is trusted by.
struct Maker {
    rack: Rack,
}

impl Maker {
    fn new() -> Self {
        Self { rack: Rack::in_memory(1).unwrap() }
    }

    /// Writes the maker's root into the home; returns its path.
    fn root(&self, home: &Home) -> String {
        home.file("root.pem", self.rack.anchor_pem())
    }

    fn registration(&self, ceremony: CeremonyType) -> RegistrationResponse {
        let challenge = Challenge::new([7; 32]).unwrap();
        let client_data = ClientDataJson::new(ceremony, &challenge, &"https://example.org".parse().unwrap());
        let request = MakeCredential::new(
            client_data.hash(),
            RelyingParty { id: "example.org".parse().unwrap(), name: "Example".into() },
            UserEntity {
                id: UserHandle::new([1]).unwrap(),
                name: "ada@example.org".into(),
                display_name: "Ada".into(),
            },
            vec![CoseAlgorithm::ES256],
        );
        let pipe = self.rack.key(0).open().unwrap();
        let mut key = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()).unwrap();
        let object = key.make_credential(&request, None, &mut |_| {}).unwrap().attestation_object;
        RegistrationResponse {
            credential_id: object.auth_data.attested_credential_data.as_ref().unwrap().credential_id.clone(),
            client_data_json: client_data,
            attestation_object: object,
            transports: vec!["usb".into()],
        }
    }

    fn good(&self) -> RegistrationResponse {
        self.registration(CeremonyType::Create)
    }
}

/// The form without anything around it.
fn bare(registration: &RegistrationResponse) -> Value {
    json!({
        "attestationObject": BASE64URL_NOPAD.encode(registration.attestation_object.as_bytes()),
        "clientDataJSON": BASE64URL_NOPAD.encode(registration.client_data_json.as_bytes()),
    })
}

/// As the key answered, with CTAP's keys.
fn as_ctap(object: AttestationObject) -> Vec<u8> {
    let (fmt, auth_data) = (object.fmt.as_str().into(), object.auth_data_bytes.into());
    cbor::encode(&Cbor::map([(1, fmt), (2, auth_data), (3, object.att_stmt)]))
}

#[test]
fn every_form_is_read() {
    let (home, maker) = (Home::new(), Maker::new());
    let root = maker.root(&home);
    let good = maker.good();
    let (object, client_data) = (good.attestation_object.as_bytes(), good.client_data_json.as_bytes());
    let in_lines = |text: &str| {
        text.as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap().to_owned() + "\r\n")
            .collect::<String>()
    };
    for (form, document) in [
        ("RegistrationResponseJSON", good.to_json()),
        ("bare", bare(&good)),
        (
            "other members",
            json!({"id": 17, "key": "k1", "attestationObject": BASE64URL_NOPAD.encode(object),
            "clientDataJSON": BASE64URL_NOPAD.encode(client_data)}),
        ),
        (
            "base64 with padding",
            json!({"attestationObject": BASE64.encode(object), "clientDataJSON": BASE64.encode(client_data)}),
        ),
        (
            "base64 in lines",
            json!({"attestationObject": in_lines(&BASE64.encode(object)), "clientDataJSON": BASE64.encode(client_data)}),
        ),
        (
            "client data as text",
            json!({"attestationObject": BASE64URL_NOPAD.encode(object),
            "clientDataJSON": std::str::from_utf8(client_data).unwrap()}),
        ),
        (
            "CTAP's keys",
            json!({"attestationObject": BASE64URL_NOPAD.encode(&as_ctap(good.attestation_object.clone())),
            "clientDataJSON": BASE64URL_NOPAD.encode(client_data)}),
        ),
    ] {
        for text in
            [document.to_string(), serde_json::to_string_pretty(&document).unwrap(), format!("\u{feff}{document}\n\n")]
        {
            let file = home.file("registration.json", &text);
            let ended = home.run(&["attest", "verify", &file, "--root", &root, "--json"]);
            let judged = ended.expect(0).says("judged by no FIDO metadata, 1 root, as of 20").one();
            assert_eq!(judged["file"], file.as_str(), "{form}");
            assert_eq!(
                (&judged["line"], &judged["accepted"], &judged["refusals"]),
                (&Value::Null, &json!(true), &json!([])),
                "{form}"
            );
            assert_eq!(
                (&judged["statement"], &judged["chain"]),
                (&json!("valid"), &json!("trusted")),
                "{form}: {judged}"
            );
            assert!(judged["aaguid"].is_string() && judged["reasons"].is_array(), "{form}");
            for member in ["model", "serial", "firmware", "certification", "advisories", "subject"] {
                assert!(judged.as_object().unwrap().contains_key(member), "{member} is not in {judged}");
            }
        }
    }
}

#[test]
fn what_is_not_trusted_is_refused_with_the_reason() {
    let (home, maker) = (Home::new(), Maker::new());
    let (root, others) = (maker.root(&home), home.file("others.pem", Maker::new().rack.anchor_pem()));
    let good = maker.good();
    let mut forged = good.clone();
    forged.client_data_json = ClientDataJson::new(
        CeremonyType::Create,
        &Challenge::new([8; 32]).unwrap(),
        &"https://example.org".parse().unwrap(),
    );
    let mut other_id = good.clone();
    other_id.credential_id = CredentialId::new([9; 16]).unwrap();
    let mut no_client_data = bare(&good);
    no_client_data.as_object_mut().unwrap().remove("clientDataJSON");
    for (document, root, at, statement, chain, sentence) in [
        (bare(&good), &others, "2026-03-20", "valid", "untrusted", "leads to no trusted anchor"),
        (bare(&good), &root, "2019-12-31T23:59:59Z", "valid", "expired", "is out of date"),
        (bare(&forged), &root, "2026-03-20", "invalid", "trusted", "statement is invalid"),
        (no_client_data, &root, "2026-03-20", "unverified", "trusted", "statement is not verified"),
        (other_id.to_json(), &root, "2026-03-20", "valid", "trusted", "is not the credential's id"),
        (
            bare(&maker.registration(CeremonyType::Get)),
            &root,
            "2026-03-20",
            "valid",
            "trusted",
            "The client data is of \"webauthn.get\", not of \"webauthn.create\" (WebAuthn 7.1 step 7).",
        ),
    ] {
        let file = home.file("registration.json", &document.to_string());
        let arguments = ["attest", "verify", &file, "--root", root, "--at", at];
        let judged = home.run(&[&arguments[..], &["--json"]].concat()).expect(7).one();
        assert_eq!((&judged["statement"], &judged["chain"]), (&json!(statement), &json!(chain)), "{judged}");
        assert_eq!(judged["accepted"], false);
        let refusals = judged["refusals"].as_array().unwrap();
        assert!(refusals.len() == 1 && refusals[0].as_str().unwrap().contains(sentence), "{refusals:?}");
        let ended = home.run(&arguments).expect(7).says("1 registration: 0 accepted, 1 refused, 0 unreadable");
        assert!(
            ended.stdout.starts_with(&format!("refused     {file}: ")) && ended.stdout.contains(sentence),
            "{ended:?}"
        );
        assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn nothing_is_trusted_without_a_root_and_that_is_told() {
    let (home, maker) = (Home::new(), Maker::new());
    let file = home.file("registration.json", &bare(&maker.good()).to_string());
    home.run(&["attest", "verify", &file]).expect(7).says("warning: no root is trusted");
    home.run(&["attest", "verify", &file, "--root", "missing.pem"]).expect(1).says("error: cannot use missing.pem: ");
    home.run(&["attest", "verify", &file, "--at", "20.03.2026"]).expect(2).says("neither a day such as 2026-11-23");
}

#[test]
fn json_lines_keep_their_order_and_a_broken_line_stops_nothing() {
    let (home, maker) = (Home::new(), Maker::new());
    let root = maker.root(&home);
    let (good, unproved) =
        (maker.good().to_json(), json!({"attestationObject": bare(&maker.good())["attestationObject"]}));
    // More than two batches of bulk's, each line of a kind that its number tells.
    const LINES: usize = 2500;
    let mut text = String::new();
    for line in 1..=LINES {
        text += &match line % 50 {
            0 => "\n".to_owned(),
            1 => "{\"attestationObject\":\n".to_owned(),
            2 => format!("{}\r\n", json!({"attestationObject": "%%%"})),
            3 => "[]\n".to_owned(),
            4 => format!("{unproved}\n"),
            _ => format!("{good}\n"),
        };
    }
    let file = home.file("registrations.jsonl", text.trim_end());
    let ended = home.run(&["attest", "verify", &file, "--root", &root, "--json"]).expect(1);
    let judged = ended.says("2450 registrations: 2250 accepted, 50 refused, 150 unreadable").json();
    let expected = (1..=LINES).filter(|line| line % 50 != 0);
    assert_eq!(judged.len(), expected.clone().count());
    for (line, judged) in expected.zip(&judged) {
        assert_eq!((&judged["line"], &judged["file"]), (&json!(line), &json!(file)));
        let accepted = match line % 50 {
            1..=3 => Value::Null,
            4 => json!(false),
            _ => json!(true),
        };
        assert_eq!(judged["accepted"], accepted, "{judged}");
        assert_eq!(judged["error"]["code"] == "unreadable", accepted.is_null(), "{judged}");
    }
    let words = home.run(&["attest", "verify", &file, "--root", &root]).expect(1).stdout;
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(lines.len(), judged.len());
    assert!(lines[0].starts_with(&format!("unreadable  {file}:1: not a registration in JSON: ")), "{}", lines[0]);
    assert!(
        lines[1].starts_with(&format!("unreadable  {file}:2: attestationObject is neither base64url nor base64")),
        "{}",
        lines[1]
    );
    assert!(lines[2].starts_with(&format!("unreadable  {file}:3: a JSON list")), "{}", lines[2]);
    assert!(lines[3].starts_with(&format!("refused     {file}:4: ")), "{}", lines[3]);
    assert!(lines[4].starts_with(&format!("accepted    {file}:5: ")), "{}", lines[4]);
}

#[test]
fn a_folder_is_read_with_the_folders_in_it() {
    let (home, maker) = (Home::new(), Maker::new());
    let root = maker.root(&home);
    let good = bare(&maker.good()).to_string();
    for folder in ["audit/b", "audit/.git"] {
        std::fs::create_dir_all(home.path(folder)).unwrap();
    }
    for (name, text) in [
        ("audit/a.JSON", &good),
        ("audit/b/lines.ndjson", &format!("{good}\n{good}")),
        ("audit/b/empty.json", &String::new()),
        ("audit/c.json", &good),
        ("audit/notes.txt", &"not one".to_owned()),
        ("audit/.hidden.json", &"not one".to_owned()),
        ("audit/.git/HEAD.json", &"not one".to_owned()),
    ] {
        home.file(name, text);
    }
    let arguments = ["attest", "verify", "audit", "--root", &root, "--json"];
    let (places, warned) = {
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", home.path("audit/d.json")).unwrap();
        let ended = home.run(&arguments).expect(1).says("warning: 1 file is not called *.json");
        (ended.json(), ended.stderr)
    };
    let places: Vec<(String, Option<u64>, Option<bool>)> = places
        .iter()
        .map(|judged| {
            (judged["file"].as_str().unwrap().to_owned(), judged["line"].as_u64(), judged["accepted"].as_bool())
        })
        .collect();
    let place = |file: &str, line, accepted| (file.replace('/', std::path::MAIN_SEPARATOR_STR), line, accepted);
    let mut expected = vec![
        place("audit/a.JSON", None, Some(true)),
        place("audit/b/empty.json", None, None),
        place("audit/b/lines.ndjson", Some(1), Some(true)),
        place("audit/b/lines.ndjson", Some(2), Some(true)),
        place("audit/c.json", None, Some(true)),
    ];
    if cfg!(unix) {
        expected.push(place("audit/d.json", None, None));
    }
    assert_eq!(places, expected, "{warned}");

    // What is named is read whatever it is called, and in the order of naming.
    let named = ["attest", "verify", "missing.json", "audit/notes.txt", "audit/c.json", "--root", &root];
    let words = home.run(&named).expect(1).stdout;
    let beginnings = ["unreadable  missing.json: ", "unreadable  audit/notes.txt: ", "accepted    audit/c.json: "];
    assert!(words.lines().zip(beginnings).all(|(line, beginning)| line.starts_with(beginning)), "{words}");
    std::fs::create_dir(home.path("nothing")).unwrap();
    home.run(&["attest", "verify", "nothing", "--root", &root]).expect(1).says("error: there are no registrations");
}

#[test]
fn a_profile_judges_by_its_own_demands() {
    let (home, maker) = (Home::new(), Maker::new());
    let root = maker.root(&home);
    let file = home.file("registration.json", &bare(&maker.good()).to_string());
    std::fs::create_dir(home.path("profiles")).unwrap();
    let admin = include_str!("../../profiles/admin.toml");
    let own = |name: &str, from: &str, to: &str| {
        assert!(admin.contains(from));
        let text = admin.replace("name = \"admin\"", &format!("name = \"{name}\"")).replace(from, to);
        home.file(&format!("profiles/{name}.toml"), &text);
    };
    own("lab", "attestation = \"trusted\"", "attestation = \"none\"");
    own("vault", "attestation = \"trusted\"", "attestation = \"enterprise\"");
    let verify = |profile: &str, more: &[&str]| {
        let arguments = ["attest", "verify", &file, "--profiles", "profiles", "--profile", profile, "--json"];
        home.run(&[&arguments[..], more].concat())
    };
    verify("lab", &[]).expect(0).says("demanded: profile lab");
    verify("admin", &[]).expect(7).says("demanded: profile admin");
    verify("admin", &["--root", &root]).expect(0);
    let refused = verify("vault", &["--root", &root]).expect(7).one();
    assert_eq!(
        refused["refusals"],
        json!(["The attestation names no serial number, and the profile demands an enterprise attestation."])
    );
    verify("bank", &[])
        .expect(2)
        .says("there is no profile \"bank\"; there are admin, break-glass, exec, finance, lab, vault");
}

#[test]
fn an_export_of_the_ledger_is_verified_as_it_is() {
    let home = Home::new();
    home.run(&["rehearse", "--people", "2", "--out", "rehearsal"]).expect(0);
    home.run(&["ledger", "export", "evidence", "--state", "rehearsal"]).expect(0);
    let root = "rehearsal/softkeys/attestation-ca.pem";
    let judged =
        home.run(&["attest", "verify", "evidence", "--root", root, "--profile", "admin", "--json"]).expect(0).json();
    assert_eq!(judged.len(), 4);
    for judged in judged {
        assert!(judged["file"].as_str().unwrap().starts_with("evidence/credentials"), "{judged}");
        assert_eq!((&judged["accepted"], &judged["statement"]), (&json!(true), &json!("valid")));
    }
}

#[test]
fn stdin_is_read_and_a_reader_that_has_had_enough_ends_it_quietly() {
    let (home, maker) = (Home::new(), Maker::new());
    let root = maker.root(&home);
    let line = format!("{}\n", bare(&maker.good()));
    let mut program = home.command(&["attest", "verify", "-", "--root", &root]);
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // Far more than pipes hold. It ends early, because the program does.
        (0..1_000_000).take_while(|_| stdin.write_all(line.as_bytes()).is_ok()).count()
    });
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("accepted    -:1: "), "{first}");
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(!stderr.contains("error") && !stderr.contains("registrations:"), "{stderr}");
    assert_eq!(ended.status.code(), Some(1), "not all of them were judged");
    assert!(writer.join().unwrap() < 1_000_000);
}

#[cfg(unix)]
#[test]
fn a_name_makes_no_line_of_its_own() {
    let (home, maker) = (Home::new(), Maker::new());
    let file = home.file("a\naccepted    b\u{1b}[2J.json", &bare(&maker.good()).to_string());
    let words = home.run(&["attest", "verify", &file]).expect(7).stdout;
    assert!(words.lines().count() == 1 && words.starts_with("refused") && !words.contains('\u{1b}'), "{words:?}");
}

/// Objects of the corpus that are refused before any judgement (tests/attestation_corpus.rs says why).
const UNREADABLE: usize = 8;

#[test]
fn the_corpus_through_the_command() {
    let (Some(index), Some(folder)) = (data::json("attestations/INDEX.json"), data::find("attestations")) else {
        return;
    };
    let home = Home::new();
    let roots = data::find("roots/yubico-ca-certs.txt").unwrap();
    let arguments = ["attest", "verify", folder.to_str().unwrap(), "--root", roots.to_str().unwrap(), "--json"];
    let judged = home.run(&[&arguments[..], &["--at", "2026-11-01"]].concat()).expect(1).json();
    let mut names: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(judged.iter().map(|judged| judged["file"].as_str().unwrap()).eq(&names));

    let (mut unreadable, mut accepted) = (0, 0);
    for entry in index.as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        let judged = judged.iter().find(|judged| judged["file"].as_str().unwrap().ends_with(name)).unwrap();
        let expected = entry["expected"]["statement"].as_str().unwrap();
        if judged["accepted"].is_null() {
            unreadable += usize::from(expected != "invalid");
            continue;
        }
        let statement = match expected {
            "valid" if entry["kind"] == "self-attestation" => "self",
            "unknown-no-clientData" => "unverified",
            word => word,
        };
        assert_eq!(judged["statement"], statement, "{judged}");
        let accept = statement == "valid" && judged["chain"] == "trusted";
        assert_eq!(judged["accepted"], accept, "{judged}");
        accepted += usize::from(accept);
    }
    assert_eq!(unreadable, UNREADABLE);
    assert!(accepted > 30, "{accepted}");
    // The index itself and two collections of another kind are no registrations.
    let others = judged.iter().filter(|judged| {
        ["INDEX", "chain-only", "ssh-sk"].iter().any(|part| judged["file"].as_str().unwrap().contains(part))
    });
    assert_eq!(others.map(|other| other["error"]["code"] == "unreadable").collect::<Vec<_>>(), [true; 3]);
}

/// no=237, signed; valid until 2026-08-26.
const BLOB: &str = "mds/mds3-no237.jwt";

#[test]
fn the_corpus_by_fidos_metadata() {
    let (Some(index), Some(folder), Some(blob)) =
        (data::json("attestations/INDEX.json"), data::find("attestations"), data::find(BLOB))
    else {
        return;
    };
    let home = Home::new();
    let blob = blob.to_str().unwrap();
    let arguments = ["attest", "verify", folder.to_str().unwrap(), "--mds", blob, "--at", "2026-03-20", "--json"];
    let ended = home
        .run(&arguments)
        .expect(1)
        .says("judged by metadata number 237, signed by FIDO (the next was due 2026-04-01, ");
    let judged = ended.says("0 roots, as of 2026-03-20T23:59:59Z").json();
    let (mut trusted, mut accepted) = (0, 0);
    for entry in index.as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        let judged = judged.iter().find(|judged| judged["file"].as_str().unwrap().ends_with(name)).unwrap();
        if judged["accepted"].is_null() {
            continue;
        }
        assert_eq!(judged["metadata"]["no"], 237);
        if judged["chain"] == "trusted" {
            assert_eq!(entry["expected"]["mds_chain"], "trusted", "{judged}");
            assert!(judged["model"].is_string(), "{judged}");
            trusted += 1;
        }
        accepted += usize::from(judged["accepted"] == true);
    }
    let listed = index.as_array().unwrap().iter().filter(|entry| entry["expected"]["mds_chain"] == "trusted").count();
    // Three of them were kept without client data.
    assert_eq!((trusted, accepted, listed), (55, 52, 55));

    // The state folder's metadata is taken without being named.
    let then = time::OffsetDateTime::from_unix_timestamp(1_773_964_800).unwrap();
    let blob = Blob::signed(std::fs::read(blob).unwrap(), &fido_roots(), then).unwrap();
    BlobStore::new(home.state().join("mds")).store(&blob, "a test", then).unwrap();
    let one = folder.join("real-packed-2fc0579f-030bfd4e.json");
    let accepted =
        home.run(&["attest", "verify", one.to_str().unwrap()]).expect(0).says("metadata number 237, signed by FIDO");
    assert!(accepted.stdout.contains(".json: YubiKey 5"), "{accepted:?}");
}

#[test]
fn metadata_is_taken_only_with_a_good_signature() {
    let Some(blob) = data::find(BLOB) else { return };
    let (home, maker) = (Home::new(), Maker::new());
    let file = home.file("registration.json", &bare(&maker.good()).to_string());
    let verify =
        |mds: &str, more: &[&str]| home.run(&[&["attest", "verify", &file, "--mds", mds, "--json"], more].concat());
    let blob = blob.to_str().unwrap();
    verify(blob, &["--at", "2030-01-01"]).expect(1).says("signing certificates were not all valid").says("hint: ");
    let judged = verify(blob, &["--unsigned"]).expect(7).says("number 237, NOT SIGNED").one();
    assert_eq!((&judged["metadata"]["signed"], &judged["chain"]), (&json!(false), &json!("unknown-model")));
    let cut = &std::fs::read_to_string(blob).unwrap();
    let cut = home.file("cut.jwt", &cut[..cut.len() - 8]);
    verify(&cut, &["--at", "2026-03-20"]).expect(1).says("error: ");
    home.run(&["attest", "verify", &file, "--unsigned"]).expect(2);
}

#[test]
fn metadata_of_another_is_taken_where_its_root_is_named_and_is_not_fidos() {
    let (home, maker, service) = (Home::new(), Maker::new(), MetadataService::new());
    let file = home.file("registration.json", &bare(&maker.good()).to_string());
    let blob = home.path("blob.jwt");
    std::fs::write(&blob, service.sign(&payload(7, json!([])))).unwrap();
    let root = home.path("mds-root.der");
    std::fs::write(&root, service.root.der()).unwrap();
    let (blob, root) = (blob.to_str().unwrap(), root.to_str().unwrap());
    let verify = |more: &[&str]| home.run(&[&["attest", "verify", &file, "--json"], more].concat());
    verify(&["--mds", blob]).expect(1).says("do not lead to a trusted root").says("--mds-root");
    // A maker's root is trusted for keys, not for metadata.
    verify(&["--mds", blob, "--root", root]).expect(1).says("do not lead to a trusted root");
    let judged = verify(&["--mds", blob, "--mds-root", root]).expect(7).says("metadata number 7, NOT FIDO'S").one();
    assert_eq!(judged["metadata"]["root"].as_str().map(str::len), Some(64), "{judged}");
    verify(&["--mds-root", root]).expect(2);
}

fn reasons(judged: &Value) -> String {
    judged["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn fully_specified_algorithms_mean_what_webauthn_says() {
    let Some(files) = data::cases("rfc9864", "json") else { return };
    let home = Home::new();
    let root = files[0].with_file_name("root.pem");
    for file in files {
        let arguments = ["attest", "verify", file.to_str().unwrap(), "--root", root.to_str().unwrap(), "--json"];
        let judged = home.run(&arguments).one();
        let expected = match file.to_str().unwrap().ends_with("-self.json") {
            true => ("self", "not-checked"),
            false => ("valid", "trusted"),
        };
        assert_eq!((&judged["statement"], &judged["chain"]), (&json!(expected.0), &json!(expected.1)), "{judged}");
        assert_eq!(judged["reasons"], json!([]), "{}", file.display());
    }
}

#[test]
fn odd_certificates_get_a_verdict_with_the_right_reason() {
    let Some(files) = data::cases("certificates", "json") else { return };
    let home = Home::new();
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let judged = home.run(&["attest", "verify", file.to_str().unwrap(), "--json"]).one();
        let said = reasons(&judged);
        assert!(!said.contains("has no subject"), "{name}: {said}");
        let subject = judged["subject"].as_str().unwrap();
        assert!(!subject.contains("Error") && subject.contains("C="), "{name}: {subject}");
        let (statement, words) = match name {
            "o-bmp" => ("invalid", "subject O that is a BMPString, not a UTF8String"),
            "o-t61" => ("invalid", "subject O that is a T61String, not a UTF8String"),
            "o-universal" => ("invalid", "subject O that is a UniversalString, not a UTF8String"),
            "o-latin1-in-utf8" => ("invalid", "subject O whose bytes are not UTF-8"),
            "ou-bmp" => ("invalid", "subject OU that is a BMPString, not a UTF8String"),
            "ou-t61" => ("invalid", "subject OU that is a T61String, not a UTF8String"),
            "cn-t61" => ("invalid", "subject CN that is a T61String, not a UTF8String"),
            "ou-trailing-space" => {
                ("invalid", "OU \"Authenticator Attestation \" instead of \"Authenticator Attestation\"")
            }
            "serial-negative" => ("valid", "serial number is negative"),
            "serial-zero" => ("valid", "serial number is zero"),
            "serial-padded" => ("valid", "serial number is longer than it needs to be"),
            "serial-21-octets" | "serial-32-octets" => ("valid", "serial number is"),
            _ => ("valid", ""),
        };
        assert_eq!(judged["statement"], statement, "{name}: {said}");
        assert!(said.contains(words), "{name}: {said}");
    }
    assert!(files.len() >= 27);
}

#[test]
fn a_root_is_read_as_editors_save_it() {
    let (home, maker) = (Home::new(), Maker::new());
    let file = home.file("registration.json", &bare(&maker.good()).to_string());
    let pem = maker.rack.anchor_pem();
    let utf16: Vec<u8> = format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let root = home.path("root.pem");
    for bytes in [format!("\u{feff}{pem}").replace('\n', "\r\n").as_bytes(), &utf16] {
        std::fs::write(&root, bytes).unwrap();
        home.run(&["attest", "verify", &file, "--root", root.to_str().unwrap()]).expect(0).says("1 root");
    }
    std::fs::write(&root, &utf16[2..]).unwrap();
    let refused = home.run(&["attest", "verify", &file, "--root", root.to_str().unwrap()]).expect(2);
    refused.says("root.pem: the text looks like UTF-16 without a byte order mark");
}
