//! What bounds an exchange: two limits on its time, and a cap on patience with a busy key.
//!
//! It refuses a world without an end: there is no limit that means "for ever".

use std::time::{Duration, Instant};

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

/// Time that only goes forward.
pub trait Clock: Send {
    /// Time since an origin of the clock's own.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock. Its origin is its making.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic(Instant);

impl Default for Monotonic {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
