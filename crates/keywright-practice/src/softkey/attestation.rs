//! The maker's side of a soft key: a certificate authority for tests, and attestation certificates as WebAuthn 8.2.1 wants them.
//!
//! It refuses to make anything that a real authenticator vendor's anchor would accept: each rack has its own authority.

use std::path::Path;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use data_encoding::{BASE64, HEXLOWER};
use rand_core::{OsRng, RngCore};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::state::{Attested, Factory, Hex};
use super::{PRODUCT, SOFT_AAGUID, SoftKeyError};

/// id-fido-gen-ce-aaguid
const AAGUID_EXTENSION: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
/// id-fido-gen-ce-sernum
const SERIAL_EXTENSION: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 2];
/// Subject-C has to be an assigned ISO 3166 code, so user-assigned ones such as "ZZ" would be refused.
const COUNTRY: &str = "CH";
const ORGANISATION: &str = "keywright";
const OCTET_STRING: u8 = 0x04;

/// A rack's certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    key: Vec<u8>,
    certificate: Vec<u8>,
}

impl Authority {
    /// A new one, with a key of its own.
    pub(super) fn new() -> Result<Self, SoftKeyError> {
        let key = KeyPair::generate().map_err(certificate)?;
        let pkcs8 = key.serialize_der();
        let params = authority_params();
        let der = params.self_signed(&key).map_err(certificate)?.der().to_vec();
        Ok(Self { issuer: Issuer::new(params, key), key: pkcs8, certificate: der })
    }

    /// One that was kept: its certificate and its private key as PEM, each with the file it is from.
    pub(super) fn from_pem(kept: (&[u8], &Path), private: (&[u8], &Path)) -> Result<Self, SoftKeyError> {
        let der = pem_contents(kept)?;
        let pkcs8 = pem_contents(private)?;
        let key = KeyPair::try_from(pkcs8.as_slice()).map_err(certificate)?;
        Ok(Self { issuer: Issuer::new(authority_params(), key), key: pkcs8, certificate: der })
    }

    /// The certificate that the host's trust is given as an anchor.
    pub(super) fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    pub(super) fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key)
    }

    /// The certificate that all keys of one making share.
    pub(super) fn batch(&self) -> Result<Attested, SoftKeyError> {
        self.attest(PRODUCT.to_owned(), None)
    }

    /// What one key gets: the batch's certificate, and its own with a serial that no other key has.
    pub(super) fn furnish(&self, batch: &Attested) -> Result<Factory, SoftKeyError> {
        let mut serial = [0; 8];
        OsRng.fill_bytes(&mut serial);
        let name = format!("{PRODUCT} {}", HEXLOWER.encode(&serial));
        Ok(Factory { batch: batch.clone(), enterprise: self.attest(name, Some(&serial))? })
    }

    /// WebAuthn 8.2.1: version 3, C, O, OU "Authenticator Attestation", CN, basicConstraints CA:FALSE, the AAGUID extension
    /// not critical and wrapped twice; with a serial also 8.2.2.
    fn attest(&self, name: String, serial: Option<&[u8]>) -> Result<Attested, SoftKeyError> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(certificate)?;
        let scalar = key.private_key().as_be_bytes().map_err(certificate)?.as_ref().to_vec();
        let pkcs8 = key.to_pkcs8v1().map_err(certificate)?;
        let public = KeyPair::try_from(pkcs8.as_ref()).map_err(certificate)?;

        let mut params = dated("Authenticator Attestation", name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions.push(octets(AAGUID_EXTENSION, &SOFT_AAGUID.0));
        params.custom_extensions.extend(serial.map(|serial| octets(SERIAL_EXTENSION, serial)));
        let der = params.signed_by(&public, &self.issuer).map_err(certificate)?.der().to_vec();
        Ok(Attested { certificate: Hex(der), private_key: Hex(scalar) })
    }
}

/// The same for every rack but for the key, so that it can be made again beside a kept key.
fn authority_params() -> CertificateParams {
    let mut params = dated("Soft keys for practice", format!("{PRODUCT} test CA"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn dated(unit: &str, name: String) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    let country = COUNTRY.try_into().expect("two letters are a PrintableString");
    subject.push(DnType::CountryName, DnValue::PrintableString(country));
    subject.push(DnType::OrganizationName, ORGANISATION);
    subject.push(DnType::OrganizationalUnitName, unit);
    subject.push(DnType::CommonName, name);
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params
}

/// An extension whose value is an OCTET STRING (inside the one that every extension has). At most 127 bytes.
fn octets(oid: &[u64], bytes: &[u8]) -> CustomExtension {
    let length = u8::try_from(bytes.len()).expect("AAGUIDs and serials are short");
    CustomExtension::from_oid_content(oid, [&[OCTET_STRING, length], bytes].concat())
}

fn certificate(error: impl std::fmt::Display) -> SoftKeyError {
    SoftKeyError::Certificate(error.to_string())
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in BASE64.encode(der).as_bytes().chunks(64) {
        text.extend(line.iter().map(|letter| char::from(*letter)));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn pem_contents((text, path): (&[u8], &Path)) -> Result<Vec<u8>, SoftKeyError> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(text)
        .map_err(|error| SoftKeyError::Damaged { path: path.to_owned(), why: error.to_string() })?;
    Ok(pem.contents)
}
