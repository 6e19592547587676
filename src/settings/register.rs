//! Where the register is, if not in the state folder: an address, or a table with what goes with it.
//!
//! ```toml
//! register = "postgres://office-a@db.example.org/keywright"
//! # or
//! [register]
//! url = "postgres://office-a@db.example.org/keywright"
//! password = "file:register.password"   # or a certificate:
//! certificate = "office-a.pem"
//! key = "file:office-a.key"
//! ca = "company-ca.pem"                 # trusted besides the system's
//! lease-seconds = 120                   # how long what this station works on stays its own when it is not heard of
//! stations = ["office-b=age1..."]       # who can hand over PINs that this station sealed ('keywright station show')
//! ```
//!
//! It refuses a password in the address, a certificate without its key, and a station whose key only a plugin of age knows.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret as _;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::idp_table::certificates;
use crate::ledger::postgres::{Access, ClientCertificate, PostgresUrl};
use crate::secret::{Reader, Recipient, SecretError, SecretSource};
use keywright_files::FileError;

/// A register for several stations.
#[derive(Debug, Clone)]
pub struct RegisterPlace {
    /// Its address.
    pub url: PostgresUrl,
    /// Where the role's password is.
    password: Option<SecretSource>,
    certificate: Option<PathBuf>,
    key: Option<SecretSource>,
    ca: Option<PathBuf>,
    /// How long what this station works on stays its own when it is not heard of.
    pub lease: Duration,
    /// Other stations that PINs are sealed to.
    pub stations: Vec<OtherStation>,
}

/// Another station, written `NAME=age1...`.
#[derive(Debug, Clone)]
pub struct OtherStation {
    /// For people.
    pub name: String,
    /// What it opens sealed PINs by.
    pub recipient: age::x25519::Recipient,
}

impl FromStr for OtherStation {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Reader { name, recipient } = text.parse()?;
        match recipient {
            Recipient::X25519(recipient) => Ok(Self { name, recipient }),
            Recipient::OfProgram(_) => Err(SecretError::Recipient(recipient.to_string())),
        }
    }
}

/// Shorter ones end while a person looks for the key; longer ones keep a dead station's work from the others.
const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 5..=86_400;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    url: Url,
    #[serde(default)]
    password: Option<SecretSource>,
    #[serde(default)]
    certificate: Option<PathBuf>,
    #[serde(default)]
    key: Option<SecretSource>,
    #[serde(default)]
    ca: Option<PathBuf>,
    #[serde(default = "lease")]
    lease_seconds: u64,
    #[serde(default)]
    stations: Vec<String>,
}

struct Url(PostgresUrl);

fn lease() -> u64 {
    120
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for RegisterPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;
        impl<'de> Visitor<'de> for TextOrTable {
            type Value = RegisterPlace;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the address of a register, or a table with its url")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map(RegisterPlace::at).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                if table.certificate.is_some() != table.key.is_some() {
                    return Err(A::Error::custom("certificate and key go together"));
                }
                if !LEASE_SECONDS.contains(&table.lease_seconds) {
                    let (from, to) = (LEASE_SECONDS.start(), LEASE_SECONDS.end());
                    return Err(A::Error::custom(format!("lease-seconds is a number from {from} to {to}")));
                }
                let Table { url: Url(url), password, certificate, key, ca, lease_seconds, stations } = table;
                let stations = stations.iter().map(|text| text.parse().map_err(A::Error::custom));
                let (stations, lease) = (stations.collect::<Result<_, _>>()?, Duration::from_secs(lease_seconds));
                Ok(RegisterPlace { url, password, certificate, key, ca, lease, stations })
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

impl RegisterPlace {
    /// At this address, with nothing else.
    pub fn at(url: PostgresUrl) -> Self {
        let lease = Duration::from_secs(lease());
        Self { url, password: None, certificate: None, key: None, ca: None, lease, stations: Vec::new() }
    }

    /// The same server as another role: the database's owner.
    #[must_use]
    pub fn as_role(self, url: PostgresUrl, password: Option<SecretSource>) -> Self {
        Self { url, password, certificate: None, key: None, ..self }
    }

    pub(super) fn in_folder(self, folder: &Path) -> Self {
        let secret = |source: Option<SecretSource>| source.map(|source| source.from_folder(folder));
        let file = |file: Option<PathBuf>| file.map(|file| folder.join(file));
        let (password, key) = (secret(self.password), secret(self.key));
        Self { password, key, certificate: file(self.certificate), ca: file(self.ca), ..self }
    }

    /// What it takes to get there; secrets are taken from their places.
    pub fn access(&self) -> Result<Access, SecretError> {
        let password = self.password.as_ref().map(|source| source.take(&format!("password for {}", self.url)));
        let anchors = self.ca.as_deref().map(in_pem).transpose()?.unwrap_or_default();
        let certificate = match (&self.certificate, &self.key) {
            (Some(file), Some(source)) => {
                let text = source.take_text(&format!("private key for {}", self.url))?;
                let key = PrivateKeyDer::from_pem_slice(text.expose_secret().as_bytes());
                let key = key.map_err(|_| wrong(&source.to_string(), "this is no private key in PEM"))?;
                Some(Arc::new(ClientCertificate { chain: in_pem(file)?, key }))
            }
            _ => None,
        };
        Ok(Access { url: self.url.clone(), password: password.transpose()?, anchors, certificate })
    }
}

fn wrong(path: &str, why: &str) -> SecretError {
    SecretError::File(FileError::Io { path: path.to_owned(), why: why.to_owned() })
}

/// The certificates of a file in PEM.
fn in_pem(file: &Path) -> Result<Vec<CertificateDer<'static>>, SecretError> {
    certificates(file).map_err(|why| wrong(&file.display().to_string(), &why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn parse(text: &str) -> Result<RegisterPlace, String> {
        let settings = Settings::parse(Path::new("/etc/keywright/keywright.toml"), text);
        settings.map(|settings| settings.register.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_or_a_table() {
        let address = "postgres://a@db.example/kw";
        assert_eq!(parse(&format!("register = \"{address}\"")).unwrap().url.to_string(), address);
        let place = parse(&format!(
            "[register]\nurl = \"{address}\"\npassword = \"file:pw\"\nca = \"ca.pem\"\nlease-seconds = 30\n"
        ));
        let place = place.unwrap();
        assert_eq!(place.lease, Duration::from_secs(30));
        assert_eq!(place.password.unwrap().to_string(), "file:/etc/keywright/pw");
        assert_eq!(place.ca, Some("/etc/keywright/ca.pem".into()));
    }

    #[test]
    fn what_is_wrong_is_told_and_no_secret_repeated() {
        for (text, words) in [
            ("register = \"postgres://a:s3cr3t@db.example/kw\"", "no password can stand in an address"),
            ("[register]\nurl = \"postgres://a@h/kw\"\npassword = \"s3cr3t\"", "only its place"),
            ("[register]\nurl = \"postgres://a@h/kw\"\ncertificate = \"a.pem\"", "go together"),
            ("[register]\nurl = \"postgres://a@h/kw\"\nlease-seconds = 1", "from 5 to 86400"),
            ("[register]\nurl = \"postgres://a@h/kw\"\nlease = 1", "lease"),
            ("[register]\nurl = \"postgres://a@h/kw\"\nstations = [\"b\"]", "NAME=age1"),
            (
                "[register]\nurl = \"postgres://a@h/kw\"\nstations = [\"b=age1pq1qqqqqqqqqq\"]",
                "is not an age recipient",
            ),
            ("register = 7", "the address of a register"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words) && !error.contains("s3cr3t"), "{error}");
        }
    }
}
