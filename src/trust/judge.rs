//! The judge: what attestations are held against, and what was learnt from those before.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Anchors, Firmware, FirmwareSource, Verdict, chain, statement};
use crate::webauthn::{Aaguid, AttestationObject};

/// Holds attestations against the rules and against trust anchors. Threads share one: what it learns of a certificate or a
/// chain is kept for the next object, in bounded memory, and never changes a verdict.
#[derive(Debug)]
pub struct Judge {
    pinned: Arc<Anchors>,
}

impl Judge {
    /// A judge that trusts these anchors for every model.
    pub fn new(pinned: impl Into<Arc<Anchors>>) -> Self {
        Self { pinned: pinned.into() }
    }

    /// The anchors that are trusted for every model.
    pub fn pinned(&self) -> &Anchors {
        &self.pinned
    }

    /// Judges an attestation: the statement by its format's rules (WebAuthn 8), then its certificates against the anchors at
    /// that moment.
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
        let examined = statement::examine(attestation, client_data_hash);
        let mut reasons = examined.reasons;
        let (chain, anchor) = chain::judge(&examined.x5c, &self.pinned, at, &mut reasons);
        let credential = attestation.auth_data.attested_credential_data.as_ref();
        let mut verdict = Verdict {
            fmt: attestation.fmt.clone(),
            statement: examined.statement,
            chain,
            anchor,
            aaguid: credential.map_or(Aaguid::ZERO, |credential| credential.aaguid),
            model: None,
            subject: None,
            firmware: None,
            firmware_source: None,
            serial: None,
            enterprise: false,
            transports: Vec::new(),
            backup_eligible: attestation.auth_data.flags.backup_eligible(),
            certification: None,
            status_reports: Vec::new(),
            advisories: Vec::new(),
            metadata: None,
            reasons,
        };
        if attestation.fmt == statement::FIDO_U2F && verdict.aaguid != Aaguid::ZERO {
            // Otherwise anybody could write a model into it and pass for that model.
            verdict.reasons.push(format!("WebAuthn 8.6: the signature does not cover the AAGUID {}.", verdict.aaguid));
            verdict.aaguid = Aaguid::ZERO;
        }
        if let Some(leaf) = examined.leaf {
            verdict.enterprise = leaf.is_enterprise();
            verdict.subject = Some(leaf.subject);
            verdict.serial = leaf.serial;
            verdict.transports = leaf.transports;
            (verdict.firmware, verdict.firmware_source) = leaf.firmware.unzip();
        }
        if let (None, Some(number)) = (verdict.firmware, reported_firmware) {
            (verdict.firmware, verdict.firmware_source) =
                (Some(Firmware::Number(number)), Some(FirmwareSource::GetInfo));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::testing::{self, CLIENT_DATA_HASH, FLAGS, Maker, now, with_auth_data};
    use crate::trust::{Chain, Statement};

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
            "fmt": "none", "statement": "none", "chain": "not_checked", "anchor": null, "aaguid": testing::MODEL,
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
        assert_eq!(chains, ["trusted", "untrusted", "expired", "unknown_model", "not_checked"]);
    }
}
