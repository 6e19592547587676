//! The newest checkpoint of a ledger, remembered outside its folder: whoever puts an older folder back, or another one, is found out.
//!
//! One file for each place where a ledger stands. It sees no more than that: who changes the folder and the memory too leaves
//! nothing to compare, nor is anything remembered by a machine that the ledger is new to. It refuses to choose between the two:
//! a person does.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::note::Note;
use super::{Checkpoint, Head, LedgerError, Origin, Store};
use keywright_files::{FileError, private};

/// The longest file that is read, in bytes, and the most files: a station has a handful of ledgers.
const LONGEST: u64 = 1 << 20;
const MOST: usize = 10_000;

/// Where is remembered what stood at one place.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: PathBuf,
    ledger: PathBuf,
}

/// What a file of the folder holds: JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    /// The ledger's file.
    ledger: PathBuf,
    /// `SEQ:HASH`.
    head: String,
    /// The signed note.
    checkpoint: String,
}

/// How a ledger is not the one that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// There is none.
    #[error("there is no ledger at {place}, but this station once wrote {known} events there")]
    Gone {
        /// Where it stood.
        place: String,
        /// How many events it had.
        known: u64,
    },
    /// It ends earlier.
    #[error("the ledger is an older copy: it ends at event {found}, and this station once wrote event {known}")]
    Older {
        /// How many events it has.
        found: u64,
        /// How many it once had.
        known: u64,
    },
    /// It says something else.
    #[error("the ledger tells another history: its event {known} is not the one that this station once wrote")]
    Forked {
        /// The event that is another.
        known: u64,
    },
    /// Another began there.
    #[error("this is another ledger than the one with {known} events that this station once wrote at {place}")]
    Another {
        /// Where it stood.
        place: String,
        /// How many events it had.
        known: u64,
    },
}

impl Memory {
    /// The memory in this folder, of the ledger in this file. Neither has to exist.
    pub fn new(folder: PathBuf, ledger: &Path) -> Self {
        let absolute = std::path::absolute(ledger).unwrap_or_else(|_| ledger.to_owned());
        let ledger = match (absolute.parent().and_then(|folder| folder.canonicalize().ok()), absolute.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => absolute,
        };
        Self { folder, ledger }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Holds a ledger, `None` if there is no file, against all that is remembered of it and of its place.
    pub fn compare(&self, store: Option<&dyn Store>) -> Result<Option<Mismatch>, LedgerError> {
        let head = store.map_or(Ok(Head::EMPTY), |store| store.head())?;
        let origin = match store {
            Some(store) if head.seq > 0 => Some(Origin::of_ledger(&HEXLOWER.encode(&store.entry(1)?.hash))),
            _ => None,
        };
        let place = || self.ledger.display().to_string();
        for (remembered, known, checkpoint) in self.all()? {
            let is_here = remembered.ledger == self.ledger;
            let same = origin.as_ref() == Some(&checkpoint.origin);
            match store {
                // Also of a place from which the ledger was moved.
                Some(store) if same && known.seq <= head.seq => match store.entry(known.seq)?.hash == known.hash {
                    true => {}
                    false => return Ok(Some(Mismatch::Forked { known: known.seq })),
                },
                _ if same => return Ok(Some(Mismatch::Older { found: head.seq, known: known.seq })),
                _ if is_here && origin.is_none() => {
                    return Ok(Some(Mismatch::Gone { place: place(), known: known.seq }));
                }
                _ if is_here => return Ok(Some(Mismatch::Another { place: place(), known: known.seq })),
                _ => {}
            }
        }
        Ok(None)
    }

    /// How far the ledger is remembered: the newest head of it, as far as it is the one that is remembered.
    pub fn newest(&self, origin: &Origin) -> Result<Option<Head>, LedgerError> {
        let all = self.all()?.into_iter().filter(|(_, _, checkpoint)| checkpoint.origin == *origin);
        Ok(all.map(|(_, head, _)| head).max_by_key(|head| head.seq))
    }

    /// Remembers where the ledger ends now.
    pub fn remember(&self, head: &Head, note: &Note) -> Result<(), LedgerError> {
        let remembered =
            Remembered { ledger: self.ledger.clone(), head: head.to_string(), checkpoint: note.to_string() };
        private::make_folder(&self.folder)?;
        let file = self.file_of(&self.ledger);
        let json = serde_json::to_vec_pretty(&remembered)
            .map_err(|error| FileError::Io { path: file.display().to_string(), why: error.to_string() })?;
        Ok(private::write(&file, &json)?)
    }

    /// Forgets what contradicts the ledger as it is, because somebody accepted it: all that is remembered of its place, and of the
    /// same ledger elsewhere.
    pub fn forget(&self, origin: Option<&Origin>) -> Result<(), LedgerError> {
        for (remembered, _, checkpoint) in self.all()? {
            if remembered.ledger == self.ledger || origin == Some(&checkpoint.origin) {
                let file = self.file_of(&remembered.ledger);
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(private::at(&file)(error).into()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn file_of(&self, ledger: &Path) -> PathBuf {
        let name = Sha256::digest(ledger.as_os_str().as_encoded_bytes());
        self.folder.join(format!("{}.json", HEXLOWER.encode(&name[..8])))
    }

    fn all(&self) -> Result<Vec<(Remembered, Head, Checkpoint)>, LedgerError> {
        let names = match fs::read_dir(&self.folder) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(private::at(&self.folder)(error).into()),
        };
        let mut all = Vec::new();
        for name in names.take(MOST) {
            let file = name.map_err(private::at(&self.folder))?.path();
            // What was being written during a crash begins with a dot.
            if file.extension().is_some_and(|ending| ending == "json") {
                all.push(read(&file)?);
            }
        }
        Ok(all)
    }
}

fn read(file: &Path) -> Result<(Remembered, Head, Checkpoint), LedgerError> {
    let wrong = |why: String| LedgerError::from(FileError::Io { path: file.display().to_string(), why });
    let mut text = String::new();
    fs::File::open(file).and_then(|open| open.take(LONGEST).read_to_string(&mut text)).map_err(private::at(file))?;
    let remembered: Remembered = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let head: Head = remembered.head.parse()?;
    let note: Note = remembered.checkpoint.parse().map_err(|error: super::note::NoteError| wrong(error.to_string()))?;
    let checkpoint = Checkpoint::read(note.text()).map_err(|error| wrong(error.to_string()))?;
    if head.seq != checkpoint.size || head.seq == 0 {
        return Err(wrong("its head and its checkpoint are of different events".to_owned()));
    }
    Ok((remembered, head, checkpoint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::{append, clock, every_kind};
    use crate::ledger::tree::Tree;
    use crate::ledger::{SqliteStore, StationKey};

    struct Place {
        folder: tempfile::TempDir,
        key: StationKey,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let key = StationKey::read_or_make(&folder.path().join("station.pem")).unwrap();
            Self { folder, key }
        }

        fn ledger(&self, name: &str) -> PathBuf {
            self.folder.path().join(name).join("ledger.sqlite3")
        }

        fn memory(&self, name: &str) -> Memory {
            Memory::new(self.folder.path().join("memory"), &self.ledger(name))
        }

        fn write(&self, name: &str, from: usize, to: usize) {
            let store = SqliteStore::open(&self.ledger(name), clock()).unwrap();
            every_kind()[from..to].iter().for_each(|event| drop(append(&store, event).unwrap()));
        }

        fn remember(&self, name: &str) {
            let entries = SqliteStore::read(&self.ledger(name)).unwrap().entries(0).unwrap();
            let mut tree = Tree::default();
            entries.iter().for_each(|entry| tree.push(&entry.hash));
            let note = Checkpoint::new(&HEXLOWER.encode(&entries[0].hash), &tree).signed(&self.key);
            self.memory(name).remember(&entries.last().unwrap().head(), &note).unwrap();
        }

        fn compare(&self, name: &str) -> Option<Mismatch> {
            let store = SqliteStore::read(&self.ledger(name)).ok();
            self.memory(name).compare(store.as_ref().map(|store| store as &dyn Store)).unwrap()
        }

        fn copy(&self, from: &str, to: &str) {
            let to = self.ledger(to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(self.ledger(from), to).unwrap();
        }
    }

    #[test]
    fn a_ledger_that_goes_on_is_the_one_that_is_remembered_also_elsewhere() {
        let place = Place::new();
        assert_eq!(place.compare("a"), None);
        place.write("a", 0, 5);
        assert_eq!(place.compare("a"), None);
        place.remember("a");
        place.write("a", 5, 9);
        assert_eq!(place.compare("a"), None);
        place.copy("a", "b");
        assert_eq!(place.compare("b"), None);
    }

    #[test]
    fn an_older_another_and_a_missing_one_are_found() {
        let place = Place::new();
        place.write("a", 0, 5);
        place.copy("a", "old");
        place.write("a", 5, 9);
        place.remember("a");
        place.copy("a", "new");
        // At its own place, and at another.
        assert_eq!(place.compare("old"), Some(Mismatch::Older { found: 5, known: 9 }));
        place.copy("old", "a");
        assert_eq!(place.compare("a"), Some(Mismatch::Older { found: 5, known: 9 }));
        // It went on otherwise.
        place.write("a", 4, 5);
        place.write("a", 4, 5);
        place.write("a", 4, 5);
        place.write("a", 4, 5);
        place.write("a", 4, 5);
        assert_eq!(place.compare("a"), Some(Mismatch::Forked { known: 9 }));
        let gone = |known| Mismatch::Gone { place: place.memory("a").ledger.display().to_string(), known };
        fs::remove_file(place.ledger("a")).unwrap();
        assert_eq!(place.compare("a"), Some(gone(9)));
        // Emptied, and begun anew.
        drop(SqliteStore::open(&place.ledger("a"), clock()).unwrap());
        assert_eq!(place.compare("a"), Some(gone(9)));
        place.write("a", 1, 3);
        assert!(matches!(place.compare("a"), Some(Mismatch::Another { known: 9, .. })));
        // Somebody accepts that.
        place.memory("a").forget(None).unwrap();
        assert_eq!(place.compare("a"), None);
        assert_eq!(place.compare("new"), None);
    }

    #[test]
    fn a_memory_that_cannot_be_read_is_no_consent() {
        let place = Place::new();
        place.write("a", 0, 5);
        place.remember("a");
        let file = fs::read_dir(place.folder.path().join("memory")).unwrap().next().unwrap().unwrap().path();
        fs::write(&file, "{}").unwrap();
        let store = SqliteStore::read(&place.ledger("a")).unwrap();
        let error = place.memory("a").compare(Some(&store)).unwrap_err().to_string();
        assert!(error.contains(file.to_str().unwrap()), "{error}");
    }
}
