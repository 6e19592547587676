//! What was read of the estate, in private files: each under the SHA-256 that its event in the ledger has; and what an interrupted
//! reading left.
//!
//! It refuses a file that is not what the ledger says. Names and logins are in here and not in the log.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use super::error::RolloutError;
use super::inventory::Scope;
use super::inventory::read::Partial;
use super::inventory::sighting::Sighting;
use crate::ledger::IdpInstance;
use keywright_files::{FileError, private};

/// After how long what an interrupted reading left is of no use any more.
pub const LEFT_FOR: Duration = Duration::hours(24);

/// The folder.
#[derive(Debug, Clone)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// A folder, which may not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Keeps what was read; gives the SHA-256 in hexadecimal that it is kept under.
    pub fn put<T: Serialize>(&self, read: &T) -> Result<String, RolloutError> {
        let content = serde_json::to_vec(read).map_err(|error| self.unreadable(&self.0, &error))?;
        let sha256 = HEXLOWER.encode(&Sha256::digest(&content));
        private::make_folder(&self.0)?;
        private::write(&self.file(&sha256), &content)?;
        Ok(sha256)
    }

    /// Forgets what is kept under a SHA-256.
    pub fn remove(&self, sha256: &str) -> Result<(), RolloutError> {
        let file = self.file(sha256);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(private::at(&file)(error).into()),
            _ => Ok(()),
        }
    }

    /// What is kept under a SHA-256; `None` if there is nothing here, as on another station.
    pub fn get<T: DeserializeOwned>(&self, sha256: &str) -> Result<Option<T>, RolloutError> {
        let file = self.file(sha256);
        let Some(content) = private::read(&file)? else { return Ok(None) };
        if HEXLOWER.encode(&Sha256::digest(&content)) != sha256 {
            return Err(RolloutError::Changed { file: file.display().to_string() });
        }
        self.read(&file, &content).map(Some)
    }

    /// What an earlier reading of the same people left, and where this one keeps its own.
    pub fn partial(&self, instance: &IdpInstance, scope: &Scope, now: OffsetDateTime) -> PartialShelf<'_> {
        let what = serde_json::to_vec(&(instance, scope)).unwrap_or_default();
        let name = HEXLOWER.encode(&Sha256::digest(&what)[..8]);
        PartialShelf { shelf: self, folder: self.0.join(format!("partial-{name}")), now }
    }

    /// The files that have one of these logins or ids in them: an erasure does not reach into what a hash stands for.
    pub fn naming(&self, texts: &[&str]) -> Result<Vec<PathBuf>, RolloutError> {
        let quoted: Vec<Vec<u8>> = texts.iter().filter_map(|text| serde_json::to_vec(text).ok()).collect();
        let mut found = Vec::new();
        for file in json_files(&self.0)? {
            let content = private::read(&file)?.unwrap_or_default();
            let has = |text: &Vec<u8>| content.windows(text.len()).any(|part| part == text.as_slice());
            if quoted.iter().any(has) {
                found.push(file);
            }
        }
        Ok(found)
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.0.join(format!("{sha256}.json"))
    }

    fn read<T: DeserializeOwned>(&self, file: &Path, content: &[u8]) -> Result<T, RolloutError> {
        serde_json::from_slice(content).map_err(|error| self.unreadable(file, &error))
    }

    fn unreadable(&self, file: &Path, error: &serde_json::Error) -> RolloutError {
        RolloutError::Unreadable { file: file.display().to_string(), why: error.to_string() }
    }
}

/// People who were read in a reading that has not ended.
pub struct PartialShelf<'a> {
    shelf: &'a Shelf,
    folder: PathBuf,
    now: OffsetDateTime,
}

impl PartialShelf<'_> {
    /// Forgets them: the reading has ended, or is begun anew.
    pub fn clear(&self) -> Result<(), RolloutError> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.failed(error).into()),
            _ => Ok(()),
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>, RolloutError> {
        Ok(json_files(&self.folder)?)
    }

    fn failed(&self, error: std::io::Error) -> FileError {
        private::at(&self.folder)(error)
    }
}

impl Partial for PartialShelf<'_> {
    fn kept(&self) -> Result<Vec<Sighting>, RolloutError> {
        let mut all = Vec::new();
        for file in self.files()? {
            let Some(content) = private::read(&file)? else { continue };
            // Another version may have left it: then its people are read anew.
            let Ok(some) = serde_json::from_slice::<Vec<Sighting>>(&content) else { continue };
            all.extend(some.into_iter().filter(|one| self.now - one.read < LEFT_FOR));
        }
        Ok(all)
    }

    fn keep(&self, more: &[Sighting]) -> Result<(), RolloutError> {
        let content = serde_json::to_vec(more).map_err(|error| self.shelf.unreadable(&self.folder, &error))?;
        private::make_folder(&self.folder)?;
        let number = self.files()?.len();
        private::write(&self.folder.join(format!("{number:06}.json")), &content)?;
        Ok(())
    }
}

/// The files of a folder, by name; none where there is no such folder.
fn json_files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(private::at(folder)(error)),
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut files = paths.collect::<Result<Vec<_>, _>>().map_err(private::at(folder))?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::idp::User;
    use crate::idp::capability::{Listing, Seen, Told};

    fn sighting(login: &str, read: OffsetDateTime) -> Sighting {
        Sighting {
            user: User { id: format!("id-{login}"), login: login.into(), display_name: login.into(), active: true },
            guest: false,
            keys: Listing::default(),
            methods: Listing::default(),
            seen: Told::Known(Seen { at: None }),
            read,
        }
    }

    #[test]
    fn what_is_kept_is_what_its_hash_says() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().join("estate"));
        let sha256 = shelf.put(&vec!["ada@example.org".to_owned()]).unwrap();
        assert_eq!(shelf.get::<Vec<String>>(&sha256).unwrap(), Some(vec!["ada@example.org".to_owned()]));
        assert_eq!(shelf.get::<Vec<String>>(&"0".repeat(64)).unwrap(), None);
        assert!(matches!(shelf.get::<u64>(&sha256), Err(RolloutError::Unreadable { .. })));
        let file = shelf.file(&sha256);
        assert_eq!(shelf.naming(&["bo", "ada@example.org"]).unwrap(), std::slice::from_ref(&file));
        assert!(shelf.naming(&["ada"]).unwrap().is_empty(), "a part of a login is another one");
        std::fs::write(&file, "[\"bo@example.org\"]").unwrap();
        assert!(matches!(shelf.get::<Vec<String>>(&sha256), Err(RolloutError::Changed { .. })));
        shelf.remove(&sha256).unwrap();
        shelf.remove(&sha256).unwrap();
        assert_eq!(shelf.get::<Vec<String>>(&sha256).unwrap(), None);
    }

    #[test]
    fn what_an_interrupted_reading_left_is_good_for_a_day_and_for_the_same_people() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().join("estate"));
        let (acme, now) = (IdpInstance::new("embedded", "acme"), datetime!(2026-11-24 12:00 UTC));
        let partial = shelf.partial(&acme, &Scope::Rollout, now);
        assert_eq!(partial.kept().unwrap(), []);
        let (fresh, old) = (sighting("ada", now), sighting("bo", datetime!(2026-11-23 11:00 UTC)));
        partial.keep(&[fresh.clone(), old]).unwrap();
        partial.keep(&[sighting("cy", now)]).unwrap();
        let logins = |partial: &PartialShelf<'_>| -> Vec<String> {
            partial.kept().unwrap().into_iter().map(|one| one.user.login).collect()
        };
        assert_eq!(logins(&partial), ["ada", "cy"]);
        assert_eq!(logins(&shelf.partial(&acme, &Scope::Ledger, now)), [""; 0]);
        partial.clear().unwrap();
        partial.clear().unwrap();
        assert_eq!(logins(&partial), [""; 0]);
    }
}
