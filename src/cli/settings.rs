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
//! Relative paths are relative to the file. It refuses settings that it does not know, and it holds no secret: only places of
//! secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::CliError;
use super::args::WhichIdp;
use super::state::base_folder;
use crate::idp::Directory;
use crate::idp::embedded::Embedded;
use crate::secret::{Reader, SecretSource};

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
    /// A URL was named, and no token.
    #[error("an identity provider's URL needs a token")]
    NoToken,
}

/// What kind of IdP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `keywright idp serve`.
    Embedded,
}

/// One IdP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IdpSettings {
    /// What kind.
    pub kind: Kind,
    /// Where.
    pub url: String,
    /// Where its API token comes from; never the token.
    #[serde(deserialize_with = "secret_source")]
    pub token: SecretSource,
}

/// The settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// IdPs by name.
    #[serde(default)]
    pub idp: BTreeMap<String, IdpSettings>,
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
    Url(String),
}

impl FromStr for IdpChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text.starts_with("http://") || text.starts_with("https://") {
            Self::Url(text.to_owned())
        } else {
            Self::Name(text.to_owned())
        })
    }
}

impl Settings {
    /// Reads the file that was named; or else `XDG_CONFIG_HOME/keywright/keywright.toml` (`~/.config`), which may be missing.
    pub fn find(named: Option<&Path>) -> Result<Self, SettingsError> {
        let standard = || base_folder("XDG_CONFIG_HOME", ".config").map(|base| base.join("keywright/keywright.toml"));
        let Some(file) = named.map(Path::to_owned).or_else(standard) else { return Ok(Self::default()) };
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(Self::default()),
            Err(error) => Err(SettingsError::Unreadable { file: file.display().to_string(), why: error.to_string() }),
        }
    }

    /// Reads settings; `file` is named in errors and is what relative paths are relative to.
    pub fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let mut settings: Self = toml::from_str(text).map_err(|error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            let why = error.message().replace('\n', ", ");
            SettingsError::Setting { file: file.display().to_string(), line, column, why }
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        settings.profiles = settings.profiles.map(|profiles| folder.join(profiles));
        for idp in settings.idp.values_mut() {
            if let SecretSource::File(token) = &mut idp.token {
                *token = folder.join(&token);
            }
        }
        Ok(settings)
    }

    /// The IdP that is meant: the one that is named, or the only one. Takes its token from where it is.
    pub fn directory(&self, which: &WhichIdp) -> Result<Box<dyn Directory>, CliError> {
        let (name, kind, url, token) = self.choose(which)?;
        let token = token.take(&format!("API token for {name}"))?;
        match kind {
            Kind::Embedded => Ok(Box::new(Embedded::new(name, url, token)?)),
        }
    }

    fn choose<'a>(&'a self, which: &'a WhichIdp) -> Result<(&'a str, Kind, &'a str, &'a SecretSource), SettingsError> {
        let known = || self.idp.keys().cloned().collect();
        let (name, idp) = match &which.idp {
            Some(IdpChoice::Url(url)) => {
                let token = which.idp_token.as_ref().ok_or(SettingsError::NoToken)?;
                return Ok(("embedded", Kind::Embedded, url, token));
            }
            Some(IdpChoice::Name(name)) => self
                .idp
                .get_key_value(name)
                .ok_or_else(|| SettingsError::UnknownIdp { name: name.clone(), known: known() })?,
            None if self.idp.len() > 1 => return Err(SettingsError::SeveralIdps { known: known() }),
            None => self.idp.first_key_value().ok_or(SettingsError::NoIdp)?,
        };
        Ok((name, idp.kind, &idp.url, which.idp_token.as_ref().unwrap_or(&idp.token)))
    }
}

fn readers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reader>, D::Error> {
    Vec::<String>::deserialize(deserializer)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

fn secret_source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretSource, D::Error> {
    // The error does not repeat the text: it may be the secret itself.
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
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
        let Ok(idp) = name.parse();
        WhichIdp { idp: Some(idp), idp_token: None }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = parse(&format!("profiles = \"p\"\n{TWO}")).ok().unwrap();
        assert_eq!(settings.profiles.as_deref(), Some(Path::new("/etc/keywright/p")));
        assert_eq!(settings.idp["corp"].token, SecretSource::File("/etc/keywright/corp.token".into()));
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_place() {
        for (text, line, column) in [
            ("profile = \"p\"\n", 1, 1),
            ("\n\n  letters = 1\n", 3, 3),
            ("[idp.a]\nkind = \"embedded\"\nurl = \"x\"\ntoken = \"env:A\"\ntenant = \"t\"\n", 5, 1),
            ("[idp.a]\nkind = \"okta\"\nurl = \"x\"\ntoken = \"env:A\"\n", 2, 8),
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
        let error = parse("[idp.a]\nkind = \"embedded\"\nurl = \"x\"\ntoken = \"s3cr3t\"\n").err().unwrap();
        assert!(error.to_string().starts_with("/etc/keywright/keywright.toml:4:9: "), "{error}");
        assert!(!error.to_string().contains("s3cr3t"));
    }

    #[test]
    fn the_idp_that_is_meant() {
        let two = parse(TWO).ok().unwrap();
        let known = || vec!["corp".to_owned(), "lab".to_owned()];
        assert_eq!(two.choose(&named("lab")).unwrap().2, "http://127.0.0.1:8461");
        assert_eq!(two.choose(&WhichIdp::default()).unwrap_err(), SettingsError::SeveralIdps { known: known() });
        assert_eq!(
            two.choose(&named("home")).unwrap_err(),
            SettingsError::UnknownIdp { name: "home".into(), known: known() }
        );
        assert_eq!(two.choose(&named("http://127.0.0.1:1")).unwrap_err(), SettingsError::NoToken);
        assert_eq!(Settings::default().choose(&WhichIdp::default()).unwrap_err(), SettingsError::NoIdp);
    }
}
