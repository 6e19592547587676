//! What a client answers (WebAuthn 5.1), in the JSON forms `RegistrationResponseJSON` and `AuthenticationResponseJSON`.

use super::{
    AttestationObject, AuthenticatorData, Challenge, ClientDataJson, CosePublicKey, CredentialId, Origin, RpId,
    UserHandle, WebauthnError,
};

/// A finished registration, ready to be sent (WebAuthn 5.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationResponse {
    /// The new credential.
    pub credential_id: CredentialId,
    /// Client data as hashed.
    pub client_data_json: ClientDataJson,
    /// The attestation object's bytes.
    pub attestation_object: Vec<u8>,
    /// How the authenticator is reached: `usb`, `nfc`, ...
    pub transports: Vec<String>,
}

/// A finished sign-in (WebAuthn 5.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationResponse {
    /// The credential that signed.
    pub credential_id: CredentialId,
    /// Client data as hashed.
    pub client_data_json: ClientDataJson,
    /// Authenticator data as signed.
    pub authenticator_data: Vec<u8>,
    /// The signature, encoded as WebAuthn 6.5.5 says.
    pub signature: Vec<u8>,
    /// The account, if the authenticator told it.
    pub user_handle: Option<UserHandle>,
}

/// What a relying party began a registration with, and holds the answer against.
#[derive(Debug, Clone)]
pub struct ExpectedRegistration<'a> {
    /// The challenge that was sent.
    pub challenge: &'a Challenge,
    /// The origin that the page has.
    pub origin: &'a Origin,
    /// The RP ID.
    pub rp_id: &'a RpId,
    /// Whether UV must be set.
    pub user_verification: bool,
}

/// What a relying party holds a sign-in against.
#[derive(Debug, Clone)]
pub struct ExpectedAuthentication<'a> {
    /// The challenge that was sent.
    pub challenge: &'a Challenge,
    /// The origin that the page has.
    pub origin: &'a Origin,
    /// The RP ID.
    pub rp_id: &'a RpId,
    /// Whether UV must be set.
    pub user_verification: bool,
    /// The key that was registered.
    pub public_key: &'a CosePublicKey,
    /// The counter at the last sign-in.
    pub sign_count: u32,
}

impl RegistrationResponse {
    /// Holds the answer against what was asked: client data, RP ID hash, UP, UV, AT, credential id (WebAuthn 7.1 steps 5 to
    /// 19). The attestation statement is not judged here; see [`crate::trust`].
    pub fn check(&self, _expected: &ExpectedRegistration<'_>) -> Result<AttestationObject, WebauthnError> {
        todo!()
    }

    /// `RegistrationResponseJSON` (WebAuthn 5.1.8.1), binary members in base64url without padding.
    pub fn to_json(&self) -> serde_json::Value {
        todo!()
    }

    /// Reads `RegistrationResponseJSON`; unknown members are ignored.
    pub fn from_json(_json: &serde_json::Value) -> Result<Self, WebauthnError> {
        todo!()
    }
}

impl AuthenticationResponse {
    /// Holds the answer against what was asked, verifies the signature, and checks the counter: it must grow unless both are
    /// zero (WebAuthn 7.2 steps 11 to 22). Returns the authenticator data, whose counter is to be kept.
    pub fn check(&self, _expected: &ExpectedAuthentication<'_>) -> Result<AuthenticatorData, WebauthnError> {
        todo!()
    }

    /// `AuthenticationResponseJSON` (WebAuthn 5.1.8.2), binary members in base64url without padding.
    pub fn to_json(&self) -> serde_json::Value {
        todo!()
    }

    /// Reads `AuthenticationResponseJSON`; unknown members are ignored.
    pub fn from_json(_json: &serde_json::Value) -> Result<Self, WebauthnError> {
        todo!()
    }
}
