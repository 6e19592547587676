//! The tree of commands.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::cli::commands::{
    account, attest, audit, breakglass, completions, doctor, drill, enroll, hand_over, idp, inventory, key, ledger,
    man, mds, provision, ready, reconcile, recover, replace, resume, revoke, rollout, roster, status, version, watch,
    witness,
};
use crate::cli::shared::arguments::Global;
use crate::cli::shared::{CliError, Exit, Session, exit};

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
    after_long_help = format!("{}\n\n{ENVIRONMENT}\n\nExample:\n  keywright rehearse --people 5", exit::help()),
    max_term_width = 100
)]
pub(crate) struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands. Each says about itself in its own file what it does.
#[derive(Subcommand)]
#[allow(missing_docs, reason = "a comment here would take the place of the command's own help")]
pub(crate) enum Command {
    #[cfg(feature = "practice")]
    Rehearse(crate::cli::commands::rehearse::Rehearse),
    Provision(provision::Provision),
    Resume(resume::Resume),
    Status(status::Status),
    Enroll(enroll::Enroll),
    Replace(replace::Replace),
    Revoke(revoke::Revoke),
    Recover(recover::Recover),
    Drill(drill::Drill),
    #[command(name = "breakglass")]
    BreakGlass(breakglass::BreakGlass),
    HandOver(hand_over::HandOver),
    Account(account::Account),
    Rollout(rollout::Rollout),
    Roster(roster::Roster),
    Inventory(inventory::Inventory),
    Reconcile(reconcile::Reconcile),
    Ready(ready::Ready),
    Watch(watch::Watch),
    Key(key::Key),
    Doctor(doctor::Doctor),
    Idp(idp::Idp),
    #[cfg(all(feature = "practice", target_os = "linux"))]
    Softkey(crate::cli::commands::softkey::Softkey),
    Ledger(ledger::Ledger),
    Audit(audit::Audit),
    Attest(attest::Attest),
    Mds(mds::Mds),
    Completions(completions::Completions),
    Man(man::Man),
    Version(version::Version),
    #[command(hide = true)]
    Witness(witness::Witness),
}

impl Command {
    /// Whether it makes the settings file where there is none.
    pub(crate) fn writes_settings(&self) -> bool {
        matches!(self, Self::Idp(command) if command.writes_settings())
    }

    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match self {
            #[cfg(feature = "practice")]
            Self::Rehearse(command) => command.run(session),
            Self::Provision(command) => command.run(session),
            Self::Resume(command) => command.run(session),
            Self::Status(command) => command.run(session),
            Self::Enroll(command) => command.run(session),
            Self::Replace(command) => command.run(session),
            Self::Revoke(command) => command.run(session),
            Self::Recover(command) => command.run(session),
            Self::Drill(command) => command.run(session),
            Self::BreakGlass(command) => command.run(session),
            Self::HandOver(command) => command.run(session),
            Self::Account(command) => command.run(session),
            Self::Rollout(command) => command.run(session),
            Self::Inventory(command) => command.run(session),
            Self::Roster(command) => command.run(session),
            Self::Reconcile(command) => command.run(session),
            Self::Ready(command) => command.run(session),
            Self::Watch(command) => command.run(session),
            Self::Key(command) => command.run(session),
            Self::Doctor(command) => command.run(session),
            Self::Idp(command) => command.run(session),
            #[cfg(all(feature = "practice", target_os = "linux"))]
            Self::Softkey(command) => command.run(session),
            Self::Ledger(command) => command.run(session),
            Self::Audit(command) => command.run(session),
            Self::Attest(command) => command.run(session),
            Self::Mds(command) => command.run(session),
            Self::Completions(command) => command.run(Arguments::command(), session),
            Self::Man(command) => command.run(Arguments::command(), session),
            Self::Version(command) => command.run(session),
            Self::Witness(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

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
