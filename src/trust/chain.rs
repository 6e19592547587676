//! Where a statement's certificates lead (RFC 5280 section 6): first the anchors that are the attestation certificate itself,
//! then a path to any other anchor. Revocation lists are not asked.

use rustls::pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Anchor, Anchors, Chain};

/// Follows the certificates from the first, the attestation certificate, to an anchor. The others may help on the way, in any
/// order. Appends to the reasons what kept it from being trusted, or what is peculiar.
pub(super) fn judge(
    x5c: &[&[u8]],
    anchors: &Anchors,
    at: OffsetDateTime,
    reasons: &mut Vec<String>,
) -> (Chain, Option<Anchor>) {
    let Some((leaf, others)) = x5c.split_first() else { return (Chain::NotChecked, None) };
    if anchors.is_empty() {
        reasons.push("The chain was not checked: there are no anchors to hold it against.".into());
        return (Chain::NotChecked, None);
    }
    if let Some(anchor) = anchors.iter().find(|anchor| anchor.der.as_ref() == *leaf) {
        return match common_time(&[leaf]) {
            Some(valid) if valid.contains(&at.unix_timestamp()) => (Chain::Trusted, Some(anchor.as_leaf())),
            _ => {
                reasons.push(out_of_date());
                (Chain::Expired, Some(anchor.as_leaf()))
            }
        };
    }

    let mended = mend_unused_bits(leaf);
    let leaf = mended.as_deref().unwrap_or(leaf);
    match path(leaf, others, anchors, at.unix_timestamp()) {
        Ok((anchor, not_after)) => {
            if mended.is_some() {
                reasons.push(
                    "X.690 8.6.2: the certificate's signature claims unused bits that it does not have, a known fault of \
                     old Yubico certificates; it was read without them."
                        .into(),
                );
            }
            if not_after < at.unix_timestamp() {
                reasons.push(format!("The anchor {} is past its date; metadata still lists it.", anchor.subject));
            }
            (Chain::Trusted, Some(anchor))
        }
        Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => {
            // Dates are looked at before names, so a stranger's old certificate fails the same way. Ask again for a moment at
            // which all the certificates were valid.
            let when = common_time(x5c).map_or(at.unix_timestamp(), |valid| *valid.start());
            match path(leaf, others, anchors, when) {
                Ok((anchor, _)) => {
                    reasons.push(out_of_date());
                    (Chain::Expired, Some(anchor))
                }
                Err(error) => untrusted(&error, reasons),
            }
        }
        Err(error) => untrusted(&error, reasons),
    }
}

/// Builds a path at a moment in seconds since 1970. Gives the anchor, and the end of its own validity.
fn path(leaf: &[u8], others: &[&[u8]], anchors: &Anchors, at: i64) -> Result<(Anchor, i64), Error> {
    let leaf = CertificateDer::from(leaf);
    let leaf = EndEntityCert::try_from(&leaf)?;
    let others: Vec<CertificateDer<'_>> = others.iter().map(|der| CertificateDer::from(*der)).collect();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.try_into().unwrap_or(0)));
    let path = leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        anchors.names_and_keys(),
        &others,
        at,
        AnyPurpose,
        None,
        None,
    )?;
    let anchor = anchors.of(path.anchor()).ok_or(Error::UnknownIssuer)?;
    Ok((anchor.as_issuer(), anchor.not_after))
}

/// FIDO gives attestation certificates no extended key usage, so none is asked for and none refused.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// The seconds since 1970 at which all of these certificates are valid.
fn common_time(certificates: &[&[u8]]) -> Option<std::ops::RangeInclusive<i64>> {
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

fn untrusted(error: &Error, reasons: &mut Vec<String>) -> (Chain, Option<Anchor>) {
    reasons.push(match error {
        Error::UnknownIssuer => "RFC 5280 6.1: the certificates lead to none of the anchors.".into(),
        error => format!("RFC 5280 6.1: the certificates are no valid path to an anchor ({error:?})."),
    });
    (Chain::Untrusted, None)
}

fn out_of_date() -> String {
    "RFC 5280 6.1.3: a certificate leads to an anchor, but is not valid at this date.".into()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedIssuer, ExtendedKeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd};

    use super::*;
    use crate::trust::AnchorKind;
    use crate::trust::testing::{Maker, authority, leaf_params, now, pair};

    fn follow(x5c: &[&[u8]], anchors: &Anchors) -> (Chain, Option<AnchorKind>, Vec<String>) {
        let mut reasons = Vec::new();
        let (chain, anchor) = judge(x5c, anchors, now(), &mut reasons);
        (chain, anchor.map(|anchor| anchor.kind), reasons)
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
        assert_eq!(follow(&[&leaf], &Anchors::none()).0, Chain::NotChecked);
        assert_eq!(follow(&[], &maker.anchors()), (Chain::NotChecked, None, vec![]));
        let (chain, anchor, reasons) = follow(&[&leaf], &stranger.anchors());
        assert_eq!((chain, anchor), (Chain::Untrusted, None));
        assert!(reasons[0].contains("no valid path"), "same name, another key: {reasons:?}");
        let named = CertifiedIssuer::self_signed(authority("Other"), pair(&PKCS_ECDSA_P256_SHA256)).unwrap();
        assert!(follow(&[&leaf], &anchors(&[named.der()])).2[0].contains("none of the anchors"));
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
        assert_eq!(reasons, ["The anchor CN=Old root is past its date; metadata still lists it."]);
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
            let mut leaf = leaf_params().signed_by(&pair(&PKCS_ECDSA_P256_SHA256), &root).unwrap().der().to_vec();
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
