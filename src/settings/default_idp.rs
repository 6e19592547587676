//! Which IdP new accounts go to where several are set up: `default = true` in its table.
//!
//! The file keeps its comments and its order. It refuses a name that the settings do not have.

use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::document::Settings;
use super::error::SettingsError;

/// The key in an IdP's table.
const KEY: &str = "default";

/// The settings file with this IdP as the default, and no other.
pub fn with_default(file: &Path, name: &str) -> Result<String, SettingsError> {
    let named = || file.display().to_string();
    let text = keywright_files::text::read(file)
        .map_err(|error| SettingsError::Unreadable { file: named(), why: error.to_string() })?;
    let settings = Settings::parse(file, &text)?;
    if !settings.idp.contains_key(name) {
        let known = settings.idp.keys().cloned().collect();
        return Err(SettingsError::UnknownIdp { name: name.to_owned(), known });
    }
    let refused = |why| SettingsError::WillNotRead { name: name.to_owned(), file: named(), why };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| refused(error.to_string()))?;
    if let Some(tables) = document.get_mut("idp").and_then(Item::as_table_like_mut) {
        for (key, table) in tables.iter_mut() {
            if let Some(table) = table.as_table_like_mut() {
                set(table, key.get() == name);
            }
        }
    }
    let text = document.to_string();
    match Settings::parse(file, &text)?.default_idp() {
        Some(default) if default.name() == name => Ok(text),
        _ => Err(refused("it would not be the default there".to_owned())),
    }
}

/// What was there keeps its comments.
fn set(table: &mut dyn TableLike, is_default: bool) {
    match table.get_mut(KEY).and_then(Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = Value::from(is_default);
            *value.decor_mut() = decor;
        }
        None if is_default => _ = table.insert(KEY, Item::Value(true.into())),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "\
# Ours
[idp.corp] # the company
kind = \"embedded\"
url = \"http://127.0.0.1:8460\" # here
token = \"env:CORP\"
default = true # for new people

# Theirs
[idp.bank]
kind = \"manual\"
rp-id = \"bank.example\"
sign-in-url = \"https://login.bank.example\"
";

    #[test]
    fn one_is_the_default_and_comments_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keywright.toml");
        std::fs::write(&file, TWO).unwrap();
        assert_eq!(with_default(&file, "corp").unwrap(), TWO);
        let text = with_default(&file, "bank").unwrap();
        assert_eq!(text, format!("{}default = true\n", TWO.replace("= true #", "= false #")));
        let settings = Settings::parse(&file, &text).unwrap();
        assert_eq!(settings.choose(None, None).unwrap().name(), "bank");
        assert!(matches!(with_default(&file, "lab"), Err(SettingsError::UnknownIdp { .. })));
        let two = TWO.replace("[idp.bank]", "[idp.bank]\ndefault = true");
        let error = Settings::parse(&file, &two).err().unwrap().to_string();
        assert!(error.contains("only one IdP is the default"), "{error}");
    }
}
