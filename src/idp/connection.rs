//! One table `[idp.NAME]` of the settings, as far as it is the same for every kind of IdP: name, network, secrets' places.
//!
//! Every adapter is opened from a [`ConnectionConfig`] and settings of its own ([`IdpSettings`]). It refuses to hold a secret longer than the adapter
//! takes to ask for it.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::directory::Directory;
use super::error::DirectoryError;
use super::http::{Client, Limits, Network};
use crate::secret::{SecretError, SecretSource};
use keywright_fido::webauthn::{Origin, RpId};

/// What a table of one kind holds of its own: read and checked, and nobody was asked yet.
pub trait IdpSettings: fmt::Debug + Send + Sync {
    /// Where the IdP is.
    fn address(&self) -> &str;

    /// Where its secret comes from; `None` where there is nothing to sign in to.
    fn secret(&self) -> Option<&SecretSource>;

    /// Makes the adapter. Takes the secret from where it is.
    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError>;
}

/// Why an adapter cannot be made from its settings.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A secret is not where it should be.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The address will not do.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A setting, or several together, make no sense.
    #[error("[idp.{connection}] {why}")]
    Setting {
        /// The table's name.
        connection: String,
        /// What is wrong, beginning with the setting's name.
        why: String,
    },
}

/// What the adapters have in common.
#[derive(Debug, Clone, Default)]
pub struct ConnectionConfig {
    /// The table's name, which is the IdP's name in the ledger.
    pub name: String,
    /// What relative paths in the settings are relative to.
    pub folder: PathBuf,
    /// The way there.
    pub network: Network,
    /// Time limits.
    pub limits: Limits,
    /// Where the secret comes from instead of the place that the settings name. A relative path is the process's own.
    pub secret: Option<SecretSource>,
}

impl ConnectionConfig {
    /// A client for one of its servers.
    pub fn client(&self, base: &str) -> Result<Client, DirectoryError> {
        Client::through(&self.network, &self.name, base, self.limits)
    }

    /// The tenant's secret, of one line; `what` is shown at a prompt, such as `API token`.
    pub fn secret(&self, source: &SecretSource, what: &str) -> Result<SecretString, OpenError> {
        Ok(self.place(source).take(&format!("{what} for {}", self.name))?)
    }

    /// The tenant's token, which goes into a header as it is. Fails, before anything is sent, if no header can carry it (RFC 6750, 2.1).
    pub fn token(&self, source: &SecretSource, what: &str) -> Result<SecretString, OpenError> {
        let token = self.secret(source, what)?;
        match token.expose_secret().chars().find(|char| !matches!(char, '!'..='~')) {
            Some(char) => Err(SecretError::UnsendableToken { place: self.place(source).to_string(), char }.into()),
            None => Ok(token),
        }
    }

    /// The tenant's secret, of several lines, such as a private key in PEM.
    pub fn secret_text(&self, source: &SecretSource, what: &str) -> Result<SecretString, OpenError> {
        Ok(self.place(source).take_text(&format!("{what} for {}", self.name))?)
    }

    fn place(&self, source: &SecretSource) -> SecretSource {
        self.secret.clone().unwrap_or_else(|| source.from_folder(&self.folder))
    }

    /// The page on which people sign in: the one of the settings, else the RP ID's own. Fails for a page that may not use the RP ID
    /// (WebAuthn L3, 13.4.9).
    pub fn origin(&self, asked: Option<&Origin>, rp_id: &RpId) -> Result<Origin, OpenError> {
        let own = || format!("https://{rp_id}").parse().map_err(|error| self.refuse(format!("origin: {error}")));
        let origin = asked.cloned().map_or_else(own, Ok)?;
        if origin.may_use(rp_id) {
            return Ok(origin);
        }
        Err(self.refuse(format!("origin: a page at {origin} may not use the RP ID {rp_id}")))
    }

    /// A setting that will not do.
    pub fn refuse(&self, why: impl Into<String>) -> OpenError {
        OpenError::Setting { connection: self.name.clone(), why: why.into() }
    }
}
