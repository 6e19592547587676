//! Client data (WebAuthn 5.8.1): what the client says about a ceremony; its hash is what the key signs.

use super::{Challenge, Origin, WebauthnError};

/// The `type` member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeremonyType {
    /// `webauthn.create`
    Create,
    /// `webauthn.get`
    Get,
}

/// Client data as bytes: made by us in the limited form of WebAuthn 5.8.1.1, or received as somebody else wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientDataJson(Vec<u8>);

impl ClientDataJson {
    /// Writes `{"type":..,"challenge":..,"origin":..,"crossOrigin":false}` as WebAuthn 5.8.1.1 serialises it.
    pub fn new(_ceremony: CeremonyType, _challenge: &Challenge, _origin: &Origin) -> Self {
        todo!()
    }

    /// Keeps client data as it was received.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The JSON text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// SHA-256 of the bytes: the clientDataHash.
    pub fn hash(&self) -> [u8; 32] {
        todo!()
    }

    /// Checks that this is the ceremony that the relying party began: type, challenge, origin, no cross-origin frame
    /// (WebAuthn 7.1 steps 7 to 11, 7.2 steps 11 to 14). A byte order mark before the JSON is allowed (step 5).
    pub fn check(
        &self,
        _ceremony: CeremonyType,
        _challenge: &Challenge,
        _origin: &Origin,
    ) -> Result<(), WebauthnError> {
        todo!()
    }
}
