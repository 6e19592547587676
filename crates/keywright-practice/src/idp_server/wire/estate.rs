//! What is said of the estate around the keys: groups, roles, methods, policies, suspension, sessions, passes.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use keywright_fido::webauthn::Aaguid;

use super::User;

/// The most that a page has.
pub const PAGE: u32 = 100;

/// A page of the members of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// By login.
    pub users: Vec<User>,
    /// `after` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Whether a role is held now, or can be taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hold {
    /// Now.
    Active,
    /// At any time.
    Eligible,
}

/// How a role is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleGrant {
    /// How it is held.
    pub hold: Hold,
}

/// Somebody with a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleHolder {
    /// The account's id.
    pub user: String,
    /// The login.
    pub login: String,
    /// The role.
    pub role: String,
    /// How it is held.
    pub hold: Hold,
}

/// A page of those with roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleHolders {
    /// By login and role.
    pub holders: Vec<RoleHolder>,
    /// `after` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// Its name for its removal.
    pub id: String,
    /// `passkey`, `temporary-pass`, or what the account was given, such as `sms`.
    pub kind: String,
    /// Whether it opens the door now.
    pub usable: bool,
    /// Of a passkey: the model that it claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aaguid: Option<Aaguid>,
    /// Of a passkey: whether its key can be copied, as it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_eligible: Option<bool>,
    /// Of a passkey: whether its attestation leads to a trust anchor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<bool>,
}

/// Every way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Methods {
    /// Passkeys first.
    pub methods: Vec<Method>,
}

/// A page of the report over all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodReport {
    /// By id.
    pub accounts: Vec<ReportedAccount>,
    /// `after` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An account in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedAccount {
    /// The account's id.
    pub user: String,
    /// The login.
    pub login: String,
    /// Every way in, passkeys first.
    pub methods: Vec<Method>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The group that it is about; absent: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether it acts; if not, it is written down only.
    pub enforced: bool,
    /// Kinds besides passkeys that it lets in; empty: only passkeys.
    pub admits: Vec<String>,
}

/// A rule with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPolicy {
    /// Its name.
    pub name: String,
    /// What it says.
    #[serde(flatten)]
    pub policy: Policy,
}

/// Rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPolicies {
    /// By name.
    pub policies: Vec<NamedPolicy>,
}

/// What people sign in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Whether it is reached by a protocol on which policies have no hold.
    #[serde(default)]
    pub legacy: bool,
    /// Policies that guard it, by name; one that does not exist guards nothing.
    #[serde(default)]
    pub policies: Vec<String>,
}

/// An application with its id, and the policies that guard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedApplication {
    /// Its id.
    pub id: String,
    /// What it is.
    pub application: Application,
    /// By name.
    pub rules: Vec<NamedPolicy>,
}

/// A page of applications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applications {
    /// By id.
    pub applications: Vec<NamedApplication>,
    /// `after` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Models of which no key signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutModels {
    /// In their order.
    pub models: Vec<Aaguid>,
}

/// What somebody is signed in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The kind of method that opened it.
    pub by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub began: OffsetDateTime,
}

/// Sessions that have not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// The oldest first.
    pub sessions: Vec<Session>,
    /// The last sign-in by any way, ended or not.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last: Option<OffsetDateTime>,
}

/// Sign-ins, whatever became of their sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLog {
    /// The oldest first.
    pub sign_ins: Vec<Session>,
}

/// A pass that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPass {
    /// For how long, in seconds: 60 to 30 days.
    pub seconds: u32,
    /// Whether for one sign-in.
    pub once: bool,
}

/// A pass that was given out. It is shown this once.
#[derive(Serialize, Deserialize)]
pub struct Pass {
    /// Its name.
    pub id: String,
    /// What is typed.
    pub pass: String,
    /// Until when it is good.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// A sign-in by something else than a passkey.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherSignIn {
    /// The kind of method, such as `sms`.
    pub method: String,
    /// The pass, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<String>,
}
