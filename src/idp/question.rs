//! What a person is asked to set an IdP up (`keywright idp add`): one question for each key of an adapter's settings.
//!
//! Every adapter has its `QUESTIONS` beside its `Settings`, in the order in which they are best answered:
//!
//! ```
//! # use keywright::idp::question::Question;
//! pub const QUESTIONS: &[Question] = &[
//!     Question::text("url", "At what address is the instance?", "https://login.example.org")
//!         .found("the console's address, without what follows the host"),
//!     Question::place("token", "Where does the personal access token come from?")
//!         .found("console: Users > Service Users > the account > Personal Access Tokens > New"),
//!     Question::text("organization", "What is the organization's id?", "69629023906488334").or("the service account's own"),
//! ];
//! ```
//!
//! An answer is read as the settings are read, so nothing is said here about what is valid. It refuses to ask for a secret:
//! only for its place.

/// A question, whose answer is the value of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The key, as in the settings.
    pub key: &'static str,
    /// What is asked, in one sentence with its question mark.
    pub asks: &'static str,
    /// Where the answer is found, as a path through the IdP's console; empty if the question says enough.
    pub found: &'static str,
    /// An answer that the settings read; empty for a place.
    pub example: &'static str,
    /// How the answer is written.
    pub form: Form,
    /// When it is asked.
    pub asked: Asked,
    /// What holds where the key is not set, in words; `None`: it has to be set.
    pub otherwise: Option<&'static str>,
}

/// How an answer is written, and what it becomes in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line of text.
    Text,
    /// The name of a file with certificates.
    Certificates,
    /// The place of a secret, [`crate::secret::SecretSource`].
    Place,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Number,
    /// `yes` or `no`.
    YesNo,
    /// Several texts, separated by commas.
    List,
}

/// When a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Of everybody.
    Always,
    /// If this key, which is asked for earlier, was answered.
    With(&'static str),
    /// If it was not.
    Without(&'static str),
}

impl Question {
    const fn new(key: &'static str, asks: &'static str, example: &'static str, form: Form) -> Self {
        Self { key, asks, found: "", example, form, asked: Asked::Always, otherwise: None }
    }

    /// A text, and how it may look.
    pub const fn text(key: &'static str, asks: &'static str, example: &'static str) -> Self {
        Self::new(key, asks, example, Form::Text)
    }

    /// The name of a file with certificates, relative to the settings.
    pub const fn certificates(key: &'static str, asks: &'static str, example: &'static str) -> Self {
        Self::new(key, asks, example, Form::Certificates)
    }

    /// The place of a secret.
    pub const fn place(key: &'static str, asks: &'static str) -> Self {
        Self::new(key, asks, "", Form::Place)
    }

    /// One of several words. There has to be one at least.
    pub const fn one_of(key: &'static str, asks: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(key, asks, words[0], Form::OneOf(words))
    }

    /// A whole number.
    pub const fn number(key: &'static str, asks: &'static str, example: &'static str) -> Self {
        Self::new(key, asks, example, Form::Number)
    }

    /// Yes or no.
    pub const fn yes_no(key: &'static str, asks: &'static str) -> Self {
        Self::new(key, asks, "yes", Form::YesNo)
    }

    /// Several texts, separated by commas.
    pub const fn list(key: &'static str, asks: &'static str, example: &'static str) -> Self {
        Self::new(key, asks, example, Form::List)
    }

    /// Says where the answer is found.
    pub const fn found(self, found: &'static str) -> Self {
        Self { found, ..self }
    }

    /// Need not be answered: says what holds then, such as `the url's host`.
    pub const fn or(self, otherwise: &'static str) -> Self {
        Self { otherwise: Some(otherwise), ..self }
    }

    /// Asked only if this key was answered.
    pub const fn with(self, key: &'static str) -> Self {
        Self { asked: Asked::With(key), ..self }
    }

    /// Asked only if this key was not answered.
    pub const fn without(self, key: &'static str) -> Self {
        Self { asked: Asked::Without(key), ..self }
    }
}
