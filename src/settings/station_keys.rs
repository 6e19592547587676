//! What a station needs besides IdPs, written into `keywright.toml`: readers, the letter program, a folder of profiles.
//!
//! The file keeps its comments and its order, and is begun where there is none. It refuses a result that would not read, and
//! leaves alone what is set already.

use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Value};

use super::document::Settings;
use super::error::SettingsError;
use crate::secret::Reader;

/// What a new file begins with.
const BEGINNING: &str = "# Settings of keywright: 'keywright help settings' says what can stand here.\n\n";

/// What is to be set. What is empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StationKeys {
    /// Who gets PINs as age files.
    pub readers: Vec<Reader>,
    /// The program that prints letters, with its arguments.
    pub letter_program: Vec<String>,
    /// The folder of profiles, relative to the file.
    pub profiles: Option<String>,
}

impl StationKeys {
    /// The settings file with these keys.
    pub fn added_to(&self, file: &Path) -> Result<String, SettingsError> {
        let named = || file.display().to_string();
        let old = Settings::text(file)?;
        let beginning = if old.is_none() { BEGINNING } else { "" };
        let text = old.unwrap_or_default();
        Settings::parse(file, &text)?;
        let refused = |why: String| SettingsError::Unwritable { file: named(), why };
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| refused(error.to_string()))?;
        let mut set = |key: &str, value: Value| {
            if document.get(key).is_none() {
                document.insert(key, Item::Value(value));
            }
        };
        if let Some(profiles) = &self.profiles {
            set("profiles", profiles.as_str().into());
        }
        if !self.readers.is_empty() {
            set("readers", Array::from_iter(self.readers.iter().map(ToString::to_string)).into());
        }
        if !self.letter_program.is_empty() {
            set("letter-program", Array::from_iter(self.letter_program.iter().map(String::as_str)).into());
        }
        let text = format!("{beginning}{document}");
        Settings::parse(file, &text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_before_the_tables_and_what_is_set_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keywright.toml");
        let reader: Reader = format!("vault={}", age::x25519::Identity::generate().to_public()).parse().unwrap();
        let keys = StationKeys {
            readers: vec![reader.clone()],
            letter_program: vec!["lp".to_owned(), "-d".to_owned(), "vault".to_owned()],
            profiles: Some("profiles".to_owned()),
        };
        let new = keys.added_to(&file).unwrap();
        assert!(new.starts_with(BEGINNING), "{new}");
        let settings = Settings::parse(&file, &new).unwrap();
        assert_eq!((settings.readers, settings.letter_program), (vec![reader], keys.letter_program.clone()));
        assert_eq!(settings.profiles, Some(folder.path().join("profiles")));

        let old = "letter-program = ['cat'] # ours\n\n# the IdP\n[idp.b]\nkind = 'embedded'\nurl = 'http://[::1]:1'\ntoken = 'env:B'\n";
        std::fs::write(&file, old).unwrap();
        let text = keys.added_to(&file).unwrap();
        assert!(
            text.starts_with("letter-program = ['cat'] # ours\n") && text.ends_with(&old[old.find("\n\n").unwrap()..]),
            "{text}"
        );
        assert_eq!(Settings::parse(&file, &text).unwrap().readers.len(), 1);
    }
}
