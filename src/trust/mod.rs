//! Is this attestation what the profile demands?

use crate::webauthn::AttestationObject;

/// Facts about an attestation.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Verdict {}

/// Trust anchors.
pub struct Anchors {}

/// Judges an attestation.
pub fn judge(
    _attestation: &AttestationObject,
    _client_data_hash: Option<&[u8; 32]>,
    _anchors: &Anchors,
    _at: time::OffsetDateTime,
) -> Verdict {
    todo!()
}
