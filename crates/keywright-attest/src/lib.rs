//! Verdicts on FIDO attestations: a statement, trust anchors, the FIDO metadata and a policy in, a verdict out. It knows no USB and
//! no secret.
//!
//! Facts first: a [`Judge`] holds an attestation object against WebAuthn Level 3 and against trust anchors, and gives a
//! [`Verdict`] that says what it found and why. Then [`Policy`] says whether that is enough. Both are pure: no file, no clock,
//! no network. [`mds`] reads what the FIDO Alliance says of models, and keeps it in a folder. Revocation lists are not asked.
//!
//! ```no_run
//! use keywright_attest::mds::{Blob, fido_roots};
//! use keywright_attest::{Anchors, AttestationDemand, Judge, Metadata, Policy};
//! use keywright_fido::webauthn::RegistrationResponse;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (json, now) = (serde_json::Value::Null, time::OffsetDateTime::now_utc());
//! let blob = Blob::signed(std::fs::read("blob.jwt")?, &fido_roots(), now)?;
//! let judge = Judge::new(Anchors::none()).with_metadata(Metadata::read(&blob)?);
//! let registration = RegistrationResponse::from_json(&json)?;
//! let hash = registration.client_data_json.hash();
//! let verdict = judge.judge(&registration.attestation_object, Some(&hash), None, now);
//! let accepted = Policy::demanding(AttestationDemand::Trusted).accept(&verdict);
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run -p keywright-attest --example verify_attestation -- blob.jwt registration.json` does that.

mod advisories;
mod anchors;
mod certificate;
mod certificate_cache;
mod certificate_file;
mod certification;
mod chain;
mod firmware;
mod judge;
pub mod mds;
mod model_status;
mod path;
mod policy;
mod statement;
mod subject;
#[cfg(any(test, feature = "test-support"))]
#[allow(missing_docs, clippy::unwrap_used, clippy::new_without_default, reason = "fixtures")]
pub mod testing;
mod verdict;

pub use anchors::{AnchorCertificate, Anchors};
pub use certificate::AttestationCertificate;
pub use certificate_file::read_certificates;
pub use judge::Judge;
pub use mds::{MdsError, Metadata};
pub use policy::{AttestationDemand, Policy, Refusal};
pub use verdict::{
    Advice, Anchor, AnchorKind, Chain, Exposure, FirmwareSource, MetadataId, Statement, StatusReport, Verdict,
};

pub use certification::Certification;
pub use firmware::{Firmware, FirmwareError};
pub use model_status::ModelStatus;

/// The weaknesses that some firmware of a model has.
pub fn advisories_of(model: keywright_fido::webauthn::Aaguid) -> Vec<Advice> {
    advisories::built_in().about(model, None, None)
}

/// What is wrong with certificates that were given as anchors or found in a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The bytes are no X.509 certificate.
    #[error("not an X.509 certificate: {0}")]
    NotACertificate(String),
    /// The bytes are neither DER nor text.
    #[error(transparent)]
    Text(#[from] keywright_files::text::TextError),
    /// The PEM text is damaged.
    #[error("damaged PEM: {0}")]
    Pem(String),
    /// Text without a certificate in it.
    #[error("there is no certificate in it")]
    NoCertificate,
}
