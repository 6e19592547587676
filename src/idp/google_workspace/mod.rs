//! Google Workspace and Cloud Identity: keys are registered by hand, and the Admin SDK is read, if it may be.
//!
//! The Admin SDK neither adds nor lists nor removes a key, so registering, drills and removal are a person's ([`Manual`]). What it tells is
//! who is there with which role, how many keys and passkeys an account has, and which weaker ways: with that a registration by hand
//! is confirmed by more than a word. It is asked as a service account that stands in for an administrator (domain-wide delegation):
//! a power that is named in `docs/idp/google-workspace.md`.
//!
//! Accounts keep their login as their id, with the Admin SDK or without, so that switching it on changes nobody. It refuses to change
//! anything: every request is a GET.

mod classes;
mod last_use;
mod methods;
mod people;
mod rights;
mod settings;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use ureq::http::Method;

pub use self::settings::{QUESTIONS, Settings};
use super::capability::Capabilities;
use super::connection::{ConnectionConfig, OpenError};
use super::directory::{Directory, Finding, Registered, Registration, User};
use super::error::{DirectoryError, IdpName};
use super::http::{Reply, segment};
use super::manual::Manual;
use super::oauth::{ClientAuthentication, ClientCredentials, SigningKey};
use super::session::{Authorization, Session};
use crate::ledger::IdpInstance;
use keywright_fido::webauthn::{Ceremony, RegistrationResponse};

/// What the service account is allowed for this domain, each asked for by itself: Google refuses a token for all of them if one is
/// lacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Users,
    Groups,
    Roles,
    Usage,
    Audit,
    /// It could change things too; there is none that only reads app passwords and backup codes.
    Security,
}

impl Scope {
    const ALL: [Self; 6] = [Self::Users, Self::Groups, Self::Roles, Self::Usage, Self::Audit, Self::Security];

    /// Without the address that all have in common.
    fn name(self) -> &'static str {
        match self {
            Self::Users => "admin.directory.user.readonly",
            Self::Groups => "admin.directory.group.readonly",
            Self::Roles => "admin.directory.rolemanagement.readonly",
            Self::Usage => "admin.reports.usage.readonly",
            Self::Audit => "admin.reports.audit.readonly",
            Self::Security => "admin.directory.user.security",
        }
    }

    fn needs(self) -> String {
        format!("the scope {} (admin.google.com > Security > API controls > Domain-wide delegation)", self.name())
    }
}

/// The Admin SDK, signed in for each scope.
#[derive(Debug)]
struct Sdk {
    sessions: Vec<(Scope, Session)>,
}

/// Google Workspace, with the Admin SDK where it may be read.
#[derive(Debug)]
pub struct GoogleWorkspace {
    manual: Manual,
    sdk: Option<Sdk>,
}

/// A service account's key file.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: SecretString,
    private_key_id: Option<String>,
}

/// `User` of the Directory API, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    primary_email: String,
    #[serde(default)]
    name: Name,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default, rename = "isEnrolledIn2Sv")]
    is_enrolled_in2_sv: Option<bool>,
    #[serde(default)]
    recovery_email: Option<String>,
    #[serde(default)]
    recovery_phone: Option<String>,
    /// 1970 for accounts that never signed in.
    #[serde(default, with = "time::serde::rfc3339::option")]
    last_login_time: Option<time::OffsetDateTime>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Name {
    #[serde(default)]
    full_name: String,
}

impl Account {
    /// The login is its id here.
    fn user(&self) -> User {
        User {
            id: self.primary_email.clone(),
            login: self.primary_email.clone(),
            display_name: self.name.full_name.clone(),
            active: !self.suspended && !self.archived,
        }
    }
}

impl GoogleWorkspace {
    /// Takes the service account's key from its place, if one is named. Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let manual = Manual::google_workspace(connection)?;
        let Some((place, administrator)) = &settings.service_account else { return Ok(Self { manual, sdk: None }) };
        let refuse = |why: String| connection.refuse(format!("service-account: {why}"));
        let text = connection.secret_text(place, "service account's key")?;
        let file: KeyFile = serde_json::from_str(text.expose_secret())
            // The error could repeat what is in it.
            .map_err(|_| refuse("this is no JSON key of a service account (client_email, private_key)".into()))?;
        let key = SigningKey::read(&file.private_key).map_err(|error| refuse(error.to_string()))?;
        let key = Arc::new(match file.private_key_id {
            Some(id) => key.with_id(&id),
            None => key,
        });
        let session = |scope: Scope| {
            let authentication =
                ClientAuthentication::JwtGrant { key: Arc::clone(&key), subject: administrator.clone() };
            let scope_url = format!("https://www.googleapis.com/auth/{}", scope.name());
            let server = connection.client(&settings.auth)?;
            let credentials = ClientCredentials::new(server, "/token", &file.client_email, authentication, &scope_url);
            let authorization = Authorization::OAuth(Box::new(credentials));
            Ok::<_, OpenError>((scope, Session::new(connection.client(&settings.api)?, authorization)))
        };
        let sessions = Scope::ALL.into_iter().map(session).collect::<Result<_, _>>()?;
        Ok(Self { manual, sdk: Some(Sdk { sessions }) })
    }
}

impl Sdk {
    fn idp(&self) -> &IdpName {
        self.sessions[0].1.idp()
    }

    /// Reads something. A scope that is not delegated is told as a refusal, with its name.
    fn read(&self, scope: Scope, path: &str, query: &[(&str, &str)], what: &str) -> Result<Reply, DirectoryError> {
        let of_scope = self.sessions.iter().find(|(one, _)| *one == scope);
        let session = of_scope.map_or(&self.sessions[0].1, |(_, session)| session);
        let call = query.iter().fold(session.call(Method::GET, path), |call, (name, value)| call.query(name, value));
        let reply = session.send(call).map_err(|error| match error {
            DirectoryError::SignIn { why, .. } => self.idp().forbidden(format!("{why} (scope {})", scope.name())),
            error => error,
        })?;
        if is_quota(&reply) {
            return Err(self.idp().rate_limited(None));
        }
        reply.accepted(what)
    }

    fn account(&self, login: &str) -> Result<Account, DirectoryError> {
        let path = format!("/admin/directory/v1/users/{}", segment(login));
        self.read(Scope::Users, &path, &[], &format!("user {login}"))?.json()
    }
}

/// Google says 403 to requests that come too fast as well, with a reason of its own.
fn is_quota(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(default)]
        errors: Vec<Detail>,
    }
    #[derive(Deserialize)]
    struct Detail {
        #[serde(default)]
        reason: String,
    }
    let reasons = ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"];
    reply.status() == 403
        && reply
            .json::<Refusal>()
            .is_ok_and(|refusal| refusal.error.errors.iter().any(|detail| reasons.contains(&detail.reason.as_str())))
}

impl Directory for GoogleWorkspace {
    fn name(&self) -> &str {
        self.manual.name()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        self.manual.instance()
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        let Some(sdk) = &self.sdk else { return self.manual.preflight() };
        let query = [("customer", "my_customer"), ("maxResults", "1")];
        let blocks = match sdk.read(Scope::Users, "/admin/directory/v1/users", &query, "list of users") {
            Ok(_) => None,
            Err(DirectoryError::Forbidden { why, .. }) => {
                Some(Finding::blocks(format!("the Admin SDK cannot be read: {why}")))
            }
            Err(error) => return Err(error),
        };
        let message = format!(
            "{} has no API for keys: each key is made ready here, registered by a person, and confirmed with 'keywright drill'; \
             accounts, roles, and how many keys they have are read by the Admin SDK",
            self.name()
        );
        Ok([Finding::says(message)].into_iter().chain(blocks).collect())
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        match &self.sdk {
            None => self.manual.find_user(login),
            Some(sdk) => {
                let account = sdk.account(login)?;
                // An alias leads to the account too.
                Ok(account.user())
            }
        }
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        self.manual.begin(user)
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        self.manual.complete(ceremony, response, label)
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        self.manual.abandon(user, pending)
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        self.manual.pending(user)
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        self.manual.list(user)
    }

    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.manual.revoke(user, registered)
    }

    fn registration(&self) -> Registration<'_> {
        self.manual.registration()
    }

    fn capabilities(&self) -> Capabilities<'_> {
        match &self.sdk {
            None => Capabilities::default(),
            Some(sdk) => Capabilities {
                people: Some(sdk),
                methods: Some(sdk),
                last_use: Some(sdk),
                rights: Some(sdk),
                ..Capabilities::default()
            },
        }
    }
}
