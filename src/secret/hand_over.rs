//! How a PIN reaches its reader: an age file for each of them, or a printed letter. Showing it once on the terminal is the
//! operator's.
//!
//! It refuses to hand over to nobody, and to write over somebody else's PIN.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use keywright_files::{private, shown};

use super::{Reader, SecretError, printer};
use keywright_fido::ctap::Pin;

/// What stands on the hand-over of one key.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The login.
    pub account: String,
    /// The person's name.
    pub person: String,
    /// Which of the person's keys: 1, 2, ...
    pub ordinal: usize,
    /// The key's label.
    pub label: String,
    /// Whether the person has to choose a new PIN: first of all, or once the key is registered by hand.
    pub force_change: bool,
    /// What has to be done to register the key, where a person has to; empty where it is registered.
    pub register_first: Vec<String>,
    /// Where the ledger ended then (`SIZE:ROOT`), for whoever wants to hold it against that later.
    pub checkpoint: Option<String>,
}

/// Age files for readers: there is one reader at least, and no two share a name.
#[derive(Debug, Clone, Copy)]
pub struct AgeFiles<'a> {
    folder: &'a Path,
    readers: &'a [Reader],
}

impl<'a> AgeFiles<'a> {
    /// Files in this folder. Fails if nobody, or somebody else too, would read them, or if they cannot be sealed to a reader here.
    pub fn new(folder: &'a Path, readers: &'a [Reader]) -> Result<Self, SecretError> {
        if readers.is_empty() {
            return Err(SecretError::NoReader);
        }
        for (at, reader) in readers.iter().enumerate() {
            if readers[..at].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&reader.name)) {
                return Err(SecretError::SameReader(reader.name.clone()));
            }
            reader.recipient.check()?;
        }
        Ok(Self { folder, readers })
    }

    /// Who reads them.
    pub fn readers(&self) -> &'a [Reader] {
        self.readers
    }

    /// Writes `FOLDER/READER/ACCOUNT.ORDINAL.age` for each reader: an age file with a short text that has the PIN. Each file
    /// appears whole or not at all, and the disk has it when this returns. Returns the paths.
    ///
    /// Done again, it writes the same files again. In ACCOUNT, `%` and two hexadecimal digits stand for every byte but lower-case
    /// letters, digits, `@`, `.`, `-`, `_` and `+`, so that two logins never share a file, whatever the file system folds
    /// together. A login that Windows takes for a device, such as `nul`, has its first letter written so.
    pub fn write(&self, delivery: &Delivery, pin: &Pin) -> Result<Vec<PathBuf>, SecretError> {
        self.write_named(&delivery.account, &delivery.ordinal.to_string(), note(delivery, pin).as_bytes())
    }

    /// `what` tells the account's files apart.
    pub(super) fn write_named(&self, account: &str, what: &str, text: &[u8]) -> Result<Vec<PathBuf>, SecretError> {
        let name = format!("{}.{what}.age", file_safe(account));
        let mut paths = Vec::new();
        for reader in self.readers {
            let own = self.folder.join(&reader.name);
            private::make_own_folder(&own)?;
            let path = own.join(&name);
            private::write(&path, &reader.recipient.seal(text)?)?;
            paths.push(path);
        }
        Ok(paths)
    }
}

impl AgeFiles<'_> {
    /// Files of these logins that were written into this folder, for any reader, and are still there.
    pub fn of_accounts<'l>(folder: &Path, logins: impl Iterator<Item = &'l str>) -> Vec<PathBuf> {
        let starts: Vec<String> = logins.map(|login| format!("{}.", file_safe(login))).collect();
        let list = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|one| one.path());
        let is_theirs = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ordinal = starts.iter().find_map(|start| name.strip_prefix(start.as_str())?.strip_suffix(".age"));
            ordinal.is_some_and(|what| what == "pass" || what.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut files: Vec<_> =
            list(folder).flat_map(|reader| list(&reader).filter(is_theirs).collect::<Vec<_>>()).collect();
        files.sort();
        files
    }
}

/// The letter: plain text for A4, 72 columns, with the person's name, the key's label, the PIN, and what to do first.
pub fn letter(delivery: &Delivery, pin: &Pin) -> SecretString {
    // From a slice, so that the secret's own memory is the only copy left.
    SecretString::from(super::letter::write(delivery, pin).as_str())
}

/// A program that prints letters, such as `lp`.
#[derive(Debug, Clone, Copy)]
pub struct LetterProgram<'a> {
    name: &'a str,
    arguments: &'a [String],
}

impl<'a> LetterProgram<'a> {
    /// A program and its arguments. Fails if there is none.
    pub fn new(words: &'a [String]) -> Result<Self, SecretError> {
        let (name, arguments) = words.split_first().ok_or(SecretError::NoLetterProgram)?;
        Ok(Self { name, arguments })
    }

    /// Pipes the letter to it; the letter is never on disk. Fails unless the program ends well, within a minute.
    pub fn print(&self, delivery: &Delivery, pin: &Pin) -> Result<(), SecretError> {
        self.feed(letter(delivery, pin).expose_secret(), pin.expose())
    }

    /// `secret` is in no word of the program's that is repeated.
    pub(super) fn feed(&self, page: &str, secret: &str) -> Result<(), SecretError> {
        printer::feed(self.name, self.arguments, page, &[secret], super::program::LIMIT)
    }

    /// Pipes a page without a secret to it, to see whether it comes out.
    pub fn print_test_page(&self) -> Result<(), SecretError> {
        printer::feed(self.name, self.arguments, super::letter::TEST_PAGE, &[], super::program::LIMIT)
    }
}

/// What a reader's file says.
fn note(delivery: &Delivery, pin: &Pin) -> Zeroizing<String> {
    let mut lines = vec![
        ("Account", one_line(&delivery.account)),
        ("Person", one_line(&delivery.person)),
        ("Key", format!("{}, {}", delivery.ordinal, one_line(&delivery.label))),
    ];
    let steps = delivery.register_first.iter().enumerate();
    lines.extend(steps.map(|(at, step)| ("First", format!("{}. {}", at + 1, one_line(step)))));
    lines.push(match (delivery.register_first.is_empty(), delivery.force_change) {
        (true, true) => ("First", "a new PIN has to be chosen at the first use".to_owned()),
        (true, false) => ("First", "this PIN stays".to_owned()),
        (false, true) => ("Then", "keywright drill confirms it; after that a new PIN has to be chosen".to_owned()),
        (false, false) => ("Then", "keywright drill confirms it; this PIN stays".to_owned()),
    });
    lines.extend(delivery.checkpoint.iter().map(|checkpoint| ("Ledger", checkpoint.clone())));
    // Room for all of it, so that no copy is left behind by growing.
    let mut text =
        Zeroizing::new(String::with_capacity(256 + lines.iter().map(|(_, value)| value.len()).sum::<usize>()));
    for (name, value) in &lines {
        text.push_str(&format!("{name:<9}{value}\n"));
    }
    text.push_str("PIN      ");
    text.push_str(pin.expose());
    text.push('\n');
    text
}

/// A text without hidden characters: what comes from an IdP must not steer a printer. Few printers have U+FFFD.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|char| if shown::is_hidden(char) { '?' } else { char }).collect()
}

/// A login as a file name, at most 200 bytes. Where that is too short, a hash makes it unique.
fn file_safe(account: &str) -> String {
    let mut name = String::new();
    let device = is_device_on_windows(account);
    for byte in account.bytes() {
        let plain = byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@-_+".contains(&byte);
        let first = name.is_empty();
        if (plain && !(first && device)) || (byte == b'.' && !first) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    if name.len() > 200 {
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(account));
        name.truncate(120);
        // No escape is written like this, so it is nobody else's name.
        name.push_str("%~");
        name.push_str(&hash);
    }
    name
}

/// Whether Windows takes a file of this name for a device, whatever its extension
/// (learn.microsoft.com/windows/win32/fileio/naming-a-file).
fn is_device_on_windows(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let numbered = |rest: &str| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit());
    ["con", "prn", "aux", "nul"].contains(&stem)
        || ["com", "lpt"].iter().any(|device| stem.strip_prefix(device).is_some_and(numbered))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Read;

    use age::x25519::Identity;

    use keywright_files::FileError;

    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            account: "alice@example.org".to_owned(),
            person: "Alice Example".to_owned(),
            ordinal: 2,
            label: "Key 2 YubiKey 5 NFC".to_owned(),
            force_change: true,
            register_first: Vec::new(),
            checkpoint: None,
        }
    }

    fn reader(name: &str) -> (Reader, Identity) {
        let identity = Identity::generate();
        (Reader { name: name.to_owned(), recipient: identity.to_public().into() }, identity)
    }

    fn open(path: &Path, identity: &Identity) -> Option<String> {
        let sealed = std::fs::read(path).unwrap();
        let decryptor = age::Decryptor::new_buffered(sealed.as_slice()).unwrap();
        let mut text = String::new();
        decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)).ok()?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn each_reader_gets_a_file_that_nobody_else_opens() {
        let folder = tempfile::tempdir().unwrap();
        let [(lead, lead_key), (desk, desk_key)] = [reader("lead"), reader("desk")];
        let pin = Pin::new("k7mw4xrt").unwrap();
        let out = folder.path().join("out");
        let both = [lead.clone(), desk];
        let paths = AgeFiles::new(&out, &both).unwrap().write(&delivery(), &pin).unwrap();
        assert_eq!(paths, [out.join("lead/alice@example.org.2.age"), out.join("desk/alice@example.org.2.age")]);
        let text = open(&paths[0], &lead_key).unwrap();
        assert!(text.contains("alice@example.org\n") && text.ends_with("PIN      k7mw4xrt\n"), "{text}");
        assert!(text.contains("new PIN has to be chosen"), "{text}");
        assert_eq!(open(&paths[1], &desk_key).unwrap(), text);
        assert_eq!(open(&paths[0], &desk_key), None);

        let changed = Pin::new("c9h3ptw2").unwrap();
        assert_eq!(AgeFiles::new(&out, &[lead]).unwrap().write(&delivery(), &changed).unwrap(), paths[..1]);
        assert!(open(&paths[0], &lead_key).unwrap().contains("c9h3ptw2"));
        assert_eq!(std::fs::read_dir(out.join("lead")).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_key_that_is_not_registered_yet_brings_the_way_to_do_it() {
        let register_first = vec!["Open the\nconsole.".to_owned(), "Add the key.".to_owned()];
        let text = note(&Delivery { register_first, ..delivery() }, &Pin::new("k7mw4xrt").unwrap());
        let wanted =
            "First    1. Open the?console.\nFirst    2. Add the key.\nThen     keywright drill confirms it; after that";
        assert!(text.contains(wanted) && !text.contains("at the first use"), "{}", *text);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let pin = Pin::new("k7mw4xrt").unwrap();
        let (out, readers) = (folder.path().join("out"), [reader("lead").0]);
        let paths = AgeFiles::new(&out, &readers).unwrap().write(&delivery(), &pin).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&paths[0]), mode(paths[0].parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn a_pin_for_nobody_is_not_handed_over() {
        let folder = Path::new("out");
        assert!(matches!(AgeFiles::new(folder, &[]), Err(SecretError::NoReader)));
        let twice = [reader("lead").0, reader("Lead").0];
        assert!(matches!(AgeFiles::new(folder, &twice), Err(SecretError::SameReader(_))));
        assert!(matches!(LetterProgram::new(&[]), Err(SecretError::NoLetterProgram)));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let (readers, pin) = ([reader("lead").0], Pin::new("k7mw4xrt").unwrap());
        let error = AgeFiles::new(&blocked, &readers).unwrap().write(&delivery(), &pin).unwrap_err();
        assert!(matches!(&error, SecretError::File(FileError::Io { path, .. }) if path.ends_with("file")), "{error}");
        assert!(!error.to_string().contains("k7mw"));
    }

    #[test]
    fn no_login_leaves_its_folder_or_shares_a_file() {
        let long = "x".repeat(300);
        let longer = "x".repeat(301);
        let umlauts = "ü".repeat(80);
        let logins = [
            "alice", "Alice", "../alice", "..", ".alice", "a/b", "a\\b", "a:b", "a%2fb", "%~", "a b", "é", "e\u{301}",
            &long, &longer, &umlauts,
        ];
        let names: HashSet<String> = logins.iter().map(|login| file_safe(login)).collect();
        assert_eq!(names.len(), logins.len());
        for name in &names {
            assert!(name.len() <= 200 && !name.starts_with('.') && !name.contains(['/', '\\', ':']), "{name}");
            assert_eq!(name.to_lowercase(), *name);
        }
        assert_eq!(file_safe("alice.b+c@example.org"), "alice.b+c@example.org");
        assert_eq!(file_safe("../Ann"), "%2e.%2f%41nn");
    }

    #[test]
    fn no_login_is_a_device_on_windows() {
        for (login, name) in [
            ("nul", "%6eul"),
            ("con.smith@example.org", "%63on.smith@example.org"),
            ("com1", "%63om1"),
            ("lpt9.x", "%6cpt9.x"),
            ("aux", "%61ux"),
            ("com10", "com10"),
            ("nul@example.org", "nul@example.org"),
            ("null", "null"),
        ] {
            assert_eq!(file_safe(login), name);
        }
    }
}
