//! Changes of an IdP's table in `keywright.toml`: which is the default, other answers, taken out.
//!
//! The file keeps its comments and its order. It refuses a name that the settings do not have, and a result that would not read.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::document::Settings;
use super::error::SettingsError;
use super::new_table::value;
use crate::idp::question::Question;
use keywright_files::shown;

/// The key in an IdP's table.
const KEY: &str = "default";

/// The settings file with this IdP as the default, and no other.
pub fn with_default(file: &Path, name: &str) -> Result<String, SettingsError> {
    let (text, settings) = changed(file, name, |tables| {
        for (key, table) in tables.iter_mut() {
            if let Some(table) = table.as_table_like_mut() {
                set(table, key.get() == name);
            }
        }
        Ok(())
    })?;
    match settings.default_idp() {
        Some(default) if default.name() == name => Ok(text),
        _ => Err(will_not_read(file, name, "it would not be the default there".to_owned())),
    }
}

/// The settings file with other answers of this IdP; `None` takes a key out, so that what holds without it holds.
pub fn with_answers(
    file: &Path,
    name: &str,
    answers: &[(&'static Question, Option<String>)],
) -> Result<String, SettingsError> {
    let change = |tables: &mut dyn TableLike| {
        let Some(table) = tables.get_mut(name).and_then(Item::as_table_like_mut) else {
            return Err("it is no table".to_owned());
        };
        for (question, answer) in answers {
            match answer {
                Some(text) if text.contains(shown::is_hidden) => {
                    return Err(format!("{}: an answer is one line", question.key));
                }
                Some(text) => {
                    let answer = value(question.form, text).map_err(|why| format!("{}: {why}", question.key))?;
                    replace(table, question.key, answer);
                }
                None => drop(table.remove(question.key)),
            }
        }
        Ok(())
    };
    changed(file, name, change).map(|(text, _)| text)
}

/// What this IdP's table answers now, by key, as a person writes it.
pub fn answers(file: &Path, name: &str) -> Result<BTreeMap<String, String>, SettingsError> {
    let mut found = BTreeMap::new();
    changed(file, name, |tables| {
        let table = tables.get(name).and_then(Item::as_table_like);
        for (key, item) in table.into_iter().flat_map(|table| table.iter()) {
            found.extend(item.as_value().map(|value| (key.to_owned(), in_words(value))));
        }
        Ok(())
    })?;
    Ok(found)
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.value().clone(),
        Value::Integer(number) => number.value().to_string(),
        Value::Boolean(yes) => if *yes.value() { "yes" } else { "no" }.to_owned(),
        Value::Array(list) => list.iter().map(in_words).collect::<Vec<_>>().join(", "),
        other => other.to_string().trim().to_owned(),
    }
}

/// The settings file without this IdP.
pub fn without(file: &Path, name: &str) -> Result<String, SettingsError> {
    let (text, settings) = changed(file, name, |tables| {
        tables.remove(name);
        Ok(())
    })?;
    match settings.idp.contains_key(name) {
        false => Ok(text),
        true => Err(will_not_read(file, name, "it would still be there".to_owned())),
    }
}

/// Changes the tables of IdPs, and reads the result.
fn changed(
    file: &Path,
    name: &str,
    change: impl FnOnce(&mut dyn TableLike) -> Result<(), String>,
) -> Result<(String, Settings), SettingsError> {
    let text = Settings::text(file)?.unwrap_or_default();
    let settings = Settings::parse(file, &text)?;
    if !settings.idp.contains_key(name) {
        let known = settings.idp.keys().cloned().collect();
        return Err(SettingsError::UnknownIdp { name: name.to_owned(), known });
    }
    let refused = |why| will_not_read(file, name, why);
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| refused(error.to_string()))?;
    if let Some(tables) = document.get_mut("idp").and_then(Item::as_table_like_mut) {
        change(tables).map_err(refused)?;
    }
    let text = document.to_string();
    // As it will be read, without the place in a file that does not say it yet.
    let settings = Settings::read(file.parent().unwrap_or(Path::new("")), &text).map_err(|wrong| refused(wrong.why))?;
    Ok((text, settings))
}

fn will_not_read(file: &Path, name: &str, why: String) -> SettingsError {
    SettingsError::WillNotRead { name: name.to_owned(), file: file.display().to_string(), why }
}

/// What was there keeps its comments.
fn set(table: &mut dyn TableLike, is_default: bool) {
    if is_default || table.contains_key(KEY) {
        replace(table, KEY, is_default.into());
    }
}

/// What stood behind the old value stays.
fn replace(table: &mut dyn TableLike, key: &str, new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = new;
            *value.decor_mut() = decor;
        }
        None => _ = table.insert(key, Item::Value(new)),
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

    #[test]
    fn an_answer_is_changed_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keywright.toml");
        std::fs::write(&file, TWO).unwrap();
        let kind = crate::idp::Kind::named("embedded").unwrap();
        let question = |key: &str| kind.questions().find(|question| question.key == key).unwrap();
        let text = with_answers(&file, "corp", &[(question("url"), Some("http://127.0.0.1:9".to_owned()))]).unwrap();
        assert_eq!(text, TWO.replace("http://127.0.0.1:8460", "http://127.0.0.1:9"));
        assert_eq!(answers(&file, "corp").unwrap()["default"], "yes");
        assert_eq!(answers(&file, "bank").unwrap()["rp-id"], "bank.example");
        let wrong = |answer| with_answers(&file, "corp", &[answer]).unwrap_err().to_string();
        assert!(wrong((question("url"), Some("ftp://x".to_owned()))).contains("[idp.corp] would not read"));
        assert!(wrong((question("token"), None)).contains("missing field"));
        assert!(wrong((question("url"), Some("a\nb".to_owned()))).contains("one line"));
    }

    #[test]
    fn one_is_taken_out_with_its_comments() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keywright.toml");
        std::fs::write(&file, TWO).unwrap();
        let text = without(&file, "bank").unwrap();
        assert_eq!(text, TWO.split_once("\n# Theirs").unwrap().0);
        assert!(matches!(without(&file, "lab"), Err(SettingsError::UnknownIdp { .. })));
    }
}
