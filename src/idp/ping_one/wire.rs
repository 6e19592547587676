//! What PingOne's API says, as far as it is needed. Members keep PingOne's names; what it may leave out is an option.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::idp::directory::{Registered, User};

#[derive(Deserialize)]
pub(super) struct Users {
    #[serde(rename = "_embedded")]
    pub embedded: UserList,
    #[serde(default, rename = "_links")]
    pub links: Links,
}

/// `LinksHATEOAS`, as far as a list goes on.
#[derive(Default, Deserialize)]
pub(super) struct Links {
    #[serde(default)]
    pub next: Option<Link>,
}

#[derive(Deserialize)]
pub(super) struct Link {
    pub href: String,
}

#[derive(Deserialize)]
pub(super) struct UserList {
    pub users: Vec<Account>,
}

/// `User`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub id: String,
    pub username: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Without it no device is ever asked for. It is off for accounts that are new.
    #[serde(default)]
    pub mfa_enabled: Option<bool>,
    #[serde(default)]
    pub last_sign_on: Option<LastSignOn>,
    #[serde(default, rename = "memberOfGroupIDs")]
    pub member_of_group_ids: Vec<String>,
    #[serde(default)]
    account: Option<AccountState>,
    #[serde(default)]
    name: Name,
}

#[derive(Deserialize)]
pub(super) struct LastSignOn {
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

/// `UserAccount`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountState {
    #[serde(default)]
    can_authenticate: Option<bool>,
    /// `OK`, `LOCKED`.
    #[serde(default)]
    status: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Name {
    formatted: Option<String>,
    given: Option<String>,
    family: Option<String>,
}

impl Account {
    pub(super) fn user(self) -> User {
        let (display_name, active) = (self.display_name(), self.is_active());
        User { id: self.id, login: self.username, display_name, active }
    }

    /// Whether it may sign in: neither disabled nor locked.
    fn is_active(&self) -> bool {
        self.enabled != Some(false) && !self.is_locked()
    }

    /// Whether it is locked, for a time or until somebody unlocks it.
    pub(super) fn is_locked(&self) -> bool {
        self.account.as_ref().is_some_and(|account| {
            account.can_authenticate == Some(false) || account.status.as_deref() == Some("LOCKED")
        })
    }

    /// The person's name.
    fn display_name(&self) -> String {
        let parts = [&self.name.given, &self.name.family];
        let parts = || parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
        self.name.formatted.clone().unwrap_or_else(parts)
    }
}

#[derive(Deserialize)]
pub(super) struct Devices {
    #[serde(rename = "_embedded")]
    pub embedded: DeviceList,
}

#[derive(Deserialize)]
pub(super) struct DeviceList {
    pub devices: Vec<Device>,
}

/// An MFA device.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    pub id: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub nickname: Option<String>,
    /// By an administrator, until one unblocks it.
    #[serde(default)]
    block: Option<Held>,
    /// By failed attempts, for a time.
    #[serde(default)]
    lock: Option<Held>,
    #[serde(default)]
    pub public_key_credential_creation_options: Value,
}

#[derive(Deserialize)]
struct Held {
    #[serde(default)]
    status: String,
}

impl Device {
    pub(super) fn is_fido2(&self, status: &str) -> bool {
        self.kind == "FIDO2" && self.status == status
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.block.as_ref().is_some_and(|block| block.status == "BLOCKED")
    }

    pub(super) fn is_locked(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.status == "LOCKED")
    }

    pub(super) fn registered(self) -> Registered {
        let in_service = !self.is_blocked() && !self.is_locked();
        let label = self.nickname.unwrap_or_default();
        Registered { id: self.id, credential_id: None, label, in_service }
    }
}

#[derive(Deserialize)]
pub(super) struct Fido2Policies {
    #[serde(rename = "_embedded")]
    pub embedded: Fido2PolicyList,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fido2PolicyList {
    #[serde(default)]
    pub fido2_policies: Vec<Fido2Policy>,
}

/// `FIDO2Policy`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fido2Policy {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub default: bool,
    #[serde(default)]
    pub relying_party_id: Option<String>,
    /// `PLATFORM`, `CROSS_PLATFORM`, `BOTH`.
    #[serde(default)]
    pub authenticator_attachment: Option<String>,
    #[serde(default)]
    pub discoverable_credentials: Option<String>,
    #[serde(default)]
    pub mds_authenticators_requirements: Option<MdsRequirements>,
    #[serde(default)]
    pub backup_eligibility: Option<BackupEligibility>,
}

/// Which models are let in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MdsRequirements {
    /// `NONE`, `AUDIT_ONLY`, `GLOBAL`, `CERTIFIED`, `SPECIFIC`.
    #[serde(default)]
    pub option: String,
    #[serde(default)]
    pub allowed_authenticators: Vec<Allowed>,
    /// Whether it is held against every sign-in too.
    #[serde(default)]
    pub enforce_during_authentication: bool,
}

#[derive(Deserialize)]
pub(super) struct Allowed {
    /// The model's identifier in FIDO's metadata: an AAGUID for FIDO2.
    pub id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BackupEligibility {
    #[serde(default)]
    pub allow: bool,
    /// Whether it is held against every sign-in too.
    #[serde(default)]
    pub enforce_during_authentication: bool,
}

/// `DeviceAuthenticationPolicy`, as far as it is about security keys.
#[derive(Deserialize)]
pub(super) struct DevicePolicy {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub fido2: Option<Fido2Devices>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fido2Devices {
    #[serde(default)]
    pub enabled: bool,
    #[serde(default)]
    pub pairing_disabled: bool,
    /// `None`: the environment's default.
    #[serde(default)]
    pub fido2_policy_id: Option<String>,
}
