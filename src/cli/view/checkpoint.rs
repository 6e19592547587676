//! A checkpoint of the ledger.

use data_encoding::BASE64;
use serde::Serialize;

use crate::cli::shared::checkpoint::Signed;
use crate::cli::shared::output::View;

/// A checkpoint, as JSON.
#[derive(Serialize)]
pub(crate) struct CheckpointLine {
    origin: String,
    size: u64,
    root: String,
    station: String,
    /// The signed note, as other software takes it.
    note: String,
}

impl View for CheckpointLine {
    const KIND: &'static str = "checkpoint";
}

impl CheckpointLine {
    /// What was signed.
    pub(crate) fn new(Signed { kept, station }: &Signed) -> Self {
        Self {
            origin: kept.checkpoint.origin.to_string(),
            size: kept.checkpoint.size,
            root: BASE64.encode(&kept.checkpoint.root),
            station: station.clone(),
            note: kept.note.to_string(),
        }
    }
}
