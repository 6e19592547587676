//! Where a benchmark's folder is: in memory or on the disk.

use std::path::Path;

use tempfile::TempDir;

/// Where the folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory, where syncing costs nothing: what is left is our own work. The disk, if the system has no `/dev/shm`.
    Memory,
    /// On the disk that the benchmarks are built on.
    Disk,
}

impl Place {
    pub(crate) fn folder(self) -> TempDir {
        let memory = Path::new("/dev/shm");
        match self {
            Self::Memory if memory.is_dir() => tempfile::tempdir_in(memory),
            _ => tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")),
        }
        .unwrap()
    }
}
