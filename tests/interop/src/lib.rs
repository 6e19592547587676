//! Security keys with firmware that nobody here wrote, behind keywright's doors: the FIDO application, the platform and the
//! CTAPHID code of Nitrokey 3 and Solo 2 (fido-authenticator on Trussed, usbd-ctaphid), in this process.
//!
//! What is ours is what a circuit board is: flash, a clock, a button, and a USB bus that carries reports. It refuses to help the
//! firmware with any protocol.

mod attestation;
mod board;
mod cable;
mod firmware;
mod flash;
mod rack;
mod usb;

pub use attestation::{AAGUID, Maker};
pub use board::{Board, BoardPipe};
pub use cable::UserPresence;
pub use rack::Rack;
