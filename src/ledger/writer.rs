//! Who writes to a ledger now: one process of this station. And who that is, as far as can be seen without getting in the writer's way.
//!
//! It refuses to try the lock: whoever tries it holds it for a moment, and a run that begins just then would be turned away.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use keywright_files::private;

use super::LedgerError;

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
        let lock = lock_file(ledger);
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

/// The file that is locked while somebody writes.
fn lock_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Takes the lock, and writes into its file who has it. The file is never removed: somebody might be waiting for it.
pub(super) fn lock(path: &Path) -> Result<File, LedgerError> {
    let lock_path = lock_file(path);
    let failed = |error: &io::Error| LedgerError::file(&lock_path, error);
    let mut file = private::open_lock(&lock_path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&lock_path).unwrap_or_default();
            let holder = if holder.is_empty() { "another process" } else { holder.trim_end() };
            return Err(LedgerError::Locked { path: path.display().to_string(), holder: holder.to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name).unwrap_or("keywright".as_ref());
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}, process {}", program.to_string_lossy(), std::process::id()))
        .map_err(|error| failed(&error))?;
    Ok(file)
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
