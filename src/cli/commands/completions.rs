//! `keywright completions`: a script for the shell, and what that script asks the program for while somebody types: commands and
//! options, files, and the accounts, keys, profiles and IdPs that there are.
//!
//! It refuses to ask an IdP or a key, and to say anything where something cannot be read: then there is nothing to choose from.

use std::any::TypeId;
use std::ffi::OsString;

use clap::Args;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use crate::cli::shared::arguments::{Global, WhichKey};
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::profile::ProfileName;
use crate::settings::IdpChoice;

/// The variable by which a script asks.
const ASKED_BY: &str = "KEYWRIGHT_COMPLETE";

/// Print a completion script for a shell.
///
/// The script asks keywright itself: options and files, accounts and keys of the ledger, profiles, and the IdPs of the settings.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright completions bash > /etc/bash_completion.d/keywright
  keywright completions zsh > /usr/local/share/zsh/site-functions/_keywright
  keywright completions fish > /etc/fish/completions/keywright.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let shells = Shells::builtins();
        let shell = shells.completer(&self.shell.to_string()).expect("each shell of the one list is in the other");
        let mut script = Vec::new();
        shell
            .write_registration(ASKED_BY, "keywright", "keywright", "keywright", &mut script)
            .expect("a script is written to memory");
        session.output.bytes(&script)?;
        Ok(Exit::Done)
    }
}

/// Answers a script, if one has asked.
pub(crate) fn answered(tree: fn() -> clap::Command, arguments: &[OsString]) -> Result<bool, clap::Error> {
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(|| with_candidates(tree()))
        .var(ASKED_BY)
        .bin("keywright")
        .try_complete(arguments, folder.as_deref())
}

/// The tree, with what there is to choose from.
fn with_candidates(tree: clap::Command) -> clap::Command {
    let names_idp = tree.get_name() == "idp";
    tree.mut_args(|argument| with_choice(argument, false)).mut_subcommands(move |below| match names_idp {
        true => below.mut_args(|argument| with_choice(argument, true)),
        false => with_candidates(below),
    })
}

fn with_choice(argument: clap::Arg, names_idp: bool) -> clap::Arg {
    let is = |kind: TypeId| argument.get_value_parser().type_id() == kind;
    let called = |name: &str| argument.get_value_names().into_iter().flatten().any(|other| other.as_str() == name);
    let choice: fn(&Session) -> Vec<CompletionCandidate> = match () {
        () if called("ACCOUNT") => accounts,
        () if is(TypeId::of::<WhichKey>()) || called("PATH|PORT|SERIAL|K-NUMBER|touch") => keys,
        () if is(TypeId::of::<ProfileName>()) => all_profiles,
        () if is(TypeId::of::<IdpChoice>()) || names_idp && called("NAME") => idps,
        () => return argument,
    };
    argument.add(ArgValueCandidates::new(move || choice(&asking())))
}

/// The state folder, export and settings of the line that somebody types.
fn asking() -> Session {
    let words: Vec<OsString> = std::env::args_os().collect();
    let after = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        words.get(at + 1).map(Into::into)
    };
    let or = |flag: &str, variable: &str| after(flag).or_else(|| std::env::var_os(variable).map(Into::into));
    let global = Global {
        state: or("--state", "KEYWRIGHT_STATE"),
        config: or("--config", "KEYWRIGHT_CONFIG"),
        from: after("--from"),
        ..Global::default()
    };
    Session::new(&global)
}

fn candidate(value: impl Into<OsString>, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.to_owned().into()))
}

fn accounts(session: &Session) -> Vec<CompletionCandidate> {
    let Ok(Some(register)) = session.register_if_any() else { return Vec::new() };
    register.accounts.values().map(|account| candidate(&account.login, account.person.display_name())).collect()
}

fn keys(session: &Session) -> Vec<CompletionCandidate> {
    let Ok(Some(register)) = session.register_if_any() else { return Vec::new() };
    let of = |credential: &crate::register::Credential| {
        let number = credential.number?;
        let whose = format!("{}, key {}", register.login(&credential.account), credential.ordinal);
        Some((number, whose))
    };
    let numbers: std::collections::BTreeMap<_, _> = register.credentials.values().filter_map(of).collect();
    numbers.into_iter().map(|(number, whose)| candidate(number.to_string(), &whose)).collect()
}

fn all_profiles(session: &Session) -> Vec<CompletionCandidate> {
    let known = session.settings().and_then(|settings| profiles::load(None, &settings));
    known.into_iter().flatten().map(|(name, _)| candidate(name.as_str(), "")).collect()
}

fn idps(session: &Session) -> Vec<CompletionCandidate> {
    let settings = session.settings().unwrap_or_default();
    settings.idp.iter().map(|(name, table)| candidate(name, table.kind().title)).collect()
}
