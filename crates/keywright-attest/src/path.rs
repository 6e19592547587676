//! Paths of certificates that webpki does not read, by RFC 5280 section 6.1: an attestation certificate of X.509 version 1, as U2F
//! keys have them, and critical extensions about policies, which that standard requires to be recognised.
//!
//! It refuses what it cannot judge: name constraints, and critical extensions that are not known.

use std::collections::BTreeSet;

use rustls_pki_types::SignatureVerificationAlgorithm;
use x509_parser::asn1_rs::{Any, BitString, Class, FromDer};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;
use x509_parser::x509::X509Version;

use super::{AnchorCertificate, Anchors};

/// Certificates between the attestation certificate and the anchor.
const MOST_BETWEEN: usize = 6;

/// Signatures that are tried for one path: anybody may send many certificates of one name.
const MOST_SIGNATURES: usize = 64;

/// anyPolicy, RFC 5280 section 4.2.1.4.
const ANY_POLICY: &str = "2.5.29.32.0";

/// Why there is no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathError {
    /// No certificate leads on to an anchor.
    UnknownIssuer,
    /// A certificate on the way is not valid at that moment.
    NotValid,
    /// A rule is broken; a clause, and what about it.
    Broken(String),
}

/// A certificate with the parts that a signature is over, and is made of.
struct Link<'a> {
    der: &'a [u8],
    certificate: X509Certificate<'a>,
}

impl<'a> Link<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        rest.is_empty().then_some(Self { der, certificate })
    }
}

struct Search<'a> {
    others: Vec<Link<'a>>,
    anchors: &'a Anchors,
    at: i64,
    signatures_left: usize,
}

/// The anchor that these certificates lead to at a moment in seconds since 1970, and the certificates on the way, the attestation
/// certificate first.
pub(super) fn find<'a>(
    leaf: &'a [u8],
    others: &[&'a [u8]],
    anchors: &'a Anchors,
    at: i64,
) -> Result<(&'a AnchorCertificate, Vec<&'a [u8]>), PathError> {
    let leaf = Link::read(leaf).ok_or_else(|| PathError::Broken("a certificate cannot be read".into()))?;
    let others = others.iter().filter_map(|der| Link::read(der)).collect();
    let mut search = Search { others, anchors, at, signatures_left: MOST_SIGNATURES };
    search.check(&leaf)?;
    let (anchor, between) = search.climb(&leaf, &mut Vec::new())?;
    let way: Vec<&Link<'_>> = std::iter::once(&leaf).chain(between.iter().map(|at| &search.others[*at])).collect();
    check_policies(&way)?;
    Ok((anchor, way.into_iter().map(|link| link.der).collect()))
}

impl<'a> Search<'a> {
    /// Goes on from the last certificate of the way, over those at `between`.
    fn climb(
        &mut self,
        last: &Link<'_>,
        between: &mut Vec<usize>,
    ) -> Result<(&'a AnchorCertificate, Vec<usize>), PathError> {
        let mut error = PathError::UnknownIssuer;
        let issuer = last.certificate.issuer().as_raw();
        for anchor in self.anchors.iter() {
            let Some(link) = Link::read(anchor.der.as_ref()) else { continue };
            if link.certificate.subject().as_raw() != issuer {
                continue;
            }
            match self.signed(last, &link) {
                Ok(()) if has_name_constraints(&link) => error = unsupported_names(),
                Ok(()) => return Ok((anchor, between.clone())),
                Err(why) => error = why,
            }
        }
        if between.len() == MOST_BETWEEN {
            return Err(error);
        }
        for at in 0..self.others.len() {
            if between.contains(&at) || self.others[at].certificate.subject().as_raw() != issuer {
                continue;
            }
            let Some(next) = Link::read(self.others[at].der) else { continue };
            let tried = self
                .signed(last, &next)
                .and_then(|()| self.check(&next))
                .and_then(|()| check_issuer(&next, between.len()))
                .and_then(|()| {
                    between.push(at);
                    let found = self.climb(&next, between);
                    between.pop();
                    found
                });
            match tried {
                Ok(found) => return Ok(found),
                Err(why) if error == PathError::UnknownIssuer => error = why,
                Err(_) => {}
            }
        }
        Err(error)
    }

    /// What is asked of every certificate.
    fn check(&self, link: &Link<'_>) -> Result<(), PathError> {
        let certificate = &link.certificate;
        if let Some(extension) = certificate
            .extensions()
            .iter()
            .find(|extension| extension.critical && !is_recognised(extension.parsed_extension()))
        {
            return Err(PathError::Broken(format!("a critical extension {} is not known", extension.oid)));
        }
        if has_name_constraints(link) {
            return Err(unsupported_names());
        }
        let validity = certificate.validity();
        let valid = validity.not_before.timestamp()..=validity.not_after.timestamp();
        if valid.contains(&self.at) { Ok(()) } else { Err(PathError::NotValid) }
    }

    /// Verifies one signature.
    fn signed(&mut self, subject: &Link<'_>, issuer: &Link<'_>) -> Result<(), PathError> {
        self.signatures_left = self
            .signatures_left
            .checked_sub(1)
            .ok_or_else(|| PathError::Broken("there are too many certificates of one name".into()))?;
        let wrong = || PathError::Broken("a certificate's signature does not verify".into());
        let signed = Signed::read(subject.der).ok_or_else(wrong)?;
        let key = &issuer.certificate.tbs_certificate.subject_pki;
        let key_algorithm = contents(key.raw).and_then(|key| contents(key)).ok_or_else(wrong)?;
        let fits = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
            algorithm.signature_alg_id().as_ref() == signed.algorithm
                && algorithm.public_key_alg_id().as_ref() == key_algorithm
        };
        let algorithm = webpki::ALL_VERIFICATION_ALGS.iter().find(fits).ok_or_else(|| {
            PathError::Broken("a certificate is signed with an algorithm that is not supported".into())
        })?;
        algorithm
            .verify_signature(&key.subject_public_key.data, signed.message, signed.signature.as_ref())
            .map_err(|_| wrong())
    }
}

/// A certificate taken apart as RFC 5280 section 4.1 signs it.
struct Signed<'a> {
    message: &'a [u8],
    algorithm: &'a [u8],
    signature: BitString<'a>,
}

impl<'a> Signed<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let whole = contents(der)?;
        let (rest, _) = Any::from_der(whole).ok()?;
        let message = &whole[..whole.len() - rest.len()];
        let algorithm = contents(rest)?;
        let (rest, _) = Any::from_der(rest).ok()?;
        let (_, signature) = BitString::from_der(rest).ok()?;
        // Every algorithm here signs in whole octets (X.690 8.6.2 has the count of bits that are not used).
        (signature.unused_bits == 0).then_some(Self { message, algorithm, signature })
    }
}

/// The first of a certificate's two dates that is not as RFC 5280 section 4.1.2.5 has them.
pub(super) fn odd_date(der: &[u8]) -> Option<String> {
    let tbs = contents(contents(der)?)?;
    // [0] version, serial number, algorithm, issuer, validity; without the first in version 1.
    let (_, first) = Any::from_der(tbs).ok()?;
    let before = if first.class() == Class::ContextSpecific { 4 } else { 3 };
    let validity = items(tbs).nth(before)?;
    let mut texts = items(validity.data).map(|date| String::from_utf8_lossy(date.data).into_owned());
    texts.find(|text| {
        let digits = text.strip_suffix('Z').unwrap_or_default();
        ![12, 14].contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The items that stand one after the other in DER, as far as they can be read.
fn items(mut der: &[u8]) -> impl Iterator<Item = Any<'_>> {
    std::iter::from_fn(move || {
        let (rest, item) = Any::from_der(der).ok()?;
        der = rest;
        Some(item)
    })
}

/// What is in the first item of DER.
fn contents(der: &[u8]) -> Option<&[u8]> {
    Any::from_der(der).ok().map(|(_, item)| item.data)
}

/// What is asked of a certificate that issued another (RFC 5280 6.1.4): it is a CA's, may sign certificates, and lets as many
/// follow as do.
fn check_issuer(link: &Link<'_>, below: usize) -> Result<(), PathError> {
    let broken = |why: &str| Err(PathError::Broken(why.into()));
    let certificate = &link.certificate;
    if certificate.version() != X509Version::V3 {
        return broken("an issuer's certificate is not of X.509 version 3");
    }
    let constraints = certificate.basic_constraints().ok().flatten().map(|found| found.value);
    match constraints {
        Some(constraints) if constraints.ca => {
            if constraints.path_len_constraint.is_some_and(|longest| below > longest as usize) {
                return broken("an issuer's certificate lets fewer certificates follow");
            }
        }
        _ => return broken("an issuer's certificate is not a CA's"),
    }
    match certificate.key_usage() {
        Ok(None) => Ok(()),
        Ok(Some(usage)) if usage.value.key_cert_sign() => Ok(()),
        _ => broken("an issuer's certificate may not sign certificates"),
    }
}

/// Extensions that are checked here, or ask for nothing where no policy is asked for.
fn is_recognised(extension: &ParsedExtension<'_>) -> bool {
    matches!(
        extension,
        ParsedExtension::BasicConstraints(_)
            | ParsedExtension::KeyUsage(_)
            | ParsedExtension::ExtendedKeyUsage(_)
            | ParsedExtension::SubjectAlternativeName(_)
            | ParsedExtension::NameConstraints(_)
            | ParsedExtension::CertificatePolicies(_)
            | ParsedExtension::PolicyConstraints(_)
            | ParsedExtension::PolicyMappings(_)
            | ParsedExtension::InhibitAnyPolicy(_)
            | ParsedExtension::SubjectKeyIdentifier(_)
            | ParsedExtension::AuthorityKeyIdentifier(_)
            | ParsedExtension::CRLDistributionPoints(_)
    )
}

fn has_name_constraints(link: &Link<'_>) -> bool {
    link.certificate
        .extensions()
        .iter()
        .any(|one| matches!(one.parsed_extension(), ParsedExtension::NameConstraints(_)))
}

fn unsupported_names() -> PathError {
    PathError::Broken("name constraints are not supported in such a path".into())
}

/// No policy is asked for. Where a certificate requires one (policyConstraints), all on the way have to name the same; mappings
/// and the certificates that it lets skip this are not looked at, which refuses more than RFC 5280 does.
fn check_policies(way: &[&Link<'_>]) -> Result<(), PathError> {
    let requires = |link: &&&Link<'_>| {
        link.certificate.extensions().iter().any(|one| {
            matches!(one.parsed_extension(), ParsedExtension::PolicyConstraints(it) if it.require_explicit_policy.is_some())
        })
    };
    if way.iter().find(requires).is_none() {
        return Ok(());
    }
    let mut common: Option<BTreeSet<String>> = None;
    for link in way {
        let named: BTreeSet<String> = link
            .certificate
            .extensions()
            .iter()
            .filter_map(|one| match one.parsed_extension() {
                ParsedExtension::CertificatePolicies(policies) => Some(policies),
                _ => None,
            })
            .flat_map(|policies| policies.iter().map(|policy| policy.policy_id.to_id_string()))
            .collect();
        common = match common {
            _ if named.contains(ANY_POLICY) => common,
            None => Some(named),
            Some(common) => Some(common.intersection(&named).cloned().collect()),
        };
    }
    if common.is_some_and(|common| common.is_empty()) {
        return Err(PathError::Broken("a certificate requires a policy, and they name none in common".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, CertifiedIssuer, CustomExtension, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, SigningKey,
    };

    use super::*;
    use crate::testing::{CLIENT_DATA_HASH, Maker, authority, leaf_params, now, pair};
    use crate::{Chain, Judge, Statement};

    /// An extension of id-ce, critical.
    fn critical(number: u64, content: &[u8]) -> CustomExtension {
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, number], content.to_vec());
        extension.set_criticality(true);
        extension
    }

    /// certificatePolicies that name 1.2.`number`.
    fn policies(number: u8) -> CustomExtension {
        critical(32, &[0x30, 6, 0x30, 4, 6, 2, 0x2a, number])
    }

    /// policyConstraints with requireExplicitPolicy 0.
    fn requires_policy() -> CustomExtension {
        critical(36, &[0x30, 3, 0x80, 1, 0])
    }

    fn extended(mut params: CertificateParams, extensions: Vec<CustomExtension>) -> CertificateParams {
        params.custom_extensions = extensions;
        params
    }

    fn issuing(maker: &Maker, extensions: Vec<CustomExtension>) -> CertifiedIssuer<'static, KeyPair> {
        let params = extended(authority("Issuing"), extensions);
        CertifiedIssuer::signed_by(params, pair(&PKCS_ECDSA_P256_SHA256), &maker.root).unwrap()
    }

    fn follow(leaf: &[u8], others: &[&[u8]], anchors: &Anchors) -> (Chain, Vec<String>) {
        let found = crate::chain::follow(leaf, others, &[anchors], now().unix_timestamp());
        (found.chain, found.reasons)
    }

    fn leaf_with(maker: &Maker, extensions: Vec<CustomExtension>) -> Vec<u8> {
        maker.leaf(&extended(leaf_params(), extensions))
    }

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        match content.len() {
            0..=0x7f => [&[tag, low], content].concat(),
            0x80..=0xff => [&[tag, 0x81, low], content].concat(),
            _ => [&[tag, 0x82, high, low], content].concat(),
        }
    }

    /// A certificate as version 1 has it: no version, no extensions; signed anew.
    fn as_version_1(certificate: &[u8], issuer: &KeyPair) -> Vec<u8> {
        let tbs: Vec<&[u8]> = {
            let mut rest = contents(contents(certificate).unwrap()).unwrap();
            std::iter::from_fn(|| {
                let (after, _) = Any::from_der(rest).ok()?;
                let item = &rest[..rest.len() - after.len()];
                rest = after;
                Some(item)
            })
            .collect()
        };
        // [0] version, ..., [3] extensions
        let message = der(0x30, &tbs[1..tbs.len() - 1].concat());
        let signature = issuer.sign(&message).unwrap();
        der(0x30, &[message, tbs[2].to_vec(), der(3, &[&[0], &signature[..]].concat())].concat())
    }

    fn signature_length(certificate: &[u8]) -> usize {
        items(contents(certificate).unwrap()).last().unwrap().data.len() - 1
    }

    #[test]
    fn an_attestation_certificate_of_version_1_is_followed() {
        let maker = Maker::new();
        let leaf = as_version_1(&maker.leaf(&leaf_params()), maker.root.key());
        let object = maker.fido_u2f_with(&leaf);
        let verdict = Judge::new(maker.anchors()).judge(&object, Some(&CLIENT_DATA_HASH), None, now());
        assert_eq!((verdict.statement, verdict.chain), (Statement::Valid, Chain::Trusted), "{:?}", verdict.reasons);

        let stranger = Maker::new();
        assert_eq!(follow(&leaf, &[], &stranger.anchors()).0, Chain::Untrusted);
        let forged = as_version_1(&maker.leaf(&leaf_params()), stranger.root.key());
        let (chain, reasons) = follow(&forged, &[], &maker.anchors());
        assert_eq!(chain, Chain::Untrusted);
        assert!(reasons[0].contains("signature does not verify"), "{reasons:?}");
        // The last bits of a signature are no unused ones, whatever they are.
        let mut claims = leaf.clone();
        let count = claims.len() - signature_length(&leaf);
        claims[count - 1] = 1;
        *claims.last_mut().unwrap() &= 0xfe;
        assert_eq!(follow(&claims, &[], &maker.anchors()).0, Chain::Untrusted);
        let mut params = leaf_params();
        params.not_after = rcgen::date_time_ymd(2026, 1, 1);
        let old = as_version_1(&maker.leaf(&params), maker.root.key());
        assert_eq!(follow(&old, &[], &maker.anchors()).0, Chain::Expired);
    }

    #[test]
    fn critical_policies_are_recognised_and_others_are_not() {
        let maker = Maker::new();
        assert_eq!(follow(&leaf_with(&maker, vec![policies(3)]), &[], &maker.anchors()), (Chain::Trusted, vec![]));
        let (chain, reasons) = follow(&leaf_with(&maker, vec![critical(99, &[5, 0])]), &[], &maker.anchors());
        assert_eq!(chain, Chain::Untrusted);
        assert!(reasons[0].contains("2.5.29.99 is not known"), "{reasons:?}");
    }

    #[test]
    fn an_issuer_has_to_be_one() {
        let maker = Maker::new();
        let follow_over = |issuer: &CertifiedIssuer<'static, KeyPair>| {
            let params = extended(leaf_params(), vec![policies(3)]);
            let leaf = params.signed_by(&maker.attestation, issuer).unwrap().der().to_vec();
            follow(&leaf, &[issuer.der()], &maker.anchors())
        };
        assert_eq!(follow_over(&issuing(&maker, vec![policies(3)])), (Chain::Trusted, vec![]));
        let mut params = authority("Issuing");
        params.is_ca = IsCa::ExplicitNoCa;
        let no_ca = CertifiedIssuer::signed_by(params, pair(&PKCS_ECDSA_P256_SHA256), &maker.root).unwrap();
        assert!(follow_over(&no_ca).1[0].contains("not a CA's"));
        let mut params = authority("Issuing");
        params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        let no_signer = CertifiedIssuer::signed_by(params, pair(&PKCS_ECDSA_P256_SHA256), &maker.root).unwrap();
        assert!(follow_over(&no_signer).1[0].contains("may not sign certificates"));
        // dNSName "a", permitted.
        let names = critical(30, &[0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'a']);
        assert!(follow_over(&issuing(&maker, vec![names])).1[0].contains("name constraints"));
    }

    #[test]
    fn a_policy_that_is_required_has_to_be_the_same_all_the_way() {
        let maker = Maker::new();
        let issuer = issuing(&maker, vec![policies(3), requires_policy()]);
        for (named, chain) in [(3, Chain::Trusted), (4, Chain::Untrusted)] {
            let params = extended(leaf_params(), vec![policies(named)]);
            let leaf = params.signed_by(&maker.attestation, &issuer).unwrap().der().to_vec();
            assert_eq!(follow(&leaf, &[issuer.der()], &maker.anchors()).0, chain, "{named}");
        }
    }

    #[test]
    fn certificates_of_one_name_in_a_circle_end() {
        let maker = Maker::new();
        let params = |name| extended(authority(name), vec![policies(3)]);
        let leaf = leaf_with(&maker, vec![policies(3)]);
        let circle: Vec<Vec<u8>> = (0..40)
            .map(|_| params("Root").signed_by(&pair(&PKCS_ECDSA_P256_SHA256), &maker.root).unwrap().der().to_vec())
            .collect();
        let others: Vec<&[u8]> = circle.iter().map(Vec::as_slice).collect();
        assert_eq!(follow(&leaf, &others, &Maker::new().anchors()).0, Chain::Untrusted);
        assert_eq!(follow(&leaf, &others, &maker.anchors()).0, Chain::Trusted);
    }

    #[test]
    fn a_date_that_is_not_in_utc_is_named() {
        let maker = Maker::new();
        let mut leaf = maker.leaf(&leaf_params());
        let text = b"250101000000Z";
        let at = leaf.windows(text.len()).position(|window| window == text).unwrap();
        leaf[at + 12] = b'0';
        assert_eq!(odd_date(&leaf).as_deref(), Some("2501010000000"));
        assert_eq!(odd_date(&maker.leaf(&leaf_params())), None);
    }
}
