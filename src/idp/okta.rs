//! Okta, by its Factors API: WebAuthn factors enrolled on behalf of a user, with an API token or as a service app.
//!
//! A factor is enrolled, waits as `PENDING_ACTIVATION`, and is activated with what the key made. Okta tells the credential id of
//! an active factor, so nothing has to be guessed afterwards. An activation is sent once: Okta takes five in five minutes.
//!
//! Okta leaves the RP ID out of what it asks for. It is the custom one of the authenticator's settings, or else the host where
//! people sign in; a credential for another host is of no use. Okta's list leaves out factors that the user's policy does not ask
//! for, so it is held against the enrolments that the Identity Engine lists.
//!
//! It refuses to remove a factor that was activated, other than to revoke it.

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{Method, Uri};

use super::connection::{ConnectionConfig, IdpSettings, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Call, Fault, Reply, ServerUrl, segment};
use super::oauth::{ClientAuthentication, ClientCredentials, SigningKey};
use super::question::Question;
use super::session::{Authorization, Session};
use super::token_cache::TokenCache;
use crate::ledger::IdpInstance;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{Ceremony, CredentialCreationOptions, CredentialId, Origin, RegistrationResponse, RpId};

/// Milliseconds that an enrolment is waited for if Okta does not say: the default of its `tokenLifetimeSeconds`.
const DEFAULT_TIMEOUT: u64 = 300_000;

/// What a service app is granted.
const SCOPE: &str = "okta.users.read okta.users.manage okta.authenticators.read";

const PENDING: &str = "PENDING_ACTIVATION";

/// What `[idp.NAME]` says about an Okta org.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct Settings {
    /// The org, such as `https://acme.okta.com`.
    pub url: ServerUrl,
    /// How it is signed in to.
    pub access: Access,
    /// The origin of the page where people sign in. The org's if it is not given.
    pub origin: Option<Origin>,
}

/// How an org is signed in to.
#[derive(Debug, Clone)]
pub enum Access {
    /// With an API token (`SSWS`).
    Token(SecretSource),
    /// As a service app, with an assertion that its private key signed (RFC 7523).
    ServiceApp {
        /// The app's client id.
        client_id: String,
        /// Where the private key comes from: PEM or JWK.
        private_key: SecretSource,
        /// The key's `kid` at Okta, if the key itself does not tell it.
        key_id: Option<String>,
        /// Whether tokens are bound to a key (RFC 9449), as Okta wants it of new apps.
        dpop: bool,
    },
}

impl Access {
    /// Where the secret comes from.
    pub fn secret(&self) -> &SecretSource {
        match self {
            Self::Token(token) => token,
            Self::ServiceApp { private_key, .. } => private_key,
        }
    }
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    url: ServerUrl,
    token: Option<SecretSource>,
    client_id: Option<String>,
    private_key: Option<SecretSource>,
    key_id: Option<String>,
    dpop: Option<bool>,
    origin: Option<Origin>,
}

impl TryFrom<Table> for Settings {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let access = match (table.token, table.client_id, table.private_key, table.key_id, table.dpop) {
            (Some(token), None, None, None, None) => Access::Token(token),
            (None, Some(client_id), Some(private_key), key_id, dpop) => {
                Access::ServiceApp { client_id, private_key, key_id, dpop: dpop.unwrap_or(true) }
            }
            (None, ..) => return Err("Okta needs `token`, or `client-id` and `private-key`"),
            (Some(_), ..) => return Err("`token` goes without `client-id`, `private-key`, `key-id` and `dpop`"),
        };
        Ok(Self { url: table.url, access, origin: table.origin })
    }
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.url
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(self.access.secret())
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(Okta::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::text("url", "At what address is the org?", "https://acme.okta.com")
        .found("its own address at Okta or your custom domain; not the one of the Admin Console with -admin"),
    Question::place("token", "Where does the API token come from?")
        .found("Admin Console: Security > API > Tokens; its account needs the role Help Desk Administrator or more")
        .or("a service app's private key"),
    Question::text("client-id", "What is the service app's client id?", "0oa1abcdefGHIJKLmnop")
        .found(
            "Admin Console: Applications > the API Services app > General; it needs the role Help Desk Administrator",
        )
        .without("token"),
    Question::place("private-key", "Where does the service app's private key come from (PEM or JWK)?")
        .found("Client Credentials > Public key / Private key > Add key; grant its scopes under Okta API Scopes")
        .without("token"),
    Question::text("key-id", "What is the key's id (KID) at Okta?", "SIGNING_KEY_1")
        .found("beside the key, under Public Keys")
        .without("token")
        .or("the one in the JWK"),
    Question::yes_no("dpop", "Are tokens bound to a key (DPoP)?")
        .found("General Settings: Require Demonstrating Proof of Possession; it is on for new apps")
        .without("token")
        .or("yes"),
    Question::text("origin", "At what address do people sign in?", "https://login.example.org")
        .found("scheme and host of the sign-in page; credentials made for another host do not work there")
        .or("the org's address"),
];

/// An Okta org.
#[derive(Debug)]
pub struct Okta {
    session: Session,
    instance: IdpInstance,
    origin: Origin,
    /// The host of the page where people sign in.
    host: RpId,
    rp_id: TokenCache<RpId>,
}

impl Okta {
    /// Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let origin = match &settings.origin {
            Some(origin) => origin.clone(),
            None => settings.url.parse().map_err(|error| {
                connection.refuse(format!("origin: the url is none ({error}); name the address where people sign in"))
            })?,
        };
        let host = origin.as_str().parse::<Uri>().ok().and_then(|uri| uri.host()?.parse().ok());
        let host = host.ok_or_else(|| connection.refuse(format!("origin: the host of {origin} cannot be an RP ID")))?;
        let client = connection.client(&settings.url)?;
        let authorization = match &settings.access {
            Access::Token(token) => {
                let token = connection.secret(token, "API token")?;
                Authorization::Token(format!("SSWS {}", token.expose_secret()).into())
            }
            Access::ServiceApp { client_id, private_key, key_id, dpop } => {
                let key = SigningKey::read(&connection.secret_text(private_key, "private key")?)
                    .map_err(|error| connection.refuse(format!("private-key: {error}")))?;
                let key = match key_id {
                    Some(id) => key.with_id(id),
                    None => key,
                };
                let authentication = ClientAuthentication::PrivateKeyJwt(Box::new(key));
                let credentials = ClientCredentials::new(
                    connection.client(&settings.url)?,
                    "/oauth2/v1/token",
                    client_id,
                    authentication,
                    SCOPE,
                )
                .explained_by(explain);
                let credentials = if *dpop { credentials.with_dpop() } else { credentials };
                Authorization::OAuth(Box::new(credentials))
            }
        };
        let instance = IdpInstance::new("okta", settings.url.host());
        Ok(Self { session: Session::new(client, authorization), instance, origin, host, rp_id: TokenCache::default() })
    }

    fn send(&self, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        self.session.send(call)?.accepted(what).map_err(|error| match error {
            DirectoryError::Forbidden { why, .. } => self.session.idp().forbidden(format!(
                "{why}; the token's account or service app needs the role Help Desk Administrator or more"
            )),
            error => error,
        })
    }

    fn get(&self, path: &str, what: &str) -> Result<Reply, DirectoryError> {
        self.send(self.session.call(Method::GET, path), what)
    }

    /// A factor by its id; `None` if Okta itself says that there is none.
    fn factor(&self, user_id: &str, id: &str) -> Result<Option<Factor>, DirectoryError> {
        let reply = self.session.send(self.session.call(Method::GET, &factor_path(user_id, id)))?;
        if is_absent(&reply) {
            return Ok(None);
        }
        reply.accepted("such factor")?.json().map(Some)
    }

    fn factors(&self, user: &User) -> Result<Vec<Factor>, DirectoryError> {
        self.get(&factors_path(&user.id), &format!("user {}", user.login))?.json()
    }

    /// What the Identity Engine has of the user; empty where that is not told.
    fn enrollments(&self, user: &User) -> Result<Vec<Enrollment>, DirectoryError> {
        let path = format!("/api/v1/users/{}/authenticator-enrollments", segment(&user.id));
        let reply = self.session.send(self.session.call(Method::GET, &path))?;
        if reply.status() == 403 || is_absent(&reply) {
            tracing::debug!(status = reply.status(), "no authenticator enrolments to hold the factors against");
            return Ok(Vec::new());
        }
        Ok(match reply.accepted("authenticator enrolments")?.json()? {
            Enrollments::Several(list) => list,
            Enrollments::One(one) => vec![one],
        })
    }

    /// `false` if Okta itself says that there is no such factor.
    fn remove(&self, user: &User, id: &str) -> Result<bool, DirectoryError> {
        let reply = self.session.send(self.session.call(Method::DELETE, &factor_path(&user.id, id)))?;
        if is_absent(&reply) {
            return Ok(false);
        }
        let reply = reply.accepted("such factor")?;
        match reply.status() {
            204 => Ok(true),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to a removal"))),
        }
    }

    /// The authenticator `webauthn` and its method's settings.
    fn authenticator(&self) -> Result<Told, DirectoryError> {
        let call = self.session.call(Method::GET, "/api/v1/authenticators");
        let reply = self.session.send(call)?;
        if reply.status() == 403 || is_absent(&reply) {
            return Ok(Told::Hidden(reply.fault().message));
        }
        let all: Vec<Authenticator> = reply.accepted("list of authenticators")?.json()?;
        let Some(webauthn) = all.into_iter().find(|one| one.key == "webauthn") else { return Ok(Told::Absent) };
        let path = format!("/api/v1/authenticators/{}/methods/webauthn", segment(&webauthn.id));
        let reply = self.session.send(self.session.call(Method::GET, &path))?;
        if reply.status() == 403 || is_absent(&reply) {
            return Ok(Told::Hidden(reply.fault().message));
        }
        let method: WebAuthnMethod = reply.accepted("settings of the authenticator webauthn")?.json()?;
        Ok(Told::Settings { active: webauthn.status == "ACTIVE", settings: method.settings })
    }

    fn rp_id(&self) -> Result<RpId, DirectoryError> {
        let ask = || match self.authenticator()? {
            Told::Settings { settings, .. } => self.rp_id_of(&settings),
            Told::Absent | Told::Hidden(_) => Ok(self.host.clone()),
        };
        self.rp_id.get(|_| true, ask).map(|(_, rp_id)| rp_id)
    }

    fn rp_id_of(&self, settings: &MethodSettings) -> Result<RpId, DirectoryError> {
        match settings.rp_id.as_ref().filter(|custom| custom.enabled).and_then(|custom| custom.domain.as_ref()) {
            Some(domain) => domain
                .name
                .parse()
                .map_err(|error| self.session.idp().invalid_response(format!("the custom RP ID: {error}"))),
            None => Ok(self.host.clone()),
        }
    }
}

/// What a person can do about a refusal of the token endpoint.
fn explain(fault: &Fault) -> Option<&'static str> {
    Some(match fault.code.as_deref()? {
        "invalid_dpop_proof" => {
            "leave `dpop` at yes, as the app requires it (General Settings > DPoP), and look at the clock"
        }
        "invalid_client" => {
            "check whether client-id is right, the app is active and signs in with Public key / Private key, and the key is among its public keys with this key-id"
        }
        "invalid_scope" => {
            "grant okta.users.read, okta.users.manage and okta.authenticators.read (the app > Okta API Scopes), and give the app an admin role"
        }
        _ => return None,
    })
}

fn factors_path(user_id: &str) -> String {
    format!("/api/v1/users/{}/factors", segment(user_id))
}

fn factor_path(user_id: &str, id: &str) -> String {
    format!("{}/{}", factors_path(user_id), segment(id))
}

/// Whether Okta itself says that there is no such thing, and no page in between.
fn is_absent(reply: &Reply) -> bool {
    reply.status() == 404 && matches!(reply.fault().code.as_deref(), Some("E0000007" | "E0000008"))
}

#[derive(Deserialize)]
struct Account {
    id: String,
    #[serde(default)]
    status: String,
    profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    login: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
}

impl Profile {
    fn name(self) -> String {
        let parts = [self.first_name, self.last_name];
        let full = || parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.display_name.filter(|name| !name.trim().is_empty()).unwrap_or_else(full)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Factor {
    id: String,
    #[serde(default)]
    factor_type: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    profile: Option<FactorProfile>,
    #[serde(default, rename = "_embedded")]
    embedded: Option<Embedded>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FactorProfile {
    #[serde(default)]
    credential_id: Option<String>,
    #[serde(default)]
    authenticator_name: Option<String>,
}

#[derive(Deserialize)]
struct Embedded {
    activation: Option<Value>,
}

impl Factor {
    /// The registration that it is, if it was activated.
    fn registered(self) -> Option<Registered> {
        if self.factor_type != "webauthn" || self.status != "ACTIVE" {
            return None;
        }
        let profile = self.profile.unwrap_or_default();
        let credential_id = profile.credential_id.and_then(|id| id.parse().ok());
        Some(Registered { id: self.id, credential_id, label: profile.authenticator_name.unwrap_or_default() })
    }
}

/// The description says an object, its example shows an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Enrollments {
    Several(Vec<Enrollment>),
    One(Enrollment),
}

#[derive(Deserialize)]
struct Enrollment {
    #[serde(default)]
    id: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Authenticator {
    id: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    status: String,
}

/// What Okta tells of its authenticator for security keys.
enum Told {
    /// Its settings.
    Settings { active: bool, settings: MethodSettings },
    /// There is none.
    Absent,
    /// We may not know; in Okta's words.
    Hidden(String),
}

#[derive(Deserialize)]
struct WebAuthnMethod {
    #[serde(default)]
    settings: MethodSettings,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MethodSettings {
    rp_id: Option<CustomRpId>,
    attachment: Option<String>,
    user_verification: Option<String>,
    cert_based_attestation_validation: Option<bool>,
    aaguid_groups: Option<Vec<AaguidGroup>>,
}

#[derive(Deserialize)]
struct CustomRpId {
    #[serde(default)]
    enabled: bool,
    domain: Option<Domain>,
}

#[derive(Deserialize)]
struct Domain {
    name: String,
}

#[derive(Deserialize)]
struct AaguidGroup {
    #[serde(default)]
    name: String,
}

impl Directory for Okta {
    fn name(&self) -> &str {
        self.session.idp()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        Ok(self.instance.clone())
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        self.session.sign_in()?;
        let mut findings = Vec::new();
        let mut finding = |blocks, message: String| findings.push(Finding { blocks, message });
        let users = self.session.call(Method::GET, "/api/v1/users").query("limit", "1");
        match self.send(users, "list of users") {
            Ok(reply) => drop(reply.json::<Vec<Account>>()?),
            Err(DirectoryError::Forbidden { why, .. }) => finding(true, format!("users cannot be read: {why}")),
            Err(error) => return Err(error),
        }
        match self.authenticator()? {
            Told::Absent => finding(
                true,
                "Okta has no authenticator for security keys: Security > Authenticators > Add > Passkey (FIDO2 WebAuthn)"
                    .into(),
            ),
            Told::Hidden(why) => finding(
                false,
                format!(
                    "Okta does not tell the authenticator's settings ({why}; scope okta.authenticators.read); credentials are made for \
                     {}, which is wrong if Okta has a custom RP ID",
                    self.host
                ),
            ),
            Told::Settings { active, settings } => {
                let rp_id = self.rp_id_of(&settings)?;
                if !active {
                    let place = "Security > Authenticators > Passkey (FIDO2 WebAuthn)";
                    finding(true, format!("the authenticator for security keys is not active: {place}"));
                }
                if !self.origin.may_use(&rp_id) {
                    finding(true, format!("origin: people sign in at {}, where the RP ID {rp_id} is of no use", self.origin));
                }
                if settings.attachment.as_deref() == Some("BUILT_IN") {
                    finding(true, "the authenticator allows built-in authenticators only, not security keys".into());
                }
                if settings.cert_based_attestation_validation == Some(true) {
                    finding(false, "Okta checks attestation: models that it does not know are refused".into());
                }
                let groups = settings.aaguid_groups.unwrap_or_default();
                let groups: Vec<_> = groups.into_iter().map(|group| group.name).collect();
                if !groups.is_empty() {
                    let groups = groups.join(", ");
                    finding(false, format!("policies may let in only models of the groups {groups}; see that yours is in them"));
                }
                if settings.user_verification.as_deref() == Some("DISCOURAGED") {
                    finding(false, "Okta does not ask for the PIN at sign-in (user verification: discouraged)".into());
                }
            }
        }
        Ok(findings)
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        if login.contains('/') {
            let why =
                format!("Okta finds {login} only by the user's id, because of the slash; write the id in the roster");
            return Err(self.session.idp().refused(why));
        }
        let what = format!("user {login}");
        let account: Account = self.get(&format!("/api/v1/users/{}", segment(login)), &what)?.json()?;
        // Okta also takes the part before the at sign.
        let known = account.profile.login.to_lowercase();
        let short = known.split('@').next().unwrap_or_default();
        let asked = login.to_lowercase();
        if account.id != login && known != asked && short != asked {
            return Err(self.session.idp().invalid_response(format!("another account than {login}")));
        }
        Ok(User {
            id: account.id,
            login: login.to_owned(),
            display_name: account.profile.name(),
            active: !matches!(account.status.as_str(), "STAGED" | "SUSPENDED" | "DEPROVISIONED"),
        })
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let rp_id = self.rp_id()?;
        let call = self.session.call(Method::POST, &factors_path(&user.id));
        let call = call.json(&json!({ "factorType": "webauthn", "provider": "FIDO" }));
        let factor: Factor = self.send(call, &format!("user {}", user.login))?.json()?;
        let activation = factor.embedded.and_then(|embedded| embedded.activation);
        let mut options = activation
            .ok_or_else(|| self.session.idp().invalid_response("a factor without what a key is to make for it"))?;
        if options["rp"].is_object() && !options["rp"]["id"].is_string() {
            options["rp"]["id"] = json!(rp_id);
        }
        let selection = &mut options["authenticatorSelection"];
        if selection.is_object() {
            // Okta's answer says `requireResidentKey: false` also where the setting is REQUIRED.
            selection["residentKey"] = json!("required");
            selection["requireResidentKey"] = json!(true);
        }
        let options: CredentialCreationOptions =
            serde_json::from_value(options).map_err(|error| self.session.idp().invalid_response(error.to_string()))?;
        Ok(Ceremony::with_pending_object(user.id.clone(), factor.id, options, self.origin.clone(), DEFAULT_TIMEOUT))
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        _label: &str,
    ) -> Result<Registered, DirectoryError> {
        let id = ceremony.pending.as_deref().unwrap_or_default();
        let made = &response.to_json()["response"];
        let body = json!({ "attestation": made["attestationObject"], "clientData": made["clientDataJSON"] });
        let path = format!("{}/lifecycle/activate", factor_path(&ceremony.user_id, id));
        let call = self.session.call(Method::POST, &path).json(&body);
        let factor: Factor = self.send(call, "such factor")?.json()?;
        let registered =
            factor.registered().ok_or_else(|| self.session.idp().invalid_response("a factor that is not active"))?;
        if registered.id != id || registered.credential_id.as_ref() != Some(&response.credential_id) {
            return Err(self.session.idp().invalid_response("a factor with another credential"));
        }
        Ok(registered)
    }

    /// By the factor's id: the list may leave it out.
    fn read_back(
        &self,
        user: &User,
        ceremony: &Ceremony,
        credential_id: &CredentialId,
        _label: &str,
    ) -> Result<Option<Registered>, DirectoryError> {
        let Some(id) = &ceremony.pending else { return Ok(None) };
        let registered = self.factor(&user.id, id)?.and_then(Factor::registered);
        Ok(registered.filter(|registered| registered.is(credential_id, None)))
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        match self.factor(&user.id, pending)? {
            None => Ok(()),
            Some(factor) if factor.status == PENDING => self.remove(user, pending).map(drop),
            Some(_) => {
                let why = format!("factor {pending} is activated; it is removed only by revoking it");
                Err(self.session.idp().refused(why))
            }
        }
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        let factors = self.factors(user)?.into_iter();
        let pending = factors.filter(|factor| factor.factor_type == "webauthn" && factor.status == PENDING);
        Ok(pending.map(|factor| factor.id).collect())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        let mut listed: Vec<_> = self.factors(user)?.into_iter().filter_map(Factor::registered).collect();
        for hidden in self.enrollments(user)? {
            if hidden.key == "webauthn" && listed.iter().all(|registered| registered.id != hidden.id) {
                listed.extend(self.factor(&user.id, &hidden.id)?.and_then(Factor::registered));
            }
        }
        Ok(listed)
    }

    /// Nothing happens if it is gone already: the request may be a second one.
    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.remove(user, &registered.id).map(drop)
    }

    fn other_methods(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        let factors = self.factors(user)?.into_iter();
        let weaker = factors.filter(|factor| factor.status == "ACTIVE" && factor.factor_type != "webauthn");
        let mut methods: Vec<_> = weaker.map(|factor| factor.factor_type).collect();
        let enrolled = self.enrollments(user)?;
        if enrolled.iter().any(|one| one.key == "okta_password" && one.status == "ACTIVE") {
            methods.push("password".into());
        }
        Ok(methods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<Settings, toml::de::Error> {
        toml::from_str(&format!("url = \"https://acme.okta.com\"\n{more}"))
    }

    #[test]
    fn one_way_to_sign_in_is_named_and_whole() {
        assert!(matches!(read("token = \"env:A\"").unwrap().access, Access::Token(_)));
        let app = read("client-id = \"0oa\"\nprivate-key = \"file:key.pem\"").unwrap().access;
        assert!(matches!(app, Access::ServiceApp { dpop: true, .. }), "{app:?}");
        for half in ["", "client-id = \"0oa\"", "private-key = \"file:a\"", "token = \"env:A\"\ndpop = false"] {
            assert!(read(half).unwrap_err().to_string().contains("token"), "{half}");
        }
    }

    #[test]
    fn people_sign_in_at_the_org_unless_told() {
        let open = |more: &str| {
            let connection = ConnectionConfig { name: "acme".into(), ..ConnectionConfig::default() };
            Okta::open(&connection, &read(&format!("token = \"env:PATH\"\n{more}")).unwrap())
        };
        let okta = open("").unwrap();
        assert_eq!((okta.host.as_str(), okta.origin.as_str()), ("acme.okta.com", "https://acme.okta.com"));
        let okta = open("origin = \"https://login.example.org\"").unwrap();
        assert_eq!((okta.host.as_str(), okta.origin.as_str()), ("login.example.org", "https://login.example.org"));
    }
}
