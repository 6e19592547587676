//! OAuth 2.0 client credentials (RFC 6749 4.4): by secret, or by an assertion signed with a private key (RFC 7523), with
//! access tokens bound to a key where the IdP wants that (DPoP, RFC 9449).
//!
//! It refuses flows with a browser: a batch has nobody to click.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use ureq::http::{Method, header};

use super::DirectoryError;
use super::http::{Call, Client, Fault, Reply, segment};

/// Seconds that a token is believed to live if the server does not say.
const DEFAULT_LIFE: u64 = 300;

/// A token is not used in the last moments of its life.
const MARGIN: Duration = Duration::from_secs(30);

/// How the client shows who it is.
#[derive(Debug)]
pub enum ClientAuthentication {
    /// `client_id` and `client_secret` in the body (`client_secret_post`).
    SecretPost(SecretString),
    /// The same as HTTP Basic (`client_secret_basic`).
    SecretBasic(SecretString),
}

/// One client of an authorization server.
#[derive(Debug)]
pub struct ClientCredentials {
    server: Client,
    token_path: String,
    client_id: String,
    authentication: ClientAuthentication,
    scope: String,
    token: Mutex<Option<AccessToken>>,
}

/// A token, and until when it is used.
#[derive(Debug, Clone)]
struct AccessToken {
    /// The whole value of the `Authorization` header.
    authorization: SecretString,
    until: Instant,
}

/// The token endpoint's answer (RFC 6749 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    token_type: String,
    /// Seconds.
    #[serde(default)]
    expires_in: Option<u64>,
}

impl ClientCredentials {
    /// `token_path` is the token endpoint's on `server`. `scope` is separated by spaces; empty: none is sent.
    pub fn new(
        server: Client,
        token_path: &str,
        client_id: &str,
        authentication: ClientAuthentication,
        scope: &str,
    ) -> Self {
        let (token_path, client_id, scope) = (token_path.to_owned(), client_id.to_owned(), scope.to_owned());
        Self { server, token_path, client_id, authentication, scope, token: Mutex::default() }
    }

    /// Asks for a token if there is none.
    pub fn sign_in(&self) -> Result<(), DirectoryError> {
        self.token().map(drop)
    }

    /// Sends a request with an access token. After a 401 it is renewed, once, and the request sent again.
    pub fn send(&self, call: Call<'_>) -> Result<Reply, DirectoryError> {
        let token = self.token()?;
        let reply = call.clone().credential(header::AUTHORIZATION, token.authorization.clone()).send()?;
        if reply.status() != 401 {
            return Ok(reply);
        }
        self.forget(&token);
        call.credential(header::AUTHORIZATION, self.token()?.authorization).send()
    }

    /// The token that is there, or a new one. Threads that need one at the same time wait for one request.
    fn token(&self) -> Result<AccessToken, DirectoryError> {
        let mut kept = self.kept();
        if let Some(token) = kept.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(token.clone());
        }
        let token = self.ask()?;
        *kept = Some(token.clone());
        Ok(token)
    }

    /// This token is not taken any more; if another thread has a newer one already, that stays.
    fn forget(&self, refused: &AccessToken) {
        let mut kept = self.kept();
        let same = |token: &AccessToken| token.authorization.expose_secret() == refused.authorization.expose_secret();
        if kept.as_ref().is_some_and(same) {
            *kept = None;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<AccessToken>> {
        // A token is put there whole, so a thread that panicked left nothing half-done.
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) -> Result<AccessToken, DirectoryError> {
        let mut form = vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            form.push(("scope", &self.scope));
        }
        let call = self.server.call(Method::POST, &self.token_path);
        let call = match &self.authentication {
            ClientAuthentication::SecretPost(secret) => {
                form.extend([("client_id", self.client_id.as_str()), ("client_secret", secret.expose_secret())]);
                call.form(&form).with_secret(secret.clone())
            }
            ClientAuthentication::SecretBasic(secret) => {
                // RFC 6749 2.3.1: both parts are form-encoded first.
                let pair = format!("{}:{}", segment(&self.client_id), segment(secret.expose_secret()));
                let basic = format!("Basic {}", BASE64.encode(pair.as_bytes()));
                call.form(&form).credential(header::AUTHORIZATION, basic.into()).with_secret(secret.clone())
            }
        };
        let asked = Instant::now();
        let reply = call.send()?;
        if matches!(reply.status(), 400 | 401) {
            // RFC 6749 5.2: whatever is wrong here, it is our sign-in.
            let Fault { message: why, .. } = reply.fault();
            return Err(DirectoryError::SignIn { directory: self.server.directory().to_owned(), why });
        }
        let granted: Granted = reply.accepted("token endpoint")?.json()?;
        if !granted.token_type.eq_ignore_ascii_case("Bearer") {
            let why = format!("a token of type {}", granted.token_type);
            return Err(DirectoryError::Answer { directory: self.server.directory().to_owned(), why });
        }
        let lives = Duration::from_secs(granted.expires_in.unwrap_or(DEFAULT_LIFE)).saturating_sub(MARGIN);
        let authorization = format!("Bearer {}", granted.access_token.expose_secret()).into();
        Ok(AccessToken { authorization, until: asked + lives })
    }
}
