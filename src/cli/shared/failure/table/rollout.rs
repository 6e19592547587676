//! The roll-out and the way back.

use super::{CHECK_ACCOUNT, Meaning, RESUME, files, idps, jobs, row};
use crate::cli::shared::Exit::{Directory, Failed, Interrupted, Partial};
use crate::idp::DirectoryError;
use crate::provision::PersonError;
use crate::rollout::enforce::EnforceError;
use crate::rollout::recover::{RecoverError, StepError};
use crate::rollout::unknown_key::UnknownKeyError;

pub(super) fn recover(error: &RecoverError) -> Meaning {
    match error {
        RecoverError::NoSuchKey { .. } => row(Failed, "'keywright status' shows the keys and their numbers"),
        RecoverError::AnotherGoesOn { .. } => row(Failed, "run 'keywright resume', or end it with --give-up"),
        RecoverError::BreakGlass(_) => row(
            Failed,
            "revoke its key, enroll another, and bag it: 'keywright revoke', 'keywright enroll', 'keywright breakglass add'",
        ),
        RecoverError::NotActive(_) => row(Failed, "'keywright provision' takes somebody back who comes back"),
        RecoverError::Out { .. } => row(Failed, "let the account in again in the identity provider's console first"),
        RecoverError::Step { why, .. } => step(why),
        RecoverError::Ledger(error) => files::ledger(error),
        RecoverError::Directory(error) => idps::directory(error),
        RecoverError::Person(error) => person(error),
    }
}

pub(super) fn enforce(error: &EnforceError) -> Meaning {
    match error {
        EnforceError::NotReady { .. } => row(Partial, "'keywright ready' names each reason, and what mends it"),
        EnforceError::AnotherGoesOn { .. } => {
            row(Failed, "end that one first: the same command with its wave or group")
        }
        EnforceError::PolicyNotOn { .. } => {
            row(Failed, "switch it on at the identity provider, then run this again; nothing was removed")
        }
        EnforceError::NotOffered { .. } => {
            row(Failed, "remove them in the identity provider's console; 'keywright inventory' lists what it tells")
        }
        EnforceError::Stopped => row(Interrupted, "run the same command to go on"),
        EnforceError::Directory(error) => {
            Meaning { exit: idps::directory(error).exit, next: "run the same command to go on".into() }
        }
        EnforceError::Ledger(error) => files::ledger(error),
    }
}

pub(super) fn unknown_key(error: &UnknownKeyError) -> Meaning {
    match error {
        UnknownKeyError::NoSuchKey { .. } => row(Failed, "'keywright reconcile' names the keys that nobody here made"),
        UnknownKeyError::MadeHere { login, ordinal, .. } => {
            let next = format!("take it out of service with: keywright revoke {login} --key {ordinal}");
            Meaning { exit: Failed, next: next.into() }
        }
        UnknownKeyError::CannotTell(untold) => Meaning { exit: Failed, next: untold.next_step().into() },
        UnknownKeyError::LastWayIn { login, .. } => {
            let next = format!("give them another one first: keywright enroll {login}");
            Meaning { exit: Failed, next: next.into() }
        }
        UnknownKeyError::StillThere(_) => row(Directory, "run 'keywright resume', and look in the IdP's console"),
        UnknownKeyError::Directory(error) | UnknownKeyError::Person(PersonError::Directory(error)) => to_resume(error),
        UnknownKeyError::Person(error) => person(error),
        UnknownKeyError::Ledger(error) => files::ledger(error),
    }
}

fn step(error: &StepError) -> Meaning {
    match error {
        StepError::Directory(error) | StepError::Person(PersonError::Directory(error)) => to_resume(error),
        StepError::Person(error) => person(error),
        StepError::Revoke(error) => jobs::revoke(error),
        StepError::StillSignsIn => row(Directory, "run 'keywright resume' when the identity provider is back"),
        StepError::HandOver(error) => files::secret(error),
        StepError::NotOutOfThePrinter => row(Failed, "look at the printer, then 'keywright resume' makes another pass"),
        StepError::Run(error) => jobs::run(error),
    }
}

/// What is left is done by `resume`, so that is what stands there.
fn to_resume(error: &DirectoryError) -> Meaning {
    Meaning { exit: idps::directory(error).exit, next: RESUME.into() }
}

fn person(error: &PersonError) -> Meaning {
    match error {
        PersonError::Directory(error) => idps::directory(error),
        PersonError::Changed { .. } | PersonError::Inactive { .. } => row(Failed, CHECK_ACCOUNT),
    }
}
