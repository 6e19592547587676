//! What a ledger costs as it grows: 10^4, 10^5 and 10^6 events, two keys a person.
//!
//! Whole processes, from start to exit, and the most memory that they held; and the register by itself, from nothing. `audit
//! ledger` is held against what is left when only the signatures of its credentials are verified, by the same library. The
//! ledgers are made at the first run, which takes a minute or two, and kept among the build's files.
//!
//!     cargo bench --bench register [-- PEOPLE...]

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

#[path = "support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use age::secrecy::{ExposeSecret as _, SecretString};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use keywright::idp::embedded::Embedded;
use keywright::ledger::SqliteStore;
use keywright::register::Register;
use keywright_attest::Anchors;
use keywright_fido::webauthn::{AttestationObject, ClientDataJson};
use keywright_practice::idp_server::wire::NewUser;
use keywright_practice::idp_server::{EmbeddedServer, Settings};
use support::LongLedger;
use support::long_ledger::login;
use x509_parser::prelude::{FromDer, X509Certificate};

/// About 10^4, 10^5 and 10^6 events.
const PEOPLE: [usize; 3] = [200, 2_000, 25_000];

/// Runs of each whole process; the median counts.
const RUNS: usize = 5;

fn main() {
    let asked: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { PEOPLE.to_vec() } else { asked };
    println!("{:>9} {:>7}  {:<34} {:>10} {:>9}", "events", "people", "what", "median ms", "peak MB");
    for people in sizes {
        let ledger = LongLedger::of(people);
        from_nothing(&ledger);
        processes(&ledger);
        audit(&ledger);
    }
}

fn line(ledger: &LongLedger, what: &str, time: Duration, peak: Option<f64>) {
    let peak = peak.map_or_else(|| "-".to_owned(), |peak| format!("{peak:.1}"));
    let milliseconds = time.as_secs_f64() * 1000.0;
    println!("{:>9} {:>7}  {what:<34} {milliseconds:>10.1} {peak:>9}", ledger.events, ledger.people);
}

/// The register by itself: every event read, its hash checked, and taken in.
fn from_nothing(ledger: &LongLedger) {
    let store = SqliteStore::read(&ledger.ledger()).unwrap();
    let began = Instant::now();
    let mut register = Register::default();
    register.catch_up(&store).unwrap();
    line(ledger, "register from nothing", began.elapsed(), None);
    assert_eq!(register.accounts.len(), ledger.people);
}

fn processes(ledger: &LongLedger) {
    let keywright = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keywright"));
        command.args(arguments).arg("--state").arg(&ledger.folder).stdout(Stdio::null());
        command
    };
    let ada = login(ledger.people / 2);
    let (time, peak) = measured(|| {
        let _ = std::fs::remove_file(ledger.kept());
        keywright(&["status"])
    });
    line(ledger, "status, no snapshot", time, Some(peak));
    println!(
        "{:>18} the snapshot has {:.1} MB",
        "",
        std::fs::metadata(ledger.kept()).map_or(0.0, |file| file.len() as f64 / 1e6)
    );
    for (what, arguments) in [
        ("status", vec!["status"]),
        ("status --json", vec!["status", "--json"]),
        ("status ACCOUNT", vec!["status", &ada]),
    ] {
        let (time, peak) = measured(|| keywright(&arguments));
        line(ledger, what, time, Some(peak));
    }
    let token = || SecretString::from("a-token-for-benchmarks-only");
    let settings = Settings::new(std::sync::Arc::new(Anchors::none()));
    let server = EmbeddedServer::start(SocketAddr::from(([127, 0, 0, 1], 0)), None, token(), settings).unwrap();
    let directory = Embedded::new("bench", &server.url(), token()).unwrap();
    let roster = ledger.folder.join("roster.csv");
    let mut rows = "account,profile\n".to_owned();
    for login in ["new-1@example.org", "new-2@example.org"] {
        let (login, display_name) = (login.to_owned(), login.to_owned());
        rows.push_str(&format!("{login},admin\n"));
        directory.create_user(&NewUser { login, display_name, active: true, other_methods: Vec::new() }).unwrap();
    }
    std::fs::write(&roster, rows).unwrap();
    let (time, peak) = measured(|| {
        let mut command = keywright(&["provision", roster.to_str().unwrap(), "--dry-run", "--softkeys", "1"]);
        command.args(["--idp", &server.url(), "--idp-token", "env:BENCH_TOKEN", "--reader", READER]);
        command.env("BENCH_TOKEN", token().expose_secret());
        command
    });
    line(ledger, "provision --dry-run, 2 people", time, Some(peak));
}

/// Somebody who gets PINs.
const READER: &str = "helpdesk=age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// The audit of everything, and the signatures by themselves.
fn audit(ledger: &LongLedger) {
    let store = SqliteStore::read(&ledger.ledger()).unwrap();
    let mut register = Register::default();
    register.catch_up(&store).unwrap();
    let signed: Vec<_> = register
        .credentials
        .keys()
        .flat_map(|id| {
            let evidence = register.evidence(id, &store).unwrap().unwrap();
            let object = AttestationObject::parse(&evidence.attestation_object).unwrap();
            let statement = object.att_stmt.clone();
            let leaf = statement.get("x5c").unwrap().as_array().unwrap()[0].as_bytes().unwrap();
            let (_, certificate) = X509Certificate::from_der(leaf).unwrap();
            let hash = ClientDataJson::from_bytes(evidence.client_data_json).hash();
            let signature = statement.get("sig").unwrap().as_bytes().unwrap().to_vec();
            let point = certificate.public_key().subject_public_key.data.to_vec();
            let attested = (point, [&object.auth_data_bytes[..], &hash].concat(), signature);
            let cose = &object.auth_data.attested_credential_data.as_ref().unwrap().public_key.bytes;
            // COSE (RFC 9053, 7.1), canonical, of a P-256 key: x and y are its last 32 bytes each, but for y's head of three bytes.
            let (x, y) = (&cose[cose.len() - 67..cose.len() - 35], &cose[cose.len() - 32..]);
            let assertion = evidence.assertion.unwrap();
            let message = [&assertion.authenticator_data[..], &assertion.client_data_json.hash()].concat();
            [attested, ([&[4], x, y].concat(), message, assertion.signature)]
        })
        .collect();
    let began = Instant::now();
    for (point, message, signature) in &signed {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).unwrap();
    }
    let bare = began.elapsed();
    line(ledger, "its signatures alone, one core", bare, None);
    drop((signed, register));
    let (time, peak) = measured(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keywright"));
        command.args(["audit", "ledger", "--root"]).arg(ledger.anchor()).arg("--state").arg(&ledger.folder);
        command.stdout(Stdio::null());
        command
    });
    line(ledger, "audit ledger", time, Some(peak));
    println!("{:>18} audit ledger is {:.2} times that", "", time.as_secs_f64() / bare.as_secs_f64());
}

/// The median of its times, and the most memory in MB that any run held, as the system tells it while they run.
fn measured(command: impl Fn() -> Command) -> (Duration, f64) {
    let mut times = Vec::new();
    let mut peak: f64 = 0.0;
    for _ in 0..RUNS {
        let began = Instant::now();
        let mut child = command().stderr(Stdio::null()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        loop {
            peak = peak.max(held(Path::new(&status)).unwrap_or_default());
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        times.push(began.elapsed());
    }
    times.sort();
    (times[RUNS / 2], peak)
}

fn held(status: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1000.0)
}
