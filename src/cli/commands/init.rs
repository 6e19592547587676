//! `keywright init`: what a first batch needs, asked for one thing after the other and written down.
//!
//! It refuses secrets: it asks where they are. What is set already is left alone, so that it can be run again, and each answer is
//! written before the next question.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::unrepeated;
use crate::cli::shared::findings::station::find_program;
use crate::cli::shared::findings::{Finding, findings_text, station};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, idp_questions, judging, metadata};
use crate::profile::BUILT_IN;
use crate::secret::{LetterProgram, Reader};
use crate::settings::{IdpName, Settings, StationKeys, write};
use keywright_files::private;

/// Set this station up for its first batch: questions, and what they answer written down.
///
/// Asks for the IdP, who opens files with PINs (and makes an age identity for them), what prints PIN letters (and prints a test
/// page), whether the profiles are to be edited, and fetches FIDO's metadata. Enter takes what is in brackets. What is set already
/// is not asked again. At its end stands what is ready and what is left to do, as 'keywright doctor' has it.
///
/// Without a terminal, or with --yes, everything that is not named takes its default.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright init\n  keywright init --yes --letter-program lpr --no-metadata")]
pub(crate) struct Init {
    /// Who opens files with PINs (repeatable); 'none' for nobody
    #[arg(long, value_name = "NAME=age1...|none", value_parser = unrepeated::<ReaderAnswer>())]
    reader: Vec<ReaderAnswer>,
    /// The program that prints PIN letters, with its arguments; 'none' for none
    #[arg(long, value_name = "PROGRAM ARG...")]
    letter_program: Option<String>,
    /// Copy the built-in profiles into a folder beside the settings, to be edited
    #[arg(long)]
    copy_profiles: bool,
    /// Do not fetch FIDO's metadata
    #[arg(long)]
    no_metadata: bool,
    /// Ask nothing, and take the defaults
    #[arg(long)]
    yes: bool,
}

/// A reader, or that there is to be none.
#[derive(Clone)]
enum ReaderAnswer {
    Reader(Reader),
    Nobody,
}

impl std::str::FromStr for ReaderAnswer {
    type Err = crate::secret::SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::Nobody),
            _ => text.parse().map(Self::Reader),
        }
    }
}

#[derive(Serialize)]
struct SetUp<'a> {
    settings: &'a Path,
    state: PathBuf,
    /// Files that were made.
    made: Vec<PathBuf>,
    points: Vec<Finding>,
}

impl View for SetUp<'_> {
    const KIND: &'static str = "set-up";
}

/// One run: where things go, and what was made.
struct SettingUp<'a> {
    session: &'a Session,
    file: PathBuf,
    asks: bool,
    made: Vec<PathBuf>,
}

impl Init {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let file = Settings::file(session.global.config.as_deref()).ok_or_else(|| {
            CliError::Usage("there is no home folder to keep settings in; name a file with --config".into())
        })?;
        // Before anybody answers questions for nothing.
        let settings = if file.exists() { Settings::find(Some(&file))? } else { Settings::default() };
        let state = session.state()?.create()?.path().to_owned();
        let asks = session.console.looks().asks && !self.yes;
        let mut run = SettingUp { session, file, asks, made: Vec::new() };
        run.say(&format!("settings: {}\nstate:    {}", run.file.display(), state.display()));
        if asks {
            run.say("\nEnter takes what is in brackets; Ctrl-C ends this, and what was answered stays.");
        }
        if settings.idp.is_empty() {
            run.idp()?;
        }
        if settings.readers.is_empty() {
            run.readers(&self.reader)?;
        }
        if settings.letter_program.is_empty() {
            run.letters(self.letter_program.as_deref())?;
        }
        if settings.profiles.is_none() {
            run.profiles(self.copy_profiles)?;
        }
        if !self.no_metadata {
            run.metadata()?;
        }
        run.end(state)
    }
}

impl SettingUp<'_> {
    fn say(&self, text: &str) {
        self.session.console.say(text);
    }

    /// What a question is about, where it is asked.
    fn explain(&self, text: &str) {
        if self.asks {
            self.say(&format!("\n{text}"));
        }
    }

    /// Asks; `default` is what nobody being there, or Enter, answers.
    fn ask(&self, question: &str, default: &str) -> Result<String, CliError> {
        if !self.asks {
            return Ok(default.to_owned());
        }
        let typed = self.session.console.ask(&format!("{question} [{default}]: "))?;
        Ok(if typed.is_empty() { default.to_owned() } else { typed })
    }

    fn agrees(&self, question: &str, default: bool) -> Result<bool, CliError> {
        let answer = self.ask(question, if default { "yes" } else { "no" })?.to_lowercase();
        Ok(["y", "yes"].contains(&answer.as_str()))
    }

    fn write(&mut self, keys: &StationKeys) -> Result<(), CliError> {
        let new = !self.file.exists();
        write(&self.file, &keys.added_to(&self.file)?)?;
        if new {
            self.made.push(self.file.clone());
        }
        Ok(())
    }

    fn idp(&mut self) -> Result<(), CliError> {
        if !self.asks {
            return Ok(());
        }
        self.say("\nIdentity provider: where the accounts are. Leave it out for now with -");
        let name = loop {
            match self.ask("what you want to call it", "main")?.as_str() {
                "-" => return Ok(()),
                text => match IdpName::from_str(text) {
                    Ok(name) => break name,
                    Err(why) => self.say(&format!("  {why}")),
                },
            }
        };
        let kind = idp_questions::kind(None, self.session)?;
        let table = idp_questions::ask(&name, kind, &[], &self.file, self.session)?;
        let new = !self.file.exists();
        write(&self.file, &table.added_to(&self.file)?)?;
        if new {
            self.made.push(self.file.clone());
        }
        for path in idp_questions::secrets_to_write(kind, &table.values(), &self.file) {
            self.say(&format!("put the secret into {}, readable by you alone (chmod 600)", path.display()));
        }
        Ok(())
    }

    fn readers(&mut self, given: &[ReaderAnswer]) -> Result<(), CliError> {
        let named = |answer: &ReaderAnswer| match answer {
            ReaderAnswer::Reader(reader) => Some(reader.clone()),
            ReaderAnswer::Nobody => None,
        };
        let mut readers: Vec<Reader> = given.iter().filter_map(named).collect();
        if given.is_empty() {
            self.explain(
                "Who opens files with PINs? A name makes an age identity here; NAME=age1... takes one that is there; none, if \
                 PINs go out in letters alone.",
            );
            loop {
                match self.ask("reader", "keyroom")?.as_str() {
                    "none" => break,
                    text => match self.reader(text) {
                        Ok(reader) => {
                            readers.push(reader);
                            break;
                        }
                        Err(error) if self.asks => self.say(&format!("  {error}")),
                        Err(error) => return Err(error),
                    },
                }
            }
        }
        if readers.is_empty() { Ok(()) } else { self.write(&StationKeys { readers, ..StationKeys::default() }) }
    }

    /// One that exists, or a new one of this name.
    fn reader(&mut self, text: &str) -> Result<Reader, CliError> {
        if text.contains('=') {
            return Ok(text.parse()?);
        }
        let folder = self.file.parent().unwrap_or(Path::new("")).to_owned();
        private::make_folder(&folder)?;
        let identity = folder.join(format!("{text}.identity"));
        let Some(reader) = Reader::with_new_identity(text, &identity)? else {
            return Err(CliError::Usage(format!(
                "{} is there already; give its public key, {text}=age1...",
                identity.display()
            )));
        };
        self.say(&format!("made {}\n  it opens PIN files; keep a copy elsewhere", identity.display()));
        self.made.push(identity);
        Ok(reader)
    }

    fn letters(&mut self, given: Option<&str>) -> Result<(), CliError> {
        let default = if find_program("lp").is_some() { "lp" } else { "none" };
        let words = loop {
            let answer = match given {
                Some(words) => words.to_owned(),
                None => {
                    self.explain(
                        "Which program prints PIN letters? It gets a letter on its standard input, such as lp -d PRINTER.",
                    );
                    self.ask("letter program", default)?
                }
            };
            let words: Vec<String> = answer.split_whitespace().map(ToOwned::to_owned).collect();
            match words.first().map(String::as_str) {
                None | Some("none") => return Ok(()),
                Some(program) if find_program(program).is_none() => {
                    let why = format!("there is no program {program} on this machine");
                    if given.is_some() || !self.asks {
                        return Err(CliError::Usage(why));
                    }
                    self.say(&format!("  {why}"));
                }
                Some(_) => break words,
            }
        };
        self.write(&StationKeys { letter_program: words.clone(), ..StationKeys::default() })?;
        if self.asks && self.agrees("print a test page", false)? {
            match LetterProgram::new(&words).and_then(|program| program.print_test_page()) {
                Ok(()) => self.say("handed to the program; look whether it came out"),
                Err(error) => self.session.console.error(&error.into()),
            }
        }
        Ok(())
    }

    fn profiles(&mut self, copy: bool) -> Result<(), CliError> {
        let names: Vec<_> = BUILT_IN.iter().map(|(file, _)| file.trim_end_matches(".toml")).collect();
        if self.asks {
            self.say(&format!(
                "\nProfiles say what keys have to be: {}. 'keywright profile list' shows them.",
                names.join(", ")
            ));
        }
        if !copy && !self.agrees("copy them, to edit them", false)? {
            return Ok(());
        }
        let folder = self.file.parent().unwrap_or(Path::new("")).join("profiles");
        private::make_folder(&folder)?;
        for (name, text) in BUILT_IN {
            let file = folder.join(name);
            // One that is there already was edited by somebody.
            if private::write_new(&file, text.as_bytes())? {
                self.made.push(file);
            }
        }
        self.write(&StationKeys { profiles: Some("profiles".to_owned()), ..StationKeys::default() })
    }

    /// Fetched where there is none, or none in date. A network that is not there is told, and stops nothing.
    fn metadata(&mut self) -> Result<(), CliError> {
        let store = self.session.state()?.metadata()?;
        let in_date = store.load()?.is_some_and(|(metadata, _)| metadata.days_overdue(Session::now()) == 0);
        if in_date || !self.agrees("\nfetch FIDO's metadata, which says which makers are genuine", true)? {
            return Ok(());
        }
        let fetched = metadata::fetch(metadata::FIDO, &judging::metadata_roots(None)?);
        match fetched.and_then(|blob| Ok(store.store(&blob, metadata::FIDO, Session::now())?)) {
            Ok(_) => {}
            Err(error) => self.session.console.error(&error),
        }
        Ok(())
    }

    fn end(self, state: PathBuf) -> Result<Exit, CliError> {
        let points = station::look(self.session);
        let to_do = points.iter().filter(|point| point.next_step.is_some()).count();
        let set_up = SetUp { settings: &self.file, state, made: self.made.clone(), points };
        match self.session.output.is_json() {
            true => self.session.output.object(&set_up)?,
            false => {
                let text = format!("\n{}", findings_text(&set_up.points, self.session));
                self.session.output.painted(&text)?;
            }
        }
        self.say(match to_do {
            0 => "ready; next: keywright provision ROSTER --dry-run",
            _ => "what is left is named above; then: keywright provision ROSTER --dry-run",
        });
        Ok(Exit::Done)
    }
}
