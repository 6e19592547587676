//! The one table: for each error of each room, the exit code and what to do next.
//!
//! A room's errors are listed whole, so that a new one does not compile before it has a row.

mod files;
mod idps;
mod jobs;
mod keys;
mod rollout;

use std::borrow::Cow;

use super::CliError;
use crate::cli::shared::Exit::{self, Failed, Interrupted, Pin, Usage};
use crate::ledger::TimeStampError;

#[cfg(test)]
pub(crate) use jobs::of_code;
pub(crate) use jobs::{drill, of_job, of_person};

/// What an error means for the person at the machine.
pub(crate) struct Meaning {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What to do next, in lower case and without a full stop.
    pub(crate) next: Cow<'static, str>,
}

fn row(exit: Exit, next: impl Into<Cow<'static, str>>) -> Meaning {
    Meaning { exit, next: next.into() }
}

const PLUG_KEYS_IN: &str = match (cfg!(windows), cfg!(feature = "practice")) {
    (false, true) => "plug security keys in, or practise with --softkeys 2",
    (false, false) => "plug security keys in",
    (true, true) => {
        "plug security keys in, and start the terminal with 'Run as administrator', because Windows hides them from everybody \
         else; or practise with --softkeys 2"
    }
    (true, false) => {
        "plug security keys in, and start the terminal with 'Run as administrator', because Windows hides them from everybody \
         else"
    }
};
const CHECK_ACCOUNT: &str = "check the account's name and state at the identity provider";
const CHECK_PATH: &str = "check the path, and that you may read and write there";
const FEW_ATTEMPTS: &str =
    "be sure of the PIN, then give it once with 'keywright key credentials --yes': the right one resets the count";
const FETCH_AGAIN: &str = "nothing was stored; fetch it again from https://mds3.fidoalliance.org/";
const FREE_SPACE: &str = "free disk space or repair the disk, then run this again";
const OTHER_KEY: &str = "use another key: this one's signatures cannot be relied on";
const REPLUG: &str = "unplug the key, plug it in again and repeat; without a hub if there is one";
const REPLACE_KEY: &str = "revoke this key with 'keywright revoke' and make another with 'keywright enroll'";
const RESUME: &str = "run 'keywright resume' to go on";
const RUN_AGAIN: &str = "run the command again";

fn time_stamp(error: &TimeStampError) -> Meaning {
    match error {
        TimeStampError::Refused(_) | TimeStampError::Malformed(_) | TimeStampError::Algorithm(_) => {
            row(Failed, "look at the server's own words about time stamps, or name another server")
        }
        TimeStampError::AnotherText | TimeStampError::AnotherNonce | TimeStampError::Signature => {
            row(Failed, "ask again; if it stays, somebody stands between this station and the server")
        }
        TimeStampError::NotForTimeStamps | TimeStampError::NotValid | TimeStampError::Untrusted => {
            row(Failed, "look whether the root that the settings name is the one that the server publishes")
        }
    }
}

/// What ended a command.
pub(crate) fn meaning_of(error: &CliError) -> Meaning {
    match error {
        CliError::Keys(error) => keys::keys(error),
        CliError::Transport(error) => keys::transport(error),
        CliError::Ctap(error) => keys::ctap(error),
        CliError::Pin(error) => keys::pin(error),
        CliError::PinAttempt(error) => keys::pin_attempt(error),
        CliError::PinState { next, .. } => row(Pin, *next),
        CliError::Secret(error) => files::secret(error),
        CliError::Private(error) => files::file(error),
        CliError::Ledger(error) => files::ledger(error),
        CliError::Profile(error) => files::profile(error),
        CliError::Roster(error) => files::roster(error),
        CliError::StockList(error) => files::stock_list(error),
        CliError::Directory(error) => idps::directory(error),
        CliError::Open(error) => idps::open(error),
        CliError::Run(error) => jobs::run(error),
        CliError::Revoke(error) => jobs::revoke(error),
        CliError::Drill(error) => drill(error),
        CliError::Recover(error) => rollout::recover(error),
        CliError::UnknownKey(error) => rollout::unknown_key(error),
        CliError::Enforce(error) => rollout::enforce(error),
        CliError::Erase(error) => jobs::erase(error),
        CliError::Settings(error) => files::settings(error),
        CliError::Plan(error) => files::plan(error),
        CliError::Rollout(error) => idps::rollout(error),
        #[cfg(feature = "practice")]
        CliError::Serve(error) => idps::serve(error),
        #[cfg(feature = "practice")]
        CliError::SoftKeys(error) => keys::soft_keys(error),
        CliError::Trust(_) => row(Usage, "name a certificate in PEM or DER"),
        CliError::Mds(error) => files::mds(error),
        CliError::Witness(_) => {
            row(Failed, "the station's own signature is kept; try again later, or bring it there and back with --add")
        }
        CliError::TimeStamp { why, .. } => time_stamp(why),
        CliError::Download(_) => {
            row(Failed, "try later, or fetch it on another machine and take it with 'keywright mds import FILE'")
        }
        CliError::NoMetadata => {
            row(Failed, "'keywright mds update' fetches it; 'keywright mds import FILE' takes it from a file")
        }
        CliError::Usage(_) => row(Usage, "add --help to see how the command is used"),
        CliError::File { .. } => row(Failed, CHECK_PATH),
        CliError::NobodyToAsk { .. } => row(Failed, "repeat with --yes if that is what you want"),
        CliError::NotConfirmed => row(Failed, "run it again and answer y to go on"),
        CliError::Unsigned { .. } => {
            row(Failed, "plug one of them in, then 'keywright ledger checkpoint --sign-with-key'")
        }
        CliError::NotFound(_) => {
            row(Failed, "check the name; 'keywright status' and 'keywright key list' show what there is")
        }
        CliError::NotSetUp { next, .. } => row(Failed, *next),
        CliError::Moved { .. } => {
            row(Failed, "work there; a station of its own on this machine takes another folder, --state")
        }
        CliError::Stopped => row(Interrupted, RUN_AGAIN),
        CliError::Interrupted => row(Interrupted, RESUME),
        CliError::System { .. } => {
            row(Failed, "check this machine's limits and permissions, then run the command again")
        }
    }
}
