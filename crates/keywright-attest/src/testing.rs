//! A maker of security keys, for tests: it makes attestations that are right in every respect, so that a test can change one
//! thing and see it refused.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, SignatureAlgorithm, SigningKey, date_time_ymd,
};
use time::OffsetDateTime;

use super::Anchors;
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fido::webauthn::{Aaguid, AttestationObject};

pub const MODEL: Aaguid = Aaguid(*b"keywright's key!");
pub const CLIENT_DATA_HASH: [u8; 32] = [0x5a; 32];
/// Offset of the flags in authenticator data.
pub const FLAGS: usize = 32;
/// Offset of the AAGUID in authenticator data.
pub const AAGUID: usize = 37;

/// A moment at which the maker's certificates are valid: 2026-07-01.
pub fn now() -> OffsetDateTime {
    date_time_ymd(2026, 7, 1)
}

/// A root, the key of an attestation certificate, and a new credential.
pub struct Maker {
    pub root: CertifiedIssuer<'static, KeyPair>,
    pub attestation: KeyPair,
    pub credential: KeyPair,
}

impl Maker {
    pub fn new() -> Self {
        Self::with_attestation_key(&PKCS_ECDSA_P256_SHA256)
    }

    pub fn with_attestation_key(algorithm: &'static SignatureAlgorithm) -> Self {
        Self {
            root: CertifiedIssuer::self_signed(authority("Root"), pair(&PKCS_ECDSA_P256_SHA256)).unwrap(),
            attestation: pair(algorithm),
            credential: pair(&PKCS_ECDSA_P256_SHA256),
        }
    }

    pub fn anchors(&self) -> Anchors {
        Anchors::from_pem_or_der(self.root.der()).unwrap()
    }

    /// The attestation certificate with this content, issued by the root.
    pub fn leaf(&self, params: &CertificateParams) -> Vec<u8> {
        params.signed_by(&self.attestation, &self.root).unwrap().der().to_vec()
    }

    pub fn packed(&self, leaf: &[u8], alg: i64) -> AttestationObject {
        let auth_data = auth_data(&cose_p256(&self.credential));
        let sig = self.attestation.sign(&[&auth_data[..], &CLIENT_DATA_HASH].concat()).unwrap();
        let x5c = Value::Array(vec![leaf.into()]);
        let att_stmt = Value::map([("alg", alg.into()), ("sig", sig.into()), ("x5c", x5c)]);
        AttestationObject::new("packed".into(), att_stmt, auth_data).unwrap()
    }

    /// `packed` with the certificate that [`leaf_params`] describes.
    pub fn good_packed(&self) -> AttestationObject {
        self.packed(&self.leaf(&leaf_params()), -7)
    }

    pub fn self_signed(&self) -> AttestationObject {
        let auth_data = auth_data(&cose_p256(&self.credential));
        let sig = self.credential.sign(&[&auth_data[..], &CLIENT_DATA_HASH].concat()).unwrap();
        let att_stmt = Value::map([("alg", (-7).into()), ("sig", sig.into())]);
        AttestationObject::new("packed".into(), att_stmt, auth_data).unwrap()
    }

    pub fn fido_u2f(&self) -> AttestationObject {
        self.fido_u2f_with(&self.leaf(&leaf_params()))
    }

    pub fn fido_u2f_with(&self, leaf: &[u8]) -> AttestationObject {
        let mut auth_data = auth_data(&cose_p256(&self.credential));
        auth_data[AAGUID..AAGUID + 16].fill(0);
        let point = self.credential.public_key_raw();
        let signed = [&[0][..], &auth_data[..32], &CLIENT_DATA_HASH, b"credential", point].concat();
        let sig = self.attestation.sign(&signed).unwrap();
        let x5c = Value::Array(vec![leaf.into()]);
        AttestationObject::new("fido-u2f".into(), Value::map([("sig", sig.into()), ("x5c", x5c)]), auth_data).unwrap()
    }
}

/// The certificate of a root or an intermediate.
pub fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2034, 1, 1));
    params
}

/// An attestation certificate that follows WebAuthn 8.2.1 to the letter.
pub fn leaf_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "SE");
    params.distinguished_name.push(DnType::OrganizationName, "Maker");
    params.distinguished_name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
    params.distinguished_name.push(DnType::CommonName, "Batch 1");
    params.is_ca = IsCa::ExplicitNoCa;
    params.custom_extensions = vec![model_extension(MODEL)];
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2030, 1, 1));
    params
}

/// id-fido-gen-ce-aaguid.
pub fn model_extension(model: Aaguid) -> CustomExtension {
    fido_extension(4, [&[0x04, 0x10], &model.0[..]].concat())
}

/// The extension 1.3.6.1.4.1.45724.1.1.`number`.
pub fn fido_extension(number: u64, content: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, number], content)
}

/// Replaces the authenticator data, as somebody would who tampers with the object.
pub fn with_auth_data(object: &AttestationObject, change: impl FnOnce(&mut Vec<u8>)) -> AttestationObject {
    let mut auth_data = object.auth_data_bytes.clone();
    change(&mut auth_data);
    AttestationObject::new(object.fmt.clone(), object.att_stmt.clone(), auth_data).unwrap()
}

/// Sets a member of the statement, or removes it.
pub fn with_member(object: &AttestationObject, key: &str, value: Option<Value>) -> AttestationObject {
    let mut members = object.att_stmt.as_map().unwrap().to_vec();
    members.retain(|(name, _)| name.as_text() != Some(key));
    members.extend(value.map(|value| (key.into(), value)));
    AttestationObject::new(object.fmt.clone(), Value::Map(members), object.auth_data_bytes.clone()).unwrap()
}

/// A bit of the signature turned.
pub fn with_forged_signature(object: &AttestationObject) -> AttestationObject {
    let mut sig = object.att_stmt.get("sig").unwrap().as_bytes().unwrap().to_vec();
    *sig.last_mut().unwrap() ^= 1;
    with_member(object, "sig", Some(sig.into()))
}

pub fn pair(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).unwrap()
}

/// UP, UV and AT; [`MODEL`]; the credential `credential`.
pub fn auth_data(cose: &[u8]) -> Vec<u8> {
    [&[0xab; 32][..], &[0x45], &[0, 0, 0, 1], &MODEL.0, &[0, 10], b"credential", cose].concat()
}

fn cose_p256(pair: &KeyPair) -> Vec<u8> {
    let (x, y) = pair.public_key_raw()[1..].split_at(32);
    cbor::encode(&Value::map([(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, x.into()), (-3, y.into())]))
}

/// COSE_Key of an Ed25519 credential with some point.
pub fn cose_ed25519() -> Vec<u8> {
    cbor::encode(&Value::map([(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, vec![9; 32].into())]))
}

/// Metadata in which one model has these reports and these anchors.
pub fn metadata(aaguid: Aaguid, reports: &serde_json::Value, anchors: &[&[u8]]) -> super::Metadata {
    let anchors: Vec<String> = anchors.iter().map(|der| data_encoding::BASE64.encode(der)).collect();
    let statement = serde_json::json!({"description": "Maker's key", "attestationRootCertificates": anchors});
    let entry = serde_json::json!({"aaguid": aaguid, "metadataStatement": statement, "statusReports": reports});
    let payload = serde_json::json!({"no": 7, "nextUpdate": "2026-08-01", "entries": [entry]});
    super::Metadata::read(&super::mds::Blob::unsigned(payload.to_string().into_bytes()).unwrap()).unwrap()
}
