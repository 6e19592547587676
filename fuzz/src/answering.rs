//! A key that is well-behaved below CTAP2 and answers what the fuzzer says.

use std::collections::VecDeque;
use std::time::Duration;

use keywright_fido::ctap::{Authenticator, Permissions, Pin, PinUvAuthToken};
use keywright_fido::hid::frame::{Assembly, ChannelId, Command, MAX_MESSAGE, Packet, Progress, packets};
use keywright_fido::hid::{Cancel, Limits, Pipe, PipeError, Report};
use keywright_fido::webauthn::RpId;
use keywright_fido::webauthn::cbor::{self, Value};

const CHANNEL: ChannelId = ChannelId([0x11, 0x22, 0x33, 0x44]);

/// The RP of every request.
pub fn rp_id() -> RpId {
    "example.org".parse().expect("it is a domain")
}

/// The script as the targets take it: each answer after its length, two bytes, big-endian. The last may be cut short.
pub fn answers(mut script: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    while let Some((length, rest)) = script.split_first_chunk() {
        let (answer, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        answers.push(answer.to_vec());
        script = rest;
    }
    answers
}

/// Writes a script that [`answers`] reads.
pub fn script<'a>(answers: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let length =
        |answer: &[u8]| u16::try_from(answer.len()).expect("no message is longer than 7609 bytes").to_be_bytes();
    answers.into_iter().flat_map(|answer| [&length(answer)[..], answer].concat()).collect()
}

/// A key that answers getInfo with everything that is asked of keys here, and then with these answers.
pub fn key(answers: Vec<Vec<u8>>) -> Authenticator {
    let pipe = Answering::new([vec![info()], answers].concat());
    Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()).expect("its getInfo is sound")
}

/// A token that such a key gave.
pub fn token() -> PinUvAuthToken {
    // The generator of P-256, and the encryption of some token: nobody here can tell which.
    let generator = [
        (-2, "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        (-3, "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    ];
    let coordinates = generator.map(|(label, hex)| {
        (label, Value::from(data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("it is hexadecimal")))
    });
    let cose_key = Value::map([(1, 2.into()), (3, (-25).into()), (-1, 1.into())].into_iter().chain(coordinates));
    let answers = [Value::map([(0x01, cose_key)]), Value::map([(0x02, vec![7; 48].into())])];
    let mut key = key(answers.iter().map(success).collect());
    let pin = Pin::new("k7mw4xrt").expect("it is long enough");
    let permissions = Permissions::CREDENTIAL_MANAGEMENT | Permissions::GET_ASSERTION;
    key.pin_uv_auth_token(&pin, permissions, Some(&rp_id())).expect("both answers are sound")
}

/// Status 0 and this.
pub fn success(members: &Value) -> Vec<u8> {
    [vec![0], cbor::encode(members)].concat()
}

fn info() -> Vec<u8> {
    let texts = |texts: &[&str]| Value::Array(texts.iter().map(|text| Value::from(*text)).collect());
    let options = ["rk", "clientPin", "pinUvAuthToken", "credMgmt", "largeBlobs", "ep", "authnrCfg", "setMinPINLength"];
    success(&Value::map([
        (0x01, texts(&["FIDO_2_1"])),
        (0x02, texts(&["credProtect", "hmac-secret", "largeBlobKey", "credBlob", "minPinLength"])),
        (0x03, vec![0x4b; 16].into()),
        (0x04, Value::map(options.map(|name| (name, Value::from(true))))),
        (0x05, 1200.into()),
        (0x06, Value::Array(vec![2.into(), 1.into()])),
    ]))
}

/// The key's pipe. It gives its answers one after the other, whatever it is asked, and is pulled when there are none left.
pub struct Answering {
    answers: VecDeque<Vec<u8>>,
    request: Assembly,
    reports: VecDeque<Report>,
    pulled: bool,
}

impl Answering {
    /// A key with these answers, each a status and what follows it.
    pub fn new(answers: Vec<Vec<u8>>) -> Self {
        Self { answers: answers.into(), request: Assembly::new(CHANNEL), reports: VecDeque::new(), pulled: false }
    }

    fn say(&mut self, channel: ChannelId, command: Command, data: &[u8]) {
        let data = &data[..data.len().min(MAX_MESSAGE)];
        self.reports.extend(packets(channel, command, data).expect("it was cut to what CTAPHID carries"));
    }
}

impl Pipe for Answering {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        if let Packet::Initialization { channel, command: Command::Init, data, .. } = Packet::parse(report) {
            self.say(channel, Command::Init, &[&data[..8], &CHANNEL.0, &[2, 5, 7, 1, 0x05]].concat());
            return Ok(());
        }
        if let Progress::Whole(message) = self.request.push(report).expect("the host's packets are sound")
            && message.command == Command::Cbor
        {
            match self.answers.pop_front() {
                Some(answer) => self.say(CHANNEL, Command::Cbor, &answer),
                None => self.pulled = true,
            }
        }
        Ok(())
    }

    fn read(&mut self, _timeout: Duration) -> Result<Option<Report>, PipeError> {
        match self.reports.pop_front() {
            None if self.pulled => Err(PipeError::Removed),
            report => Ok(report),
        }
    }
}
