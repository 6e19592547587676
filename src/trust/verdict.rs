//! What was found out about an attestation, as a value that goes into the ledger.

use serde::{Deserialize, Serialize};

use super::Firmware;
use crate::webauthn::Aaguid;

/// What the statement is worth by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// Every rule of its format holds, and the attestation certificate's key signed it.
    Valid,
    /// A rule is broken; the reasons say which.
    Invalid,
    /// The new credential's own key signed it (WebAuthn 6.5.3, self attestation): no proof of a model.
    #[serde(rename = "self")]
    SelfSigned,
    /// Format `none`: there is no statement.
    None,
    /// No rule is seen broken, but the signature could not be checked; the reasons say why.
    Unverified,
}

/// Where the statement's certificates lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chain {
    /// To one of the anchors.
    Trusted,
    /// To none of the anchors.
    Untrusted,
    /// To an anchor, but a certificate on the way was not valid at that time.
    Expired,
    /// No anchors are known for a model like this.
    UnknownModel,
    /// There are no certificates, or no anchors to hold them against.
    NotChecked,
}

/// How an anchor stands to the attestation certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorKind {
    /// A certificate that names itself as its issuer.
    Root,
    /// A certificate that somebody else issued.
    Intermediate,
    /// The attestation certificate itself, byte by byte.
    Leaf,
}

/// The anchor that a chain ended at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Root, intermediate or the leaf itself.
    pub kind: AnchorKind,
    /// Its subject, as a distinguished name.
    pub subject: String,
}

/// Facts about one attestation. What certificates say is repeated here whether or not the chain is trusted: read `statement`
/// and `chain` first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The attestation statement format.
    pub fmt: String,
    /// What the statement is worth by itself.
    pub statement: Statement,
    /// Where its certificates lead.
    pub chain: Chain,
    /// The anchor, if the chain is trusted or expired.
    pub anchor: Option<Anchor>,
    /// The model as the authenticator data has it. All zeros for fido-u2f, whose signature does not cover it.
    pub aaguid: Aaguid,
    /// The model's name, where metadata tells it.
    pub model: Option<String>,
    /// The attestation certificate's subject, as a distinguished name.
    pub subject: Option<String>,
    /// The firmware that the certificate names.
    pub firmware: Option<Firmware>,
    /// The single key's serial number in an enterprise attestation (WebAuthn 8.2.2), in hexadecimal. Not always the printed one.
    pub serial: Option<String>,
    /// Whether this is an enterprise attestation: it has such a serial number, or says so in its subject.
    pub enterprise: bool,
    /// The U2F transports that the certificate names: `usb`, `nfc`, `ble`, ...
    pub transports: Vec<String>,
    /// BE: whether the credential may leave the key.
    pub backup_eligible: bool,
    /// Why, and what is peculiar: sentences that name the clause.
    pub reasons: Vec<String>,
}
