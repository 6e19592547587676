//! Auth0, by its Management API v2, as a machine-to-machine application: passkeys that were made elsewhere are put into an account's
//! authentication methods (`POST /api/v2/users/{id}/authentication-methods`).
//!
//! Auth0 begins no ceremony and verifies nothing: challenge and checks are ours, and what fails them is not sent. A public key goes as
//! Auth0 itself keeps one, a COSE_Key in base64 (see `passkeys.rs`). It refuses accounts without an identity in a database connection,
//! which is all that Auth0 has passkeys for.

mod classes;
mod labels;
mod last_use;
mod methods;
mod passkeys;
mod people;
mod preflight;
mod rights;
mod sessions;
mod settings;
mod suspension;
mod wire;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

pub use self::settings::{QUESTIONS, Settings};
use self::wire::{Account, AuthenticationMethod};
use super::capability::Capabilities;
use super::connection::{ConnectionConfig, OpenError};
use super::directory::{Directory, Finding, Registered, User};
use super::error::DirectoryError;
use super::http::{Call, Fault, Reply, segment};
use super::oauth::{ClientAuthentication, ClientCredentials};
use super::session::{Authorization, Session};
use crate::ledger::IdpInstance;
use keywright_fido::webauthn::{Ceremony, Origin, RegistrationResponse, RpId};

/// On one page of a list: what Auth0 gives by default.
const PER_PAGE: usize = 50;

/// Pages that are read before a list is held to be without end.
const MOST_PAGES: usize = 1000;

/// A tenant of Auth0.
#[derive(Debug)]
pub struct Auth0 {
    session: Session,
    instance: IdpInstance,
    /// The tenant's own domain, which is an RP ID where there is no custom one.
    host: String,
    rp_id: RpId,
    origin: Origin,
}

impl Auth0 {
    /// Asks nobody yet.
    pub fn open(connection: &ConnectionConfig, settings: &Settings) -> Result<Self, OpenError> {
        let rp_id = settings.rp_id.clone();
        let origin = connection.origin(settings.origin.as_ref(), &rp_id)?;
        let secret = connection.secret(&settings.client_secret, "client secret")?;
        let credentials = ClientCredentials::new(
            connection.client(&settings.url)?,
            "/oauth/token",
            &settings.client_id,
            ClientAuthentication::SecretPost(secret),
            "",
        )
        .for_audience(&format!("{}/api/v2/", &*settings.url))
        .explained_by(explain);
        Ok(Self {
            session: Session::new(connection.client(&settings.url)?, Authorization::OAuth(Box::new(credentials))),
            instance: IdpInstance::new("auth0", settings.url.host()),
            host: settings.url.host().to_owned(),
            rp_id,
            origin,
        })
    }

    fn call(&self, method: Method, rest: &str) -> Call<'_> {
        self.session.call(method, &format!("/api/v2{rest}"))
    }

    fn send(&self, call: Call<'_>, what: &str) -> Result<Reply, DirectoryError> {
        self.session.send(call)?.accepted(what)
    }

    fn get(&self, rest: &str, what: &str) -> Result<Reply, DirectoryError> {
        self.send(self.call(Method::GET, rest), what)
    }

    /// Every page of a list that is paged by offset; `member` is the one that its items are in.
    fn listed<T: DeserializeOwned>(&self, rest: &str, member: &str, what: &str) -> Result<Vec<T>, DirectoryError> {
        let invalid = |why: String| self.session.idp().invalid_response(format!("{member}: {why}"));
        let mut all = Vec::new();
        for page in 0..MOST_PAGES {
            let call = self.call(Method::GET, rest).query("page", &page.to_string());
            let call = call.query("per_page", &PER_PAGE.to_string()).query("include_totals", "true");
            let mut body: Value = self.send(call, what)?.json()?;
            let total = body["total"].as_u64().ok_or_else(|| invalid("no total".into()))?;
            let items: Vec<T> =
                serde_json::from_value(body[member].take()).map_err(|error| invalid(error.to_string()))?;
            let is_empty = items.is_empty();
            all.extend(items);
            if all.len() as u64 >= total {
                return Ok(all);
            }
            if is_empty {
                return Err(invalid(format!("{} of {total}, and an empty page", all.len())));
            }
        }
        Err(invalid("a list without end".into()))
    }

    fn account(&self, user_id: &str, what: &str) -> Result<Account, DirectoryError> {
        self.get(&user_path(user_id), what)?.json()
    }

    fn authentication_methods(&self, user: &User) -> Result<Vec<AuthenticationMethod>, DirectoryError> {
        self.listed(&methods_path(&user.id), "authenticators", &known(user))
    }

    /// `false` if Auth0 itself says that there is none.
    fn remove_method(&self, user: &User, id: &str) -> Result<bool, DirectoryError> {
        let reply = self.session.send(self.call(Method::DELETE, &method_path(&user.id, id)))?;
        if is_absent(&reply) {
            return Ok(false);
        }
        match reply.accepted("such authentication method")?.status() {
            204 => Ok(true),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to a removal"))),
        }
    }

    /// What Auth0's index of users has, which lags.
    fn search(&self, query: &str, what: &str) -> Result<Vec<Account>, DirectoryError> {
        let call = self.call(Method::GET, "/users").query("q", query).query("search_engine", "v3");
        self.send(call.query("per_page", &PER_PAGE.to_string()), what)?.json()
    }

    /// The accounts under a login: an e-mail address is asked for as it is kept, in lower case; a username is searched for, and read
    /// again, because the search lags.
    fn named(&self, login: &str, what: &str) -> Result<Vec<Account>, DirectoryError> {
        if login.contains('@') {
            let call = self.call(Method::GET, "/users-by-email").query("email", &login.to_lowercase());
            return self.send(call, what)?.json();
        }
        let found = self.search(&format!("username:{}", phrase(login)), what)?;
        found.iter().map(|account| self.account(&account.user_id, what)).collect()
    }
}

/// What a person can do about a refusal of the token endpoint.
fn explain(fault: &Fault) -> Option<&'static str> {
    match fault.code.as_deref()? {
        "access_denied" => Some(
            "check client-id and client-secret, and authorize the application for the Management API (Applications > APIs > Auth0 Management API > Machine to Machine Applications)",
        ),
        "unauthorized_client" => {
            Some("the application has to be of type Machine to Machine, with the grant Client Credentials")
        }
        _ => None,
    }
}

/// A phrase of Lucene's query syntax.
fn phrase(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn known(user: &User) -> String {
    format!("user {}", user.login)
}

fn user_path(user_id: &str) -> String {
    format!("/users/{}", segment(user_id))
}

fn methods_path(user_id: &str) -> String {
    format!("{}/authentication-methods", user_path(user_id))
}

fn method_path(user_id: &str, id: &str) -> String {
    format!("{}/{}", methods_path(user_id), segment(id))
}

/// Whether Auth0 itself says that there is no such thing, and no page in between.
fn is_absent(reply: &Reply) -> bool {
    reply.status() == 404 && reply.json::<Value>().is_ok_and(|body| body["statusCode"] == 404)
}

impl Directory for Auth0 {
    fn name(&self) -> &str {
        self.session.idp()
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        Ok(self.instance.clone())
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        preflight::look(self)
    }

    /// A user id, such as `auth0|685d20bc8e335625f451c555`, is taken in the place of a login.
    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        let what = format!("user {login}");
        if login.contains('|') {
            return Ok(self.account(login, &what)?.user());
        }
        let mut found = self.named(login, &what)?;
        found.retain(|account| account.signs_in_as(login));
        let idp = self.session.idp();
        let elsewhere: Vec<String> = found.iter().flat_map(Account::connections).collect();
        found.retain(|account| account.database_identity().is_some());
        match <[Account; 1]>::try_from(found) {
            Ok([account]) => Ok(User { login: login.to_owned(), ..account.user() }),
            Err(none) if none.is_empty() && elsewhere.is_empty() => Err(idp.not_found(what)),
            Err(none) if none.is_empty() => Err(idp.refused(format!(
                "{login} signs in by {} alone, and Auth0 has passkeys for database connections only",
                elsewhere.join(", ")
            ))),
            Err(several) => {
                let ids: Vec<&str> = several.iter().map(|account| account.user_id.as_str()).collect();
                Err(idp.refused(format!("several accounts are called {login}; name one by its id: {}", ids.join(", "))))
            }
        }
    }

    fn try_registration(&self, user: &User) -> Result<(), DirectoryError> {
        self.begin(user).map(drop)
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        passkeys::begin(self, user)
    }

    fn complete(
        &self,
        ceremony: &Ceremony,
        response: &RegistrationResponse,
        label: &str,
    ) -> Result<Registered, DirectoryError> {
        passkeys::complete(self, ceremony, response, label)
    }

    /// Nothing is ever begun there.
    fn abandon(&self, user: &User, pending: &str) -> Result<(), DirectoryError> {
        match self.list(user)?.iter().any(|registered| registered.id == pending) {
            true => Err(self.session.idp().refused(format!("{pending} is registered, not pending"))),
            false => Ok(()),
        }
    }

    /// Nothing is ever begun there.
    fn pending(&self, _user: &User) -> Result<Vec<String>, DirectoryError> {
        Ok(Vec::new())
    }

    fn list(&self, user: &User) -> Result<Vec<Registered>, DirectoryError> {
        let keys = self.authentication_methods(user)?.into_iter().filter(AuthenticationMethod::is_key);
        Ok(keys.map(|key| key.registered(&self.rp_id)).collect())
    }

    /// Nothing happens if it is gone already: the request may be a second one.
    fn revoke(&self, user: &User, registered: &Registered) -> Result<(), DirectoryError> {
        self.remove_method(user, &registered.id).map(drop)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities {
            people: Some(self),
            methods: Some(self),
            removal: Some(self),
            // Which factors an application asks for is decided in Actions, which are programs.
            policies: None,
            suspension: Some(self),
            sessions: Some(self),
            // A ticket for enrolment goes to the person by mail, and nothing takes it back.
            pass: None,
            last_use: Some(self),
            passkeys: Some(self),
            // It looks at no model.
            models: None,
            labels: Some(self),
            rights: Some(self),
            applications: None,
            what_if: None,
        }
    }
}
