//! What the practice IdP's two sides say to each other. Members of WebAuthn objects keep WebAuthn's names.

pub mod estate;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use keywright_fido::webauthn::{
    Aaguid, AttestationConveyance, CredentialCreationOptions, CredentialId, CredentialRequestOptions, Origin, RpId,
};

/// The version of the API.
pub const API: u32 = 1;

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The server's stable id.
    pub id: String,
    /// The login.
    pub login: String,
    /// The person's name.
    pub display_name: String,
    /// Whether the account may sign in.
    pub active: bool,
    /// Whether it may not for now, and gets keys registered all the same.
    #[serde(default)]
    pub suspended: bool,
}

/// Something that keeps registrations from working, or will bite later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether a registration would fail because of it.
    pub blocks: bool,
    /// What is wrong, and where to change it.
    pub message: String,
}

/// How the server is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// [`API`].
    pub api: u32,
    /// What it is known by, wherever it listens.
    pub instance: String,
    /// The RP ID of every credential.
    pub rp_id: RpId,
    /// The origin that client data has to name.
    pub origin: Origin,
    /// How much attestation it asks for.
    pub attestation: AttestationConveyance,
    /// Whether it refuses attestations that lead to none of its trust anchors.
    pub trusted_only: bool,
    /// How long a ceremony waits, in seconds.
    pub challenge_seconds: u64,
    /// What keeps registrations from working.
    pub findings: Vec<Finding>,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The login: 1 to 200 characters, none of them a control character; no two differ only in case.
    pub login: String,
    /// The person's name: 1 to 200 characters.
    pub display_name: String,
    /// Whether the account may sign in.
    #[serde(default = "yes")]
    pub active: bool,
    /// Weaker ways to sign in that the account has, such as `sms`.
    #[serde(default)]
    pub other_methods: Vec<String>,
}

fn yes() -> bool {
    true
}

/// Changes to an account; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// The login, as of [`NewUser::login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether the account may sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Weaker ways to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_methods: Option<Vec<String>>,
}

/// Accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    /// By login.
    pub users: Vec<User>,
}

/// Weaker ways to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherMethods {
    /// As they were set.
    pub other_methods: Vec<String>,
}

/// A registration that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// The ceremony's id.
    pub id: String,
    /// After this it cannot be completed.
    #[serde(with = "time::serde::rfc3339")]
    pub deadline: OffsetDateTime,
    /// The origin that client data has to name.
    pub origin: Origin,
    /// What is asked of the key.
    pub public_key: CredentialCreationOptions,
}

/// A registration that nobody completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The ceremony's id.
    pub id: String,
    /// After this it cannot be completed.
    #[serde(with = "time::serde::rfc3339")]
    pub deadline: OffsetDateTime,
}

/// Registrations that nobody completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceremonies {
    /// The oldest first.
    pub ceremonies: Vec<Pending>,
}

/// The end of a registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// What the credential is to be called: 1 to 100 characters, none of them a control character.
    pub label: String,
    /// `RegistrationResponseJSON` (WebAuthn 5.1.8.1).
    pub response: serde_json::Value,
}

/// A registered credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The server's name for it.
    pub id: String,
    /// The credential id.
    pub credential_id: CredentialId,
    /// What it is called.
    pub label: String,
    /// The model that the key claimed.
    pub aaguid: Aaguid,
    /// How the key is reached, as the client told.
    pub transports: Vec<String>,
    /// The counter at the last sign-in, or at the registration.
    pub sign_count: u32,
    /// When it was registered.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it last signed in.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used: Option<OffsetDateTime>,
}

/// What a credential is to be called from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLabel {
    /// As of [`Completion::label`].
    pub label: String,
}

/// Registered credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The oldest first.
    pub credentials: Vec<Credential>,
}

/// A sign-in that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInBegun {
    /// The sign-in's id.
    pub id: String,
    /// The origin that client data has to name.
    pub origin: Origin,
    /// What is asked of the key.
    pub public_key: CredentialRequestOptions,
}

/// Who wants to sign in on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The login.
    pub login: String,
}

/// A sign-in that has begun on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSignIn {
    /// The user's id.
    pub user: String,
    /// The sign-in's id.
    pub id: String,
    /// The address under which the page has to be open: it is in the client data, and keys are bound to it.
    pub origin: Origin,
    /// What is asked of the key.
    pub public_key: CredentialRequestOptions,
}

/// A sign-in that was accepted on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The person's name.
    pub display_name: String,
    /// What the key is called.
    pub label: String,
    /// Whether the key checked the PIN; false if it was only touched.
    pub user_verified: bool,
}

/// The end of a sign-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignInResponse {
    /// `AuthenticationResponseJSON` (WebAuthn 5.1.8.2).
    pub response: serde_json::Value,
}
