//! A signed-in client: every request carries what the IdP wants to see, and a token that ran out is renewed once.
//!
//! It refuses to repeat a request for any other reason than a 401, which says that the IdP did not act on it.

use secrecy::SecretString;
use ureq::http::{Method, header};

use super::error::{DirectoryError, IdpName};
use super::http::{Call, Client, Reply};
use super::oauth::ClientCredentials;

/// What a request carries to be let in.
#[derive(Debug)]
pub enum Authorization {
    /// The whole value of the `Authorization` header, such as `SSWS TOKEN` or `Bearer TOKEN`.
    Token(SecretString),
    /// An access token that is asked for when it is needed (RFC 6749 4.4), bound to a key where the IdP wants that (RFC 9449).
    OAuth(Box<ClientCredentials>),
}

/// One IdP's API, with what opens it.
#[derive(Debug)]
pub struct Session {
    client: Client,
    authorization: Authorization,
}

impl Session {
    /// Asks nobody yet.
    pub fn new(client: Client, authorization: Authorization) -> Self {
        Self { client, authorization }
    }

    /// Whose API it is; every error says so.
    pub fn idp(&self) -> &IdpName {
        self.client.idp()
    }

    /// A request to `path`, which begins with a slash and whose variable segments went through
    /// [`segment`](super::http::segment). It goes out with [`Session::send`].
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.client.call(method, path)
    }

    /// Signs in if that is still to be done; every IdP's preflight begins with it.
    pub fn sign_in(&self) -> Result<(), DirectoryError> {
        match &self.authorization {
            Authorization::Token(_) => Ok(()),
            Authorization::OAuth(credentials) => credentials.sign_in(),
        }
    }

    /// The claims of the access token, where there is one and it is a JWT (RFC 7519). They are read, not verified: it is ours.
    pub fn token_claims(&self) -> Result<Option<serde_json::Value>, DirectoryError> {
        match &self.authorization {
            Authorization::Token(_) => Ok(None),
            Authorization::OAuth(credentials) => credentials.token_claims(),
        }
    }

    /// Sends it with authorization. After a 401 the token is renewed, once, and the request sent again.
    pub fn send(&self, call: Call<'_>) -> Result<Reply, DirectoryError> {
        match &self.authorization {
            Authorization::Token(token) => call.credential(header::AUTHORIZATION, token.clone()).send(),
            Authorization::OAuth(credentials) => credentials.send(call),
        }
    }
}
