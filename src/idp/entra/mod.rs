//! Microsoft Entra ID: passkeys on behalf of the user, through Microsoft Graph.
//!
//! v1.0 by default: its challenges are good for five minutes, so options are fetched for each key when it is at hand. With
//! `api = "beta"` a challenge lasts up to 30 days. The app signs in as itself, with its client secret; a sign-in of a
//! person in a browser is refused: a batch has nobody to click.
//!
//! Nothing is pending at Entra between options and registration, so there is nothing to abandon.
//!
//! # How a registration is read back
//! Graph lists passkeys by ids of its own, and does not document that it tells credential ids. A registration that may have
//! happened is found like this, the surest way first:
//!
//! 1. the credential id, should Graph tell it;
//! 2. the id that Graph's 201 gave to this credential, if this process heard it. A list without it lags behind: that is said, and
//!    asked again, and never taken for "not registered";
//! 3. the mark that ends the passkey's name (four characters that come from the credential id, see `display_name`) on a passkey
//!    that is not older than the ceremony. Another key has that mark by chance once in a million, and then would have to be
//!    registered for the same person within the same minutes;
//! 4. if none is there, the credentials that Entra excludes from the user's next registration, which are named by credential id.
//!    Is it among them, it is registered, and the answer is an error that says so, not "nothing": nobody may register it
//!    again or take it off the key.
//!
//! After a 400 or 409 the adapter looks in the same way before it reports the refusal: it may have refused a repetition.

mod applications;
mod classes;
mod display_name;
mod graph;
mod last_use;
mod methods;
mod pass;
mod passkeys;
mod people;
mod policies;
mod policy;
mod rights;
mod sessions;
mod suspension;
mod what_if;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use ureq::http::Method;

use self::graph::{Graph, Permission, untold};
use self::policy::Policy;
use self::wire::{CreationOptions, Encoding, NewPasskey, Passkey};
use super::capability::{Capabilities, Listing, ModelRules, ShutOut};
use super::connection::{ConnectionConfig, IdpSettings, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Client, Fault, Reply, ServerUrl, segment};
use super::oauth::{ClientAuthentication, ClientCredentials, SigningKey};
use super::question::Question;
use super::session::{Authorization, Session};
use crate::ledger::IdpInstance;
use crate::profile::login;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{Aaguid, Ceremony, CredentialId, RegistrationResponse};

/// Minutes that a challenge of v1.0 lasts, and one of beta that is not asked for more.
const CHALLENGE_MINUTES: u16 = 5;

/// How much earlier than its ceremony a passkey may say it was made: Entra's machines have clocks of their own.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// A clock of ours that is this far off is worth a word: challenges last five minutes.
const CLOCK_IS_OFF: Duration = Duration::from_secs(60);

const POLICY: &str = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2";

/// What `[idp.NAME]` says about a tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct Settings {
    /// "Directory (tenant) ID".
    pub tenant_id: TenantId,
    /// "Application (client) ID".
    pub client_id: String,
    /// How the app shows who it is.
    pub access: Access,
    /// Which Graph.
    pub api: Api,
    /// Graph's address.
    pub graph: ServerUrl,
    /// The address where tokens are given.
    pub authority: ServerUrl,
}

/// A tenant: its GUID, or a domain of it. Never one of the words that stand for no tenant in particular.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TenantId(String);

impl TryFrom<String> for TenantId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let names_one = !text.is_empty() && text.bytes().all(allowed);
        match names_one && !["common", "organizations", "consumers"].contains(&text.as_str()) {
            true => Ok(Self(text)),
            false => Err("the tenant's id or a domain of it (Entra admin center > Overview)"),
        }
    }
}

/// How the app shows who it is (App registrations > the app > Certificates & secrets).
#[derive(Debug, Clone)]
pub enum Access {
    /// A client secret.
    Secret(SecretSource),
    /// A certificate: an assertion that its private key signed.
    Certificate {
        /// The certificate's file (PEM).
        certificate: PathBuf,
        /// Where the private key comes from (PEM).
        private_key: SecretSource,
    },
}

impl Access {
    /// Where the secret comes from.
    pub fn secret(&self) -> &SecretSource {
        match self {
            Self::Secret(secret) => secret,
            Self::Certificate { private_key, .. } => private_key,
        }
    }
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    tenant_id: TenantId,
    client_id: String,
    client_secret: Option<SecretSource>,
    certificate: Option<PathBuf>,
    private_key: Option<SecretSource>,
    #[serde(default)]
    api: ApiName,
    challenge_minutes: Option<u16>,
    #[serde(default = "global_graph")]
    graph: ServerUrl,
    #[serde(default = "global_authority")]
    authority: ServerUrl,
}

impl TryFrom<Table> for Settings {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let Table { tenant_id, client_id, api, challenge_minutes, graph, authority, .. } = table;
        let access = match (table.client_secret, table.certificate, table.private_key) {
            (Some(secret), None, None) => Access::Secret(secret),
            (None, Some(certificate), Some(private_key)) => Access::Certificate { certificate, private_key },
            _ => return Err("Entra ID needs either `client-secret`, or `certificate` and `private-key`"),
        };
        Ok(Self { tenant_id, client_id, access, api: api.with(challenge_minutes)?, graph, authority })
    }
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.graph
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(self.access.secret())
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(Entra::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::text("tenant-id", "What is the tenant's id?", "72f988bf-86f1-41af-91ab-2d7cd011db47")
        .found("Entra admin center: Overview > Tenant ID"),
    Question::text("client-id", "What is the app's client id?", "00001111-aaaa-2222-bbbb-3333cccc4444").found(
        "App registrations > the app > Application (client) ID; API permissions, of type application: User.Read.All, \
         UserAuthMethod-Passkey.Read.All, UserAuthMethod-Passkey.ReadWrite.All, UserAuthenticationMethod.Read.All, \
         AuditLog.Read.All, Policy.Read.AuthenticationMethod",
    ),
    Question::place("client-secret", "Where does the client secret come from?")
        .found("the app > Certificates & secrets > Client secrets; the value, not the id")
        .or("a certificate"),
    Question::text("certificate", "Which file has the app's certificate (PEM)?", "keywright.crt")
        .found("as uploaded at Certificates & secrets > Certificates")
        .without("client-secret"),
    Question::place("private-key", "Where does the certificate's private key come from (PEM)?")
        .without("client-secret"),
    Question::one_of("api", "Which Graph is used?", &["beta", "v1.0"])
        .found("beta has challenges that last up to 30 days")
        .or("v1.0"),
    Question::number("challenge-minutes", "For how many minutes is a challenge good?", "1440")
        .found("only on beta; 5 to 43200")
        .with("api")
        .or("5"),
    Question::text("graph", "At what address is Graph?", "https://graph.microsoft.com")
        .found("only in a national cloud")
        .or("https://graph.microsoft.com"),
    Question::text("authority", "At what address are tokens given?", "https://login.microsoftonline.com")
        .found("only in a national cloud")
        .or("https://login.microsoftonline.com"),
];

fn global_graph() -> ServerUrl {
    "https://graph.microsoft.com".parse().expect("it is an address")
}

fn global_authority() -> ServerUrl {
    "https://login.microsoftonline.com".parse().expect("it is an address")
}

/// A version of Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Supported; challenges of five minutes.
    V1,
    /// Challenges of up to 30 days.
    Beta {
        /// 5 to 43200.
        challenge_minutes: u16,
    },
}

/// A version of Graph as it is written.
#[derive(Clone, Copy, Default, Deserialize)]
enum ApiName {
    #[default]
    #[serde(rename = "v1.0")]
    V1,
    #[serde(rename = "beta")]
    Beta,
}

impl ApiName {
    fn with(self, challenge_minutes: Option<u16>) -> Result<Api, &'static str> {
        match (self, challenge_minutes) {
            (Self::V1, None) => Ok(Api::V1),
            (Self::V1, Some(_)) => Err("challenge-minutes: v1.0 has five minutes always; api = \"beta\" has more"),
            (Self::Beta, None) => Ok(Api::Beta { challenge_minutes: CHALLENGE_MINUTES }),
            (Self::Beta, Some(challenge_minutes @ CHALLENGE_MINUTES..=43_200)) => Ok(Api::Beta { challenge_minutes }),
            (Self::Beta, Some(_)) => Err("challenge-minutes: 5 to 43200"),
        }
    }
}

impl Api {
    fn path(self) -> &'static str {
        match self {
            Self::V1 => "/v1.0",
            Self::Beta { .. } => "/beta",
        }
    }

    fn encoding(self) -> Encoding {
        match self {
            Self::V1 => Encoding::Plain,
            Self::Beta { .. } => Encoding::CountedPadding,
        }
    }

    fn challenge_minutes(self) -> u16 {
        match self {
            Self::V1 => CHALLENGE_MINUTES,
            Self::Beta { challenge_minutes } => challenge_minutes,
        }
    }
}

/// One tenant of Entra ID.
#[derive(Debug)]
pub struct Entra {
    graph: Graph,
    /// As the settings have it: its id, or a domain of it.
    tenant: TenantId,
    /// Where tokens are given, and where it is told which tenant a domain is of.
    authority: Client,
    instance: OnceLock<IdpInstance>,
    api: Api,
    /// Graph's ids of what this process registered.
    told: Mutex<BTreeMap<CredentialId, String>>,
}

impl Entra {
    /// As the settings say. Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let authentication = match &settings.access {
            Access::Secret(secret) => ClientAuthentication::SecretPost(connection.secret(secret, "client secret")?),
            Access::Certificate { certificate, private_key } => {
                let file = connection.folder.join(certificate);
                let pem = std::fs::read(&file)
                    .map_err(|error| connection.refuse(format!("certificate {}: {error}", file.display())))?;
                let key = SigningKey::read(&connection.secret_text(private_key, "private key")?)
                    .map_err(|error| connection.refuse(format!("private-key: {error}")))?;
                let key =
                    key.with_certificate(&pem).map_err(|error| connection.refuse(format!("certificate: {error}")))?;
                ClientAuthentication::PrivateKeyJwt(Arc::new(key))
            }
        };
        let base = settings.graph.trim_end_matches('/');
        let credentials = ClientCredentials::new(
            connection.client(&settings.authority)?,
            &format!("/{}/oauth2/v2.0/token", segment(&settings.tenant_id.0)),
            &settings.client_id,
            authentication,
            &format!("{base}/.default"),
        )
        .explained_by(explain);
        let session = Session::new(connection.client(base)?, Authorization::OAuth(Box::new(credentials)));
        Ok(Self {
            graph: Graph::new(session, base),
            tenant: settings.tenant_id.clone(),
            authority: connection.client(&settings.authority)?,
            instance: OnceLock::new(),
            api: settings.api,
            told: Mutex::default(),
        })
    }

    /// The id of the tenant that a domain is of. Entra's issuer names it by its id, however it was asked for (OpenID Connect
    /// Discovery 1.0, section 4); it asks for no token.
    fn tenant_of_domain(&self) -> Result<String, DirectoryError> {
        let path = format!("/{}/v2.0/.well-known/openid-configuration", segment(&self.tenant.0));
        let what = format!("tenant {}", self.tenant.0);
        let told: Discovery = self.authority.call(Method::GET, &path).send()?.accepted(&what)?.json()?;
        let id = told.issuer.split('/').find(|part| is_guid(part));
        id.map(str::to_owned).ok_or_else(|| self.graph.idp().invalid_response("its issuer names no tenant"))
    }

    /// The path below a user's `authentication`.
    fn path(&self, user_id: &str, rest: &str) -> String {
        format!("{}/users/{}/authentication/{rest}", self.api.path(), segment(user_id))
    }

    fn creation_options(&self, user_id: &str, what: &str) -> Result<Reply, DirectoryError> {
        let options = match self.api {
            Api::V1 => "fido2Methods/creationOptions".to_owned(),
            Api::Beta { challenge_minutes } => {
                format!("fido2Methods/creationOptions(challengeTimeoutInMinutes={challenge_minutes})")
            }
        };
        self.graph.send(self.graph.call(Method::GET, &self.path(user_id, &options)), what, Permission::PASSKEYS)
    }

    fn read_options(&self, reply: &Reply) -> Result<CreationOptions, DirectoryError> {
        CreationOptions::read(reply.json::<Value>()?)
            .map_err(|error| self.graph.idp().invalid_response(format!("creationOptions: {error}")))
    }

    /// The tenant's policy for passkeys. Profiles are a collection of its own, which not every tenant expands.
    fn policy(&self) -> Result<Policy, DirectoryError> {
        let what = "policy for passkeys";
        let call = self.graph.call(Method::GET, POLICY);
        match self.graph.send(call.clone().query("$expand", "passkeyProfiles"), what, Permission::READ_POLICY) {
            Err(DirectoryError::Refused { .. }) => self.graph.send(call, what, Permission::READ_POLICY)?.json(),
            answer => answer?.json(),
        }
    }

    fn listed_passkeys(&self, user_id: &str, what: &str) -> Result<Vec<Passkey>, DirectoryError> {
        self.graph.collection(&self.path(user_id, "fido2Methods"), what, Permission::READ_PASSKEYS)
    }

    /// Where this credential is, of a ceremony that began then; see the module's head.
    fn look(
        &self,
        user_id: &str,
        began: Option<OffsetDateTime>,
        credential_id: &CredentialId,
    ) -> Result<Presence, DirectoryError> {
        let what = "such user";
        let listed = self.listed_passkeys(user_id, what)?;
        let told = self.told().get(credential_id).cloned();
        let is_marked = |passkey: &Passkey| {
            let is_new = match (began, passkey.created_date_time) {
                (Some(began), Some(created)) => created >= began - CLOCKS_DIFFER,
                _ => true,
            };
            is_new && passkey.display_name.as_deref().is_some_and(|name| display_name::is_of(name, credential_id))
        };
        let is_it = |passkey: &Passkey| match (passkey.credential_id(), &told) {
            (Some(id), _) => id == *credential_id,
            (None, Some(told)) => passkey.id == *told,
            (None, None) => is_marked(passkey),
        };
        if let Some(found) = listed.into_iter().find(is_it) {
            return Ok(Presence::Listed(Registered {
                credential_id: Some(credential_id.clone()),
                ..registered(found)
            }));
        }
        let options = self.read_options(&self.creation_options(user_id, what)?)?;
        let options = options.options(self.api.encoding()).map_err(|why| self.graph.idp().invalid_response(why))?;
        if options.exclude_credentials.iter().any(|excluded| excluded.id == *credential_id) {
            return Ok(Presence::Unlisted);
        }
        Ok(Presence::Absent)
    }

    /// The registration of this credential, if there is one.
    fn find(&self, ceremony: &Ceremony, credential_id: &CredentialId) -> Result<Option<Registered>, DirectoryError> {
        let began = ceremony.continuation.as_deref().and_then(|began| OffsetDateTime::parse(began, &Rfc3339).ok());
        let presence = self.look(&ceremony.user_id, began, credential_id)?;
        match (presence, self.told().get(credential_id)) {
            (Presence::Listed(found), _) => Ok(Some(found)),
            (_, Some(told)) => Err(self
                .graph
                .idp()
                .invalid_response(format!("it registered the key as {told}, but does not list it yet"))),
            (Presence::Unlisted, None) => Err(self.graph.idp().invalid_response(
                "the key is registered, but none of the user's passkeys has its name; Entra may not list it yet",
            )),
            (Presence::Absent, None) => Ok(None),
        }
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<CredentialId, String>> {
        // Entries are put there whole, so a thread that panicked left nothing half-done.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is told of a tenant to everybody.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

/// Whether a text is a GUID, as tenants have them.
fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a credential is found.
enum Presence {
    /// Among the user's passkeys.
    Listed(Registered),
    /// Only among the credentials that the user's next registration excludes.
    Unlisted,
    /// Nowhere.
    Absent,
}

/// What a person can do about a refusal of the token endpoint, whose codes begin its description.
fn explain(fault: &Fault) -> Option<&'static str> {
    let has = |code: &str| fault.message.contains(code);
    Some(match () {
        () if has("AADSTS7000215") => {
            "use the client secret's value, not its id (App registrations > the app > Certificates & secrets)"
        }
        () if has("AADSTS7000222") => {
            "the client secret has run out; make a new one (App registrations > the app > Certificates & secrets)"
        }
        () if has("AADSTS700027") => {
            "upload the certificate to the app, or look at the clock (App registrations > the app > Certificates & secrets)"
        }
        () if has("AADSTS700016") => "check whether client-id is an app of this tenant (App registrations)",
        () if has("AADSTS90002") => "check tenant-id (Entra admin center > Overview)",
        () => return None,
    })
}

fn registered(passkey: Passkey) -> Registered {
    Registered {
        credential_id: passkey.credential_id(),
        label: passkey.display_name.unwrap_or_default(),
        id: passkey.id,
        in_service: true,
    }
}

fn known(user: &User) -> String {
    format!("user {}", user.login)
}

impl Directory for Entra {
    fn name(&self) -> &str {
        self.graph.idp()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        if let Some(known) = self.instance.get() {
            return Ok(known.clone());
        }
        let id = if is_guid(&self.tenant.0) { self.tenant.0.clone() } else { self.tenant_of_domain()? };
        Ok(self.instance.get_or_init(|| IdpInstance::new("entra", &id)).clone())
    }

    fn try_registration(&self, user: &User) -> Result<(), DirectoryError> {
        let options = self.read_options(&self.creation_options(&user.id, &known(user))?)?;
        let options = options.options(self.api.encoding());
        options.map(drop).map_err(|why| self.graph.idp().invalid_response(why))
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        self.graph.sign_in()?;
        let mut findings = match self.policy() {
            Ok(policy) => policy.findings(),
            Err(DirectoryError::Forbidden { why, .. }) => {
                return Ok(vec![Finding::says(format!("the tenant's policy for passkeys cannot be read: {why}"))]);
            }
            Err(error) => return Err(error),
        };
        let off = (OffsetDateTime::now_utc() - self.graph.now()).unsigned_abs();
        if off > CLOCK_IS_OFF {
            findings.push(Finding::says(format!(
                "this machine's clock and Entra's differ by {} seconds or more, and challenges last minutes; set this clock",
                off.as_secs()
            )));
        }
        Ok(findings)
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        let call = self.graph.call(Method::GET, &format!("/v1.0/users/{}", segment(login)));
        let call = call.query("$select", "id,userPrincipalName,displayName,accountEnabled,userType");
        let found: wire::User = self.graph.send(call, &format!("user {login}"), Permission::READ_USERS)?.json()?;
        if found.is_guest() {
            let why = format!(
                "{login} is a guest, and Entra registers no passkeys for guests; register one in their own tenant"
            );
            return Err(self.graph.idp().refused(why));
        }
        if found.id != login && !login::is_same(&found.user_principal_name, login) {
            return Err(self.graph.idp().invalid_response(format!("another account than {login}")));
        }
        Ok(found.user())
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let reply = self.creation_options(&user.id, &known(user))?;
        let answer = self.read_options(&reply)?;
        let began = self.graph.now();
        let lasts = Duration::from_secs(60 * u64::from(self.api.challenge_minutes()));
        let deadline = answer.challenge_timeout_date_time.unwrap_or(began + lasts);
        let options = answer.options(self.api.encoding()).map_err(|why| self.graph.idp().invalid_response(why))?;
        let origin = format!("https://{}", options.rp.id);
        Ok(Ceremony {
            user_id: user.id.clone(),
            pending: None,
            continuation: began.format(&Rfc3339).ok(),
            origin: origin.parse().map_err(|error| self.graph.idp().invalid_response(format!("{error}")))?,
            options,
            deadline,
        })
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        let credential_id = &response.credential_id;
        let passkey = NewPasskey::new(display_name::display_name(label, credential_id), response);
        let call = self.graph.call(Method::POST, &self.path(&ceremony.user_id, "fido2Methods")).json(&passkey);
        let reply = match self.graph.send(call, "such user", Permission::PASSKEYS) {
            Ok(reply) => reply,
            Err(refused @ DirectoryError::Refused { .. }) => {
                // It may have refused the second of two: a proxy on the way sends a request again, or the first was unanswered.
                return match self.find(ceremony, credential_id)? {
                    Some(registered) => Ok(registered),
                    None if self.graph.now() >= ceremony.deadline => Err(self.graph.idp().expired()),
                    None => Err(refused),
                };
            }
            Err(error) => return Err(error),
        };
        if reply.status() != 201 {
            return Err(self.graph.idp().invalid_response(format!("HTTP {} to a registration", reply.status())));
        }
        let made: Passkey = reply.json()?;
        self.told().insert(credential_id.clone(), made.id.clone());
        Ok(Registered { credential_id: Some(credential_id.clone()), ..registered(made) })
    }

    /// As the module's head tells.
    fn read_back(
        &self,
        _user: &User,
        ceremony: &Ceremony,
        credential_id: &CredentialId,
        _label: &str,
    ) -> Result<Option<Registered>, DirectoryError> {
        self.find(ceremony, credential_id)
    }

    /// A list that lags is no proof of absence: what the next registration excludes is there.
    fn has(&self, user: &User, credential_id: &CredentialId) -> Result<bool, DirectoryError> {
        Ok(!matches!(self.look(&user.id, None, credential_id)?, Presence::Absent))
    }

    fn abandon(&self, _user: &User, _pending: &str) -> Result<(), DirectoryError> {
        Ok(())
    }

    fn pending(&self, _user: &User) -> Result<Vec<String>, DirectoryError> {
        Ok(Vec::new())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        Ok(self.listed_passkeys(&user.id, &known(user))?.into_iter().map(registered).collect())
    }

    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        let path = self.path(&user.id, &format!("fido2Methods/{}", segment(&registered.id)));
        match self.graph.send(self.graph.call(Method::DELETE, &path), "such passkey", Permission::PASSKEYS) {
            Ok(reply) if reply.status() == 204 => Ok(()),
            Ok(reply) => Err(self.graph.idp().invalid_response(format!("HTTP {} to a removal", reply.status()))),
            // An earlier request removed it, whose answer was lost; or somebody on the way to Graph knows nothing of it.
            Err(absent @ DirectoryError::NotFound { .. }) => {
                let is_there = self.list(user)?.iter().any(|listed| listed.id == registered.id);
                if is_there { Err(absent) } else { Ok(()) }
            }
            Err(error) => Err(error),
        }
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities {
            people: Some(self),
            methods: Some(self),
            removal: Some(self),
            policies: Some(self),
            suspension: Some(self),
            sessions: Some(self),
            pass: Some(self),
            last_use: Some(self),
            passkeys: Some(self),
            models: Some(self),
            // Graph lists, makes and removes passkeys, and changes none.
            labels: None,
            rights: Some(self),
            applications: Some(self),
            what_if: Some(self),
        }
    }
}

impl ModelRules for Entra {
    fn shut_out(&self, models: &BTreeSet<Aaguid>) -> Result<Listing<ShutOut>, DirectoryError> {
        match self.policy() {
            Ok(policy) => Ok(Listing::whole(policy.shut_out(models))),
            Err(error) => untold("which models the policy for passkeys shuts out", Permission::READ_POLICY, error)
                .map(Listing::untold),
        }
    }
}
