//! What was learnt of certificates, kept for the next attestation that has the same ones: a hundred thousand keys share an
//! attestation certificate, so that judging the next one costs one signature. Bounded; what is forgotten is learnt again.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::chain::PathResult;
use super::{AttestationCertificate, TrustError};

/// Certificates and paths that are remembered; each takes one to three kilobytes.
const CAPACITY: usize = 4096;

/// SHA-256 over certificates.
pub(super) type Digest = [u8; 32];

/// A path is remembered for the certificates, and for the model of the metadata that brings the anchors.
type PathKey = (Digest, Option<usize>);

/// What was learnt.
#[derive(Debug)]
pub(super) struct CertificateCache {
    leaves: Cache<Digest, Arc<Result<AttestationCertificate, TrustError>>>,
    paths: Cache<PathKey, Arc<PathResult>>,
}

impl Default for CertificateCache {
    fn default() -> Self {
        Self { leaves: Cache::new(CAPACITY), paths: Cache::new(CAPACITY) }
    }
}

impl CertificateCache {
    /// Names certificates in their order.
    pub(super) fn digest(x5c: &[&[u8]]) -> Digest {
        let mut hasher = Sha256::new();
        for der in x5c {
            hasher.update((der.len() as u64).to_be_bytes());
            hasher.update(der);
        }
        hasher.finalize().into()
    }

    /// The first of the certificates of this digest, read.
    pub(super) fn leaf(&self, digest: Digest, der: &[u8]) -> Arc<Result<AttestationCertificate, TrustError>> {
        self.leaves.get(&digest).unwrap_or_else(|| {
            let leaf = Arc::new(AttestationCertificate::read(der));
            self.leaves.insert(digest, Arc::clone(&leaf));
            leaf
        })
    }

    /// Where the certificates of this digest lead, at a moment in seconds since 1970.
    pub(super) fn path(&self, key: PathKey, at: i64, follow: impl FnOnce() -> PathResult) -> Arc<PathResult> {
        self.paths.get(&key).filter(|path| path.holds.contains(&at)).unwrap_or_else(|| {
            let path = Arc::new(follow());
            self.paths.insert(key, Arc::clone(&path));
            path
        })
    }
}
