//! Holds the questions of every kind against what the settings read.

use std::collections::BTreeSet;
use std::path::Path;

use super::{NewTable, Settings, SettingsError};
use crate::idp::question::{Asked, Form, Question};
use crate::idp::{KINDS, Kind};

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
