//! What a soft key holds, read out of its state file: without PIN and touch, and also of a key that nobody has plugged in.
//!
//! It is for tests that hold keys against what is said of them. It refuses to guess: a file that it cannot read ends the test.

use std::path::Path;

use data_encoding::HEXLOWER;
use keywright_fido::webauthn::{CredentialId, cbor};
use serde_json::Value;

/// Where OpenSK keeps resident credentials: each a CBOR map with its id under 0.
const CREDENTIALS: std::ops::Range<usize> = 1700..2000;
/// Where it keeps the PIN's hash; absent while there is no PIN.
const PIN: usize = 2045;

/// A soft key's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub credentials: Vec<CredentialId>,
    pub has_pin: bool,
}

pub fn read(file: &Path) -> Held {
    let text = std::fs::read_to_string(file).unwrap();
    let (_, body) = text.split_once('\n').expect("a first line, then JSON");
    let contents: Value = serde_json::from_str(body).unwrap();
    let mut held = Held { credentials: Vec::new(), has_pin: false };
    for (number, value) in contents["entries"].as_object().unwrap() {
        let number: usize = number.parse().unwrap();
        held.has_pin |= number == PIN;
        if CREDENTIALS.contains(&number) {
            let value = HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap();
            let source = cbor::decode(&value).unwrap();
            let id = source.get(0).and_then(cbor::Value::as_bytes).expect("each credential has an id");
            held.credentials.push(CredentialId::new(id).unwrap());
        }
    }
    held
}
