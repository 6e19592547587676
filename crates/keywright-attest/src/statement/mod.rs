//! Attestation statements, each format by its own rules (WebAuthn 8). Every broken rule is reported, not only the first.
//!
//! Formats of platform authenticators are known by name and refused: keywright judges security keys.

mod fido_u2f;
mod none;
mod packed;

use std::sync::Arc;

use super::certificate_cache::{CertificateCache, Digest};
use super::{AttestationCertificate, Statement, TrustError};
use keywright_fido::webauthn::AttestationObject;
use keywright_fido::webauthn::WebauthnError;
use keywright_fido::webauthn::cbor::Value;
use keywright_fido::webauthn::cose::{CoseAlgorithm, CoseKeyParameters};

/// The format identifier of WebAuthn 8.6.
pub(super) const FIDO_U2F: &str = "fido-u2f";

/// What is found in a statement by itself.
pub(super) struct Examined<'a> {
    /// What it is worth.
    pub statement: Statement,
    /// Its certificates as they came, the attestation certificate first.
    pub x5c: Vec<&'a [u8]>,
    /// What these are remembered by.
    pub digest: Digest,
    /// The attestation certificate.
    pub leaf: Leaf,
    /// Why, and what is peculiar.
    pub reasons: Vec<String>,
}

/// The attestation certificate as it is remembered; none where there is none. It may be unreadable.
type Leaf = Option<Arc<Result<AttestationCertificate, TrustError>>>;

/// Examines the statement of an attestation object. Without the client data's hash no signature is checked.
pub(super) fn examine<'a>(
    object: &'a AttestationObject,
    client_data_hash: Option<&[u8; 32]>,
    certificate_cache: &CertificateCache,
) -> Examined<'a> {
    let mut findings = Findings { certificate_cache, reasons: Vec::new(), wrong: false, unchecked: false };
    let (worth, certificates) = match object.fmt.as_str() {
        "packed" => packed::examine(object, client_data_hash, &mut findings),
        FIDO_U2F => fido_u2f::examine(object, client_data_hash, &mut findings),
        "none" => none::examine(object, &mut findings),
        fmt => {
            findings.wrong(match (platform_clause(fmt), fmt) {
                (Some(clause), _) => {
                    format!("WebAuthn {clause}: the format \"{fmt}\" is a platform's, and no security key makes it.")
                }
                (None, "compound") => "WebAuthn 8.9: compound statements are not taken.".into(),
                (None, _) => format!("WebAuthn 8: the format \"{fmt}\" is not known."),
            });
            (Statement::Invalid, Certificates::default())
        }
    };
    if object.auth_data.attested_credential_data.is_none() {
        findings.wrong("WebAuthn 6.5: the authenticator data has no attested credential data (AT is not set).");
    }
    let statement = match findings {
        Findings { wrong: true, .. } => Statement::Invalid,
        Findings { unchecked: true, .. } => Statement::Unverified,
        _ => worth,
    };
    let Certificates { x5c, digest, leaf } = certificates;
    Examined { statement, x5c, digest, leaf, reasons: findings.reasons }
}

/// What a format's file gives: what the statement is worth if nothing is found against it, and the certificates.
type Reading<'a> = (Statement, Certificates<'a>);

/// The certificates of a statement.
#[derive(Default)]
struct Certificates<'a> {
    x5c: Vec<&'a [u8]>,
    digest: Digest,
    leaf: Leaf,
}

impl Certificates<'_> {
    /// The attestation certificate, if it can be read.
    fn leaf(&self) -> Option<&AttestationCertificate> {
        self.leaf.as_deref()?.as_ref().ok()
    }
}

fn platform_clause(fmt: &str) -> Option<&'static str> {
    match fmt {
        "tpm" => Some("8.3"),
        "android-key" => Some("8.4"),
        "android-safetynet" => Some("8.5"),
        "apple" => Some("8.8"),
        _ => None,
    }
}

/// What speaks against a statement, as it comes up.
struct Findings<'m> {
    certificate_cache: &'m CertificateCache,
    reasons: Vec<String>,
    wrong: bool,
    unchecked: bool,
}

impl Findings<'_> {
    /// A rule is broken.
    fn wrong(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
        self.wrong = true;
    }

    /// A rule could not be checked.
    fn unchecked(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
        self.unchecked = true;
    }

    /// Something peculiar that breaks no rule here.
    fn remark(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// Members that the format's syntax does not have.
    fn only_members(&mut self, clause: &str, att_stmt: &Value, allowed: &[&str]) {
        for (key, _) in att_stmt.as_map().unwrap_or_default() {
            match key.as_text() {
                Some(key) if allowed.contains(&key) => {}
                Some(key) => {
                    self.wrong(format!("WebAuthn {clause}: attStmt has a member \"{key}\", unknown to the format."))
                }
                None => self.wrong(format!("WebAuthn {clause}: attStmt has a member whose key is not a text.")),
            }
        }
    }

    /// The member `sig`.
    fn signature<'a>(&mut self, clause: &str, att_stmt: &'a Value) -> Option<&'a [u8]> {
        let sig = att_stmt.get("sig").and_then(Value::as_bytes);
        if sig.is_none() {
            self.wrong(format!("WebAuthn {clause}: attStmt has no byte string sig."));
        }
        sig
    }

    /// The certificates of the member `x5c`, and the first of them read.
    fn certificates<'a>(&mut self, clause: &str, x5c: &'a Value) -> Certificates<'a> {
        let items = x5c.as_array().unwrap_or_default();
        let x5c: Vec<&[u8]> = items.iter().filter_map(Value::as_bytes).collect();
        if x5c.is_empty() || x5c.len() != items.len() {
            self.wrong(format!("WebAuthn {clause}: x5c is not a list of certificates."));
            return Certificates::default();
        }
        let digest = CertificateCache::digest(&x5c);
        let leaf = self.certificate_cache.leaf(digest, x5c[0]);
        match &*leaf {
            Ok(leaf) => {
                leaf.x509_faults.iter().for_each(|fault| self.wrong(fault.as_str()));
                leaf.remarks.iter().for_each(|remark| self.remark(remark.as_str()));
            }
            Err(error) => {
                self.wrong(format!("WebAuthn {clause}: the attestation certificate cannot be read: {error}."));
            }
        }
        Certificates { x5c, digest, leaf: Some(leaf) }
    }

    /// The signature over `message`, which is `None` where the client data is missing.
    fn signed(
        &mut self,
        clause: &str,
        key: &CoseKeyParameters,
        algorithm: CoseAlgorithm,
        message: Option<&[u8]>,
        signature: &[u8],
    ) {
        let number = algorithm.0;
        match (key.algorithm(), message) {
            (None, _) => self.unchecked(format!(
                "WebAuthn {clause}: the signature was not checked, because keys for algorithm {number} are not supported."
            )),
            (Some(expected), _) if !expected.is(algorithm) => self.wrong(format!(
                "WebAuthn {clause}: alg is {number}, but the key that should have signed is one for algorithm {}.",
                expected.0
            )),
            (_, None) => self.unchecked(format!(
                "WebAuthn {clause}: the signature was not checked, because the client data is not there."
            )),
            (_, Some(message)) => match key.verify(algorithm, message, signature) {
                Ok(()) => {}
                Err(WebauthnError::BadSignature) => {
                    self.wrong(format!("WebAuthn {clause}: the signature sig does not verify."));
                }
                Err(error) => self.wrong(format!("WebAuthn {clause}: the signature sig: {error}.")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLIENT_DATA_HASH, Maker};
    use super::{AttestationObject, CertificateCache, Examined, Statement};

    /// Examines with nothing remembered.
    pub(super) fn examine<'a>(object: &'a AttestationObject, client_data_hash: Option<&[u8; 32]>) -> Examined<'a> {
        super::examine(object, client_data_hash, &CertificateCache::default())
    }

    /// Examines with the client data, and expects it to be worth this, for a reason with these words in it.
    pub(super) fn expect(object: &AttestationObject, worth: Statement, words: &str) {
        let examined = examine(object, Some(&CLIENT_DATA_HASH));
        assert_eq!(examined.statement, worth, "{words}: {:?}", examined.reasons);
        assert!(examined.reasons.iter().any(|reason| reason.contains(words)), "{words}: {:?}", examined.reasons);
    }

    #[test]
    fn formats_of_platforms_and_of_nobody_are_refused() {
        let good = Maker::new().good_packed();
        for (fmt, words) in [
            ("tpm", "WebAuthn 8.3"),
            ("android-key", "WebAuthn 8.4"),
            ("android-safetynet", "WebAuthn 8.5"),
            ("apple", "WebAuthn 8.8"),
            ("compound", "WebAuthn 8.9"),
            ("Packed", "is not known"),
        ] {
            let AttestationObject { att_stmt, auth_data_bytes, .. } = good.clone();
            let other = AttestationObject::new(fmt.into(), att_stmt, auth_data_bytes).unwrap();
            expect(&other, Statement::Invalid, words);
        }
    }

    #[test]
    fn without_client_data_only_the_signature_is_left_unchecked() {
        let maker = Maker::new();
        for object in [maker.good_packed(), maker.self_signed(), maker.fido_u2f()] {
            let examined = examine(&object, None);
            assert_eq!(examined.statement, Statement::Unverified);
            assert!(examined.reasons[0].contains("client data is not there"), "{:?}", examined.reasons);
        }
        let broken = super::super::testing::with_member(&maker.good_packed(), "alg", Some((-8).into()));
        assert_eq!(examine(&broken, None).statement, Statement::Invalid);
    }

    #[test]
    fn authenticator_data_without_a_credential_attests_nothing() {
        for object in [Maker::new().good_packed(), Maker::new().self_signed(), Maker::new().fido_u2f()] {
            let auth_data = [&[0xab; 32][..], &[0x05, 0, 0, 0, 1]].concat();
            let object = AttestationObject::new(object.fmt, object.att_stmt, auth_data).unwrap();
            expect(&object, Statement::Invalid, "AT is not set");
        }
    }
}
