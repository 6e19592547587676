//! What `[idp.NAME]` says about a Google Workspace, and the questions that fill it in.
//!
//! ```toml
//! [idp.google]
//! kind = "google-workspace"
//! service-account = "file:google.json"          # only if the Admin SDK may be read
//! administrator = "keywright@example.org"       # for whom the service account stands in
//! ```

use serde::Deserialize;

use super::GoogleWorkspace;
use crate::idp::connection::{ConnectionConfig, IdpSettings, OpenError};
use crate::idp::directory::Directory;
use crate::idp::http::ServerUrl;
use crate::idp::question::Question;
use crate::secret::SecretSource;

/// What `kind = "google-workspace"` has of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct Settings {
    /// Where the service account's key comes from (JSON), and the administrator for whom it stands in. `None`: nobody is asked.
    pub service_account: Option<(SecretSource, String)>,
    /// The address of the Admin SDK.
    pub api: ServerUrl,
    /// The address where tokens are given.
    pub auth: ServerUrl,
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    service_account: Option<SecretSource>,
    administrator: Option<String>,
    #[serde(default = "api")]
    api: ServerUrl,
    #[serde(default = "auth")]
    auth: ServerUrl,
}

fn api() -> ServerUrl {
    "https://admin.googleapis.com".parse().expect("it is an address")
}

fn auth() -> ServerUrl {
    "https://oauth2.googleapis.com".parse().expect("it is an address")
}

impl TryFrom<Table> for Settings {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let service_account = match (table.service_account, table.administrator) {
            (None, None) => None,
            (Some(key), Some(administrator)) if administrator.contains('@') => Some((key, administrator)),
            (Some(_), _) => {
                return Err("`service-account` needs `administrator`, the address of the one it stands in for");
            }
            (None, Some(_)) => return Err("`administrator` goes with `service-account`"),
        };
        Ok(Self { service_account, api: table.api, auth: table.auth })
    }
}

impl IdpSettings for Settings {
    /// Where people sign in, which is what there is without the Admin SDK.
    fn address(&self) -> &str {
        match self.service_account {
            None => "https://accounts.google.com",
            Some(_) => &self.api,
        }
    }

    fn secret(&self) -> Option<&SecretSource> {
        self.service_account.as_ref().map(|(key, _)| key)
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(GoogleWorkspace::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::place("service-account", "Where does the key of a service account come from, to read accounts and roles (JSON)?")
        .found("Google Cloud console: IAM > Service Accounts > Keys; its scopes: admin.google.com > Security > API controls > Domain-wide delegation")
        .or("accounts are not read"),
    Question::text("administrator", "For which administrator does it stand in?", "keywright@example.org")
        .found("an account of your own for this, with a role that reads users, groups, roles and reports")
        .with("service-account"),
    Question::text("api", "At what address is the Admin SDK?", "https://admin.googleapis.com")
        .found("only where a gateway of yours stands before Google's")
        .or("Google's own")
        .with("service-account"),
    Question::text("auth", "At what address are tokens given?", "https://oauth2.googleapis.com")
        .found("only where a gateway of yours stands before Google's")
        .or("Google's own")
        .with("service-account"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admin_sdk_is_read_for_somebody_or_not_at_all() {
        let read = |text: &str| toml::from_str::<Settings>(text);
        assert!(read("").unwrap().service_account.is_none());
        assert_eq!(read("").unwrap().address(), "https://accounts.google.com");
        let both = "service-account = \"file:google.json\"\nadministrator = \"a@example.org\"";
        assert_eq!(read(both).unwrap().address(), "https://admin.googleapis.com");
        for half in [
            "service-account = \"file:a\"",
            "administrator = \"a@b\"",
            "service-account = \"file:a\"\nadministrator = \"a\"",
        ] {
            assert!(read(half).unwrap_err().to_string().contains("service-account"), "{half}");
        }
    }
}
