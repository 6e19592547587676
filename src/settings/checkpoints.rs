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
}

impl CheckpointSettings {
    /// Paths relative to this folder become whole.
    pub(super) fn in_folder(self, folder: &Path) -> Self {
        Self { memory: self.memory.map(|memory| folder.join(memory)), ..self }
    }

    /// Those of the keys that are security keys.
    pub fn security_keys(&self) -> Vec<NoteKey> {
        let is_one = |key: &&NoteKey| matches!(key.kind(), KeyKind::SecurityKey(_));
        self.keys.iter().filter(is_one).cloned().collect()
    }
}
