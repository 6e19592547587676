//! The state folder: ledger, sealed PINs, hand-over, soft keys. Readable by its owner alone.

use std::path::{Path, PathBuf};

use crate::cli::shared::CliError;
use crate::ledger::{MacPurpose, StationKey};
use keywright_attest::mds::{BlobStore, Mac};
use keywright_files::{base_folder, private};

/// A state folder. It may not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct StateFolder(PathBuf);

impl StateFolder {
    /// The folder that was named, or else `XDG_STATE_HOME/keywright`, or else `~/.local/state/keywright` (on Windows
    /// `LOCALAPPDATA\keywright`). One that others can write to is refused, and one that has links in it.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, CliError> {
        let standard = || base_folder("XDG_STATE_HOME", ".local/state").map(|base| base.join("keywright"));
        let folder = named.map(Path::to_owned).or_else(standard);
        let folder = folder
            .ok_or_else(|| CliError::Usage("there is no home folder; name the state folder with --state".into()))?;
        private::refuse_shared_folder(&folder)?;
        Ok(Self(folder))
    }

    /// Makes the folder if it is missing.
    pub(crate) fn create(&self) -> Result<&Self, CliError> {
        create_private(&self.0)?;
        Ok(self)
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The file that says that the station has moved, and to which recipient.
    pub(crate) const MOVED: &'static str = "moved";

    /// The recipient that this station has moved to, if it has.
    pub(crate) fn moved_to(&self) -> Result<Option<String>, CliError> {
        let found = private::read(&self.0.join(Self::MOVED))?;
        Ok(found.map(|to| String::from_utf8_lossy(&to).trim().to_owned()))
    }

    /// Says that this station has moved.
    pub(crate) fn mark_moved(&self, to: &str) -> Result<(), CliError> {
        write_private(&self.0.join(Self::MOVED), format!("{to}\n").as_bytes())
    }

    /// The ledger's file.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.0.join("ledger.sqlite3")
    }

    /// The file of the station's key, which signs and vouches.
    pub(crate) fn station_key(&self) -> PathBuf {
        self.0.join("station.pem")
    }

    /// The folder of sealed PINs and this station's identity.
    pub(crate) fn vault(&self) -> PathBuf {
        self.0.join("vault")
    }

    /// The folder of age files for readers.
    pub(crate) fn hand_over(&self) -> PathBuf {
        self.0.join("hand-over")
    }

    /// The folder of soft keys.
    #[cfg(feature = "practice")]
    pub(crate) fn softkeys(&self) -> PathBuf {
        self.0.join("softkeys")
    }

    /// The folder of the FIDO Alliance's metadata. What was verified in it is cached once the station has a key.
    pub(crate) fn metadata(&self) -> Result<BlobStore, CliError> {
        let blob_store = BlobStore::new(self.0.join("mds"));
        Ok(match StationKey::read(&self.station_key())? {
            Some(key) => blob_store.cached(Mac::new(move |bytes| key.mac(MacPurpose::VerifiedMetadata, bytes))),
            None => blob_store,
        })
    }

    /// The practice IdP's database.
    #[cfg(feature = "practice")]
    pub(crate) fn idp_database(&self) -> PathBuf {
        self.0.join("idp.sqlite3")
    }

    /// The practice IdP's API token, where nobody named another.
    #[cfg(feature = "practice")]
    pub(crate) fn idp_token(&self) -> PathBuf {
        self.0.join("idp.token")
    }
}

/// Makes a folder, with those above it, that only its owner can look into. One that is there already stays as it is.
pub(crate) fn create_private(folder: &Path) -> Result<(), CliError> {
    Ok(private::make_folder(folder)?)
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> Result<(), CliError> {
    Ok(private::write(path, text)?)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_owner_looks_in() {
        let above = tempfile::tempdir().unwrap();
        let state = StateFolder::find(Some(&above.path().join("a/state"))).unwrap();
        state.create().unwrap().create().unwrap();
        assert_eq!(std::fs::metadata(state.path()).unwrap().permissions().mode() & 0o777, 0o700);

        write_private(&state.idp_token(), b"t").unwrap();
        assert_eq!(std::fs::metadata(state.idp_token()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(state.idp_token()).unwrap(), b"t");
    }
}
