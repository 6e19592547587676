//! What a relying party asks for (WebAuthn 5.4, 5.5), in the JSON form of WebAuthn 5.1.9 and 5.1.10.
//!
//! Unknown members are ignored, as the specification asks of clients.

use serde::{Deserialize, Serialize};

use super::{Challenge, CoseAlgorithm, CredentialId, RpId, UserHandle};

/// The relying party (WebAuthn 5.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelyingParty {
    /// The RP ID. Always set here: an adapter whose IdP leaves it out has to know it.
    pub id: RpId,
    /// A name for people.
    pub name: String,
}

/// The account at the relying party (WebAuthn 5.4.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEntity {
    /// The user handle.
    pub id: UserHandle,
    /// The account's name, e.g. a login.
    pub name: String,
    /// The person's name.
    pub display_name: String,
}

/// An algorithm that the relying party takes (WebAuthn 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeyCredentialParameters {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The algorithm.
    pub alg: CoseAlgorithm,
}

/// A credential to exclude or to use (WebAuthn 5.8.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeyCredentialDescriptor {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The credential.
    pub id: CredentialId,
    /// How its authenticator is reached, if known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<String>,
}

impl PublicKeyCredentialDescriptor {
    /// A descriptor of a public key credential, without transports.
    pub fn new(id: CredentialId) -> Self {
        Self { kind: "public-key".into(), id, transports: Vec::new() }
    }
}

/// Whether the relying party wants the person verified (WebAuthn 5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserVerification {
    /// The ceremony fails without it.
    Required,
    /// Wanted, not needed.
    #[default]
    Preferred,
    /// Not wanted.
    Discouraged,
}

/// How much attestation the relying party wants to see (WebAuthn 5.4.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttestationConveyance {
    /// Not interested.
    #[default]
    None,
    /// Any verifiable form.
    Indirect,
    /// As the authenticator made it.
    Direct,
    /// One that may name the single device.
    Enterprise,
}

/// What the relying party asks of the authenticator (WebAuthn 5.4.4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthenticatorSelection {
    /// `required`, `preferred` or `discouraged`; kept as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_key: Option<String>,
    /// The older form of the same.
    pub require_resident_key: bool,
    /// Whether the person is to be verified.
    pub user_verification: UserVerification,
}

/// `PublicKeyCredentialCreationOptions` (WebAuthn 5.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialCreationOptions {
    /// The relying party.
    pub rp: RelyingParty,
    /// The account.
    pub user: UserEntity,
    /// The bytes to be signed.
    pub challenge: Challenge,
    /// Algorithms, the preferred one first.
    pub pub_key_cred_params: Vec<PublicKeyCredentialParameters>,
    /// Milliseconds that the relying party will wait; a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Credentials of this account that exist already.
    #[serde(default)]
    pub exclude_credentials: Vec<PublicKeyCredentialDescriptor>,
    /// What is asked of the authenticator.
    #[serde(default)]
    pub authenticator_selection: AuthenticatorSelection,
    /// How much attestation is wanted.
    #[serde(default)]
    pub attestation: AttestationConveyance,
    /// Extension inputs, kept as sent.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub extensions: serde_json::Value,
}

/// `PublicKeyCredentialRequestOptions` (WebAuthn 5.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialRequestOptions {
    /// The bytes to be signed.
    pub challenge: Challenge,
    /// The RP ID.
    pub rp_id: RpId,
    /// Credentials that will do; empty for a resident credential of anyone.
    #[serde(default)]
    pub allow_credentials: Vec<PublicKeyCredentialDescriptor>,
    /// Whether the person is to be verified.
    #[serde(default)]
    pub user_verification: UserVerification,
    /// Milliseconds that the relying party will wait; a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}
