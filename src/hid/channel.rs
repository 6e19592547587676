//! CTAPHID: one channel to one key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{HidError, Pipe};

/// Ends exchanges from another thread. Clones share one state; once set it stays set.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks every exchange that watches this to end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How long an exchange may take. KEEPALIVE starts `silence` anew, never `total`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Without any report on our channel.
    pub silence: Duration,
    /// From the request to the end of the answer, touch included.
    pub total: Duration,
    /// With ERR_CHANNEL_BUSY, all attempts together.
    pub busy: Duration,
}

impl Default for Limits {
    /// 3 s of silence (keys send KEEPALIVE every 100 ms), 60 s in all (keys wait 30 s for a touch), 5 s of busy.
    fn default() -> Self {
        Self { silence: Duration::from_secs(3), total: Duration::from_secs(60), busy: Duration::from_secs(5) }
    }
}

/// What KEEPALIVE says (CTAP 2.1, 11.2.9.1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keepalive {
    /// 1: the key is working.
    Processing,
    /// 2: the key waits for a touch.
    UpNeeded,
}

/// A channel that a key gave us.
pub struct Channel {
    _pipe: Box<dyn Pipe>,
}

impl Channel {
    /// Asks the key for a channel with CTAPHID_INIT and a fresh nonce.
    pub fn open(_pipe: Box<dyn Pipe>, _limits: Limits, _cancel: Cancel) -> Result<Self, HidError> {
        todo!()
    }

    /// Sends one CTAP2 request (command byte and CBOR) and returns the answer (status byte and CBOR). `keepalive` hears every
    /// KEEPALIVE.
    pub fn cbor(&mut self, _request: &[u8], _keepalive: &mut dyn FnMut(Keepalive)) -> Result<Vec<u8>, HidError> {
        todo!()
    }

    /// Has the key send the bytes back.
    pub fn ping(&mut self, _data: &[u8]) -> Result<Vec<u8>, HidError> {
        todo!()
    }

    /// Has the key show itself, if it can ([`Channel::can_wink`]).
    pub fn wink(&mut self) -> Result<(), HidError> {
        todo!()
    }

    /// Whether the key said that it can wink (capability bit 0).
    pub fn can_wink(&self) -> bool {
        todo!()
    }

    /// Whether the key said that it speaks CTAP2 (capability bit 2).
    pub fn speaks_cbor(&self) -> bool {
        todo!()
    }
}
