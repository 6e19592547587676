//! A metadata service for tests: it signs BLOBs with certificates of its own root.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use keywright_attest::Anchors;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// The name in FIDO's signing certificates.
pub const NAME: &str = "mds.fidoalliance.org";

pub struct MetadataService {
    pub root: CertifiedIssuer<'static, KeyPair>,
    key: KeyPair,
    /// The signing certificate, and the one that issued it.
    pub x5c: Vec<Vec<u8>>,
}

impl MetadataService {
    /// One whose signing certificate is for this name, and valid from the beginning of 2025 until the beginning of 2100.
    pub fn called(name: &str) -> Self {
        let root = CertifiedIssuer::self_signed(authority("Root"), pair()).unwrap();
        let issuing = CertifiedIssuer::signed_by(authority("Issuing"), pair(), &root).unwrap();
        let key = pair();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2100, 1, 1));
        let leaf = params.signed_by(&key, &issuing).unwrap().der().to_vec();
        let x5c = vec![leaf, issuing.der().to_vec()];
        Self { root, key, x5c }
    }

    pub fn new() -> Self {
        Self::called(NAME)
    }

    /// What a keywright has to trust that takes these BLOBs.
    pub fn roots(&self) -> Anchors {
        Anchors::from_pem_or_der(self.root.der()).unwrap()
    }

    pub fn header(&self) -> Value {
        let x5c: Vec<String> = self.x5c.iter().map(|der| BASE64.encode(der)).collect();
        json!({"alg": "ES256", "typ": "JWT", "x5c": x5c})
    }

    pub fn sign(&self, payload: &Value) -> Vec<u8> {
        self.sign_with(&self.header(), payload)
    }

    pub fn sign_with(&self, header: &Value, payload: &Value) -> Vec<u8> {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(payload));
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key.serialize_der()).unwrap();
        let signature = key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", BASE64URL_NOPAD.encode(signature.as_ref())).into_bytes()
    }
}

/// A payload with this number and these entries.
pub fn payload(no: u64, entries: Value) -> Value {
    json!({"legalHeader": "terms", "no": no, "nextUpdate": "2026-08-01", "entries": entries})
}

/// An entry of a model with this status and these anchors.
pub fn entry(aaguid: &str, name: &str, status: &str, anchors: &[&[u8]]) -> Value {
    let anchors: Vec<String> = anchors.iter().map(|der| BASE64.encode(der)).collect();
    json!({
        "aaguid": aaguid,
        "metadataStatement": {"description": name, "attestationRootCertificates": anchors},
        "statusReports": [{"status": status, "effectiveDate": "2026-01-01"}],
        "timeOfLastStatusChange": "2026-01-01",
    })
}

/// A moment at which the certificates are valid: 2026-07-01.
pub fn now() -> OffsetDateTime {
    date_time_ymd(2026, 7, 1)
}

fn pair() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2110, 1, 1));
    params
}
