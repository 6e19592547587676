//! Where a statement's certificates lead (RFC 5280 section 6): first the anchors that are the attestation certificate itself,
//! then a path to any other anchor. Revocation lists are not asked.

use std::ops::RangeInclusive;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::path::{self, PathError};
use super::{Anchor, AnchorCertificate, Anchors, Chain};

/// Where certificates lead, and when that is so.
#[derive(Debug, Clone)]
pub(super) struct PathResult {
    /// Trusted, expired or untrusted.
    pub chain: Chain,
    /// The anchor, unless it is untrusted.
    pub anchor: Option<AnchorFound>,
    /// What kept it from being trusted, or what is peculiar.
    pub reasons: Vec<String>,
    /// Moments, in seconds since 1970, for which this is the answer.
    pub holds: RangeInclusive<i64>,
}

/// An anchor that certificates lead to.
#[derive(Debug, Clone)]
pub(super) struct AnchorFound {
    /// What is said of it.
    pub anchor: Anchor,
    /// The certificate.
    pub der: CertificateDer<'static>,
}

/// Follows the certificates from the first, the attestation certificate, to an anchor of the first set that has a valid one,
/// at a moment in seconds since 1970. The other certificates may help on the way, in any order.
pub(super) fn follow(leaf: &[u8], others: &[&[u8]], sets: &[&Anchors], at: i64) -> PathResult {
    let mut best: Option<PathResult> = None;
    for path in sets.iter().map(|anchors| follow_to(leaf, others, anchors, at)) {
        match (&best, path.chain) {
            (_, Chain::Trusted) => return path,
            (Some(PathResult { chain: Chain::Expired, .. }), _) => {}
            (Some(_), Chain::Untrusted) => {}
            _ => best = Some(path),
        }
    }
    best.unwrap_or_else(|| untrusted(&PathError::UnknownIssuer, at))
}

fn follow_to(leaf: &[u8], others: &[&[u8]], anchors: &Anchors, at: i64) -> PathResult {
    if let Some(anchor) = anchors.iter().find(|anchor| anchor.der.as_ref() == leaf) {
        let found = AnchorFound { anchor: anchor.as_leaf(), der: anchor.der.clone() };
        return match common_time(&[leaf]) {
            Some(holds) if holds.contains(&at) => {
                PathResult { chain: Chain::Trusted, anchor: Some(found), reasons: Vec::new(), holds }
            }
            _ => expired(found, at),
        };
    }
    let mended = mend_unused_bits(leaf);
    let leaf = mended.as_deref().unwrap_or(leaf);
    match path(leaf, others, anchors, at) {
        Ok((anchor, valid)) => {
            let mut reasons = Vec::new();
            if mended.is_some() {
                reasons.push(
                    "X.690 8.6.2: the certificate's signature claims unused bits that it does not have, a known fault of \
                     old Yubico certificates; it was read without them."
                        .into(),
                );
            }
            let (start, end) = valid.into_inner();
            let holds = if anchor.not_after < at {
                let subject = &anchor.subject;
                reasons.push(format!("The anchor {subject} is past its date; it is believed because it is listed."));
                start.max(anchor.not_after.saturating_add(1))..=end
            } else {
                start..=end.min(anchor.not_after)
            };
            let anchor = AnchorFound { anchor: anchor.as_issuer(), der: anchor.der.clone() };
            PathResult { chain: Chain::Trusted, anchor: Some(anchor), reasons, holds }
        }
        Err(PathError::NotValid) => {
            // Dates are looked at before names, so a stranger's old certificate fails the same way. Ask again for a moment at
            // which all the certificates were valid.
            let all: Vec<&[u8]> = std::iter::once(leaf).chain(others.iter().copied()).collect();
            let when = common_time(&all).map_or(at, |valid| *valid.start());
            match path(leaf, others, anchors, when) {
                Ok((anchor, _)) => expired(AnchorFound { anchor: anchor.as_issuer(), der: anchor.der.clone() }, at),
                Err(error) => untrusted(&error, at),
            }
        }
        Err(error) => untrusted(&error, at),
    }
}

/// Builds a path at a moment. Gives the anchor, and the moments at which all certificates of the path are valid.
fn path<'a>(
    leaf: &'a [u8],
    others: &[&'a [u8]],
    anchors: &'a Anchors,
    at: i64,
) -> Result<(&'a AnchorCertificate, RangeInclusive<i64>), PathError> {
    match webpki_path(leaf, others, anchors, at) {
        Ok(found) => Ok(found),
        // What webpki does not read, and RFC 5280 does. Of a certificate of version 1 it says that it is no DER.
        Err(Error::BadDer | Error::UnsupportedCertVersion | Error::UnsupportedCriticalExtension) => {
            let (anchor, way) = path::find(leaf, others, anchors, at)?;
            Ok((anchor, common_time(&way).unwrap_or(at..=at)))
        }
        Err(Error::UnknownIssuer) => Err(PathError::UnknownIssuer),
        Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => Err(PathError::NotValid),
        Err(Error::BadDerTime) => {
            let odd = std::iter::once(leaf).chain(others.iter().copied()).find_map(path::odd_date).unwrap_or_default();
            Err(PathError::Broken(format!(
                "the date {odd} is not in UTC with whole seconds, as section 4.1.2.5 has it"
            )))
        }
        Err(error) => Err(PathError::Broken(format!("{error:?}"))),
    }
}

/// The same by webpki.
fn webpki_path<'a>(
    leaf: &[u8],
    others: &[&[u8]],
    anchors: &'a Anchors,
    at: i64,
) -> Result<(&'a AnchorCertificate, RangeInclusive<i64>), Error> {
    let der = CertificateDer::from(leaf);
    let end_entity = EndEntityCert::try_from(&der)?;
    let others: Vec<CertificateDer<'_>> = others.iter().map(|der| CertificateDer::from(*der)).collect();
    let path = end_entity.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        anchors.names_and_keys(),
        &others,
        UnixTime::since_unix_epoch(Duration::from_secs(at.try_into().unwrap_or(0))),
        AnyPurpose,
        None,
        None,
    )?;
    let anchor = anchors.certificate_of(path.anchor()).ok_or(Error::UnknownIssuer)?;
    let intermediates: Vec<CertificateDer<'_>> =
        path.intermediate_certificates().map(|certificate| certificate.der()).collect();
    let all: Vec<&[u8]> = std::iter::once(leaf).chain(intermediates.iter().map(|der| der.as_ref())).collect();
    Ok((anchor, common_time(&all).unwrap_or(at..=at)))
}

/// FIDO gives attestation certificates no extended key usage, so none is asked for and none refused.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// The seconds since 1970 at which all of these certificates are valid.
fn common_time(certificates: &[&[u8]]) -> Option<RangeInclusive<i64>> {
    let mut common = i64::MIN..=i64::MAX;
    for der in certificates {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        common = (*common.start()).max(validity.not_before.timestamp())
            ..=(*common.end()).min(validity.not_after.timestamp());
    }
    Some(common)
}

/// Some Yubico certificates of 2014 say that their 2048-bit signature has unused bits. Gives the certificate with the count
/// set to zero, which is what was signed for: the signature itself is still to be verified.
fn mend_unused_bits(leaf: &[u8]) -> Option<Vec<u8>> {
    const ISSUER: &[u8] = b"Yubico U2F Root CA Serial 457200631";
    let at = leaf.len().checked_sub(257)?;
    // BIT STRING of 257 bytes, whose first is the count.
    let claims_unused_bits = leaf[..at].ends_with(&[0x03, 0x82, 0x01, 0x01]) && leaf[at] != 0;
    if !claims_unused_bits || !leaf.windows(ISSUER.len()).any(|window| window == ISSUER) {
        return None;
    }
    let mut mended = leaf.to_vec();
    mended[at] = 0;
    Some(mended)
}

fn untrusted(error: &PathError, at: i64) -> PathResult {
    let reason = match error {
        PathError::UnknownIssuer => "RFC 5280 6.1: the certificates do not lead to an anchor.".into(),
        PathError::NotValid => "RFC 5280 6.1.3: a certificate is not valid at this date.".into(),
        PathError::Broken(why) => format!("RFC 5280 6.1: the certificates are not a valid path to an anchor ({why})."),
    };
    PathResult { chain: Chain::Untrusted, anchor: None, reasons: vec![reason], holds: at..=at }
}

fn expired(anchor: AnchorFound, at: i64) -> PathResult {
    let reason = "RFC 5280 6.1.3: a certificate leads to an anchor, but is not valid at this date.".into();
    PathResult { chain: Chain::Expired, anchor: Some(anchor), reasons: vec![reason], holds: at..=at }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedIssuer, ExtendedKeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd};

    use super::*;
    use crate::AnchorKind;
    use crate::testing::{Maker, authority, leaf_params, now, pair};

    fn follow(x5c: &[&[u8]], anchors: &Anchors) -> (Chain, Option<AnchorKind>, Vec<String>) {
        let path = super::follow(x5c[0], &x5c[1..], &[anchors], now().unix_timestamp());
        (path.chain, path.anchor.map(|found| found.anchor.kind), path.reasons)
    }

    fn anchors(certificates: &[&[u8]]) -> Anchors {
        let mut anchors = Anchors::none();
        certificates.iter().for_each(|der| anchors.merge(Anchors::from_pem_or_der(der).unwrap()));
        anchors
    }

    #[test]
    fn to_a_root_and_to_nobody() {
        let (maker, stranger) = (Maker::new(), Maker::new());
        let leaf = maker.leaf(&leaf_params());
        assert_eq!(follow(&[&leaf], &maker.anchors()), (Chain::Trusted, Some(AnchorKind::Root), vec![]));
        let (chain, anchor, reasons) = follow(&[&leaf], &stranger.anchors());
        assert_eq!((chain, anchor), (Chain::Untrusted, None));
        assert!(reasons[0].contains("not a valid path"), "same name, another key: {reasons:?}");
        let named = CertifiedIssuer::self_signed(authority("Other"), pair(&PKCS_ECDSA_P256_SHA256)).unwrap();
        assert!(follow(&[&leaf], &anchors(&[named.der()])).2[0].contains("do not lead to an anchor"));
    }

    #[test]
    fn anchors_of_one_name_are_all_tried() {
        let (maker, stranger) = (Maker::new(), Maker::new());
        let leaf = maker.leaf(&leaf_params());
        for order in [[maker.root.der(), stranger.root.der()], [stranger.root.der(), maker.root.der()]] {
            assert_eq!(follow(&[&leaf], &anchors(&order.map(|der| der.as_ref()))).0, Chain::Trusted);
        }
    }

    #[test]
    fn over_an_intermediate_or_to_it() {
        let maker = Maker::new();
        let issuing =
            CertifiedIssuer::signed_by(authority("Issuing"), pair(&PKCS_ECDSA_P256_SHA256), &maker.root).unwrap();
        let leaf = leaf_params().signed_by(&maker.attestation, &issuing).unwrap().der().to_vec();
        assert_eq!(follow(&[&leaf], &maker.anchors()).0, Chain::Untrusted);
        let whole = [leaf.as_slice(), maker.root.der(), issuing.der()];
        assert_eq!(follow(&whole, &maker.anchors()).1, Some(AnchorKind::Root));
        assert_eq!(follow(&[&leaf], &anchors(&[issuing.der()])).1, Some(AnchorKind::Intermediate));
    }

    #[test]
    fn an_attestation_certificate_may_be_the_anchor() {
        let maker = Maker::new();
        let leaf = maker.leaf(&leaf_params());
        assert_eq!(follow(&[&leaf], &anchors(&[&leaf])), (Chain::Trusted, Some(AnchorKind::Leaf), vec![]));
        let mut params = leaf_params();
        params.serial_number = Some(7.into());
        let another = maker.leaf(&params);
        assert_eq!(follow(&[&another], &anchors(&[&leaf])).0, Chain::Untrusted);
    }

    #[test]
    fn dates_are_told_apart_from_strangers() {
        let maker = Maker::new();
        for dates in [(2023, 2025), (2027, 2029)] {
            let mut params = leaf_params();
            (params.not_before, params.not_after) = (date_time_ymd(dates.0, 1, 1), date_time_ymd(dates.1, 1, 1));
            let leaf = maker.leaf(&params);
            let (chain, anchor, reasons) = follow(&[&leaf], &maker.anchors());
            assert_eq!((chain, anchor), (Chain::Expired, Some(AnchorKind::Root)));
            assert!(reasons[0].contains("not valid at this date"));
            assert_eq!(follow(&[&leaf], &anchors(&[&leaf])).0, Chain::Expired);
            assert_eq!(follow(&[&leaf], &Maker::new().anchors()).0, Chain::Untrusted);
        }
    }

    #[test]
    fn an_anchor_past_its_date_is_told_and_taken() {
        let mut params = authority("Old root");
        params.not_after = date_time_ymd(2025, 1, 1);
        let root = CertifiedIssuer::self_signed(params, pair(&PKCS_ECDSA_P256_SHA256)).unwrap();
        let leaf = leaf_params().signed_by(&pair(&PKCS_ECDSA_P256_SHA256), &root).unwrap();
        let (chain, _, reasons) = follow(&[leaf.der()], &anchors(&[root.der()]));
        assert_eq!(chain, Chain::Trusted);
        assert_eq!(reasons, ["The anchor CN=Old root is past its date; it is believed because it is listed."]);
    }

    #[test]
    fn an_answer_says_when_it_holds() {
        let (maker, at) = (Maker::new(), now().unix_timestamp());
        let leaf = maker.leaf(&leaf_params());
        let at_leaf = super::follow(&leaf, &[], &[&maker.anchors()], at);
        let day = |year| date_time_ymd(year, 1, 1).unix_timestamp();
        assert_eq!(at_leaf.holds, day(2025)..=day(2030));
        for moment in [day(2025) - 1, day(2030) + 1] {
            let then = super::follow(&leaf, &[], &[&maker.anchors()], moment);
            assert_eq!((then.chain, then.holds), (Chain::Expired, moment..=moment));
        }

        // Before and after the anchor's own end, the answers differ by a remark.
        let mut params = authority("Short root");
        params.not_after = date_time_ymd(2027, 1, 1);
        let root = CertifiedIssuer::self_signed(params, pair(&PKCS_ECDSA_P256_SHA256)).unwrap();
        let leaf = leaf_params().signed_by(&pair(&PKCS_ECDSA_P256_SHA256), &root).unwrap().der().to_vec();
        let roots = anchors(&[root.der()]);
        assert_eq!(super::follow(&leaf, &[], &[&roots], at).holds, day(2025)..=day(2027));
        assert_eq!(super::follow(&leaf, &[], &[&roots], day(2028)).holds, day(2027) + 1..=day(2030));

        // An intermediate that is on the way counts, one that is not does not.
        let mut params = authority("Issuing");
        params.not_after = date_time_ymd(2028, 1, 1);
        let issuing = CertifiedIssuer::signed_by(params, pair(&PKCS_ECDSA_P256_SHA256), &maker.root).unwrap();
        let leaf = leaf_params().signed_by(&maker.attestation, &issuing).unwrap().der().to_vec();
        let others: [&[u8]; 2] = [issuing.der(), root.der()];
        assert_eq!(super::follow(&leaf, &others, &[&maker.anchors()], at).holds, day(2025)..=day(2028));
    }

    #[test]
    fn the_best_of_several_sets_of_anchors_counts() {
        let (maker, stranger) = (Maker::new(), Maker::new());
        let leaf = maker.leaf(&leaf_params());
        let (good, bad) = (maker.anchors(), stranger.anchors());
        for sets in [[&good, &bad], [&bad, &good]] {
            let followed = |at| super::follow(&leaf, &[], &sets, at);
            assert_eq!(followed(now().unix_timestamp()).chain, Chain::Trusted);
            assert_eq!(followed(date_time_ymd(2031, 1, 1).unix_timestamp()).chain, Chain::Expired);
        }
        assert_eq!(super::follow(&leaf, &[], &[&bad], now().unix_timestamp()).chain, Chain::Untrusted);
        assert_eq!(super::follow(&leaf, &[], &[], now().unix_timestamp()).chain, Chain::Untrusted);
    }

    #[test]
    fn purposes_are_not_asked_for() {
        let maker = Maker::new();
        let mut params = leaf_params();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
        assert_eq!(follow(&[&maker.leaf(&params)], &maker.anchors()).0, Chain::Trusted);
    }

    #[test]
    fn a_forged_certificate_is_a_strangers() {
        let maker = Maker::new();
        let mut leaf = maker.leaf(&leaf_params());
        *leaf.last_mut().unwrap() ^= 1;
        assert_eq!(follow(&[&leaf], &maker.anchors()).0, Chain::Untrusted);
    }

    #[test]
    fn unused_bits_of_old_yubico_certificates_are_mended() {
        for (issuer, chain) in
            [("Yubico U2F Root CA Serial 457200631", Chain::Trusted), ("Somebody's Root CA", Chain::Untrusted)]
        {
            let root = CertifiedIssuer::self_signed(authority(issuer), pair(&rcgen::PKCS_RSA_SHA256)).unwrap();
            // A signature that ends in two zero bits: as a BIT STRING these could be unused, as a signature they are not.
            let mut leaf = std::iter::repeat_with(|| {
                leaf_params().signed_by(&pair(&PKCS_ECDSA_P256_SHA256), &root).unwrap().der().to_vec()
            })
            .find(|leaf| leaf.last().is_some_and(|last| last & 3 == 0))
            .unwrap();
            let count = leaf.len() - 257;
            leaf[count] = 2;
            let (found, _, reasons) = follow(&[&leaf], &anchors(&[root.der()]));
            assert_eq!(found, chain, "{issuer}");
            assert_eq!(reasons.len(), 1);
            leaf[count + 1] ^= 1;
            assert_eq!(follow(&[&leaf], &anchors(&[root.der()])).0, Chain::Untrusted);
        }
    }
}
