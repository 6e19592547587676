//! `keywright idp edit`: other answers in an IdP's table of the settings.
//!
//! It refuses secrets: it asks where they are. It signs in nowhere; that is what 'keywright idp check' does.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::unrepeated;
use crate::cli::shared::idp_answer::{Answer, for_a_shell, refuse_stray, refuse_unknown_key};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::idp::Kind;
use crate::idp::question::{Asked, Question};
use crate::settings::{Settings, SettingsError, answers, with_answers, write};

/// Change what the settings say of an identity provider: each question again, with what stands there now.
///
/// The settings keep their comments and their order, and what would not read is not written. With --set or --unset nothing is
/// asked. The kind stays: another kind is another IdP.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright idp edit acme\n  keywright idp edit acme --set token=file:new-token --unset proxy"
)]
pub(crate) struct Edit {
    /// Its name in the settings
    #[arg(value_name = "NAME")]
    name: String,
    /// A new answer (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = unrepeated::<Answer>())]
    set: Vec<Answer>,
    /// A key to take out (repeatable); what holds without it holds from then on
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Print the file as it would be, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// New answers; `None` takes a key out.
type Changes = Vec<(&'static Question, Option<String>)>;

#[derive(Serialize)]
struct Edited<'a> {
    name: &'a str,
    file: &'a Path,
    written: bool,
    /// The keys with another answer.
    changed: Vec<&'static str>,
    /// What to run next.
    next: String,
}

impl View for Edited<'_> {
    const KIND: &'static str = "idp-edited";
}

impl Edit {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let named = session.global.config.as_deref();
        let file = Settings::file(named).ok_or(SettingsError::NoIdp)?;
        let before = answers(&file, &self.name)?;
        let settings = session.settings()?;
        // Reading the answers refused a name that is not there.
        let kind = settings.idp.get(&self.name).ok_or(SettingsError::NoIdp)?.kind();
        let changes = self.changes(kind, &before, session)?;
        let text = with_answers(&file, &self.name, &changes)?;
        if !self.dry_run && !changes.is_empty() {
            write(&file, &text)?;
        }
        let config = named.map(|file| format!(" --config {}", for_a_shell(file))).unwrap_or_default();
        let edited = Edited {
            name: &self.name,
            file: &file,
            written: !self.dry_run && !changes.is_empty(),
            changed: changes.iter().map(|(question, _)| question.key).collect(),
            next: format!("keywright idp check {}{config}", self.name),
        };
        session.output.result(&edited, || match (self.dry_run, edited.changed.is_empty()) {
            (true, _) => text.clone(),
            (false, true) => format!("nothing is changed in {}", file.display()),
            (false, false) => format!("changed in {}: {}", file.display(), edited.changed.join(", ")),
        })?;
        if edited.written {
            session.console.say(&format!("next: {}", edited.next));
        }
        Ok(Exit::Done)
    }

    /// What is answered otherwise than now.
    fn changes(&self, kind: &Kind, before: &BTreeMap<String, String>, session: &Session) -> Result<Changes, CliError> {
        let mut changes = Changes::new();
        if self.set.is_empty() && self.unset.is_empty() {
            if !session.console.looks().asks {
                return Err(CliError::Usage(
                    "there is no terminal to ask on; name what changes with --set or --unset".into(),
                ));
            }
            session
                .console
                .say("Enter keeps what is in brackets, - takes it out; Ctrl-C ends this without changing anything.");
            for question in kind.questions() {
                changes.extend(ask(question, before, &changes, session)?);
            }
        } else {
            refuse_stray(&self.set, kind)?;
            self.unset.iter().try_for_each(|key| refuse_unknown_key(key, kind))?;
            for question in kind.questions() {
                let set = self.set.iter().find(|answer| answer.key == question.key);
                let unset = self.unset.iter().any(|key| key == question.key);
                match (set, unset) {
                    (Some(_), true) => {
                        return Err(CliError::Usage(format!("{} is set and taken out at once", question.key)));
                    }
                    (Some(answer), false) => changes.push((question, Some(answer.text.clone()))),
                    (None, true) => changes.push((question, None)),
                    (None, false) => {}
                }
            }
        }
        changes.retain(|(question, answer)| before.get(question.key) != answer.as_ref());
        Ok(changes)
    }
}

/// One question; `None` if it is not to be asked, or the answer stays.
fn ask(
    question: &'static Question,
    before: &BTreeMap<String, String>,
    changes: &Changes,
    session: &Session,
) -> Result<Option<(&'static Question, Option<String>)>, CliError> {
    let there = |key: &str| {
        let changed = changes.iter().find(|(question, _)| question.key == key);
        changed.map_or_else(|| before.contains_key(key), |(_, answer)| answer.is_some())
    };
    let wanted = match question.asked {
        Asked::Always => true,
        Asked::With(key) => there(key),
        Asked::Without(key) => !there(key),
    };
    let now = before.get(question.key);
    if !wanted && now.is_none() {
        return Ok(None);
    }
    session.console.say(&format!("\n{}", question.asks));
    if !question.found.is_empty() {
        session.console.say(&format!("  {}", question.found));
    }
    let shown = now.map(String::as_str).or(question.otherwise).unwrap_or("none");
    let typed = session.console.ask(&format!("{} [{shown}]: ", question.key))?;
    Ok(match typed.as_str() {
        "" => None,
        "-" => Some((question, None)),
        _ => Some((question, Some(typed))),
    })
}
