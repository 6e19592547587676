//! A BLOB's content in a form that is read fast. A cache that is damaged, of another BLOB or of another keywright is none.

use sha2::{Digest as _, Sha256};

use super::Contents;

/// Raised whenever [`Contents`] changes; a test notices.
const FORMAT: u8 = 1;
const MAGIC: &[u8; 12] = b"keywrightmds";
const HEAD: usize = MAGIC.len() + 1 + 64;

/// Magic, format, SHA-256 of the BLOB, SHA-256 of the body, body.
pub(super) fn write(blob_sha256: &[u8; 32], contents: &Contents) -> Vec<u8> {
    let body = postcard::to_allocvec(contents).expect("lengths are known and memory takes it");
    [MAGIC, &[FORMAT][..], blob_sha256, &Sha256::digest(&body)[..], &body].concat()
}

/// The content, if this is the whole cache of that BLOB.
pub(super) fn read(blob_sha256: &[u8; 32], cache: &[u8]) -> Option<Contents> {
    let (head, body) = cache.split_at_checked(HEAD)?;
    let expected = [MAGIC, &[FORMAT][..], blob_sha256, &Sha256::digest(body)[..]].concat();
    if head != expected {
        return None;
    }
    postcard::take_from_bytes(body).ok().filter(|(_, rest)| rest.is_empty()).map(|(contents, _)| contents)
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

    #[test]
    fn comes_back_as_it_was() {
        let cache = write(&[5; 32], &contents());
        assert_eq!(read(&[5; 32], &cache), Some(contents()));
        assert_eq!(read(&[6; 32], &cache), None);
    }

    #[test]
    fn every_damage_is_noticed() {
        let cache = write(&[5; 32], &contents());
        for at in 0..cache.len() {
            let mut damaged = cache.clone();
            damaged[at] ^= 1;
            assert_eq!(read(&[5; 32], &damaged), None, "{at}");
            assert_eq!(read(&[5; 32], &cache[..at]), None, "{at}");
        }
        assert_eq!(read(&[5; 32], &[&cache[..], &[0]].concat()), None);
    }

    /// If this fails, raise `FORMAT`, and then put the new hash here.
    #[test]
    fn the_format_has_its_number() {
        let cache = write(&[5; 32], &contents());
        assert_eq!((FORMAT, data_encoding::HEXLOWER.encode(&Sha256::digest(&cache)[..4]).as_str()), (1, "d1c3a511"));
    }
}
