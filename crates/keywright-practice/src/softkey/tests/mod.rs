//! Journeys with soft keys over raw 64-byte reports: this client knows just enough CTAPHID to look closely.

mod attestation;
mod cable;
mod generation;
mod kill;
mod pin;
mod power;
mod rack;
mod touch;

use std::time::Duration;

use super::{Rack, SoftKey};
use keywright_fido::hid::{Pipe, PipeError, Report};
use keywright_fido::webauthn::cbor::{self, Value};

const BROADCAST: [u8; 4] = [0xff; 4];
const PING: u8 = 0x01;
const INIT: u8 = 0x06;
const WINK: u8 = 0x08;
const CBOR: u8 = 0x10;
const CANCEL: u8 = 0x11;
const KEEPALIVE: u8 = 0x3b;
const ERROR: u8 = 0x3f;

/// Longer than anything here takes; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);

struct Client {
    pipe: Box<dyn Pipe>,
    cid: [u8; 4],
    /// The KEEPALIVE status bytes that came so far.
    keepalives: Vec<u8>,
}

fn rack(count: usize) -> Rack {
    Rack::in_memory(count).unwrap()
}

fn client(key: &SoftKey) -> Client {
    Client::new(Box::new(key.open().unwrap()))
}

impl Client {
    fn new(pipe: Box<dyn Pipe>) -> Self {
        let mut client = Self { pipe, cid: BROADCAST, keepalives: Vec::new() };
        client.send(INIT, b"12345678");
        let (command, answer) = client.receive().unwrap();
        assert_eq!((command, &answer[..8], answer[12]), (INIT, &b"12345678"[..], 2), "{answer:02x?}");
        client.cid = answer[8..12].try_into().unwrap();
        client
    }

    fn send(&mut self, command: u8, payload: &[u8]) {
        for report in frames(self.cid, command, payload) {
            self.pipe.write(&report).unwrap();
        }
    }

    /// The next message on this channel. KEEPALIVEs are counted, other channels passed over.
    fn receive(&mut self) -> Result<(u8, Vec<u8>), PipeError> {
        let (mut command, mut length, mut payload) = (None, 0, Vec::new());
        loop {
            let report = self.pipe.read(PATIENCE)?.expect("the key answers");
            if report[..4] != self.cid {
                continue;
            }
            if report[4] == KEEPALIVE | 0x80 {
                self.keepalives.push(report[7]);
                continue;
            }
            if report[4] & 0x80 != 0 {
                command = Some(report[4] & 0x7f);
                length = usize::from(u16::from_be_bytes([report[5], report[6]]));
                payload = report[7..].to_vec();
            } else {
                payload.extend_from_slice(&report[5..]);
            }
            if let Some(command) = command.filter(|_| payload.len() >= length) {
                payload.truncate(length);
                return Ok((command, payload));
            }
        }
    }

    /// One CTAP2 request; the status byte, and the map that came with it.
    fn ask(&mut self, command: u8, parameters: Option<Value>) -> (u8, Value) {
        self.start(command, parameters);
        let (reply, answer) = self.receive().unwrap();
        assert_eq!(reply, CBOR, "{answer:02x?}");
        let (status, body) = answer.split_first().unwrap();
        (*status, if body.is_empty() { Value::Null } else { cbor::decode(body).unwrap() })
    }

    fn start(&mut self, command: u8, parameters: Option<Value>) {
        let body = parameters.map(|value| cbor::encode(&value)).unwrap_or_default();
        self.send(CBOR, &[&[command], &*body].concat());
    }

    fn get_info(&mut self) -> Value {
        let (status, info) = self.ask(0x04, None);
        assert_eq!(status, 0);
        info
    }

    /// Makes a credential without user verification.
    fn make(&mut self, resident: bool) -> (u8, Value) {
        self.ask(0x01, Some(make_credential(resident, [])))
    }
}

fn frames(cid: [u8; 4], command: u8, payload: &[u8]) -> Vec<Report> {
    let (first, rest) = payload.split_at(payload.len().min(57));
    let length = (payload.len() as u16).to_be_bytes();
    let mut frames = vec![report(&[&cid[..], &[command | 0x80], &length, first].concat())];
    for (sequence, part) in (0..).zip(rest.chunks(59)) {
        frames.push(report(&[&cid[..], &[sequence], part].concat()));
    }
    frames
}

fn report(bytes: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..bytes.len()].copy_from_slice(bytes);
    report
}

fn array(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(items.into_iter().collect())
}

/// Parameters of authenticatorMakeCredential for example.com and a user of its own at each call, and more members.
fn make_credential(resident: bool, more: impl IntoIterator<Item = (i64, Value)>) -> Value {
    use std::sync::atomic::{AtomicU64, Ordering};
    static USERS: AtomicU64 = AtomicU64::new(0);
    // With the process, since a second credential for one user would replace the first.
    let number = USERS.fetch_add(1, Ordering::Relaxed);
    let user = [&std::process::id().to_be_bytes()[..], &number.to_be_bytes()].concat();
    let es256 = Value::map([("alg", (-7).into()), ("type", "public-key".into())]);
    let members = [
        (1, [7; 32].as_slice().into()),
        (2, Value::map([("id", "example.com".into())])),
        (3, Value::map([("id", user.as_slice().into()), ("name", "alice".into())])),
        (4, array([es256])),
        (7, Value::map([("rk", resident.into())])),
    ];
    Value::map(members.into_iter().chain(more))
}

fn has_option(info: &Value, name: &str) -> Option<bool> {
    info.get(4)?.get(name)?.as_bool()
}

fn versions(info: &Value) -> Vec<&str> {
    info.get(1).unwrap().as_array().unwrap().iter().filter_map(Value::as_text).collect()
}
