//! The practice IdP as an IdP, spoken to over HTTP.

mod classes;
mod estate;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::{Method, header};

use crate::idp::capability::Capabilities;
use crate::idp::connection::{ConnectionConfig, IdpSettings, OpenError};
use crate::idp::directory::{Directory, Finding, Registered, SignIn, User};
use crate::idp::error::DirectoryError;
use crate::idp::http::{Call, Client, Limits, Reply, ServerUrl, segment};
use crate::idp::question::Question;
use crate::ledger::IdpInstance;
use crate::profile::login;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{AuthenticationResponse, Ceremony, RegistrationResponse, SignInCeremony};
use keywright_practice::idp_server::wire::{
    self, API, Begun, Ceremonies, Check, Completion, Credential, Credentials, NewUser, SignInBegun, SignInResponse,
    UserChange, Users,
};

/// The longest label that the server takes, in characters.
const LONGEST_LABEL: usize = 100;

/// What a table of kind `embedded` holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Where it listens, such as `http://127.0.0.1:8460`.
    pub url: ServerUrl,
    /// Where the API token comes from that it was started with.
    pub token: SecretSource,
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.url
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(&self.token)
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(Embedded::open(connection, self)?))
    }
}

/// What is asked to fill it in.
pub const QUESTIONS: &[Question] = &[
    Question::text("url", "At what address does it listen?", "http://127.0.0.1:8460")
        .found("'keywright idp serve' says it when it starts"),
    Question::place("token", "Where does its API token come from?")
        .found("'keywright idp serve' says it when it starts; in general the file idp.token in the state folder"),
];

/// The practice IdP as an IdP, spoken to over HTTP.
pub struct Embedded {
    api: Api,
}

impl Embedded {
    /// As the settings say.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let token = connection.token(&settings.token, "API token")?;
        Ok(Self { api: Api { client: connection.client(&settings.url)?, authorization: bearer(&token) } })
    }

    /// `url` such as `http://127.0.0.1:8460`; `token` is the API token that the server was started with.
    pub fn new(name: &str, url: &str, token: SecretString) -> Result<Self, DirectoryError> {
        Self::with_limits(name, url, token, Limits::default())
    }

    /// The same with other time limits.
    pub fn with_limits(name: &str, url: &str, token: SecretString, limits: Limits) -> Result<Self, DirectoryError> {
        Ok(Self { api: Api { client: Client::new(name, url, limits)?, authorization: bearer(&token) } })
    }

    /// How the server is set up.
    pub fn check(&self) -> Result<Check, DirectoryError> {
        let check: Check = self.get("/v1/check", "API")?;
        if check.api != API {
            let why = format!("it speaks version {} of the API, not {API}", check.api);
            return Err(self.api.client.idp().invalid_response(why));
        }
        Ok(check)
    }

    /// Makes an account.
    pub fn create_user(&self, new: &NewUser) -> Result<User, DirectoryError> {
        let made: wire::User = send(self.call(Method::POST, "/v1/users").json(new), "API")?.json()?;
        Ok(made.into())
    }

    /// Changes an account.
    pub fn change_user(&self, user: &User, change: &UserChange) -> Result<User, DirectoryError> {
        let call = self.call(Method::PATCH, &path(&user.id, "")).json(change);
        let changed: wire::User = send(call, &known(user))?.json()?;
        Ok(changed.into())
    }

    /// The user's credentials, with all that the server tells.
    pub fn credentials(&self, user: &User) -> Result<Vec<Credential>, DirectoryError> {
        Ok(self.get::<Credentials>(&path(&user.id, "/credentials"), &known(user))?.credentials)
    }

    fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.api.call(method, path)
    }

    fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T, DirectoryError> {
        send(self.call(Method::GET, path), what)?.json()
    }
}

fn bearer(token: &SecretString) -> SecretString {
    format!("Bearer {}", token.expose_secret()).into()
}

/// The server, with what opens it.
struct Api {
    client: Client,
    authorization: SecretString,
}

impl Api {
    fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.client.call(method, path).credential(header::AUTHORIZATION, self.authorization.clone())
    }
}

/// Sends, and takes success or the server's refusal.
fn send(call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
    let reply = call.send()?;
    if reply.status() == 410 {
        return Err(reply.idp().expired());
    }
    reply.accepted(what)
}

/// The server answers 204 to what it removed; any other success is somebody else's.
fn removed(reply: &Reply) -> Result<(), DirectoryError> {
    if reply.status() == 204 {
        return Ok(());
    }
    let why = format!("HTTP {} to a removal", reply.status());
    Err(reply.idp().invalid_response(why))
}

fn path(user_id: &str, rest: &str) -> String {
    format!("/v1/users/{}{rest}", segment(user_id))
}

/// A label as the server takes it.
fn cut(label: &str) -> String {
    label.chars().take(LONGEST_LABEL).collect()
}

fn known(user: &User) -> String {
    format!("user {}", user.login)
}

impl Directory for Embedded {
    fn name(&self) -> &str {
        self.api.client.idp()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        Ok(IdpInstance::new("embedded", &self.check()?.instance))
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        Ok(self.check()?.findings.into_iter().map(Finding::from).collect())
    }

    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        let what = format!("user {login}");
        let found: Users = send(self.call(Method::GET, "/v1/users").query("login", login), &what)?.json()?;
        match <[wire::User; 1]>::try_from(found.users) {
            Ok([user]) if user.id == login || login::is_same(&user.login, login) => Ok(user.into()),
            Ok([_]) => Err(self.api.client.idp().invalid_response(format!("another account than {login}"))),
            Err(none) if none.is_empty() => Err(self.api.client.idp().not_found(what)),
            Err(several) => {
                let why = format!("{} accounts with one login", several.len());
                Err(self.api.client.idp().invalid_response(why))
            }
        }
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        let begun: Begun = send(self.call(Method::POST, &path(&user.id, "/ceremonies")), &known(user))?.json()?;
        Ok(Ceremony {
            user_id: user.id.clone(),
            pending: Some(begun.id),
            continuation: None,
            options: begun.public_key,
            origin: begun.origin,
            deadline: begun.deadline,
        })
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        let id = ceremony.pending.as_deref().unwrap_or_default();
        let completion = Completion { label: cut(label), response: response.to_json() };
        let call = self.call(Method::POST, &path(&ceremony.user_id, &format!("/ceremonies/{}", segment(id))));
        let credential: Credential = send(call.json(&completion), "such registration")?.json()?;
        if credential.credential_id != response.credential_id {
            let why = format!("it registered {} instead of {}", credential.credential_id, response.credential_id);
            return Err(self.api.client.idp().invalid_response(why));
        }
        Ok(registered(credential))
    }

    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        let at = path(&user.id, &format!("/ceremonies/{}", segment(pending)));
        match send(self.call(Method::DELETE, &at), "such registration") {
            Ok(reply) => removed(&reply),
            // Gone already; or somebody on the way knows nothing of it.
            Err(absent @ DirectoryError::NotFound { .. }) => {
                let is_there = self.pending(user)?.iter().any(|id| id == pending);
                if is_there { Err(absent) } else { Ok(()) }
            }
            Err(error) => Err(error),
        }
    }

    fn pending(&self, user: &User) -> Result<Vec<String>, DirectoryError> {
        let pending: Ceremonies = self.get(&path(&user.id, "/ceremonies"), &known(user))?;
        Ok(pending.ceremonies.into_iter().map(|ceremony| ceremony.id).collect())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        Ok(self.credentials(user)?.into_iter().map(registered).collect())
    }

    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        let at = path(&user.id, &format!("/credentials/{}", segment(&registered.id)));
        removed(&send(self.call(Method::DELETE, &at), "such security key")?)
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
            labels: Some(self),
            rights: Some(self),
            applications: Some(self),
            what_if: Some(self),
        }
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(&self.api)
    }
}

impl SignIn for Api {
    fn begin(&self, user: &User) -> Result<SignInCeremony, DirectoryError> {
        let begun: SignInBegun = send(self.call(Method::POST, &path(&user.id, "/sign-ins")), &known(user))?.json()?;
        Ok(SignInCeremony { options: begun.public_key, origin: begun.origin, continuation: Some(begun.id) })
    }

    fn finish(
        &self,
        user: &User,
        ceremony: &SignInCeremony,
        response: &AuthenticationResponse,
    ) -> Result<(), DirectoryError> {
        let id = ceremony.continuation.as_deref().unwrap_or_default();
        let call = self.call(Method::POST, &path(&user.id, &format!("/sign-ins/{}", segment(id))));
        let body = SignInResponse { response: response.to_json() };
        // A web page in between says 200 too: only the credential's own record means that it opened the door.
        let credential: Credential = send(call.json(&body), "such sign-in")?.json()?;
        if credential.credential_id != response.credential_id {
            let why = format!("it let {} in instead of {}", credential.credential_id, response.credential_id);
            return Err(self.client.idp().invalid_response(why));
        }
        Ok(())
    }
}

fn registered(credential: Credential) -> Registered {
    Registered {
        id: credential.id,
        credential_id: Some(credential.credential_id),
        label: credential.label,
        in_service: true,
    }
}
