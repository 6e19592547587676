//! Whose signature is under a time stamp (RFC 5652 section 5.4, RFC 3161 section 2.4.2).
//!
//! It refuses more than one signer, and SHA-1 in a signature; that a server names its certificate by SHA-1 is in the standard, and
//! it does so beside a signature that verifies.

use aws_lc_rs::digest as hash;
use cms::cert::CertificateChoices;
use cms::cert::x509::Certificate;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode, Encode as _};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, Error, KeyUsage, aws_lc_rs as algorithms};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::message::{SHA_256, SigningCertificate, SigningCertificateV2};
use super::{TST_INFO, TimeStampError};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SHA_384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

// Attributes (RFC 5652 section 11, RFC 2634 section 5.4, RFC 5035 section 3).
const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");

// Extensions (RFC 5280).
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");

/// id-kp-timeStamping, the bytes of the OID.
const TIME_STAMPING: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x08";

/// The extension that allows it and nothing else.
const ONLY_TIME_STAMPING: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08";

/// A certificate whose signature is good, and those that came with it.
pub(super) struct Signer {
    certificate: Certificate,
    others: Vec<CertificateDer<'static>>,
}

/// The hash of something by this algorithm.
pub(super) fn digest(algorithm: &ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, TimeStampError> {
    let algorithm = match *algorithm {
        SHA_256 => &hash::SHA256,
        SHA_384 => &hash::SHA384,
        SHA_512 => &hash::SHA512,
        other => return Err(TimeStampError::Algorithm(other.to_string())),
    };
    Ok(hash::digest(algorithm, bytes).as_ref().to_vec())
}

/// Who signed this content, if the signature verifies with a certificate that came with it.
pub(super) fn check(signed: &SignedData, content: &[u8]) -> Result<Signer, TimeStampError> {
    let wrong = TimeStampError::Malformed;
    let [signer] = signed.signer_infos.0.as_slice() else { return Err(wrong("it has not one signer")) };
    let certificates = signed.certificates.iter().flat_map(|set| set.0.iter());
    let certificates: Vec<&Certificate> = certificates
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    let certificate = *certificates
        .iter()
        .find(|certificate| is_named(&signer.sid, certificate))
        .ok_or(wrong("the signer's certificate is not in it"))?;
    let der = certificate.to_der().map_err(|_| wrong("its certificate cannot be read"))?;

    let kind: ObjectIdentifier = attribute(signer, CONTENT_TYPE)?.ok_or(wrong("its content type is not signed"))?;
    let digested: OctetString = attribute(signer, MESSAGE_DIGEST)?.ok_or(wrong("its content's hash is not signed"))?;
    if kind != TST_INFO || digested.as_bytes() != digest(&signer.digest_alg.oid, content)? {
        return Err(TimeStampError::Signature);
    }
    if !names_certificate(signer, &der)? {
        return Err(TimeStampError::Signature);
    }
    let attributes = signer.signed_attrs.as_ref().ok_or(wrong("nothing is signed"))?;
    let attributes = attributes.to_der().map_err(|_| wrong("what is signed cannot be read"))?;
    let der = CertificateDer::from(der);
    let end_entity = EndEntityCert::try_from(&der).map_err(|_| wrong("its certificate cannot be read"))?;
    let candidates = algorithms_of(signer)?;
    let verifies = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        end_entity.verify_signature(*algorithm, &attributes, signer.signature.as_bytes()).is_ok()
    };
    if !candidates.iter().any(verifies) {
        return Err(TimeStampError::Signature);
    }
    let others = certificates.iter().filter_map(|other| other.to_der().ok()).map(CertificateDer::from).collect();
    Ok(Signer { certificate: certificate.clone(), others })
}

impl Signer {
    /// The signer's name, if one of these roots vouches for its certificate at a moment, for time stamps.
    pub(super) fn trusted_by(&self, roots: &[TrustAnchor<'_>], at: OffsetDateTime) -> Result<String, TimeStampError> {
        let extensions = self.certificate.tbs_certificate.extensions.as_deref().unwrap_or_default();
        let purpose = extensions.iter().find(|extension| extension.extn_id == EXTENDED_KEY_USAGE);
        if !purpose.is_some_and(|purpose| purpose.critical && purpose.extn_value.as_bytes() == ONLY_TIME_STAMPING) {
            return Err(TimeStampError::NotForTimeStamps);
        }
        let unreadable = || TimeStampError::Malformed("its certificate cannot be read");
        let der = CertificateDer::from(self.certificate.to_der().map_err(|_| unreadable())?);
        let seconds = u64::try_from(at.unix_timestamp()).map_err(|_| TimeStampError::NotValid)?;
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let end_entity = EndEntityCert::try_from(&der).map_err(|_| unreadable())?;
        let usage = KeyUsage::required(TIME_STAMPING);
        end_entity
            .verify_for_usage(webpki::ALL_VERIFICATION_ALGS, roots, &self.others, at, usage, None, None)
            .map_err(|error| match error {
                Error::CertExpired { .. } | Error::CertNotValidYet { .. } => TimeStampError::NotValid,
                _ => TimeStampError::Untrusted,
            })?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| unreadable())?;
        let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        Ok(common_name.map_or_else(|| parsed.subject().to_string(), str::to_owned))
    }
}

fn is_named(id: &SignerIdentifier, certificate: &Certificate) -> bool {
    let of_certificate = &certificate.tbs_certificate;
    match id {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            of_certificate.issuer == named.issuer && of_certificate.serial_number == named.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(named) => {
            let extensions = of_certificate.extensions.as_deref().unwrap_or_default();
            let found = extensions.iter().find(|extension| extension.extn_id == SUBJECT_KEY_IDENTIFIER);
            let identifier = found.and_then(|found| OctetString::from_der(found.extn_value.as_bytes()).ok());
            identifier.is_some_and(|identifier| identifier == named.0)
        }
    }
}

/// The one value of a signed attribute, if there is one.
fn attribute<T: for<'a> Decode<'a>>(signer: &SignerInfo, oid: ObjectIdentifier) -> Result<Option<T>, TimeStampError> {
    let mut found = signer.signed_attrs.iter().flat_map(|all| all.iter()).filter(|one| one.oid == oid);
    let read = |value: &der::Any| value.to_der().and_then(|der| T::from_der(&der)).ok();
    match (found.next().map(|one| one.values.as_slice()), found.next()) {
        (None, _) => Ok(None),
        (Some([value]), None) => read(value).map(Some).ok_or(TimeStampError::Malformed("an attribute cannot be read")),
        _ => Err(TimeStampError::Malformed("an attribute has not one value")),
    }
}

/// Whether the certificate is the one that the signed attributes name first: the same key in another certificate, for another
/// purpose, is another signer.
fn names_certificate(signer: &SignerInfo, der: &[u8]) -> Result<bool, TimeStampError> {
    if let Some(SigningCertificateV2 { certs, .. }) = attribute(signer, SIGNING_CERTIFICATE_V2)? {
        let named = certs.first().map(|first| {
            let algorithm = first.hash_algorithm.as_ref().map_or(SHA_256, |algorithm| algorithm.oid);
            Ok(digest(&algorithm, der)? == first.hash.as_bytes())
        });
        return named.unwrap_or(Ok(false));
    }
    let named: Option<SigningCertificate> = attribute(signer, SIGNING_CERTIFICATE)?;
    let sha_1 = hash::digest(&hash::SHA1_FOR_LEGACY_USE_ONLY, der);
    Ok(named.is_some_and(|named| named.certs.first().is_some_and(|first| first.hash.as_bytes() == sha_1.as_ref())))
}

/// How a signature under that name is checked: for each kind of key one way.
fn algorithms_of(signer: &SignerInfo) -> Result<Vec<&'static dyn SignatureVerificationAlgorithm>, TimeStampError> {
    let named = signer.signature_algorithm.oid.to_string();
    // Where the name does not say which hash, the signer's does.
    let hash = match (&*named, signer.digest_alg.oid) {
        ("1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2", _) => SHA_256,
        ("1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3", _) => SHA_384,
        ("1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4", _) => SHA_512,
        (_, hash) => hash,
    };
    Ok(match (&*named, hash) {
        ("1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.11", SHA_256) => vec![algorithms::RSA_PKCS1_2048_8192_SHA256],
        ("1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.12", SHA_384) => vec![algorithms::RSA_PKCS1_2048_8192_SHA384],
        ("1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.13", SHA_512) => vec![algorithms::RSA_PKCS1_2048_8192_SHA512],
        ("1.2.840.113549.1.1.10", SHA_256) => vec![algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
        ("1.2.840.113549.1.1.10", SHA_384) => vec![algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        ("1.2.840.113549.1.1.10", SHA_512) => vec![algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
        ("1.2.840.10045.2.1" | "1.2.840.10045.4.3.2", SHA_256) => {
            vec![algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256, algorithms::ECDSA_P521_SHA256]
        }
        ("1.2.840.10045.2.1" | "1.2.840.10045.4.3.3", SHA_384) => {
            vec![algorithms::ECDSA_P256_SHA384, algorithms::ECDSA_P384_SHA384, algorithms::ECDSA_P521_SHA384]
        }
        ("1.2.840.10045.2.1" | "1.2.840.10045.4.3.4", SHA_512) => {
            vec![algorithms::ECDSA_P256_SHA512, algorithms::ECDSA_P384_SHA512, algorithms::ECDSA_P521_SHA512]
        }
        ("1.3.101.112", _) => vec![algorithms::ED25519],
        _ => return Err(TimeStampError::Algorithm(named)),
    })
}
