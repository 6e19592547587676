//! The tree of commands, and the arguments that several of them share. The same flag means the same everywhere.

use std::ffi::OsStr;
use std::fmt::Display;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

#[cfg(feature = "practice")]
use super::soft_keys::SoftKeys;
use super::{
    CliError, attest, audit, completions, doctor, drill, enroll, exit, idp, key, ledger, man, mds, provision, resume,
    revoke, status, witness,
};
use crate::idp::Directory;
use crate::secret::{Reader, SecretSource};
use crate::settings::{IdpChoice, Settings};

const ABOUT: &str = "Provisions FIDO2 security keys in batches";

const LONG_ABOUT: &str = "\
Provisions FIDO2 security keys in batches.

A roster says who gets keys, a profile says what these keys have to be. For each person and each key, keywright draws a PIN, \
makes a credential, checks the attestation, proves that the credential signs in, registers it with the identity provider (IdP), \
sets the key's policy and hands the PIN over. What it did is in a ledger that an auditor can check.

To see all of it without a security key and without an IdP: keywright rehearse";

const ENVIRONMENT: &str = "\
Environment:
  KEYWRIGHT_STATE    the state folder, as --state
  KEYWRIGHT_CONFIG   the settings file, as --config
  KEYWRIGHT_LOG      what to log, as --log
  KEYWRIGHT_AGE_IDENTITY
                     the identity that opens secrets in age files; a file as age-keygen writes it
  NO_COLOR           no colours; CLICOLOR_FORCE=1 forces them
  TERM=dumb          neither colours nor progress lines

Secrets:
  A SOURCE of a secret is one of these; where several lines are found, the first is the secret.
    prompt                   asked for on the terminal
    file:PATH                a file that only you can read
    age:PATH                 a file encrypted with age: its passphrase is asked for, or its identity is in the file that
                             KEYWRIGHT_AGE_IDENTITY names
    env:NAME                 an environment variable
    fd:N                     the next line of an open descriptor
    command:PROGRAM ARG...   what a program prints, without a shell: 'command:pass show idp/acme'
  A secret itself is never taken from the command line.";

/// The whole command line.
#[derive(Parser)]
#[command(
    name = "keywright",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_help = "Exit codes and environment: keywright --help",
    after_long_help = format!("{}\n\n{ENVIRONMENT}\n\nExample:\n  keywright rehearse --people 5", exit::HELP),
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Print results as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// The state folder: ledger, sealed PINs, hand-over, soft keys
    #[arg(long, global = true, value_name = "DIR", env = "KEYWRIGHT_STATE", hide_env = true)]
    pub state: Option<PathBuf>,
    /// The settings file (keywright.toml)
    #[arg(long, global = true, value_name = "FILE", env = "KEYWRIGHT_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Log more: -v what is done, -vv how, -vvv every message to and from keys, without its content
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to log, on stderr: error, warn, info, debug, trace, or a filter such as 'keywright::hid=trace'
    #[arg(long, global = true, value_name = "FILTER", env = "KEYWRIGHT_LOG", hide_env = true)]
    pub log: Option<String>,
}

/// The commands. Each says about itself in its own file what it does.
#[derive(Subcommand)]
#[allow(missing_docs, reason = "a comment here would take the place of the command's own help")]
pub enum Command {
    #[cfg(feature = "practice")]
    Rehearse(super::rehearse::Rehearse),
    Provision(provision::Provision),
    Resume(resume::Resume),
    Status(status::Status),
    Enroll(enroll::Enroll),
    Revoke(revoke::Revoke),
    Drill(drill::Drill),
    Key(key::Key),
    Doctor(doctor::Doctor),
    Idp(idp::Idp),
    #[cfg(all(feature = "practice", target_os = "linux"))]
    Softkey(super::softkey::Softkey),
    Ledger(ledger::Ledger),
    Audit(audit::Audit),
    Attest(attest::Attest),
    Mds(mds::Mds),
    Completions(completions::Completions),
    Man(man::Man),
    #[command(hide = true)]
    Witness(witness::Witness),
}

/// Which keys.
#[derive(Debug, Clone, Default, Args)]
pub struct KeySource {
    /// Soft keys instead of USB keys: so many of them, kept in the state folder, or a folder with saved ones
    #[cfg(feature = "practice")]
    #[arg(long, value_name = "N|DIR")]
    pub softkeys: Option<SoftKeys>,
    /// How long soft keys wait for their touch, in milliseconds, so that the prompts can be seen
    #[cfg(feature = "practice")]
    #[arg(long, value_name = "MS", default_value_t = 0, requires = "softkeys")]
    pub touch_after: u64,
}

impl KeySource {
    /// The soft keys that were asked for, where there are any.
    #[cfg(feature = "practice")]
    pub fn softkeys(&self) -> Option<&SoftKeys> {
        self.softkeys.as_ref()
    }

    /// There are none in this build.
    #[cfg(not(feature = "practice"))]
    pub fn softkeys(&self) -> Option<&std::convert::Infallible> {
        None
    }
}

/// Which single key.
#[derive(Debug, Clone, Default, Args)]
pub struct OneKey {
    /// Which keys.
    #[command(flatten)]
    pub source: KeySource,
    /// The key, by its path or its port as 'keywright key list' shows them; 'touch' for the one that you touch
    #[arg(long, value_name = "PATH|PORT|touch")]
    pub key: Option<String>,
}

/// Which identity provider.
#[derive(Debug, Clone, Default, Args)]
pub struct WhichIdp {
    /// The IdP: its name in the settings (needed if there are several), or the URL of an embedded one on this machine
    #[arg(long, value_name = "NAME|URL", value_parser = unrepeated::<IdpChoice>())]
    pub idp: Option<IdpChoice>,
    /// Where the IdP's API token comes from (with a URL)
    #[arg(long, value_name = "SOURCE", requires = "idp", value_parser = unrepeated::<SecretSource>())]
    pub idp_token: Option<SecretSource>,
}

impl WhichIdp {
    /// Opens it. Takes its secret from where it is.
    pub fn open(&self, settings: &Settings) -> Result<Box<dyn Directory>, CliError> {
        let token = self.idp_token.as_ref();
        Ok(settings.choose(self.idp.as_ref(), token)?.open(token)?)
    }
}

/// What a run of jobs takes besides people.
#[derive(Clone, Default, Args)]
pub struct Work {
    /// Which keys.
    #[command(flatten)]
    pub source: KeySource,
    /// Which IdP.
    #[command(flatten)]
    pub idp: WhichIdp,
    /// Trust the attestation certificates in this PEM file as well (repeatable)
    #[arg(long, value_name = "FILE")]
    pub anchor: Vec<PathBuf>,
    /// Who gets PINs as age files, besides the settings' readers (repeatable)
    #[arg(long, value_name = "NAME=age1...", value_parser = unrepeated::<Reader>())]
    pub reader: Vec<Reader>,
    /// How long to wait for a key to be plugged in
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub wait: u16,
    /// Tell keys of one model apart by their ports, as on a hub with numbers: all of them may blink at once. Without it they blink one after the other, and you are told whose each is
    #[arg(long)]
    pub by_port: bool,
    /// Check everything that can be checked without changing anything, and say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Say yes to every question, such as whether a used key may be reset
    #[arg(long)]
    pub yes: bool,
}

/// What a command takes that changes a key.
#[derive(Debug, Clone, Default, Args)]
pub struct Change {
    /// Say what would be done, and do not do it
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// Where a key's PIN comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct PinArgument {
    /// Where the key's PIN comes from: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...' [default: prompt]
    #[arg(long, value_name = "SOURCE", value_parser = unrepeated::<SecretSource>())]
    pub pin: Option<SecretSource>,
}

/// Reads a moment: RFC 3339, or a day (`2026-11-23`), which stands for its last second in UTC.
pub fn moment(text: &str) -> Result<OffsetDateTime, String> {
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
pub struct Unrepeated<T>(PhantomData<fn() -> T>);

/// See [`Unrepeated`].
pub fn unrepeated<T>() -> Unrepeated<T> {
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        let path = format!("{path} {}", command.get_name());
        if command.get_subcommands().next().is_none() {
            found.push((path.clone(), command.clone()));
        }
        for child in command.get_subcommands() {
            leaves(child, &path, found);
        }
    }

    #[test]
    fn the_tree_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_that_parses() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "", &mut found);
        assert!(found.len() > 20);
        for (path, command) in found {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let (_, examples) = help.split_once("Example:").unwrap_or_else(|| panic!("{path} has no example"));
            let mut parsed = 0;
            for line in examples.lines().filter(|line| line.trim_start().starts_with("keywright ")) {
                let words = line.split_whitespace().take_while(|word| !["|", ">", "#"].contains(word));
                if let Err(error) = Arguments::try_parse_from(words) {
                    panic!("{line}: {error}");
                }
                parsed += 1;
            }
            assert!(parsed > 0, "{path} has no example to parse");
        }
    }

    #[test]
    fn a_credential_id_may_begin_with_a_dash() {
        let parsed = Arguments::try_parse_from(["keywright", "key", "credentials", "--delete", "-a_B"]);
        assert!(parsed.is_ok(), "{}", parsed.err().unwrap());
    }

    #[test]
    fn a_command_explains_itself_in_its_long_help() {
        let mut command = Arguments::command();
        let provision = command.find_subcommand_mut("provision").unwrap();
        assert!(provision.render_long_help().to_string().contains("checked as a whole before anything is touched"));
        assert!(!provision.render_help().to_string().contains("checked as a whole"));
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        let error =
            Arguments::try_parse_from(["keywright", "key", "pin", "change", "--pin", "correct horse"]).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::ValueValidation);
        assert!(error.to_string().starts_with("error: --pin: "));
        assert!(!error.to_string().contains("horse"));
    }
}
