//! A table `[idp.NAME]` of the settings: what all kinds of IdP have in common, and what each kind has of its own.
//!
//! There is no key that switches the verification of TLS certificates off.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use secrecy::ExposeSecret as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::error::Wrong;
use crate::idp::http::{Network, Proxy, ServerUrl};
use crate::idp::kind::PRACTICE_KIND;
use crate::idp::{ConnectionConfig, Directory, IdpSettings, KINDS, Kind, OpenError};
use crate::secret::SecretSource;
use keywright_attest::read_certificates;
use keywright_files::private;

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
    /// Whether new accounts go there, where several are set up.
    is_default: bool,
    kind: &'static Kind,
    own: Arc<dyn IdpSettings>,
    /// The same with what `[idp.NAME.writing]` has in its place: the credential of the commands that take something from accounts.
    writing: Option<Arc<dyn IdpSettings>>,
}

/// The keys that every table may have.
#[derive(Deserialize)]
struct Common {
    kind: Spanned<String>,
    ca: Option<PathBuf>,
    proxy: Option<ProxySetting>,
    default: Option<bool>,
}

/// The table of what `enforce` and `recover` sign in with instead, such as another client and its secret.
const WRITING: &str = "writing";

const COMMON_KEYS: [&str; 4] = ["kind", "ca", "proxy", "default"];

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
    /// The practice IdP at this address, which no settings name.
    pub(super) fn at(url: &ServerUrl, token: &SecretSource) -> Result<Self, Wrong> {
        let values = [("kind", PRACTICE_KIND.to_owned()), ("url", url.to_string()), ("token", token.to_string())];
        let values = values.map(|(key, value)| (Spanned::new(0..0, key.into()), DeValue::String(value.into())));
        let table = values.into_iter().map(|(key, value)| (key, Spanned::new(0..0, value)));
        Self::read(PRACTICE_KIND.to_owned(), Path::new(""), Spanned::new(0..0, DeValue::Table(table.collect())))
    }

    /// Reads the tables under `idp`.
    pub(super) fn read_all(folder: &Path, tables: Spanned<DeValue<'_>>) -> Result<BTreeMap<String, Self>, Wrong> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for (name, table) in in_table(tables)?.1 {
            let (at, name) = (name.span().start, name.into_inner().into_owned());
            let table = Self::read(name.clone(), folder, table)?;
            if let Some(other) = all.values().find(|other| other.is_default && table.is_default) {
                let why = format!("only one IdP is the default, and [idp.{}] is it already", other.name);
                return Err(Wrong { at, why });
            }
            all.insert(name, table);
        }
        Ok(all)
    }

    /// The keys that all kinds have are taken out of the table; the rest is for `kind` to read.
    fn read(name: String, folder: &Path, table: Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let (span, mut rest) = in_table(table)?;
        let table = |table| Spanned::new(span.clone(), DeValue::Table(table));
        let common = COMMON_KEYS.iter().filter_map(|key| rest.remove_entry(*key)).collect();
        let common = Common::deserialize(ValueDeserializer::from(table(common)))?;
        let kind = Kind::named(common.kind.get_ref())
            .ok_or_else(|| Wrong { at: common.kind.span().start, why: unknown_kind(common.kind.get_ref()) })?;
        let writing = match rest.remove_entry(WRITING) {
            Some((_, writing)) => {
                let mut merged = rest.clone();
                for (key, value) in in_table(writing)?.1 {
                    merged.remove_entry(key.get_ref().as_ref());
                    merged.insert(key, value);
                }
                Some(kind.read(table(merged))?)
            }
            None => None,
        };
        let own = kind.read(table(rest))?;
        let is_default = common.default.unwrap_or(false);
        let (folder, ca, proxy) = (folder.to_owned(), common.ca, common.proxy);
        Ok(Self { name, folder, ca, proxy, is_default, kind, own, writing })
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether new accounts go there, where several are set up.
    pub fn is_default(&self) -> bool {
        self.is_default
    }

    /// Its kind.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// What it has of its own.
    pub fn own(&self) -> &dyn IdpSettings {
        &*self.own
    }

    /// Whether the commands that take something from accounts have a credential of their own.
    pub fn has_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Opens the IdP. Its secret comes from where the settings say, or from `secret`.
    pub fn open(&self, secret: Option<&SecretSource>) -> Result<Box<dyn Directory>, OpenError> {
        self.open_as(&*self.own, secret)
    }

    /// Opens the IdP for a command that takes something from accounts: with the credential of `[idp.NAME.writing]`, whose secret is asked
    /// for now, or else with the only one.
    pub fn open_for_writing(&self, secret: Option<&SecretSource>) -> Result<Box<dyn Directory>, OpenError> {
        match &self.writing {
            Some(writing) => self.open_as(&**writing, None),
            None => self.open(secret),
        }
    }

    fn open_as(&self, own: &dyn IdpSettings, secret: Option<&SecretSource>) -> Result<Box<dyn Directory>, OpenError> {
        let mut connection = ConnectionConfig {
            name: self.name.clone(),
            folder: self.folder.clone(),
            secret: secret.cloned(),
            ..ConnectionConfig::default()
        };
        connection.network = self.network(&connection)?;
        own.open(&connection)
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
                certificates(&file).map_err(|why| connection.refuse(format!("ca {}: {why}", file.display())))?
            }
        };
        Ok(Network { proxy, anchors })
    }
}

/// The certificates of a file that `ca` names, or why there are none.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = private::read_unshared(file).map_err(|error| error.to_string())?;
    read_certificates(&bytes.ok_or("there is no such file")?).map_err(|error| error.to_string())
}

fn unknown_kind(name: &str) -> String {
    if name == PRACTICE_KIND {
        return format!("kind `{name}` is the practice IdP, and this keywright was built without it");
    }
    let known: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    format!("unknown kind `{name}`, expected one of {}", known.join(", "))
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
    use super::*;
    use crate::settings::Settings;

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
        private::write(&folder.path().join("token"), b"t0ken\n").unwrap();
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
        assert_eq!(settings.idp["acme"].kind().name, "embedded");
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
            (
                "auth0",
                "url = \"https://acme.eu.auth0.com\"\nclient-id = \"1\"\nclient-secret = \"file:token\"\nrp-id = \"example.org\"\n",
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
            assert_eq!(table.kind().name, kind);
            let secret = table.own().secret().map(ToString::to_string);
            assert_eq!(secret.as_deref(), own.contains("file:token").then_some("file:token"));
            assert!(table.open(None).is_ok(), "{kind}");
            // What another kind has is no setting of this one.
            let error = refused(folder.path(), &format!("kind = \"{kind}\"\n{own}no-such-key = \"x\"\n"));
            assert!(error.contains("no-such-key"), "{error}");
        }
    }

    #[test]
    fn what_takes_something_from_accounts_may_have_a_credential_of_its_own() {
        let folder = folder();
        private::write(&folder.path().join("stronger"), b"t0ken-2\n").unwrap();
        let open = |more: &str| {
            let text = format!("[idp.acme]\n{EMBEDDED}{more}");
            let settings = Settings::parse(&folder.path().join("keywright.toml"), &text)?;
            let table = &settings.idp["acme"];
            Ok::<_, crate::settings::SettingsError>((table.has_writing(), table.open_for_writing(None).is_ok()))
        };
        assert_eq!(open("").unwrap(), (false, true));
        assert_eq!(open("[idp.acme.writing]\ntoken = \"file:stronger\"\n").unwrap(), (true, true));
        // Its secret is asked for when it is used, and by nobody else.
        assert_eq!(open("[idp.acme.writing]\ntoken = \"file:missing\"\n").unwrap(), (true, false));
        let error = open("[idp.acme.writing]\ntokn = \"file:stronger\"\n").unwrap_err().to_string();
        assert!(error.contains("tokn"), "{error}");
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
