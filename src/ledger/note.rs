//! Signed notes (C2SP signed-note v1.0.0): a text, and lines that sign it.
//!
//! Three kinds of keys sign here: Ed25519 (0x01), witnesses that cosign a checkpoint with the time (0x04, C2SP tlog-cosignature),
//! and security keys, whose WebAuthn assertion is a signature of the kind that is open to everybody (0xff and a name).
//! It refuses to say anything of a key that it was not given: lines of others are passed over, as the specification wants.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};

use super::StationKey;
use super::assertion;

/// The longest note that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// The most lines of signatures that are read; the specification wants 16 at least.
const MOST_SIGNATURES: usize = 100;

/// What stands before each signature.
const DASH: &str = "\u{2014} ";

/// What names security keys among the kinds of 0xff.
const SECURITY_KEY: &[u8] = b"\xffkeywright webauthn v1 ";

/// A text and its signatures, none of which has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// With its last line end.
    text: String,
    signatures: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

/// A text that is no signed note, no key of one, or no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct NoteError {
    what: &'static str,
    why: &'static str,
}

impl NoteError {
    pub(super) const fn note(why: &'static str) -> Self {
        Self { what: "this is no signed note", why }
    }

    pub(super) const fn checkpoint(why: &'static str) -> Self {
        Self { what: "this is no checkpoint", why }
    }

    const fn key(why: &'static str) -> Self {
        Self { what: "this is no key that verifies notes (NAME+ID+BASE64)", why }
    }
}

impl Note {
    /// An unsigned text. It ends in a line end, has no other control characters, and no empty line at its end.
    pub fn new(text: String) -> Result<Self, NoteError> {
        let allowed = |char: char| char == '\n' || !char.is_ascii_control();
        if text.len() > LONGEST || !text.ends_with('\n') || text.ends_with("\n\n") || !text.chars().all(allowed) {
            return Err(NoteError::note("its text does not end as one does, or has control characters"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// What is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Signs with the station's key, under this name.
    pub fn sign(&mut self, name: &str, key: &StationKey) {
        let verifier = NoteKey { name: name.to_owned(), kind: KeyKind::Ed25519(key.public()) };
        self.add(&verifier, key.sign(self.text.as_bytes()).to_vec());
    }

    /// Adds a signature that somebody else made with this key. One that is there stays as it is.
    pub fn add(&mut self, key: &NoteKey, signature: Vec<u8>) {
        let line = Line { name: key.name.clone(), key_id: key.id(), signature };
        if !self.signatures.contains(&line) {
            self.signatures.push(line);
        }
    }

    /// Takes over the signatures of another note with the same text; false if its text is another.
    pub fn merge(&mut self, other: Self) -> bool {
        let same = other.text == self.text;
        if same {
            let new = other.signatures.into_iter().filter(|line| !self.signatures.contains(line)).collect::<Vec<_>>();
            self.signatures.extend(new);
        }
        same
    }

    /// Takes over what this key signed of the same text; false, and nothing changes, if it did not, or not well.
    pub fn take(&mut self, other: &Self, key: &NoteKey) -> bool {
        let good = other.text == self.text && other.signed_by(key) > Signed::Forged;
        if good {
            let id = key.id();
            for line in other.signatures.iter().filter(|line| line.name == key.name && line.key_id == id) {
                self.add(key, line.signature.clone());
            }
        }
        good
    }

    /// Whether, and how, this key signed it. One signature that is not what it claims to be spoils the others.
    pub fn signed_by(&self, key: &NoteKey) -> Signed {
        let id = key.id();
        let of_key = |line: &&Line| line.name == key.name && line.key_id == id;
        let found: Vec<_> =
            self.signatures.iter().filter(of_key).map(|line| key.check(&self.text, &line.signature)).collect();
        match found.contains(&Signed::Forged) {
            true => Signed::Forged,
            false => found.into_iter().max().unwrap_or(Signed::No),
        }
    }
}

/// What a note says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signed {
    /// It has no signature of this key.
    No,
    /// It has a signature that claims to be this key's, and is not.
    Forged,
    /// Signed.
    Yes,
    /// Signed at this time, in seconds since 1970, as the signer says.
    At(u64),
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > LONGEST {
            return Err(NoteError::note("it is longer than a mebibyte"));
        }
        // The text may have empty lines; the last one separates.
        let (text, lines) =
            note.rsplit_once("\n\n").ok_or(NoteError::note("it has no empty line before signatures"))?;
        let mut note = Self::new(format!("{text}\n"))?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::note("its last line has no end"))?;
        for line in lines.split('\n') {
            if note.signatures.len() == MOST_SIGNATURES {
                return Err(NoteError::note("it has more than 100 signatures"));
            }
            note.signatures
                .push(Line::read(line).ok_or(NoteError::note("a line after the empty one is no signature"))?);
        }
        Ok(note)
    }
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
        let signature = BASE64.decode(signature.as_bytes()).ok()?;
        let (key_id, signature) = signature.split_first_chunk()?;
        is_name(name).then(|| Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for Line { name, key_id, signature } in &self.signatures {
            writeln!(f, "{DASH}{name} {}", BASE64.encode(&[&key_id[..], signature].concat()))?;
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|char: char| char.is_whitespace() || char == '+' || char.is_control())
}

/// A key that verifies notes. Written as `NAME+ID+BASE64` (a vkey in the specification).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    kind: KeyKind,
}

/// What a key signs, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// The text.
    Ed25519([u8; 32]),
    /// The text and the time.
    Cosigner([u8; 32]),
    /// An assertion over the text's SHA-256.
    SecurityKey(assertion::SecurityKey),
}

impl NoteKey {
    /// Fails if the name has blanks or a plus sign.
    pub fn new(name: &str, kind: KeyKind) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::key("the name is empty, or has blanks or a plus sign"));
        }
        Ok(Self { name: name.to_owned(), kind })
    }

    /// The station's key under this name.
    pub fn of_station(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, KeyKind::Ed25519(public))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind.
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// What a signature's line names it by, with the name.
    fn id(&self) -> [u8; 4] {
        let hash = Sha256::digest([self.name.as_bytes(), b"\n", &self.material()].concat());
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// The kind's byte, and the public key.
    fn material(&self) -> Vec<u8> {
        match &self.kind {
            KeyKind::Ed25519(public) => [&[0x01][..], public].concat(),
            KeyKind::Cosigner(public) => [&[0x04][..], public].concat(),
            KeyKind::SecurityKey(key) => [SECURITY_KEY, &key.to_bytes()].concat(),
        }
    }

    fn check(&self, text: &str, signature: &[u8]) -> Signed {
        let ed25519 = |public: &[u8; 32], message: &[u8], signature: &[u8]| {
            UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
        };
        match &self.kind {
            KeyKind::Ed25519(public) if ed25519(public, text.as_bytes(), signature) => Signed::Yes,
            KeyKind::Cosigner(public) => match signature.split_first_chunk() {
                Some((time, signature)) => {
                    let time = u64::from_be_bytes(*time);
                    let message = format!("cosignature/v1\ntime {time}\n{text}");
                    let good = i64::try_from(time).is_ok() && ed25519(public, message.as_bytes(), signature);
                    if good { Signed::At(time) } else { Signed::Forged }
                }
                None => Signed::Forged,
            },
            KeyKind::SecurityKey(key) if key.verifies(text, signature) => Signed::Yes,
            KeyKind::Ed25519(_) | KeyKind::SecurityKey(_) => Signed::Forged,
        }
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id()), BASE64.encode(&self.material()))
    }
}

impl FromStr for NoteKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let read = || {
            let (name, rest) = text.split_once('+')?;
            let (id, material) = rest.split_once('+')?;
            Some((name, HEXLOWER.decode(id.as_bytes()).ok()?, BASE64.decode(material.as_bytes()).ok()?))
        };
        let (name, id, material) = read().ok_or(NoteError::key("it has not these three parts"))?;
        let ed25519 = |public: &[u8]| public.try_into().map_err(|_| NoteError::key("the key has not 32 bytes"));
        let kind = match &material[..] {
            [0x01, public @ ..] => KeyKind::Ed25519(ed25519(public)?),
            [0x04, public @ ..] => KeyKind::Cosigner(ed25519(public)?),
            other => match other.strip_prefix(SECURITY_KEY).map(assertion::SecurityKey::from_bytes) {
                Some(Some(key)) => KeyKind::SecurityKey(key),
                Some(None) => return Err(NoteError::key("the public key in it cannot be read")),
                None => return Err(NoteError::key("keys of this kind are not known here")),
            },
        };
        let key = Self::new(name, kind)?;
        if key.id()[..] == id[..] { Ok(key) } else { Err(NoteError::key("its ID is another key's")) }
    }
}

impl serde::Serialize for NoteKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for NoteKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
