//! PINs: drawing them, sealing them before the key has them, handing them over.
//!
//! It refuses to write a secret in plain text and to take one from the command line.

pub mod draw;
pub mod hand_over;
pub mod seal;
pub mod source;
mod weak;

pub use draw::{Entropy, PinAlphabet, SystemEntropy, draw};
pub use hand_over::{Delivery, Reader};
pub use seal::{SealedPin, Vault};
pub use source::SecretSource;

/// What can go wrong with secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file could not be read or written.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// A sealed PIN that does not open with this station's identity.
    #[error("{path} does not open with this station's identity: {why}")]
    Unsealable {
        /// The file.
        path: String,
        /// What age says.
        why: String,
    },
    /// A text that is no age recipient.
    #[error("\"{0}\" is not an age recipient (age1...)")]
    Recipient(String),
    /// Nothing at the place that a secret was to come from.
    #[error("no secret at {0}")]
    Missing(String),
    /// The printing program failed, so the PIN counts as not handed over.
    #[error("{program} did not take the letter: {why}")]
    Printer {
        /// The program.
        program: String,
        /// What it said.
        why: String,
    },
    /// The text is no PIN.
    #[error(transparent)]
    Pin(#[from] crate::ctap::PinError),
}
