//! Security keys as HID devices: finding them, and CTAPHID over their 64-byte reports (CTAP 2.1 section 11.2).
//!
//! It refuses to wait without a limit, to take a reply from a channel that is not its own, and to know what a CTAP2 command is.

pub mod channel;
pub mod error_code;
pub mod frame;
pub mod limits;
pub mod pipe;
#[cfg(test)]
pub(crate) mod scripted;
pub mod usb;

use std::time::Duration;

pub use channel::{Channel, Keepalive};
pub use error_code::CtapHidErrorCode;
pub use limits::{Cancel, Clock, Limits};
pub use pipe::{Pipe, PipeError, Report};

/// A key as its bus describes it, before anything is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Device {
    /// How the bus opens it: `/dev/hidraw3`, `soft:2`. Not an identity: it is reused at once on replug.
    pub path: String,
    /// Where it is plugged in, stable while it stays there: a USB topology path such as `1-2.3`, or the soft key's slot.
    pub port: String,
    /// Counts insertions at this port, so that a key that was pulled is never taken for the one that replaced it.
    pub attach: u64,
    /// The manufacturer's name, as the device says it.
    pub manufacturer: String,
    /// The product's name, as the device says it.
    pub product: String,
    /// USB vendor id.
    pub vendor_id: u16,
    /// USB product id.
    pub product_id: u16,
    /// The USB serial string, if there is one. Often there is none, and some vendors give all keys the same.
    pub serial: Option<String>,
}

/// Where keys are plugged in: the USB buses of this machine, or a rack of soft keys.
pub trait Bus: Send + Sync {
    /// The keys that are there now. A key that cannot be opened is listed all the same.
    fn devices(&self) -> Result<Vec<Device>, HidError>;

    /// Opens one of them. Fails with [`HidError::Removed`] if it is no longer the one that was listed.
    fn open(&self, device: &Device) -> Result<Box<dyn Pipe>, HidError>;

    /// Waits until this key was pulled and something was plugged into the same port, and returns what is there now. A rack
    /// pulls and plugs by itself; on USB a person has to, and the caller has asked for it.
    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, HidError>;

    /// Whether another program of this machine could open a key by its [`Device::path`].
    fn is_usb(&self) -> bool {
        false
    }
}

/// What can go wrong between this machine and a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HidError {
    /// The key is no longer there.
    #[error("the key was removed")]
    Removed,
    /// This account may not open the device.
    #[error("no permission to open {path}")]
    NoPermission {
        /// The device's path.
        path: String,
    },
    /// Another program holds the device.
    #[error("another program has {path} open: {holder}")]
    Held {
        /// The device's path.
        path: String,
        /// The program and its process id, or "unknown".
        holder: String,
    },
    /// A time limit ran out.
    #[error("{phase} {after:?}")]
    Timeout {
        /// What the limit is on.
        phase: TimeoutPhase,
        /// How long it is.
        after: Duration,
    },
    /// The key answered CTAPHID_ERROR.
    #[error("the key answered CTAPHID {0}")]
    Refused(CtapHidErrorCode),
    /// The key was busy for another program until patience ran out.
    #[error("the key stayed busy with another program for {0:?}")]
    Busy(Duration),
    /// Bytes that are not CTAPHID.
    #[error("the key broke the CTAPHID protocol: {0}")]
    Protocol(&'static str),
    /// A message larger than CTAPHID carries (7609 bytes).
    #[error("a message of {0} bytes is longer than the 7609 that CTAPHID carries")]
    MessageTooLong(usize),
    /// Somebody asked for the exchange to end.
    #[error("cancelled")]
    Cancelled,
    /// The operating system's own words.
    #[error("the HID system says: {0}")]
    System(String),
}

/// What a time limit is on. Shown as the words before the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// The key's silence.
    Silence,
    /// The whole exchange, whatever the key says meanwhile.
    Exchange,
    /// A person's pulling the key and plugging it in again.
    Replug,
}

impl std::fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Silence => "the key was silent for",
            Self::Exchange => "the key did not finish within",
            Self::Replug => "the key was not unplugged and plugged in again within",
        })
    }
}

impl From<PipeError> for HidError {
    fn from(error: PipeError) -> Self {
        match error {
            PipeError::Removed => Self::Removed,
            PipeError::System(words) => Self::System(words),
        }
    }
}
