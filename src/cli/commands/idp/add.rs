//! `keywright idp add`: a table of the settings, made by asking.
//!
//! It refuses secrets: it asks where they are. It signs in nowhere; that is what 'keywright idp check' does.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde::Serialize;

use crate::cli::shared::arguments::unrepeated;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::idp::question::{Asked, Form, Question};
use crate::idp::{KINDS, Kind};
use crate::secret::{PLACES, SecretSource};
use crate::settings::{IdpName, MissingAnswer, NewTable, Settings, SettingsError, refuse_name, write};

/// Set an identity provider up: questions, and a new table [idp.NAME] in the settings.
///
/// Each question says where in the IdP's console the answer is found. A secret is never asked for, only the place where it is
/// kept. The settings keep their comments and their order; nobody is asked to sign in.
#[derive(Args)]
#[command(after_long_help = format!("{EXAMPLE}\n\n{}", all_keys()))]
pub(crate) struct Add {
    /// What you want to call it: letters, digits, dashes, underscores
    #[arg(value_name = "NAME")]
    name: IdpName,
    /// What it is
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    kind: Option<String>,
    /// An answer beforehand (repeatable); without a terminal, every answer that is needed
    #[arg(long, value_name = "KEY=VALUE", value_parser = unrepeated::<Answer>())]
    set: Vec<Answer>,
    /// Print the table, and write nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLE: &str = "\
Example:
  keywright idp add acme
  keywright idp add corp --kind zitadel --set url=https://id.example.org --set token=env:PAT";

/// `KEY=VALUE`. Prints its key only.
#[derive(Clone)]
struct Answer {
    key: String,
    text: String,
}

impl FromStr for Answer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, text) = text.split_once('=').ok_or("an answer is KEY=VALUE")?;
        Ok(Self { key: key.trim().to_owned(), text: text.trim().to_owned() })
    }
}

#[derive(Serialize)]
struct Added<'a> {
    name: String,
    file: &'a Path,
    written: bool,
    table: serde_json::Map<String, serde_json::Value>,
    /// What to run next.
    next: String,
}

impl View for Added<'_> {
    const KIND: &'static str = "idp-added";
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(KINDS.iter().map(|kind| PossibleValue::new(kind.name).help(kind.title)))
}

fn all_keys() -> String {
    let mut text = String::from("Keys, those in brackets only if you need them:\n");
    let key = |question: &Question| match question.otherwise {
        None => question.key.to_owned(),
        Some(_) => format!("[{}]", question.key),
    };
    for kind in KINDS {
        let keys: Vec<_> = kind.questions().map(key).collect();
        text.push_str(&format!("  {}: {}\n", kind.name, keys.join(", ")));
    }
    text
}

impl Add {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let named = session.global.config.as_deref();
        let file = Settings::file(named).ok_or_else(|| {
            CliError::Usage("there is no home folder to keep settings in; name a file with --config".into())
        })?;
        // Before anybody answers questions for nothing.
        if file.exists() {
            refuse_name(&Settings::find(Some(&file))?, &file, &self.name)?;
        }
        let kind = self.kind(session)?;
        self.refuse_stray_answers(kind)?;
        let table = self.ask(kind, &file, session)?;
        let text = table.added_to(&file)?;
        if !self.dry_run {
            write(&file, &text)?;
        }
        let config = named.map(|file| format!(" --config {}", for_a_shell(file))).unwrap_or_default();
        let added = Added {
            name: self.name.to_string(),
            file: &file,
            written: !self.dry_run,
            table: table.values(),
            next: format!("keywright idp check {}{config}", self.name),
        };
        session.output.result(&added, || table.to_string())?;
        if !self.dry_run {
            session.console.say(&format!("added to {}", file.display()));
            for path in secrets_to_write(kind, &added.table, &file) {
                session
                    .console
                    .say(&format!("put the secret into {}, readable by you alone (chmod 600)", path.display()));
            }
            session.console.say(&format!("next: {}", added.next));
        }
        Ok(Exit::Done)
    }

    fn kind(&self, session: &Session) -> Result<&'static Kind, CliError> {
        let named = |name: &str| KINDS.iter().find(|kind| kind.name == name);
        // The argument's parser lets no other name through.
        if let Some(kind) = self.kind.as_deref().and_then(named) {
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
            if let Some(kind) = named(&session.console.ask("kind: ")?) {
                return Ok(kind);
            }
        }
    }

    fn refuse_stray_answers(&self, kind: &Kind) -> Result<(), CliError> {
        for (at, Answer { key, .. }) in self.set.iter().enumerate() {
            if self.set[..at].iter().any(|earlier| earlier.key == *key) {
                return Err(CliError::Usage(format!("--set {key} is given twice")));
            }
            if !kind.questions().any(|question| question.key == key) {
                let keys: Vec<_> = kind.questions().map(|question| question.key).collect();
                return Err(CliError::Usage(format!(
                    "an IdP of kind {} has no key \"{key}\"; it has {}",
                    kind.name,
                    keys.join(", ")
                )));
            }
        }
        Ok(())
    }

    fn ask(&self, kind: &Kind, file: &Path, session: &Session) -> Result<NewTable, CliError> {
        let mut table = NewTable::new(&self.name, kind);
        let console = &session.console;
        let (mut asked, mut missing) = (0, Vec::new());
        for question in kind.questions() {
            let given = self.set.iter().find(|answer| answer.key == question.key);
            match given {
                Some(Answer { key, text }) => {
                    table.answer(question, text).map_err(|why| CliError::Usage(format!("--set {key}: {why}")))?
                }
                None if !table.wants(question) => {}
                None if console.looks().asks => {
                    if asked == 0 {
                        console.say("Enter accepts what is in brackets; Ctrl-C ends this without changing anything.");
                        let folder = file.parent().unwrap_or(Path::new("")).display();
                        console
                            .say(&format!("Files without a folder are looked for beside the settings, in {folder}."));
                    }
                    asked += 1;
                    self.ask_one(question, &mut table, session)?;
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
        Err(SettingsError::Unanswered { missing: self.missing(kind, &missing) }.into())
    }

    /// What has to be answered. Keys that are asked for in the absence of another are named after that one, which spares them.
    fn missing(&self, kind: &Kind, unanswered: &[&Question]) -> Vec<MissingAnswer> {
        let mut missing: Vec<MissingAnswer> = Vec::new();
        for question in unanswered {
            let spared_by = match question.asked {
                Asked::Without(key) => kind.questions().find(|other| other.key == key),
                Asked::Always | Asked::With(_) => None,
            };
            let first = spared_by.unwrap_or(question);
            if missing.iter().all(|one| one.key != first.key) {
                missing.push(MissingAnswer { key: first.key, example: self.example(first), otherwise: Vec::new() });
            }
            if let (Some(_), Some(one)) = (spared_by, missing.iter_mut().find(|one| one.key == first.key)) {
                one.otherwise.push(question.key);
            }
        }
        missing
    }

    /// Until the answer will do.
    fn ask_one(&self, question: &Question, table: &mut NewTable, session: &Session) -> Result<(), CliError> {
        let console = &session.console;
        console.say(&format!("\n{}", question.asks));
        if !question.found.is_empty() {
            console.say(&format!("  {}", question.found));
        }
        let default = match (question.otherwise, question.form) {
            (None, Form::Place) => Some(self.example(question)),
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
            match table.answer(question, text) {
                Ok(()) => return Ok(()),
                Err(why) => console.say(&format!("  {why}")),
            }
        }
    }

    /// An answer; for a secret, a file beside the settings that is called after the IdP and the key.
    fn example(&self, question: &Question) -> String {
        match question.form {
            Form::Place => format!("file:{}.{}", self.name, question.key),
            _ => question.example.to_owned(),
        }
    }
}

/// A path as a person can paste it.
fn for_a_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |char: char| char.is_alphanumeric() || "/._-+,:@%".contains(char);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The secrets' files that are named and not there yet.
fn secrets_to_write(kind: &Kind, table: &serde_json::Map<String, serde_json::Value>, settings: &Path) -> Vec<PathBuf> {
    let folder = settings.parent().unwrap_or(Path::new(""));
    let places = kind.questions().filter(|question| question.form == Form::Place);
    let named = places.filter_map(|question| table.get(question.key)?.as_str()?.parse::<SecretSource>().ok());
    let files = named.filter_map(|place| match place.from_folder(folder) {
        SecretSource::File(path) => Some(path),
        _ => None,
    });
    files.filter(|path| !path.exists()).collect()
}
