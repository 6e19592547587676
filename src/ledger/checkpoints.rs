//! The checkpoints that were made of a ledger, all of them, as files beside it that other software reads; and beside each its time
//! stamps, the servers' answers as they came.
//!
//! It refuses to take one away: a file gets further signatures, and nothing else.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::note::{Note, NoteError};
use super::time_stamp::{Roots, Stamped, TimeStamp, TimeStampError};
use super::{Checkpoint, LedgerError};
use keywright_files::{FileError, private};

/// The longest checkpoint that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The most that are read.
const MOST: usize = 1 << 20;

/// What the files end with.
const ENDING: &str = ".checkpoint";

/// The most time stamps of one checkpoint.
const MOST_STAMPS: usize = 100;

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

    /// Keeps a checkpoint; one that is there gets the signatures that it lacks. Fails if the file that it belongs in has another
    /// text, and leaves that alone.
    pub fn keep(&self, checkpoint: Checkpoint, mut note: Note) -> Result<Kept, LedgerError> {
        let file = self.0.join(format!("{:010}-{}{ENDING}", checkpoint.size, HEXLOWER.encode(&checkpoint.root[..4])));
        let there = fs::exists(&file).map_err(private::at(&file))?.then(|| Kept::read(&file)).transpose()?;
        if let Some(Kept { note: kept, .. }) = &there {
            let new = std::mem::replace(&mut note, kept.clone());
            if !note.merge(new) {
                let (path, why) = (file.display().to_string(), "it is another checkpoint of as many events".to_owned());
                return Err(LedgerError::File { path, why });
            }
        }
        if there.is_none_or(|there| there.note != note) {
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
        for one in kept {
            let stamps = one.time_stamps()?.into_iter().map(|(_, file)| file);
            for file in stamps.chain([one.file.clone()]) {
                private::make_folder(&folder)?;
                let name = file.file_name().unwrap_or_default();
                fs::rename(&file, folder.join(name)).map_err(private::at(&file))?;
            }
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

    /// The time stamps beside it, each with its file. None of them has been checked.
    pub fn time_stamps(&self) -> Result<Vec<(TimeStamp, PathBuf)>, LedgerError> {
        let mut stamps = Vec::new();
        for file in self.places() {
            let mut response = Vec::new();
            match fs::File::open(&file) {
                Ok(open) => open.take(LONGEST).read_to_end(&mut response).map_err(private::at(&file))?,
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(private::at(&file)(error).into()),
            };
            let path = || file.display().to_string();
            let stamp = TimeStamp::read(response).map_err(|why| LedgerError::TimeStamp { path: path(), why })?;
            stamps.push((stamp, file));
        }
        Ok(stamps)
    }

    /// The earliest of the time stamps beside it that one of these roots vouches for. Fails at one that is not of this checkpoint,
    /// or whose signature is no good; those of other servers, and of certificates that were not valid, are passed over.
    pub fn stamped(&self, roots: &Roots) -> Result<Option<Stamped>, LedgerError> {
        let mut earliest: Option<Stamped> = None;
        for (stamp, file) in self.time_stamps()? {
            match stamp.verify(self.note.text(), roots) {
                Ok(stamped) if earliest.as_ref().is_none_or(|earliest| stamped.at < earliest.at) => {
                    earliest = Some(stamped);
                }
                Ok(_)
                | Err(TimeStampError::Untrusted | TimeStampError::NotValid | TimeStampError::NotForTimeStamps) => {}
                Err(why) => return Err(LedgerError::TimeStamp { path: file.display().to_string(), why }),
            }
        }
        Ok(earliest)
    }

    /// Keeps a time stamp beside it, and gives its file.
    pub fn keep_time_stamp(&self, stamp: &TimeStamp) -> Result<PathBuf, LedgerError> {
        for file in self.places() {
            if private::write_new(&file, stamp.as_bytes())? {
                return Ok(file);
            }
        }
        let why = format!("it has {MOST_STAMPS} time stamps already");
        Err(LedgerError::File { path: self.file.display().to_string(), why })
    }

    /// Where its time stamps are, one after the other: `NAME.tsr`, `NAME.2.tsr` and so on.
    fn places(&self) -> impl Iterator<Item = PathBuf> {
        let second = (2..=MOST_STAMPS).map(|number| self.file.with_extension(format!("{number}.tsr")));
        std::iter::once(self.file.with_extension("tsr")).chain(second)
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
    fn another_checkpoint_in_its_place_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let key = StationKey::read_or_make(&folder.path().join("station.pem")).unwrap();
        let checkpoints = Checkpoints::new(folder.path().join("checkpoints"));
        let mut tree = Tree::default();
        tree.push(&[1; 32]);
        let [ours, theirs] = ["ab", "cd"].map(|ledger| Checkpoint::new(&ledger.repeat(32), &tree));
        let Kept { file, .. } = checkpoints.keep(theirs.clone(), theirs.signed(&key)).unwrap();
        let before = fs::read(&file).unwrap();
        let error = checkpoints.keep(ours.clone(), ours.signed(&key)).unwrap_err().to_string();
        assert!(error.contains("it is another checkpoint"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.checkpoint"), "x").unwrap();
        let error = Checkpoints::new(folder.path().to_owned()).all().unwrap_err().to_string();
        assert!(error.contains("1.checkpoint") && error.contains("no signed note"), "{error}");
    }
}
