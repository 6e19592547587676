//! The hash chain: each entry's hash covers the entry and the hash before it.
//!
//! `hash = SHA-256( previous hash (32 bytes) || "SEQ\nTIME\nBODY" in UTF-8 )`; the hash before the first entry is 32 zero bytes.
//! Anybody can check that with a few lines of another language.

use super::{Event, LedgerError};

/// One event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// When it was written: RFC 3339 in UTC, with milliseconds.
    pub time: String,
    /// The event as JSON text, exactly as hashed.
    pub body: String,
    /// SHA-256, see the module.
    pub hash: [u8; 32],
}

/// The end of the chain, to be kept somewhere else: with it, a log that lost its newest events is found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest entry's number; 0 for an empty log.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Entry {
    /// The entry that follows `previous`.
    pub fn following(_previous: &Head, _time: String, _event: &Event) -> Self {
        todo!()
    }

    /// The event.
    pub fn event(&self) -> Result<Event, LedgerError> {
        todo!()
    }
}

/// Checks every link. With `known`, the entry of that number has to have that hash. Returns the head.
pub fn verify(_entries: &[Entry], _known: Option<&Head>) -> Result<Head, LedgerError> {
    todo!()
}
