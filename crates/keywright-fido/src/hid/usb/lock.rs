//! The lock on a hidraw node that libfido2 and we take: one program at a time talks to a key.
//!
//! It is advisory: a browser takes none and is no obstacle. It refuses to wait long for another program, or for udev.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::linux::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::ctap::TransportError;

/// How long another program may hold the lock. Those that only look whether a key is there let it go at once.
const PATIENCE: Duration = Duration::from_millis(500);
const ASK_AGAIN: Duration = Duration::from_millis(25);

/// What udev may take to give a new node its owner.
const SETTLE: Duration = Duration::from_secs(2);

/// ENXIO and ENODEV: the node is there, its device is not.
const NO_DEVICE: [i32; 2] = [6, 19];

/// Opens the node and locks it. The lock ends when the file is closed.
pub(super) fn acquire(path: &str) -> Result<File, TransportError> {
    acquire_within(PATIENCE, path)
}

fn acquire_within(patience: Duration, path: &str) -> Result<File, TransportError> {
    let file = open(path)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(refusal(path, &error)),
            Err(TryLockError::WouldBlock) if start.elapsed() < patience => thread::sleep(ASK_AGAIN),
            Err(TryLockError::WouldBlock) => {
                // Our own handle is not what stands in the way.
                drop(file);
                let holder = holder(Path::new(path)).unwrap_or_else(|| "unknown".to_owned());
                return Err(TransportError::Held { path: path.to_owned(), holder });
            }
        }
    }
}

fn open(path: &str) -> Result<File, TransportError> {
    let start = Instant::now();
    loop {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => return Ok(file),
            Err(error)
                if error.kind() == ErrorKind::PermissionDenied
                    && start.elapsed() < SETTLE
                    && has_just_changed(path) =>
            {
                thread::sleep(ASK_AGAIN);
            }
            Err(error) => return Err(refusal(path, &error)),
        }
    }
}

/// Whether a node is so new, or its owner, that udev may not be done with it.
fn has_just_changed(path: &str) -> bool {
    let Ok(node) = fs::metadata(path) else { return false };
    let changed = u64::try_from(node.st_ctime()).map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    // The change is told in whole seconds here, so it may be up to one younger.
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age < SETTLE + Duration::from_secs(1)))
}

fn refusal(path: &str, error: &io::Error) -> TransportError {
    match error.kind() {
        ErrorKind::PermissionDenied => TransportError::NoPermission { path: path.to_owned() },
        ErrorKind::NotFound => TransportError::Removed,
        _ if error.raw_os_error().is_some_and(|code| NO_DEVICE.contains(&code)) => TransportError::Removed,
        _ => TransportError::System(error.to_string()),
    }
}

/// The program that holds the lock, as `NAME (pid N)`: from the kernel's list of locks, or, if that names nobody we can see,
/// the first program that has the node open.
fn holder(path: &Path) -> Option<String> {
    let node = fs::metadata(path).ok()?;
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    flock_holder(&locks, node.st_dev(), node.st_ino()).and_then(named).or_else(|| openers(path).find_map(named))
}

/// The process in `/proc/locks` that has a flock on this inode. Its lines: number, `FLOCK`, `ADVISORY`, `WRITE`, process id,
/// `major:minor:inode` (device in hexadecimal), and the range.
fn flock_holder(locks: &str, device: u64, inode: u64) -> Option<u32> {
    let (major, minor) = ((device >> 8) & 0xFFF, (device & 0xFF) | ((device >> 12) & 0xFFF00));
    let locked = format!("{major:02x}:{minor:02x}:{inode}");
    locks.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, "FLOCK", _, _, pid, place, ..] if place == locked => pid.parse().ok(),
        _ => None,
    })
}

/// The processes that have the file open, as far as this account may see.
fn openers(path: &Path) -> impl Iterator<Item = u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|process| process.file_name().to_str()?.parse().ok()).filter(move |pid: &u32| {
        let mut descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors.any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == path))
    })
}

fn named(pid: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(format!("{} (pid {pid})", name.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_another_handle_has_locked_is_held_by_its_program() {
        let node = tempfile::NamedTempFile::new().unwrap();
        let path = node.path().to_str().unwrap();
        let theirs = acquire(path).unwrap();
        let Err(TransportError::Held { path: held, holder }) = acquire_within(Duration::ZERO, path) else {
            panic!("two handles have the lock")
        };
        assert_eq!(held, path);
        assert!(holder.ends_with(&format!(" (pid {})", std::process::id())), "{holder}");
        drop(theirs);
        acquire(path).unwrap();
    }

    #[test]
    fn a_lock_that_is_let_go_soon_is_waited_for() {
        let node = tempfile::NamedTempFile::new().unwrap();
        let path = node.path().to_str().unwrap();
        let theirs = acquire(path).unwrap();
        thread::scope(|scope| {
            let ours = scope.spawn(|| acquire(path));
            drop(theirs);
            ours.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_handle_without_a_lock_is_no_obstacle() {
        let node = tempfile::NamedTempFile::new().unwrap();
        acquire(node.path().to_str().unwrap()).unwrap();
    }

    #[test]
    fn a_node_that_is_not_there_means_that_the_key_was_removed() {
        assert_eq!(acquire("/dev/hidraw99999").err(), Some(TransportError::Removed));
        for code in NO_DEVICE {
            assert_eq!(refusal("/dev/hidraw0", &io::Error::from_raw_os_error(code)), TransportError::Removed);
        }
    }

    #[test]
    fn a_node_is_new_for_a_moment_only() {
        let node = tempfile::NamedTempFile::new().unwrap();
        assert!(has_just_changed(node.path().to_str().unwrap()));
        assert!(!has_just_changed("/etc/passwd"), "older than this test");
        assert!(!has_just_changed("/dev/hidraw99999"));
    }

    #[test]
    fn no_permission_is_told_from_no_device() {
        let refused = refusal("/dev/hidraw0", &ErrorKind::PermissionDenied.into());
        assert_eq!(refused, TransportError::NoPermission { path: "/dev/hidraw0".into() });
    }

    #[test]
    fn the_kernels_list_of_locks_names_the_holder() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 00:05:400 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 12 fe:01:400 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 13 00:05:400 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 14 00:05:401 0 EOF\n";
        assert_eq!(flock_holder(locks, 0x0005, 400), Some(13));
        assert_eq!(flock_holder(locks, 0xFE01, 400), Some(12));
        assert_eq!(flock_holder(locks, 0x0005, 401), None);
    }

    #[test]
    fn who_has_a_file_open_is_found_without_the_list() {
        let node = tempfile::NamedTempFile::new().unwrap();
        assert!(openers(node.path()).any(|pid| pid == std::process::id()));
    }
}
