//! The whole job on the kernel's HID bus: eight soft keys, four people, an IdP in a process of its own, keywright over hidapi.
//! Then clients that nobody here wrote read the keys, and have to find what the ledger says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ctap_hid_fido2::fidokey::GetAssertionArgsBuilder;
use ctap_hid_fido2::public_key::{PublicKey, PublicKeyType};
use ctap_hid_fido2::{FidoKeyHidFactory, HidParam, LibCfg, verifier};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use keywright::witness::WITNESS;
use keywright_fido::webauthn::cbor;
use serde_json::{Value, json};

use crate::attached::{Keys, Said};
use keywright_test_support::cli::{Home, Idp};

pub(crate) const PEOPLE: [&str; 4] = ["ada@example.org", "bob@example.org", "cyd@example.org", "dee@example.org"];

/// Level 1 of the built-in profile for administrators, but the PIN that is handed over is the one that the key has.
const PROFILE: &str = r#"
name = "bench"
description = "For the bench with a kernel."
label = "Key {ordinal} {account}"
hand-over = "age"
[keys]
required = 2
attestation = "trusted"
reset = "never"
always-uv = true
cred-protect = 1
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 8
force-change = false
"#;

/// A home with an IdP and everything that a job needs, for keys that somebody else attaches.
pub(crate) struct Office {
    pub home: Home,
    roster: String,
    settings: String,
    profiles: PathBuf,
    anchor: PathBuf,
    reader: age::x25519::Identity,
    _idp: Idp,
}

impl Office {
    /// With two soft keys for each of these people on the bus.
    fn with_keys(people: &[&str]) -> (Self, Keys) {
        let (office, keys, _) = Self::with_touch(people, Duration::ZERO);
        (office, keys)
    }

    /// With keys that wait so long for their touch.
    pub(crate) fn with_touch(people: &[&str], touch: Duration) -> (Self, Keys, Said) {
        let home = Home::new();
        let (keys, said) = Keys::attach_with_touch(&home, 2 * people.len(), touch);
        (Self::furnish(home, people), keys, said)
    }

    /// In a home that has a rack of soft keys.
    pub(crate) fn furnish(home: Home, people: &[&str]) -> Self {
        let rows: String = people.iter().map(|login| format!("{login},bench\n")).collect();
        let roster = home.file("roster.csv", &format!("account,profile\n{rows}"));
        let profiles = home.path("profiles");
        fs::create_dir(&profiles).unwrap();
        fs::write(profiles.join("bench.toml"), PROFILE).unwrap();
        let anchor = home.state().join("softkeys/attestation-ca.pem");
        let serve = ["idp", "serve", "--listen", "127.0.0.1:0", "--token", "env:IDP_TOKEN", "--users", &roster];
        let trust = ["--anchor", anchor.to_str().unwrap()];
        let idp = Idp::run(&home, &[&serve[..], &trust].concat(), &Idp::ENVIRONMENT);
        let reader = age::x25519::Identity::generate();
        let settings = format!(
            "readers = [\"vault={}\"]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n",
            reader.to_public(),
            idp.url
        );
        let settings = home.file("keywright.toml", &settings);
        Self { home, roster, settings, profiles, anchor, reader, _idp: idp }
    }

    /// What `keywright provision` and `keywright resume` take.
    pub(crate) fn arguments<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [words, &["--config", &self.settings, "--anchor", self.anchor.to_str().unwrap(), "--yes", "--json"]].concat()
    }

    pub(crate) fn provision_words(&self) -> [&str; 4] {
        ["provision", &self.roster, "--profiles", self.profiles.to_str().unwrap()]
    }

    /// `keywright provision`, over hidapi. Returns its lines.
    fn provision(&self) -> Vec<Value> {
        let start = Instant::now();
        let ended = self.home.run_with(&self.arguments(&self.provision_words()), &Idp::ENVIRONMENT);
        println!("  provision: {} ms", start.elapsed().as_millis());
        ended.expect(0).json()
    }

    /// The PIN of somebody's key, as its reader finds it.
    fn pin(&self, account: &str, ordinal: u64) -> String {
        let path = self.home.state().join(format!("hand-over/vault/{account}.{ordinal}.age"));
        let text = age::decrypt(&self.reader, &fs::read(&path).unwrap()).expect("sealed to this reader");
        let text = String::from_utf8(text).expect("a text");
        text.lines().find_map(|line| line.strip_prefix("PIN ")).expect("a line with the PIN").trim().to_owned()
    }

    /// What the exported evidence says of each credential, whatever became of it.
    pub(crate) fn credentials(&self) -> Vec<Value> {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("evidence");
        self.home.run(&["ledger", "export", folder.to_str().unwrap()]).expect(0);
        let files = fs::read_dir(folder.join("credentials")).unwrap();
        files.map(|file| serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap()).collect()
    }

    /// The registered ones, by the key's node.
    pub(crate) fn registered(&self) -> BTreeMap<String, Value> {
        let registered = self.credentials().into_iter().filter(|known| known["state"] == json!("registered"));
        registered.map(|known| (known["key"]["port"].as_str().unwrap().to_owned(), known)).collect()
    }
}

/// One of the project's neighbours. The PIN goes to standard input: there is no terminal in the machine.
fn client(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn told(program: &str, arguments: &[&str], input: &str) -> String {
    let output = client(program, arguments, input);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{words}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn python() -> String {
    format!("{}/python/bin/python", std::env::var("HID_VM_CACHE").unwrap())
}

fn script(name: &str) -> String {
    format!("{}/tests/hid-vm/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn bytes(evidence: &Value, member: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(evidence[member].as_str().unwrap().as_bytes()).unwrap()
}

fn sha256(text: &str) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).to_vec()
}

/// An uncompressed point of P-256, from COSE_Key.
fn point(cose: &[u8]) -> Vec<u8> {
    let key = cbor::decode(cose).unwrap();
    let coordinate = |label: i64| match key.get(label) {
        Some(cbor::Value::Bytes(bytes)) => bytes.clone(),
        other => panic!("{other:?}"),
    };
    [vec![0x04], coordinate(-2), coordinate(-3)].concat()
}

/// A P-256 public key as SubjectPublicKeyInfo in PEM (RFC 5480), from COSE_Key.
fn pem(cose: &[u8]) -> String {
    let head = HEXLOWER.decode(b"3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    let der = [head, point(cose)].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(&der))
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn four_people_get_eight_keys_and_other_clients_find_what_the_ledger_says() {
    let (office, keys) = Office::with_keys(&PEOPLE);
    let lines = office.provision();
    let summary = lines.last().unwrap();
    assert_eq!((&summary["complete"], &summary["keys_proved"]), (&json!(4), &json!(8)), "{summary}");
    office.home.run(&["ledger", "verify"]).expect(0);

    let evidence = office.registered();
    assert_eq!(evidence.keys().collect::<BTreeSet<_>>(), keys.nodes.iter().collect(), "one credential a key");
    let verified = json!({"testimony": "verified", "witness": WITNESS});
    assert!(evidence.values().all(|known| known["witness"] == verified), "{evidence:?}");
    let pins: BTreeMap<&str, String> = evidence
        .iter()
        .map(|(node, known)| {
            let account = known["account"]["login"].as_str().unwrap();
            (node.as_str(), office.pin(account, known["ordinal"].as_u64().unwrap()))
        })
        .collect();
    assert_eq!(pins.values().collect::<BTreeSet<_>>().len(), 8, "a PIN for each key");

    libfido2_finds_them(&office, &evidence, &pins);
    python_fido2_finds_them(&evidence, &pins);
    ctap_hid_fido2_finds_them(&evidence, &pins);
}

fn libfido2_finds_them(office: &Office, evidence: &BTreeMap<String, Value>, pins: &BTreeMap<&str, String>) {
    let start = Instant::now();
    let listed = told("fido2-token", &["-L"], "");
    for (node, known) in evidence {
        assert!(listed.lines().any(|line| line.starts_with(&format!("{node}: "))), "{node} is not in\n{listed}");
        let (pin, id) = (format!("{}\n", pins[node.as_str()]), bytes(known, "id"));
        let rp_id = known["rp_id"].as_str().unwrap();

        let info = told("fido2-token", &["-I", node], "");
        for line in ["clientPin", "alwaysUv", "minpinlen: 8", "pin change required: false", "pin retries: 8"] {
            assert!(info.contains(line) && !info.contains(&format!("no{line}")), "{line} is not in\n{info}");
        }
        let model = known["key"]["aaguid"].as_str().unwrap().replace('-', "");
        assert!(info.contains(&format!("aaguid: {model}")), "{model} is not in\n{info}");

        let rps = told("fido2-token", &["-L", "-r", node], &pin);
        assert_eq!(rps.lines().count(), 1, "{rps}");
        assert!(rps.contains(&BASE64.encode(&sha256(rp_id))) && rps.contains(rp_id), "{rps}");
        let keys = told("fido2-token", &["-L", "-k", rp_id, node], &pin);
        assert_eq!(keys.lines().count(), 1, "{keys}");
        assert!(keys.contains(&BASE64.encode(&id)), "{keys}");
        assert!(keys.contains(&BASE64.encode(&bytes(known, "user_handle"))), "{keys}");

        // It signs in with the PIN that was handed over, and the signature is that of the key in the ledger.
        let challenge = BASE64.encode(&sha256("a challenge"));
        let asked = office.home.file("assert", &format!("{challenge}\n{rp_id}\n{}\n", BASE64.encode(&id)));
        let signed = office.home.path("signed").to_str().unwrap().to_owned();
        told("fido2-assert", &["-G", "-p", "-v", "-i", &asked, "-o", &signed, node], &pin);
        let public = office.home.file("public.pem", &pem(&bytes(known, "credential_public_key")));
        told("fido2-assert", &["-V", "-p", "-v", "-i", &signed, &public, "es256"], "");
    }
    let (node, _) = evidence.first_key_value().unwrap();
    let refused = client("fido2-token", &["-L", "-r", node], "wrong PIN\n");
    assert!(!refused.status.success(), "a wrong PIN opens nothing");
    println!("  libfido2, 8 keys: {} ms", start.elapsed().as_millis());
}

fn python_fido2_finds_them(evidence: &BTreeMap<String, Value>, pins: &BTreeMap<&str, String>) {
    let start = Instant::now();
    let asked: Vec<_> = evidence
        .iter()
        .map(|(node, known)| json!({"node": node, "pin": pins[node.as_str()], "rp_id": known["rp_id"]}))
        .collect();
    let found = told(&python(), &[&script("read_back.py")], &Value::from(asked).to_string());
    let found: Vec<Value> = serde_json::from_str(&found).unwrap();
    assert_eq!(found.len(), evidence.len());
    // libfido2 was given a wrong PIN for the first, and a right one has not followed until now.
    for (at, (found, (node, known))) in found.iter().zip(evidence).enumerate() {
        let id = HEXLOWER.encode(&bytes(known, "id"));
        let expected = json!({
            "node": node,
            "serial": known["key"]["usb_serial"],
            "firmware": known["key"]["firmware_version"],
            "aaguid": known["key"]["aaguid"],
            "pin_set": true,
            "min_pin_length": 8,
            "force_pin_change": false,
            "always_uv": true,
            "pin_retries": if at == 0 { 7 } else { 8 },
            "credentials": [{
                "rp_id_hash": HEXLOWER.encode(&sha256(known["rp_id"].as_str().unwrap())),
                "id": id,
                "user_id": HEXLOWER.encode(&bytes(known, "user_handle")),
                "user_name": known["account"]["login"],
                "cred_protect": 1,
            }],
            "assertion": {"credential": id, "user_verified": true},
        });
        assert_eq!(*found, expected);
    }
    println!("  python-fido2, 8 keys: {} ms", start.elapsed().as_millis());
}

fn ctap_hid_fido2_finds_them(evidence: &BTreeMap<String, Value>, pins: &BTreeMap<&str, String>) {
    let start = Instant::now();
    for (node, known) in evidence {
        let (pin, id, rp_id) = (&pins[node.as_str()], bytes(known, "id"), known["rp_id"].as_str().unwrap());
        let config = LibCfg { use_pre_credential_management: false, enable_keep_alive_msg: false, ..LibCfg::init() };
        let key = FidoKeyHidFactory::create_by_params(&[HidParam::Path(node.clone())], &config).unwrap();
        let key = key.with_pin_protocol_version(2);

        let info = key.get_info().unwrap();
        let model = known["key"]["aaguid"].as_str().unwrap().replace('-', "");
        assert_eq!(HEXLOWER.encode(&info.aaguid), model);
        for (option, is) in [("clientPin", true), ("alwaysUv", true)] {
            assert!(info.options.contains(&(option.to_owned(), is)), "{option}: {:?}", info.options);
        }
        assert_eq!((info.min_pin_length, info.force_pin_change), (8, false));
        assert_eq!(key.get_pin_retries().unwrap(), 8);

        let rps = key.credential_management_enumerate_rps(Some(pin)).unwrap();
        assert_eq!(rps.iter().map(|rp| &rp.rpid_hash).collect::<Vec<_>>(), [&sha256(rp_id)]);
        let stored = key.credential_management_enumerate_credentials(Some(pin), &sha256(rp_id)).unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].public_key_credential_descriptor.id, id);
        assert_eq!(stored[0].public_key_credential_user_entity.id, bytes(known, "user_handle"));

        let challenge = b"ctap-hid-fido2 by itself";
        let asked = GetAssertionArgsBuilder::new(rp_id, challenge).credential_id(&id).pin(pin).build();
        let signed = key.get_assertion_with_args(&asked).unwrap().remove(0);
        let public = PublicKey::with_der(&point(&bytes(known, "credential_public_key")), PublicKeyType::Ecdsa256);
        assert!(verifier::verify_assertion(rp_id, &public, challenge, &signed));
        assert!(signed.flags.user_present_result && signed.flags.user_verified_result);
    }
    println!("  ctap-hid-fido2, 8 keys: {} ms", start.elapsed().as_millis());
}

/// A process that ends with this.
struct Neighbour(Child);

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_batch_completes_beside_a_program_that_polls_the_same_keys() {
    let (office, keys) = Office::with_keys(&PEOPLE[..2]);
    let mut command = Command::new(python());
    command.arg("-u").arg(script("neighbour.py")).args(&keys.nodes).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut neighbour = Neighbour(command.spawn().unwrap());
    let mut polls = BufReader::new(neighbour.0.stdout.take().unwrap()).lines();
    // It polls already, and goes on while the batch runs; its answers are counted by a thread, so that it never waits for us.
    polls.next().expect("the neighbour gets an answer").unwrap();
    let counter = std::thread::spawn(move || polls.map_while(Result::ok).count());
    let lines = office.provision();
    std::thread::sleep(Duration::from_millis(500));
    drop(neighbour);
    let polled = counter.join().unwrap();
    println!("  the neighbour had {polled} answers meanwhile");
    assert!(polled > 5, "{polled}: that is no noise");
    let summary = lines.last().unwrap();
    assert_eq!((&summary["complete"], &summary["keys_proved"]), (&json!(2), &json!(4)), "{summary}");
    assert_eq!(office.registered().len(), 4);
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_is_replugged_while_it_waits_for_its_touch_is_recognised_and_finished() {
    let (office, mut keys, mut said) = Office::with_touch(&PEOPLE[..1], Duration::from_secs(3));
    let arguments = office.arguments(&office.provision_words()).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let arguments: Vec<&str> =
        arguments.iter().map(String::as_str).chain(["--log", "keywright_fido::hid=trace"]).collect();
    let mut command = office.home.command(&arguments);
    command.envs(Idp::ENVIRONMENT).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = command.spawn().unwrap();
    let mut words = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    words.by_ref().find(|line| line.contains("Keepalive")).expect("a key waits for its touch");
    keys.replug(1, &mut said);
    let rest: Vec<String> = words.collect();
    let code = run.wait().unwrap().code();
    assert!([Some(0), Some(3)].contains(&code), "{code:?}\n{}", rest.join("\n"));
    assert!(rest.iter().any(|line| line.contains("the key was removed")), "{}", rest.join("\n"));

    office.home.run_with(&office.arguments(&["resume"]), &Idp::ENVIRONMENT).expect(0);
    let status = office.home.run(&["status", "--json"]).expect(0).json();
    assert_eq!((&status[0]["complete"], &status[0]["keys_proved"]), (&json!(true), &json!(2)), "{status:?}");
    // One registered credential a key.
    assert_eq!(office.registered().len(), 2);
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn keys_for_an_idp_without_an_api_are_witnessed_and_confirmed() {
    let (office, _keys) = Office::with_keys(&PEOPLE[..1]);
    let settings = fs::read_to_string(&office.settings).unwrap();
    fs::write(&office.settings, settings + "[idp.google]\nkind = \"google-workspace\"\n").unwrap();
    let at_google = |words: &[&str]| {
        let words = [words, &["--config", &office.settings, "--idp", "google", "--json"]].concat();
        office.home.run_with(&words, &Idp::ENVIRONMENT).expect(0).json()
    };
    let anchor = office.anchor.to_str().unwrap();
    let made = at_google(&[&office.provision_words()[..], &["--anchor", anchor, "--yes"]].concat());
    assert_eq!((&made[1]["keys_proved"], &made[1]["keys_unconfirmed"]), (&json!(0), &json!(2)), "{made:?}");
    for (job, last) in made[0]["jobs"].as_array().unwrap().iter().zip([false, true]) {
        // The signature of what shows which key it is: asked for by another client, too.
        assert_eq!(job["witness"], json!({ "testimony": "verified", "witness": WITNESS }));
        let (port, ordinal) = (job["port"].as_str().unwrap(), job["ordinal"].as_u64().unwrap());
        let pin = office.home.secret("pin", &office.pin(PEOPLE[0], ordinal));
        let drilled = at_google(&["drill", PEOPLE[0], "--key", port, "--pin", &pin, "--signed-in"]).remove(0);
        assert_eq!((&drilled["proved"], &drilled["account_complete"]), (&json!(true), &json!(last)), "{drilled}");
    }
}
