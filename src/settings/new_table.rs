//! A table `[idp.NAME]` that is being made, and its place in `keywright.toml`.
//!
//! Answers are read as the settings are read. The file keeps its comments, its order and its mode, and is written whole or not
//! at all. It refuses a name that the file has, and a result that would not read.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::document::Settings;
use super::error::SettingsError;
use crate::idp::Kind;
use crate::idp::question::{Asked, Form, Question};
use keywright_files::{private, shown};

/// A name for an IdP: 1 to 64 letters, digits, dashes and underscores, as TOML's bare keys are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdpName(String);

impl FromStr for IdpName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a name is made of letters, digits, dashes and underscores, 64 at most")
        }
    }
}

impl fmt::Display for IdpName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The table, as far as its questions are answered. Displays as TOML.
#[derive(Debug, Clone)]
pub struct NewTable {
    name: IdpName,
    table: Table,
}

impl NewTable {
    /// With nothing but its kind.
    pub fn new(name: &IdpName, kind: &Kind) -> Self {
        Self { name: name.clone(), table: Table::from_iter([("kind", kind.name)]) }
    }

    /// Whether this question is to be asked, after what was answered.
    pub fn wants(&self, question: &Question) -> bool {
        match question.asked {
            Asked::Always => true,
            Asked::With(key) => self.table.contains_key(key),
            Asked::Without(key) => !self.table.contains_key(key),
        }
    }

    /// Takes an answer; says why if it will not do, and then is as before. A place that will not do is not repeated.
    pub fn answer(&mut self, question: &Question, text: &str) -> Result<(), String> {
        if text.contains(shown::is_hidden) {
            return Err("an answer is one line".to_owned());
        }
        self.table.insert(question.key, Item::Value(value(question.form, text)?));
        let refused = self.refused_at_its_end();
        if refused.is_some() {
            self.table.remove(question.key);
        }
        refused.map_or(Ok(()), Err)
    }

    /// What is wrong with the last key. One that is still missing is told at the table's beginning.
    fn refused_at_its_end(&self) -> Option<String> {
        let text = self.to_string();
        let last_line = text.trim_end().rfind('\n').unwrap_or(0);
        Settings::read(Path::new(""), &text).err().filter(|wrong| wrong.at > last_line).map(|wrong| wrong.why)
    }

    /// The values by their keys, for JSON.
    pub fn values(&self) -> serde_json::Map<String, serde_json::Value> {
        let text = |value: &Value| value.as_str().map(Into::into);
        let json = |value: &Value| match value {
            Value::Integer(number) => (*number.value()).into(),
            Value::Boolean(yes) => (*yes.value()).into(),
            Value::Array(list) => list.iter().filter_map(text).collect(),
            other => text(other).unwrap_or_default(),
        };
        self.table.iter().filter_map(|(key, item)| Some((key.to_owned(), json(item.as_value()?)))).collect()
    }

    /// The file with this table in it. One that is missing counts as empty.
    pub fn added_to(&self, file: &Path) -> Result<String, SettingsError> {
        let text = Settings::text(file)?.unwrap_or_default();
        refuse_name(&Settings::parse(file, &text)?, file, &self.name)?;
        let refused = |why: String| SettingsError::WillNotRead {
            name: self.name.to_string(),
            file: file.display().to_string(),
            why,
        };
        Settings::read(Path::new(""), &self.to_string()).map_err(|wrong| refused(wrong.why))?;
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| refused(error.to_string()))?;
        self.insert_into(&mut document);
        let text = document.to_string();
        match Settings::parse(file, &text) {
            Ok(settings) if settings.idp.contains_key(&self.name.0) => Ok(text),
            Ok(_) => Err(refused("it would not be found there".to_owned())),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// At the end: what is commented out below the last table stays below that one.
    fn insert_into(&self, document: &mut DocumentMut) {
        let mut table = self.table.clone();
        if !document.is_empty() || document.trailing().as_str().is_some_and(|text| !text.is_empty()) {
            let mut before = document.trailing().as_str().unwrap_or_default().to_owned();
            document.set_trailing("");
            if !before.is_empty() && !before.ends_with('\n') {
                before.push('\n');
            }
            if before.lines().next_back().is_none_or(|line| !line.trim().is_empty()) {
                before.push('\n');
            }
            table.decor_mut().set_prefix(before);
        }
        table.set_position(Some(isize::MAX));
        let mut tables = Table::new();
        tables.set_implicit(true);
        if let Some(tables) = document.entry("idp").or_insert(Item::Table(tables)).as_table_like_mut() {
            tables.insert(&self.name.0, Item::Table(table));
        }
    }
}

impl fmt::Display for NewTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut document = DocumentMut::new();
        self.insert_into(&mut document);
        document.fmt(f)
    }
}

/// Refuses a name that the settings have.
pub fn refuse_name(settings: &Settings, file: &Path, name: &IdpName) -> Result<(), SettingsError> {
    match settings.idp.contains_key(&name.0) {
        true => Err(SettingsError::IdpExists { name: name.to_string(), file: file.display().to_string() }),
        false => Ok(()),
    }
}

/// The answer as a value. Errors repeat nothing.
pub(super) fn value(form: Form, text: &str) -> Result<Value, String> {
    Ok(match form {
        Form::OneOf(words) if !words.contains(&text) => return Err(format!("one of these: {}", words.join(", "))),
        Form::Text | Form::Certificates | Form::Place | Form::OneOf(_) => text.into(),
        Form::Number => text.parse::<i64>().map_err(|_| "a whole number is expected".to_owned())?.into(),
        Form::YesNo => match text.to_lowercase().as_str() {
            "yes" | "y" | "true" => true.into(),
            "no" | "n" | "false" => false.into(),
            _ => return Err("yes or no is expected".to_owned()),
        },
        Form::List => Array::from_iter(text.split(',').map(str::trim).filter(|one| !one.is_empty())).into(),
    })
}

/// Writes settings; makes their folder if it is missing. A link stays one, and the file's mode what it is.
pub fn write(file: &Path, text: &str) -> Result<(), SettingsError> {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let refused = |why: String| SettingsError::Unwritable { file: file.display().to_string(), why };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private::make_folder(folder).map_err(|error| refused(error.to_string()))?;
    private::write_over(&file, text.as_bytes()).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::KINDS;

    fn practice(name: &str) -> NewTable {
        let kind = &KINDS[0];
        let mut table = NewTable::new(&name.parse().unwrap(), kind);
        for (question, text) in kind.questions().zip(["http://127.0.0.1:8460", "env:TOKEN"]) {
            table.answer(question, text).unwrap();
        }
        table
    }

    const NEW: &str = "[idp.acme]\nkind = \"embedded\"\nurl = \"http://127.0.0.1:8460\"\ntoken = \"env:TOKEN\"\n";

    /// The new file, where this was the old one.
    fn added_to(old: &str) -> Result<String, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keywright.toml");
        std::fs::write(&file, old).unwrap();
        practice("acme").added_to(&file)
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let other = NEW.replace("acme", "other");
        for (old, between) in [
            (String::new(), ""),
            ("# nothing yet\n".to_owned(), "\n"),
            ("profiles = 'p'   # ours\n".to_owned(), "\n"),
            (format!("  readers=[]\n\n{other}"), "\n"),
            // What is commented out stays with its table.
            (format!("{other}# ca = \"ca.pem\"\n"), "\n"),
            (format!("{other}# ca = \"ca.pem\"\n\n"), ""),
            (other.trim_end().to_owned(), "\n\n"),
            (format!("# \u{e9}\n{other}\n# the second\n[idp.third]\n{}", NEW.split_once('\n').unwrap().1), "\n"),
        ] {
            assert_eq!(added_to(&old).unwrap(), format!("{old}{between}{NEW}"), "{old}");
        }
        let inline =
            "idp = { b = { kind = \"embedded\", url = \"http://127.0.0.1:1\", token = \"env:B\" } } # one line\n";
        let new = added_to(inline).unwrap();
        assert!(new.starts_with("idp = { b = {") && new.ends_with("# one line\n"), "{new}");
        assert!(Settings::parse(Path::new("k.toml"), &new).unwrap().idp.contains_key("acme"));
    }

    #[test]
    fn what_would_not_read_is_not_made() {
        let error = |old: &str| added_to(old).unwrap_err();
        assert!(matches!(error(NEW), SettingsError::IdpExists { .. }));
        assert!(matches!(error("profile = 1\n"), SettingsError::Setting { line: 1, column: 1, .. }));
        assert!(matches!(error("[idp"), SettingsError::Setting { line: 1, .. }));

        let unfinished = NewTable::new(&"acme".parse().unwrap(), &KINDS[0]);
        let error = unfinished.added_to(Path::new("no-such-file")).unwrap_err();
        assert!(matches!(&error, SettingsError::WillNotRead { .. }), "{error}");
        assert!(error.to_string().contains("missing field"), "{error}");
    }

    #[test]
    fn answers_are_written_as_the_settings_want_them() {
        let written = |form, text| value(form, text).map(|value| value.to_string());
        assert_eq!(written(Form::Text, "a\\b").unwrap(), "'a\\b'");
        assert_eq!(written(Form::Number, "43200").unwrap(), "43200");
        assert_eq!(written(Form::YesNo, "Yes").unwrap(), "true");
        assert_eq!(written(Form::YesNo, "n").unwrap(), "false");
        assert_eq!(written(Form::List, "a, b,").unwrap(), "[\"a\", \"b\"]");
        for (form, text) in [(Form::Number, "hunter2"), (Form::YesNo, "hunter2"), (Form::OneOf(&["a"]), "hunter2")] {
            assert!(!written(form, text).unwrap_err().contains("hunter2"));
        }
        let kind = &KINDS[0];
        let url = kind.questions().next().unwrap();
        let error = NewTable::new(&"acme".parse().unwrap(), kind).answer(url, "a\nb").unwrap_err();
        assert_eq!(error, "an answer is one line");
    }

    #[test]
    fn a_name_is_a_bare_key() {
        for name in ["acme", "Acme_2", "0-1", &"a".repeat(64)] {
            assert_eq!(name.parse::<IdpName>().unwrap().to_string(), name);
        }
        for name in ["", "a.b", "a b", "\u{e9}", "http://a", "a\"", &"a".repeat(65)] {
            assert!(name.parse::<IdpName>().is_err(), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.toml"), folder.path().join("keywright.toml"));
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink("real.toml", &link).unwrap();
        write(&link, NEW).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), NEW);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);

        let new = folder.path().join("a/b/keywright.toml");
        write(&new, NEW).unwrap();
        assert_eq!(std::fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o600);
        // Nothing is left beside it.
        assert_eq!(std::fs::read_dir(new.parent().unwrap()).unwrap().count(), 1);
    }
}
