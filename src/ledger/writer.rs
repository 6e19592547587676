//! Who writes to a ledger now, as far as can be seen without getting in the writer's way.
//!
//! It refuses to try the lock: whoever tries it holds it for a moment, and a run that begins just then would be turned away.

use std::fs;
use std::path::Path;

use time::OffsetDateTime;

use keywright_files::private;

/// Who has a ledger open for writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// This process, since this moment.
    Process {
        /// Its number.
        id: u32,
        /// When it took the lock.
        since: OffsetDateTime,
    },
    /// Nobody.
    Nobody,
    /// This system does not tell whether the process that wrote last still runs.
    CannotTell,
}

impl Writer {
    /// Of the ledger in this file: its lock's file names the process that took the lock last.
    pub fn of_ledger(ledger: &Path) -> Self {
        let lock = super::sqlite::lock_file(ledger);
        let Ok(Some(text)) = private::read(&lock) else { return Self::Nobody };
        let text = String::from_utf8_lossy(&text);
        let Some(id) = text.trim_end().rsplit_once("process ").and_then(|(_, id)| id.parse().ok()) else {
            return Self::Nobody;
        };
        let since =
            fs::metadata(&lock).and_then(|found| found.modified()).map_or(OffsetDateTime::UNIX_EPOCH, Into::into);
        match holds(id, &lock) {
            Some(true) => Self::Process { id, since },
            Some(false) => Self::Nobody,
            None => Self::CannotTell,
        }
    }
}

/// Whether the process has the file locked, by the kernel's own list: which files it has open, it keeps to itself. One that ended
/// has no lock, and neither has another that got its number. The list's lines: number, `FLOCK`, `ADVISORY`, `WRITE`, process id,
/// `major:minor:inode`, and the range; the device is that of the disk, which some file systems tell otherwise.
#[cfg(target_os = "linux")]
fn holds(id: u32, lock: &Path) -> Option<bool> {
    let (id, inode) = (id.to_string(), std::os::unix::fs::MetadataExt::ino(&fs::metadata(lock).ok()?).to_string());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let is_it = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, "FLOCK", _, _, pid, place, ..] => pid == id && place.rsplit(':').next() == Some(&inode),
        _ => false,
    };
    Some(locks.lines().any(is_it))
}

#[cfg(not(target_os = "linux"))]
fn holds(_id: u32, _lock: &Path) -> Option<bool> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::ledger::SqliteStore;
    use crate::ledger::sample::clock;

    #[test]
    fn the_writer_is_seen_while_it_writes_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        assert_eq!(Writer::of_ledger(&path), Writer::Nobody);
        let store = SqliteStore::open(&path, clock()).unwrap();
        assert!(matches!(Writer::of_ledger(&path), Writer::Process { id, .. } if id == std::process::id()));
        drop(store);
        assert_eq!(Writer::of_ledger(&path), Writer::Nobody);
    }
}
