//! Software security keys behind the same 64-byte reports as USB keys: for rehearsals, for practice and for tests.
//!
//! The authenticator is OpenSK, real firmware as a library; this room gives it a clock, a finger, a memory and a cable. It
//! refuses to be an authenticator for anything but practice: its private keys lie readable in its state files.

mod attestation;
mod card;
mod clock;
mod env;
mod fault;
mod firmware;
mod generation;
mod key;
mod legacy;
mod lock;
mod memory;
mod pipe;
mod presence;
mod rack;
mod rng;
mod state;
#[cfg(target_os = "linux")]
pub mod uhid;
pub mod vpcd;
mod wire;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use keywright_files::FileError;

use keywright_fido::ctap::TransportError;
use keywright_fido::webauthn::Aaguid;

pub use card::{CardForm, SoftCard};
pub use env::VENDOR_FACILITATED_RPS;
pub use fault::Fault;
pub use generation::Generation;
pub use key::SoftKey;
pub use pipe::SoftPipe;
pub use rack::Rack;
pub use wire::{Moment, Side};

/// The model that every soft key says it is: "keywright soft key".
pub const SOFT_AAGUID: Aaguid =
    Aaguid([0x6b, 0x65, 0x79, 0x77, 0x72, 0x69, 0x47, 0x68, 0xb4, 0x2d, 0x73, 0x6f, 0x66, 0x74, 0x6b, 0x31]);

/// The product's name, on the bus and in its certificates.
pub const PRODUCT: &str = "keywright soft key";

/// When the key's finger touches it, counted from the moment the key asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Touched after this long; with zero at once, without a KEEPALIVE.
    After(Duration),
    /// Nobody is there: the key gives up after 30 s of its clock (CTAP2_ERR_USER_ACTION_TIMEOUT).
    Never,
    /// The person says no (CTAP2_ERR_OPERATION_DENIED).
    Declined,
}

/// What a soft key was built as. It is part of its state, so a key in a folder keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Which generation of keys it passes for.
    pub generation: Generation,
    /// Resident credentials it has room for, at most 300. After that it answers CTAP2_ERR_KEY_STORE_FULL.
    pub max_resident_credentials: u16,
    /// What its firmware does wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The serial number that it shows on its bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usb_serial: Option<u64>,
}

impl Default for Model {
    /// CTAP 2.1 with room for 150 credentials, as OpenSK comes.
    fn default() -> Self {
        Self { generation: Generation::None, max_resident_credentials: 150, fault: None, usb_serial: None }
    }
}

/// Why soft keys cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum SoftKeyError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's own words.
        source: std::io::Error,
    },
    /// A file of ours could not be written, or is not ours alone.
    #[error(transparent)]
    Private(#[from] FileError),
    /// A state file whose bytes are not what was written.
    #[error("{path}: the soft key's state is damaged ({why})")]
    Damaged {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A state file that a newer keywright wrote.
    #[error("{path}: this soft key's state is of format {found}, and this keywright reads format 1")]
    Newer {
        /// The state file.
        path: PathBuf,
        /// The format it names.
        found: u32,
    },
    /// A `*.key` file whose name gives no slot, or a slot that another file has.
    #[error("{path}: a soft key's file is named soft-NUMBER.key, with a number of its own")]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or another rack of this one, has the key open.
    #[error("{path} is open in {holder}")]
    Held {
        /// The state file.
        path: PathBuf,
        /// The program and its process id, or "unknown".
        holder: String,
    },
    /// The key is not plugged in, or no longer the one that was listed.
    #[error("the soft key was removed")]
    Removed,
    /// A test certificate could not be made or read.
    #[error("attestation certificate: {0}")]
    Certificate(String),
}

impl From<SoftKeyError> for TransportError {
    fn from(error: SoftKeyError) -> Self {
        match error {
            SoftKeyError::Removed => Self::Removed,
            SoftKeyError::Held { path, holder } => Self::Held { path: path.display().to_string(), holder },
            other => Self::System(other.to_string()),
        }
    }
}
