//! Is this attestation what the profile demands?
//!
//! Facts first: a [`Judge`] holds an attestation object against WebAuthn Level 3 and against trust anchors, and gives a
//! [`Verdict`] that says what it found and why. Then [`Policy`] says whether that is enough. Both are pure: no file, no clock,
//! no network. [`mds`] reads what the FIDO Alliance says of models, and keeps it in a folder. Revocation lists are not asked.

mod advisories;
mod anchors;
mod certificate;
mod chain;
mod judge;
pub mod mds;
mod memory;
mod policy;
mod statement;
#[cfg(test)]
mod testing;
mod verdict;

pub use anchors::{AnchorCertificate, Anchors};
pub use certificate::AttestationCertificate;
pub use judge::Judge;
pub use mds::{MdsError, Metadata};
pub use policy::{Demand, Policy, Refusal};
pub use verdict::{
    Advice, Anchor, AnchorKind, Chain, Exposure, FirmwareSource, MetadataId, Statement, StatusReport, Verdict,
};

pub use crate::profile::{Certification, Firmware, FirmwareError, ModelStatus};

/// The weaknesses that some firmware of a model has.
pub fn advisories_of(model: crate::webauthn::Aaguid) -> Vec<Advice> {
    advisories::built_in().about(model, None, None)
}

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
