//! A CTAP2 client: what relying parties and authenticators say to each other ([`webauthn`]), typed CTAP2 commands over any
//! transport ([`ctap`]), and security keys as HID devices, the first transport ([`hid`]).
//!
//! Each room knows only the rooms before it. It refuses to know what an account, an identity provider or a ledger is.

pub mod ctap;
pub mod hid;
pub mod webauthn;
