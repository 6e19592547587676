//! A key that speaks CTAP2: the way to it, and what it said of itself.
//!
//! The commands themselves are in a file each. Only [`Authenticator::open`], [`Authenticator::refresh_info`],
//! [`Authenticator::always_uv`] and [`Authenticator::enable_enterprise_attestation`] ask for getInfo; whoever changes
//! something that getInfo tells asks for it again when it matters.

use std::collections::BTreeSet;

use super::command::Command;
use super::{CtapError, GetInfo, Keepalive, Transport, TransportKind, get_info};

/// Hears when the key waits for a touch, and when it no longer does.
pub type Touch<'a> = &'a mut dyn FnMut(Keepalive);

/// An open key.
pub struct Authenticator {
    transport: Box<dyn Transport>,
    pub(super) info: GetInfo,
}

impl Authenticator {
    /// Asks the key what it is. [`CtapError::Unsupported`] if it speaks U2F only.
    pub fn open(mut transport: Box<dyn Transport>) -> Result<Self, CtapError> {
        if !transport.speaks_ctap2() {
            return Err(CtapError::Unsupported("CTAP2"));
        }
        let info = get_info::decode(&ask(&mut *transport, get_info::COMMAND, &get_info::encode(), &mut |_| {})?)?;
        Ok(Self { transport, info })
    }

    /// What the key said last; after [`Authenticator::set_pin`], that it has a PIN.
    pub fn info(&self) -> &GetInfo {
        &self.info
    }

    /// authenticatorGetInfo again, after something that changes it.
    pub fn refresh_info(&mut self) -> Result<&GetInfo, CtapError> {
        self.info = get_info::decode(&self.exchange(get_info::COMMAND, &get_info::encode())?)?;
        Ok(&self.info)
    }

    /// How this key is reached now.
    pub fn transport(&self) -> TransportKind {
        self.transport.kind()
    }

    /// How this key can be reached, for a registration (WebAuthn 5.2.1.1, getTransports): as getInfo lists it, and as it is
    /// reached now. Sorted; what WebAuthn has no word for is left out.
    pub fn transports(&self) -> Vec<TransportKind> {
        let listed = self.info.transports.iter().filter_map(|name| TransportKind::named(name));
        let kinds: BTreeSet<TransportKind> = listed.chain([self.transport()]).collect();
        kinds.into_iter().collect()
    }

    /// Has the key show itself; does nothing on a key that cannot.
    pub fn wink(&mut self) -> Result<(), CtapError> {
        Ok(self.transport.wink()?)
    }

    /// The longest request that the way to the key carries, in bytes.
    pub(super) fn transport_limit(&self) -> usize {
        self.transport.longest_request()
    }

    /// One command that asks nobody for a touch. Returns what follows the status.
    pub(super) fn exchange(&mut self, command: Command, request: &[u8]) -> Result<Vec<u8>, CtapError> {
        self.exchange_with_touch(command, request, &mut |_| {})
    }

    /// One command that may wait for a touch. Returns what follows the status.
    pub(super) fn exchange_with_touch(
        &mut self,
        command: Command,
        request: &[u8],
        touch: Touch<'_>,
    ) -> Result<Vec<u8>, CtapError> {
        let maximum = self.info.max_msg_size.min(self.transport_limit());
        if request.len() > maximum {
            return Err(CtapError::Limit { what: "the length of a request", asked: request.len(), maximum });
        }
        ask(&mut *self.transport, command, request, touch)
    }
}

fn ask(
    transport: &mut dyn Transport,
    command: Command,
    request: &[u8],
    touch: Touch<'_>,
) -> Result<Vec<u8>, CtapError> {
    let answer = transport.cbor(request, touch)?;
    // Lengths and status only: requests carry encrypted PINs, answers carry tokens.
    tracing::debug!(command = command.name, sent = request.len(), received = answer.len(), status = answer.first());
    command.body(&answer).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::super::StatusCode;
    use super::super::scripted::{ScriptedTransport, info, key};
    use super::*;
    use crate::webauthn::cbor::Value;

    const TEST: Command = Command::new(0x42, "test");

    #[test]
    fn opening_asks_for_get_info_once() {
        let (authenticator, script) = key(info([(0x05, 1200.into())]), []);
        assert_eq!(authenticator.info().max_msg_size, 1200);
        script.assert_done();
    }

    #[test]
    fn a_key_can_be_given_to_a_thread() {
        fn sendable<T: Send>() {}
        sendable::<Authenticator>();
    }

    #[test]
    fn get_info_is_asked_for_again_when_told_to() {
        let (mut authenticator, script) = key(info([]), [(vec![0x04], info([(0x0c, true.into())]))]);
        assert!(!authenticator.info().force_pin_change);
        assert!(authenticator.refresh_info().unwrap().force_pin_change);
        script.assert_done();
    }

    #[test]
    fn a_key_that_speaks_u2f_only_is_told_so() {
        let mut transport = ScriptedTransport::new([]);
        transport.speaks_ctap2 = false;
        assert_eq!(Authenticator::open(Box::new(transport)).err(), Some(CtapError::Unsupported("CTAP2")));
    }

    #[test]
    fn a_key_can_be_reached_as_it_says_and_as_it_is() {
        let reached = |listed: &[&str]| {
            let listed = Value::Array(listed.iter().map(|name| Value::from(*name)).collect());
            key(info([(0x09, listed)]), []).0.transports()
        };
        assert_eq!(reached(&[]), [TransportKind::Usb]);
        assert_eq!(reached(&["usb", "nfc"]), [TransportKind::Nfc, TransportKind::Usb]);
        assert_eq!(
            reached(&["smart-card", "wired", "NFC"]),
            [TransportKind::Nfc, TransportKind::SmartCard, TransportKind::Usb]
        );
    }

    #[test]
    fn a_request_that_the_key_cannot_hold_is_not_sent() {
        let (mut authenticator, script) = key(info([(0x05, 1024.into())]), [(vec![0x42; 1024], vec![0])]);
        assert!(authenticator.exchange(TEST, &[0x42; 1024]).is_ok());
        assert!(matches!(
            authenticator.exchange(TEST, &[0x42; 1025]),
            Err(CtapError::Limit { asked: 1025, maximum: 1024, .. })
        ));
        script.assert_done();
    }

    #[test]
    fn a_status_is_an_error_with_its_name() {
        let (mut authenticator, _) = key(info([]), [(vec![0x42], vec![0x34])]);
        let error = authenticator.exchange(TEST, &[0x42]).unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::PinAuthBlocked));
        assert_eq!(error.to_string(), "test failed: too many wrong PINs in a row (CTAP2_ERR_PIN_AUTH_BLOCKED)");
    }
}
