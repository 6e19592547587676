//! The scripted finger, as OpenSK asks for it.
//!
//! It refuses to touch a key that does not ask.

use std::sync::Arc;
use std::time::Duration;

use opensk::api::connection::{RecvStatus, UsbEndpoint};
use opensk::api::user_presence::{UserPresence, UserPresenceError, UserPresenceWaitResult};
use opensk::ctap::status_code::Ctap2StatusCode;

use super::wire::{Waited, Wire};

/// OpenSK asks every 100 ms and sends KEEPALIVE with UPNEEDED after each time that nothing came.
pub(super) struct SoftUserPresence {
    wire: Arc<Wire>,
    attach: u64,
    since: Duration,
    /// The first look does not wait, so that the host hears at once that a touch is needed.
    looked: bool,
}

impl SoftUserPresence {
    pub(super) fn new(wire: Arc<Wire>, attach: u64) -> Self {
        Self { wire, attach, since: Duration::ZERO, looked: false }
    }
}

impl UserPresence for SoftUserPresence {
    fn check_init(&mut self) {
        self.since = self.wire.clock.now();
        self.looked = false;
        self.wire.set_waiting(self.attach, true);
    }

    fn wait_with_timeout(&mut self, packet: &mut [u8; 64], timeout_ms: usize) -> UserPresenceWaitResult {
        let patience = if self.looked { Duration::from_millis(timeout_ms as u64) } else { Duration::ZERO };
        self.looked = true;
        match self.wire.finger(self.attach, self.since, patience) {
            Waited::Touched => Ok((Ok(()), RecvStatus::Timeout)),
            Waited::Declined => Ok((Err(UserPresenceError::Declined), RecvStatus::Timeout)),
            Waited::NotYet => Ok((Err(UserPresenceError::Timeout), RecvStatus::Timeout)),
            Waited::Packet(report) => {
                *packet = report;
                Ok((Err(UserPresenceError::Timeout), RecvStatus::Received(UsbEndpoint::MainHid)))
            }
            Waited::Unpowered => Err(Ctap2StatusCode::CTAP2_ERR_VENDOR_HARDWARE_FAILURE),
        }
    }

    fn check_complete(&mut self) {
        self.wire.set_waiting(self.attach, false);
    }
}
