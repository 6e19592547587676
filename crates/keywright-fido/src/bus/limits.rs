//! What bounds an exchange: two limits on its time, and a cap on patience with a busy key.
//!
//! It refuses a world without an end: there is no limit that means "for ever".

use std::time::Duration;

/// How long an exchange may take. KEEPALIVE starts `silence` anew, never `total`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Without any report that carries the exchange on.
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
