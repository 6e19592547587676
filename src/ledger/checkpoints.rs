//! The checkpoints that were made of a ledger, all of them, as files beside it that other software reads.
//!
//! It refuses to take one away: a file gets further signatures, and nothing else.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::note::{Note, NoteError};
use super::{Checkpoint, LedgerError};
use keywright_files::{FileError, private};

/// The longest checkpoint that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The most that are read.
const MOST: usize = 1 << 20;

/// What the files end with.
const ENDING: &str = ".checkpoint";

/// The folder of them.
#[derive(Debug, Clone)]
pub struct Checkpoints(PathBuf);

/// A checkpoint that was kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// With its signatures, none of which has been checked.
    pub note: Note,
    /// Where it is.
    pub file: PathBuf,
}

impl Checkpoints {
    /// In this folder, which may not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Keeps a checkpoint; one that is there gets the signatures that it lacks.
    pub fn keep(&self, checkpoint: Checkpoint, mut note: Note) -> Result<Kept, LedgerError> {
        let file = self.0.join(format!("{:010}-{}{ENDING}", checkpoint.size, HEXLOWER.encode(&checkpoint.root[..4])));
        let there = match fs::exists(&file) {
            Ok(true) => Some(Kept::read(&file)?.note),
            _ => None,
        };
        let unchanged = there.as_ref().is_some_and(|there| {
            let mut all = there.clone();
            all.merge(note.clone()) && all == *there
        });
        match there {
            Some(there) if unchanged => note = there,
            Some(mut there) if there.text() == note.text() => {
                there.merge(note);
                note = there;
            }
            _ => {}
        }
        if !unchanged {
            private::make_folder(&self.0)?;
            private::write(&file, note.to_string().as_bytes())?;
        }
        Ok(Kept { checkpoint, note, file })
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> Result<Vec<Kept>, LedgerError> {
        let names = match fs::read_dir(&self.0) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(private::at(&self.0)(error).into()),
        };
        let mut files = Vec::new();
        for name in names.take(MOST) {
            let file = name.map_err(private::at(&self.0))?.path();
            if file.to_str().is_some_and(|name| name.ends_with(ENDING)) {
                files.push(file);
            }
        }
        files.sort();
        files.iter().map(|file| Kept::read(file)).collect()
    }

    /// Puts those aside that a ledger no longer goes on from, into the folder `given-up`: what somebody accepted to lose.
    pub fn give_up(&self, kept: &[Kept]) -> Result<(), LedgerError> {
        let folder = self.0.join("given-up");
        for Kept { file, .. } in kept {
            private::make_folder(&folder)?;
            let name = file.file_name().unwrap_or_default();
            fs::rename(file, folder.join(name)).map_err(private::at(file))?;
        }
        Ok(())
    }
}

impl Kept {
    /// Reads a checkpoint's file.
    pub fn read(file: &Path) -> Result<Self, LedgerError> {
        let mut text = String::new();
        fs::File::open(file)
            .and_then(|open| open.take(LONGEST).read_to_string(&mut text))
            .map_err(private::at(file))?;
        let wrong = |error: NoteError| {
            LedgerError::from(FileError::Io { path: file.display().to_string(), why: error.to_string() })
        };
        let note: Note = text.parse().map_err(wrong)?;
        Ok(Self { checkpoint: Checkpoint::read(note.text()).map_err(wrong)?, note, file: file.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::StationKey;
    use crate::ledger::note::{NoteKey, Signed};
    use crate::ledger::tree::Tree;

    #[test]
    fn each_is_kept_and_gets_further_signatures() {
        let folder = tempfile::tempdir().unwrap();
        let keys = ["a", "b"].map(|name| StationKey::read_or_make(&folder.path().join(name)).unwrap());
        let checkpoints = Checkpoints::new(folder.path().join("checkpoints"));
        assert!(checkpoints.all().unwrap().is_empty());
        let mut tree = Tree::default();
        for entry in 1..=3_u8 {
            tree.push(&[entry; 32]);
            let checkpoint = Checkpoint::new(&"ab".repeat(32), &tree);
            for key in [&keys[0], &keys[1], &keys[0]] {
                checkpoints.keep(checkpoint.clone(), checkpoint.signed(key)).unwrap();
            }
        }
        let all = checkpoints.all().unwrap();
        assert_eq!(all.iter().map(|kept| kept.checkpoint.size).collect::<Vec<_>>(), [1, 2, 3]);
        for Kept { checkpoint, note, .. } in &all {
            assert_eq!(note.to_string().lines().count(), 6, "{note}");
            for key in &keys {
                assert_eq!(note.signed_by(&checkpoint.station(key.public())), Signed::Yes);
            }
            let stranger = NoteKey::of_station("other", keys[0].public()).unwrap();
            assert_eq!(note.signed_by(&stranger), Signed::No);
        }
        checkpoints.give_up(&all[2..]).unwrap();
        assert_eq!(checkpoints.all().unwrap().len(), 2);
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.checkpoint"), "x").unwrap();
        let error = Checkpoints::new(folder.path().to_owned()).all().unwrap_err().to_string();
        assert!(error.contains("1.checkpoint") && error.contains("no signed note"), "{error}");
    }
}
