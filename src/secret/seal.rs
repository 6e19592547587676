//! Working copies of PINs, sealed with age to this station and to every reader, so that no PIN is ever known to a key alone.

use std::path::Path;

use super::{Reader, SecretError};
use crate::ctap::Pin;

/// The name of a working copy in the vault: the job it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SealedPin(pub String);

/// A folder of working copies (`pins/NAME.age`, 0600) and the identity that opens them (`station.key`, 0600).
pub struct Vault {}

impl Vault {
    /// Opens the vault in a folder; makes folder (0700) and identity if they are missing.
    pub fn open(_folder: &Path) -> Result<Self, SecretError> {
        todo!()
    }

    /// Seals a PIN. When this returns, the disk has it (file and folder are synced). Overwrites an older copy of that name.
    pub fn seal(&self, _name: &SealedPin, _pin: &Pin, _readers: &[Reader]) -> Result<(), SecretError> {
        todo!()
    }

    /// Opens a working copy; `None` if there is none.
    pub fn unseal(&self, _name: &SealedPin) -> Result<Option<Pin>, SecretError> {
        todo!()
    }

    /// Destroys a working copy; nothing happens if there is none.
    pub fn destroy(&self, _name: &SealedPin) -> Result<(), SecretError> {
        todo!()
    }

    /// The working copies that are there.
    pub fn list(&self) -> Result<Vec<SealedPin>, SecretError> {
        todo!()
    }
}
