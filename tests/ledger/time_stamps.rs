//! Time stamps over checkpoints (RFC 3161), by a real server's software: `openssl ts`, which also verifies what is kept.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::Ed25519KeyPair;
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::ContentInfo;
use cms::signed_data::{CertificateSet, SignedAttributes, SignedData, SignerIdentifier, SignerInfos};
use data_encoding::BASE64;
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode as _, Encode as _};
use keywright::ledger::TimeStamp;
use keywright::ledger::time_stamp::{Query, Roots, TimeStampError};
use keywright_test_support::cli::Home;
use keywright_test_support::skipped;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm, date_time_ymd,
};

use super::checkpoints::Station;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Answers,
    Refuses,
    /// Says again what it said first.
    RepeatsItself,
    /// Stamps a text of its own.
    AnotherText,
    Nonsense,
    Broken,
    /// Takes the request, and says nothing.
    Silent,
}

/// A time-stamping server on loopback, with a root of its own.
struct Server {
    folder: PathBuf,
    url: String,
    mood: Arc<Mutex<Mood>>,
    /// How often it was asked.
    asked: Arc<Mutex<usize>>,
}

/// The certificate of the server.
struct Wanted {
    years: (i32, i32),
    algorithm: &'static SignatureAlgorithm,
    /// The extension's value, and whether it is critical.
    purpose: (&'static [u8], bool),
}

const TIME_STAMPING: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08";
const AND_CODE_SIGNING: &[u8] =
    b"\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03";

impl Default for Wanted {
    fn default() -> Self {
        Self { years: (2020, 2050), algorithm: &PKCS_ECDSA_P256_SHA256, purpose: (TIME_STAMPING, true) }
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let ended = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    if ended.status.success() { Ok(text) } else { Err(text) }
}

fn there_is_openssl() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|ended| ended.status.success());
    if !there {
        skipped("there is no openssl");
    }
    there
}

/// Makes `root.pem`, `tsa.pem`, `tsa.key` and `tsa.conf` in a folder.
fn make(folder: &Path, name: &str, wanted: &Wanted) {
    fs::create_dir_all(folder).unwrap();
    let named = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2050, 1, 1);
        params
    };
    let mut root = named(&format!("{name} Root"));
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let mut params = named(name);
    (params.not_before, params.not_after) = (date_time_ymd(wanted.years.0, 1, 1), date_time_ymd(wanted.years.1, 1, 1));
    let mut purpose = CustomExtension::from_oid_content(&[2, 5, 29, 37], wanted.purpose.0.to_vec());
    purpose.set_criticality(wanted.purpose.1);
    params.custom_extensions.push(purpose);
    let key = KeyPair::generate_for(wanted.algorithm).unwrap();
    let certificate = params.signed_by(&key, &root).unwrap();
    let pem =
        |label: &str, der: &[u8]| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der));
    fs::write(folder.join("root.pem"), pem("CERTIFICATE", root.der())).unwrap();
    fs::write(folder.join("tsa.pem"), pem("CERTIFICATE", certificate.der())).unwrap();
    fs::write(folder.join("tsa.key"), pem("PRIVATE KEY", key.serialized_der())).unwrap();
    let conf = "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
                digests = sha256\naccuracy = secs:1\nclock_precision_digits = 3\ness_cert_id_alg = sha256\n";
    fs::write(folder.join("tsa.conf"), conf).unwrap();
}

/// What `openssl ts` answers to this request.
fn reply(folder: &Path, request: &[u8]) -> Vec<u8> {
    fs::write(folder.join("query"), request).unwrap();
    let reply =
        ["ts", "-reply", "-config", "tsa.conf", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key"];
    openssl(folder, &[&reply[..], &["-out", "reply"]].concat()).unwrap();
    fs::read(folder.join("reply")).unwrap()
}

impl Server {
    fn start(home: &Home, name: &str, wanted: &Wanted) -> Self {
        let folder = home.path(name);
        make(&folder, name, wanted);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsr", listener.local_addr().unwrap());
        let (mood, asked) = (Arc::new(Mutex::new(Mood::Answers)), Arc::new(Mutex::new(0)));
        let server = Self { folder: folder.clone(), url, mood: Arc::clone(&mood), asked: Arc::clone(&asked) };
        std::thread::spawn(move || {
            let (mut first, mut held) = (None, Vec::new());
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = body(&stream);
                *asked.lock().unwrap() += 1;
                let (status, answer) = match *mood.lock().unwrap() {
                    Mood::Answers => (200, reply(&folder, &request)),
                    Mood::RepeatsItself => (200, first.clone().unwrap()),
                    // PKIStatus rejection, with words.
                    Mood::Refuses => (200, b"\x30\x0d\x30\x0b\x02\x01\x02\x30\x06\x0c\x04busy".to_vec()),
                    Mood::AnotherText => {
                        let at = request.windows(2).position(|pair| pair == [0x04, 0x20]).unwrap() + 2;
                        let mut request = request;
                        request[at] ^= 1;
                        (200, reply(&folder, &request))
                    }
                    Mood::Nonsense => (200, b"<html>".to_vec()),
                    Mood::Broken => (503, Vec::new()),
                    Mood::Silent => {
                        held.push(stream);
                        continue;
                    }
                };
                first.get_or_insert_with(|| answer.clone());
                let length = answer.len();
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                stream.write_all(&[head.as_bytes(), &answer].concat()).unwrap();
            }
        });
        server
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn times_asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    fn settings(&self) -> String {
        let root = self.root();
        format!("[[checkpoints.time-stamps]]\nurl = \"{}\"\nroot = \"{}\"\n", self.url, root.display())
    }
}

/// The body of a request, whose head says what it is.
fn body(stream: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut head) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line.to_lowercase());
    }
    assert!(head.starts_with("post /tsr http/1.1") && head.contains("application/timestamp-query"), "{head}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}

impl Station {
    fn stamped(&self) -> (String, u64) {
        let all = self.guarantees(&[]);
        all.into_iter().find(|(by, _)| by == "time-stamp").expect("the settings name a server")
    }

    /// The time stamps beside the checkpoints.
    fn stamps(&self) -> Vec<PathBuf> {
        let mut files = self.kept_files();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "tsr"));
        files
    }
}

#[test]
fn batches_drills_and_audits_end_with_a_time_stamp_that_openssl_verifies_too() {
    if !there_is_openssl() {
        return;
    }
    let station = Station::empty();
    let server = Server::start(&station.home, "tsa", &Wanted::default());
    station.settings(&server.settings());
    let ended = station.run(&["provision", "roster.csv", "--softkeys", "4", "--json"]).expect(0);
    let ended = ended.says("time-stamped by tsa at 20");
    let checkpoint = ended.json().pop().unwrap()["checkpoint"].clone();
    assert_eq!(checkpoint["time_stamps"][0]["by"], "tsa", "{checkpoint}");
    assert_eq!((checkpoint["missing"].as_array().unwrap().len(), server.times_asked()), (0, 1));
    assert_eq!(station.stamped(), ("time-stamp".to_owned(), checkpoint["size"].as_u64().unwrap()));

    // What has a time stamp is not asked for again, and nobody is asked to verify it.
    station.run(&["audit", "ledger"]).says("time-stamped by tsa");
    station.run(&["ledger", "verify"]).expect(0);
    assert_eq!((server.times_asked(), station.stamps().len()), (1, 1));
    station.rename("Ada L.").expect(0);
    assert_eq!(server.times_asked(), 1, "a small change is not worth a question");
    station.run(&["audit", "ledger"]).says("time-stamped by tsa");
    assert_eq!((server.times_asked(), station.stamps().len()), (2, 2));
    station.rename("Ada M.").expect(0);
    station.run(&["ledger", "checkpoint", "--timestamp"]).expect(0).says("time-stamped by tsa at 20");
    let events = station.guarantees(&[])[0].1;
    assert_eq!(station.stamped().1, events);

    // The same two files with other software.
    let checkpoint = station.kept().pop().unwrap();
    let text: String = fs::read_to_string(&checkpoint).unwrap().split_inclusive('\n').take(3).collect();
    fs::write(server.folder.join("text"), text).unwrap();
    let stamp = checkpoint.with_extension("tsr");
    let verify = ["ts", "-verify", "-data", "text", "-in", stamp.to_str().unwrap(), "-CAfile", "root.pem"];
    openssl(&server.folder, &verify).unwrap();

    // An auditor has a checkpoint, its time stamp, a copy of the state and the root; no settings and no network.
    let put_away = station.home.path("monday.checkpoint");
    fs::copy(&checkpoint, &put_away).unwrap();
    fs::copy(&stamp, put_away.with_extension("tsr")).unwrap();
    fs::remove_dir_all(station.home.state().join("checkpoints")).unwrap();
    let root = server.root().display().to_string();
    station.settings("");
    let auditor = ["ledger", "verify", "--checkpoint", "monday.checkpoint", "--tsa-root", &root];
    let said = station.run(&auditor).expect(0).stdout;
    assert!(said.contains("time stamp tsa") && said.contains(&format!("1-{events}")), "{said}");
    fs::remove_file(put_away.with_extension("tsr")).unwrap();
    station.run(&auditor).expect(1).says("no checkpoint of this ledger is time-stamped under");
}

#[test]
fn an_export_has_its_checkpoints_and_time_stamps_and_an_auditor_needs_nothing_else() {
    if !there_is_openssl() {
        return;
    }
    let station = Station::empty();
    let server = Server::start(&station.home, "tsa", &Wanted { algorithm: &PKCS_RSA_SHA256, ..Wanted::default() });
    station.settings(&server.settings());
    station.run(&["provision", "roster.csv", "--softkeys", "4"]).expect(0).says("time-stamped by tsa at 20");
    let (stamped, checkpoint) = (station.stamped().1, station.kept().pop().unwrap());
    station.settings("");
    station.rename("Ada L.").expect(0);
    station.run(&["ledger", "export", "evidence"]).expect(0);
    let exported = station.home.path("evidence/checkpoints");
    let name = checkpoint.file_name().unwrap();
    assert_eq!(fs::read(exported.join(name)).unwrap(), fs::read(&checkpoint).unwrap());

    // Nothing of the station is there, and the server is gone.
    let root = server.root().display().to_string();
    let auditor = |more: &[&str]| {
        station.home.run_alone(&[&["ledger", "verify", "--from", "evidence", "--state", "nowhere"], more].concat(), &[])
    };
    let by = |more: &[&str]| {
        let verified = auditor(&[more, &["--json"]].concat()).expect(0).one();
        let all = verified["guarantees"].as_array().unwrap().clone();
        all.into_iter().map(|one| (one["by"].clone(), one["events"].as_u64().unwrap())).collect::<Vec<_>>()
    };
    assert!(by(&["--tsa-root", &root]).contains(&("time-stamp".into(), stamped)), "{:?}", by(&["--tsa-root", &root]));
    let note = fs::read_to_string(&checkpoint).unwrap();
    fs::write(server.folder.join("text"), note.split_inclusive('\n').take(3).collect::<String>()).unwrap();
    let stamp = exported.join(name).with_extension("tsr");
    let verify = ["ts", "-verify", "-data", "text", "-in", stamp.to_str().unwrap(), "-CAfile", "root.pem"];
    openssl(&server.folder, &verify).unwrap();

    // One that is put there later, one that is changed, and one of other events though the sums fit.
    let stray = exported.join("9.checkpoint");
    fs::write(&stray, &note).unwrap();
    auditor(&[]).expect(1).says("SHA256SUMS does not name it");
    fs::remove_file(&stray).unwrap();
    fs::remove_file(&stamp).unwrap();
    auditor(&[]).expect(1).says(".tsr");
}

#[test]
fn a_server_that_fails_is_told_and_fails_no_batch() {
    if !there_is_openssl() {
        return;
    }
    let station = Station::new();
    let server = Server::start(&station.home, "tsa", &Wanted::default());
    let stranger = Server::start(&station.home, "stranger", &Wanted::default());
    let ask = || station.run(&["ledger", "checkpoint", "--timestamp"]);
    let batch = || station.run(&["provision", "roster.csv", "--softkeys", "4", "--yes", "--json"]).expect(0);
    // Its first answer is kept by the server, and what stands here is forgotten.
    station.settings(&server.settings());
    ask().expect(0);
    station.stamps().into_iter().for_each(|file| fs::remove_file(file).unwrap());

    for (mood, words) in [
        (Mood::Refuses, "the time-stamping server refused: busy"),
        (Mood::RepeatsItself, "another nonce"),
        (Mood::AnotherText, "something else than this checkpoint"),
        (Mood::Nonsense, "the answer cannot be read"),
        (Mood::Broken, "HTTP 503"),
    ] {
        server.is(mood);
        ask().expect(1).says(words);
        let ended = batch();
        assert!(ended.stderr.contains("the checkpoint is not time-stamped by 127.0.0.1"), "{}", ended.stderr);
        assert!(ended.stderr.contains("'keywright ledger checkpoint --timestamp' asks again"), "{}", ended.stderr);
        let checkpoint = &ended.json().pop().unwrap()["checkpoint"];
        assert!(checkpoint["missing"][0]["why"].as_str().unwrap().contains(words), "{checkpoint}");
        assert_eq!((station.stamps().len(), station.stamped().1), (0, 0), "{mood:?}");
    }
    // Nobody is there; somebody is, whom the root does not vouch for; and it is asked again when all is well.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root = server.root();
    let table = |url: &str| format!("[[checkpoints.time-stamps]]\nurl = \"{url}\"\nroot = \"{}\"\n", root.display());
    station.settings(&table(&format!("http://{nobody}/tsr")));
    batch().says("cannot be reached");
    station.settings(&table(&stranger.url));
    batch().says("leads to none of the roots");
    ask().expect(1).says("the root that the settings name");
    assert!(station.stamps().is_empty());
    server.is(Mood::Answers);
    station.settings(&server.settings());
    batch().says("time-stamped by tsa");
    assert_eq!(station.stamps().len(), 1);
    // Another's time stamps beside ours are nobody's word, and do not spoil them.
    let kept = station.kept().pop().unwrap();
    let text: String = fs::read_to_string(&kept).unwrap().split_inclusive('\n').take(3).collect();
    fs::write(kept.with_extension("2.tsr"), reply(&stranger.folder, &Query::new(&text, [7; 8]).to_der())).unwrap();
    assert!(station.stamped().1 > 0);
}

#[test]
fn a_silent_server_holds_a_batch_up_for_seconds_and_no_longer() {
    if !there_is_openssl() {
        return;
    }
    let station = Station::new();
    let server = Server::start(&station.home, "tsa", &Wanted::default());
    server.is(Mood::Silent);
    station.settings(&server.settings());
    let ended = station.run(&["provision", "roster.csv", "--softkeys", "4", "--yes"]).expect(0);
    ended.says("no answer within 15s");
}

#[test]
fn a_server_is_named_on_the_command_line_with_its_root_or_not_at_all() {
    if !there_is_openssl() {
        return;
    }
    let station = Station::new();
    let server = Server::start(&station.home, "tsa", &Wanted::default());
    let root = server.root().display().to_string();
    let ask = |arguments: &[&str]| station.run(&[&["ledger", "checkpoint", "--timestamp"], arguments].concat());
    ask(&[]).expect(1).says("the settings name no [[checkpoints.time-stamps]]");
    ask(&[&server.url]).expect(2).says("name its root certificate with --tsa-root");
    ask(&["--tsa-root", &root]).expect(2).says("--timestamp URL");
    ask(&[&server.url, "--tsa-root", "missing.pem"]).expect(1).says("missing.pem");
    ask(&[&server.url, "--tsa-root", &root]).expect(0).says("time-stamped by tsa");
    station.run(&["ledger", "verify", "--tsa-root", &root]).expect(0);
    assert_eq!(server.times_asked(), 1);
}

/// A time stamp of a text, by a server with this certificate, and its root.
fn stamp_of(text: &str, wanted: &Wanted) -> (Vec<u8>, Roots) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "tsa", wanted);
    let response = reply(folder.path(), &Query::new(text, [7; 8]).to_der());
    (response, Roots::read(&fs::read(folder.path().join("root.pem")).unwrap()).unwrap())
}

#[test]
fn no_byte_of_what_is_signed_can_be_changed() {
    if !there_is_openssl() {
        return;
    }
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_RSA_SHA256] {
        let (response, roots) = stamp_of("text\n", &Wanted { algorithm, ..Wanted::default() });
        let good = TimeStamp::read(response.clone()).unwrap().verify("text\n", &roots).unwrap();
        assert_eq!(
            TimeStamp::read(response.clone()).unwrap().verify("Text\n", &roots),
            Err(TimeStampError::AnotherText)
        );
        for at in 0..response.len() {
            for bit in [1, 0x10, 0x80] {
                let mut changed = response.clone();
                changed[at] ^= bit;
                // Some bytes stand outside of what is signed: the status, and what the envelope says twice.
                if let Ok(said) = TimeStamp::read(changed).and_then(|stamp| stamp.verify("text\n", &roots)) {
                    assert_eq!(said, good, "byte {at}");
                }
            }
        }
        for length in 0..response.len() {
            assert!(TimeStamp::read(response[..length].to_vec()).is_err(), "cut at {length}");
        }
        assert!(TimeStamp::read([&response[..], b"\0"].concat()).is_err());
    }
}

#[test]
fn a_certificate_that_was_too_old_or_too_new_is_refused() {
    if !there_is_openssl() {
        return;
    }
    for years in [(2020, 2021), (2049, 2050)] {
        let (response, roots) = stamp_of("text\n", &Wanted { years, ..Wanted::default() });
        let stamp = TimeStamp::read(response).unwrap();
        assert_eq!(stamp.fits("text\n"), Ok(()));
        assert_eq!(stamp.verify("text\n", &roots), Err(TimeStampError::NotValid), "{years:?}");
    }
}

/// Signs another's content with a certificate that `openssl ts` does not sign with.
#[test]
fn a_certificate_that_is_for_more_than_time_stamps_is_refused() {
    if !there_is_openssl() {
        return;
    }
    let (response, _) = stamp_of("text\n", &Wanted::default());
    let folder = tempfile::tempdir().unwrap();
    let sign = |wanted: &Wanted, options: &[&str]| {
        make(folder.path(), "tsa", wanted);
        fs::write(folder.path().join("reply"), &response).unwrap();
        openssl(folder.path(), &["ts", "-reply", "-in", "reply", "-token_out", "-out", "token"]).unwrap();
        let verify = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-binary", "-out", "content"];
        openssl(folder.path(), &verify).unwrap();
        let sign = ["cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", "content", "-out", "signed"];
        let who = ["-signer", "tsa.pem", "-inkey", "tsa.key", "-md", "sha256", "-nosmimecap"];
        let kind = ["-econtent_type", "1.2.840.113549.1.9.16.1.4"];
        openssl(folder.path(), &[&sign[..], &who, &kind, options].concat()).unwrap();
        let token = fs::read(folder.path().join("signed")).unwrap();
        // TimeStampResp: status granted, and the token.
        let length = u16::try_from(token.len() + 5).unwrap().to_be_bytes();
        let response = [&[0x30, 0x82, length[0], length[1]][..], b"\x30\x03\x02\x01\0", &token].concat();
        let roots = Roots::read(&fs::read(folder.path().join("root.pem")).unwrap()).unwrap();
        TimeStamp::read(response).unwrap().verify("text\n", &roots)
    };
    assert!(sign(&Wanted::default(), &["-cades"]).is_ok());
    for purpose in [(TIME_STAMPING, false), (AND_CODE_SIGNING, true)] {
        let signed = sign(&Wanted { purpose, ..Wanted::default() }, &["-cades"]);
        assert_eq!(signed, Err(TimeStampError::NotForTimeStamps));
    }
    // A signature that does not name its certificate.
    assert_eq!(sign(&Wanted::default(), &[]), Err(TimeStampError::Signature));
}

/// The time stamp signed anew with an Ed25519 key, which `openssl ts` of many systems cannot sign with, and its root.
fn signed_with_ed25519(response: &[u8]) -> (Vec<u8>, Roots) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "tsa", &Wanted { algorithm: &PKCS_ED25519, ..Wanted::default() });
    let pem = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        BASE64.decode(text.lines().filter(|line| !line.starts_with('-')).collect::<String>().as_bytes()).unwrap()
    };
    let (der, key) = (pem("tsa.pem"), Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pem("tsa.key")).unwrap());
    let certificate = cms::cert::x509::Certificate::from_der(&der).unwrap();

    // TimeStampResp: status granted in three bytes and their heading, and the token.
    let token = &response[response.windows(5).position(|bytes| bytes == b"\x30\x03\x02\x01\0").unwrap() + 5..];
    let token = ContentInfo::from_der(token).unwrap();
    let mut signed: SignedData = token.content.decode_as().unwrap();
    let mut signer = signed.signer_infos.0.as_slice()[0].clone();
    let old = match &signed.certificates.as_ref().unwrap().0.as_slice()[0] {
        CertificateChoices::Certificate(certificate) => certificate.to_der().unwrap(),
        other => panic!("{other:?}"),
    };
    let hash = |der: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der).as_ref().to_vec();
    let mut attributes = signer.signed_attrs.as_ref().unwrap().to_der().unwrap();
    let at =
        attributes.windows(32).position(|bytes| bytes == hash(&old)).expect("the certificate is named by its hash");
    attributes[at..at + 32].copy_from_slice(&hash(&der));
    signer.signed_attrs = Some(SignedAttributes::from_der(&attributes).unwrap());
    signer.signature = OctetString::new(key.sign(&attributes).as_ref()).unwrap();
    signer.signature_algorithm.oid = ObjectIdentifier::new_unwrap("1.3.101.112");
    signer.signature_algorithm.parameters = None;
    signer.sid = SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
        issuer: certificate.tbs_certificate.issuer.clone(),
        serial_number: certificate.tbs_certificate.serial_number.clone(),
    });
    signed.signer_infos = SignerInfos(SetOfVec::try_from(vec![signer]).unwrap());
    signed.certificates =
        Some(CertificateSet(SetOfVec::try_from(vec![CertificateChoices::Certificate(certificate)]).unwrap()));
    let content = Any::encode_from(&signed).unwrap();
    let token = ContentInfo { content_type: token.content_type, content }.to_der().unwrap();
    let length = u16::try_from(token.len() + 5).unwrap().to_be_bytes();
    let response = [&[0x30, 0x82, length[0], length[1]][..], b"\x30\x03\x02\x01\0", &token].concat();
    (response, Roots::read(&fs::read(folder.path().join("root.pem")).unwrap()).unwrap())
}

#[test]
fn a_time_stamp_that_an_ed25519_key_signed_is_good_and_no_byte_of_its_signature_can_be_changed() {
    if !there_is_openssl() {
        return;
    }
    let (response, _) = stamp_of("text\n", &Wanted::default());
    let (response, roots) = signed_with_ed25519(&response);
    let stamp = TimeStamp::read(response.clone()).unwrap();
    assert_eq!(stamp.verify("text\n", &roots).unwrap().by, "tsa");
    // The signature is what ends it.
    for at in response.len() - 64..response.len() {
        let mut changed = response.clone();
        changed[at] ^= 1;
        let said = TimeStamp::read(changed).unwrap().verify("text\n", &roots);
        assert_eq!(said, Err(TimeStampError::Signature), "byte {at}");
    }
}

#[test]
fn a_time_stamp_of_another_checkpoint_or_a_changed_one_is_found() {
    if !there_is_openssl() {
        return;
    }
    let station = Station::new();
    let server = Server::start(&station.home, "tsa", &Wanted::default());
    station.settings(&server.settings());
    station.run(&["ledger", "checkpoint", "--timestamp"]).expect(0);
    station.rename("Ada L.").expect(0);
    station.run(&["ledger", "checkpoint", "--timestamp"]).expect(0);
    let [old, new] = &station.stamps()[..] else { panic!("two time stamps are kept") };
    let good = fs::read(new).unwrap();
    fs::copy(old, new).unwrap();
    station.run(&["ledger", "verify"]).expect(1).says("is a time stamp of something else than this checkpoint");
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(new, changed).unwrap();
    station.run(&["ledger", "verify"]).expect(1).says("its signature does not verify");
    fs::write(new, "nothing").unwrap();
    station.run(&["ledger", "verify"]).expect(1).says("is not good: this is no time stamp");
    fs::write(new, good).unwrap();
    station.run(&["ledger", "verify"]).expect(0);
}
