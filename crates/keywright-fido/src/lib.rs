//! A CTAP2 client for FIDO2 security keys.
//!
//! | room | what is in it |
//! |---|---|
//! | [`webauthn`] | the data that keys, clients and relying parties exchange: strict to read, canonical to write |
//! | [`ctap`] | one file per CTAP2 command, typed, over a [`ctap::Transport`]: [`ctap::Authenticator`] is an open key |
//! | [`bus`] | where keys are: what is plugged in, and how it is opened |
//! | [`hid`] | security keys as HID devices, the first transport: [`hid::usb::UsbBus`] finds and opens them |
//!
//! Each room knows only the rooms before it. Every exchange has a limit on the key's silence and one on the whole, and can be
//! cancelled; a PIN is sent once; nothing is taken from another program's channel. It refuses to know what an account, an identity
//! provider or a ledger is.
//!
//! ```no_run
//! use keywright_fido::ctap::Authenticator;
//! use keywright_fido::hid::usb::UsbBus;
//! use keywright_fido::bus::{Bus, Cancel, Limits};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = UsbBus::default();
//! for device in bus.devices()? {
//!     let key = Authenticator::open(bus.open(&device, Limits::default(), Cancel::default())?)?;
//!     println!("{}: model {}", device.product, key.info().aaguid);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run -p keywright-fido --example list_keys` does that with the machine's keys.

pub mod bus;
pub mod ctap;
pub mod hid;
pub mod smart_card;
pub mod webauthn;
