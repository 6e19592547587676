//! The key's clock: the machine's, plus an offset that a test moves forward.
//!
//! It never goes back, so a timer that has run out stays so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opensk::api::clock::Clock;

/// OpenSK gives the packets of one message 100 ms. A loaded machine can keep a thread waiting that long, a USB controller
/// does not, so shorter timers than this are stretched to it.
const SHORTEST_TIMER: Duration = Duration::from_secs(1);

/// Clones show one time.
#[derive(Debug, Clone)]
pub(super) struct SoftClock {
    origin: Instant,
    offset_ms: Arc<AtomicU64>,
}

impl SoftClock {
    pub(super) fn new() -> Self {
        Self { origin: Instant::now(), offset_ms: Arc::default() }
    }

    /// Time since the key was made, fast-forwarding included.
    pub(super) fn now(&self) -> Duration {
        self.origin.elapsed() + self.offset()
    }

    /// What was fast-forwarded so far.
    pub(super) fn offset(&self) -> Duration {
        Duration::from_millis(self.offset_ms.load(Ordering::Acquire))
    }

    pub(super) fn advance(&self, by: Duration) {
        let milliseconds = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.offset_ms
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |offset| Some(offset.saturating_add(milliseconds)))
            .ok();
    }
}

/// The clock as one power cycle of the firmware sees it.
#[derive(Debug)]
pub(super) struct FirmwareClock {
    clock: SoftClock,
    /// While the firmware boots: when the key was plugged in. The firmware is only started when somebody opens the key, and
    /// the 10 s in which it allows a reset (CTAP 2.1, 6.6) run from the plugging in.
    plugged_at: Option<Duration>,
}

impl FirmwareClock {
    pub(super) fn booting(clock: SoftClock, plugged_at: Duration) -> Self {
        Self { clock, plugged_at: Some(plugged_at) }
    }

    pub(super) fn booted(&mut self) {
        self.plugged_at = None;
    }
}

impl Clock for FirmwareClock {
    /// The time at which it runs out; `None` has always run out.
    type Timer = Option<Duration>;

    fn make_timer(&mut self, milliseconds: usize) -> Self::Timer {
        let length = Duration::from_millis(milliseconds as u64).max(SHORTEST_TIMER);
        Some(self.plugged_at.unwrap_or_else(|| self.clock.now()) + length)
    }

    fn is_elapsed(&mut self, timer: &Self::Timer) -> bool {
        timer.is_none_or(|end| self.clock.now() >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_run_out_when_the_clock_is_moved_and_stay_so() {
        let clock = SoftClock::new();
        let mut firmware = FirmwareClock::booting(clock.clone(), clock.now());
        firmware.booted();
        let timer = firmware.make_timer(30_000);
        assert!(!firmware.is_elapsed(&timer));
        clock.advance(Duration::from_secs(29));
        assert!(!firmware.is_elapsed(&timer));
        clock.advance(Duration::from_secs(1));
        assert!(firmware.is_elapsed(&timer));
        assert!(firmware.is_elapsed(&None), "a default timer has run out");
    }

    #[test]
    fn timers_made_while_booting_count_from_the_plugging_in() {
        let clock = SoftClock::new();
        clock.advance(Duration::from_secs(9));
        let mut firmware = FirmwareClock::booting(clock.clone(), Duration::ZERO);
        let timer = firmware.make_timer(10_000);
        firmware.booted();
        assert!(!firmware.is_elapsed(&timer));
        clock.advance(Duration::from_secs(1));
        assert!(firmware.is_elapsed(&timer));
    }
}
