//! Several keys as a bus.

use std::time::Duration;

use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Transport, TransportError};
use keywright_fido::hid::Channel;

use crate::{Board, Maker};

/// Keys in slots, from 0.
pub struct Rack(Vec<Board>);

impl Rack {
    /// So many keys, fresh from this maker.
    pub fn new(keys: usize, maker: &Maker) -> Self {
        Self((0..keys).map(|slot| Board::new(slot, maker)).collect())
    }

    /// The key in this slot.
    pub fn key(&self, slot: usize) -> &Board {
        &self.0[slot]
    }

    fn find(&self, device: &Device) -> Result<&Board, TransportError> {
        self.0.iter().find(|board| board.device().as_ref() == Some(device)).ok_or(TransportError::Removed)
    }
}

impl Bus for Rack {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        Ok(self.0.iter().filter_map(Board::device).collect())
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        let pipe = self.find(device)?.open_attached(device.attach).ok_or(TransportError::Removed)?;
        Ok(Box::new(Channel::open(Box::new(pipe), limits, cancel)?))
    }

    fn replug(&self, device: &Device, _: Duration, _: &Cancel) -> Result<Device, TransportError> {
        let board = self.find(device)?;
        board.pull();
        board.plug();
        board.device().ok_or(TransportError::Removed)
    }
}
