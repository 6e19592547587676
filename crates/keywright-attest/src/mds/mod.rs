//! The FIDO metadata service's BLOB (FIDO Metadata Service 3.1): what the FIDO Alliance says of models of authenticators.
//!
//! A [`Blob`] is what was received, its signature verified; [`Metadata`] is what it says, ready to be asked; a [`BlobStore`] keeps
//! one in a folder. Nothing here has a network or a clock. Whether a certificate of the signing chain was revoked is not
//! asked, though the specification wants it: that takes a network, and a BLOB is also brought on a stick.

mod blob;
mod blob_store;
mod cache;
mod changes;
mod model;
mod payload;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

pub use blob::{Blob, fido_roots};
pub use blob_store::{BlobStore, Record, Stored};
pub use cache::Mac;
pub use changes::{Change, ChangeKind, changes};
pub use model::Model;

use super::{Anchors, MetadataId};
use keywright_fido::webauthn::Aaguid;
use keywright_files::FileError;

/// What is wrong with metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MdsError {
    /// Neither a JWS nor a JSON document, or not what FIDO puts into them.
    #[error("this is not a FIDO metadata BLOB: {0}")]
    Malformed(String),
    /// A payload alone.
    #[error("this metadata is not signed")]
    Unsigned,
    /// An algorithm that is not allowed for the signature.
    #[error("the BLOB is signed with {0:?}, and only RS256 and ES256 are accepted")]
    Algorithm(String),
    /// The signing certificates are not in order, each issued by the next (RFC 7515 section 4.1.6).
    #[error("the BLOB's signing certificates (x5c) are not each issued by the next")]
    Order,
    /// The signing certificates lead to no root that is trusted for this.
    #[error("the BLOB's signing certificates do not lead to a trusted root ({0})")]
    Untrusted(String),
    /// A signing certificate is not valid at that time.
    #[error("the BLOB's signing certificates were not all valid at {at}; they are from {from} to {until}")]
    NotValid {
        /// When it was looked at.
        at: Date,
        /// The first day on which all are valid.
        from: Date,
        /// The last day on which all are valid.
        until: Date,
    },
    /// The signing certificate is somebody else's.
    #[error("the BLOB's signing certificate is not for {}", blob::SIGNER)]
    Name,
    /// The signature does not verify.
    #[error("the BLOB's signature does not verify: it was changed or cut")]
    Signature,
    /// Older metadata than what is stored.
    #[error("this is metadata number {offered}, and the newer number {stored} is stored")]
    RollBack {
        /// The number offered.
        offered: u64,
        /// The highest number that counts.
        stored: u64,
    },
    /// The stored BLOB is not what was stored, or its signature does not verify.
    #[error("{} was changed since it was stored", .0.display())]
    Damaged(PathBuf),
    /// A file that could not be written, or that is not ours alone.
    #[error(transparent)]
    Private(#[from] FileError),
}

/// What a BLOB says, ready to be asked.
#[derive(Debug)]
pub struct Metadata {
    id: MetadataId,
    contents: Contents,
    by_aaguid: HashMap<Aaguid, usize>,
    by_key: HashMap<[u8; 20], usize>,
    /// For each model, made when it is first asked for.
    anchors: Vec<OnceLock<Anchors>>,
}

/// A BLOB's content, as it is cached. Its fields are not skipped and have no defaults: the cache's format does not name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contents {
    /// The serial number.
    pub no: u64,
    /// The day by which there will be a newer one.
    pub next_update: Date,
    /// FIDO's terms.
    pub legal_header: String,
    /// Models of FIDO2 and U2F authenticators.
    pub models: Vec<Model>,
    /// Distinct certificates, DER; models name them by position.
    pub certificates: Vec<Vec<u8>>,
    /// Entries of authenticators of UAF, which are not looked at.
    pub uaf: usize,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// An entry, or a part of one, that could not be read. Everything else was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// AAGUID, name or position of the entry.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

impl Metadata {
    /// Reads a BLOB.
    pub fn read(blob: &Blob) -> Result<Self, MdsError> {
        Ok(Self::new(blob.id_numbered(0), payload::read(blob.payload())?))
    }

    fn new(id: MetadataId, contents: Contents) -> Self {
        let (mut by_aaguid, mut by_key) = (HashMap::new(), HashMap::new());
        for (at, model) in contents.models.iter().enumerate() {
            by_aaguid.extend(model.aaguid.map(|aaguid| (aaguid, at)));
            by_key.extend(model.key_identifiers.iter().map(|key| (*key, at)));
        }
        let anchors = contents.models.iter().map(|_| OnceLock::new()).collect();
        Self { id: MetadataId { no: contents.no, ..id }, contents, by_aaguid, by_key, anchors }
    }

    /// Number and hash.
    pub fn id(&self) -> &MetadataId {
        &self.id
    }

    /// The day by which FIDO will have published a newer one.
    pub fn next_update(&self) -> Date {
        self.contents.next_update
    }

    /// Days by which it is overdue; 0 if a newer one need not be there yet.
    pub fn days_overdue(&self, at: OffsetDateTime) -> u32 {
        (at.date() - self.next_update()).whole_days().try_into().unwrap_or(0)
    }

    /// FIDO's terms of use.
    pub fn legal_header(&self) -> &str {
        &self.contents.legal_header
    }

    /// Models of FIDO2 and U2F authenticators, in the BLOB's order.
    pub fn models(&self) -> &[Model] {
        &self.contents.models
    }

    /// How many entries are for UAF authenticators; they are not looked at.
    pub fn uaf_entries(&self) -> usize {
        self.contents.uaf
    }

    /// Entries, or parts of them, that could not be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.contents.unreadable
    }

    /// The model with this AAGUID.
    pub fn model(&self, aaguid: Aaguid) -> Option<&Model> {
        self.position(aaguid).map(|at| &self.contents.models[at])
    }

    /// A model's anchors.
    pub fn anchors(&self, model: &Model) -> Anchors {
        let mut anchors = Anchors::none();
        for der in model.certificates.iter().filter_map(|at| self.contents.certificates.get(*at as usize)) {
            if let Ok(one) = Anchors::from_der(der) {
                anchors.merge(one);
            }
        }
        anchors
    }

    /// Where a FIDO2 model is. The zero AAGUID is nobody's.
    pub(super) fn position(&self, aaguid: Aaguid) -> Option<usize> {
        self.by_aaguid.get(&aaguid).copied()
    }

    /// Where the U2F model is whose attestation certificate has the key with this identifier.
    pub(super) fn position_of_key(&self, identifier: &[u8; 20]) -> Option<usize> {
        self.by_key.get(identifier).copied()
    }

    /// A model by its position, and its anchors.
    pub(super) fn at(&self, position: usize) -> (&Model, &Anchors) {
        let model = &self.contents.models[position];
        (model, self.anchors[position].get_or_init(|| self.anchors(model)))
    }
}
