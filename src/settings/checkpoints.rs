//! The table `[checkpoints]`: who signs the ledger's checkpoints besides the station, and where the newest is remembered.

use std::path::{Path, PathBuf};

use serde::Deserialize;

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
        Self { memory: self.memory.map(|memory| folder.join(memory)), ..self }
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
