//! Files that appear whole or not at all, for their owner only, and that the disk has when the call returns.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::FileError;

/// Names the file in an error.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    |why| FileError::Io { path: path.display().to_string(), why: why.to_string() }
}

/// Makes a folder that only its owner can enter, and the folders above it, and makes the disk have their names. One that is
/// there is left as it is.
///
/// On Windows, access is what the folder above passes on.
pub fn make_folder(folder: &Path) -> Result<(), FileError> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folder(above)?;
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        // Another process may be faster.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !folder.is_dir() => Err(at(folder)(error)),
        _ => sync_folder(above),
    }
}

/// The folder that a name is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file in a folder that exists, over an older one of that name.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let (folder, file) = temporary(path, content)?;
    file.persist(path).map_err(|error| at(path)(error.error))?;
    sync_folder(folder)
}

/// The same over a file whose permissions its owner chose: they stay. A missing one is made for its owner only.
pub fn write_over(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let (folder, file) = temporary(path, content)?;
    match fs::metadata(path) {
        Ok(metadata) => file.as_file().set_permissions(metadata.permissions()).map_err(at(path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(at(path)(error)),
    }
    file.persist(path).map_err(|error| at(path)(error.error))?;
    sync_folder(folder)
}

/// Writes a file in a folder that exists; false if there is one of that name, which stays.
pub fn write_new(path: &Path, content: &[u8]) -> Result<bool, FileError> {
    let (folder, file) = temporary(path, content)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(at(path)(error.error)),
    }
}

/// A synced file beside `path`, with mode 0600 where there are modes, and the folder that it is in.
fn temporary<'a>(path: &'a Path, content: &[u8]) -> Result<(&'a Path, tempfile::NamedTempFile), FileError> {
    let folder = folder_of(path);
    let written = || {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    Ok((folder, written().map_err(at(path))?))
}

/// Makes the disk have the folder's names. Windows cannot sync folders; NTFS journals names by itself.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    if cfg!(unix) {
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
    }
    Ok(())
}

/// Refuses a file that others than its owner can read. On Windows, and for what is no ordinary file, nothing is checked.
pub fn refuse_if_others_can_read(path: &Path, metadata: &fs::Metadata) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        if metadata.is_file() && mode & 0o077 != 0 {
            return Err(FileError::InsecurePermissions { path: path.display().to_string() });
        }
    }
    #[cfg(not(unix))]
    let _ = (path, metadata);
    Ok(())
}
