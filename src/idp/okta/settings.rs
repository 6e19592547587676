//! What `[idp.NAME]` says about an Okta org, and the questions that fill it in.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Okta;
use crate::idp::connection::{ConnectionConfig, IdpSettings, OpenError};
use crate::idp::directory::Directory;
use crate::idp::http::ServerUrl;
use crate::idp::question::Question;
use crate::secret::SecretSource;
use keywright_fido::webauthn::Origin;

/// What `[idp.NAME]` says about an Okta org.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct Settings {
    /// The org, such as `https://acme.okta.com`.
    pub url: ServerUrl,
    /// How it is signed in to.
    pub access: Access,
    /// The origin of the page where people sign in. The org's if it is not given.
    pub origin: Option<Origin>,
}

/// How an org is signed in to.
#[derive(Debug, Clone)]
pub enum Access {
    /// With an API token (`SSWS`).
    Token(SecretSource),
    /// As a service app, with an assertion that its private key signed (RFC 7523).
    ServiceApp {
        /// The app's client id.
        client_id: String,
        /// Where the private key comes from: PEM or JWK.
        private_key: SecretSource,
        /// The key's `kid` at Okta, if the key itself does not tell it.
        key_id: Option<String>,
        /// Whether tokens are bound to a key (RFC 9449), as Okta wants it of new apps.
        dpop: bool,
    },
}

impl Access {
    /// Where the secret comes from.
    pub fn secret(&self) -> &SecretSource {
        match self {
            Self::Token(token) => token,
            Self::ServiceApp { private_key, .. } => private_key,
        }
    }
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    #[serde(deserialize_with = "org")]
    url: ServerUrl,
    token: Option<SecretSource>,
    client_id: Option<String>,
    private_key: Option<SecretSource>,
    key_id: Option<String>,
    dpop: Option<bool>,
    origin: Option<Origin>,
}

/// The org's own address. Its Admin Console's answers, too, but to browsers only.
fn org<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServerUrl, D::Error> {
    let url = ServerUrl::deserialize(deserializer)?;
    match url.split_once("-admin.okta") {
        Some((before, after)) => Err(D::Error::custom(format!(
            "this is the address of the Admin Console; the org's own is {before}.okta{after}"
        ))),
        None => Ok(url),
    }
}

impl TryFrom<Table> for Settings {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let access = match (table.token, table.client_id, table.private_key, table.key_id, table.dpop) {
            (Some(token), None, None, None, None) => Access::Token(token),
            (None, Some(client_id), Some(private_key), key_id, dpop) => {
                Access::ServiceApp { client_id, private_key, key_id, dpop: dpop.unwrap_or(true) }
            }
            (None, ..) => return Err("Okta needs `token`, or `client-id` and `private-key`"),
            (Some(_), ..) => return Err("`token` goes without `client-id`, `private-key`, `key-id` and `dpop`"),
        };
        Ok(Self { url: table.url, access, origin: table.origin })
    }
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.url
    }

    fn secret(&self) -> Option<&SecretSource> {
        Some(self.access.secret())
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(Okta::open(connection, self)?))
    }
}

/// What is asked to fill them in.
pub const QUESTIONS: &[Question] = &[
    Question::text("url", "At what address is the org?", "https://acme.okta.com")
        .found("its own address at Okta or your custom domain; not the one of the Admin Console with -admin"),
    Question::place("token", "Where does the API token come from?")
        .found("Admin Console: Security > API > Tokens; its account needs the role Help Desk Administrator or more")
        .or("a service app's private key"),
    Question::text("client-id", "What is the service app's client id?", "0oa1abcdefGHIJKLmnop")
        .found(
            "Admin Console: Applications > the API Services app > General; it needs the role Help Desk Administrator",
        )
        .without("token"),
    Question::place("private-key", "Where does the service app's private key come from (PEM or JWK)?")
        .found("Client Credentials > Public key / Private key > Add key; grant its scopes under Okta API Scopes")
        .without("token"),
    Question::text("key-id", "What is the key's id (KID) at Okta?", "SIGNING_KEY_1")
        .found("beside the key, under Public Keys")
        .without("token")
        .or("the one in the JWK"),
    Question::yes_no("dpop", "Are tokens bound to a key (DPoP)?")
        .found("General Settings: Require Demonstrating Proof of Possession; it is on for new apps")
        .without("token")
        .or("yes"),
    Question::text("origin", "At what address do people sign in?", "https://login.example.org")
        .found("scheme and host of the sign-in page; credentials made for another host do not work there")
        .or("the org's address"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<Settings, toml::de::Error> {
        toml::from_str(&format!("url = \"https://acme.okta.com\"\n{more}"))
    }

    #[test]
    fn one_way_to_sign_in_is_named_and_whole() {
        assert!(matches!(read("token = \"env:A\"").unwrap().access, Access::Token(_)));
        let app = read("client-id = \"0oa\"\nprivate-key = \"file:key.pem\"").unwrap().access;
        assert!(matches!(app, Access::ServiceApp { dpop: true, .. }), "{app:?}");
        for half in ["", "client-id = \"0oa\"", "private-key = \"file:a\"", "token = \"env:A\"\ndpop = false"] {
            assert!(read(half).unwrap_err().to_string().contains("token"), "{half}");
        }
    }

    #[test]
    fn the_address_of_the_admin_console_is_refused_with_the_right_one() {
        let wrong = "url = \"https://acme-admin.okta-emea.com\"\ntoken = \"env:A\"";
        let error = toml::from_str::<Settings>(wrong).unwrap_err().to_string();
        assert!(error.contains("the org's own is https://acme.okta-emea.com"), "{error}");
    }

    #[test]
    fn people_sign_in_at_the_org_unless_told() {
        let open = |more: &str| {
            let connection = ConnectionConfig { name: "acme".into(), ..ConnectionConfig::default() };
            Okta::open(&connection, &read(&format!("token = \"env:PATH\"\n{more}")).unwrap())
        };
        let okta = open("").unwrap();
        assert_eq!((okta.host.as_str(), okta.origin.as_str()), ("acme.okta.com", "https://acme.okta.com"));
        let okta = open("origin = \"https://login.example.org\"").unwrap();
        assert_eq!((okta.host.as_str(), okta.origin.as_str()), ("login.example.org", "https://login.example.org"));
    }
}
