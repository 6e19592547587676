//! A story: scene by scene, what is done and why, with the program itself.
//!
//! Each command is the real one, in a process of its own, as a person types it; what a person does at the IdP's console is done over
//! its API, and said. It refuses to go on from a scene that did not end as it was to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Stage;
use crate::cli::shared::console::Style;
use crate::cli::shared::practice_idp::{UserRow, token_file};
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Session};
use crate::idp::embedded::Embedded;
use crate::idp::{Directory as _, User};
use crate::secret::SecretSource;
use keywright_attest::Anchors;
use keywright_practice::idp_server::wire::UserChange;
use keywright_practice::idp_server::{self, EmbeddedServer};
use keywright_practice::softkey::{Model, Rack};

/// Where a story is played.
pub(super) struct Theatre<'s> {
    stage: Stage,
    session: &'s Session,
    server: Option<EmbeddedServer>,
    address: SocketAddr,
    scenes: usize,
}

/// How a command ended.
pub(super) struct Played {
    code: Option<i32>,
    command: String,
}

impl Played {
    /// It ended with one of these codes, or the story ends.
    pub(super) fn expect(self, codes: &[i32]) -> Result<(), CliError> {
        if self.code.is_some_and(|code| codes.contains(&code)) {
            return Ok(());
        }
        let why = format!("\"{}\" ended with {:?}, not with {codes:?}", self.command, self.code);
        Err(CliError::System { what: "the story", why })
    }
}

impl<'s> Theatre<'s> {
    /// People with accounts at an IdP of their own, with these weaker ways in, and keys of these models.
    pub(super) fn furnish(
        stage: Stage,
        people: &[(&str, &str, &[&str])],
        models: &[Model],
        session: &'s Session,
    ) -> Result<Self, CliError> {
        let profile = super::profile_named("admin")?;
        let rows: Vec<UserRow> = people
            .iter()
            .map(|(login, name, _)| UserRow { account: (*login).to_owned(), name: Some((*name).to_owned()) })
            .collect();
        // The keys that are there already are counted, so that these are of the models.
        Rack::create_of(&stage.state()?.softkeys(), models)?;
        let server = stage.furnish(&profile, &rows, models.len())?;
        let address = server.url().trim_start_matches("http://").parse();
        let address = address.map_err(|_| CliError::Usage("the IdP has no address".to_owned()))?;
        let theatre = Self { stage, session, server: Some(server), address, scenes: 0 };
        for (login, _, methods) in people {
            let methods = methods.iter().map(|kind| (*kind).to_owned()).collect();
            let change = UserChange { other_methods: Some(methods), ..UserChange::default() };
            let idp = theatre.idp()?;
            idp.change_user(&idp.find_user(login)?, &change)?;
        }
        Ok(theatre)
    }

    /// The folder.
    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The next scene.
    pub(super) fn scene(&mut self, title: &str, why: &str) {
        self.scenes += 1;
        self.session.console.say("");
        self.session.console.mark(Style::Good, &format!("{}. {title}", self.scenes), "");
        self.session.console.say(why);
    }

    /// Something that a person does, who is no command.
    pub(super) fn tell(&self, what: &str) {
        self.session.console.say(what);
    }

    /// A command, as a person types it.
    pub(super) fn run(&self, words: &[&str]) -> Result<Played, CliError> {
        self.run_with(words, &[])
    }

    /// The same, with more in its environment.
    pub(super) fn run_with(&self, words: &[&str], environment: &[(&str, &str)]) -> Result<Played, CliError> {
        let command = typed(words);
        self.session.console.mark(Style::Now, "$", &command);
        let mut child = self.command(words)?;
        child.envs(environment.iter().copied());
        if self.session.output.is_json() {
            child.arg("--json");
        }
        let status = child.status().map_err(|error| failed(&error.to_string()))?;
        if self.session.cancel.is_cancelled() {
            return Err(CliError::Stopped);
        }
        Ok(Played { code: status.code(), command })
    }

    /// What a command answers to a program; it is not shown.
    pub(super) fn ask(&self, words: &[&str]) -> Result<Vec<Value>, CliError> {
        let output = self.command(words)?.arg("--json").output().map_err(|error| failed(&error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    fn command(&self, words: &[&str]) -> Result<Command, CliError> {
        let program = std::env::current_exe().map_err(|error| failed(&error.to_string()))?;
        let mut command = Command::new(program);
        command.args(words).arg("--state").arg(&self.stage.folder).arg("--config").arg(self.stage.settings());
        // Practice leaves no trace outside its folder.
        let home = self.stage.folder.join("home");
        command.env("HOME", &home).env("XDG_STATE_HOME", home.join("state")).env("LOCALAPPDATA", &home);
        command.env_remove("KEYWRIGHT_STATE").env_remove("KEYWRIGHT_CONFIG").stdin(Stdio::null());
        Ok(command)
    }

    /// The IdP, as its administrator has it.
    pub(super) fn idp(&self) -> Result<Embedded, CliError> {
        let token = token_file(&self.stage.state()?)?.take("API token")?;
        Ok(Embedded::new("rehearsal", &format!("http://{}", self.address), token)?)
    }

    /// A user there.
    pub(super) fn user(&self, login: &str) -> Result<User, CliError> {
        Ok(self.idp()?.find_user(login)?)
    }

    /// The IdP goes down.
    pub(super) fn idp_goes_down(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// The IdP comes back, where it was.
    pub(super) fn idp_comes_back(&mut self) -> Result<(), CliError> {
        let state = self.stage.state()?;
        let rack = Rack::open(&state.softkeys())?;
        let anchors = std::sync::Arc::new(Anchors::from_pem_or_der(rack.anchor_pem().as_bytes())?);
        let settings = idp_server::Settings { trusted_only: true, ..idp_server::Settings::new(anchors) };
        let token = token_file(&state)?.take("API token")?;
        self.server = Some(EmbeddedServer::start(self.address, Some(&state.idp_database()), token, settings)?);
        Ok(())
    }

    /// The place of the PIN of a key, out of its age file, as its reader would open it.
    pub(super) fn pin(&self, login: &str, ordinal: usize) -> Result<String, CliError> {
        let sealed = self.stage.folder.join(format!("hand-over/{}/{login}.{ordinal}.age", super::READER));
        let pin = open_age(&sealed, &self.stage.reader_key())?;
        let file = self.pin_file();
        write_private(&file, format!("{pin}\n").as_bytes())?;
        Ok(SecretSource::File(file).to_string())
    }

    /// The PIN was typed.
    pub(super) fn forget_pin(&self) -> Result<(), CliError> {
        let file = self.pin_file();
        std::fs::remove_file(&file).map_err(|error| CliError::File { path: file.clone(), why: error.to_string() })
    }

    fn pin_file(&self) -> PathBuf {
        self.stage.folder.join("pin.txt")
    }

    /// The path of the soft key that is this key of an account.
    pub(super) fn key_path(&self, login: &str, ordinal: usize, keys: &str) -> Result<String, CliError> {
        let listed = self.ask(&["key", "list", "--known", "--softkeys", keys])?;
        let is_it = |key: &&Value| {
            let of = key["credentials"].as_array().into_iter().flatten();
            of.into_iter().any(|one| one["account"] == login && one["ordinal"] == ordinal)
        };
        let path = listed.iter().find(is_it).and_then(|key| key["path"].as_str());
        path.map(str::to_owned).ok_or_else(|| CliError::NotFound(format!("key {ordinal} of {login} is not there")))
    }

    /// The soft key that is this key of an account is somewhere else from now on: the others move up by one.
    pub(super) fn steal(&self, login: &str, ordinal: usize, keys: &str) -> Result<(), CliError> {
        let path = self.key_path(login, ordinal, keys)?;
        let slot: usize = path.trim_start_matches("soft:").parse().map_err(|_| CliError::NotFound(path.clone()))?;
        let file = self.stage.state()?.softkeys().join(format!("soft-{slot:02}.key"));
        std::fs::remove_file(&file).map_err(|error| CliError::File { path: file.clone(), why: error.to_string() })
    }

    /// The curtain.
    pub(super) fn end(mut self) -> Stage {
        self.idp_goes_down();
        self.stage
    }
}

fn failed(why: &str) -> CliError {
    CliError::System { what: "the story", why: why.to_owned() }
}

/// As a person types it.
fn typed(words: &[&str]) -> String {
    let quoted = |word: &&str| {
        let plain = word.chars().all(|char| char.is_ascii_alphanumeric() || "-_.@:/=".contains(char));
        if plain { (*word).to_owned() } else { format!("'{word}'") }
    };
    format!("keywright {}", words.iter().map(quoted).collect::<Vec<_>>().join(" "))
}

/// The PIN in an age file.
fn open_age(sealed: &Path, reader: &Path) -> Result<String, CliError> {
    use std::io::Read as _;
    let file = |path: &Path, why: String| CliError::File { path: path.to_owned(), why };
    let key = std::fs::read_to_string(reader).map_err(|error| file(reader, error.to_string()))?;
    let identity: age::x25519::Identity = key.trim().parse().map_err(|why: &str| file(reader, why.to_owned()))?;
    let bytes = std::fs::read(sealed).map_err(|error| file(sealed, error.to_string()))?;
    let opened = age::Decryptor::new_buffered(bytes.as_slice());
    let mut text = String::new();
    opened
        .and_then(|one| one.decrypt(std::iter::once(&identity as &dyn age::Identity)))
        .map_err(|error| file(sealed, error.to_string()))?
        .read_to_string(&mut text)
        .map_err(|error| file(sealed, error.to_string()))?;
    let pin = text.lines().find_map(|line| line.strip_prefix("PIN")).map(str::trim);
    pin.map(str::to_owned).ok_or_else(|| file(sealed, "it has no PIN".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_as_it_is_typed() {
        let words = ["recover", "ada@example.org", "--asked-by", "Ada, by telephone"];
        assert_eq!(typed(&words), "keywright recover ada@example.org --asked-by 'Ada, by telephone'");
    }
}
