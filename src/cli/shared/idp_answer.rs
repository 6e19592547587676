//! Answers to the questions of an IdP's table, as the command line gives them (`--set KEY=VALUE`).
//!
//! It refuses to print one: a secret may have been put where its place was asked for.

use std::path::Path;
use std::str::FromStr;

use crate::cli::shared::CliError;
use crate::idp::Kind;

/// `KEY=VALUE`. Prints its key only.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The key, as in the settings.
    pub(crate) key: String,
    /// The answer.
    pub(crate) text: String,
}

impl FromStr for Answer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, text) = text.split_once('=').ok_or("an answer is KEY=VALUE")?;
        Ok(Self { key: key.trim().to_owned(), text: text.trim().to_owned() })
    }
}

/// Refuses answers to what this kind of IdP does not ask, and two to one question.
pub(crate) fn refuse_stray(answers: &[Answer], kind: &Kind) -> Result<(), CliError> {
    for (at, Answer { key, .. }) in answers.iter().enumerate() {
        if answers[..at].iter().any(|earlier| earlier.key == *key) {
            return Err(CliError::Usage(format!("--set {key} is given twice")));
        }
        refuse_unknown_key(key, kind)?;
    }
    Ok(())
}

/// Refuses a key that this kind of IdP does not have.
pub(crate) fn refuse_unknown_key(key: &str, kind: &Kind) -> Result<(), CliError> {
    if kind.questions().any(|question| question.key == key) {
        return Ok(());
    }
    let keys: Vec<_> = kind.questions().map(|question| question.key).collect();
    Err(CliError::Usage(format!("an IdP of kind {} has no key \"{key}\"; it has {}", kind.name, keys.join(", "))))
}

/// A path as a person can paste it.
pub(crate) fn for_a_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |char: char| char.is_alphanumeric() || "/._-+,:@%".contains(char);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
