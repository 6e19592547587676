//! The tree of commands.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::cli::commands::{
    account, attest, audit, breakglass, completions, doctor, drill, enforce, enroll, hand_over, help, idp, init,
    inventory, key, ledger, man, mds, profile, provision, ready, reconcile, recover, register, replace, resume, revoke,
    rollout, roster, station, status, version, watch, witness,
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

const TOPICS: &str = "\
Topics, each with 'keywright help TOPIC':
  secrets, rosters, profiles, settings, json, exit-codes, environment";

/// The commands as they are listed: what they are for, and their names.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Batches", &["rehearse", "provision", "resume", "status", "enroll", "hand-over"]),
    ("Keys", &["key", "replace", "revoke", "drill"]),
    (
        "Roll-out and recovery",
        &[
            "inventory",
            "reconcile",
            "rollout",
            "roster",
            "ready",
            "enforce",
            "watch",
            "recover",
            "breakglass",
            "account",
        ],
    ),
    ("Evidence", &["audit", "attest", "ledger", "mds"]),
    (
        "Set-up",
        &[
            "init",
            "doctor",
            "idp",
            "profile",
            "register",
            "station",
            "softkey",
            "completions",
            "man",
            "help",
            "version",
        ],
    ),
];

/// The whole command line.
#[derive(Parser)]
#[command(
    name = "keywright",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_help = "Exit codes and environment: keywright --help",
    after_long_help = format!("{}\n\n{}\n\n{TOPICS}\n\nExample:\n  keywright rehearse --people 5", exit::help(), help::ENVIRONMENT),
    disable_help_subcommand = true,
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
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
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
    Enforce(enforce::Enforce),
    Watch(watch::Watch),
    Key(key::Key),
    Init(init::Init),
    Doctor(doctor::Doctor),
    Idp(idp::Idp),
    Profile(profile::Profile),
    Register(register::Register),
    Station(station::Station),
    #[cfg(all(feature = "practice", target_os = "linux"))]
    Softkey(crate::cli::commands::softkey::Softkey),
    Ledger(ledger::Ledger),
    Audit(audit::Audit),
    Attest(attest::Attest),
    Mds(mds::Mds),
    Completions(completions::Completions),
    Man(man::Man),
    Help(help::Help),
    Version(version::Version),
    #[command(hide = true)]
    Witness(witness::Witness),
}

/// The tree of commands, which the root's help lists in groups.
pub(crate) fn tree() -> clap::Command {
    let tree = Arguments::command();
    let mut listed = String::new();
    for (title, names) in GROUPS {
        listed.push_str(&format!("\n\n{title}:"));
        let commands = names.iter().filter_map(|name| tree.find_subcommand(name));
        for command in commands {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            listed.push_str(&format!("\n  {:<13}{about}", command.get_name()));
        }
    }
    tree.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}{listed}\n\nOptions:\n{{options}}{{after-help}}"
    ))
}

impl Command {
    /// Whether it makes the settings file where there is none.
    pub(crate) fn writes_settings(&self) -> bool {
        match self {
            Self::Init(_) => true,
            Self::Idp(command) => command.writes_settings(),
            _ => false,
        }
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
            Self::Enforce(command) => command.run(session),
            Self::Watch(command) => command.run(session),
            Self::Key(command) => command.run(session),
            Self::Init(command) => command.run(session),
            Self::Doctor(command) => command.run(session),
            Self::Idp(command) => command.run(session),
            Self::Profile(command) => command.run(session),
            Self::Register(command) => command.run(session),
            Self::Station(command) => command.run(session),
            #[cfg(all(feature = "practice", target_os = "linux"))]
            Self::Softkey(command) => command.run(session),
            Self::Ledger(command) => command.run(session),
            Self::Audit(command) => command.run(session),
            Self::Attest(command) => command.run(session),
            Self::Mds(command) => command.run(session),
            Self::Completions(command) => command.run(session),
            Self::Man(command) => command.run(tree(), session),
            Self::Help(command) => command.run(tree(), session),
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
    fn every_command_is_listed_in_one_group() {
        let tree = Arguments::command();
        let mut shown: Vec<_> =
            tree.get_subcommands().filter(|one| !one.is_hide_set()).map(clap::Command::get_name).collect();
        let listed = GROUPS.iter().flat_map(|(_, names)| *names).copied();
        // Some are not in every build.
        let mut listed: Vec<_> = listed.filter(|name| tree.find_subcommand(name).is_some()).collect();
        shown.sort_unstable();
        listed.sort_unstable();
        assert_eq!(shown, listed);
    }

    #[test]
    fn the_list_keeps_to_the_terminal() {
        let help = tree().render_long_help().to_string();
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
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
