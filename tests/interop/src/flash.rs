//! Flash memory that keeps what it has while the power is off.

use std::sync::{Arc, Mutex, PoisonError};

use littlefs2::consts::{U8, U512};
use littlefs2::driver::Storage;
use littlefs2_core::{DynFilesystem, Error, Path, Result};
use trussed::virt::StorageConfig;

const BLOCK: usize = 512;
const BLOCKS: usize = 256;

/// One chip of 128 KiB; clones are the same chip.
#[derive(Clone)]
pub(crate) struct Flash(Arc<Mutex<Vec<u8>>>);

impl Flash {
    /// A chip with an empty file system.
    pub(crate) fn formatted() -> Self {
        let flash = Self(Arc::new(Mutex::new(vec![0xff; BLOCK * BLOCKS])));
        flash.with_files(true, |_| ());
        flash
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write_file(&self, path: &Path, contents: &[u8]) {
        self.with_files(false, |files| {
            files.create_dir_all(&path.parent().expect("a file is in a folder")).expect("the chip has room");
            files.write(path, contents).expect("the chip has room");
        });
    }

    /// As the platform mounts it.
    pub(crate) fn config(&self, format: bool) -> StorageConfig<'static> {
        StorageConfig { storage: Box::new(self.clone()), format }
    }

    fn with_files<T>(&self, format: bool, work: impl FnOnce(&dyn DynFilesystem) -> T) -> T {
        self.config(format).with_fs(work).expect("the chip has a file system")
    }

    fn bytes<T>(&self, offset: usize, length: usize, work: impl FnOnce(&mut [u8]) -> T) -> Result<T> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(bytes.get_mut(offset..offset + length).ok_or(Error::IO)?))
    }
}

impl Storage for Flash {
    const READ_SIZE: usize = 16;
    const WRITE_SIZE: usize = 16;
    const BLOCK_SIZE: usize = BLOCK;
    const BLOCK_COUNT: usize = BLOCKS;
    type CACHE_SIZE = U512;
    type LOOKAHEAD_SIZE = U8;

    fn read(&mut self, offset: usize, buffer: &mut [u8]) -> Result<usize> {
        self.bytes(offset, buffer.len(), |bytes| buffer.copy_from_slice(bytes))?;
        Ok(buffer.len())
    }

    fn write(&mut self, offset: usize, data: &[u8]) -> Result<usize> {
        self.bytes(offset, data.len(), |bytes| bytes.copy_from_slice(data))?;
        Ok(data.len())
    }

    fn erase(&mut self, offset: usize, length: usize) -> Result<usize> {
        self.bytes(offset, length, |bytes| bytes.fill(0xff))?;
        Ok(length)
    }
}
