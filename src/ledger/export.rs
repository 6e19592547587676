//! An evidence folder that other software can check.

use std::path::Path;

use super::{Head, LedgerError, Store};

/// Writes `FOLDER`: `events.jsonl` (one entry a line: seq, time, body, hash), `credentials/ID.json` (attestation object, client
/// data, public key, verdict, key, account), `accounts.json`, `HEAD` (seq and hash) and `SHA256SUMS`. The folder must not exist.
pub fn export(_store: &dyn Store, _folder: &Path) -> Result<Head, LedgerError> {
    todo!()
}
