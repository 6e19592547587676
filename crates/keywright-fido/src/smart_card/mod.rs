//! Security keys as smart cards, with contacts or without: NFCCTAP over ISO 7816 APDUs (CTAP 2.2 section 11.3), which is one
//! [`crate::ctap::Transport`], and, with the feature `smart-card`, the readers that PC/SC knows.
//!
//! It refuses to wait without a limit, to share a card with another program while it is open, and to take a card for a key before its
//! FIDO applet answered.

pub mod apdu;
mod atr;
mod channel;
#[cfg(feature = "smart-card")]
pub mod readers;
mod status_word;

pub use atr::Atr;
pub use channel::{Card, CardChannel};
pub use status_word::StatusWord;
