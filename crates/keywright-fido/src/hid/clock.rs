//! Time as a channel measures it, so that tests can have their own.

use std::time::{Duration, Instant};

/// Time that only goes forward.
pub trait Clock: Send {
    /// Time since an origin of the clock's own.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock. Its origin is its making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Monotonic(Instant);

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
