//! Zitadel, by its user service v2: passkeys registered on behalf of a user, with a personal access token.
//!
//! Zitadel asks for no attestation and looks at none, so the profile's own verdict is the only one. It refuses to remove a
//! passkey that was verified, and to take a user whom Zitadel lists although the login is another's.
//!
//! A passkey that was begun and not verified is in no list; it can be removed by its id, which the ledger has. If the answer
//! with the id is lost, nobody can name it: it cannot sign in, and the next registration of this user takes its place.

mod applications;
mod classes;
mod methods;
mod passkeys;
mod people;
mod policies;
mod rights;
mod sessions;
mod suspension;

use std::thread;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{HeaderName, Method, Uri};

use super::capability::Capabilities;
use super::connection::{ConnectionConfig, IdpSettings, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Call, Fault, Reply, ServerUrl, segment};
use super::question::Question;
use super::session::{Authorization, Session};
use crate::ledger::IdpInstance;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{Ceremony, CredentialCreationOptions, CredentialId, Origin, RegistrationResponse, RpId};

/// The longest passkey name, in characters.
const LONGEST_NAME: usize = 200;

/// Milliseconds that a registration is waited for if Zitadel does not say.
const DEFAULT_TIMEOUT: u64 = 300_000;

/// The organization that a request is about, where the token's account is not of it.
const ORGANIZATION: HeaderName = HeaderName::from_static("x-zitadel-orgid");

/// What `[idp.NAME]` says about a Zitadel instance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// The instance, such as `https://login.example.com`.
    pub url: ServerUrl,
    /// Where the service account's personal access token comes from.
    pub token: SecretSource,
    /// The RP ID: the domain where people sign in. The instance's host if it is not given.
    #[serde(default)]
    pub domain: Option<RpId>,
    /// The origin of the page where people sign in. `https://` and the domain if it is not given.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// The organization's id, if the service account is of another.
    #[serde(default)]
    pub organization: Option<String>,
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.url
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(&self.token)
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(Zitadel::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::text("url", "At what address is the instance?", "https://login.example.org")
        .found("the address of its console, up to the host"),
    Question::place("token", "Where does the service account's personal access token come from?").found(
        "console: Users > Service Users > the account > Personal Access Tokens; it needs the role Org User Manager",
    ),
    Question::text("domain", "On which domain do people sign in, which is the RP ID?", "example.org")
        .found("only if it is not the url's host: the domain that passkeys are bound to")
        .or("the url's host"),
    Question::text("origin", "At what address do people sign in?", "https://login.example.org")
        .found("scheme and host of the login page")
        .or("https:// and that domain"),
    Question::text("organization", "What is the id of the people's organization?", "69629023906488334")
        .found("only if the service account is of another; console: Organization, Resource Id")
        .or("the service account's own"),
];

/// A Zitadel instance.
#[derive(Debug)]
pub struct Zitadel {
    session: Session,
    instance: IdpInstance,
    domain: RpId,
    origin: Origin,
    organization: Option<String>,
    /// How long a list may lag behind what was registered: it is made from events, a moment later.
    lag: Duration,
}

impl Zitadel {
    /// Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let client = connection.client(&settings.url)?;
        let host = || settings.url.parse::<Uri>().ok()?.host()?.parse().ok();
        let domain = settings.domain.clone().or_else(host).ok_or_else(|| {
            connection.refuse("domain: the url's host cannot be an RP ID; name the domain where people sign in")
        })?;
        let origin = connection.origin(settings.origin.as_ref(), &domain)?;
        let token = connection.token(&settings.token, "personal access token")?;
        let authorization = Authorization::Token(format!("Bearer {}", token.expose_secret()).into());
        let organization = settings.organization.clone();
        let lag = connection.limits.total / 10;
        let instance = IdpInstance::new("zitadel", settings.url.host());
        Ok(Self { session: Session::new(client, authorization), instance, domain, origin, organization, lag })
    }

    fn call(&self, method: Method, path: &str) -> Call<'_> {
        let call = self.session.call(method, path);
        match &self.organization {
            Some(organization) => call.header(ORGANIZATION, organization),
            None => call,
        }
    }

    fn send(&self, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        self.session.send(call)?.accepted(what)
    }

    fn post(&self, path: &str, body: &Value, what: &str) -> Result<Reply, DirectoryError> {
        self.send(self.call(Method::POST, path).json(body), what)
    }

    /// Removes a passkey, verified or not. `false` if Zitadel itself says that there is none; a 404 of somebody else's, such
    /// as a proxy's, is an error.
    fn remove(&self, user: &User, passkey: &str) -> Result<bool, DirectoryError> {
        let reply = self.session.send(self.call(Method::DELETE, &passkey_path(&user.id, passkey)))?;
        if reply.status() == 404 && reply.fault().code.as_deref() == Some(GRPC_NOT_FOUND) {
            return Ok(false);
        }
        reply.accepted("such passkey")?.json::<Done>().map(|_| true)
    }
}

/// gRPC's `NOT_FOUND`, as the gateway writes it.
const GRPC_NOT_FOUND: &str = "5";

fn path(user_id: &str, rest: &str) -> String {
    format!("/v2/users/{}{rest}", segment(user_id))
}

fn passkey_path(user_id: &str, passkey: &str) -> String {
    path(user_id, &format!("/passkeys/{}", segment(passkey)))
}

fn known(user: &User) -> String {
    format!("user {}", user.login)
}

/// The answer to a change: proof that Zitadel gave it, and no page in between.
#[derive(Deserialize)]
struct Done {
    #[serde(rename = "details")]
    _details: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Users {
    details: Value,
    #[serde(default)]
    result: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    user_id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    login_names: Vec<String>,
    #[serde(default)]
    preferred_login_name: String,
    /// `None`: a service account.
    human: Option<Human>,
}

impl Account {
    /// `None`: a service account.
    fn person(self) -> Option<User> {
        Some(User {
            id: self.user_id,
            login: if self.preferred_login_name.is_empty() { self.username } else { self.preferred_login_name },
            display_name: self.human?.profile.display_name,
            active: self.state == "USER_STATE_ACTIVE",
        })
    }

    /// Zitadel does not tell upper and lower case apart in login names.
    fn signs_in_as(&self, login: &str) -> bool {
        let names = self.login_names.iter().chain([&self.preferred_login_name, &self.username]);
        names.into_iter().any(|name| name.to_lowercase() == login.to_lowercase())
    }
}

#[derive(Deserialize)]
struct Human {
    #[serde(default)]
    profile: Profile,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(default)]
    display_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    passkey_id: String,
    public_key_credential_creation_options: Options,
}

/// What a browser's `navigator.credentials.create` takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    public_key: CredentialCreationOptions,
}

#[derive(Deserialize)]
struct Passkeys {
    /// Always there, also where there are no passkeys; `result` is not.
    #[serde(rename = "details")]
    _details: Value,
    #[serde(default)]
    result: Vec<Passkey>,
}

#[derive(Deserialize)]
struct Passkey {
    id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct MyPermissions {
    #[serde(default)]
    result: Vec<String>,
}

impl Directory for Zitadel {
    fn name(&self) -> &str {
        self.session.idp()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        Ok(self.instance.clone())
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        let mut findings = vec![Finding::says(
            "Zitadel does not look at attestation; which models are let in is decided by the profile alone",
        )];
        let role = "give the service account the role Org User Manager (console: Organization > Managers)";
        match self.permissions() {
            Ok(granted) => {
                let may = |name: &str| granted.iter().any(|one| one == name);
                if granted.is_empty() {
                    findings.push(Finding::blocks(format!("the token's account may do nothing: {role}")));
                } else if !may("user.credential.write") && !may("user.passkey.write") {
                    let lacks = "the token's account seems to lack the right to register passkeys for others";
                    findings.push(Finding::says(format!("{lacks} (user.credential.write): {role}")));
                }
            }
            Err(DirectoryError::Forbidden { .. } | DirectoryError::NotFound { .. }) => {
                findings
                    .push(Finding::says(format!("Zitadel does not say what the token may do; if it refuses, {role}")));
            }
            Err(error) => return Err(error),
        }
        Ok(findings)
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        let what = format!("user {login}");
        let query = json!({ "loginName": login, "method": "TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE" });
        let found: Users =
            self.post("/v2/users", &json!({ "queries": [{ "loginNameQuery": query }] }), &what)?.json()?;
        if !found.details.is_object() {
            return Err(self.session.idp().invalid_response("a list of users without details"));
        }
        // A filter that a server does not know is left out by it: then everybody is listed.
        let mut fitting = found.result.into_iter().filter(|account| account.signs_in_as(login));
        let Some(account) = fitting.next() else {
            return Err(self.session.idp().not_found(what));
        };
        if fitting.next().is_some() {
            return Err(self.session.idp().invalid_response("several accounts with one login"));
        }
        let Some(user) = account.person() else {
            let why = format!("{login} is a service account, which has no passkeys");
            return Err(self.session.idp().refused(why));
        };
        Ok(User { login: login.to_owned(), ..user })
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let body = json!({ "authenticator": "PASSKEY_AUTHENTICATOR_CROSS_PLATFORM", "domain": self.domain });
        let begun =
            self.post(&path(&user.id, "/passkeys"), &body, &known(user)).and_then(|reply| reply.json::<Begun>());
        if begun.as_ref().is_err_and(DirectoryError::may_have_acted) {
            tracing::warn!(
                user = user.login,
                "Zitadel may have begun a passkey whose id was lost; it cannot sign in, and the next one replaces it"
            );
        }
        let begun = begun?;
        let options = begun.public_key_credential_creation_options.public_key;
        Ok(Ceremony::with_pending_object(
            user.id.clone(),
            begun.passkey_id,
            options,
            self.origin.clone(),
            DEFAULT_TIMEOUT,
        ))
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        let id = ceremony.pending.clone().unwrap_or_default();
        let label: String = match label.trim() {
            "" => "Security key".into(),
            label => label.chars().take(LONGEST_NAME).collect(),
        };
        let body = json!({ "passkeyName": label, "publicKeyCredential": response.to_json() });
        let call = self.call(Method::POST, &passkey_path(&ceremony.user_id, &id)).json(&body);
        let reply = self.session.send(call)?;
        let Fault { message: why, .. } = reply.fault();
        // Zitadel's WebAuthn errors come before anything is written, and as HTTP 500 (gRPC INTERNAL).
        if reply.status() >= 500 && why.contains("WEBAU-") {
            return Err(self.session.idp().refused(why));
        }
        reply.accepted("such registration")?.json::<Done>()?;
        Ok(Registered { id, credential_id: Some(response.credential_id.clone()), label, in_service: true })
    }

    /// Zitadel tells no credential ids: the passkey that the ceremony made is looked for. Its lists come from events a moment
    /// later, so a passkey that is not listed is looked for again, for a tenth of the time that a request may take.
    fn read_back(
        &self,
        user: &User,
        ceremony: &Ceremony,
        _credential_id: &CredentialId,
        _label: &str,
    ) -> Result<Option<Registered>, DirectoryError> {
        let until = Instant::now() + self.lag;
        loop {
            let mut listed = self.list(user)?.into_iter();
            let found = listed.find(|registered| ceremony.pending.as_ref() == Some(&registered.id));
            if found.is_some() || Instant::now() >= until {
                return Ok(found);
            }
            thread::sleep(self.lag / 10);
        }
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        if self.list(user)?.iter().any(|registered| registered.id == pending) {
            let why = format!("passkey {pending} of {} is registered, not pending", user.login);
            return Err(self.session.idp().refused(why));
        }
        self.remove(user, pending).map(drop)
    }

    /// Always empty: Zitadel lists no passkey that was not verified.
    fn pending(&self, _user: &User) -> Result<Vec<String>, DirectoryError> {
        Ok(Vec::new())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        let passkeys: Passkeys = self.post(&path(&user.id, "/passkeys/_search"), &json!({}), &known(user))?.json()?;
        let ready = passkeys.result.into_iter().filter(|passkey| passkey.state == "AUTH_FACTOR_STATE_READY");
        Ok(ready
            .map(|passkey| Registered { id: passkey.id, credential_id: None, label: passkey.name, in_service: true })
            .collect())
    }

    /// Nothing happens if it is gone already: the request may be a second one.
    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.remove(user, &registered.id).map(drop)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities {
            people: Some(self),
            methods: Some(self),
            removal: Some(self),
            policies: Some(self),
            suspension: Some(self),
            sessions: Some(self),
            // A registration code has no end that its API tells, and cannot be withdrawn.
            pass: None,
            last_use: Some(self),
            passkeys: Some(self),
            // It looks at no model.
            models: None,
            // A passkey is named when it is made.
            labels: None,
            rights: Some(self),
            applications: Some(self),
            what_if: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(more: &str) -> Result<Zitadel, OpenError> {
        let settings = format!("url = \"https://login.example.org\"\ntoken = \"env:PATH\"\n{more}");
        Zitadel::open(
            &ConnectionConfig { name: "acme".into(), ..ConnectionConfig::default() },
            &toml::from_str(&settings).unwrap(),
        )
    }

    #[test]
    fn the_domain_where_people_sign_in_is_the_instances_unless_told() {
        let zitadel = open("").unwrap();
        assert_eq!(
            (zitadel.domain.as_str(), zitadel.origin.as_str()),
            ("login.example.org", "https://login.example.org")
        );
        let zitadel = open("domain = \"example.org\"\norigin = \"https://id.example.org\"").unwrap();
        assert_eq!((zitadel.domain.as_str(), zitadel.origin.as_str()), ("example.org", "https://id.example.org"));
        let error = open("domain = \"example.com\"\norigin = \"https://id.example.org\"").unwrap_err();
        assert!(error.to_string().starts_with("[idp.acme] origin: "), "{error}");
    }

    #[test]
    fn only_the_person_of_the_login_is_taken() {
        let account: Account = serde_json::from_value(json!({
            "userId": "1", "username": "ada", "loginNames": ["Ada@example.org"], "preferredLoginName": "ada@corp.example.org"
        }))
        .unwrap();
        for (login, is_it) in [("ada", true), ("ADA@example.org", true), ("ada@corp.example.org", true), ("ad", false)]
        {
            assert_eq!(account.signs_in_as(login), is_it, "{login}");
        }
    }
}
