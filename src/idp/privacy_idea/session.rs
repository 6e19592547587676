//! A signed-in administrator: a JWT from `POST /auth`, sent as `PI-Authorization`, and renewed once when it is refused.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{HeaderName, Method};

use super::wire::Answer;
use crate::idp::error::{DirectoryError, IdpName};
use crate::idp::http::{Call, Client, Reply};
use crate::idp::token_cache::TokenCache;

const PI_AUTHORIZATION: HeaderName = HeaderName::from_static("pi-authorization");

/// One administrator's access. Asks nobody before it is used.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    username: String,
    password: SecretString,
    token: TokenCache<SecretString>,
}

/// What a sign-in gives.
#[derive(Deserialize)]
pub(super) struct Granted {
    token: SecretString,
    /// `admin` or `user`.
    pub(super) role: String,
    /// What its policies allow it; everything where there are no policies for administrators.
    #[serde(default)]
    pub(super) rights: Vec<String>,
}

impl Session {
    pub(super) fn new(client: Client, username: &str, password: SecretString) -> Self {
        Self { client, username: username.to_owned(), password, token: TokenCache::default() }
    }

    pub(super) fn idp(&self) -> &IdpName {
        self.client.idp()
    }

    pub(super) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.client.call(method, path)
    }

    /// Sends it with a token. After a 401 the token is renewed, once, and the request sent again.
    pub(super) fn send(&self, call: Call<'_>) -> Result<Reply, DirectoryError> {
        let (number, token) = self.token()?;
        let reply = call.clone().credential(PI_AUTHORIZATION, token).send()?;
        if reply.status() != 401 {
            return Ok(reply);
        }
        self.token.forget(number);
        call.credential(PI_AUTHORIZATION, self.token()?.1).send()
    }

    /// Signs in, whether there is a token or not.
    pub(super) fn sign_in(&self) -> Result<Granted, DirectoryError> {
        let granted = self.ask()?;
        self.token.put(granted.token.clone());
        Ok(granted)
    }

    /// How long a token lives is not told: it is good until it is refused.
    fn token(&self) -> Result<(u64, SecretString), DirectoryError> {
        self.token.get(|_| true, || Ok(self.ask()?.token))
    }

    fn ask(&self) -> Result<Granted, DirectoryError> {
        let body = json!({ "username": self.username, "password": self.password.expose_secret() });
        let reply = self.client.call(Method::POST, "/auth").json(&body).with_secret(self.password.clone()).send()?;
        if matches!(reply.status(), 400 | 401 | 403) {
            return Err(self.idp().sign_in_refused(reply.fault().message));
        }
        let value = reply.accepted("sign-in")?.json::<Answer<Value>>()?.result.value;
        // Where a second factor is asked for, the answer is a success without a token.
        Granted::deserialize(&value).map_err(|_| {
            self.idp().sign_in_refused(
                "it asks for more than a password; let this account sign in by password alone (policy login_mode)",
            )
        })
    }
}
