//! The kinds of IdP that can be set up: one entry each in [`KINDS`], and nothing else of the program lists them.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::connection::IdpSettings;
#[cfg(feature = "practice")]
use super::embedded;
use super::question::Question;
use super::{auth0, entra, google_workspace, manual, okta, ping_one, privacy_idea, zitadel};

/// A kind of IdP.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The table's `kind`.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// What its settings need: first what it has of its own, then the way there.
    pub questions: &'static [&'static [Question]],
    read: ReadTable,
}

/// Reads what a table has of a kind's own.
type ReadTable = fn(Spanned<DeValue<'_>>) -> Result<Arc<dyn IdpSettings>, toml::de::Error>;

/// The practice IdP's kind, which a station's build does not have.
pub const PRACTICE_KIND: &str = "embedded";

/// All kinds, as they are listed for people.
pub const KINDS: &[Kind] = &[
    #[cfg(feature = "practice")]
    Kind::new::<embedded::Settings>(PRACTICE_KIND, "the practice IdP, keywright idp serve", &[embedded::QUESTIONS]),
    Kind::new::<auth0::Settings>("auth0", "Auth0", &[auth0::QUESTIONS, NETWORK]),
    Kind::new::<entra::Settings>("entra", "Microsoft Entra ID", &[entra::QUESTIONS, NETWORK]),
    Kind::new::<google_workspace::Settings>(
        "google-workspace",
        "Google Workspace, Cloud Identity: registered by hand",
        &[google_workspace::QUESTIONS, NETWORK],
    ),
    Kind::new::<okta::Settings>("okta", "Okta", &[okta::QUESTIONS, NETWORK]),
    Kind::new::<ping_one::Settings>("ping-one", "PingOne", &[ping_one::QUESTIONS, NETWORK]),
    Kind::new::<privacy_idea::Settings>("privacy-idea", "privacyIDEA", &[privacy_idea::QUESTIONS, NETWORK]),
    Kind::new::<zitadel::Settings>("zitadel", "Zitadel", &[zitadel::QUESTIONS, NETWORK]),
    Kind::new::<manual::Settings>("manual", "any other identity provider: registered by hand", &[manual::QUESTIONS]),
];

/// The way to an IdP that is not on this machine: keys that every table may have.
const NETWORK: &[Question] = &[
    Question::certificates("ca", "Which file has the certificate of your company's own CA?", "company-ca.pem")
        .found("only if the IdP's certificate is not from a public CA; PEM, relative to the folder of keywright.toml")
        .or("the system's CAs alone"),
    Question::text("proxy", "Which proxy is on the way to it?", "http://proxy.example.org:3128")
        .found("http://host:port; with a password in it, the place of the whole address, such as file:PATH")
        .or("$HTTPS_PROXY, if it is set"),
];

impl Kind {
    /// `S` is what the kind's tables are read as.
    const fn new<S: IdpSettings + DeserializeOwned + 'static>(
        name: &'static str,
        title: &'static str,
        questions: &'static [&'static [Question]],
    ) -> Self {
        let read = |table: Spanned<DeValue<'_>>| Ok(Arc::new(S::deserialize(ValueDeserializer::from(table))?) as _);
        Self { name, title, questions, read }
    }

    /// The kind with this name, if there is one.
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// All its questions.
    pub fn questions(&self) -> impl Iterator<Item = &'static Question> + use<> {
        self.questions.iter().copied().flatten()
    }

    /// Reads what a table has of its own, without the keys that all kinds have in common.
    pub fn read(&self, table: Spanned<DeValue<'_>>) -> Result<Arc<dyn IdpSettings>, toml::de::Error> {
        (self.read)(table)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
