//! The station's own key: Ed25519, made at the first write, in a file of the state folder that only its owner can read.
//!
//! It signs what is shown to others, and vouches for files that this station wrote for itself. It says "this station's account
//! wrote it", and no more: whoever can read the file can sign. It refuses a file that others can read, and to make a second key
//! over one that it cannot read.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{hkdf, hmac, rand};
use data_encoding::{BASE64, HEXLOWER};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use keywright_files::{FileError, private};

/// What precedes the seed in PKCS#8 (RFC 8410 section 7: version 1, id-Ed25519, an OCTET STRING in an OCTET STRING).
const PKCS8: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// The longest file that is read, in bytes.
const LONGEST: u64 = 4096;

/// What a MAC of the station's key is for: each has a key of its own, so that none passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacPurpose {
    /// The register as it was at some head of the ledger.
    RegisterSnapshot,
    /// Metadata whose signature was verified here.
    VerifiedMetadata,
}

impl MacPurpose {
    /// HKDF's `info` (RFC 5869). Never changed: files that stand are under it.
    fn info(self) -> &'static [u8] {
        match self {
            Self::RegisterSnapshot => b"keywright register snapshot",
            Self::VerifiedMetadata => b"keywright verified metadata",
        }
    }
}

/// The key of this station.
pub struct StationKey {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; 32]>,
}

impl StationKey {
    /// The key in this file; `None` if there is no such file, as in a copy that an auditor was given.
    pub fn read(path: &Path) -> Result<Option<Self>, FileError> {
        let Some(file) = private::open(path)? else { return Ok(None) };
        private::refuse_if_others_can_read(path, &file.metadata().map_err(private::at(path))?)?;
        // Room for all of it, so that no copy is left behind by growing.
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        file.take(LONGEST).read_to_end(&mut text).map_err(private::at(path))?;
        seed_in(&text).and_then(|seed| Self::from_seed(&seed)).map(Some).ok_or_else(|| FileError::Io {
            path: path.display().to_string(),
            why: "this is no Ed25519 key (PKCS#8 in PEM)".to_owned(),
        })
    }

    /// The key in this file; made, and on the disk, if there is none. The folder has to exist.
    pub fn read_or_make(path: &Path) -> Result<Self, FileError> {
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut *seed).map_err(|_| no_random(path))?;
        // Another process may be faster; then its key is the station's.
        private::write_new(path, pem(&seed).as_bytes())?;
        Self::read(path)?.ok_or_else(|| private::at(path)(ErrorKind::NotFound.into()))
    }

    fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Option<Self> {
        Some(Self { pair: Ed25519KeyPair::from_seed_unchecked(&**seed).ok()?, seed: seed.clone() })
    }

    /// The Ed25519 public key (RFC 8032).
    pub fn public(&self) -> [u8; 32] {
        let public = self.pair.public_key().as_ref();
        public.try_into().expect("an Ed25519 public key has 32 bytes (RFC 8032)")
    }

    /// What names the station for people: the first 16 hexadecimal digits of the public key's SHA-256.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.public())
    }

    /// An Ed25519 signature (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).as_ref().try_into().expect("an Ed25519 signature has 64 bytes (RFC 8032)")
    }

    /// HMAC-SHA-256 (RFC 2104) under a key that HKDF-SHA-256 (RFC 5869) makes for this purpose.
    pub fn mac(&self, purpose: MacPurpose, bytes: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.mac_key(purpose), bytes);
        tag.as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// Whether `mac` is [`Self::mac`] of these bytes; takes as long for every wrong one.
    pub fn is_mac(&self, purpose: MacPurpose, bytes: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.mac_key(purpose), bytes, mac).is_ok()
    }

    fn mac_key(&self, purpose: MacPurpose) -> hmac::Key {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, b"keywright station key").extract(&*self.seed);
        let info = [purpose.info()];
        let okm = secret.expand(&info, hmac::HMAC_SHA256);
        hmac::Key::from(okm.expect("HKDF-SHA-256 gives up to 8160 bytes, and an HMAC-SHA-256 key has 32"))
    }
}

/// What names a station for people, by its public key.
pub fn fingerprint(public: &[u8; 32]) -> String {
    HEXLOWER.encode(&Sha256::digest(public)[..8])
}

/// The file, as `openssl pkey` reads it.
fn pem(seed: &[u8; 32]) -> Zeroizing<String> {
    let mut der = Zeroizing::new([0; 48]);
    der[..16].copy_from_slice(&PKCS8);
    der[16..].copy_from_slice(seed);
    // 48 bytes are exactly one line of base64. Room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(128));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    BASE64.encode_append(&*der, &mut text);
    text.push_str("\n-----END PRIVATE KEY-----\n");
    text
}

fn seed_in(pem: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let der = Zeroizing::new(PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?);
    let seed = der.secret_pkcs8_der().strip_prefix(&PKCS8)?;
    Some(Zeroizing::new(seed.try_into().ok()?))
}

fn no_random(path: &Path) -> FileError {
    FileError::Io { path: path.display().to_string(), why: "the system gave no random bytes".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_key_of_the_first_write_is_the_key_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("station.pem");
        assert!(StationKey::read(&path).unwrap().is_none());
        assert!(!path.exists(), "reading makes none");
        let made = StationKey::read_or_make(&path).unwrap();
        let again = StationKey::read_or_make(&path).unwrap();
        assert_eq!(made.public(), again.public());
        assert_eq!(made.fingerprint().len(), 16);
        UnparsedPublicKey::new(&ED25519, made.public()).verify(b"text", &again.sign(b"text")).unwrap();
    }

    #[test]
    fn it_is_the_key_of_rfc_8032() {
        // Section 7.1, TEST 1.
        let seed = HEXLOWER.decode(b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = StationKey::from_seed(&Zeroizing::new(seed.try_into().unwrap())).unwrap();
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(HEXLOWER.encode(&key.public()), public);
        assert!(
            HEXLOWER.encode(&key.sign(b"")).starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065")
        );
    }

    #[test]
    fn a_mac_is_for_one_purpose_and_one_text() {
        let key = StationKey::from_seed(&Zeroizing::new([7; 32])).unwrap();
        let other = StationKey::from_seed(&Zeroizing::new([8; 32])).unwrap();
        let mac = key.mac(MacPurpose::RegisterSnapshot, b"text");
        assert!(key.is_mac(MacPurpose::RegisterSnapshot, b"text", &mac));
        assert!(!key.is_mac(MacPurpose::VerifiedMetadata, b"text", &mac));
        assert!(!key.is_mac(MacPurpose::RegisterSnapshot, b"Text", &mac));
        assert!(!key.is_mac(MacPurpose::RegisterSnapshot, b"text", &mac[..31]));
        assert!(!other.is_mac(MacPurpose::RegisterSnapshot, b"text", &mac));
    }

    #[test]
    fn what_is_no_key_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("station.pem");
        let whole = pem(&[7; 32]);
        for wrong in [String::new(), "key".to_owned(), whole.replace("MC4C", "MC4D"), whole[..60].to_owned()] {
            private::write(&path, wrong.as_bytes()).unwrap();
            assert!(StationKey::read_or_make(&path).is_err(), "{wrong}");
            assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("station.pem");
        StationKey::read_or_make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(StationKey::read(&path), Err(FileError::InsecurePermissions { .. })));
    }
}
