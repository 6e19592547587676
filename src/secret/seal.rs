//! Working copies of PINs, sealed with age to this station and to every reader, so that no PIN is ever known to a key alone. Where
//! several stations share a register, a copy can be sealed to the others too and kept where they find it.
//!
//! It refuses to write before everything is sealed, to go on with an identity that others can read, and to open a copy for
//! another key than it was sealed for: two files of the vault that change places are found out. The identity itself is as safe
//! as the account that runs keywright; it opens working copies of unfinished jobs, and nothing else.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use age::x25519::{self, Identity};
use data_encoding::HEXLOWER;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use keywright_files::{FileError, private, text};

use super::{Reader, Recipient, SecretError};
use keywright_fido::ctap::Pin;

/// The name of a working copy in the vault: the job it belongs to. 1 to 100 letters, digits, dashes and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SealedPin(pub String);

/// Whose PIN a working copy is. It is sealed with the PIN, and held against whose PIN is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinOwner {
    /// What names the ledger.
    pub ledger: String,
    /// The job's number there.
    pub job: u64,
    /// Which of the PINs that were drawn for the job: 1, 2, ...
    pub attempt: usize,
    /// The account.
    pub account: String,
    /// What the key is recognised by.
    pub key: String,
}

/// What is in a working copy: JSON. In versions before 0.2 it was the PIN alone.
#[derive(serde::Serialize, serde::Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    ledger: Cow<'a, str>,
    job: u64,
    attempt: usize,
    #[serde(borrow)]
    account: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    pin: Cow<'a, str>,
}

impl<'a> Content<'a> {
    fn new(owner: &'a PinOwner, pin: &'a Pin) -> Self {
        let PinOwner { ledger, job, attempt, account, key } = owner;
        Self {
            ledger: ledger.into(),
            job: *job,
            attempt: *attempt,
            account: account.into(),
            key: key.into(),
            pin: pin.expose().into(),
        }
    }

    fn belongs_to(&self, owner: &PinOwner) -> bool {
        (&*self.ledger, self.job, self.attempt) == (&*owner.ledger, owner.job, owner.attempt)
            && (&*self.account, &*self.key) == (&*owner.account, &*owner.key)
    }
}

/// The longest working copy that is opened, in bytes.
const LONGEST_CONTENT: usize = 16 * 1024;

/// The longest file of identities that is read, in bytes.
const LONGEST_IDENTITIES: usize = 16 * 1024;

/// Where other stations find working copies that were sealed to them too. The same age files as in the vault, by name and SHA-256.
/// Errors are in words.
pub trait SharedCopies: Send + Sync {
    /// Keeps one. To keep the same again changes nothing.
    fn keep(&self, name: &SealedPin, sha256: &str, sealed: &[u8]) -> Result<(), String>;
    /// One that is kept.
    fn find(&self, name: &SealedPin, sha256: &str) -> Result<Option<Vec<u8>>, String>;
    /// Destroys all of this name.
    fn destroy(&self, name: &SealedPin) -> Result<(), String>;
}

/// The other stations, and where they find copies.
struct Shared {
    copies: Box<dyn SharedCopies>,
    stations: Vec<x25519::Recipient>,
}

/// A folder of working copies (`pins/NAME.age`, 0600) and the identity that opens them (`station.key`, 0600).
pub struct Vault {
    pins: PathBuf,
    identity: Identity,
    shared: Option<Shared>,
}

impl Vault {
    /// Opens the vault in a folder; makes folder (0700) and identity if they are missing.
    ///
    /// Fails if others can read the identity, or if it is missing while there are working copies that only it opens.
    pub fn open(folder: &Path) -> Result<Self, SecretError> {
        let pins = folder.join("pins");
        private::make_own_folder(folder)?;
        private::make_own_folder(&pins)?;
        let path = folder.join("station.key");
        if private::open(&path)?.is_none() {
            if !names(&pins)?.is_empty() {
                return Err(SecretError::IdentityLost { path: path.display().to_string() });
            }
            // Another process may be faster; then its identity is the station's.
            private::write_new(&path, identity_file(&Identity::generate()).as_bytes())?;
        }
        let open =
            private::open(&path)?.ok_or_else(|| SecretError::IdentityLost { path: path.display().to_string() })?;
        Ok(Self { pins, identity: read_identities(&path, open)?.swap_remove(0), shared: None })
    }

    /// The same, which looks for copies where other stations keep theirs too. What it seals, it seals to these stations and keeps
    /// there; to nobody else, and nowhere else, if there are none.
    #[must_use]
    pub fn sharing(self, copies: Box<dyn SharedCopies>, stations: Vec<x25519::Recipient>) -> Self {
        Self { shared: Some(Shared { copies, stations }), ..self }
    }

    /// Whom other stations name to have PINs sealed to this one.
    pub fn recipient(&self) -> x25519::Recipient {
        self.identity.to_public()
    }

    /// Seals a PIN. When this returns, the disk has it (file and folder are synced). Overwrites an older copy of that name.
    /// Returns the file's SHA-256, in hexadecimal.
    pub fn seal(
        &self,
        name: &SealedPin,
        owner: &PinOwner,
        pin: &Pin,
        readers: &[Reader],
    ) -> Result<String, SecretError> {
        let path = self.path(name)?;
        let station = self.recipient();
        let stations = self.shared.iter().flat_map(|shared| shared.stations.iter().cloned());
        // No other program hears of a PIN before a key has it, so readers whose keys only a plugin knows open no working copy.
        let own = |reader: &'_ Reader| match &reader.recipient {
            Recipient::X25519(recipient) => Some(recipient.clone()),
            Recipient::OfProgram(_) => None,
        };
        let recipients: Vec<_> =
            std::iter::once(station).chain(stations).chain(readers.iter().filter_map(own)).collect();
        // Room for all of it, so that no copy is left behind by growing.
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST_CONTENT));
        serde_json::to_writer(&mut *text, &Content::new(owner, pin))
            .map_err(|error| private::at(&path)(error.into()))?;
        let sealed = seal(recipients.iter(), &text);
        private::write(&path, &sealed)?;
        let sha256 = HEXLOWER.encode(&Sha256::digest(&sealed));
        if let Some(shared) = self.shared.as_ref().filter(|shared| !shared.stations.is_empty()) {
            shared.copies.keep(name, &sha256, &sealed).map_err(SecretError::Shared)?;
        }
        Ok(sha256)
    }

    /// Opens a working copy that was sealed for this owner, in the file of this SHA-256; `None` if there is none. Any other is
    /// refused ([`SecretError::AnotherPin`]).
    pub fn unseal(&self, name: &SealedPin, owner: &PinOwner, sha256: &str) -> Result<Option<Pin>, SecretError> {
        let path = self.path(name)?;
        let found = match (private::read(&path)?, &self.shared) {
            (None, Some(shared)) => shared.copies.find(name, sha256).map_err(SecretError::Shared)?,
            (here, _) => here,
        };
        let Some(sealed) = found else { return Ok(None) };
        let another = || SecretError::AnotherPin { path: path.display().to_string() };
        if HEXLOWER.encode(&Sha256::digest(&sealed)) != sha256 {
            return Err(another());
        }
        let unsealable = |why: String| SecretError::Unsealable { path: path.display().to_string(), why };
        let text = self.opened(name, &sealed).map_err(unsealable)?;
        let content: Content<'_> =
            serde_json::from_slice(&text).map_err(|_| unsealable("there is no PIN in it".to_owned()))?;
        if !content.belongs_to(owner) {
            return Err(another());
        }
        Pin::new(&content.pin).map(Some).map_err(|_| unsealable("there is no PIN in it".to_owned()))
    }

    /// Opens a working copy of a ledger that has no SHA-256 of it, as versions before 0.2 wrote them; `None` if there is none.
    pub fn unseal_unbound(&self, name: &SealedPin) -> Result<Option<Pin>, SecretError> {
        let path = self.path(name)?;
        let Some(sealed) = private::read(&path)? else { return Ok(None) };
        let unsealable = |why: String| SecretError::Unsealable { path: path.display().to_string(), why };
        let text = self.opened(name, &sealed).map_err(unsealable)?;
        let pin = std::str::from_utf8(&text).ok().and_then(|text| Pin::new(text).ok());
        pin.map(Some).ok_or_else(|| unsealable("there is no PIN in it".to_owned()))
    }

    /// Destroys a working copy, also where other stations find it; nothing happens if there is none.
    ///
    /// The file is removed and the disk knows it when this returns. It is not overwritten first: on flash and on file systems
    /// that copy on write that reaches other blocks, and what stays behind is sealed.
    pub fn destroy(&self, name: &SealedPin) -> Result<(), SecretError> {
        let path = self.path(name)?;
        // The one that others find goes first: as long as one is left, this is done again.
        if let Some(shared) = &self.shared {
            shared.copies.destroy(name).map_err(SecretError::Shared)?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(private::at(&path)(error).into()),
            // Synced in either case: an earlier call may have been cut off between removing and syncing.
            _ => Ok(private::sync_folder(&self.pins)?),
        }
    }

    /// Takes a working copy of this SHA-256 in that another station sealed to this one: from now on it is here too. Nothing happens if
    /// one of that name is here, or none is anywhere.
    pub fn take_in(&self, name: &SealedPin, sha256: &str) -> Result<(), SecretError> {
        let path = self.path(name)?;
        let Some(shared) = self.shared.as_ref().filter(|_| !path.exists()) else { return Ok(()) };
        match shared.copies.find(name, sha256).map_err(SecretError::Shared)? {
            Some(sealed) if HEXLOWER.encode(&Sha256::digest(&sealed)) == sha256 => Ok(private::write(&path, &sealed)?),
            Some(_) => Err(SecretError::AnotherPin { path: path.display().to_string() }),
            None => Ok(()),
        }
    }

    /// Whether the working copy of this name that is here is the file of this SHA-256.
    pub fn has(&self, name: &SealedPin, sha256: &str) -> Result<bool, SecretError> {
        let sealed = private::read(&self.path(name)?)?;
        Ok(sealed.is_some_and(|sealed| HEXLOWER.encode(&Sha256::digest(&sealed)) == sha256))
    }

    /// The text of another age file that was sealed to this station; in words why it does not open.
    pub(crate) fn open_sealed(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        unseal(&self.identity, sealed, sealed.len())
    }

    /// The working copies that are there, sorted.
    pub fn list(&self) -> Result<Vec<SealedPin>, SecretError> {
        names(&self.pins)
    }

    /// The content of a working copy. The log tells that it was opened, so that it can be seen how often one is.
    fn opened(&self, name: &SealedPin, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        tracing::debug!(name = name.0, "a sealed PIN is opened");
        unseal(&self.identity, sealed, LONGEST_CONTENT)
    }

    fn path(&self, name: &SealedPin) -> Result<PathBuf, SecretError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=100).contains(&name.0.len()) || !name.0.bytes().all(allowed) {
            return Err(SecretError::Name(name.0.clone()));
        }
        Ok(self.pins.join(format!("{}.age", name.0)))
    }
}

fn names(pins: &Path) -> Result<Vec<SealedPin>, SecretError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(pins).map_err(private::at(pins))? {
        let name = entry.map_err(private::at(pins))?.file_name();
        // What was being written during a crash begins with a dot.
        if let Some(name) =
            name.to_str().and_then(|name| name.strip_suffix(".age")).filter(|name| !name.starts_with('.'))
        {
            names.push(SealedPin(name.to_owned()));
        }
    }
    names.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(names)
}

/// The identity as `age-keygen` writes it, so that `age --decrypt --identity station.key` opens working copies.
fn identity_file(identity: &Identity) -> Zeroizing<String> {
    // Room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(256));
    text.push_str(&format!("# public key: {}\n", identity.to_public()));
    text.push_str(identity.to_string().expose_secret());
    text.push('\n');
    text
}

/// The identities of a file that only its owner can read, one at least; lines that begin with `#` are comments.
pub(super) fn read_identities(path: &Path, open: File) -> Result<Vec<Identity>, SecretError> {
    let wrong = |why: &str| SecretError::File(FileError::Io { path: path.display().to_string(), why: why.to_owned() });
    private::refuse_if_others_can_read(path, &open.metadata().map_err(private::at(path))?)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_IDENTITIES));
    open.take(LONGEST_IDENTITIES as u64).read_to_end(&mut bytes).map_err(private::at(path))?;
    let text = Zeroizing::new(text::decode(&bytes).map_err(|error| wrong(&error.to_string()))?.into_owned());
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.is_empty());
    let identities: Result<Vec<Identity>, _> = lines.map(str::parse).collect();
    identities
        .ok()
        .filter(|all| !all.is_empty())
        .ok_or_else(|| wrong("this is not an age identity (AGE-SECRET-KEY-1...)"))
}

/// An age file that each of these recipients opens. There has to be one at least.
pub(crate) fn seal<'a>(recipients: impl Iterator<Item = &'a x25519::Recipient>, text: &[u8]) -> Vec<u8> {
    let recipients = recipients.map(|recipient| recipient as &dyn age::Recipient);
    let mut sealed = Vec::new();
    let written = age::Encryptor::with_recipients(recipients).map_err(std::io::Error::other).and_then(|encryptor| {
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(text)?;
        writer.finish()
    });
    written.expect("sealing to X25519 recipients in memory does not fail");
    sealed
}

/// The text of an age file, up to so many bytes.
fn unseal(identity: &Identity, sealed: &[u8], longest: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let decryptor = age::Decryptor::new_buffered(sealed).map_err(|error| error.to_string())?;
    let reader =
        decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)).map_err(|error| error.to_string())?;
    // Room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(Vec::with_capacity(longest.saturating_add(1)));
    reader.take(longest as u64).read_to_end(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use super::*;

    fn named(name: &str) -> SealedPin {
        SealedPin(name.to_owned())
    }

    fn pin(text: &str) -> Pin {
        Pin::new(text).unwrap()
    }

    fn owner(job: u64) -> PinOwner {
        PinOwner {
            ledger: "00".to_owned(),
            job,
            attempt: 1,
            account: "ada at \"corp\"".to_owned(),
            key: "print".to_owned(),
        }
    }

    #[test]
    fn a_sealed_pin_opens_again_also_in_a_later_run() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state/vault");
        let vault = Vault::open(&place).unwrap();
        let seal =
            |job: u64, text: &str| vault.seal(&named(&format!("job-{job}")), &owner(job), &pin(text), &[]).unwrap();
        let first = seal(1, "k7mw4xrt");
        assert!(vault.unseal(&named("job-3"), &owner(3), &first).unwrap().is_none());
        let (second, other) = (seal(1, "c9h\"3ptw2"), seal(2, &"\u{1f511}".repeat(15)));
        drop(vault);

        let vault = Vault::open(&place).unwrap();
        assert_eq!(vault.unseal(&named("job-1"), &owner(1), &second).unwrap().unwrap().expose(), "c9h\"3ptw2");
        assert_eq!(vault.unseal(&named("job-2"), &owner(2), &other).unwrap().unwrap().code_points(), 15);
        assert_eq!(vault.list().unwrap(), [named("job-1"), named("job-2")]);
    }

    #[test]
    fn a_copy_in_anothers_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let seal = |job: u64| vault.seal(&named(&format!("job-{job}")), &owner(job), &pin("k7mw4xrt"), &[]).unwrap();
        let (one, other) = (seal(1), seal(2));
        fs::copy(folder.path().join("pins/job-2.age"), folder.path().join("pins/job-1.age")).unwrap();
        for sha256 in [&one, &other] {
            // Whoever changed the ledger's word of it too has not changed whose it is.
            let refused = vault.unseal(&named("job-1"), &owner(1), sha256);
            assert!(matches!(refused, Err(SecretError::AnotherPin { .. })), "{sha256}");
        }
        for another in [
            PinOwner { ledger: "01".to_owned(), ..owner(2) },
            PinOwner { attempt: 2, ..owner(2) },
            PinOwner { account: "eve".to_owned(), ..owner(2) },
            PinOwner { key: "another".to_owned(), ..owner(2) },
        ] {
            assert!(vault.unseal(&named("job-2"), &another, &other).is_err(), "{another:?}");
        }
        assert!(vault.unseal(&named("job-2"), &owner(2), &other).unwrap().is_some());
    }

    #[test]
    fn a_copy_of_version_0_1_opens() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let sealed = seal(std::iter::once(&vault.identity.to_public()), b"k7mw4xrt");
        fs::write(folder.path().join("pins/job-1-1.age"), sealed).unwrap();
        assert_eq!(vault.unseal_unbound(&named("job-1-1")).unwrap().unwrap().expose(), "k7mw4xrt");
        assert!(vault.unseal_unbound(&named("job-2-1")).unwrap().is_none());
    }

    #[test]
    fn a_destroyed_pin_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        vault.seal(&named("job-1"), &owner(1), &pin("k7mw4xrt"), &[]).unwrap();
        vault.destroy(&named("job-1")).unwrap();
        vault.destroy(&named("job-1")).unwrap();
        assert!(vault.unseal(&named("job-1"), &owner(1), "").unwrap().is_none());
        assert!(vault.list().unwrap().is_empty());
    }

    #[test]
    fn readers_open_it_with_their_own_identity_and_strangers_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let [lead, stranger] = [Identity::generate(), Identity::generate()];
        let reader = Reader { name: "lead".to_owned(), recipient: lead.to_public().into() };
        vault.seal(&named("job-1"), &owner(1), &pin("k7mw4xrt"), &[reader]).unwrap();
        let sealed = fs::read(folder.path().join("pins/job-1.age")).unwrap();
        assert!(
            std::str::from_utf8(&unseal(&lead, &sealed, LONGEST_CONTENT).unwrap())
                .unwrap()
                .ends_with(r#""pin":"k7mw4xrt"}"#)
        );
        assert!(unseal(&stranger, &sealed, LONGEST_CONTENT).is_err());
        assert!(!sealed.windows(4).any(|window| window == b"k7mw"));
    }

    /// Files by name and SHA-256.
    type Copies = BTreeMap<(String, String), Vec<u8>>;

    /// What stations find, in memory.
    #[derive(Clone, Default)]
    struct Shelf(Arc<Mutex<Copies>>);

    impl SharedCopies for Shelf {
        fn keep(&self, name: &SealedPin, sha256: &str, sealed: &[u8]) -> Result<(), String> {
            self.0.lock().unwrap().insert((name.0.clone(), sha256.to_owned()), sealed.to_vec());
            Ok(())
        }

        fn find(&self, name: &SealedPin, sha256: &str) -> Result<Option<Vec<u8>>, String> {
            Ok(self.0.lock().unwrap().get(&(name.0.clone(), sha256.to_owned())).cloned())
        }

        fn destroy(&self, name: &SealedPin) -> Result<(), String> {
            self.0.lock().unwrap().retain(|(known, _), _| *known != name.0);
            Ok(())
        }
    }

    #[test]
    fn a_copy_opens_at_the_stations_that_were_named_and_at_no_other() {
        let [a, b, c] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let shelf = Shelf::default();
        let open = |folder: &tempfile::TempDir, stations: Vec<x25519::Recipient>| {
            Vault::open(folder.path()).unwrap().sharing(Box::new(shelf.clone()), stations)
        };
        let (b, c) = (open(&b, Vec::new()), open(&c, Vec::new()));
        let a = open(&a, vec![b.recipient()]);
        let sha256 = a.seal(&named("job-1-1"), &owner(1), &pin("k7mw4xrt"), &[]).unwrap();
        assert_eq!(b.unseal(&named("job-1-1"), &owner(1), &sha256).unwrap().unwrap().expose(), "k7mw4xrt");
        assert!(matches!(b.unseal(&named("job-1-1"), &owner(2), &sha256), Err(SecretError::AnotherPin { .. })));
        assert!(b.unseal(&named("job-1-1"), &owner(1), "another").unwrap().is_none());
        let refused = c.unseal(&named("job-1-1"), &owner(1), &sha256);
        assert!(matches!(refused, Err(SecretError::Unsealable { .. })));
        b.take_in(&named("job-1-1"), &sha256).unwrap();
        assert!(b.has(&named("job-1-1"), &sha256).unwrap());
        fs::remove_file(b.path(&named("job-1-1")).unwrap()).unwrap();
        // A file that took its place.
        shelf.keep(&named("job-1-1"), &sha256, b"another").unwrap();
        let refused = b.unseal(&named("job-1-1"), &owner(1), &sha256);
        assert!(matches!(refused, Err(SecretError::AnotherPin { .. })));
        assert!(b.take_in(&named("job-1-1"), &sha256).is_err() && b.list().unwrap().is_empty());
        assert!(a.has(&named("job-1-1"), &sha256).unwrap() && !a.has(&named("job-1-1"), "another").unwrap());
        // Whoever is done first takes the one that others find; the station that sealed it has its own until it is told.
        b.destroy(&named("job-1-1")).unwrap();
        assert!(b.unseal(&named("job-1-1"), &owner(1), &sha256).unwrap().is_none());
        assert!(a.unseal(&named("job-1-1"), &owner(1), &sha256).unwrap().is_some());
        // Nothing is kept for others where nobody was named.
        b.seal(&named("job-2-1"), &owner(2), &pin("k7mw4xrt"), &[]).unwrap();
        assert!(shelf.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_damaged_or_foreign_copy_is_told_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let path = folder.path().join("pins/job-1.age");
        vault.seal(&named("job-1"), &owner(1), &pin("k7mw4xrt"), &[]).unwrap();
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        let foreign = seal(std::iter::once(&Identity::generate().to_public()), b"k7mw4xrt");
        let no_pin = seal(std::iter::once(&vault.identity.to_public()), b"{}");
        for wrong in [&whole[..whole.len() - 1], &whole[..40], &[], &changed, &foreign, &no_pin] {
            fs::write(&path, wrong).unwrap();
            let sha256 = HEXLOWER.encode(&Sha256::digest(wrong));
            let error = vault.unseal(&named("job-1"), &owner(1), &sha256).unwrap_err();
            assert!(matches!(&error, SecretError::Unsealable { path, .. } if path.ends_with("job-1.age")), "{error}");
        }
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_vault() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        for name in ["", "../station", "a/b", "a.b", ".", "a\\b"] {
            assert!(
                matches!(vault.seal(&named(name), &owner(1), &pin("4719"), &[]), Err(SecretError::Name(_))),
                "{name}"
            );
            assert!(vault.destroy(&named(name)).is_err() && vault.unseal_unbound(&named(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn what_a_crash_left_behind_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        fs::write(folder.path().join("pins/.new-Ab3"), "half").unwrap();
        assert!(vault.list().unwrap().is_empty());
    }

    #[test]
    fn a_lost_identity_is_not_replaced_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("station.key");
        Vault::open(folder.path()).unwrap().seal(&named("job-1"), &owner(1), &pin("k7mw4xrt"), &[]).unwrap();
        fs::remove_file(&key).unwrap();
        assert!(matches!(Vault::open(folder.path()), Err(SecretError::IdentityLost { .. })));
        assert!(!key.exists());
        fs::write(&key, "not a key").unwrap();
        #[cfg(unix)]
        fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let Err(error) = Vault::open(folder.path()) else { panic!("opened") };
        assert!(error.to_string().contains("not an age identity"), "{error}");
    }

    #[test]
    fn stations_that_start_at_once_agree_on_one_identity() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Vault::open(folder.path()).unwrap())).collect();
            let vaults: Vec<Vault> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            let station = vaults[0].identity.to_public();
            assert!(vaults.iter().all(|vault| vault.identity.to_public() == station));
        });
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("vault");
        let vault = Vault::open(&place).unwrap();
        vault.seal(&named("job-1"), &owner(1), &pin("k7mw4xrt"), &[]).unwrap();
        let mode = |path: &str| fs::metadata(place.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(""), mode("pins"), mode("station.key"), mode("pins/job-1.age")], [0o700, 0o700, 0o600, 0o600]);
        fs::set_permissions(place.join("station.key"), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Vault::open(&place), Err(SecretError::File(FileError::InsecurePermissions { .. }))));
    }
}
