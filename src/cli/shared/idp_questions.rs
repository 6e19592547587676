//! Asking what the settings have to say of an IdP: one question for each key of its kind.
//!
//! It refuses secrets: it asks where they are. Without a terminal, everything that is not answered is told at once.

use std::path::{Path, PathBuf};

use crate::cli::shared::idp_answer::Answer;
use crate::cli::shared::{CliError, Session};
use crate::idp::question::{Asked, Form, Question};
use crate::idp::{KINDS, Kind};
use crate::secret::{PLACES, SecretSource};
use crate::settings::{self, IdpName, MissingAnswer, NewTable, SettingsError};

/// The kind that was named, or that a person chooses.
pub(crate) fn kind(given: Option<&str>, session: &Session) -> Result<&'static Kind, CliError> {
    let named = |name: &str| KINDS.iter().find(|kind| kind.name == name);
    // The argument's parser lets no other name through.
    if let Some(kind) = given.and_then(named) {
        return Ok(kind);
    }
    if !session.console.looks().asks {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        return Err(CliError::Usage(format!("which kind of IdP is it? --kind takes one of: {}", names.join(", "))));
    }
    let width = KINDS.iter().map(|kind| kind.name.len()).max().unwrap_or(0);
    session.console.say("Which kind of IdP is it?");
    for kind in KINDS {
        session.console.say(&format!("  {:width$}  {}", kind.name, kind.title));
    }
    loop {
        let typed = session.console.ask("kind: ")?;
        match named(&typed) {
            Some(kind) => return Ok(kind),
            None => session.console.say(&format!("  \"{typed}\" is not one of these kinds")),
        }
    }
}

/// Asks what this kind's table needs and was not answered beforehand.
pub(crate) fn ask(
    name: &IdpName,
    kind: &Kind,
    given: &[Answer],
    file: &Path,
    session: &Session,
) -> Result<NewTable, CliError> {
    let mut table = NewTable::new(name, kind);
    let console = &session.console;
    let (mut asked, mut missing) = (0, Vec::new());
    for question in kind.questions() {
        let answered = given.iter().find(|answer| answer.key == question.key);
        match answered {
            Some(Answer { key, text }) => {
                take(&mut table, question, text, file).map_err(|why| CliError::Usage(format!("--set {key}: {why}")))?;
            }
            None if !table.wants(question) => {}
            None if console.looks().asks => {
                if asked == 0 {
                    console.say("Enter accepts what is in brackets; Ctrl-C ends this without changing anything.");
                    let folder = file.parent().unwrap_or(Path::new("")).display();
                    console.say(&format!("Files without a folder are looked for beside the settings, in {folder}."));
                }
                asked += 1;
                ask_one(name, question, &mut table, file, session)?;
            }
            None if question.otherwise.is_none() => missing.push(question),
            None => {}
        }
    }
    if asked > 0 {
        console.say("");
    }
    if missing.is_empty() {
        return Ok(table);
    }
    Err(SettingsError::Unanswered { missing: unanswered(name, kind, &missing) }.into())
}

/// What has to be answered. Keys that are asked for in the absence of another are named after that one, which spares them.
fn unanswered(name: &IdpName, kind: &Kind, unanswered: &[&Question]) -> Vec<MissingAnswer> {
    let mut missing: Vec<MissingAnswer> = Vec::new();
    for question in unanswered {
        let spared_by = match question.asked {
            Asked::Without(key) => kind.questions().find(|other| other.key == key),
            Asked::Always | Asked::With(_) => None,
        };
        let first = spared_by.unwrap_or(question);
        if missing.iter().all(|one| one.key != first.key) {
            missing.push(MissingAnswer { key: first.key, example: example(name, first), otherwise: Vec::new() });
        }
        if let (Some(_), Some(one)) = (spared_by, missing.iter_mut().find(|one| one.key == first.key)) {
            one.otherwise.push(question.key);
        }
    }
    missing
}

/// Until the answer will do.
fn ask_one(
    name: &IdpName,
    question: &Question,
    table: &mut NewTable,
    file: &Path,
    session: &Session,
) -> Result<(), CliError> {
    let console = &session.console;
    console.say(&format!("\n{}", question.asks));
    if !question.found.is_empty() {
        console.say(&format!("  {}", question.found));
    }
    let default = match (question.otherwise, question.form) {
        (None, Form::Place) => Some(example(name, question)),
        _ => None,
    };
    if question.form == Form::Place {
        console.say(&format!("  not the secret itself, but its place: {PLACES}"));
    }
    let shown = match (question.otherwise, &default, question.form) {
        (Some(otherwise), ..) => format!(" [{otherwise}]"),
        (None, Some(default), _) => format!(" [{default}]"),
        (None, None, Form::OneOf(words)) => format!(" ({})", words.join(" or ")),
        (None, None, _) => format!(" (such as {})", question.example),
    };
    loop {
        let typed = console.ask(&format!("{}{shown}: ", question.key))?;
        let text = match (typed.is_empty(), &default) {
            (false, _) => typed.as_str(),
            (true, Some(default)) => default,
            (true, None) if question.otherwise.is_some() => return Ok(()),
            (true, None) => continue,
        };
        match take(table, question, text, file) {
            Ok(()) => return Ok(()),
            Err(why) => console.say(&format!("  {why}")),
        }
    }
}

/// Takes an answer, or says why it will not do. A file of certificates that is named has to be there, and to have some.
fn take(table: &mut NewTable, question: &Question, text: &str, file: &Path) -> Result<(), String> {
    if question.form == Form::Certificates {
        let named = file.parent().unwrap_or(Path::new("")).join(text);
        settings::certificates(&named).map_err(|why| format!("{}: {why}", named.display()))?;
    }
    table.answer(question, text)
}

/// An answer; for a secret, a file beside the settings that is called after the IdP and the key.
fn example(name: &IdpName, question: &Question) -> String {
    match question.form {
        Form::Place => format!("file:{name}.{}", question.key),
        _ => question.example.to_owned(),
    }
}

/// The secrets' files that are named and not there yet.
pub(crate) fn secrets_to_write(
    kind: &Kind,
    table: &serde_json::Map<String, serde_json::Value>,
    settings: &Path,
) -> Vec<PathBuf> {
    let folder = settings.parent().unwrap_or(Path::new(""));
    let places = kind.questions().filter(|question| question.form == Form::Place);
    let named = places.filter_map(|question| table.get(question.key)?.as_str()?.parse::<SecretSource>().ok());
    let files = named.filter_map(|place| match place.from_folder(folder) {
        SecretSource::File(path) => Some(path),
        _ => None,
    });
    files.filter(|path| !path.exists()).collect()
}
