//! The ledger's head.

use data_encoding::HEXLOWER;
use serde::Serialize;

use crate::ledger::Head;

/// A head, as JSON.
#[derive(Serialize)]
pub(crate) struct HeadLine {
    seq: u64,
    hash: String,
}

impl HeadLine {
    /// In hexadecimal.
    pub(crate) fn new(head: &Head) -> Self {
        Self { seq: head.seq, hash: HEXLOWER.encode(&head.hash) }
    }
}
