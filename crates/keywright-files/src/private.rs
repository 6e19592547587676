//! Files that appear whole or not at all, for their owner only, and that the disk has when the call returns; and the refusal of
//! files and folders that others could have had their hands on.
//!
//! It refuses to follow a symbolic link to a file of our own: who plants one has us read, lock or overwrite another file. Files
//! and folders that a person names may be links; what they lead to is looked at.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use super::FileError;

/// Names the file in an error.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    |why| {
        let path = path.display().to_string();
        match why.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FileError::DiskFull { path },
            _ if is_link_refusal(&why) => FileError::Link { path },
            _ => FileError::Io { path, why: why.to_string() },
        }
    }
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
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !folder.is_dir() => Err(at(folder)(error)),
        _ => sync_folder(above),
    }
}

/// The same below a folder of our own: one that is there is refused if it is a link, or if others can write to it.
pub fn make_own_folder(folder: &Path) -> Result<(), FileError> {
    make_folder(folder)?;
    refuse_shared(folder, &fs::symlink_metadata(folder).map_err(at(folder))?)
}

/// The folder that a name is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a file of our own for reading; `None` if there is none.
pub fn open(path: &Path) -> Result<Option<File>, FileError> {
    match own().read(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// What is in a file of our own; `None` if there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let mut content = Vec::new();
    file.read_to_end(&mut content).map_err(at(path))?;
    Ok(Some(content))
}

/// Opens a file that is locked, for reading and writing; makes it, empty, if there is none.
pub fn open_lock(path: &Path) -> Result<File, FileError> {
    own().read(true).write(true).create(true).truncate(false).open(path).map_err(at(path))
}

/// Makes an empty file in a folder that exists; false if there is something of that name. That is not opened.
pub fn create(path: &Path) -> Result<bool, FileError> {
    match own().write(true).create_new(true).open(path) {
        Ok(_) => sync_folder(folder_of(path)).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(at(path)(error)),
    }
}

/// Makes a file in a folder that exists, for its owner alone, and opens it for writing; fails if there is something of that name.
pub fn create_to_write(path: &Path) -> Result<File, FileError> {
    own().write(true).create_new(true).open(path).map_err(at(path))
}

/// How files of our own are opened: no link is followed, and what is made is its owner's.
fn own() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("flags of open() are an int's");
        options.mode(0o600).custom_flags(no_link);
    }
    options
}

/// Whether open() ended at a link: ELOOP; EMLINK and EFTYPE on the BSDs.
#[cfg(unix)]
fn is_link_refusal(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    code == Some(Errno::LOOP.raw_os_error())
        || (cfg!(target_os = "freebsd") && code == Some(Errno::MLINK.raw_os_error()))
}

#[cfg(not(unix))]
fn is_link_refusal(_error: &io::Error) -> bool {
    false
}

/// Writes a file in a folder that exists, over an older one of that name. A link of that name is replaced, not followed.
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
        Err(error) if error.kind() == ErrorKind::NotFound => {}
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
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
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
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
    }
    Ok(())
}

/// Refuses a file that others than its owner can read. On Windows, and for what is no ordinary file, nothing is checked.
pub fn refuse_if_others_can_read(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
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

/// Refuses a folder of our own that others can write to, and one that has a link in it, or something that others can write to;
/// folders in it are looked at when they are used. One that is not there is nobody's. On Windows nothing is checked.
pub fn refuse_shared_folder(folder: &Path) -> Result<(), FileError> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => refuse_shared(folder, &found.map_err(at(folder))?)?,
    }
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        match entry.metadata() {
            // It was a temporary file.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => refuse_shared(&entry.path(), &found.map_err(at(&entry.path()))?)?,
        }
    }
    Ok(())
}

/// What a file says that others could neither change nor replace; `None` if there is none. It may be a link. On Windows, and for
/// what is no ordinary file, nothing is checked.
pub fn read_unshared(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(at(path))?,
    };
    let metadata = file.metadata().map_err(at(path))?;
    if metadata.is_file() {
        refuse_shared(path, &metadata)?;
        let real = path.canonicalize().map_err(at(path))?;
        let folder = folder_of(&real);
        let found = fs::metadata(folder).map_err(at(folder))?;
        // In a folder with the sticky bit, such as /tmp, nobody replaces what is another's.
        if !is_sticky(&found) {
            refuse_shared(folder, &found)?;
        }
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content).map_err(at(path))?;
    Ok(Some(content))
}

/// Refuses what is a link, another account's (but root's), or can be written to by others.
#[cfg(unix)]
fn refuse_shared(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let (path, owner) = (path.display().to_string(), metadata.uid());
    if metadata.is_symlink() {
        Err(FileError::Link { path })
    } else if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        Err(FileError::Foreign { path, owner })
    } else if metadata.mode() & 0o022 != 0 {
        Err(FileError::OthersCanWrite { path })
    } else {
        Ok(())
    }
}

#[cfg(not(unix))]
fn refuse_shared(_path: &Path, _metadata: &Metadata) -> Result<(), FileError> {
    Ok(())
}

#[cfg(unix)]
fn is_sticky(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o1000 != 0
}

#[cfg(not(unix))]
fn is_sticky(_metadata: &Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    use super::*;

    fn change_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode can be changed");
    }

    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "mine").unwrap();
        symlink(&target, &link).unwrap();
        let refused = FileError::Link { path: link.display().to_string() };
        assert_eq!(read(&link).unwrap_err(), refused);
        assert_eq!(open_lock(&link).unwrap_err(), refused);
        assert_eq!(create(&link), Ok(false));
        assert_eq!(make_own_folder(folder.path()), Ok(()));
        write(&link, b"ours").unwrap();
        assert_eq!(
            (read(&link).unwrap().as_deref(), fs::read(&target).unwrap()),
            (Some(&b"ours"[..]), b"mine".to_vec())
        );

        // Nor one that leads nowhere yet: a file would appear there.
        let (nowhere, dangling) = (folder.path().join("nowhere"), folder.path().join("dangling"));
        symlink(&nowhere, &dangling).unwrap();
        assert!(matches!(open_lock(&dangling), Err(FileError::Link { .. })));
        assert_eq!(create(&dangling), Ok(false));
        assert!(!nowhere.exists());

        let (elsewhere, pins) = (folder.path().join("elsewhere"), folder.path().join("pins"));
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, &pins).unwrap();
        assert!(matches!(make_own_folder(&pins), Err(FileError::Link { .. })));
    }

    #[test]
    fn what_is_made_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let (lock, made) = (folder.path().join("lock"), folder.path().join("made"));
        open_lock(&lock).unwrap();
        assert_eq!(create(&made), Ok(true));
        assert_eq!(create(&made), Ok(false));
        for path in [lock, made] {
            assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        }
        assert_eq!(read(&folder.path().join("none")), Ok(None));
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused_and_so_is_one_with_a_link_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert_eq!(refuse_shared_folder(&state), Ok(()));
        make_folder(&state.join("vault")).unwrap();
        assert_eq!(refuse_shared_folder(&state), Ok(()));
        for (path, mode, refused) in [
            (&state, 0o755, false),
            (&state, 0o770, true),
            (&state, 0o1777, true),
            (&state, 0o700, false),
            (&state.join("vault"), 0o702, true),
            (&state.join("vault"), 0o700, false),
        ] {
            change_mode(path, mode);
            let expected =
                if refused { Err(FileError::OthersCanWrite { path: path.display().to_string() }) } else { Ok(()) };
            assert_eq!(refuse_shared_folder(&state), expected, "{mode:o}");
        }
        let link = state.join("ledger.sqlite3.lock");
        symlink("/nowhere", &link).unwrap();
        assert_eq!(refuse_shared_folder(&state), Err(FileError::Link { path: link.display().to_string() }));
        // The folder itself may be reached over a link.
        fs::remove_file(&link).unwrap();
        symlink(&state, &link).unwrap();
        assert!(refuse_shared_folder(&state).is_err());
        fs::rename(&link, folder.path().join("other")).unwrap();
        assert_eq!(refuse_shared_folder(&folder.path().join("other")), Ok(()));
    }

    #[test]
    fn a_file_that_others_can_change_or_replace_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (own, link) = (folder.path().join("own"), folder.path().join("link"));
        let file = own.join("keywright.toml");
        make_folder(&own).unwrap();
        assert_eq!(read_unshared(&file), Ok(None));
        fs::write(&file, "x").unwrap();
        symlink(&file, &link).unwrap();
        for (path, mode, refused) in [
            (&file, 0o644, false),
            (&file, 0o666, true),
            (&file, 0o600, false),
            (&own, 0o777, true),
            (&own, 0o1777, false),
        ] {
            change_mode(path, mode);
            for read in [read_unshared(&file), read_unshared(&link)] {
                match read {
                    Ok(Some(content)) if !refused => assert_eq!(content, b"x"),
                    Err(FileError::OthersCanWrite { .. }) if refused => {}
                    other => panic!("{mode:o} {}: {other:?}", path.display()),
                }
            }
        }
    }

    #[test]
    fn anothers_file_is_refused_and_roots_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        if chown(&file, Some(65534), None).is_err() {
            eprintln!("SKIPPED: only root can give files away");
            return;
        }
        assert!(matches!(read_unshared(&file), Err(FileError::Foreign { owner: 65534, .. })));
        assert!(matches!(refuse_shared_folder(folder.path()), Err(FileError::Foreign { owner: 65534, .. })));
    }
}
