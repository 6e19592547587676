//! A soft key's reports, as one client sees them.

use std::time::Duration;

use super::key::SoftKey;
use super::lock::Lease;
use keywright_fido::hid::{Pipe, PipeError, Report};

/// One client's connection to a soft key, for one plugging in. It sees what the key sends to other clients too.
pub struct SoftPipe {
    key: SoftKey,
    lease: Lease,
    attach: u64,
    id: u64,
}

impl SoftPipe {
    pub(super) fn new(key: SoftKey, lease: Lease, attach: u64, id: u64) -> Self {
        Self { key, lease, attach, id }
    }

    /// [`Pipe::write`], for one thread while another one reads.
    pub(super) fn send(&self, report: &Report) -> Result<(), PipeError> {
        if self.key.wire().send(self.attach, report, &self.lease) { Ok(()) } else { Err(PipeError::Removed) }
    }

    /// [`Pipe::read`], for one thread while another one writes.
    pub(super) fn receive(&self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        self.key.wire().receive(self.attach, self.id, timeout).ok_or(PipeError::Removed)
    }
}

impl Pipe for SoftPipe {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        self.send(report)
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        self.receive(timeout)
    }
}

impl Drop for SoftPipe {
    fn drop(&mut self) {
        self.key.wire().detach_pipe(self.id);
    }
}
