//! That somebody wants what is under way to end.
//!
//! It only says so: whoever works looks at it where nothing would be left half-done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
