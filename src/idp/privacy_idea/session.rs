//! A signed-in administrator: a JWT from `POST /auth`, sent as `PI-Authorization`, and renewed once when it is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{HeaderName, Method};

use super::wire::Answer;
use crate::idp::DirectoryError;
use crate::idp::http::{Call, Client, Reply};

const PI_AUTHORIZATION: HeaderName = HeaderName::from_static("pi-authorization");

/// One administrator's access. Asks nobody before it is used.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    username: String,
    password: SecretString,
    token: Mutex<Option<SecretString>>,
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
        Self { client, username: username.to_owned(), password, token: Mutex::default() }
    }

    pub(super) fn directory(&self) -> &str {
        self.client.directory()
    }

    pub(super) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.client.call(method, path)
    }

    /// Sends it with a token. After a 401 the token is renewed, once, and the request sent again.
    pub(super) fn send(&self, call: Call<'_>) -> Result<Reply, DirectoryError> {
        let token = self.token()?;
        let reply = call.clone().credential(PI_AUTHORIZATION, token.clone()).send()?;
        if reply.status() != 401 {
            return Ok(reply);
        }
        {
            let mut kept = self.kept();
            // Another thread may have a newer one already.
            if kept.as_ref().is_some_and(|other| other.expose_secret() == token.expose_secret()) {
                *kept = None;
            }
        }
        call.credential(PI_AUTHORIZATION, self.token()?).send()
    }

    /// Signs in, whether there is a token or not.
    pub(super) fn sign_in(&self) -> Result<Granted, DirectoryError> {
        let granted = self.ask()?;
        *self.kept() = Some(granted.token.clone());
        Ok(granted)
    }

    /// The token that is there, or a new one. Threads that need one at the same time wait for one request.
    fn token(&self) -> Result<SecretString, DirectoryError> {
        let mut kept = self.kept();
        if let Some(token) = kept.as_ref() {
            return Ok(token.clone());
        }
        let token = self.ask()?.token;
        *kept = Some(token.clone());
        Ok(token)
    }

    fn kept(&self) -> MutexGuard<'_, Option<SecretString>> {
        // A token is put there whole, so a thread that panicked left nothing half-done.
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) -> Result<Granted, DirectoryError> {
        let body = json!({ "username": self.username, "password": self.password.expose_secret() });
        let reply = self.client.call(Method::POST, "/auth").json(&body).with_secret(self.password.clone()).send()?;
        let refuse = |why| DirectoryError::SignIn { directory: self.directory().to_owned(), why };
        if matches!(reply.status(), 400 | 401 | 403) {
            return Err(refuse(reply.fault().message));
        }
        let value = reply.accepted("sign-in")?.json::<Answer<Value>>()?.result.value;
        // Where a second factor is asked for, the answer is a success without a token.
        Granted::deserialize(&value).map_err(|_| {
            refuse(
                "it asks for more than a password; let this account sign in by password alone (policy login_mode)"
                    .into(),
            )
        })
    }
}
