//! The door to a key: 64-byte reports out, 64-byte reports in.

use std::time::Duration;

/// One HID report without its report id.
pub type Report = [u8; 64];

/// Why a report could not be carried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipeError {
    /// The device is gone.
    #[error("the device is gone")]
    Removed,
    /// The operating system's own words.
    #[error("{0}")]
    System(String),
}

/// Reports to and from one device. Every program that has the device open sees every report that comes in.
pub trait Pipe: Send {
    /// Sends one report.
    fn write(&mut self, report: &Report) -> Result<(), PipeError>;

    /// The next report, or `None` if none came within `timeout`.
    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError>;
}
