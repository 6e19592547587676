//! One process at a time on one state file.
//!
//! The lock is on a file beside the state, because the state file itself is replaced at every change.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::SoftKeyError;
use super::state::at;
use super::wire::lock;
use keywright_files::private;

/// The lock of one key's state, taken with the first lease and let go with the last.
#[derive(Debug)]
pub(super) struct StateLock {
    /// None for a key in memory, which is always its owner's.
    state: Option<PathBuf>,
    leases: Mutex<Leases>,
}

#[derive(Debug, Default)]
struct Leases {
    count: usize,
    file: Option<File>,
}

/// The state is ours while this lives.
#[derive(Debug)]
pub(super) struct Lease(Arc<StateLock>);

impl StateLock {
    pub(super) fn new(state: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self { state, leases: Mutex::default() })
    }

    /// Takes the lock, or says who has it. The second value is true for the first lease: others may have changed the state.
    pub(super) fn lease(self: &Arc<Self>) -> Result<(Lease, bool), SoftKeyError> {
        let mut leases = lock(&self.leases);
        let first = leases.count == 0;
        if first && let Some(state) = &self.state {
            leases.file = Some(take(state)?);
        }
        leases.count += 1;
        Ok((Lease(Arc::clone(self)), first))
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        lock(&self.0.leases).count += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut leases = lock(&self.0.leases);
        leases.count -= 1;
        if leases.count == 0 {
            leases.file = None;
        }
    }
}

/// Takes the lock of a folder, waiting for whoever fills it. It ends with the file.
pub(super) fn wait_for_folder(folder: &Path) -> Result<File, SoftKeyError> {
    let path = folder.join("rack.lock");
    let file = open(&path)?;
    file.lock().map_err(at(&path))?;
    Ok(file)
}

fn take(state: &Path) -> Result<File, SoftKeyError> {
    let path = state.with_extension("lock");
    let mut file = open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(SoftKeyError::Held { path: state.to_owned(), holder: holder(&mut file) });
        }
        Err(TryLockError::Error(source)) => return Err(at(&path)(source)),
    }
    file.set_len(0).and_then(|()| file.write_all(this_process().as_bytes())).map_err(at(&path))?;
    Ok(file)
}

fn open(path: &Path) -> Result<File, SoftKeyError> {
    Ok(private::open_lock(path)?)
}

/// Best effort: the other process may be about to write its name.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    if read.is_err() || text.is_empty() { "unknown".to_owned() } else { text }
}

fn this_process() -> String {
    let program = std::env::current_exe().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    format!("{} (process {})", program.as_deref().unwrap_or("keywright"), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_it_until_the_last_lease_ends() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("soft-01.key");
        let (ours, theirs) = (StateLock::new(Some(state.clone())), StateLock::new(Some(state.clone())));
        let (one, first) = ours.lease().unwrap();
        let (two, second) = ours.lease().unwrap();
        assert!(first && !second);
        let three = two.clone();
        drop((one, two));
        let Err(SoftKeyError::Held { path, holder }) = theirs.lease() else { panic!("taken twice") };
        assert_eq!(path, state);
        assert!(holder.ends_with(&format!("(process {})", std::process::id())), "{holder}");
        drop(three);
        assert!(theirs.lease().unwrap().1);
    }
}
