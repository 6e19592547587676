//! The settings, `keywright.toml`: identity providers, profiles, readers of PINs, the program that prints letters.
//!
//! ```toml
//! profiles = "profiles"                     # a folder, over the built-in ones
//! readers = ["vault=age1..."]               # who gets PINs as age files
//! letter-program = ["lp", "-d", "vault"]    # gets a letter on its standard input
//!
//! [idp.corp]
//! kind = "embedded"
//! url = "http://127.0.0.1:8460"
//! token = "env:CORP_TOKEN"
//! ```
//!
//! Every table `[idp.NAME]` may have `ca`, a PEM file with trust anchors for TLS besides the system's, and `proxy`,
//! `http://host:port` (or the place of one with a password). The rest depends on its `kind`.
//!
//! Relative paths are relative to the file. It refuses settings that it does not know, and it holds no secret: only places of
//! secrets.

mod idp;
mod kinds;
mod new_table;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::de::DeTable;

pub use idp::{IdpSettings, IdpTable};
pub use kinds::{KINDS, Kind};
pub use new_table::{IdpName, NewTable, refuse_name, write};

use super::CliError;
use super::args::WhichIdp;
use super::state::base_folder;
use crate::idp::Directory;
use crate::idp::http::ServerUrl;
use crate::secret::Reader;

/// What is wrong with settings, or missing in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A setting that is unknown, missing or of the wrong kind.
    #[error("{file}:{line}:{column}: {why}")]
    Setting {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// The file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
    /// No identity provider is named anywhere.
    #[error("no identity provider is set up")]
    NoIdp,
    /// Several are set up and none was named.
    #[error("several identity providers are set up, and none is named")]
    SeveralIdps {
        /// Their names.
        known: Vec<String>,
    },
    /// The one that was named is not set up.
    #[error("no identity provider is called \"{name}\"")]
    UnknownIdp {
        /// The name.
        name: String,
        /// Those that are.
        known: Vec<String>,
    },
    /// The name of a new one is taken.
    #[error("[idp.{name}] is in {file} already")]
    IdpExists {
        /// The name.
        name: String,
        /// The file.
        file: String,
    },
    /// Nobody is there to answer what has to be known of a new one.
    #[error("answers are missing: {}", keys(missing))]
    Unanswered {
        /// Keys.
        missing: Vec<MissingAnswer>,
    },
    /// A new table that settings could not be read with.
    #[error("[idp.{name}] would not read in {file}: {why}")]
    WillNotRead {
        /// The name.
        name: String,
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A URL was named, and no token.
    #[error("an identity provider's URL needs a token")]
    NoToken,
}

/// The settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// IdPs by name.
    #[serde(skip)]
    pub idp: BTreeMap<String, IdpTable>,
    /// A folder of profiles.
    #[serde(default)]
    pub profiles: Option<PathBuf>,
    /// Who gets PINs as age files.
    #[serde(default, deserialize_with = "readers")]
    pub readers: Vec<Reader>,
    /// The program that prints letters, with its arguments.
    #[serde(default)]
    pub letter_program: Vec<String>,
}

/// An IdP as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdpChoice {
    /// A name in the settings.
    Name(String),
    /// The URL of an embedded one.
    Url(ServerUrl),
}

impl FromStr for IdpChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.contains("://") {
            true => text.parse().map(Self::Url),
            false => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl Settings {
    /// Reads the file that was named; or else `XDG_CONFIG_HOME/keywright/keywright.toml` (`~/.config`), which may be missing.
    pub fn find(named: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(file) = Self::file(named) else { return Ok(Self::default()) };
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(Self::default()),
            Err(error) => Err(SettingsError::Unreadable { file: file.display().to_string(), why: error.to_string() }),
        }
    }

    /// Where they are, or would be: the file that was named, or else the one in the person's own folder.
    pub fn file(named: Option<&Path>) -> Option<PathBuf> {
        let standard = || Some(base_folder("XDG_CONFIG_HOME", ".config")?.join("keywright/keywright.toml"));
        named.map(Path::to_owned).or_else(standard)
    }

    /// Reads settings; `file` is named in errors and is what relative paths are relative to.
    pub fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::read(folder, text).map_err(|Wrong { at, why }| {
            let (line, column) = position(text, at);
            SettingsError::Setting { file: file.display().to_string(), line, column, why }
        })
    }

    fn read(folder: &Path, text: &str) -> Result<Self, Wrong> {
        let mut document = DeTable::parse(text)?;
        let idp = document.get_mut().remove("idp");
        let mut settings = Self::deserialize(toml::Deserializer::from(document))?;
        settings.profiles = settings.profiles.map(|profiles| folder.join(profiles));
        settings.idp = idp.map(|idp| IdpTable::read_all(folder, idp)).transpose()?.unwrap_or_default();
        Ok(settings)
    }

    /// The IdP that is meant: the one that is named, or the only one. Takes its secret from where it is.
    pub fn directory(&self, which: &WhichIdp) -> Result<Box<dyn Directory>, CliError> {
        Ok(self.choose(which)?.open(which.idp_token.as_ref())?)
    }

    fn choose<'a>(&'a self, which: &WhichIdp) -> Result<Cow<'a, IdpTable>, SettingsError> {
        let known = || self.idp.keys().cloned().collect();
        match &which.idp {
            Some(IdpChoice::Url(url)) => {
                let token = which.idp_token.as_ref().ok_or(SettingsError::NoToken)?;
                Ok(Cow::Owned(IdpTable::embedded(url, token)))
            }
            Some(IdpChoice::Name(name)) => self
                .idp
                .get(name)
                .map(Cow::Borrowed)
                .ok_or_else(|| SettingsError::UnknownIdp { name: name.clone(), known: known() }),
            None if self.idp.len() > 1 => Err(SettingsError::SeveralIdps { known: known() }),
            None => self.idp.values().next().map(Cow::Borrowed).ok_or(SettingsError::NoIdp),
        }
    }
}

/// What is wrong, and at which byte.
struct Wrong {
    at: usize,
    why: String,
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self { at: error.span().map_or(0, |span| span.start), why: error.message().replace('\n', ", ") }
    }
}

/// A key that has to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingAnswer {
    /// The key.
    pub key: &'static str,
    /// An answer as it may look.
    pub example: String,
    /// Keys that would do in its place, all of them.
    pub otherwise: Vec<&'static str>,
}

fn keys(missing: &[MissingAnswer]) -> String {
    let keys = missing.iter().map(|one| match one.otherwise.is_empty() {
        true => one.key.to_owned(),
        false => format!("{} (or {})", one.key, one.otherwise.join(" and ")),
    });
    keys.collect::<Vec<_>>().join(", ")
}

fn readers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reader>, D::Error> {
    Vec::<String>::deserialize(deserializer)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

/// Line and column, both from 1, of a byte's place in a text.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "\
[idp.corp]
kind = \"embedded\"
url = \"http://127.0.0.1:8460\"
token = \"file:corp.token\"

[idp.lab]
kind = \"embedded\"
url = \"http://127.0.0.1:8461\"
token = \"env:LAB\"
";

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        Settings::parse(Path::new("/etc/keywright/keywright.toml"), text)
    }

    fn named(name: &str) -> WhichIdp {
        WhichIdp { idp: Some(name.parse().unwrap()), idp_token: None }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = parse(&format!("profiles = \"p\"\n{TWO}")).ok().unwrap();
        assert_eq!(settings.profiles.as_deref(), Some(Path::new("/etc/keywright/p")));
        let error = settings.directory(&named("corp")).err().unwrap().to_string();
        assert!(error.contains("/etc/keywright/corp.token"), "{error}");
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_place() {
        for (text, line, column) in [
            ("profile = \"p\"\n", 1, 1),
            ("\n\n  letters = 1\n", 3, 3),
            ("[idp.a]\nkind = \"embedded\"\nurl = \"https://x\"\ntoken = \"env:A\"\ntenant = \"t\"\n", 5, 1),
            ("[idp.a]\nkind = \"ldap\"\nurl = \"https://x\"\ntoken = \"env:A\"\n", 2, 8),
            ("readers = [\"vault\"]\n", 1, 11),
        ] {
            match parse(text).err() {
                Some(SettingsError::Setting { line: found_line, column: found_column, .. }) => {
                    assert_eq!((found_line, found_column), (line, column), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_token_in_the_settings_is_refused_and_not_repeated() {
        let error = parse("[idp.a]\nkind = \"embedded\"\nurl = \"https://x\"\ntoken = \"s3cr3t\"\n").err().unwrap();
        assert!(error.to_string().starts_with("/etc/keywright/keywright.toml:4:9: "), "{error}");
        assert!(!error.to_string().contains("s3cr3t"));
    }

    #[test]
    fn the_idp_that_is_meant() {
        let two = parse(TWO).ok().unwrap();
        let known = || vec!["corp".to_owned(), "lab".to_owned()];
        assert_eq!(two.choose(&named("lab")).unwrap().name(), "lab");
        assert_eq!(two.choose(&WhichIdp::default()).unwrap_err(), SettingsError::SeveralIdps { known: known() });
        assert_eq!(
            two.choose(&named("home")).unwrap_err(),
            SettingsError::UnknownIdp { name: "home".into(), known: known() }
        );
        assert_eq!(two.choose(&named("http://127.0.0.1:1")).unwrap_err(), SettingsError::NoToken);
        assert_eq!(Settings::default().choose(&WhichIdp::default()).unwrap_err(), SettingsError::NoIdp);
    }
}
