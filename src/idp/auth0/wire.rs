//! What the Management API says, as far as it is needed. Members keep Auth0's names; what it may leave out is an option.
//!
//! Source: the types of auth0/node-auth0 (74170bb, July 2026), which Auth0 generates from its API's definition.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::idp::directory::{Registered, User};
use keywright_fido::webauthn::{Aaguid, RpId};

/// The provider of identities in database connections.
const DATABASE: &str = "auth0";

/// `UserResponseSchema`.
#[derive(Deserialize)]
pub(super) struct Account {
    pub user_id: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub blocked: Option<bool>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_login: Option<OffsetDateTime>,
    #[serde(default)]
    pub identities: Vec<Identity>,
}

/// `UserIdentitySchema`.
#[derive(Deserialize)]
pub(super) struct Identity {
    #[serde(default)]
    pub connection: String,
    #[serde(default)]
    pub provider: String,
    /// Text, or a number at some social providers.
    #[serde(default)]
    user_id: Value,
}

impl Identity {
    /// Its id at the provider.
    pub(super) fn id(&self) -> String {
        self.user_id.as_str().map_or_else(|| self.user_id.to_string(), str::to_owned)
    }

    pub(super) fn is_database(&self) -> bool {
        self.provider == DATABASE
    }
}

impl Account {
    pub(super) fn login(&self) -> String {
        self.email.clone().or_else(|| self.username.clone()).unwrap_or_else(|| self.user_id.clone())
    }

    pub(super) fn user(self) -> User {
        let login = self.login();
        let display_name = self.name.unwrap_or_else(|| login.clone());
        User { id: self.user_id, login, display_name, active: self.blocked != Some(true) }
    }

    pub(super) fn signs_in_as(&self, login: &str) -> bool {
        [&self.email, &self.username].into_iter().flatten().any(|name| name.to_lowercase() == login.to_lowercase())
    }

    /// The identity that a passkey can belong to.
    pub(super) fn database_identity(&self) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.is_database())
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = String> + '_ {
        self.identities.iter().map(|identity| identity.connection.clone())
    }
}

/// `UserAuthenticationMethod`.
#[derive(Deserialize)]
pub(super) struct AuthenticationMethod {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// `None` counts as confirmed: it signs in, as far as is known.
    #[serde(default)]
    pub confirmed: Option<bool>,
    #[serde(default)]
    pub name: Option<String>,
    /// Linked ones are deleted together.
    #[serde(default)]
    pub link_id: Option<String>,
    /// The credential id in base64url.
    #[serde(default)]
    pub key_id: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_auth_at: Option<OffsetDateTime>,
    /// `single_device`, `multi_device`, by backup eligibility.
    #[serde(default)]
    pub credential_device_type: Option<String>,
    /// In base64url.
    #[serde(default)]
    pub user_handle: Option<String>,
    #[serde(default)]
    pub aaguid: Option<Aaguid>,
    #[serde(default)]
    relying_party_identifier: Option<String>,
}

pub(super) const PASSKEY: &str = "passkey";

impl AuthenticationMethod {
    /// Whether it may be in a security key.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.kind.as_str(), PASSKEY | "webauthn-roaming")
    }

    /// One that is bound to another RP ID signs nobody in on the page in the settings.
    pub(super) fn registered(&self, rp_id: &RpId) -> Registered {
        let is_of_here = self.relying_party_identifier.as_deref().is_none_or(|told| told == rp_id.as_str());
        Registered {
            id: self.id.clone(),
            credential_id: self.key_id.as_deref().and_then(|id| id.parse().ok()),
            label: self.name.clone().unwrap_or_default(),
            in_service: is_of_here && self.confirmed != Some(false),
        }
    }
}

/// `Role`.
#[derive(Deserialize)]
pub(super) struct RoleObject {
    pub id: String,
    #[serde(default)]
    pub name: String,
}

/// `ListRoleUsersPaginatedResponseContent`: by checkpoints.
#[derive(Deserialize)]
pub(super) struct RoleUsers {
    pub users: Vec<RoleUser>,
    #[serde(default)]
    pub next: Option<String>,
}

/// `RoleUser`: it does not say whether the account is blocked.
#[derive(Deserialize)]
pub(super) struct RoleUser {
    pub user_id: String,
    #[serde(default)]
    pub email: Option<String>,
}

/// `CustomDomain`.
#[derive(Deserialize)]
pub(super) struct CustomDomain {
    domain: String,
    #[serde(default)]
    relying_party_identifier: Option<String>,
}

impl CustomDomain {
    /// The RP ID of passkeys on it: "If not present, the full domain will be used."
    pub(super) fn rp_id(self) -> String {
        self.relying_party_identifier.filter(|id| !id.is_empty()).unwrap_or(self.domain)
    }
}

/// A database connection, as far as it is about passkeys.
#[derive(Deserialize)]
pub(super) struct Connection {
    #[serde(default)]
    options: ConnectionOptions,
}

#[derive(Default, Deserialize)]
struct ConnectionOptions {
    #[serde(default)]
    authentication_methods: Option<ConnectionMethods>,
}

/// `ConnectionAuthenticationMethods`.
#[derive(Deserialize)]
struct ConnectionMethods {
    #[serde(default)]
    passkey: Option<Switch>,
}

#[derive(Deserialize)]
struct Switch {
    #[serde(default)]
    enabled: bool,
}

impl Connection {
    pub(super) fn has_passkeys(&self) -> bool {
        let methods = self.options.authentication_methods.as_ref();
        methods.and_then(|methods| methods.passkey.as_ref()).is_some_and(|passkey| passkey.enabled)
    }
}
