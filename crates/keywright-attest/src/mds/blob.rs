//! The BLOB as received: a JWS in compact form (RFC 7515), signed by the metadata service.

use aws_lc_rs::signature::{self, UnparsedPublicKey};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use rustls_pki_types::{CertificateDer, DnsName, ServerName, UnixTime};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::super::{Anchors, MetadataId};
use super::MdsError;

/// The name that the signing certificate has to bear.
pub(super) const SIGNER: &str = "mds.fidoalliance.org";

/// The roots that FIDO's signing certificates lead to: GlobalSign Root CA - R3, valid until 2029-03-18, and GlobalSign Root R46,
/// valid until 2046-03-20. Since August 2026 they lead to R46, which R3 cross-certified.
pub fn fido_roots() -> Anchors {
    let pem: [&[u8]; 2] = [include_bytes!("globalsign_root_ca_r3.pem"), include_bytes!("globalsign_root_r46.pem")];
    Anchors::from_pem_or_der(&pem.concat()).expect("the roots are read by a test")
}

/// Who vouches for a BLOB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signer {
    /// One of FIDO's roots.
    Fido,
    /// Another root that somebody named, DER.
    Another(Vec<u8>),
    /// Nobody: somebody asked for it to be taken all the same.
    Nobody,
}

/// A BLOB whose signature was verified, or that somebody asked to be taken without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    bytes: Vec<u8>,
    payload: Vec<u8>,
    signer: Signer,
}

/// The JWS's protected header. What else is in it is passed over, but for `crit`.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    x5c: Vec<String>,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl Blob {
    /// Verifies a signed BLOB: the certificates of `x5c` lead in their order to one of the roots, all are valid at that time,
    /// the first is the metadata service's, and its key made the signature with RS256 or ES256.
    pub fn signed(bytes: Vec<u8>, roots: &Anchors, at: OffsetDateTime) -> Result<Self, MdsError> {
        let text = bytes.trim_ascii();
        if text.first() == Some(&b'{') {
            return Err(MdsError::Unsigned);
        }
        let [header, payload, signature] = parts(text)?;
        let input = &text[..header.len() + 1 + payload.len()];
        let header: Header =
            serde_json::from_slice(&base64url("header", header)?).map_err(|error| malformed("header", error))?;
        if header.crit.is_some() {
            return Err(MdsError::Malformed("the header has critical extensions, and none is known".into()));
        }
        let algorithm: &dyn signature::VerificationAlgorithm = match header.alg.as_str() {
            "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
            "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
            _ => return Err(MdsError::Algorithm(header.alg)),
        };
        let x5c = header.x5c.iter().map(|text| BASE64.decode(text.as_bytes()));
        let x5c: Vec<Vec<u8>> = x5c.collect::<Result<_, _>>().map_err(|error| malformed("x5c", error))?;
        let signature = base64url("signature", signature)?;

        let root = verify_chain(&x5c, roots, at)?;
        let (_, signer) = X509Certificate::from_der(&x5c[0]).map_err(|error| malformed("x5c", error))?;
        UnparsedPublicKey::new(algorithm, signer.public_key().subject_public_key.as_ref())
            .verify(input, &signature)
            .map_err(|_| MdsError::Signature)?;
        let payload = base64url("payload", payload)?;
        let is_fidos = fido_roots().iter().any(|fidos| *fidos.der == *root);
        Ok(Self { payload, bytes, signer: if is_fidos { Signer::Fido } else { Signer::Another(root) } })
    }

    /// Takes a payload (JSON), or a BLOB whatever its signature. Nobody vouches for it.
    pub fn unsigned(bytes: Vec<u8>) -> Result<Self, MdsError> {
        let text = bytes.trim_ascii();
        let payload = match text.first() {
            Some(b'{') => text.to_vec(),
            _ => base64url("payload", parts(text)?[1])?,
        };
        Ok(Self { payload, bytes, signer: Signer::Nobody })
    }

    /// As received.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The JSON document in it.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether the signature was verified.
    pub fn is_signed(&self) -> bool {
        self.signer != Signer::Nobody
    }

    /// Who vouches for it.
    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Its identity, with a number that was read from it.
    pub(super) fn id_numbered(&self, no: u64) -> MetadataId {
        let sha256 = |bytes: &[u8]| HEXLOWER.encode(&Sha256::digest(bytes));
        let root = match &self.signer {
            Signer::Another(root) => Some(sha256(root)),
            Signer::Fido | Signer::Nobody => None,
        };
        MetadataId { no, sha256: sha256(&self.bytes), signed: self.is_signed(), root }
    }
}

/// Header, payload and signature.
fn parts(text: &[u8]) -> Result<[&[u8]; 3], MdsError> {
    let mut parts = text.split(|byte| *byte == b'.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ => Err(MdsError::Malformed("a JWS has three parts with dots between them".into())),
    }
}

fn base64url(name: &str, text: &[u8]) -> Result<Vec<u8>, MdsError> {
    BASE64URL_NOPAD.decode(text).map_err(|error| malformed(name, error))
}

fn malformed(name: &str, error: impl std::fmt::Display) -> MdsError {
    MdsError::Malformed(format!("its {name}: {error}"))
}

/// RFC 5280 section 6 with these roots, RFC 7515 section 4.1.6 for the order, RFC 6125 for the name. The root may stand at the
/// end of `x5c`. No revocation list is asked. Gives the root that it ended at, DER.
fn verify_chain(x5c: &[Vec<u8>], roots: &Anchors, at: OffsetDateTime) -> Result<Vec<u8>, MdsError> {
    let Some((leaf, others)) = x5c.split_first() else {
        return Err(MdsError::Malformed("it names no signing certificate (x5c)".into()));
    };
    let parsed = x5c.iter().map(|der| X509Certificate::from_der(der).map(|(_, certificate)| certificate));
    let parsed: Vec<X509Certificate<'_>> = parsed.collect::<Result<_, _>>().map_err(|error| malformed("x5c", error))?;
    if !parsed.windows(2).all(|pair| pair[0].issuer().as_raw() == pair[1].subject().as_raw()) {
        return Err(MdsError::Order);
    }
    let leaf = CertificateDer::from(leaf.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| MdsError::Untrusted(format!("{error:?}")))?;
    let intermediates: Vec<CertificateDer<'_>> =
        others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let in_order = |path: &VerifiedPath<'_>| {
        let used = path.intermediate_certificates().map(|certificate| certificate.der());
        if used.zip(&intermediates).all(|(used, given)| used == *given) { Ok(()) } else { Err(Error::UnknownIssuer) }
    };
    let seconds = at.unix_timestamp();
    let path = leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        roots.names_and_keys(),
        &intermediates,
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.try_into().unwrap_or(0))),
        KeyUsage::server_auth(),
        None,
        Some(&in_order),
    );
    let anchor = match path {
        Ok(path) => roots.certificate_of(path.anchor()),
        Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => {
            let valid = |moment: fn(&X509Certificate<'_>) -> OffsetDateTime| parsed.iter().map(moment);
            return Err(MdsError::NotValid {
                at: at.date(),
                from: valid(|one| one.validity().not_before.to_datetime()).max().unwrap_or(at).date(),
                until: valid(|one| one.validity().not_after.to_datetime()).min().unwrap_or(at).date(),
            });
        }
        Err(error) => return Err(MdsError::Untrusted(format!("{error:?}"))),
    };
    let Some(anchor) = anchor.filter(|anchor| anchor.not_after >= seconds) else {
        return Err(MdsError::Untrusted("the root is past its date".into()));
    };
    let name = DnsName::try_from(SIGNER).map_err(|_| MdsError::Name)?;
    leaf.verify_is_valid_for_subject_name(&ServerName::DnsName(name)).map_err(|_| MdsError::Name)?;
    Ok(anchor.der.to_vec())
}
