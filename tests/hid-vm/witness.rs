//! The witness and keys on a real `/dev/hidraw`: keys that it can do, keys that it cannot, and keys that it finds out.

use keywright_test_support::cli::program;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use keywright::ledger::Unavailable;
use keywright::witness::{Answer, Mismatch, Question, WITNESS, Witness};
use keywright_fido::ctap::{Authenticator, MakeCredential, Permissions, Pin, PinUvAuthProtocol};
use keywright_fido::hid::frame::{ChannelId, Command, Packet};
use keywright_fido::hid::{Cancel, Limits, PipeError, Report};
use keywright_fido::webauthn::cbor::Value;
use keywright_fido::webauthn::response::ExpectedAuthentication;
use keywright_fido::webauthn::{
    AuthenticationResponse, CeremonyType, Challenge, ClientDataJson, CoseAlgorithm, Origin, RelyingParty, RpId,
    UserEntity, UserHandle,
};
use keywright_practice::softkey::uhid::{Attached, Line, To, attach_through};
use keywright_practice::softkey::{Generation, Model, Rack, Touch};
use serde_json::json;

use crate::bench::{Bench, changing, member, say, within};
use crate::whole_job::{Office, PEOPLE};
use keywright_test_support::cli::{Home, Idp};

const GET_ASSERTION: u8 = 0x02;

/// For a witness that is to be found at fault; longer than anything takes here that is not.
const PATIENCE: Duration = Duration::from_secs(6);

/// What it may take beyond that: a process on a slow machine.
const GRACE: Duration = Duration::from_secs(2);

fn rp_id() -> RpId {
    "example.org".parse().unwrap()
}

fn origin() -> Origin {
    "https://example.org".parse().unwrap()
}

fn challenge() -> Challenge {
    Challenge::new([9; 32]).unwrap()
}

fn witness() -> Witness {
    Witness { program: program(), patience: PATIENCE }
}

/// A key with a PIN and a credential, open and locked as in a job.
struct Enrolled<'a> {
    bench: &'a Bench,
    attached: &'a Attached,
    key: Authenticator,
    question: Question,
}

impl<'a> Enrolled<'a> {
    fn new(bench: &'a Bench, attached: &'a Attached) -> Self {
        let mut key = bench.open(attached, Limits::default()).unwrap();
        let pin = Pin::new("a PIN of ten").unwrap();
        key.set_pin(&pin).unwrap();
        let protocol = PinUvAuthProtocol::choose(key.refresh_info().unwrap()).unwrap();
        let client_data = ClientDataJson::new(CeremonyType::Create, &challenge(), &origin());
        let request = MakeCredential {
            resident_key: true,
            ..MakeCredential::new(
                client_data.hash(),
                RelyingParty { id: rp_id(), name: "Example".into() },
                UserEntity { id: UserHandle::new([1]).unwrap(), name: "ada".into(), display_name: "Ada".into() },
                vec![CoseAlgorithm::ES256],
            )
        };
        let token = key.pin_uv_auth_token(&pin, Permissions::MAKE_CREDENTIAL, Some(&rp_id())).unwrap();
        let made = key.make_credential(&request, Some(&token), &mut |_| {}).unwrap();
        let attested = made.attestation_object.auth_data.attested_credential_data.unwrap();
        let question = Question {
            rp_id: rp_id(),
            credential_id: attested.credential_id,
            public_key: attested.public_key,
            client_data: ClientDataJson::new(CeremonyType::Get, &challenge(), &origin()),
            pin,
            protocol,
        };
        Self { bench, attached, key, question }
    }

    fn testify(&self, cancel: &Cancel) -> Answer {
        let device = self.bench.device(self.attached);
        let touched = Mutex::new(Vec::new());
        let touch = |needed| touched.lock().unwrap().push(needed);
        let answer = within(PATIENCE + GRACE, "the witness", || {
            witness().testify(self.bench.bus(), &device, &self.question, cancel, &touch)
        });
        assert_eq!(*touched.lock().unwrap(), [true, false]);
        assert_eq!(others_with(self.attached.node()), 0, "a process of the witness's is left behind");
        answer
    }

    /// What it says, and the key answers on our own handle afterwards.
    fn asked(&mut self) -> Answer {
        let answer = self.testify(&Cancel::default());
        self.key.refresh_info().expect("the key answers us as before");
        answer
    }

    #[track_caller]
    fn verified(&mut self) {
        let Answer::Verified { assertion } = self.asked() else { panic!("not verified") };
        // Our own verifier agrees.
        let expected = ExpectedAuthentication {
            challenge: &challenge(),
            origin: &origin(),
            rp_id: &rp_id(),
            user_verification: true,
            public_key: &self.question.public_key,
            sign_count: 0,
        };
        let credential_id = self.question.credential_id.clone();
        AuthenticationResponse { credential_id, assertion, user_handle: None }.check(&expected).unwrap();
    }
}

/// How many other processes have the node open.
fn others_with(node: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| *id != std::process::id())
        .filter(|id| {
            let files = std::fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().map_while(Result::ok);
            files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|open| open == node)
        })
        .count()
}

fn unable(words: &str) -> Answer {
    Answer::Unable { why: Unavailable::Failed { words: words.into() } }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn it_verifies_keys_of_every_generation() {
    for generation in [Generation::None, Generation::Ctap20, Generation::Ctap21Pre, Generation::Ctap23] {
        println!("  {generation:?}");
        let bench = Bench::of(&[Model { generation, ..Model::default() }]);
        let attached = bench.attach(0);
        let mut enrolled = Enrolled::new(&bench, &attached);
        enrolled.verified();
        if enrolled.key.info().option("alwaysUv").is_some() {
            let pin = enrolled.question.pin.clone();
            let token = enrolled.key.pin_uv_auth_token(&pin, Permissions::AUTHENTICATOR_CONFIGURATION, None).unwrap();
            enrolled.key.toggle_always_uv(Some(&token), true, None, &mut |_| {}).unwrap();
            enrolled.verified();
        }
        if enrolled.key.info().pin_uv_auth_protocols.contains(&1) {
            enrolled.question.protocol = PinUvAuthProtocol::One;
            enrolled.verified();
        }
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_touch_that_takes_a_while_is_waited_for() {
    let bench = Bench::new(1);
    let attached = bench.attach(0);
    let mut enrolled = Enrolled::new(&bench, &attached);
    bench.rack.set_touch(Touch::After(Duration::from_secs(2)));
    enrolled.verified();
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn what_its_library_prints_is_not_its_answer() {
    // A member of getAssertion's answer that nobody knows: the library says so on stdout.
    let cable = changing(GET_ASSERTION, |members| members.push((0x7f.into(), true.into())));
    let bench = Bench::new(1);
    let attached = bench.attach_through(0, cable);
    Enrolled::new(&bench, &attached).verified();
}

/// Another signature than the key's, where somebody touched it.
fn wrong_signature(members: &mut [(Value, Value)]) {
    if let Some(Value::Bytes(auth_data)) = member(members, 2)
        && auth_data[32] & 0x01 != 0
        && let Some(Value::Bytes(signature)) = member(members, 3)
    {
        *signature.last_mut().unwrap() ^= 1;
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_wrong_signature_is_refuted() {
    let bench = Bench::new(1);
    let attached = bench.attach_through(0, changing(GET_ASSERTION, |members| wrong_signature(members)));
    let refuted = Answer::Refuted { why: Mismatch::Signature };
    assert_eq!(Enrolled::new(&bench, &attached).asked(), refuted);
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_pin_that_is_not_the_keys_is_said_in_its_words() {
    let bench = Bench::new(1);
    let attached = bench.attach(0);
    let mut enrolled = Enrolled::new(&bench, &attached);
    enrolled.question.pin = Pin::new("another PIN").unwrap();
    assert_eq!(enrolled.asked(), unable("response_status err = 0x31 CTAP2_ERR_PIN_INVALID   PIN Invalid."));
}

/// Another program's answer to CTAPHID_INIT comes before ours.
fn with_a_neighbour(to: To, report: &Report, line: &Line) -> Result<(), PipeError> {
    if to == To::Host && matches!(Packet::parse(report), Packet::Initialization { command: Command::Init, .. }) {
        say(line, ChannelId::BROADCAST, Command::Init, &[[0xee; 8].as_slice(), &[0x99; 4], &[2, 1, 0, 0, 5]].concat())?;
    }
    line.send(to, report)
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_neighbour_makes_it_unable_and_no_judge() {
    let bench = Bench::new(1);
    let attached = bench.attach_through(0, with_a_neighbour);
    assert_eq!(Enrolled::new(&bench, &attached).asked(), unable("Nonce verification failed"));
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn another_programs_getinfo_is_not_taken_for_a_wrong_signature() {
    let info = Mutex::new(None);
    let bench = Bench::new(1);
    let attached = bench.attach_through(0, move |to, report, line| {
        // The library reads the next CBOR answer on any channel, whatever it asked.
        if to == To::Host
            && let Packet::Initialization { command: Command::Keepalive, .. } = Packet::parse(report)
            && info.lock().unwrap().replace(()).is_none()
        {
            // {1: ["FIDO_2_1"], 3: AAGUID}
            let answer = [&[0, 0xa2, 1, 0x81, 0x68], b"FIDO_2_1".as_slice(), &[3, 0x50], &[7; 16]].concat();
            say(line, ChannelId([0x99; 4]), Command::Cbor, &answer)?;
        }
        line.send(to, report)
    });
    let enrolled = Enrolled::new(&bench, &attached);
    bench.rack.set_touch(Touch::After(Duration::from_secs(1)));
    let answer = enrolled.testify(&Cancel::default());
    assert!(matches!(answer, Answer::Unable { .. }), "{answer:?}");
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_falls_silent_is_given_up_with_its_process() {
    let bench = Bench::new(1);
    let silent = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let falls = silent.clone();
    let attached = bench.attach_through(0, move |to, report, line| {
        if falls.load(std::sync::atomic::Ordering::Acquire) { Ok(()) } else { line.send(to, report) }
    });
    let enrolled = Enrolled::new(&bench, &attached);
    silent.store(true, std::sync::atomic::Ordering::Release);
    let milliseconds = u64::try_from(PATIENCE.as_millis()).unwrap();
    assert_eq!(enrolled.testify(&Cancel::default()), Answer::Unable { why: Unavailable::Deadline { milliseconds } });
}

/// Does something as soon as the key waits for a touch.
fn at_touch<T>(bench: &Bench, does: impl FnOnce() + Send, work: impl FnOnce() -> T) -> T {
    bench.rack.set_touch(Touch::Never);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !bench.rack.key(0).is_waiting() {
                std::thread::sleep(Duration::from_millis(20));
            }
            does();
        });
        work()
    })
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_is_pulled_meanwhile_is_no_longer_waited_for() {
    let bench = Bench::new(1);
    let attached = bench.attach(0);
    let mut enrolled = Enrolled::new(&bench, &attached);
    let answer = at_touch(&bench, || bench.rack.key(0).pull(), || enrolled.testify(&Cancel::default()));
    assert!(matches!(&answer, Answer::Unable { why: Unavailable::Failed { .. } }), "{answer:?}");
    let error = enrolled.key.refresh_info().unwrap_err();
    assert_eq!(error.to_string(), "the key was removed");
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_run_that_is_ended_meanwhile_ends() {
    let bench = Bench::new(1);
    let attached = bench.attach(0);
    let enrolled = Enrolled::new(&bench, &attached);
    let cancel = Cancel::default();
    let answer = at_touch(&bench, || cancel.cancel(), || enrolled.testify(&cancel));
    assert_eq!(answer, Answer::Unable { why: Unavailable::Interrupted });
}

/// A home with one person, whose two keys are on the bus, each through such a cable.
fn office_with_cables<C>(cable: impl Fn() -> C) -> (Office, Rack, Vec<Attached>)
where
    C: Fn(To, &Report, &Line) -> Result<(), PipeError> + Send + Sync + 'static,
{
    crate::bench::in_the_machine();
    let home = Home::new();
    std::fs::create_dir_all(home.state()).unwrap();
    let rack = Rack::create(&home.state().join("softkeys"), 2).unwrap();
    let attached = rack.keys().iter().map(|key| attach_through(key, cable()).unwrap()).collect();
    (Office::furnish(home, &PEOPLE[..1]), rack, attached)
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_person_whose_keys_it_cannot_do_gets_them_and_the_evidence_says_so() {
    let (office, _rack, _attached) = office_with_cables(|| with_a_neighbour);
    let words = office.provision_words();
    let ended = office.home.run_with(&office.arguments(&words), &Idp::ENVIRONMENT).expect(0);
    // Its words are shown once, and the ledger keeps none of them.
    let ended = ended
        .says("Nonce verification failed")
        .says("key 2 signs in, but was not checked by the second implementation: it failed");
    let why = json!({"obstacle": "failed"});
    let witness_result = json!({"testimony": "unable", "why": why});
    let person = &ended.json()[0];
    assert_eq!(person["complete"], json!(true), "{person}");
    assert!(person["jobs"].as_array().unwrap().iter().all(|job| job["witness"] == witness_result), "{person}");
    assert!(office.registered().values().all(|known| known["witness"] == witness_result));
    let shown = office.home.run(&["ledger", "show"]).expect(0).stdout;
    assert_eq!(
        shown.matches("test sign-in done; not checked by the second implementation: it failed").count(),
        2,
        "{shown}"
    );
    assert!(!shown.contains("Nonce"), "{shown}");
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn keys_whose_signatures_are_wrong_are_registered_for_nobody() {
    let (office, rack, attached) = office_with_cables(|| changing(GET_ASSERTION, |members| wrong_signature(members)));
    let words = office.provision_words();
    let ended = office.home.run_with(&office.arguments(&words), &Idp::ENVIRONMENT).expect(1);
    let found = format!("the signature is not this credential's ({WITNESS} says so)");
    ended.says(&found);
    let made = office.credentials();
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|known| known["state"] == json!("deleted") && known["witness"].is_null()), "{made:?}");

    // With a good cable the same keys do.
    drop(attached);
    let _attached: Vec<_> =
        rack.keys().iter().map(|key| keywright_practice::softkey::uhid::attach(key).unwrap()).collect();
    office.home.run_with(&office.arguments(&["resume"]), &Idp::ENVIRONMENT).expect(0);
    let verified = json!({"testimony": "verified", "witness": WITNESS});
    assert_eq!(office.registered().values().filter(|known| known["witness"] == verified).count(), 2);
}

/// `keywright provision`, and what it says from when the first witness is at work.
fn provision_until_the_witness(office: &Office) -> (Child, impl Iterator<Item = String>) {
    let words = office.provision_words();
    let arguments = [&office.arguments(&words)[..], &["--log", "keywright::witness=debug"]].concat();
    let mut command = office.home.command(&arguments);
    let mut run = command.envs(Idp::ENVIRONMENT).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut words = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    words.by_ref().find(|line| line.contains("the second implementation asks")).expect("a key is proved");
    (run, words)
}

fn everybody_is_complete(office: &Office) {
    office.home.run_with(&office.arguments(&["resume"]), &Idp::ENVIRONMENT).expect(0);
    let status = office.home.run(&["status", "--json"]).expect(0).json();
    assert_eq!((&status[0]["complete"], &status[0]["keys_proved"]), (&json!(true), &json!(2)), "{status:?}");
    let evidence = office.registered();
    assert_eq!(evidence.len(), 2, "a credential a key");
    assert!(evidence.values().all(|known| known["witness"]["testimony"] == json!("verified")), "{evidence:?}");
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_is_pulled_while_it_is_proved_is_finished_later() {
    let (office, mut keys, mut said) = Office::with_touch(&PEOPLE[..1], Duration::from_secs(4));
    let (mut run, words) = provision_until_the_witness(&office);
    keys.replug(1, &mut said);
    keys.replug(2, &mut said);
    let rest: Vec<String> = words.collect();
    let code = run.wait().unwrap().code();
    assert_eq!(code, Some(0), "{}", rest.join("\n"));
    assert!(rest.iter().any(|line| line.contains("the key was removed")), "{}", rest.join("\n"));
    everybody_is_complete(&office);
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn ctrl_c_while_a_key_is_proved_ends_the_run_and_the_witness() {
    let (office, keys, _said) = Office::with_touch(&PEOPLE[..1], Duration::from_secs(8));
    let (mut run, words) = provision_until_the_witness(&office);
    let id = rustix::process::Pid::from_child(&run);
    let code = within(Duration::from_secs(8), "ended", || {
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        run.wait().unwrap().code()
    });
    assert_eq!(code, Some(130), "{}", words.collect::<Vec<_>>().join("\n"));
    // The process that has the keys is the one that attached them.
    assert!(keys.nodes.iter().all(|node| others_with(Path::new(node)) == 0));
    // The keys still wait for the touch of a witness that is gone.
    std::thread::sleep(Duration::from_secs(8));
    everybody_is_complete(&office);
}
