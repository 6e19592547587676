//! The table `[checkpoints]`: who signs the ledger's checkpoints besides the station, who says when, and where the newest is
//! remembered.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::idp::http::SignedAnswersUrl;
use crate::ledger::note::{KeyKind, NoteKey};

/// What is asked of checkpoints.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CheckpointSettings {
    /// The folder outside the state folder where the newest checkpoint is remembered.
    pub memory: Option<PathBuf>,
    /// Keys that sign checkpoints: operators' security keys, other stations, witnesses (`NAME+ID+BASE64`).
    pub keys: Vec<NoteKey>,
    /// Whether each batch has to end with a signature of one of the security keys.
    pub require_security_key: bool,
    /// Who else sees them, and says so with a cosignature.
    pub witnesses: Vec<Witness>,
    /// Servers that say when they existed.
    pub time_stamps: Vec<TimeStampServer>,
}

/// A time-stamping server (RFC 3161).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TimeStampServer {
    /// Where it takes `application/timestamp-query`.
    pub url: SignedAnswersUrl,
    /// The file of the root certificate that its certificate leads to, PEM or DER.
    pub root: PathBuf,
}

/// A witness (C2SP tlog-witness).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Witness {
    /// What `/add-checkpoint` is added to.
    pub url: String,
    /// The key that its cosignatures verify with.
    pub key: NoteKey,
}

impl CheckpointSettings {
    /// Paths relative to this folder become whole.
    pub(super) fn in_folder(self, folder: &Path) -> Self {
        let whole = |server: TimeStampServer| TimeStampServer { root: folder.join(&server.root), ..server };
        let time_stamps = self.time_stamps.into_iter().map(whole).collect();
        Self { memory: self.memory.map(|memory| folder.join(memory)), time_stamps, ..self }
    }

    /// Whether anybody outside is to see them.
    pub fn has_outsiders(&self) -> bool {
        !self.witnesses.is_empty() || !self.time_stamps.is_empty()
    }

    /// Everybody whose signatures count.
    pub fn all_keys(&self) -> Vec<NoteKey> {
        self.keys.iter().chain(self.witnesses.iter().map(|witness| &witness.key)).cloned().collect()
    }

    /// Those of the keys that are security keys.
    pub fn security_keys(&self) -> Vec<NoteKey> {
        let is_one = |key: &&NoteKey| matches!(key.kind(), KeyKind::SecurityKey(_));
        self.keys.iter().filter(is_one).cloned().collect()
    }
}
