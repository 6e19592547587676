//! A checkpoint of the ledger.

use data_encoding::BASE64;
use serde::Serialize;

use crate::cli::shared::checkpoint::Signed;
use crate::cli::shared::output::View;
use crate::cli::shared::outside::Missing;
use crate::ledger::Stamped;

/// A checkpoint, as JSON.
#[derive(Serialize)]
pub(crate) struct CheckpointLine {
    origin: String,
    size: u64,
    root: String,
    station: String,
    /// The signed note, as other software takes it.
    note: String,
    /// Witnesses that cosigned it when they were asked.
    cosigned: Vec<String>,
    time_stamps: Vec<TimeStampLine>,
    /// Who was asked, and did not sign.
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct TimeStampLine {
    by: String,
    at: String,
}

impl View for CheckpointLine {
    const KIND: &'static str = "checkpoint";
}

impl CheckpointLine {
    /// What was signed.
    pub(crate) fn new(Signed { kept, station, cosigned, time_stamps, missing, .. }: &Signed) -> Self {
        let line = |stamped: &Stamped| TimeStampLine { by: stamped.by.clone(), at: stamped.time() };
        Self {
            origin: kept.checkpoint.origin.to_string(),
            size: kept.checkpoint.size,
            root: BASE64.encode(&kept.checkpoint.root),
            station: station.clone(),
            note: kept.note.to_string(),
            cosigned: cosigned.clone(),
            time_stamps: time_stamps.iter().map(line).collect(),
            missing: missing.clone(),
        }
    }
}
