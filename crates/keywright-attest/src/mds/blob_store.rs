//! A folder that keeps the BLOB in use, and the one before it.
//!
//! `current.json` names them and changes in one piece; a run that is cut off leaves the old one in use. Never goes back to an
//! older number. A BLOB's signature is verified whenever it is read, as of the day on which it was stored: signing certificates
//! expire within months, and what they signed stays true. Who has a key of their own may cache what was found: the cache counts
//! if that key authenticates it, and is written anew otherwise.
//!
//! It refuses to take anything in the folder for evidence but the BLOB itself.

use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{Date, OffsetDateTime};

use super::blob::Signer;
use super::{Blob, Contents, Mac, MdsError, Metadata, MetadataId, cache, fido_roots, payload};
use crate::Anchors;
use keywright_files::private;

/// A folder of metadata. It may not exist yet.
#[derive(Debug, Clone)]
pub struct BlobStore {
    folder: PathBuf,
    mac: Option<Mac>,
}

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
    /// The root that its signature leads to, DER in base64, if that is none of FIDO's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root_certificate: Option<String>,
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
    /// Names a folder. Nothing in it is cached.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), mac: None }
    }

    /// The same with a cache, which this key authenticates.
    pub fn cached(self, mac: Mac) -> Self {
        Self { mac: Some(mac), ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
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
        if let Some(record) = same.filter(|record| self.verified(record).is_ok()) {
            return Ok((metadata, Stored::Same(record)));
        }
        let root_certificate = match blob.signer() {
            Signer::Another(root) => Some(BASE64.encode(root)),
            Signer::Fido | Signer::Nobody => None,
        };
        let (next_update, source) = (metadata.next_update(), source.to_owned());
        let record = Record { id, next_update, stored: at, source, root_certificate };
        let highest_signed = if record.id.signed { record.id.no } else { index.highest_signed };
        let replaced = index.current;
        private::make_own_folder(&self.folder)?;
        private::write(&self.blob_file(&record), blob.bytes())?;
        self.write_cache(&record, &metadata)?;
        let now = Index { current: Some(record.clone()), previous: replaced.clone(), highest_signed };
        private::write(&self.index_file(), &serde_json::to_vec_pretty(&now).expect("an index is plain JSON"))?;
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
        let blob = self.verified(&record)?;
        Ok(payload::entry_of(blob.payload(), &aaguid.to_string())
            .and_then(|json| serde_json::from_str(json.get()).ok()))
    }

    fn open(&self, record: Record) -> Result<(Metadata, Record), MdsError> {
        let cached = self.cached_contents(&record)?;
        let is_new = cached.is_none();
        let contents = match cached {
            Some(contents) => contents,
            None => payload::read(self.verified(&record)?.payload())?,
        };
        let metadata = Metadata::new(record.id.clone(), contents);
        if metadata.id != record.id || metadata.next_update() != record.next_update {
            return Err(MdsError::Damaged(self.index_file()));
        }
        if is_new {
            // A folder that cannot be written to costs time at the next start, and nothing else.
            let _ = self.write_cache(&record, &metadata);
        }
        Ok((metadata, record))
    }

    /// What was found in a BLOB when its signature was verified here, if the BLOB is still the same.
    fn cached_contents(&self, record: &Record) -> Result<Option<Contents>, MdsError> {
        let Some(mac) = &self.mac else { return Ok(None) };
        self.bytes(record)?;
        let cache = private::read(&self.cache_file(record))?;
        Ok(cache.and_then(|cache| cache::read(&record.id, &cache, mac)))
    }

    /// The BLOB: the one that was stored, and signed by whom the record says.
    fn verified(&self, record: &Record) -> Result<Blob, MdsError> {
        let bytes = self.bytes(record)?;
        if !record.id.signed {
            return Blob::unsigned(bytes);
        }
        let damaged = || MdsError::Damaged(self.blob_file(record));
        let roots = match &record.root_certificate {
            None => fido_roots(),
            Some(root) => {
                let der = BASE64.decode(root.as_bytes()).map_err(|_| damaged())?;
                Anchors::from_der(&der).map_err(|_| damaged())?
            }
        };
        let blob = Blob::signed(bytes, &roots, record.stored).map_err(|_| damaged())?;
        // The record may name another root than it has.
        if blob.id_numbered(record.id.no) == record.id { Ok(blob) } else { Err(damaged()) }
    }

    /// The BLOB's file, if it has the hash that the record says.
    fn bytes(&self, record: &Record) -> Result<Vec<u8>, MdsError> {
        let path = self.blob_file(record);
        let bytes = private::read(&path)?.filter(|bytes| HEXLOWER.encode(&Sha256::digest(bytes)) == record.id.sha256);
        bytes.ok_or(MdsError::Damaged(path))
    }

    fn write_cache(&self, record: &Record, metadata: &Metadata) -> Result<(), MdsError> {
        let Some(mac) = &self.mac else { return Ok(()) };
        Ok(private::write(&self.cache_file(record), &cache::write(&record.id, &metadata.contents, mac))?)
    }

    fn index(&self) -> Result<Index, MdsError> {
        let path = self.index_file();
        let index = private::read(&path)?.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        Ok(index.map_err(|_| MdsError::Damaged(path))?.unwrap_or_default())
    }

    fn index_file(&self) -> PathBuf {
        self.folder.join("current.json")
    }

    fn blob_file(&self, record: &Record) -> PathBuf {
        self.folder.join(format!("{}.blob", stem(record)))
    }

    fn cache_file(&self, record: &Record) -> PathBuf {
        self.folder.join(format!("{}.cache", stem(record)))
    }
}

/// Number and beginning of the hash: two BLOBs of one number do not share a file.
fn stem(record: &Record) -> String {
    let hash: String = record.id.sha256.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    format!("no{}-{hash}", record.id.no)
}
