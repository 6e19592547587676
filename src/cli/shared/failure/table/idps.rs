//! Identity providers, and the one for practice.

#[cfg(feature = "practice")]
use super::RUN_AGAIN;
use super::{CHECK_ACCOUNT, Meaning, files, row};
use crate::cli::shared::Exit::{Directory, Failed, Interrupted, Usage};
use crate::idp::{DirectoryError, OpenError};
use crate::rollout::RolloutError;
#[cfg(feature = "practice")]
use keywright_practice::idp_server::StartError;

pub(super) fn directory(error: &DirectoryError) -> Meaning {
    match error {
        DirectoryError::Unreachable { .. } => {
            row(Directory, "check the address and the network; nothing was changed there")
        }
        DirectoryError::Unanswered { .. } | DirectoryError::Failed { .. } => {
            row(Directory, "try again later; before keywright changes anything it asks what was done already")
        }
        DirectoryError::SignIn { .. } => {
            row(Directory, "check the token and where it comes from; 'keywright idp check' tries it")
        }
        DirectoryError::Forbidden { .. } => {
            row(Directory, "let keywright's account register security keys for others; 'keywright idp check' tries it")
        }
        // What was asked for is not there: that is the caller's mistake.
        DirectoryError::NotFound { .. } => row(Failed, CHECK_ACCOUNT),
        DirectoryError::Expired { .. } => row(Directory, "run 'keywright resume'; a new registration is started"),
        DirectoryError::Refused { .. } => row(Directory, "fix what the identity provider says, then run this again"),
        DirectoryError::RateLimited { .. } => row(Directory, "wait a few minutes, then run this again"),
        DirectoryError::InvalidResponse { .. } => {
            row(Directory, "check that the address is the identity provider's API, and no proxy answers instead")
        }
    }
}

pub(super) fn rollout(error: &RolloutError) -> Meaning {
    match error {
        RolloutError::Directory(error) => directory(error),
        RolloutError::File(error) => files::file(error),
        RolloutError::NoPeople { .. } => row(Failed, "'keywright idp check' tells what it does"),
        RolloutError::NobodyHasRole { known, .. } if known.is_empty() => {
            row(Failed, "nobody has any role there; 'keywright idp check' tells whether our account may see roles")
        }
        RolloutError::NobodyHasRole { known, .. } => {
            let some: Vec<&str> = known.iter().take(4).map(String::as_str).collect();
            let more = if known.len() > some.len() { ", ..." } else { "" };
            row(Failed, format!("somebody has one of these: {}{more}", some.join(", ")))
        }
        RolloutError::Unreadable { .. } => row(Failed, "read the estate again with this version"),
        RolloutError::Changed { .. } => row(Failed, "keep that file, and look who could change it"),
        RolloutError::Stopped => row(Interrupted, "run the command again; what was read is kept for a day"),
    }
}

pub(super) fn open(error: &OpenError) -> Meaning {
    match error {
        OpenError::Secret(error) => files::secret(error),
        OpenError::Directory(error) => directory(error),
        OpenError::Setting { .. } => row(Usage, "correct the settings; 'keywright idp check' tries them"),
    }
}

#[cfg(feature = "practice")]
pub(super) fn serve(error: &StartError) -> Meaning {
    match error {
        StartError::NotLoopback(_) => row(Usage, "listen on 127.0.0.1, which only this machine reaches"),
        StartError::Token => row(Usage, "leave --token out: a good one is drawn and kept"),
        StartError::Origin { .. } => row(Usage, "name an --origin on the domain of --rp-id"),
        StartError::Listen { .. } => row(Failed, "choose another port with --listen, or 0 for one that is free"),
        StartError::Database { .. } => row(Failed, "name another file with --database"),
        StartError::Run(_) => row(Failed, RUN_AGAIN),
    }
}
