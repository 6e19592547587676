//! Security keys as HID devices: finding them, and CTAPHID over their 64-byte reports (CTAP 2.1 section 11.2), which is one
//! [`crate::ctap::Transport`].
//!
//! It refuses to wait without a limit, to take a reply from a channel that is not its own, and to know what a CTAP2 command is.

pub mod channel;
mod clock;
pub mod error_code;
pub mod frame;
pub mod pipe;
#[cfg(test)]
pub(crate) mod scripted;
mod transport;
pub mod usb;

pub use crate::bus::{Bus, Cancel, Device, Limits, UsbId};
pub use channel::Channel;
pub use clock::Clock;
pub use error_code::CtapHidErrorCode;
pub use pipe::{Pipe, PipeError, Report};

use crate::ctap::transport::TransportError;

impl From<PipeError> for TransportError {
    fn from(error: PipeError) -> Self {
        match error {
            PipeError::Removed => Self::Removed,
            PipeError::System(words) => Self::System(words),
        }
    }
}
