//! `keywright rehearse`: the whole job for real, on soft keys and an IdP of its own, in a folder to look at afterwards.
//!
//! It makes what a real job has (roster, profiles, settings, a running IdP, keys, a reader of PINs) and then runs the very
//! command that a real job runs; a story runs several, one process each. It refuses to work in a folder that has something in it.

mod lost_key;
mod rollout;
mod spoil;
mod story;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::audit::export;
use crate::cli::shared::arguments::{KeySource, Work};
use crate::cli::shared::batch::{RunContext, RunKind};
use crate::cli::shared::device::SoftKeys;
use crate::cli::shared::output::{View, count};
use crate::cli::shared::practice_idp::{UserRow, add_users, token_file};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::state::{StateFolder, create_private, write_private};
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::cli::view;
use crate::ledger::{Head, chain};
use crate::profile::{self, Profile, ProfileName, Roster};
use crate::provision::{Plan, Station};
use crate::secret::Reader;
use crate::settings::Settings;
use keywright_attest::Anchors;
use keywright_attest::AttestationDemand;
use keywright_fido::webauthn::AttestationConveyance;
use keywright_practice::idp_server::{self, EmbeddedServer};
use keywright_practice::softkey::Rack;

/// The name that the PINs' reader has in a rehearsal.
const READER: &str = "rehearsal";

/// Run the whole job for real, on soft keys and an IdP of its own.
///
/// Needs no security key, no IdP and no network. It makes a roster, runs 'keywright provision' on it against an IdP that it
/// serves itself, verifies the ledger and exports the evidence. Everything is left in a folder to look at. PINs are handed over
/// as age files, whatever the profile says; the reader's key is left in the folder too.
///
/// With --story, it plays what happens around the keys, scene by scene, and says what is done and why: 'rollout' from the first
/// look to the day when the weak methods go, 'lost-key' from the stolen bag to the last check. With --faults, things go wrong on
/// the way as they do: the IdP is down, the printer jams, keys are full, have somebody's PIN, or are pulled out.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright rehearse\n  keywright rehearse --people 25 --profile finance --out try\n  keywright rehearse --touch-after 1500\n  keywright rehearse --story rollout\n  keywright rehearse --story lost-key --faults"
)]
pub(crate) struct Rehearse {
    /// How many people are on the roster
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16).range(1..=1000))]
    people: u16,
    /// The profile that they have
    #[arg(long, value_name = "NAME", default_value = "admin")]
    profile: ProfileName,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    /// The folder, new or empty [default: ./rehearsal-DATE-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How long keys wait for their touch, in milliseconds, so that the prompts can be seen
    #[arg(long, value_name = "MS", default_value_t = 0)]
    touch_after: u64,
    /// Play a story instead
    #[arg(long, value_name = "STORY", conflicts_with_all = ["people", "profile", "profiles", "touch_after"])]
    story: Option<Story>,
    /// Let things go wrong on the way
    #[arg(long, requires = "story")]
    faults: bool,
}

/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Story {
    /// From the first look to the day when the weak methods go
    Rollout,
    /// A key is stolen, and its person is got back in
    LostKey,
}

/// Where things are in the folder.
struct Stage {
    folder: PathBuf,
    /// Prints letters; empty where PINs are age files.
    letter_program: Vec<String>,
}

/// The last line of a rehearsal.
#[derive(Serialize)]
struct Left<'a> {
    folder: &'a Path,
    roster: PathBuf,
    profiles: PathBuf,
    settings: PathBuf,
    ledger: PathBuf,
    evidence: PathBuf,
    hand_over: PathBuf,
    reader_key: PathBuf,
    softkeys: PathBuf,
    events: u64,
    head: String,
}

impl View for Left<'_> {
    const KIND: &'static str = "rehearsal";
}

impl Rehearse {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if let Some(story) = self.story {
            return self.play(story, session);
        }
        let settings = session.settings()?;
        let profiles = profiles::load(self.profiles.as_deref(), &settings)?;
        let profile = profiles::find(&self.profile, &profiles)?;
        let stage = Stage::make(self.out.as_deref())?;
        session.catch_interrupts(ENDING)?;

        let people = people(usize::from(self.people));
        let keys = people.len() * profile.keys.required;
        stage.write_profiles(self.profiles.as_deref().or(settings.profiles.as_deref()))?;
        let server = stage.furnish(profile, &people, keys)?;
        let session = session.elsewhere(&stage.folder, &stage.settings());
        session.console.say(&format!(
            "{}, {}, an IdP at {}; everything is in {}",
            count(people.len(), "person", "people"),
            count(keys, "soft key", "soft keys"),
            server.url(),
            stage.folder.display()
        ));

        // From here on it is 'keywright provision'.
        let settings = session.settings()?;
        let profiles = profiles::load(None, &settings)?;
        let roster = Roster::read(&stage.roster(), &profiles)?;
        let work = Work {
            source: KeySource { softkeys: Some(SoftKeys::Count(keys)), touch_after: self.touch_after },
            yes: true,
            letters_came_out: true,
            ..Work::default()
        };
        let context = RunContext::open(&work, &settings, &session)?;
        let draw = |station: &Station<'_>| Plan::for_roster(station, &roster, &profiles).map(Some);
        let outcome = context.run(RunKind::Provision, draw, &session);
        let ended = outcome.and_then(|outcome| view::print_outcome(&outcome, &session));
        drop(context);
        if !matches!(ended, Ok(Exit::Done)) {
            session.console.say(&stage.how_to_go_on(&server, keys));
        }
        server.stop();
        let exit = ended?;
        if exit != Exit::Interrupted {
            let left = stage.left(&stage.evidence(&session)?)?;
            session.output.result(&left, || left.rehearsal_text())?;
        }
        Ok(exit)
    }

    fn play(&self, story: Story, session: &Session) -> Result<Exit, CliError> {
        let stage = Stage::make(self.out.as_deref())?;
        stage.write_profiles(None)?;
        session.catch_interrupts(ENDING)?;
        session.console.say(&format!("everything is in {}", stage.folder.display()));
        let stage = match story {
            Story::Rollout => rollout::play(stage, self.faults, session)?,
            Story::LostKey => lost_key::play(stage, self.faults, session)?,
        };
        let there = session.elsewhere(&stage.folder, &stage.settings());
        let left = stage.left(&stage.evidence(&there)?)?;
        session.output.result(&left, || left.rehearsal_text())?;
        Ok(Exit::Done)
    }
}

/// A built-in profile, as a rehearsal has it.
fn profile_named(name: &str) -> Result<Profile, CliError> {
    let built_in = profile::BUILT_IN.iter().find(|(file, _)| file.strip_suffix(".toml") == Some(name));
    let (file, text) = built_in.ok_or_else(|| CliError::Usage(format!("there is no profile \"{name}\"")))?;
    Ok(profile::parse(file, &with_age_files(text))?)
}

impl Stage {
    fn make(named: Option<&Path>) -> Result<Self, CliError> {
        let folder = match named {
            Some(named) => named.to_owned(),
            None => PathBuf::from(format!("rehearsal-{}", time_stamp(Session::now()))),
        };
        let failed = |error: std::io::Error| CliError::File { path: folder.clone(), why: error.to_string() };
        match std::fs::read_dir(&folder) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(CliError::Usage(format!("{} is not empty; name a new folder", folder.display())));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create_private(&folder)?,
            Err(error) => return Err(failed(error)),
        }
        Ok(Self { folder, letter_program: Vec::new() })
    }

    /// From now on PINs of administrators are letters, and the printer has a jam whenever [`Stage::jam`] says so. What comes out is
    /// kept by nobody.
    fn print_letters_with_jams(&mut self) -> Result<(), CliError> {
        let paper = self.folder.join("jam").display().to_string();
        self.letter_program = ["sh", "-c", "test ! -e \"$0\" && cat > /dev/null", &paper].map(str::to_owned).to_vec();
        let (file, text) = profile::BUILT_IN
            .iter()
            .find(|(file, _)| *file == "admin.toml")
            .ok_or_else(|| CliError::Usage("there is no profile \"admin\"".to_owned()))?;
        write_private(&self.profiles().join(file), with_hand_over(text, "letter").as_bytes())
    }

    /// Puts paper into the wrong place, or takes it out.
    fn jam(&self, is_jammed: bool) -> Result<(), CliError> {
        let paper = self.folder.join("jam");
        let failed = |error: std::io::Error| CliError::File { path: paper.clone(), why: error.to_string() };
        match is_jammed {
            true => write_private(&paper, b""),
            false => std::fs::remove_file(&paper).map_err(failed),
        }
    }

    /// Another roster: login, profile, wave.
    fn write_roster(&self, rows: &[(&str, &str, &str)]) -> Result<(), CliError> {
        let rows: String = rows.iter().map(|(login, profile, wave)| format!("{login},{profile},{wave}\n")).collect();
        write_private(&self.roster(), format!("account,profile,wave\n{rows}").as_bytes())
    }

    fn state(&self) -> Result<StateFolder, CliError> {
        StateFolder::find(Some(&self.folder))
    }

    fn roster(&self) -> PathBuf {
        self.folder.join("roster.csv")
    }

    fn profiles(&self) -> PathBuf {
        self.folder.join("profiles")
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("keywright.toml")
    }

    fn reader_key(&self) -> PathBuf {
        self.folder.join("reader.key")
    }

    fn evidence_folder(&self) -> PathBuf {
        self.folder.join("evidence")
    }

    /// Makes all that a real job has, and starts the IdP.
    fn furnish(&self, profile: &Profile, people: &[UserRow], keys: usize) -> Result<EmbeddedServer, CliError> {
        let mut roster = "account,profile,name\n".to_owned();
        for person in people {
            let name = person.name.as_deref().unwrap_or_default();
            roster.push_str(&format!("{},{},{name}\n", person.account, profile.name));
        }
        write_private(&self.roster(), roster.as_bytes())?;

        let reader = age::x25519::Identity::generate();
        write_private(&self.reader_key(), format!("{}\n", reader.to_string().expose_secret()).as_bytes())?;

        let state = self.state()?;
        let rack = Rack::create(&state.softkeys(), keys)?;
        let attestation = match profile.keys.attestation {
            AttestationDemand::Enterprise => AttestationConveyance::Enterprise,
            _ => AttestationConveyance::Direct,
        };
        let anchors = Arc::new(Anchors::from_pem_or_der(rack.anchor_pem().as_bytes())?);
        let server_settings =
            idp_server::Settings { attestation, trusted_only: true, ..idp_server::Settings::new(anchors) };
        let token = token_file(&state)?.take("API token")?;
        let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let server = EmbeddedServer::start(anywhere, Some(&state.idp_database()), token.clone(), server_settings)?;
        add_users(&server, token, people)?;

        let words: Vec<String> = self.letter_program.iter().map(|word| format!("{word:?}")).collect();
        let letters = match words.is_empty() {
            true => String::new(),
            false => format!("letter-program = [{}]\n", words.join(", ")),
        };
        let settings = format!(
            "# Made by 'keywright rehearse'.\nprofiles = \"profiles\"\nreaders = [\"{}\"]\n{letters}\n\
             [idp.rehearsal]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"file:idp.token\"\n",
            Reader { name: READER.to_owned(), recipient: reader.to_public().into() },
            server.url()
        );
        // What was written is what will be read.
        Settings::parse(&self.settings(), &settings)?;
        write_private(&self.settings(), settings.as_bytes())?;
        Ok(server)
    }

    /// Copies the profiles, those of `folder` over the built-in ones. A rehearsal has no printer and no terminal, so
    /// the copies hand PINs over as age files.
    fn write_profiles(&self, folder: Option<&Path>) -> Result<(), CliError> {
        let mut texts: BTreeMap<String, String> =
            profile::BUILT_IN.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        for name in profile::load(folder)?.keys() {
            let file = format!("{name}.toml");
            if let Some(path) = folder.map(|folder| folder.join(&file)).filter(|path| path.exists()) {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| CliError::File { path: path.clone(), why: error.to_string() })?;
                texts.insert(file, text);
            }
        }
        create_private(&self.profiles())?;
        for (file, text) in texts {
            write_private(&self.profiles().join(file), with_age_files(&text).as_bytes())?;
        }
        Ok(())
    }

    /// Verifies the ledger and exports it.
    fn evidence(&self, session: &Session) -> Result<Head, CliError> {
        let store = session.ledger_for_reading()?;
        chain::verify(&store.entries(0)?, None)?;
        Ok(export::export(&*store, &session.checkpoints()?.all()?, &self.evidence_folder())?)
    }

    fn left(&self, head: &Head) -> Result<Left<'_>, CliError> {
        let state = self.state()?;
        Ok(Left {
            folder: &self.folder,
            roster: self.roster(),
            profiles: self.profiles(),
            settings: self.settings(),
            ledger: state.ledger(),
            evidence: self.evidence_folder(),
            hand_over: state.hand_over(),
            reader_key: self.reader_key(),
            softkeys: state.softkeys(),
            events: head.seq,
            head: head.to_string(),
        })
    }

    fn how_to_go_on(&self, server: &EmbeddedServer, keys: usize) -> String {
        let folder = self.folder.display();
        let address = server.url().trim_start_matches("http://").to_owned();
        format!(
            "to go on, in a terminal of its own:\n  keywright idp serve --state {folder} --listen {address}\nand then here:\n  \
             keywright resume --state {folder} --config {} --softkeys {keys}",
            self.settings().display()
        )
    }
}

impl Left<'_> {
    fn rehearsal_text(&self) -> String {
        format!(
            "ledger verified: {}, head {}\n\n\
             {}\n  roster.csv     who was to get keys\n  profiles       what their keys had to be\n  \
             hand-over      the PINs, sealed; open one with: age -d -i {} FILE\n  ledger.sqlite3 what was done\n  \
             evidence       the same, for other software to check\n  softkeys       the keys; look at them with: keywright key list --softkeys {}\n",
            count(usize::try_from(self.events).unwrap_or(usize::MAX), "event", "events"),
            self.head,
            self.folder.display(),
            self.reader_key.display(),
            self.softkeys.display(),
        )
    }
}

/// A profile's text with another hand-over. The setting is one line, above the tables.
fn with_age_files(profile: &str) -> String {
    with_hand_over(profile, "age")
}

/// The same with any way.
fn with_hand_over(profile: &str, way: &str) -> String {
    let is_setting = |line: &str| line.strip_prefix("hand-over").is_some_and(|rest| rest.trim_start().starts_with('='));
    let changed = |line: &str| if is_setting(line) { format!("hand-over = \"{way}\"") } else { line.to_owned() };
    profile.lines().map(|line| changed(line) + "\n").collect()
}

/// Made-up people: `ada@example.org`, ..., `ada2@example.org`, ...
fn people(number: usize) -> Vec<UserRow> {
    const NAMES: [&str; 25] = [
        "Ada", "Bo", "Chidi", "Dana", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jun", "Kofi", "Lea", "Milan", "Noor",
        "Olu", "Pia", "Quinn", "Rosa", "Sami", "Tala", "Uma", "Vera", "Wim", "Yara", "Zeno",
    ];
    (0..number)
        .map(|index| {
            let name = NAMES[index % NAMES.len()];
            let round = index / NAMES.len() + 1;
            let suffix = if round == 1 { String::new() } else { round.to_string() };
            UserRow {
                account: format!("{}{suffix}@example.org", name.to_lowercase()),
                name: Some(format!("{name} {}", ["Example", "Sample", "Specimen"][(round - 1) % 3])),
            }
        })
        .collect()
}

/// `20261123-174500`, in UTC.
fn time_stamp(now: time::OffsetDateTime) -> String {
    format!(
        "{}{:02}{:02}-{:02}{:02}{:02}",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_has_an_account_of_their_own() {
        let people = people(1000);
        assert_eq!(people.iter().map(|person| &person.account).collect::<BTreeSet<_>>().len(), 1000);
        assert_eq!(people[25].account, "ada2@example.org");
    }

    #[test]
    fn every_profile_can_be_rehearsed_without_a_printer() {
        for (file, text) in profile::BUILT_IN {
            let rehearsed = profile::parse(file, &with_age_files(text)).unwrap();
            let expected = Profile { hand_over: profile::HandOver::Age, ..profile::parse(file, text).unwrap() };
            assert_eq!(rehearsed, expected);
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Stage::make(Some(folder.path())).is_ok());
        std::fs::write(folder.path().join("x"), "").unwrap();
        assert!(Stage::make(Some(folder.path())).is_err());
    }
}
