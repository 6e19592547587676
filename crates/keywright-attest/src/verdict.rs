//! What was found out about an attestation, as a value that goes into the ledger.
//!
//! Aliases read what logs of keywright 0.1.0 have.

use serde::{Deserialize, Serialize};

use crate::{Certification, Firmware, ModelStatus};
use keywright_fido::webauthn::Aaguid;

/// What the statement is worth by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[serde(rename_all = "kebab-case")]
pub enum Chain {
    /// To one of the anchors.
    Trusted,
    /// To none of the anchors.
    Untrusted,
    /// To an anchor, but a certificate on the way was not valid at that time.
    Expired,
    /// No anchors are known for a model like this.
    #[serde(alias = "unknown_model")]
    UnknownModel,
    /// There are no certificates, or no anchors to hold them against.
    #[serde(alias = "not_checked")]
    NotChecked,
}

/// How an anchor stands to the attestation certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// Where a firmware version was read, the most reliable source first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirmwareSource {
    /// The certificate's extension 1.3.6.1.4.1.41482.13.1.
    #[serde(alias = "yubico_extension")]
    YubicoExtension,
    /// The certificate's extension 1.3.6.1.4.1.45724.1.1.5, id-fido-gen-ce-fw-version.
    #[serde(alias = "fido_extension")]
    FidoExtension,
    /// getInfo's firmwareVersion (0x0E): what the key says, signed by nobody.
    #[serde(alias = "get_info")]
    GetInfo,
}

/// One report of a model in metadata (FIDO Metadata Service 3.1, StatusReport).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The status.
    pub status: ModelStatus,
    /// The day it holds from, `YYYY-MM-DD` as reported; absent if always.
    #[serde(default)]
    pub effective_date: Option<String>,
    /// The firmware it is about, as getInfo numbers it.
    #[serde(default)]
    pub authenticator_version: Option<u64>,
    /// For a compromised attestation key: SHA-256, in hexadecimal, of the one certificate (DER) that is meant. Absent if all are.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Where to read more.
    #[serde(default)]
    pub url: Option<String>,
    /// The certificate's number at FIDO.
    #[serde(default)]
    pub certificate_number: Option<String>,
}

/// A known weakness of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The advisory's name, such as `YSA-2024-03`.
    pub id: String,
    /// The weakness in one sentence.
    pub summary: String,
    /// Where to read more.
    pub link: String,
    /// Whether this key has it.
    pub exposure: Exposure,
}

/// Whether one key has a weakness that some firmware of its model has, the worst first. A key whose firmware is mended has no
/// [`Advice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// Its firmware is one that has it.
    Affected,
    /// Its firmware is not told, but its certificate is older than the firmware that mended it.
    Presumed,
    /// Its firmware is not known.
    Unknown,
}

/// Which metadata something was judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataId {
    /// Its serial number, `no`.
    pub no: u64,
    /// SHA-256 of the BLOB as received, in hexadecimal.
    pub sha256: String,
    /// Whether the signature on it was verified: FIDO's, or the one of [`MetadataId::root`]. False only if somebody asked for
    /// unsigned metadata to be taken.
    pub signed: bool,
    /// SHA-256 of the root that the signature leads to, in hexadecimal, if that is none of FIDO's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

impl MetadataId {
    /// Who vouches for it, in a few words.
    pub fn signer(&self) -> String {
        match (self.signed, &self.root) {
            (false, _) => "NOT SIGNED".to_owned(),
            (true, None) => "signed by FIDO".to_owned(),
            (true, Some(root)) => format!("NOT FIDO'S, signed under the root {}", root.get(..16).unwrap_or(root)),
        }
    }
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
    /// The firmware, from the most reliable source there is.
    pub firmware: Option<Firmware>,
    /// Where it was read.
    #[serde(default)]
    pub firmware_source: Option<FirmwareSource>,
    /// The single key's serial number in an enterprise attestation (WebAuthn 8.2.2), in hexadecimal. Not always the printed one.
    pub serial: Option<String>,
    /// Whether this is an enterprise attestation: it has such a serial number, or says so in its subject.
    pub enterprise: bool,
    /// The U2F transports that the certificate names: `usb`, `nfc`, `ble`, ...
    pub transports: Vec<String>,
    /// BE: whether the credential may leave the key.
    pub backup_eligible: bool,
    /// The highest certification of the model that metadata reports for the moment of judging.
    #[serde(default)]
    pub certification: Option<Certification>,
    /// What metadata reports of the model, in its order.
    #[serde(default)]
    pub status_reports: Vec<StatusReport>,
    /// Weaknesses of the model that are known here, and whether this key has them.
    #[serde(default)]
    pub advisories: Vec<Advice>,
    /// The metadata it was judged by; absent if there was none.
    #[serde(default)]
    pub metadata: Option<MetadataId>,
    /// Why, and what is peculiar: sentences that name the clause.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// Whether both attestations name one single key: by model and serial number, which only enterprise attestations tell.
    pub fn names_same_key(&self, other: &Self) -> bool {
        self.serial.is_some() && (self.aaguid, &self.serial) == (other.aaguid, &other.serial)
    }
}
