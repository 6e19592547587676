//! What `[idp.NAME]` says about an environment of PingOne, and the questions that fill it in.

use serde::Deserialize;

use super::PingOne;
use crate::idp::connection::{ConnectionConfig, IdpSettings, OpenError};
use crate::idp::directory::Directory;
use crate::idp::http::ServerUrl;
use crate::idp::question::Question;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{Origin, RpId};

/// What `[idp.NAME]` says about an environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct Settings {
    /// The environment's id.
    pub environment: String,
    /// The worker app's client id.
    pub client_id: String,
    /// Where its client secret comes from.
    pub client_secret: SecretSource,
    /// The id of the device authentication policy.
    pub policy: String,
    /// The RP ID.
    pub rp_id: RpId,
    /// The origin of the page where people sign in. `https://` and the RP ID if it is not given.
    pub origin: Option<Origin>,
    /// The address of the API.
    pub api: ServerUrl,
    /// The address where tokens are given.
    pub auth: ServerUrl,
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    environment: String,
    client_id: String,
    client_secret: SecretSource,
    policy: String,
    rp_id: RpId,
    origin: Option<Origin>,
    #[serde(default)]
    region: Region,
    api: Option<ServerUrl>,
    auth: Option<ServerUrl>,
}

/// Where the environment is, by the end of PingOne's host names.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Region {
    #[default]
    #[serde(rename = "com")]
    NorthAmerica,
    #[serde(rename = "eu")]
    Europe,
    #[serde(rename = "ca")]
    Canada,
    #[serde(rename = "asia")]
    Asia,
    #[serde(rename = "com.au")]
    Australia,
    #[serde(rename = "sg")]
    Singapore,
}

impl Region {
    fn host(self, what: &str) -> String {
        let end = match self {
            Self::NorthAmerica => "com",
            Self::Europe => "eu",
            Self::Canada => "ca",
            Self::Asia => "asia",
            Self::Australia => "com.au",
            Self::Singapore => "sg",
        };
        format!("https://{what}.pingone.{end}")
    }
}

impl TryFrom<Table> for Settings {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let address = |told: Option<ServerUrl>, what| match told {
            Some(url) => Ok(url),
            None => table.region.host(what).parse().map_err(|error| format!("region: {error}")),
        };
        Ok(Self {
            environment: table.environment,
            client_id: table.client_id,
            client_secret: table.client_secret,
            policy: table.policy,
            rp_id: table.rp_id,
            origin: table.origin,
            api: address(table.api, "api")?,
            auth: address(table.auth, "auth")?,
        })
    }
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.api
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(&self.client_secret)
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(PingOne::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::text("environment", "What is the environment's id?", "abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6")
        .found("admin console: Settings > Environment Properties"),
    Question::text("client-id", "What is the worker app's client id?", "1f2e3d4c-5b6a-4798-8796-a5b4c3d2e1f0")
        .found("Applications > the app of type Worker > Overview; it needs the role Identity Data Admin"),
    Question::place("client-secret", "Where does its client secret come from?")
        .found("the app > Overview; grant type Client Credentials, token authentication Client Secret Basic"),
    Question::text("policy", "What is the id of the MFA policy?", "58b2c1d0-6f7e-4a8b-9c0d-1e2f3a4b5c6d")
        .found("Authentication > MFA, the policy that has FIDO2 in it"),
    Question::text("rp-id", "For which domain are credentials, which is the RP ID?", "auth.example.org")
        .found("Authentication > FIDO, the policy's relying party; pingone.com if PingOne's own pages are used"),
    Question::text("origin", "At what address do people sign in?", "https://auth.example.org")
        .found("scheme and host of the sign-in page, such as https://apps.pingone.com")
        .or("https:// and the RP ID"),
    Question::one_of("region", "Where is the environment?", &["com", "eu", "ca", "asia", "com.au", "sg"])
        .found("the end of the console's host")
        .or("com"),
    Question::text("api", "At what address is the API?", "https://api.pingone.com").or("PingOne's in that region"),
    Question::text("auth", "At what address are tokens given?", "https://auth.pingone.com")
        .or("PingOne's in that region"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_addresses() {
        let text = "environment = \"e\"\nclient-id = \"c\"\nclient-secret = \"env:A\"\npolicy = \"p\"\nrp-id = \"example.org\"\n";
        let settings: Settings = toml::from_str(&format!("{text}region = \"com.au\"")).unwrap();
        assert_eq!((&*settings.api, &*settings.auth), ("https://api.pingone.com.au", "https://auth.pingone.com.au"));
        assert!(toml::from_str::<Settings>(&format!("{text}region = \"mars\"")).is_err());
    }
}
