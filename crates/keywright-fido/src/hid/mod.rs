//! Security keys as HID devices: finding them, and CTAPHID over their 64-byte reports (CTAP 2.1 section 11.2), which is one
//! [`crate::ctap::Transport`].
//!
//! It refuses to wait without a limit, to take a reply from a channel that is not its own, and to know what a CTAP2 command is.

pub mod channel;
pub mod error_code;
pub mod frame;
pub mod limits;
pub mod pipe;
#[cfg(test)]
pub(crate) mod scripted;
mod transport;
pub mod usb;

use std::time::Duration;

pub use channel::Channel;
pub use error_code::CtapHidErrorCode;
pub use keywright_files::Cancel;
pub use limits::{Clock, Limits};
pub use pipe::{Pipe, PipeError, Report};

use crate::ctap::transport::TransportError;

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
    fn devices(&self) -> Result<Vec<Device>, TransportError>;

    /// Opens one of them. Fails with [`TransportError::Removed`] if it is no longer the one that was listed.
    fn open(&self, device: &Device) -> Result<Box<dyn Pipe>, TransportError>;

    /// Waits until this key was pulled and something was plugged into the same port, and returns what is there now. A rack
    /// pulls and plugs by itself; on USB a person has to, and the caller has asked for it.
    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError>;

    /// Whether another program of this machine could open a key by its [`Device::path`].
    fn is_usb(&self) -> bool {
        false
    }
}

impl From<PipeError> for TransportError {
    fn from(error: PipeError) -> Self {
        match error {
            PipeError::Removed => Self::Removed,
            PipeError::System(words) => Self::System(words),
        }
    }
}
