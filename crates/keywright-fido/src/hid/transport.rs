//! A HID channel as the way to a key.

use super::frame::MAX_MESSAGE;
use super::{Cancel, Channel, Limits, Pipe};
use crate::ctap::transport::{Keepalive, Transport, TransportError, TransportKind};
use crate::ctap::{Authenticator, CtapError};

impl Transport for Channel {
    /// USB, which is what HID keys are on; soft keys pass for such.
    fn kind(&self) -> TransportKind {
        TransportKind::Usb
    }

    fn speaks_ctap2(&self) -> bool {
        self.speaks_cbor()
    }

    fn longest_request(&self) -> usize {
        MAX_MESSAGE
    }

    fn cbor(&mut self, request: &[u8], keepalive: &mut dyn FnMut(Keepalive)) -> Result<Vec<u8>, TransportError> {
        Channel::cbor(self, request, keepalive)
    }

    fn wink(&mut self) -> Result<(), TransportError> {
        if self.can_wink() { Channel::wink(self) } else { Ok(()) }
    }
}

impl Authenticator {
    /// [`Authenticator::open`] over a HID channel of its own.
    pub fn open_hid(pipe: Box<dyn Pipe>, limits: Limits, cancel: Cancel) -> Result<Self, CtapError> {
        Self::open(Box::new(Channel::open(pipe, limits, cancel)?))
    }
}
