//! Keys in card readers, on the real stack: pcscd, a virtual reader (vpcd), the soft keys' firmware as cards in it, and python-fido2
//! on the same cards. `install` gets what it takes.
//!
//! Needs the feature `smart-card`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
mod batch;
#[cfg(target_os = "linux")]
mod reading;
#[cfg(target_os = "linux")]
mod service;
