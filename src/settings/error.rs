//! What can be wrong with settings.

use std::path::Path;

use keywright_files::FileError;

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
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
    /// The file cannot be written.
    #[error("{file} cannot be written: {why}")]
    Unwritable {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
    /// Others can change the file, or put another in its place: what it says would be done with this account's rights.
    #[error(transparent)]
    Shared(FileError),
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
    /// A URL was named, and this program has no practice IdP to speak to.
    #[error(
        "an identity provider is named in the settings, not by a URL: this keywright was built without the practice IdP"
    )]
    NoPracticeIdp,
    /// A URL was named, and no token.
    #[error("an identity provider's URL needs a token")]
    NoToken,
}

/// What is wrong, and at which byte.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) why: String,
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

impl Wrong {
    /// Says where it is, in this text of this file.
    pub(super) fn in_file(self, file: &Path, text: &str) -> SettingsError {
        let (line, column) = position(text, self.at);
        SettingsError::Setting { file: file.display().to_string(), line, column, why: self.why }
    }
}

/// Line and column, both from 1, of a byte's place in a text.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
