//! The file as a whole: reading it, and which of its IdPs is meant.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::de::DeTable;

use super::checkpoints::CheckpointSettings;
use super::error::{SettingsError, Wrong};
use super::idp_table::IdpTable;
use super::ports::PortNames;
use super::register::RegisterPlace;
use crate::idp::http::ServerUrl;
use crate::profile::Column;
use crate::secret::{Reader, SecretSource};
use keywright_files::{FileError, base_folder, private, text};

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
    /// Headings of rosters, where they are not ours.
    #[serde(default)]
    pub columns: BTreeMap<Column, String>,
    /// What people call ports.
    #[serde(default)]
    pub ports: PortNames,
    /// Who gets PINs as age files.
    #[serde(default, deserialize_with = "readers")]
    pub readers: Vec<Reader>,
    /// The program that prints letters, with its arguments.
    #[serde(default)]
    pub letter_program: Vec<String>,
    /// Where the register is, if not in the state folder.
    #[serde(default)]
    pub register: Option<RegisterPlace>,
    /// The ledger's checkpoints.
    #[serde(default)]
    pub checkpoints: CheckpointSettings,
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
        match Self::text(&file)? {
            Some(text) => Self::parse(&file, &text),
            None if named.is_none() => Ok(Self::default()),
            None => {
                let why = "there is no such file".to_owned();
                Err(SettingsError::Unreadable { file: file.display().to_string(), why })
            }
        }
    }

    /// What the file says, if there is one. One that others can change is refused: it names programs, and who gets PINs.
    pub(super) fn text(file: &Path) -> Result<Option<String>, SettingsError> {
        let unreadable = |why: String| SettingsError::Unreadable { file: file.display().to_string(), why };
        let bytes = private::read_unshared(file).map_err(|error| match error {
            FileError::Io { why, .. } => unreadable(why),
            shared => SettingsError::Shared(shared),
        })?;
        let text = bytes.map(|bytes| text::decode(&bytes).map(Cow::into_owned)).transpose();
        text.map_err(|error| unreadable(error.to_string()))
    }

    /// Where they are, or would be: the file that was named, or else the one in the person's own folder.
    pub fn file(named: Option<&Path>) -> Option<PathBuf> {
        let standard = || Some(base_folder("XDG_CONFIG_HOME", ".config")?.join("keywright/keywright.toml"));
        named.map(Path::to_owned).or_else(standard)
    }

    /// Reads settings; `file` is named in errors and is what relative paths are relative to.
    pub fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::read(folder, text).map_err(|wrong| wrong.in_file(file, text))
    }

    pub(super) fn read(folder: &Path, text: &str) -> Result<Self, Wrong> {
        let mut document = DeTable::parse(text)?;
        let idp = document.get_mut().remove("idp");
        let mut settings = Self::deserialize(toml::Deserializer::from(document))?;
        settings.profiles = settings.profiles.map(|profiles| folder.join(profiles));
        settings.checkpoints = settings.checkpoints.in_folder(folder);
        settings.register = settings.register.map(|register| register.in_folder(folder));
        settings.idp = idp.map(|idp| IdpTable::read_all(folder, idp)).transpose()?.unwrap_or_default();
        Ok(settings)
    }

    /// The IdP that new accounts go to: the only one, or else the one that is marked.
    pub fn default_idp(&self) -> Option<&IdpTable> {
        let mut marked = self.idp.values().filter(|table| self.idp.len() == 1 || table.is_default());
        marked.next()
    }

    /// The IdP that is meant: the one that is named, the only one, or the default. `token` is the place of the secret, if the command line names
    /// one; a URL cannot do without.
    pub fn choose(
        &self,
        which: Option<&IdpChoice>,
        token: Option<&SecretSource>,
    ) -> Result<Cow<'_, IdpTable>, SettingsError> {
        let known = || self.idp.keys().cloned().collect();
        match which {
            Some(IdpChoice::Url(url)) => {
                let token = token.ok_or(SettingsError::NoToken)?;
                Ok(Cow::Owned(IdpTable::at(url, token).map_err(|_| SettingsError::NoPracticeIdp)?))
            }
            Some(IdpChoice::Name(name)) => self
                .idp
                .get(name)
                .map(Cow::Borrowed)
                .ok_or_else(|| SettingsError::UnknownIdp { name: name.clone(), known: known() }),
            None if self.idp.is_empty() => Err(SettingsError::NoIdp),
            None => {
                let default = self.default_idp().map(Cow::Borrowed);
                default.ok_or_else(|| SettingsError::SeveralIdps { known: known() })
            }
        }
    }
}

fn readers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reader>, D::Error> {
    Vec::<String>::deserialize(deserializer)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
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

    fn chosen<'a>(settings: &'a Settings, name: &str) -> Result<Cow<'a, IdpTable>, SettingsError> {
        settings.choose(Some(&name.parse().unwrap()), None)
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = parse(&format!("profiles = \"p\"\n{TWO}")).ok().unwrap();
        assert_eq!(settings.profiles.as_deref(), Some(Path::new("/etc/keywright/p")));
        let error = chosen(&settings, "corp").unwrap().open(None).err().unwrap().to_string();
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
        assert_eq!(chosen(&two, "lab").unwrap().name(), "lab");
        assert_eq!(two.choose(None, None).unwrap_err(), SettingsError::SeveralIdps { known: known() });
        assert_eq!(
            chosen(&two, "home").unwrap_err(),
            SettingsError::UnknownIdp { name: "home".into(), known: known() }
        );
        assert_eq!(chosen(&two, "http://127.0.0.1:1").unwrap_err(), SettingsError::NoToken);
        assert_eq!(Settings::default().choose(None, None).unwrap_err(), SettingsError::NoIdp);
    }
}
