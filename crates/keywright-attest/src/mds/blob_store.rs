//! A folder that keeps the BLOB in use, and the one before it.
//!
//! `current.json` names them and changes in one piece; a run that is cut off leaves the old one in use. Never goes back to an
//! older number. Beside each BLOB lies its cache, which is rebuilt whenever it does not fit.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{Date, OffsetDateTime};

use super::{Blob, MdsError, Metadata, MetadataId, cache, payload};
use keywright_files::FileError;
use keywright_files::private;

/// A folder of metadata. It may not exist yet.
#[derive(Debug, Clone)]
pub struct BlobStore(PathBuf);

/// What is known of a stored BLOB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Number, hash, and whether it is signed.
    #[serde(flatten)]
    pub id: MetadataId,
    /// The day by which FIDO will have published a newer one.
    pub next_update: Date,
    /// When it was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub stored: OffsetDateTime,
    /// The file or the address that it came from.
    pub source: String,
}

/// `current.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Index {
    current: Option<Record>,
    previous: Option<Record>,
    /// The highest number of a signed BLOB that was ever here.
    highest_signed: u64,
}

/// What became of a BLOB that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is in use now.
    New {
        /// It.
        record: Record,
        /// The one that was in use before.
        replaced: Option<Record>,
    },
    /// It was in use already.
    Same(Record),
}

impl BlobStore {
    /// Names a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Stores a BLOB and puts it to use. Errors: its number is lower than one that was signed, or than the one in use if that
    /// one would be replaced by an unsigned one.
    pub fn store(&self, blob: &Blob, source: &str, at: OffsetDateTime) -> Result<(Metadata, Stored), MdsError> {
        let metadata = Metadata::read(blob)?;
        let index = self.index()?;
        let id = metadata.id.clone();
        let in_use = index.current.as_ref().map_or(0, |record| record.id.no);
        let least = if id.signed { index.highest_signed } else { index.highest_signed.max(in_use) };
        if id.no < least {
            return Err(MdsError::RollBack { offered: id.no, stored: least });
        }
        let same = index.current.clone().filter(|record| record.id == id);
        if let Some(record) = same.filter(|record| self.read_blob(record).is_ok()) {
            return Ok((metadata, Stored::Same(record)));
        }
        let record = Record { id, next_update: metadata.next_update(), stored: at, source: source.to_owned() };
        let highest_signed = if record.id.signed { record.id.no } else { index.highest_signed };
        let replaced = index.current;
        private::make_folder(&self.0).map_err(|error| file_error(&self.0, error))?;
        write(&self.blob_file(&record), blob.bytes())?;
        self.write_cache(&record, &metadata)?;
        let now = Index { current: Some(record.clone()), previous: replaced.clone(), highest_signed };
        write(&self.index_file(), &serde_json::to_vec_pretty(&now).expect("an index is plain JSON"))?;
        // The one before the previous is of no use any more; where it stays, it does no harm.
        let needed = [Some(&record), replaced.as_ref()].map(|record| record.map(stem));
        for old in index.previous.iter().filter(|old| !needed.contains(&Some(stem(old)))) {
            let _ = std::fs::remove_file(self.blob_file(old));
            let _ = std::fs::remove_file(self.cache_file(old));
        }
        Ok((metadata, Stored::New { record, replaced }))
    }

    /// The metadata in use, if there is any.
    pub fn load(&self) -> Result<Option<(Metadata, Record)>, MdsError> {
        self.index()?.current.map(|record| self.open(record)).transpose()
    }

    /// The metadata that was in use before, if it is still there.
    pub fn load_previous(&self) -> Result<Option<(Metadata, Record)>, MdsError> {
        self.index()?.previous.map(|record| self.open(record)).transpose()
    }

    /// A model's entry in the BLOB in use, as it came: JSON.
    pub fn entry(&self, aaguid: keywright_fido::webauthn::Aaguid) -> Result<Option<serde_json::Value>, MdsError> {
        let Some(record) = self.index()?.current else { return Ok(None) };
        let blob = Blob::unsigned(self.read_blob(&record)?.0)?;
        Ok(payload::entry_of(blob.payload(), &aaguid.to_string())
            .and_then(|json| serde_json::from_str(json.get()).ok()))
    }

    fn open(&self, record: Record) -> Result<(Metadata, Record), MdsError> {
        let (bytes, sha256) = self.read_blob(&record)?;
        let cached = std::fs::read(self.cache_file(&record)).ok().and_then(|cache| cache::read(&sha256, &cache));
        if let Some(contents) = cached {
            return Ok((Metadata::new(record.id.clone(), contents), record));
        }
        let contents = payload::read(Blob::unsigned(bytes)?.payload())?;
        let metadata = Metadata::new(record.id.clone(), contents);
        // A folder that cannot be written to costs time at the next start, and nothing else.
        let _ = self.write_cache(&record, &metadata);
        Ok((metadata, record))
    }

    /// The BLOB and its SHA-256. It is what was stored, whose signature was verified then: signing certificates expire within
    /// months, and what they signed stays true.
    fn read_blob(&self, record: &Record) -> Result<(Vec<u8>, [u8; 32]), MdsError> {
        let path = self.blob_file(record);
        let bytes = read(&path)?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        if data_encoding::HEXLOWER.encode(&sha256) != record.id.sha256 {
            return Err(MdsError::Damaged(path));
        }
        Ok((bytes, sha256))
    }

    fn write_cache(&self, record: &Record, metadata: &Metadata) -> Result<(), MdsError> {
        let sha256 = data_encoding::HEXLOWER.decode(record.id.sha256.as_bytes()).ok().and_then(|it| it.try_into().ok());
        match sha256 {
            Some(sha256) => write(&self.cache_file(record), &cache::write(&sha256, &metadata.contents)),
            None => Err(MdsError::Damaged(self.index_file())),
        }
    }

    fn index(&self) -> Result<Index, MdsError> {
        let path = self.index_file();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| MdsError::Damaged(path)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Index::default()),
            Err(error) => Err(MdsError::File { path, why: error.to_string() }),
        }
    }

    fn index_file(&self) -> PathBuf {
        self.0.join("current.json")
    }

    fn blob_file(&self, record: &Record) -> PathBuf {
        self.0.join(format!("{}.blob", stem(record)))
    }

    fn cache_file(&self, record: &Record) -> PathBuf {
        self.0.join(format!("{}.cache", stem(record)))
    }
}

/// Number and beginning of the hash: two BLOBs of one number do not share a file.
fn stem(record: &Record) -> String {
    let hash: String = record.id.sha256.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    format!("no{}-{hash}", record.id.no)
}

fn read(path: &Path) -> Result<Vec<u8>, MdsError> {
    std::fs::read(path).map_err(|error| MdsError::File { path: path.to_owned(), why: error.to_string() })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), MdsError> {
    private::write(path, bytes).map_err(|error| file_error(path, error))
}

fn file_error(path: &Path, error: FileError) -> MdsError {
    let why = match error {
        FileError::Io { why, .. } => why,
        other => other.to_string(),
    };
    MdsError::File { path: path.to_owned(), why }
}
