//! The maker: an attestation key, and its certificate under an authority for tests.

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rcgen::{CertificateParams, CustomExtension, DnType, DnValue, IsCa, Issuer, KeyPair};

/// The model; the firmware takes it from the certificate.
pub const AAGUID: keywright_fido::webauthn::Aaguid = keywright_fido::webauthn::Aaguid(*b"trussed, interop");

/// id-fido-gen-ce-aaguid
const AAGUID_EXTENSION: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];

/// Who makes these keys: all have one attestation key.
pub struct Maker {
    certificate: Vec<u8>,
    scalar: Vec<u8>,
}

impl Maker {
    /// One with a certificate (WebAuthn 8.2.1) from this authority, whose certificate and PKCS #8 key are given as PEM.
    pub fn under(authority: &str, authority_key: &str) -> Self {
        let authority_key = KeyPair::from_pem(authority_key).expect("a PKCS #8 key");
        let issuer = Issuer::from_ca_cert_pem(authority, authority_key).expect("a certificate");
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made");
        let scalar = key.private_key().as_be_bytes().expect("a private key has a scalar").as_ref().to_vec();
        let pkcs8 = key.to_pkcs8v1().expect("a private key can be written");
        let public = KeyPair::try_from(pkcs8.as_ref()).expect("what was written can be read");

        let mut params = CertificateParams::default();
        params.is_ca = IsCa::ExplicitNoCa;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let country = DnValue::PrintableString("DE".try_into().expect("two letters"));
        params.distinguished_name.push(DnType::CountryName, country);
        params.distinguished_name.push(DnType::OrganizationName, "keywright interop");
        params.distinguished_name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        params.distinguished_name.push(DnType::CommonName, "keywright interop batch");
        // The AAGUID as an OCTET STRING of 16 bytes.
        let aaguid = [&[0x04, 16], AAGUID.0.as_slice()].concat();
        params.custom_extensions.push(CustomExtension::from_oid_content(AAGUID_EXTENSION, aaguid));
        let certificate = params.signed_by(&public, &issuer).expect("a certificate can be signed").der().to_vec();
        Self { certificate, scalar }
    }

    /// The certificate, as DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The private key as the platform's key store writes it: flags (sensitive), kind (P-256), the scalar.
    pub(crate) fn key_file(&self) -> Vec<u8> {
        [&[0x00, 0x02, 0x00, 0x05], self.scalar.as_slice()].concat()
    }
}
