//! `keywright key pin set|change|verify|retries`.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::shared::arguments::{Change, OneKey, PinArgument, unrepeated};
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, pin_entry};
use crate::provision::pin_attempts;
use crate::secret::SecretSource;
use keywright_fido::ctap::Permissions;
use keywright_fido::webauthn::RpId;

/// Set, change or verify a key's PIN, or show how many attempts are left.
#[derive(Args)]
pub(crate) struct PinCommand {
    #[command(subcommand)]
    command: PinSubcommand,
}

#[derive(Subcommand)]
enum PinSubcommand {
    Set(Set),
    Change(ChangePin),
    Verify(Verify),
    Retries(Retries),
}

/// Give a PIN to a key that has none.
///
/// The PIN is at least as long as the key demands, counted in characters, and at most 63 bytes. It is never taken from the
/// command line.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key pin set\n  keywright key pin set --new-pin fd:3")]
struct Set {
    #[command(flatten)]
    which: OneKey,
    /// Where the new PIN comes from: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...' [default: prompt]
    #[arg(long, value_name = "SOURCE", value_parser = unrepeated::<SecretSource>())]
    new_pin: Option<SecretSource>,
    /// Say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Change the PIN of a key.
///
/// The current PIN is sent once. If it is wrong, one attempt is gone; with 3 or fewer left, nothing is sent without --yes.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key pin change\n  keywright key pin change --pin file:old.txt --new-pin file:new.txt"
)]
struct ChangePin {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// Where the new PIN comes from: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...' [default: prompt]
    #[arg(long, value_name = "SOURCE", value_parser = unrepeated::<SecretSource>())]
    new_pin: Option<SecretSource>,
    #[command(flatten)]
    change: Change,
}

/// Say whether a PIN is a key's.
///
/// It is sent once. If it is wrong, one attempt is gone; with 3 or fewer left, nothing is sent without --yes. Nothing on the key changes.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key pin verify --pin file:pin.txt")]
struct Verify {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// Spend one of the last PIN attempts
    #[arg(long)]
    yes: bool,
}

/// Show how many PIN attempts are left.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key pin retries --json")]
struct Retries {
    #[command(flatten)]
    which: OneKey,
}

/// What every one of these says.
#[derive(Serialize)]
struct Answer<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<bool>,
    pin_set: bool,
    retries: Option<u32>,
    power_cycle_needed: Option<bool>,
    min_pin_length: usize,
    max_pin_length: usize,
    force_pin_change: bool,
}

impl View for Answer<'_> {
    const KIND: &'static str = "key-pin";
}

impl PinCommand {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            PinSubcommand::Set(command) => command.run(session),
            PinSubcommand::Change(command) => command.run(session),
            PinSubcommand::Verify(command) => command.run(session),
            PinSubcommand::Retries(command) => command.run(session),
        }
    }
}

impl Set {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut key = OpenKey::open(&self.which, session)?;
        match key.authenticator.info().option("clientPin") {
            Some(false) => {}
            Some(true) => {
                return Err(CliError::PinState {
                    what: "the key already has a PIN",
                    next: "'keywright key pin change' changes it",
                });
            }
            None => return Err(CliError::PinState { what: "the key has no PIN function", next: "use another key" }),
        }
        let pin = pin_entry::new(key.authenticator.info(), self.new_pin.as_ref(), session)?;
        if !self.dry_run {
            key.authenticator.set_pin(&pin)?;
            key.authenticator.refresh_info()?;
        }
        answer(&mut key, Some(!self.dry_run), "the PIN is set", session)
    }
}

impl ChangePin {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut key = OpenKey::open(&self.which, session)?;
        let pin = pin_entry::current(&mut key.authenticator, self.pin.pin.as_ref(), self.change.yes, session)?;
        let new = pin_entry::new(key.authenticator.info(), self.new_pin.as_ref(), session)?;
        if !self.change.dry_run {
            let changed = key.authenticator.change_pin(&pin, &new);
            changed.map_err(|error| pin_attempts::refused(&mut key.authenticator, error))?;
            key.authenticator.refresh_info()?;
        }
        answer(&mut key, Some(!self.change.dry_run), "the PIN is changed", session)
    }
}

impl Verify {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut key = OpenKey::open(&self.which, session)?;
        let pin = pin_entry::for_tokens(&mut key.authenticator, self.pin.pin.as_ref(), self.yes, session)?;
        // Some keys give a PIN no permission to sign; the token is thrown away.
        let (permissions, rp_id) = match key.authenticator.info().option("noMcGaPermissionsWithClientPin") {
            Some(true) => (Permissions::CREDENTIAL_MANAGEMENT, None),
            _ => (Permissions::GET_ASSERTION, Some(&RpId::PROBE)),
        };
        pin_attempts::token(&mut key.authenticator, &pin, permissions, rp_id)?;
        answer(&mut key, Some(true), "the PIN is right", session)
    }
}

impl Retries {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut key = OpenKey::open(&self.which, session)?;
        answer(&mut key, None, "", session)
    }
}

fn answer(key: &mut OpenKey, done: Option<bool>, what: &str, session: &Session) -> Result<Exit, CliError> {
    let pin_set = key.authenticator.info().has_pin();
    // Some firmware answers nonsense, or dies, when it is asked before it has a PIN.
    let retries = if pin_set { Some(key.authenticator.pin_retries()?) } else { None };
    let info = key.authenticator.info();
    let answer = Answer {
        path: &key.device.path,
        done,
        pin_set,
        retries: retries.map(|retries| retries.retries),
        power_cycle_needed: retries.and_then(|retries| retries.power_cycle_state),
        min_pin_length: info.min_pin_length,
        max_pin_length: info.max_pin_length,
        force_pin_change: info.force_pin_change,
    };
    session.output.result(&answer, || {
        let done = match done {
            Some(true) => format!("{what}; "),
            Some(false) => "nothing was sent; ".to_owned(),
            None => String::new(),
        };
        let left = match answer.retries {
            Some(left) => format!("{left} attempts left"),
            None => "no PIN is set".to_owned(),
        };
        let replug = if answer.power_cycle_needed == Some(true) { ", after the key was replugged" } else { "" };
        format!(
            "{}  {done}{left}{replug} (at least {} characters, at most {} bytes)",
            answer.path, answer.min_pin_length, answer.max_pin_length
        )
    })?;
    Ok(Exit::Done)
}
