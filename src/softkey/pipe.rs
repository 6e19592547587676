//! A soft key's reports, as one client sees them.

use std::time::Duration;

use super::key::SoftKey;
use super::lock::Lease;
use crate::hid::{Pipe, PipeError, Report};

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
}

impl Pipe for SoftPipe {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        if self.key.wire().send(self.attach, report, &self.lease) { Ok(()) } else { Err(PipeError::Removed) }
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        self.key.wire().receive(self.attach, self.id, timeout).ok_or(PipeError::Removed)
    }
}

impl Drop for SoftPipe {
    fn drop(&mut self) {
        self.key.wire().detach_pipe(self.id);
    }
}
