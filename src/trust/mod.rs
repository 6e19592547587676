//! Is this attestation what the profile demands?
//!
//! Facts first: [`judge`] holds an attestation object against WebAuthn Level 3 and against trust anchors, and gives a
//! [`Verdict`] that says what it found and why. Then [`Policy`] says whether that is enough. Both are pure: no file, no clock,
//! no network. Revocation lists are not asked.

mod anchors;
mod certificate;
mod chain;
mod firmware;
mod policy;
mod statement;
#[cfg(test)]
mod testing;
mod verdict;

pub use anchors::{AnchorCertificate, Anchors};
pub use certificate::AttestationCertificate;
pub use firmware::{Firmware, FirmwareError};
pub use policy::{Demand, Policy, Refusal};
pub use verdict::{Anchor, AnchorKind, Chain, Statement, Verdict};

use crate::webauthn::{Aaguid, AttestationObject};

/// What is wrong with certificates that were given as anchors or found in a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The bytes are no X.509 certificate.
    #[error("not an X.509 certificate: {0}")]
    NotACertificate(String),
    /// The PEM text is damaged.
    #[error("damaged PEM: {0}")]
    Pem(String),
    /// PEM text without a certificate in it.
    #[error("there is no certificate in it")]
    NoCertificate,
}

/// Judges an attestation: the statement by its format's rules (WebAuthn 8), then its certificates against the anchors at that
/// moment.
///
/// `client_data_hash` is SHA-256 of the client data; without it nothing that is signed can be checked, and a statement without
/// another fault is [`Statement::Unverified`].
pub fn judge(
    attestation: &AttestationObject,
    client_data_hash: Option<&[u8; 32]>,
    anchors: &Anchors,
    at: time::OffsetDateTime,
) -> Verdict {
    let examined = statement::examine(attestation, client_data_hash);
    let mut reasons = examined.reasons;
    let (chain, anchor) = chain::judge(&examined.x5c, anchors, at, &mut reasons);
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
        serial: None,
        enterprise: false,
        transports: Vec::new(),
        backup_eligible: attestation.auth_data.flags.backup_eligible(),
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
        verdict.firmware = leaf.firmware;
        verdict.serial = leaf.serial;
        verdict.transports = leaf.transports;
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::testing::{CLIENT_DATA_HASH, FLAGS, Maker, now, with_auth_data};
    use super::*;

    #[test]
    fn a_verdict_is_a_document_of_stable_names() {
        let maker = Maker::new();
        let object = with_auth_data(&maker.good_packed(), |auth_data| auth_data[FLAGS] |= 0x08);
        let verdict = judge(&object, Some(&CLIENT_DATA_HASH), &maker.anchors(), now());
        let expected = serde_json::json!({
            "fmt": "packed",
            "statement": "invalid",
            "chain": "trusted",
            "anchor": {"kind": "root", "subject": "CN=Root"},
            "aaguid": testing::MODEL,
            "model": null,
            "subject": "C=SE, O=Maker, OU=Authenticator Attestation, CN=Batch 1",
            "firmware": null,
            "serial": null,
            "enterprise": false,
            "transports": [],
            "backup_eligible": true,
            "reasons": ["WebAuthn 8.2: the signature sig does not verify."],
        });
        assert_eq!(serde_json::to_value(&verdict).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Verdict>(expected).unwrap(), verdict);
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
