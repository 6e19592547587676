//! What bounds an exchange: two limits on its time, a cap on patience with a busy key, and somebody's wish to end it.
//!
//! It refuses a world without an end: there is no limit that means "for ever".

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
