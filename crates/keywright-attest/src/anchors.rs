//! Trust anchors: certificates that are believed because somebody put them here.
//!
//! FIDO metadata lists roots, intermediates and attestation certificates alike, some of X.509 version 1, some past their date.
//! All are taken, and nothing is asked of them but a subject and a key (RFC 5280 6.1.1).

use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::{Anchor, AnchorKind, TrustError, certificate_file, read_certificates, subject};

/// A set of anchors.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    certificates: Vec<AnchorCertificate>,
    /// The same in the form that path building takes, at the same positions.
    names_and_keys: Vec<TrustAnchor<'static>>,
}

/// One anchor: the certificate, and what is said of it when a chain ends there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorCertificate {
    /// The certificate, DER.
    pub der: CertificateDer<'static>,
    /// Its subject, as a distinguished name.
    pub subject: String,
    /// Whether it names itself as its issuer.
    pub self_issued: bool,
    /// The end of its validity, in seconds since 1970. Told, never enforced: the anchor is believed by being here.
    pub not_after: i64,
}

impl Anchors {
    /// No anchors: chains are not checked.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a file of certificates, see [`read_certificates`].
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, TrustError> {
        let mut anchors = Self::none();
        read_certificates(bytes)?.into_iter().try_for_each(|certificate| anchors.add(certificate))?;
        Ok(anchors)
    }

    /// Reads one certificate in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, TrustError> {
        let mut anchors = Self::none();
        anchors.add(CertificateDer::from(der.to_vec()))?;
        Ok(anchors)
    }

    /// Adds the anchors of another set that are not in this one.
    pub fn merge(&mut self, other: Self) {
        for (certificate, name_and_key) in other.certificates.into_iter().zip(other.names_and_keys) {
            if !self.certificates.contains(&certificate) {
                self.certificates.push(certificate);
                self.names_and_keys.push(name_and_key);
            }
        }
    }

    /// The anchors, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &AnchorCertificate> {
        self.certificates.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// What path building takes.
    pub(super) fn names_and_keys(&self) -> &[TrustAnchor<'static>] {
        &self.names_and_keys
    }

    /// The certificate that this element of [`Self::names_and_keys`] was made of.
    pub(super) fn certificate_of(&self, found: &TrustAnchor<'_>) -> Option<&AnchorCertificate> {
        let position = self.names_and_keys.iter().position(|candidate| {
            candidate.subject == found.subject && candidate.subject_public_key_info == found.subject_public_key_info
        })?;
        self.certificates.get(position)
    }

    fn add(&mut self, der: CertificateDer<'static>) -> Result<(), TrustError> {
        let parsed = certificate_file::parse(&der)?;
        let name_and_key = webpki::anchor_from_trusted_cert(&der)
            .map_err(|error| TrustError::NotACertificate(error.to_string()))?
            .to_owned();
        let certificate = AnchorCertificate {
            subject: subject::shown(parsed.subject()),
            self_issued: parsed.subject() == parsed.issuer(),
            not_after: parsed.validity().not_after.timestamp(),
            der: der.clone(),
        };
        self.merge(Self { certificates: vec![certificate], names_and_keys: vec![name_and_key] });
        Ok(())
    }
}

impl AnchorCertificate {
    /// What a verdict says of it when it signed what the chain leads to it with.
    pub(super) fn as_issuer(&self) -> Anchor {
        let kind = if self.self_issued { AnchorKind::Root } else { AnchorKind::Intermediate };
        Anchor { kind, subject: self.subject.clone() }
    }

    /// What a verdict says of it when it is the attestation certificate itself.
    pub(super) fn as_leaf(&self) -> Anchor {
        Anchor { kind: AnchorKind::Leaf, subject: self.subject.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Maker;

    #[test]
    fn an_anchor_is_kept_once() {
        let ders = [Maker::new(), Maker::new()].map(|maker| maker.root.der().to_vec());
        let mut read = Anchors::from_pem_or_der(&ders.concat()).unwrap();
        assert!(read.iter().map(|anchor| anchor.der.as_ref()).eq(&ders));
        read.merge(Anchors::from_der(&ders[0]).unwrap());
        assert_eq!((read.len(), read.names_and_keys().len()), (2, 2));
    }

    #[test]
    fn what_is_no_certificate_is_no_anchor() {
        assert!(matches!(Anchors::from_der(&[0x30, 0]), Err(TrustError::NotACertificate(_))));
        assert_eq!(Anchors::from_pem_or_der(b"").unwrap_err(), TrustError::NoCertificate);
    }
}
