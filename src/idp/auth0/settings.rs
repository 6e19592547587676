//! What `[idp.NAME]` says about a tenant of Auth0, and the questions that fill it in.
//!
//! ```toml
//! [idp.auth0]
//! kind = "auth0"
//! url = "https://acme.eu.auth0.com"             # the tenant's own domain, whatever custom domain it has
//! client-id = "iGt5VpgNIZ9EqDw3EW8yFvkIkkVaOKQA"
//! client-secret = "file:auth0.secret"
//! rp-id = "login.example.org"                   # where people sign in
//! ```

use serde::Deserialize;

use super::Auth0;
use crate::idp::connection::{ConnectionConfig, IdpSettings, OpenError};
use crate::idp::directory::Directory;
use crate::idp::http::ServerUrl;
use crate::idp::question::Question;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{Origin, RpId};

/// What `kind = "auth0"` has of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// The tenant's own domain, which is the Management API's address and audience.
    pub url: ServerUrl,
    /// The application's client id.
    pub client_id: String,
    /// Where its client secret comes from.
    pub client_secret: SecretSource,
    /// The RP ID that the tenant's passkeys are made for.
    pub rp_id: RpId,
    /// The origin of the page where people sign in. `https://` and the RP ID if it is not given.
    #[serde(default)]
    pub origin: Option<Origin>,
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.url
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(&self.client_secret)
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(Auth0::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::text("url", "At what address is the tenant?", "https://acme.eu.auth0.com")
        .found("dashboard: Settings; the tenant's own domain, not a custom one"),
    Question::text("client-id", "What is the application's client id?", "iGt5VpgNIZ9EqDw3EW8yFvkIkkVaOKQA")
        .found("Applications > the app of type Machine to Machine > Settings; authorize it for the Management API"),
    Question::place("client-secret", "Where does its client secret come from?")
        .found("the app > Settings; authentication method Client Secret (Post)"),
    Question::text("rp-id", "For which domain are passkeys, which is the RP ID?", "login.example.org")
        .found("Branding > Custom Domains: its Relying Party ID, else the domain itself; else the tenant's own domain"),
    Question::text("origin", "At what address do people sign in?", "https://login.example.org")
        .found("scheme and host of the login page")
        .or("https:// and the RP ID"),
];
