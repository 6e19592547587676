//! The arguments that several commands share. The same flag means the same everywhere.

use std::ffi::OsStr;
use std::fmt::Display;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::cli::shared::CliError;
#[cfg(feature = "practice")]
use crate::cli::shared::device::SoftKeys;
use crate::idp::Directory;
use crate::ledger::{AccountId, KeyNumber};
use crate::register::Register;
use crate::secret::{Reader, SecretSource};
use crate::settings::{IdpChoice, Settings};

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Print results as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The state folder: ledger, sealed PINs, hand-over, soft keys
    #[arg(long, global = true, value_name = "DIR", env = "KEYWRIGHT_STATE", hide_env = true)]
    pub(crate) state: Option<PathBuf>,
    /// Read this exported folder instead of the state folder's ledger; commands that write to the ledger refuse it
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// The settings file (keywright.toml)
    #[arg(long, global = true, value_name = "FILE", env = "KEYWRIGHT_CONFIG", hide_env = true)]
    pub(crate) config: Option<PathBuf>,
    /// Log more: -v what is done, -vv how, -vvv every message to and from keys, without its content
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// What to log, on stderr: error, warn, info, debug, trace, or a filter such as 'keywright::hid=trace'
    #[arg(long, global = true, value_name = "FILTER", env = "KEYWRIGHT_LOG", hide_env = true)]
    pub(crate) log: Option<String>,
}

/// Which keys.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeySource {
    /// Soft keys instead of USB keys: how many, kept in the state folder, or a folder with saved ones
    #[cfg(feature = "practice")]
    #[arg(long, value_name = "N|DIR")]
    pub(crate) softkeys: Option<SoftKeys>,
    /// How long soft keys wait for their touch, in milliseconds, so that the prompts can be seen
    #[cfg(feature = "practice")]
    #[arg(long, value_name = "MS", default_value_t = 0, requires = "softkeys")]
    pub(crate) touch_after: u64,
}

impl KeySource {
    /// The soft keys that were asked for, where there are any.
    #[cfg(feature = "practice")]
    pub(crate) fn softkeys(&self) -> Option<&SoftKeys> {
        self.softkeys.as_ref()
    }

    /// There are none in this build.
    #[cfg(not(feature = "practice"))]
    pub(crate) fn softkeys(&self) -> Option<&std::convert::Infallible> {
        None
    }
}

/// Which single key.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OneKey {
    /// Which keys.
    #[command(flatten)]
    pub(crate) source: KeySource,
    /// The key, by its path, port or serial number as 'keywright key list' shows them, or by its own number in the ledger (K-0042); 'touch' for the one that you touch
    #[arg(long, value_name = "PATH|PORT|SERIAL|K-NUMBER|touch")]
    pub(crate) key: Option<String>,
}

/// Which key of an account: by its place there, or by its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhichKey {
    /// 1, 2, ...
    Ordinal(usize),
    /// `K-0042`.
    Number(KeyNumber),
}

impl FromStr for WhichKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ordinal = || text.parse().ok().filter(|ordinal| *ordinal > 0).map(Self::Ordinal);
        let named = text.parse().map(Self::Number).ok().or_else(ordinal);
        named.ok_or_else(|| "neither 1, 2, ... nor a key's own number, such as K-0042".to_owned())
    }
}

impl WhichKey {
    /// Its place among the account's keys. Fails if the key with this number was never the account's.
    pub(crate) fn of_account(self, account: &AccountId, register: &Register) -> Result<usize, CliError> {
        let number = match self {
            Self::Ordinal(ordinal) => return Ok(ordinal),
            Self::Number(number) => number,
        };
        let ids = register.keys.get(number).into_iter().flat_map(|key| key.credentials.iter().rev());
        let mut its = ids.filter_map(|id| register.credentials.get(id)).filter(|one| one.account == *account);
        its.next()
            .map(|one| one.ordinal)
            .ok_or_else(|| CliError::NotFound(format!("{number} is no key of {account} in the ledger")))
    }
}

/// Which identity provider.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WhichIdp {
    /// The IdP: its name in the settings (needed if there are several), or the URL of an embedded one on this machine
    #[arg(long, value_name = "NAME|URL", value_parser = unrepeated::<IdpChoice>())]
    pub(crate) idp: Option<IdpChoice>,
    /// Where the IdP's API token comes from (with a URL)
    #[arg(long, value_name = "SOURCE", requires = "idp", value_parser = unrepeated::<SecretSource>())]
    pub(crate) idp_token: Option<SecretSource>,
}

impl WhichIdp {
    /// Opens it. Takes its secret from where it is.
    pub(crate) fn open(&self, settings: &Settings) -> Result<Box<dyn Directory>, CliError> {
        let token = self.idp_token.as_ref();
        Ok(settings.choose(self.idp.as_ref(), token)?.open(token)?)
    }

    /// Opens it for a command that takes something from accounts: with the credential of its own, if the settings have one.
    pub(crate) fn open_for_writing(&self, settings: &Settings) -> Result<Box<dyn Directory>, CliError> {
        let token = self.idp_token.as_ref();
        Ok(settings.choose(self.idp.as_ref(), token)?.open_for_writing(token)?)
    }
}

/// What a run of jobs takes besides people.
#[derive(Clone, Default, Args)]
pub(crate) struct Work {
    /// Which keys.
    #[command(flatten)]
    pub(crate) source: KeySource,
    /// Which IdP.
    #[command(flatten)]
    pub(crate) idp: WhichIdp,
    /// Trust the attestation certificates in this PEM file as well (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// Who gets PINs as age files, besides the settings' readers (repeatable)
    #[arg(long, value_name = "NAME=age1...", value_parser = unrepeated::<Reader>())]
    pub(crate) reader: Vec<Reader>,
    /// How long to wait for a key to be plugged in
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) wait: u16,
    /// Tell keys of one model apart by their ports, as on a hub with numbers: all of them may blink at once. Without it they blink one after the other, and you are told whose each is
    #[arg(long)]
    pub(crate) by_port: bool,
    /// Write a CSV file for a label printer: port, person, key, number, label, model and serial number of each key that was made
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// Say that every PIN letter came out of the printer, those of earlier runs too: their sealed copies are destroyed. A terminal is asked; elsewhere the copies stay until a run has this
    #[arg(long)]
    pub(crate) letters_came_out: bool,
    /// Check everything that can be checked without changing anything, and say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Ring the terminal's bell when a key wants to be touched
    #[arg(long)]
    pub(crate) bell: bool,
    /// Say yes to every question but the one about letters, such as whether a used key may be reset
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What a command takes that changes a key.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Change {
    /// Say what would be done, without doing it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Where a key's PIN comes from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PinArgument {
    /// Where the key's PIN comes from: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...' [default: prompt]
    #[arg(long, value_name = "SOURCE", value_parser = unrepeated::<SecretSource>())]
    pub(crate) pin: Option<SecretSource>,
}

/// Reads a moment: RFC 3339, or a day (`2026-11-23`), which stands for its last second in UTC.
pub(crate) fn moment(text: &str) -> Result<OffsetDateTime, String> {
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]")).map(|day| day.with_hms(23, 59, 59));
    match (OffsetDateTime::parse(text, &Rfc3339), day()) {
        (Ok(moment), _) => Ok(moment),
        (Err(_), Ok(Ok(end_of_day))) => Ok(end_of_day.assume_utc()),
        _ => Err("neither a day such as 2026-11-23 nor a time such as 2026-11-23T18:00:00Z".into()),
    }
}

/// Parses without repeating what was given, as clap does by itself: it may be a secret that was pasted into the wrong place.
/// The type's own error must not repeat it either.
#[derive(Debug)]
pub(crate) struct Unrepeated<T>(PhantomData<fn() -> T>);

/// See [`Unrepeated`].
pub(crate) fn unrepeated<T>() -> Unrepeated<T> {
    Unrepeated(PhantomData)
}

impl<T> Clone for Unrepeated<T> {
    fn clone(&self) -> Self {
        unrepeated()
    }
}

impl<T> TypedValueParser for Unrepeated<T>
where
    T: FromStr<Err: Display> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        // Text that is not UTF-8 is wrong for every type here, and so is nothing.
        value.to_str().unwrap_or_default().parse().map_err(|error: T::Err| {
            let flag = argument.and_then(clap::Arg::get_long).unwrap_or("argument");
            clap::Error::raw(ErrorKind::ValueValidation, format!("--{flag}: {error}\n")).with_cmd(command)
        })
    }
}
