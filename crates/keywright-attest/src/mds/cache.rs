//! A BLOB's content in a form that is read fast, authenticated by a key of the station's. A cache that is damaged, of another BLOB,
//! of another keywright or of another key is none.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest as _, Sha256};

use super::Contents;
use crate::MetadataId;

/// Raised whenever [`Contents`] changes; a test notices.
const FORMAT: u8 = 2;
const MAGIC: &[u8; 12] = b"keywrightmds";
const HEAD: usize = MAGIC.len() + 1;

type Authenticate = dyn Fn(&[u8]) -> [u8; 32] + Send + Sync;

/// Authenticates a few bytes with a key that this room does not see, such as HMAC-SHA-256.
#[derive(Clone)]
pub struct Mac(Arc<Authenticate>);

impl Mac {
    /// By this function.
    pub fn new(mac: impl Fn(&[u8]) -> [u8; 32] + Send + Sync + 'static) -> Self {
        Self(Arc::new(mac))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac")
    }
}

/// Magic, format, MAC, body.
pub(super) fn write(id: &MetadataId, contents: &Contents, mac: &Mac) -> Vec<u8> {
    let body = postcard::to_allocvec(contents).expect("lengths are known and memory takes it");
    [MAGIC, &[FORMAT][..], &seal(id, &body, mac), &body].concat()
}

/// The content, if this is the whole cache of that BLOB, whose signature was verified when it was written.
pub(super) fn read(id: &MetadataId, cache: &[u8], mac: &Mac) -> Option<Contents> {
    let (head, sealed) = cache.split_at_checked(HEAD)?;
    let (found, body) = sealed.split_at_checked(32)?;
    if head != [MAGIC, &[FORMAT][..]].concat() || verify_slices_are_equal(found, &seal(id, body, mac)).is_err() {
        return None;
    }
    postcard::take_from_bytes(body).ok().filter(|(_, rest)| rest.is_empty()).map(|(contents, _)| contents)
}

/// Over what the cache is of (hash and signer are in the id), its format, and its body.
fn seal(id: &MetadataId, body: &[u8], mac: &Mac) -> [u8; 32] {
    let id = serde_json::to_vec(id).expect("an id is plain JSON");
    let of = [&b"keywright metadata cache"[..], &[FORMAT], &Sha256::digest(&id), &Sha256::digest(body)].concat();
    (mac.0)(&of)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::mds::{Model, Unreadable};
    use crate::{ModelStatus, StatusReport};
    use keywright_fido::webauthn::Aaguid;

    fn contents() -> Contents {
        let report = StatusReport {
            status: ModelStatus::Revoked,
            effective_date: Some("2023-12-20".into()),
            authenticator_version: Some(2),
            certificate: None,
            url: None,
            certificate_number: None,
        };
        let model = Model {
            aaguid: Some(Aaguid([1; 16])),
            key_identifiers: vec![[2; 20]],
            name: "Key".into(),
            firmware: Some(329_728),
            certificates: vec![0],
            reports: vec![report],
            last_change: "2023-12-20".into(),
            attestation_types: vec!["basic_full".into()],
            key_protection: Vec::new(),
            attachment: Vec::new(),
        };
        Contents {
            no: 7,
            next_update: date!(2026 - 04 - 01),
            legal_header: "terms".into(),
            models: vec![model],
            certificates: vec![vec![0x30, 0]],
            uaf: 3,
            unreadable: vec![Unreadable { entry: "entry 4".into(), why: "it names no model".into() }],
        }
    }

    fn id(no: u64) -> MetadataId {
        MetadataId { no, sha256: "00".repeat(32), signed: true, root: None }
    }

    fn mac(key: u8) -> Mac {
        Mac::new(move |bytes| Sha256::digest([&[key], bytes].concat()).into())
    }

    #[test]
    fn comes_back_as_it_was() {
        let cache = write(&id(7), &contents(), &mac(1));
        assert_eq!(read(&id(7), &cache, &mac(1)), Some(contents()));
        assert_eq!(read(&id(8), &cache, &mac(1)), None);
        assert_eq!(read(&MetadataId { root: Some("00".into()), ..id(7) }, &cache, &mac(1)), None);
        assert_eq!(read(&id(7), &cache, &mac(2)), None);
    }

    #[test]
    fn every_damage_is_noticed() {
        let cache = write(&id(7), &contents(), &mac(1));
        for at in 0..cache.len() {
            let mut damaged = cache.clone();
            damaged[at] ^= 1;
            assert_eq!(read(&id(7), &damaged, &mac(1)), None, "{at}");
            assert_eq!(read(&id(7), &cache[..at], &mac(1)), None, "{at}");
        }
        assert_eq!(read(&id(7), &[&cache[..], &[0]].concat(), &mac(1)), None);
    }

    /// If this fails, raise `FORMAT`, and then put the new hash here.
    #[test]
    fn the_format_has_its_number() {
        let body = postcard::to_allocvec(&contents()).unwrap();
        assert_eq!((FORMAT, data_encoding::HEXLOWER.encode(&Sha256::digest(&body)[..4]).as_str()), (2, "1950bac7"));
    }
}
