//! `keywright idp add`: a table of the settings, made by asking.
//!
//! It refuses secrets: it asks where they are. It signs in nowhere; that is what 'keywright idp check' does.

use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde::Serialize;

use crate::cli::shared::arguments::unrepeated;
use crate::cli::shared::idp_answer::{Answer, for_a_shell, refuse_stray};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, idp_questions};
use crate::idp::KINDS;
use crate::idp::question::Question;
use crate::settings::{IdpName, Settings, refuse_name, write};

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
        let kind = idp_questions::kind(self.kind.as_deref(), session)?;
        refuse_stray(&self.set, kind)?;
        let table = idp_questions::ask(&self.name, kind, &self.set, &file, session)?;
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
            for path in idp_questions::secrets_to_write(kind, &added.table, &file) {
                session
                    .console
                    .say(&format!("put the secret into {}, readable by you alone (chmod 600)", path.display()));
            }
            session.console.say(&format!("next: {}", added.next));
        }
        Ok(Exit::Done)
    }
}
