//! Microsoft Graph: requests with an id of their own, what its refusals mean, collections in pages.
//!
//! Every answer's `request-id` goes to the log and into the words of a failure, because Microsoft's support asks for it. A
//! further page is fetched from Graph itself or not at all: the token goes nowhere else.

use std::sync::atomic::{AtomicI64, Ordering};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use ureq::http::{HeaderName, Method};

use super::wire::Page;
use crate::idp::capability::told::{Untold, WhyUntold};
use crate::idp::error::{DirectoryError, IdpName};
use crate::idp::http::{Call, Fault, Reply};
use crate::idp::session::Session;

/// Our name for a request; Graph repeats it.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// What Graph wants to see where a query is an advanced one.
const CONSISTENCY_LEVEL: HeaderName = HeaderName::from_static("consistencylevel");

/// Pages that are read before it is held to be a circle.
const MOST_PAGES: usize = 50;

/// What the app has to be allowed, as the console calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permission(&'static str);

impl Permission {
    pub(super) const READ_USERS: Self = Self("User.Read.All");
    pub(super) const READ_POLICY: Self = Self("Policy.Read.AuthenticationMethod");
    pub(super) const READ_METHODS: Self = Self("UserAuthenticationMethod.Read.All");
    /// To read passkeys; the one to write them is asked for apart.
    pub(super) const READ_PASSKEYS: Self = Self("UserAuthMethod-Passkey.Read.All");
    pub(super) const PASSKEYS: Self =
        Self("UserAuthMethod-Passkey.ReadWrite.All or UserAuthenticationMethod.ReadWrite.All");
    pub(super) const REPORT: Self = Self("AuditLog.Read.All");
    pub(super) const GROUPS: Self = Self("GroupMember.Read.All with User.ReadBasic.All");
    pub(super) const ROLES: Self = Self("RoleManagement.Read.Directory");
    pub(super) const ELIGIBILITY: Self = Self("RoleEligibilitySchedule.Read.Directory");
    pub(super) const GROUP_ELIGIBILITY: Self = Self("PrivilegedEligibilitySchedule.Read.AzureADGroup");
    pub(super) const READ_ACCESS: Self = Self("Policy.Read.ConditionalAccess");
    pub(super) const READ_POLICIES: Self = Self("Policy.Read.All");
    pub(super) const APPLICATIONS: Self = Self("Application.Read.All");
    pub(super) const ENABLE: Self = Self("User.EnableDisableAccount.All");
    pub(super) const SESSIONS: Self = Self("User.RevokeSessions.All");
    pub(super) const PASSES: Self = Self("UserAuthMethod-TAP.ReadWrite.All");

    /// To remove methods of one kind.
    pub(super) fn removal(name: &'static str) -> Self {
        Self(name)
    }

    pub(super) fn name(self) -> &'static str {
        self.0
    }

    /// What to do about its absence.
    pub(super) fn advice(self) -> String {
        format!(
            "give the app the application permission {} and consent to it: Entra admin center > App registrations > API \
             permissions",
            self.name()
        )
    }
}

/// What a refusal keeps back: a tenant without the licence is told apart from an app without the permission.
pub(super) fn untold(what: &str, permission: Permission, error: DirectoryError) -> Result<Untold, DirectoryError> {
    let licence = |why: &str| match () {
        () if why.contains("NonPremiumTenant") => Some("Microsoft Entra ID P1"),
        () if why.contains("PremiumLicenseRequired") => Some("Microsoft Entra ID P2"),
        () => None,
    };
    match &error {
        DirectoryError::Forbidden { why, .. } | DirectoryError::Refused { why, .. } => match licence(why) {
            Some(needs) => {
                let why = WhyUntold::NotLicensed(why.clone());
                Ok(Untold { what: what.to_owned(), why, needs: needs.to_owned() })
            }
            None => Untold::of_refusal(what, permission.name(), error),
        },
        _ => Untold::of_refusal(what, permission.name(), error),
    }
}

/// Graph, signed in.
#[derive(Debug)]
pub(super) struct Graph {
    session: Session,
    base: String,
    /// Seconds that Graph's clock is ahead of ours, as its last answer told.
    ahead: AtomicI64,
}

/// `error` of an answer (OData 4.01 JSON, 21.1), as far as [`Reply::fault`] does not know it.
#[derive(Deserialize)]
struct Refusal {
    error: Option<Inner>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner {
    inner_error: Option<RequestId>,
}

#[derive(Deserialize)]
struct RequestId {
    #[serde(rename = "request-id")]
    request_id: Option<String>,
}

impl Graph {
    /// `base` is the address that `session` sends to.
    pub(super) fn new(session: Session, base: &str) -> Self {
        Self { session, base: base.trim_end_matches('/').to_owned(), ahead: AtomicI64::new(0) }
    }

    /// Whose API it is; every error says so.
    pub(super) fn idp(&self) -> &IdpName {
        self.session.idp()
    }

    pub(super) fn sign_in(&self) -> Result<(), DirectoryError> {
        self.session.sign_in()
    }

    /// What the access token says, if it can be read.
    pub(super) fn token_claims(&self) -> Result<Option<serde_json::Value>, DirectoryError> {
        self.session.token_claims()
    }

    /// The time by Graph's clock.
    pub(super) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + time::Duration::seconds(self.ahead.load(Ordering::Relaxed))
    }

    pub(super) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.session.call(method, path)
    }

    /// Sends it once, and takes success or Graph's refusal. `what` is what was looked for.
    pub(super) fn send(&self, call: Call<'_>, what: &str, permission: Permission) -> Result<Reply, DirectoryError> {
        let ours = request_id();
        let reply = match self.session.send(call.header(CLIENT_REQUEST_ID, &ours)) {
            Ok(reply) => reply,
            Err(error) => {
                tracing::debug!(directory = &**self.idp(), client_request_id = ours, %error);
                return Err(error);
            }
        };
        if let Some(ahead) = reply.clock_ahead() {
            self.ahead.store(ahead.whole_seconds(), Ordering::Relaxed);
        }
        let theirs = theirs(&reply);
        let (idp, status) = (self.idp(), reply.status());
        tracing::debug!(directory = &**idp, client_request_id = ours, request_id = theirs, status);
        if (200..300).contains(&status) {
            return Ok(reply);
        }
        let Fault { code, message } = reply.fault();
        let code = code.filter(|code| *code != message).map_or(String::new(), |code| format!("{code}; "));
        let request = theirs.map_or_else(|| format!("client-request-id {ours}"), |id| format!("request-id {id}"));
        let why = format!("{message} ({code}{request})");
        Err(match reply.accepted(what) {
            Ok(reply) => return Ok(reply),
            Err(DirectoryError::SignIn { .. }) => idp.sign_in_refused(why),
            Err(DirectoryError::Forbidden { .. }) => idp.forbidden(format!("{why}; {}", permission.advice())),
            // Graph has no such request in this cloud, or not in this form for this tenant.
            Err(DirectoryError::Refused { .. }) if status == 405 => {
                let why = format!(
                    "{why}; v1.0 has this request in the global cloud alone; on beta it comes and goes, so use api = \"v1.0\" there"
                );
                idp.refused(why)
            }
            Err(DirectoryError::Refused { .. }) => idp.refused(why),
            Err(other) => other,
        })
    }

    /// The whole of a collection.
    pub(super) fn collection<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        permission: Permission,
    ) -> Result<Vec<T>, DirectoryError> {
        let (mut all, mut path) = (Vec::new(), path.to_owned());
        for _ in 0..MOST_PAGES {
            let (more, next) = self.page(&path, what, permission)?;
            all.extend(more);
            match next {
                Some(next) => path = next,
                None => return Ok(all),
            }
        }
        Err(self.idp().invalid_response("a collection without end"))
    }

    /// One page of a collection, and the path of the next.
    pub(super) fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        permission: Permission,
    ) -> Result<(Vec<T>, Option<String>), DirectoryError> {
        let call = self.call(Method::GET, path);
        // Graph answers queries that count, and those on types of members, from an index of its own.
        let is_advanced = path.contains("$count=true");
        let call = if is_advanced { call.header(CONSISTENCY_LEVEL, "eventual") } else { call };
        let page: Page<T> = self.send(call, what, permission)?.json()?;
        let next = page.next.map(|next| match next.strip_prefix(&self.base).filter(|rest| rest.starts_with('/')) {
            Some(rest) => Ok(rest.to_owned()),
            None => Err(self.idp().invalid_response("its next page is at another address")),
        });
        Ok((page.value, next.transpose()?))
    }
}

/// Graph's name for the request, from the header or the body, if it looks like one.
fn theirs(reply: &Reply) -> Option<String> {
    let told = || reply.json::<Refusal>().ok()?.error?.inner_error?.request_id;
    let id = reply.header("request-id").map(str::to_owned).or_else(told)?;
    let plain = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then_some(id)
}

/// A random UUID (RFC 9562, version 4).
fn request_id() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("aws-lc draws random bytes or ends the process");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
