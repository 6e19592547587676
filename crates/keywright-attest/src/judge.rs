//! The judge: what attestations are held against, and what was learnt from those before.

use std::sync::Arc;

use time::OffsetDateTime;

use super::certificate_cache::CertificateCache;
use super::chain::{self, AnchorFound, PathResult};
use super::statement::{self, Examined};
use super::{
    Advice, Anchors, AttestationCertificate, Chain, Exposure, Firmware, FirmwareSource, Metadata, StatusReport,
    Verdict, advisories,
};
use keywright_fido::webauthn::{Aaguid, AttestationObject};

/// How certificates of Yubico name their maker.
const YUBICO: &str = "Yubico AB";

/// Holds attestations against the rules, against trust anchors, against the FIDO metadata if there is any, and against the
/// table of advisories. Threads share one: what it learns of a certificate is kept for the next object, in bounded memory, and
/// never changes a verdict.
#[derive(Debug)]
pub struct Judge {
    pinned: Arc<Anchors>,
    metadata: Option<Arc<Metadata>>,
    certificate_cache: CertificateCache,
}

impl Judge {
    /// A judge that trusts these anchors for every model, and knows nothing else of models.
    pub fn new(pinned: impl Into<Arc<Anchors>>) -> Self {
        Self { pinned: pinned.into(), metadata: None, certificate_cache: CertificateCache::default() }
    }

    /// The same judge with FIDO's metadata: besides the pinned anchors, each model's own are trusted for it.
    pub fn with_metadata(self, metadata: impl Into<Arc<Metadata>>) -> Self {
        Self { metadata: Some(metadata.into()), certificate_cache: CertificateCache::default(), ..self }
    }

    /// Another judge that trusts these anchors too, for every model.
    pub fn also_pinning(&self, more: Anchors) -> Self {
        let mut pinned = Anchors::clone(&self.pinned);
        pinned.merge(more);
        Self {
            pinned: Arc::new(pinned),
            metadata: self.metadata.clone(),
            certificate_cache: CertificateCache::default(),
        }
    }

    /// The anchors that are trusted for every model.
    pub fn pinned(&self) -> &Anchors {
        &self.pinned
    }

    /// The metadata that it judges by.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_deref()
    }

    /// Judges an attestation: the statement by its format's rules (WebAuthn 8), then its certificates against the anchors, and
    /// its model as it was known, at that moment.
    ///
    /// `client_data_hash` is SHA-256 of the client data; without it nothing that is signed can be checked, and a statement
    /// without another fault is [`Statement::Unverified`](super::Statement::Unverified). `reported_firmware` is getInfo's
    /// firmwareVersion (0x0E), where the key is at hand.
    pub fn judge(
        &self,
        attestation: &AttestationObject,
        client_data_hash: Option<&[u8; 32]>,
        reported_firmware: Option<u64>,
        at: OffsetDateTime,
    ) -> Verdict {
        let Examined { statement, x5c, digest, leaf, mut reasons } =
            statement::examine(attestation, client_data_hash, &self.certificate_cache);
        let leaf = leaf.as_deref().and_then(|leaf| leaf.as_ref().ok());
        let credential = attestation.auth_data.attested_credential_data.as_ref();
        let mut aaguid = credential.map_or(Aaguid::ZERO, |credential| credential.aaguid);
        if attestation.fmt == statement::FIDO_U2F && aaguid != Aaguid::ZERO {
            // Otherwise anybody could write a model into it and pass for that model.
            reasons.push(format!("WebAuthn 8.6: the signature does not cover the AAGUID {aaguid}."));
            aaguid = Aaguid::ZERO;
        }

        let position = self.position(aaguid, leaf);
        let (chain, anchor) = match x5c.split_first() {
            None => (Chain::NotChecked, None),
            Some((first, others)) => {
                let at = at.unix_timestamp();
                self.chain(position, &mut reasons, |sets| {
                    self.certificate_cache.path((digest, position), at, || chain::follow(first, others, sets, at))
                })
            }
        };
        let (firmware, firmware_source) = firmware(leaf, reported_firmware, &mut reasons).unzip();
        let advisories = advisories::built_in().about(aaguid, leaf, firmware);
        reasons.extend(advisories.iter().filter_map(inference));
        let mut verdict = Verdict {
            fmt: attestation.fmt.clone(),
            statement,
            chain,
            anchor: anchor.as_ref().map(|found| found.anchor.clone()),
            aaguid,
            model: None,
            subject: leaf.map(|leaf| leaf.subject.clone()),
            firmware,
            firmware_source,
            serial: leaf.and_then(|leaf| leaf.serial.clone()),
            enterprise: leaf.is_some_and(AttestationCertificate::is_enterprise),
            transports: leaf.map_or_else(Vec::new, |leaf| leaf.transports.clone()),
            backup_eligible: attestation.auth_data.flags.backup_eligible(),
            certification: None,
            status_reports: Vec::new(),
            advisories,
            metadata: self.metadata.as_ref().map(|metadata| metadata.id().clone()),
            reasons,
        };
        if let Some((model, _)) = self.metadata.as_ref().zip(position).map(|(metadata, at)| metadata.at(at)) {
            verdict.model = Some(model.name.clone()).filter(|name| !name.is_empty());
            verdict.certification = model.certification_on(at.date());
            let (ours, others): (Vec<_>, Vec<_>) =
                model.reports_on(at.date()).partition(|report| concerns(report, &x5c, anchor.as_ref()));
            verdict.status_reports = ours.into_iter().cloned().collect();
            verdict.reasons.extend(others.iter().map(|report| {
                format!("Metadata reports {} of another certificate of this model than those here.", report.status)
            }));
        }
        verdict
    }

    /// Where the model is in the metadata: U2F models by their certificate's key, others by AAGUID.
    fn position(&self, aaguid: Aaguid, leaf: Option<&AttestationCertificate>) -> Option<usize> {
        let metadata = self.metadata.as_ref()?;
        match aaguid {
            Aaguid::ZERO => metadata.position_of_key(&leaf?.key_identifier),
            aaguid => metadata.position(aaguid),
        }
    }

    /// Holds certificates against the model's anchors, and then against the pinned ones.
    fn chain(
        &self,
        position: Option<usize>,
        reasons: &mut Vec<String>,
        follow: impl FnOnce(&[&Anchors]) -> Arc<PathResult>,
    ) -> (Chain, Option<AnchorFound>) {
        let listed = self.metadata.as_ref().zip(position).map(|(metadata, at)| metadata.at(at).1);
        let sets: Vec<&Anchors> = listed.into_iter().chain([&*self.pinned]).filter(|set| !set.is_empty()).collect();
        let unknown = match (&self.metadata, listed) {
            (Some(metadata), None) => {
                Some(format!("FIDO metadata number {} does not list this model.", metadata.id().no))
            }
            (Some(_), Some(anchors)) if anchors.is_empty() => {
                Some("FIDO metadata names no anchor of this model.".into())
            }
            _ => None,
        };
        if sets.is_empty() {
            let known = unknown.is_none();
            reasons.push(
                unknown
                    .unwrap_or_else(|| "The chain was not checked: there are no anchors to check it against.".into()),
            );
            return (if known { Chain::NotChecked } else { Chain::UnknownModel }, None);
        }
        let path = follow(&sets);
        reasons.extend_from_slice(&path.reasons);
        match (path.chain, unknown) {
            (Chain::Untrusted, Some(why)) => {
                reasons.push(why);
                (Chain::UnknownModel, None)
            }
            (chain, _) => (chain, path.anchor.clone()),
        }
    }
}

/// The firmware from the best source. What getInfo says is only heard where the certificate says nothing, and told if it says
/// otherwise.
fn firmware(
    leaf: Option<&AttestationCertificate>,
    reported: Option<u64>,
    reasons: &mut Vec<String>,
) -> Option<(Firmware, FirmwareSource)> {
    let yubicos = leaf.is_some_and(|leaf| leaf.organization.as_deref() == Some(YUBICO));
    let version = |firmware| match firmware {
        // Yubico numbers 5.8.0 as 0x050800.
        Firmware::Number(number) if yubicos && number <= 0xff_ff_ff => {
            let [.., major, minor, patch] = number.to_be_bytes();
            Firmware::Dotted([major, minor, patch])
        }
        firmware => firmware,
    };
    let certified = leaf.and_then(|leaf| leaf.firmware).map(|(firmware, source)| (version(firmware), source));
    let reported = reported.map(|number| version(Firmware::Number(number)));
    if let (Some((certified, _)), Some(reported)) = (certified, reported)
        && certified.partial_cmp(&reported).is_some_and(std::cmp::Ordering::is_ne)
    {
        reasons.push(format!("The key says that its firmware is {reported}, and its certificate is for {certified}."));
    }
    certified.or(reported.map(|firmware| (firmware, FirmwareSource::GetInfo)))
}

/// A report that names a certificate is of that one only, wherever in the chain it stands.
fn concerns(report: &StatusReport, x5c: &[&[u8]], anchor: Option<&AnchorFound>) -> bool {
    use sha2::{Digest as _, Sha256};

    report.certificate.as_ref().is_none_or(|named| {
        let anchor = anchor.map(|found| found.der.as_ref());
        x5c.iter().copied().chain(anchor).any(|der| data_encoding::HEXLOWER.encode(&Sha256::digest(der)) == *named)
    })
}

/// What is behind an exposure that was not simply read.
fn inference(advice: &Advice) -> Option<String> {
    let id = &advice.id;
    match advice.exposure {
        Exposure::Affected => None,
        Exposure::Presumed => Some(format!(
            "{id}: the certificate names no firmware, as the maker's newer certificates do; it is taken for older than the \
             firmware that mends this."
        )),
        Exposure::Unknown => Some(format!("{id}: whether this key's firmware mends it is not known.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{self, CLIENT_DATA_HASH, FLAGS, Maker, leaf_params, metadata, now, with_auth_data};
    use crate::{Certification, Statement};

    #[test]
    fn a_verdict_is_a_document_of_stable_names() {
        let maker = Maker::new();
        let object = with_auth_data(&maker.good_packed(), |auth_data| auth_data[FLAGS] |= 0x08);
        let verdict = Judge::new(maker.anchors()).judge(&object, Some(&CLIENT_DATA_HASH), None, now());
        let expected = serde_json::json!({
            "fmt": "packed",
            "statement": "invalid",
            "chain": "trusted",
            "anchor": {"kind": "root", "subject": "CN=Root"},
            "aaguid": testing::MODEL,
            "model": null,
            "subject": "C=SE, O=Maker, OU=Authenticator Attestation, CN=Batch 1",
            "firmware": null,
            "firmware_source": null,
            "serial": null,
            "enterprise": false,
            "transports": [],
            "backup_eligible": true,
            "certification": null,
            "status_reports": [],
            "advisories": [],
            "metadata": null,
            "reasons": ["WebAuthn 8.2: the signature sig does not verify."],
        });
        assert_eq!(serde_json::to_value(&verdict).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Verdict>(expected).unwrap(), verdict);
    }

    #[test]
    fn a_verdict_of_an_older_ledger_is_read() {
        let older = serde_json::json!({
            "fmt": "none", "statement": "none", "chain": "not-checked", "anchor": null, "aaguid": testing::MODEL,
            "model": null, "subject": null, "firmware": "5.4.3", "serial": null, "enterprise": false, "transports": [],
            "backup_eligible": false, "reasons": [],
        });
        let verdict: Verdict = serde_json::from_value(older).unwrap();
        assert_eq!((verdict.metadata, verdict.certification, verdict.status_reports), (None, None, Vec::new()));
    }

    #[test]
    fn what_the_key_says_of_its_firmware_is_told_as_that() {
        let maker = Maker::new();
        let judge = Judge::new(maker.anchors());
        let verdict = judge.judge(&maker.good_packed(), Some(&CLIENT_DATA_HASH), Some(7), now());
        assert_eq!(
            (verdict.firmware, verdict.firmware_source),
            (Some(Firmware::Number(7)), Some(FirmwareSource::GetInfo))
        );
    }

    #[test]
    fn words_of_statement_and_chain() {
        let words = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let statements =
            [Statement::Valid, Statement::Invalid, Statement::SelfSigned, Statement::None, Statement::Unverified]
                .map(|statement| words(serde_json::to_value(statement).unwrap()));
        assert_eq!(statements, ["valid", "invalid", "self", "none", "unverified"]);
        let chains = [Chain::Trusted, Chain::Untrusted, Chain::Expired, Chain::UnknownModel, Chain::NotChecked]
            .map(|chain| words(serde_json::to_value(chain).unwrap()));
        assert_eq!(chains, ["trusted", "untrusted", "expired", "unknown-model", "not-checked"]);
    }

    fn verdict(judge: &Judge, object: &AttestationObject) -> Verdict {
        judge.judge(object, Some(&CLIENT_DATA_HASH), None, now())
    }

    #[test]
    fn metadata_brings_anchors_name_certification_and_reports() {
        let maker = Maker::new();
        let reports = json!([
            {"status": "FIDO_CERTIFIED_L2", "effectiveDate": "2026-01-01"},
            {"status": "SOMETHING_NEW"},
            {"status": "REVOKED", "effectiveDate": "2026-12-01"},
        ]);
        let metadata = metadata(testing::MODEL, &reports, &[maker.root.der()]);
        let judge = Judge::new(Anchors::none()).with_metadata(metadata);
        let found = verdict(&judge, &maker.good_packed());
        assert_eq!((found.statement, found.chain, found.reasons.len()), (Statement::Valid, Chain::Trusted, 0));
        assert_eq!((found.model.as_deref(), found.certification), (Some("Maker's key"), Some(Certification::L2)));
        let words: Vec<String> = found.status_reports.iter().map(|report| report.status.to_string()).collect();
        assert_eq!(words, ["FIDO_CERTIFIED_L2", "SOMETHING_NEW"], "the last is of a later day");
        let id = found.metadata.unwrap();
        assert_eq!((id.no, id.signed, id.sha256.len()), (7, false, 64));
    }

    #[test]
    fn a_model_that_metadata_does_not_list_is_unknown_unless_its_anchor_is_pinned() {
        let (maker, other) = (Maker::new(), Aaguid([9; 16]));
        let judge = Judge::new(Anchors::none()).with_metadata(metadata(other, &json!([]), &[maker.root.der()]));
        let found = verdict(&judge, &maker.good_packed());
        assert_eq!((found.chain, found.anchor, found.model), (Chain::UnknownModel, None, None));
        assert_eq!(found.reasons, ["FIDO metadata number 7 does not list this model."]);
        assert_eq!(
            verdict(&judge.also_pinning(Maker::new().anchors()), &maker.good_packed()).chain,
            Chain::UnknownModel
        );
        let pinned = judge.also_pinning(maker.anchors());
        assert_eq!(verdict(&pinned, &maker.good_packed()).chain, Chain::Trusted);
        assert_eq!(pinned.metadata().unwrap().id(), judge.metadata().unwrap().id());

        let without_anchor = metadata(testing::MODEL, &json!([]), &[]);
        let judge = Judge::new(Anchors::none()).with_metadata(without_anchor);
        let found = verdict(&judge, &maker.good_packed());
        assert_eq!((found.chain, found.model.as_deref()), (Chain::UnknownModel, Some("Maker's key")));
    }

    #[test]
    fn another_makers_anchor_does_not_help() {
        let (maker, stranger) = (Maker::new(), Maker::new());
        let theirs = metadata(testing::MODEL, &json!([]), &[stranger.root.der()]);
        let judge = Judge::new(Anchors::none()).with_metadata(theirs);
        assert_eq!(verdict(&judge, &maker.good_packed()).chain, Chain::Untrusted);
        assert_eq!(verdict(&judge.also_pinning(maker.anchors()), &maker.good_packed()).chain, Chain::Trusted);
    }

    #[test]
    fn a_report_of_one_certificate_is_of_that_one_only() {
        let maker = Maker::new();
        let leaf = maker.leaf(&leaf_params());
        let reported = |der: &[u8]| {
            let certificate = data_encoding::BASE64.encode(der);
            let reports = json!([{"status": "ATTESTATION_KEY_COMPROMISE", "certificate": certificate}]);
            let metadata = metadata(testing::MODEL, &reports, &[maker.root.der()]);
            let judge = Judge::new(Anchors::none()).with_metadata(metadata);
            let found = verdict(&judge, &maker.packed(&leaf, -7));
            (found.status_reports.len(), found.reasons.len())
        };
        assert_eq!(reported(&leaf), (1, 0));
        assert_eq!(reported(maker.root.der()), (1, 0));
        assert_eq!(reported(Maker::new().root.der()), (0, 1));
        assert_eq!(reported(b"no certificate"), (0, 1));
    }

    #[test]
    fn what_is_remembered_never_changes_a_verdict() {
        let (maker, stranger) = (Maker::new(), Maker::new());
        let mut short = leaf_params();
        short.not_after = rcgen::date_time_ymd(2026, 8, 1);
        let leaf = maker.leaf(&short);
        let objects = [
            maker.packed(&leaf, -7),
            testing::with_forged_signature(&maker.packed(&leaf, -7)),
            maker.good_packed(),
            maker.fido_u2f(),
            maker.self_signed(),
            stranger.good_packed(),
        ];
        let moments = [(2026, 7, 1), (2026, 9, 1), (2020, 1, 1), (2026, 7, 2), (2040, 1, 1), (2026, 7, 1)];
        let judge = Judge::new(maker.anchors());
        for (year, month, day) in moments {
            let at = rcgen::date_time_ymd(year, month, day);
            for object in &objects {
                let fresh = Judge::new(maker.anchors()).judge(object, Some(&CLIENT_DATA_HASH), None, at);
                assert_eq!(judge.judge(object, Some(&CLIENT_DATA_HASH), None, at), fresh, "{at}");
            }
        }
    }

    #[test]
    fn threads_share_a_judge() {
        let maker = Maker::new();
        let (judge, object) = (Judge::new(maker.anchors()), maker.good_packed());
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| verdict(&judge, &object))).collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap().chain == Chain::Trusted));
        });
    }

    #[test]
    fn yubico_numbers_firmware_by_its_parts() {
        let maker = Maker::new();
        let judge = Judge::new(maker.anchors());
        let told = |organization: &str, certified: Option<u8>, reported| {
            let mut params = leaf_params();
            params.distinguished_name.push(rcgen::DnType::OrganizationName, organization);
            params.custom_extensions.extend(certified.map(|patch| testing::fido_extension(5, vec![2, 3, 5, 8, patch])));
            let object = maker.packed(&maker.leaf(&params), -7);
            let verdict = judge.judge(&object, Some(&CLIENT_DATA_HASH), reported, now());
            (verdict.firmware.map(|firmware| firmware.to_string()).unwrap_or_default(), verdict.reasons)
        };
        assert_eq!(told("Yubico AB", None, Some(329_728)), ("5.8.0".to_owned(), vec![]));
        assert_eq!(told("Yubico AB", Some(0), Some(329_728)), ("5.8.0".to_owned(), vec![]));
        assert_eq!(told("Maker", None, Some(329_728)), ("329728".to_owned(), vec![]));
        let (firmware, reasons) = told("Yubico AB", Some(1), Some(329_728));
        assert_eq!(firmware, "5.8.1");
        assert_eq!(reasons, ["The key says that its firmware is 5.8.0, and its certificate is for 5.8.1."]);
    }
}
