//! A table `[idp.NAME]` of the settings: what all kinds of IdP have in common, and what each kind has of its own.
//!
//! A kind is added with a variant of [`IdpSettings`], its arms there, and a line of [`super::KINDS`]; the settings of its own and
//! the questions that fill them in are the adapter's.
//!
//! There is no key that switches the verification of TLS certificates off.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::Wrong;
use crate::idp::embedded::{self, Embedded};
use crate::idp::entra::{self, Entra};
use crate::idp::http::{Network, Proxy, ServerUrl};
use crate::idp::manual::{self, Manual};
use crate::idp::okta::{self, Okta};
use crate::idp::ping_one::{self, PingOne};
use crate::idp::privacy_idea::{self, PrivacyIdea};
use crate::idp::zitadel::{self, Zitadel};
use crate::idp::{ConnectionConfig, Directory, OpenError};
use crate::secret::SecretSource;

/// What a kind of IdP has of its own. In the settings, its variant's name is the table's `kind`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdpSettings {
    /// `keywright idp serve`.
    Embedded(embedded::Settings),
    /// A tenant of Microsoft Entra ID.
    Entra(entra::Settings),
    /// Google Workspace or Cloud Identity.
    GoogleWorkspace(manual::GoogleWorkspace),
    /// An Okta org.
    Okta(okta::Settings),
    /// An environment of PingOne.
    PingOne(ping_one::Settings),
    /// A privacyIDEA server.
    PrivacyIdea(privacy_idea::Settings),
    /// A Zitadel instance.
    Zitadel(zitadel::Settings),
    /// Any other IdP, without an API for keys.
    Manual(manual::Settings),
}

impl IdpSettings {
    /// The `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "embedded",
            Self::Entra(_) => "entra",
            Self::GoogleWorkspace(_) => "google-workspace",
            Self::Manual(_) => "manual",
            Self::PingOne(_) => "ping-one",
            Self::PrivacyIdea(_) => "privacy-idea",
            Self::Okta(_) => "okta",
            Self::Zitadel(_) => "zitadel",
        }
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        match self {
            Self::GoogleWorkspace(_) => "https://accounts.google.com",
            Self::Manual(settings) => &settings.sign_in_url,
            Self::Embedded(settings) => &settings.url,
            Self::Entra(settings) => &settings.graph,
            Self::PingOne(settings) => &settings.api,
            Self::PrivacyIdea(settings) => &settings.url,
            Self::Okta(settings) => &settings.url,
            Self::Zitadel(settings) => &settings.url,
        }
    }

    /// Where its secret comes from; `None` where there is nothing to sign in to.
    pub fn secret(&self) -> Option<&SecretSource> {
        match self {
            Self::GoogleWorkspace(_) | Self::Manual(_) => None,
            Self::Embedded(settings) => Some(&settings.token),
            Self::Entra(settings) => Some(settings.access.secret()),
            Self::PingOne(settings) => Some(&settings.client_secret),
            Self::PrivacyIdea(settings) => Some(&settings.password),
            Self::Okta(settings) => Some(settings.access.secret()),
            Self::Zitadel(settings) => Some(&settings.token),
        }
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(match self {
            Self::Embedded(settings) => Box::new(Embedded::open(connection, settings)?),
            Self::Entra(settings) => Box::new(Entra::open(connection, settings)?),
            Self::GoogleWorkspace(_) => Box::new(Manual::google_workspace(connection)?),
            Self::Manual(settings) => Box::new(Manual::new(connection, settings)),
            Self::PingOne(settings) => Box::new(PingOne::open(connection, settings)?),
            Self::PrivacyIdea(settings) => Box::new(PrivacyIdea::open(connection, settings)?),
            Self::Okta(settings) => Box::new(Okta::open(connection, settings)?),
            Self::Zitadel(settings) => Box::new(Zitadel::open(connection, settings)?),
        })
    }
}

/// One IdP.
#[derive(Debug, Clone)]
pub struct IdpTable {
    /// The table's name.
    name: String,
    /// What relative paths in it are relative to.
    folder: PathBuf,
    /// A PEM file of trust anchors for TLS, besides the system's.
    ca: Option<PathBuf>,
    /// The proxy, instead of the environment's.
    proxy: Option<ProxySetting>,
    settings: IdpSettings,
}

/// The keys that every table may have.
#[derive(Deserialize)]
struct Common {
    kind: Spanned<String>,
    ca: Option<PathBuf>,
    proxy: Option<ProxySetting>,
}

const COMMON_KEYS: [&str; 3] = ["kind", "ca", "proxy"];

/// `http://host:port`, or the place of one with a password in it.
#[derive(Debug, Clone)]
enum ProxySetting {
    Open(Proxy),
    Secret(SecretSource),
}

impl<'de> Deserialize<'de> for ProxySetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(source) = text.parse() {
            return Ok(Self::Secret(source));
        }
        // The text is not repeated: it may hold a password.
        match text.parse::<Proxy>() {
            Ok(proxy) if !proxy.has_credentials() => Ok(Self::Open(proxy)),
            Ok(_) => Err(D::Error::custom(
                "a proxy's address with a password belongs elsewhere; name its place, such as file:PATH",
            )),
            Err(error) => Err(D::Error::custom(error)),
        }
    }
}

impl IdpTable {
    /// An embedded directory that is named by its address alone.
    pub fn embedded(url: &ServerUrl, token: &SecretSource) -> Self {
        let settings = embedded::Settings { url: url.clone(), token: token.clone() };
        Self {
            name: "embedded".to_owned(),
            folder: PathBuf::new(),
            ca: None,
            proxy: None,
            settings: IdpSettings::Embedded(settings),
        }
    }

    /// Reads the tables under `idp`.
    pub(super) fn read_all(folder: &Path, tables: Spanned<DeValue<'_>>) -> Result<BTreeMap<String, Self>, Wrong> {
        let read = |(name, table): (Spanned<DeString<'_>>, _)| {
            let name = name.into_inner().into_owned();
            Ok((name.clone(), Self::read(name, folder, table)?))
        };
        in_table(tables)?.1.into_iter().map(read).collect()
    }

    /// The keys that all kinds have are taken out of the table; the rest is for `kind` to read.
    fn read(name: String, folder: &Path, table: Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let (span, mut rest) = in_table(table)?;
        let table = |table| Spanned::new(span.clone(), DeValue::Table(table));
        let common = COMMON_KEYS.iter().filter_map(|key| rest.remove_entry(*key)).collect();
        let common = Common::deserialize(ValueDeserializer::from(table(common)))?;
        // As serde writes an enum, `{ KIND = { ... } }`, so that an unknown kind is told at its place.
        let kind = Spanned::new(common.kind.span(), common.kind.get_ref().as_str().into());
        let settings = table(DeTable::from_iter([(kind, table(rest))]));
        let settings = IdpSettings::deserialize(ValueDeserializer::from(settings))?;
        Ok(Self { name, folder: folder.to_owned(), ca: common.ca, proxy: common.proxy, settings })
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has of its own.
    pub fn settings(&self) -> &IdpSettings {
        &self.settings
    }

    /// Opens the IdP. Its secret comes from where the settings say, or from `secret`.
    pub fn open(&self, secret: Option<&SecretSource>) -> Result<Box<dyn Directory>, OpenError> {
        let mut connection = ConnectionConfig {
            name: self.name.clone(),
            folder: self.folder.clone(),
            secret: secret.cloned(),
            ..ConnectionConfig::default()
        };
        connection.network = self.network(&connection)?;
        self.settings.open(&connection)
    }

    fn network(&self, connection: &ConnectionConfig) -> Result<Network, OpenError> {
        let proxy = match &self.proxy {
            None => None,
            Some(ProxySetting::Open(proxy)) => Some(proxy.clone()),
            Some(ProxySetting::Secret(source)) => {
                let address = source.from_folder(&self.folder).take(&format!("proxy for {}", self.name))?;
                let proxy = address.expose_secret().parse();
                Some(proxy.map_err(|error| connection.refuse(format!("proxy at {source}: {error}")))?)
            }
        };
        let anchors = match &self.ca {
            None => Vec::new(),
            Some(ca) => {
                let file = self.folder.join(ca);
                let refuse = |why: String| connection.refuse(format!("ca {}: {why}", file.display()));
                let anchors: Vec<_> = CertificateDer::pem_file_iter(&file)
                    .and_then(Iterator::collect)
                    .map_err(|error| refuse(error.to_string()))?;
                if anchors.is_empty() {
                    return Err(refuse("there is no certificate in it (PEM)".into()));
                }
                anchors
            }
        };
        Ok(Network { proxy, anchors })
    }
}

/// A table, and where it is.
fn in_table(value: Spanned<DeValue<'_>>) -> Result<(Range<usize>, DeTable<'_>), Wrong> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Table(table) => Ok((span, table)),
        _ => Err(Wrong { at: span.start, why: "a table is expected here: [idp.NAME]".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    /// What is wrong with one table, in this folder.
    fn refused(folder: &Path, table: &str) -> String {
        let text = format!("[idp.acme]\n{table}");
        match Settings::parse(&folder.join("keywright.toml"), &text) {
            Err(error) => error.to_string(),
            Ok(settings) => settings.idp["acme"].open(None).err().expect("it was opened").to_string(),
        }
    }

    const EMBEDDED: &str = "kind = \"embedded\"\nurl = \"http://127.0.0.1:8460\"\ntoken = \"file:token\"\n";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        crate::cli::state::write_private(&folder.path().join("token"), b"t0ken\n").unwrap();
        folder
    }

    #[test]
    fn what_all_kinds_have_is_read_once() {
        let folder = folder();
        let root = rcgen::generate_simple_self_signed(["idp.example".to_owned()]).unwrap();
        let base64 = data_encoding::BASE64.encode(root.cert.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        let text = format!("[idp.acme]\n{EMBEDDED}ca = \"ca.pem\"\nproxy = \"http://proxy.example:3128\"\n");
        let settings = Settings::parse(&folder.path().join("keywright.toml"), &text).ok().unwrap();
        assert_eq!(settings.idp["acme"].open(None).ok().unwrap().name(), "acme");
        assert_eq!(settings.idp["acme"].settings().kind(), "embedded");
        let network = settings.idp["acme"].network(&ConnectionConfig::default()).unwrap();
        assert_eq!(network.anchors, [root.cert.der().clone()]);
        assert_eq!(format!("{:?}", network.proxy.unwrap()), "http://proxy.example:3128");
    }

    #[test]
    fn every_kind_is_opened_by_its_name() {
        let folder = folder();
        for (kind, own) in [
            ("embedded", "url = \"http://127.0.0.1:8460\"\ntoken = \"file:token\"\n"),
            (
                "privacy-idea",
                "url = \"https://pi.example\"\nusername = \"keywright\"\npassword = \"file:token\"\nrealm = \"corp\"\n\
                 token-type = \"webauthn\"\norigin = \"https://login.example\"\n",
            ),
            ("entra", "tenant-id = \"corp.example.org\"\nclient-id = \"1\"\nclient-secret = \"file:token\"\n"),
            (
                "ping-one",
                "environment = \"1\"\nclient-id = \"2\"\nclient-secret = \"file:token\"\npolicy = \"3\"\nrp-id = \"example.org\"\n",
            ),
            ("google-workspace", ""),
            ("manual", "rp-id = \"bank.example\"\nsign-in-url = \"https://login.bank.example/start\"\n"),
            ("okta", "url = \"https://acme.okta.com\"\ntoken = \"file:token\"\n"),
            ("zitadel", "url = \"https://login.example\"\ntoken = \"file:token\"\n"),
        ] {
            let text = format!("[idp.acme]\nkind = \"{kind}\"\n{own}");
            let settings = Settings::parse(&folder.path().join("keywright.toml"), &text).unwrap();
            let table = &settings.idp["acme"];
            assert_eq!(table.settings().kind(), kind);
            let secret = table.settings().secret().map(ToString::to_string);
            assert_eq!(secret.as_deref(), own.contains("file:token").then_some("file:token"));
            assert!(table.open(None).is_ok(), "{kind}");
            // What another kind has is no setting of this one.
            let error = refused(folder.path(), &format!("kind = \"{kind}\"\n{own}no-such-key = \"x\"\n"));
            assert!(error.contains("no-such-key"), "{error}");
        }
    }

    #[test]
    fn what_will_not_do_is_told_without_secrets() {
        let folder = folder();
        let path = folder.path();
        std::fs::write(path.join("empty.pem"), "nothing here\n").unwrap();
        for (more, words) in [
            ("ca = \"missing.pem\"\n", "missing.pem"),
            ("ca = \"empty.pem\"\n", "there is no certificate in it"),
            ("proxy = \"http://me:hunter2@proxy.example\"\n", "name its place"),
            ("proxy = \"proxy.example:3128\"\n", "a proxy is http://host:port"),
            ("verify = false\n", "verify"),
        ] {
            let error = refused(path, &format!("{EMBEDDED}{more}"));
            assert!(error.contains(words) && !error.contains("hunter2"), "{more}: {error}");
        }
        let error = refused(path, "url = \"http://127.0.0.1:1\"\ntoken = \"env:A\"\n");
        assert!(error.contains("kind"), "{error}");
        let error = Settings::parse(&path.join("keywright.toml"), "idp = 1\n").err().unwrap().to_string();
        assert!(error.contains("[idp.NAME]"), "{error}");
    }
}
