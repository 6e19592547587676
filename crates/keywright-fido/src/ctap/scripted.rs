//! A key for tests that expects these requests in this order, and answers them so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::command::Command;
use super::pin_uv_auth_protocol::tests::hex;
use super::transport::{Keepalive, Transport, TransportError, TransportKind};
use super::{Authenticator, get_info};
use crate::webauthn::RpId;
use crate::webauthn::cbor::Value;

/// A request and its answer.
pub(super) type Exchange = (Vec<u8>, Vec<u8>);

/// What is left of a script.
pub(super) struct Script(Arc<Mutex<VecDeque<Exchange>>>);

impl Script {
    /// Every request came.
    pub(super) fn assert_done(&self) {
        assert!(self.0.lock().unwrap().is_empty(), "the key expected more requests");
    }
}

/// The answer to getInfo with these members; `versions` FIDO_2_1 and a zero AAGUID unless they are among them.
pub(super) fn info(members: impl IntoIterator<Item = (i64, Value)>) -> Vec<u8> {
    let mut pairs = vec![(0x01, Value::Array(vec!["FIDO_2_1".into()])), (0x03, vec![0; 16].into())];
    for (key, value) in members {
        pairs.retain(|(other, _)| *other != key);
        pairs.push((key, value));
    }
    answer(pairs)
}

/// getInfo's `options`.
pub(super) fn options<const N: usize>(options: [(&str, bool); N]) -> (i64, Value) {
    (0x04, Value::map(options.map(|(name, value)| (name, value.into()))))
}

/// Success and a map.
pub(super) fn answer(members: impl IntoIterator<Item = (i64, Value)>) -> Vec<u8> {
    // A status is the first byte of an answer as a command is of a request.
    Command::new(0x00, "success").request(members)
}

/// A COSE_Key for ES256.
pub(super) const ES256_KEY: &str = "a5010203262001215820d7404f738990a0af2bbc053d39f0a9c293898bf8e7c0fb9ab1ef4dd61bb70d37\
                                    225820c09bed90721b78631be0e68f42997f7a1957b87a6537cfade9f0a68cd432e7f9";

/// Authenticator data for an RP: UP and UV, counter 1, and a new credential with this id if there is one.
pub(super) fn auth_data(rp_id: &str, credential: Option<&[u8]>) -> Value {
    let mut bytes = rp_id.parse::<RpId>().unwrap().hash().to_vec();
    bytes.push(if credential.is_some() { 0x45 } else { 0x05 });
    bytes.extend([0, 0, 0, 1]);
    if let Some(id) = credential {
        bytes.extend([0; 16]);
        bytes.extend((id.len() as u16).to_be_bytes());
        bytes.extend(id);
        bytes.extend(hex(ES256_KEY));
    }
    bytes.into()
}

/// Opens a key that answers getInfo with `info`, and then expects each request and gives the answer beside it. After a request
/// whose answer begins with a touch it says KEEPALIVE UPNEEDED first.
pub(super) fn key(info: Vec<u8>, exchanges: impl IntoIterator<Item = Exchange>) -> (Authenticator, Script) {
    let transport = ScriptedTransport::new([(get_info::encode(), info)].into_iter().chain(exchanges));
    let script = Script(Arc::clone(&transport.left));
    (Authenticator::open(Box::new(transport)).unwrap(), script)
}

/// The way to such a key.
pub(super) struct ScriptedTransport {
    left: Arc<Mutex<VecDeque<Exchange>>>,
    pub speaks_ctap2: bool,
}

impl ScriptedTransport {
    pub(super) fn new(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        Self { left: Arc::new(Mutex::new(exchanges.into_iter().collect())), speaks_ctap2: true }
    }
}

impl Transport for ScriptedTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::Usb
    }

    fn speaks_ctap2(&self) -> bool {
        self.speaks_ctap2
    }

    fn longest_request(&self) -> usize {
        7609
    }

    fn cbor(&mut self, request: &[u8], keepalive: &mut dyn FnMut(Keepalive)) -> Result<Vec<u8>, TransportError> {
        let (expected, answer) = self.left.lock().unwrap().pop_front().expect("one request more than the key expects");
        assert_eq!(data_encoding::HEXLOWER.encode(request), data_encoding::HEXLOWER.encode(&expected));
        match answer.strip_prefix(TOUCH) {
            Some(answer) => {
                keepalive(Keepalive::UpNeeded);
                Ok(answer.to_vec())
            }
            None => Ok(answer),
        }
    }

    fn wink(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// Stands before an answer that comes after a touch.
const TOUCH: &[u8] = b"touch:";

/// An answer that comes after the key asked for a touch.
pub(super) fn touched(answer: Vec<u8>) -> Vec<u8> {
    [TOUCH, &answer[..]].concat()
}
