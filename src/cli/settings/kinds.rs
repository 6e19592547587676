//! The kinds of IdP that can be set up, with their questions.
//!
//! A kind is added with a line of [`KINDS`]; its questions are the adapter's `QUESTIONS`, beside its settings. The tests here
//! hold them against what the settings read.

use crate::idp::question::Question;
use crate::idp::{embedded, entra, manual, okta, ping_one, privacy_idea, zitadel};

/// A kind of IdP.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The table's `kind`.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// What its settings need: first what it has of its own, then the way there.
    pub questions: &'static [&'static [Question]],
}

/// All kinds, in the order of [`super::IdpSettings`].
pub const KINDS: &[Kind] = &[
    Kind { name: "embedded", title: "the practice IdP, keywright idp serve", questions: &[embedded::QUESTIONS] },
    Kind { name: "entra", title: "Microsoft Entra ID", questions: &[entra::QUESTIONS, NETWORK] },
    Kind {
        name: "google-workspace",
        title: "Google Workspace, Cloud Identity: registered by hand",
        questions: &[manual::GOOGLE_QUESTIONS],
    },
    Kind { name: "okta", title: "Okta", questions: &[okta::QUESTIONS, NETWORK] },
    Kind { name: "ping-one", title: "PingOne", questions: &[ping_one::QUESTIONS, NETWORK] },
    Kind { name: "privacy-idea", title: "privacyIDEA", questions: &[privacy_idea::QUESTIONS, NETWORK] },
    Kind { name: "zitadel", title: "Zitadel", questions: &[zitadel::QUESTIONS, NETWORK] },
    Kind { name: "manual", title: "any other identity provider: registered by hand", questions: &[manual::QUESTIONS] },
];

/// The way to an IdP that is not on this machine: keys that every table may have.
const NETWORK: &[Question] = &[
    Question::text("ca", "Which file has the certificate of your company's own CA?", "company-ca.pem")
        .found("only if the IdP's certificate is not from a public CA; PEM, relative to the folder of keywright.toml")
        .or("the system's CAs alone"),
    Question::text("proxy", "Which proxy is on the way to it?", "http://proxy.example.org:3128")
        .found("http://host:port; with a password in it, the place of the whole address, such as file:PATH")
        .or("$HTTPS_PROXY, if it is set"),
];

impl Kind {
    /// All its questions.
    pub fn questions(&self) -> impl Iterator<Item = &'static Question> + use<> {
        self.questions.iter().copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::{NewTable, SettingsError};
    use super::*;
    use crate::cli::settings::Settings;
    use crate::idp::question::{Asked, Form};

    fn example(question: &Question) -> &'static str {
        if question.form == Form::Place { "file:acme.secret" } else { question.example }
    }

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        Settings::parse(Path::new("/etc/keywright/keywright.toml"), text)
    }

    /// The names between backticks in an error of serde's, after the one that it found.
    fn expected(error: &str) -> BTreeSet<&str> {
        error.split('`').skip(3).step_by(2).collect()
    }

    fn refusal(text: &str) -> String {
        parse(text).expect_err("it was read").to_string()
    }

    #[test]
    fn kinds_are_those_that_the_settings_read() {
        let names: BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(expected(&refusal("[idp.acme]\nkind = \"none\"\n")), names);
    }

    #[test]
    fn questions_are_about_the_keys_that_the_settings_read() {
        for kind in KINDS {
            let own: BTreeSet<_> = kind.questions[0].iter().map(|question| question.key).collect();
            let error = refusal(&format!("[idp.acme]\nkind = \"{}\"\nno-such-key = 1\n", kind.name));
            assert_eq!(expected(&error), own, "{}: {error}", kind.name);
            assert_eq!(own.len(), kind.questions[0].len(), "{}: a key is asked for twice", kind.name);
        }
    }

    /// A table with the examples of those questions that are chosen.
    fn filled(kind: &Kind, chosen: impl Fn(&Question) -> bool) -> NewTable {
        let mut table = NewTable::new(&"acme".parse().unwrap(), kind);
        for question in kind.questions().filter(|question| chosen(question)) {
            if table.wants(question) {
                let answered = table.answer(question, example(question));
                assert_eq!(answered, Ok(()), "{} {}", kind.name, question.key);
            }
        }
        table
    }

    #[test]
    fn what_has_to_be_answered_is_what_the_settings_cannot_do_without() {
        for kind in KINDS {
            let needed = |question: &Question| question.otherwise.is_none();
            for table in [filled(kind, |_| true), filled(kind, needed)] {
                let read = parse(&table.to_string());
                assert!(read.is_ok(), "{}: {}\n{table}", kind.name, read.err().unwrap());
            }
            for left_out in kind.questions().filter(|question| needed(question) && question.asked == Asked::Always) {
                let error = refusal(&filled(kind, |question| question.key != left_out.key).to_string());
                assert!(error.contains(&format!("missing field `{}`", left_out.key)), "{}: {error}", kind.name);
            }
        }
    }

    #[test]
    fn a_question_says_what_it_has_to() {
        for kind in KINDS {
            let mut earlier = BTreeSet::new();
            for question in kind.questions() {
                let whose = format!("{} {}", kind.name, question.key);
                assert!(question.asks.ends_with('?'), "{whose}");
                assert!(!question.found.ends_with('.'), "{whose}");
                if let Asked::With(key) | Asked::Without(key) = question.asked {
                    assert!(earlier.contains(key), "{whose} goes by {key}, which is not asked before it");
                }
                earlier.insert(question.key);
            }
        }
    }

    #[test]
    fn a_secret_is_no_place() {
        for kind in KINDS {
            for question in kind.questions().filter(|question| question.form == Form::Place) {
                let mut table = NewTable::new(&"acme".parse().unwrap(), kind);
                let error = table.answer(question, "hunter2").unwrap_err();
                assert!(error.contains("only its place") && !error.contains("hunter2"), "{error}");
                assert_eq!(table.values().len(), 1, "the answer was kept");
            }
        }
    }
}
