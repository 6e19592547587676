//! A soft key's state file: what the key was built as, what the factory put in, and the firmware's memory.
//!
//! First line `keywright-softkey 1 SHA256`, then JSON over which the SHA-256 is. Written beside and renamed, so that it is
//! whole at any moment, and readable by its owner only. It refuses bytes that are not exactly what was written.

use std::collections::BTreeMap;

use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Model, SOFT_AAGUID, SoftKeyError};
use keywright_files::private;

const FORMAT: u32 = 1;
const MAGIC: &str = "keywright-softkey";

/// Where OpenSK keeps the AAGUID, through resets too.
const AAGUID_ENTRY: usize = opensk::api::persist::keys::AAGUID;

/// Everything that survives a power cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    pub(super) model: Model,
    pub(super) factory: Factory,
    /// OpenSK's store: key number to value.
    pub(super) entries: BTreeMap<usize, Hex>,
}

/// What the key has from its maker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Factory {
    pub(super) batch: Attested,
    pub(super) enterprise: Attested,
}

/// An attestation certificate (DER) and its private key (32 bytes, the P-256 scalar).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attested {
    pub(super) certificate: Hex,
    pub(super) private_key: Hex,
}

/// Bytes, written as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Hex(pub(super) Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = data_encoding::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        HEXLOWER.decode(text.as_bytes()).map(Self)
    }
}

impl From<Hex> for String {
    fn from(hex: Hex) -> Self {
        HEXLOWER.encode(&hex.0)
    }
}

impl Contents {
    /// A key as it leaves the factory.
    pub(super) fn new(model: Model, factory: Factory) -> Self {
        Self { model, factory, entries: BTreeMap::from([(AAGUID_ENTRY, Hex(SOFT_AAGUID.0.to_vec()))]) }
    }

    /// The file's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let body = serde_json::to_string(self).expect("maps of numbers and strings are JSON");
        format!("{MAGIC} {FORMAT} {}\n{body}\n", digest(&body)).into_bytes()
    }

    /// Reads the file's bytes; `path` is for the error.
    pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Self, SoftKeyError> {
        let damaged = |why: &str| SoftKeyError::Damaged { path: path.to_owned(), why: why.to_owned() };
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("not text"))?;
        let (first, body) = text.split_once('\n').ok_or_else(|| damaged("no first line"))?;
        let (format, sum) = first
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.strip_prefix(' ')?.split_once(' '))
            .ok_or_else(|| damaged("the first line is not a soft key's"))?;
        let found: u32 = format.parse().map_err(|_| damaged("no format number"))?;
        if found != FORMAT {
            return Err(SoftKeyError::Newer { path: path.to_owned(), found });
        }
        let body = body.strip_suffix('\n').ok_or_else(|| damaged("the end is missing"))?;
        if digest(body) != sum {
            return Err(damaged("the checksum does not fit"));
        }
        serde_json::from_str(body).map_err(|error| damaged(&error.to_string()))
    }
}

fn digest(body: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(body.as_bytes()))
}

/// Puts bytes in place as a whole, readable by the owner only. A process that is killed leaves the old file or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), SoftKeyError> {
    Ok(private::write(path, bytes)?)
}

/// Names the file in an error of the operating system.
pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> SoftKeyError {
    move |source| SoftKeyError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        let attested = |byte| Attested { certificate: Hex(vec![byte; 3]), private_key: Hex(vec![byte; 32]) };
        let mut contents = Contents::new(Model::default(), Factory { batch: attested(1), enterprise: attested(2) });
        contents.entries.insert(2045, Hex(vec![4, 0xab]));
        contents.entries.insert(2040, Hex(Vec::new()));
        contents
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = contents().encode();
        assert!(bytes.starts_with(b"keywright-softkey 1 "));
        assert_eq!(Contents::decode(&bytes, Path::new("x")).unwrap(), contents());
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed_and_names_the_file() {
        let good = contents().encode();
        let path = Path::new("/rack/soft-07.key");
        for length in 0..good.len() {
            let error = Contents::decode(&good[..length], path).unwrap_err();
            assert!(error.to_string().starts_with("/rack/soft-07.key: "), "{error}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Contents::decode(&bad, path).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_newer_format_is_not_called_damage() {
        let text = String::from_utf8(contents().encode()).unwrap().replacen(" 1 ", " 2 ", 1);
        let error = Contents::decode(text.as_bytes(), Path::new("k")).unwrap_err();
        assert!(matches!(error, SoftKeyError::Newer { found: 2, .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_and_nothing_is_left_beside() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("soft-01.key");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
}
