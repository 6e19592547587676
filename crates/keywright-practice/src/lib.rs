//! Everything that a rehearsal needs and a station does not.
//!
//! [`softkey`] has security keys in software: real firmware (OpenSK) behind the same 64-byte reports as a USB key, with a touch, a
//! power cut or an older CTAP version where a test wants one. [`idp_server`] is a small identity provider on loopback, where a person
//! registers and signs in with a browser. It refuses to be used for anything but practice: private keys lie readable on disk.
//!
//! ```
//! use keywright_fido::ctap::Authenticator;
//! use keywright_fido::hid::{Cancel, Limits};
//! use keywright_practice::softkey::{Rack, SOFT_AAGUID};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rack = Rack::in_memory(1)?;
//! let pipe = rack.key(0).open()?;
//! let key = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default())?;
//! assert_eq!(key.info().aaguid, SOFT_AAGUID);
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run -p keywright-practice --example soft_key` makes a credential and signs in with it.

pub mod idp_server;
pub mod softkey;
