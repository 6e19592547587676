//! All of a state folder as one text, to be sealed to the machine that goes on with it.
//!
//! It refuses links and what is no plain file, a name that leads out of the folder, and to write over anything else than the keys of a
//! station that has done nothing yet.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::shared::CliError;
use crate::cli::shared::state::{StateFolder, create_private, write_private};
use keywright_files::private;

/// How the text begins. An index of names and lengths follows, and then the files, one after the other.
const MAGIC: &[u8] = b"keywright station 1\n";

/// The longest text, in bytes: a register of 25,000 people has some hundred MB.
const LONGEST: u64 = 1 << 30;

/// What stays: locks, what is made anew, and what stands for keys and an IdP in practice.
const LEFT_BEHIND: [&str; 7] = [
    "ledger.sqlite3.lock",
    "ledger.sqlite3-shm",
    "ledger.kept",
    StateFolder::MOVED,
    "softkeys",
    "idp.sqlite3",
    "idp.token",
];

/// The station's keys, which a machine has before anything comes. The one that opens what is sealed to it is replaced last, so
/// that what was interrupted can be done again.
const KEYS: [&str; 2] = ["station.pem", "vault/station.key"];

/// A file of the folder: its name in it, with slashes, and what it says.
pub(crate) type Packed<'t> = (String, &'t [u8]);

/// Everything that goes along. Nobody may write to the folder meanwhile.
pub(crate) fn pack(state: &StateFolder) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let mut index: Vec<(String, u64)> = Vec::new();
    find(state.path(), "", &mut index)?;
    index.sort();
    let length: u64 = index.iter().map(|(_, length)| length).sum();
    if length > LONGEST {
        let why = format!("it has {length} bytes, and {LONGEST} are the most that move at once");
        return Err(CliError::File { path: state.path().to_owned(), why });
    }
    let listed = postcard::to_stdvec(&index)
        .map_err(|error| CliError::File { path: state.path().to_owned(), why: error.to_string() })?;
    let files = usize::try_from(length).unwrap_or_default();
    // Room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(Vec::with_capacity(MAGIC.len() + listed.len() + files));
    text.extend_from_slice(MAGIC);
    text.extend_from_slice(&listed);
    for (name, length) in &index {
        let path = state.path().join(name);
        let before = text.len();
        if let Some(file) = private::open(&path)? {
            file.take(*length).read_to_end(&mut text).map_err(private::at(&path))?;
        }
        if (text.len() - before) as u64 != *length {
            return Err(CliError::File { path, why: "it changed while it was read".to_owned() });
        }
    }
    Ok(text)
}

/// Names of files in a folder, as they are below the state folder, and how long each is.
fn find(folder: &Path, prefix: &str, found: &mut Vec<(String, u64)>) -> Result<(), CliError> {
    for entry in fs::read_dir(folder).map_err(private::at(folder))? {
        let entry = entry.map_err(private::at(folder))?;
        let path = entry.path();
        let odd = |why: &str| CliError::File { path: path.clone(), why: why.to_owned() };
        let name = entry.file_name().into_string().map_err(|_| odd("its name is not UTF-8"))?;
        let name = format!("{prefix}{name}");
        if LEFT_BEHIND.contains(&name.as_str()) {
            continue;
        }
        let metadata = entry.metadata().map_err(private::at(&path))?;
        if metadata.is_dir() {
            find(&path, &format!("{name}/"), found)?;
        } else if metadata.is_file() {
            found.push((name, metadata.len()));
        } else {
            return Err(odd("it is no plain file"));
        }
    }
    Ok(())
}

/// The files of such a text; in words what is wrong with it.
pub(crate) fn unpack(text: &[u8]) -> Result<Vec<Packed<'_>>, String> {
    let rest = text.strip_prefix(MAGIC).ok_or("there is no station in it")?;
    let (index, mut rest) = postcard::take_from_bytes::<Vec<(String, u64)>>(rest).map_err(|error| error.to_string())?;
    let mut files = Vec::with_capacity(index.len());
    for (name, length) in index {
        let is_plain = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain || name.is_empty() || name.contains('\\') || LEFT_BEHIND.contains(&name.as_str()) {
            return Err(format!("it has a file called {name:?}"));
        }
        let (file, more) =
            usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length)).ok_or("it is cut off")?;
        files.push((name, file));
        rest = more;
    }
    if rest.is_empty() { Ok(files) } else { Err("something follows its last file".to_owned()) }
}

/// Writes the files into a folder that has nothing else under their names.
pub(crate) fn lay_out(state: &StateFolder, mut files: Vec<Packed<'_>>) -> Result<(), CliError> {
    let place = |name: &str| -> PathBuf { state.path().join(name) };
    for (name, file) in files.iter().filter(|(name, _)| !KEYS.contains(&name.as_str())) {
        let path = place(name);
        if private::read(&path)?.is_some_and(|there| there != *file) {
            let why = "it is here already; take an empty state folder".to_owned();
            return Err(CliError::File { path, why });
        }
    }
    files.sort_by_key(|(name, _)| KEYS.iter().position(|key| key == name).map_or(0, |place| place + 1));
    for (name, file) in files {
        let path = place(&name);
        create_private(path.parent().unwrap_or(state.path()))?;
        write_private(&path, file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, StateFolder) {
        let above = tempfile::tempdir().unwrap();
        let state = StateFolder::find(Some(&above.path().join("state"))).unwrap();
        state.create().unwrap();
        for (name, text) in files {
            let path = state.path().join(name);
            create_private(path.parent().unwrap()).unwrap();
            write_private(&path, text.as_bytes()).unwrap();
        }
        (above, state)
    }

    #[test]
    fn what_is_packed_is_laid_out_and_what_stays_stays() {
        let all = [
            ("ledger.sqlite3", "events"),
            ("ledger.sqlite3-wal", "newest"),
            ("ledger.kept", "kept"),
            ("softkeys/1", "key"),
            ("station.pem", "old"),
            ("vault/pins/job-1-1.age", "pin"),
            ("vault/station.key", "identity"),
        ];
        let (_above, from) = folder(&all);
        let text = pack(&from).unwrap();
        let files = unpack(&text).unwrap();
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(
            names,
            ["ledger.sqlite3", "ledger.sqlite3-wal", "station.pem", "vault/pins/job-1-1.age", "vault/station.key"]
        );
        let (_above, to) = folder(&[("station.pem", "new"), ("vault/station.key", "new")]);
        lay_out(&to, files).unwrap();
        // Interrupted, it is done again.
        lay_out(&to, unpack(&text).unwrap()).unwrap();
        for name in names {
            assert_eq!(fs::read(to.path().join(&name)).unwrap(), fs::read(from.path().join(&name)).unwrap(), "{name}");
        }
        // Not over another's ledger.
        let (_above, other) = folder(&[("ledger.sqlite3", "others"), ("station.pem", "new")]);
        assert!(matches!(lay_out(&other, unpack(&text).unwrap()), Err(CliError::File { .. })));
        assert_eq!(fs::read(other.path().join("station.pem")).unwrap(), b"new");
    }

    #[test]
    fn a_text_that_leads_out_of_the_folder_or_is_cut_off_is_refused() {
        let made = |index: &[(&str, u64)], rest: &[u8]| [MAGIC, &postcard::to_stdvec(&index).unwrap(), rest].concat();
        assert!(unpack(&made(&[("a/b", 2)], b"xy")).is_ok());
        for wrong in [
            made(&[("../a", 1)], b"x"),
            made(&[("/etc/a", 1)], b"x"),
            made(&[("a\\b", 1)], b"x"),
            made(&[("", 1)], b"x"),
            made(&[(StateFolder::MOVED, 1)], b"x"),
            made(&[("a", 2)], b"x"),
            made(&[("a", u64::MAX)], b"x"),
            made(&[("a", 1)], b"xy"),
            b"keywright station 2\n".to_vec(),
            MAGIC.to_vec(),
        ] {
            assert!(unpack(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_packed() {
        let (_above, state) = folder(&[("ledger.sqlite3", "events")]);
        std::os::unix::fs::symlink("/etc/passwd", state.path().join("notes")).unwrap();
        assert!(matches!(pack(&state), Err(CliError::File { .. })));
    }
}
