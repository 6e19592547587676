//! Where secrets come from: a prompt, a file, a descriptor or an environment variable. Never the command line.

use secrecy::SecretString;

use super::SecretError;

/// A place to take a secret from, as people write it: `prompt`, `file:PATH`, `fd:N`, `env:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The terminal, without echo.
    Prompt,
    /// The first line of a file.
    File(std::path::PathBuf),
    /// The first line from an open descriptor.
    Descriptor(i32),
    /// An environment variable.
    Environment(String),
}

impl std::str::FromStr for SecretSource {
    type Err = String;

    /// Refuses anything else, so that a secret given by mistake is not taken for a place (and is not repeated in the error).
    fn from_str(_text: &str) -> Result<Self, Self::Err> {
        todo!()
    }
}

impl SecretSource {
    /// Takes the secret; `what` is shown at a prompt.
    pub fn take(&self, _what: &str) -> Result<SecretString, SecretError> {
        todo!()
    }
}
