//! What Okta's management API says, as far as it is needed. Members keep Okta's names; what it may leave out is an option.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::PENDING;
use crate::idp::directory::{Registered, User};

/// `User`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub id: String,
    #[serde(default)]
    pub status: String,
    /// `None`: never.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_login: Option<OffsetDateTime>,
    pub profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile {
    pub login: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
}

impl Profile {
    pub(super) fn name(self) -> String {
        let parts = [self.first_name, self.last_name];
        let full = || parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.display_name.filter(|name| !name.trim().is_empty()).unwrap_or_else(full)
    }
}

impl Account {
    /// Whether it may sign in: `UserStatus`.
    fn is_active(&self) -> bool {
        !matches!(self.status.as_str(), "STAGED" | "SUSPENDED" | "DEPROVISIONED")
    }

    pub(super) fn user(self) -> User {
        let active = self.is_active();
        User { id: self.id, login: self.profile.login.clone(), display_name: self.profile.name(), active }
    }
}

/// `UserFactor`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Factor {
    pub id: String,
    #[serde(default)]
    pub factor_type: String,
    #[serde(default)]
    pub provider: String,
    #[serde(default)]
    pub status: String,
    /// In answers of real orgs; not described.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_verified: Option<OffsetDateTime>,
    #[serde(default)]
    pub profile: Option<FactorProfile>,
    #[serde(default, rename = "_embedded")]
    pub embedded: Option<Embedded>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FactorProfile {
    #[serde(default)]
    pub credential_id: Option<String>,
    #[serde(default)]
    pub authenticator_name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Embedded {
    pub activation: Option<Value>,
}

impl Factor {
    /// Whether it is a security key or passkey that was begun and not ended.
    pub(super) fn waits(&self) -> bool {
        self.factor_type == "webauthn" && self.status == PENDING
    }

    /// Whether it is a security key or passkey that was activated once.
    pub(super) fn is_key(&self) -> bool {
        self.factor_type == "webauthn" && !matches!(self.status.as_str(), PENDING | "NOT_SETUP")
    }

    /// The registration that it is, if it was activated once.
    pub(super) fn registered(self) -> Option<Registered> {
        if !self.is_key() {
            return None;
        }
        let in_service = self.status == "ACTIVE";
        let profile = self.profile.unwrap_or_default();
        let credential_id = profile.credential_id.and_then(|id| id.parse().ok());
        let label = profile.authenticator_name.unwrap_or_default();
        Some(Registered { id: self.id, credential_id, label, in_service })
    }
}

/// The description says an object, its example shows an array.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Enrollments {
    Several(Vec<Enrollment>),
    One(Enrollment),
}

impl Enrollments {
    pub(super) fn list(self) -> Vec<Enrollment> {
        match self {
            Self::Several(list) => list,
            Self::One(one) => vec![one],
        }
    }
}

/// `AuthenticatorEnrollment`.
#[derive(Deserialize)]
pub(super) struct Enrollment {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub status: String,
}

/// `AuthenticatorBase`.
#[derive(Deserialize)]
pub(super) struct Authenticator {
    pub id: String,
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub status: String,
}

/// What Okta tells of its authenticator for security keys.
pub(super) enum Authenticators {
    /// Its settings.
    Settings { active: bool, settings: Box<MethodSettings> },
    /// There is none.
    Absent,
    /// We may not know; in Okta's words.
    Hidden(String),
}

/// `AuthenticatorMethodWebAuthn`.
#[derive(Deserialize)]
pub(super) struct WebAuthnMethod {
    #[serde(default)]
    pub settings: MethodSettings,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MethodSettings {
    pub rp_id: Option<CustomRpId>,
    pub attachment: Option<String>,
    pub user_verification: Option<String>,
    pub cert_based_attestation_validation: Option<bool>,
    pub allow_syncable_passkeys: Option<bool>,
    pub aaguid_groups: Option<Vec<AaguidGroup>>,
}

#[derive(Deserialize)]
pub(super) struct CustomRpId {
    #[serde(default)]
    pub enabled: bool,
    pub domain: Option<Domain>,
}

#[derive(Deserialize)]
pub(super) struct Domain {
    pub name: String,
}

#[derive(Deserialize)]
pub(super) struct AaguidGroup {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub aaguids: Vec<String>,
}

/// `AuthenticatorEnrollmentPolicy`: what the people of some groups may enrol, and use.
#[derive(Deserialize)]
pub(super) struct EnrollmentPolicy {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub settings: EnrollmentSettings,
}

#[derive(Default, Deserialize)]
pub(super) struct EnrollmentSettings {
    #[serde(default)]
    pub authenticators: Vec<AuthenticatorSettings>,
}

/// `AuthenticatorEnrollmentPolicyAuthenticatorSettings`.
#[derive(Deserialize)]
pub(super) struct AuthenticatorSettings {
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub enroll: Option<Enroll>,
    #[serde(default)]
    pub constraints: Option<Constraints>,
}

#[derive(Deserialize)]
pub(super) struct Enroll {
    /// `NOT_ALLOWED`, `OPTIONAL`, `REQUIRED`.
    #[serde(default, rename = "self")]
    pub by_oneself: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Constraints {
    #[serde(default)]
    pub aaguid_groups: Option<Vec<String>>,
}

impl EnrollmentPolicy {
    /// What it says about this authenticator, if anything.
    pub(super) fn about(&self, key: &str) -> Option<&AuthenticatorSettings> {
        self.settings.authenticators.iter().find(|one| one.key == key)
    }

    /// Whether it acts.
    pub(super) fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

impl AuthenticatorSettings {
    /// Whether people may have and use it.
    pub(super) fn is_allowed(&self) -> bool {
        self.enroll.as_ref().is_none_or(|enroll| enroll.by_oneself != "NOT_ALLOWED")
    }
}
