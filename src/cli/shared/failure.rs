//! The one place where an error of any room becomes a message, a hint and an exit code.
//!
//! Messages are the rooms' own; hints are written here, because only the command line knows what the person can type next. All
//! of them start in lower case and have no full stop. It refuses to print a secret: none of the rooms' errors holds one.

use std::path::PathBuf;

use crate::cli::shared::Exit;
use crate::cli::shared::device::KeysError;
use crate::idp::{DirectoryError, OpenError};
use crate::ledger::{Failure, FailureCode, LedgerError};
use crate::profile::{ProfileError, RosterError};
use crate::provision::{DrillError, NoDelivery, PinAttemptError, RevokeError, RunError};
use crate::secret::SecretError;
use crate::settings::SettingsError;
use keywright_attest::{MdsError, TrustError};
use keywright_fido::ctap::{CtapError, PinError, StatusCode, StatusMeaning, TransportError};
#[cfg(feature = "practice")]
use keywright_practice::{idp_server::StartError, softkey::SoftKeyError};

/// Everything that can end a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Which key is meant, or whether there is one.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Between this machine and a key.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A key's answer.
    #[error(transparent)]
    Ctap(#[from] CtapError),
    /// A text that is no PIN.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A PIN was wrong, or not sent.
    #[error(transparent)]
    PinAttempt(#[from] PinAttemptError),
    /// The key already has a PIN, or has none.
    #[error("{0}")]
    PinState(&'static str),
    /// A secret could not be taken, sealed or handed over.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The roster.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The identity provider.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// An identity provider cannot be asked as it is set up.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A revocation.
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    /// A drill.
    #[error(transparent)]
    Drill(#[from] DrillError),
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The embedded directory's server.
    #[cfg(feature = "practice")]
    #[error(transparent)]
    Serve(#[from] StartError),
    /// The soft keys.
    #[cfg(feature = "practice")]
    #[error(transparent)]
    SoftKeys(#[from] SoftKeyError),
    /// An anchor file.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The FIDO Alliance's metadata.
    #[error(transparent)]
    Mds(#[from] MdsError),
    /// Metadata could not be fetched.
    #[error(transparent)]
    Download(DirectoryError),
    /// No metadata was ever stored.
    #[error("there is no metadata of models here")]
    NoMetadata,
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A file of ours could not be read or written.
    #[error("{}: {why}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A question had to be asked, and there is nobody to answer.
    #[error("{question} There is no terminal to ask on")]
    NobodyToAsk {
        /// The question.
        question: String,
    },
    /// The person said no.
    #[error("not confirmed; nothing was changed")]
    NotConfirmed,
    /// After a reset another key was in the port.
    #[error("the key that was plugged in is not the one that was pulled out: {0}; nothing was reset")]
    AnotherKey(String),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// Somebody pressed Ctrl-C while a single key was in hand.
    #[error("interrupted")]
    Stopped,
    /// Somebody pressed Ctrl-C in a run that can be resumed.
    #[error("interrupted")]
    Interrupted,
    /// A web server, a signal handler or a logger could not be set up.
    #[error("{what}: {why}")]
    System {
        /// What was to be set up.
        what: &'static str,
        /// What the system says.
        why: String,
    },
}

/// What to do where no key is.
const PLUG_KEYS_IN: &str = if cfg!(feature = "practice") {
    "plug security keys in, or practise with --softkeys 2"
} else {
    "plug security keys in"
};

impl CliError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Keys(_) => Exit::Key,
            Self::Transport(error) => transport_exit(error),
            Self::Ctap(error) => ctap_exit(error),
            Self::PinAttempt(error) => pin_attempt_exit(error),
            Self::Pin(_) | Self::PinState(_) => Exit::Pin,
            Self::Secret(SecretError::Pin(_)) => Exit::Pin,
            Self::Secret(SecretError::Recipient(_) | SecretError::SameReader(_)) => Exit::Usage,
            Self::Run(RunError::HandOver(_)) => Exit::Usage,
            Self::Settings(SettingsError::Unwritable { .. }) => Exit::Failed,
            Self::Profile(_) | Self::Roster(_) | Self::Settings(_) | Self::Usage(_) | Self::Trust(_) => Exit::Usage,
            #[cfg(feature = "practice")]
            Self::Serve(StartError::NotLoopback(_) | StartError::Token | StartError::Origin { .. }) => Exit::Usage,
            Self::Open(OpenError::Setting { .. }) => Exit::Usage,
            Self::Directory(error)
            | Self::Open(OpenError::Directory(error))
            | Self::Run(RunError::Directory(error))
            | Self::Revoke(RevokeError::Directory(error)) => directory_exit(error),
            Self::Run(RunError::Transport(error)) => transport_exit(error),
            Self::Drill(error) => drill_exit(error),
            Self::Run(RunError::Blocked { .. }) => Exit::Directory,
            Self::Run(RunError::NoKey) => Exit::Key,
            Self::Interrupted
            | Self::Stopped
            | Self::Secret(SecretError::Interrupted)
            | Self::Open(OpenError::Secret(SecretError::Interrupted)) => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }

    /// Whether it is the ledger's: that is told even if somebody ended the run.
    pub(crate) fn is_ledger(&self) -> bool {
        matches!(
            self,
            Self::Ledger(_)
                | Self::Run(RunError::Ledger(_))
                | Self::Revoke(RevokeError::Ledger(_))
                | Self::Drill(DrillError::Ledger(_))
        )
    }

    /// Further lines of the message, such as each wrong row of a roster.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            Self::Roster(RosterError::Rows { rows, .. }) => {
                rows.iter().map(|(row, why)| format!("row {row}: {why}")).collect()
            }
            Self::Keys(
                KeysError::Ambiguous { keys } | KeysError::SeveralTouched { keys } | KeysError::NotThere { keys, .. },
            ) => keys.clone(),
            _ => Vec::new(),
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Keys(error) => keys_hint(error),
            Self::Transport(error) | Self::Run(RunError::Transport(error)) => {
                return transport_hint(error).map(str::to_owned);
            }
            Self::Ctap(error) => return ctap_hint(error),
            Self::Pin(error) | Self::Secret(SecretError::Pin(error)) => pin_hint(error),
            Self::PinAttempt(error) => return pin_attempt_hint(error),
            Self::PinState(_) => return None,
            Self::Open(OpenError::Setting { .. }) => {
                "correct the settings; 'keywright idp check' tells whether they will do"
            }
            Self::Secret(error) | Self::Open(OpenError::Secret(error)) => return secret_hint(error).map(str::to_owned),
            Self::Ledger(error) | Self::Run(RunError::Ledger(error)) | Self::Revoke(RevokeError::Ledger(error)) => {
                return ledger_hint(error).map(str::to_owned);
            }
            Self::Profile(ProfileError::Setting { .. }) => "correct the profile; the built-in ones show every setting",
            Self::Roster(error) => roster_hint(error),
            Self::Directory(error)
            | Self::Open(OpenError::Directory(error))
            | Self::Run(RunError::Directory(error))
            | Self::Revoke(RevokeError::Directory(error)) => {
                return directory_hint(error).map(str::to_owned);
            }
            Self::Run(RunError::Blocked { .. }) => "change this at the identity provider, then 'keywright idp check'",
            Self::Run(RunError::HandOver(NoDelivery { why, .. })) => return secret_hint(why).map(str::to_owned),
            Self::Run(RunError::NoKey) => PLUG_KEYS_IN,
            Self::Drill(error) => return Some(drill_hint(error)),
            Self::Settings(error) => return settings_hint(error),
            Self::NobodyToAsk { .. } => "repeat with --yes if that is what you want",
            Self::Revoke(RevokeError::NoSuchKey { .. }) => "'keywright status --json' shows every key that was planned",
            Self::Revoke(RevokeError::Person(_)) => {
                "the key belongs to the user with the old id; remove it at the identity provider itself"
            }
            Self::AnotherKey(_) => "plug the same key into the same port again",
            #[cfg(feature = "practice")]
            Self::SoftKeys(SoftKeyError::File { path, .. }) if path.starts_with("/dev") => {
                "run 'sudo modprobe uhid' once, and repeat with sudo"
            }
            Self::Interrupted => "run 'keywright resume' to go on",
            Self::Mds(error) => return mds_hint(error).map(str::to_owned),
            Self::Download(_) => {
                "try again later, or fetch https://mds3.fidoalliance.org/ on another machine, then 'keywright mds import FILE'"
            }
            Self::NoMetadata => "'keywright mds update' fetches it; 'keywright mds import FILE' takes it from a file",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn keys_hint(error: &KeysError) -> &'static str {
    match error {
        KeysError::None => PLUG_KEYS_IN,
        KeysError::Ambiguous { .. } => "name one with --key, or touch it with --key touch",
        KeysError::SeveralTouched { .. } => "touch one key only",
        KeysError::NotInLedger => {
            "'keywright key identify' says whose a key is; name the account and the key's number if it was reset"
        }
        KeysError::NotThere { .. } => "'keywright key list' shows the keys that are plugged in",
    }
}

fn transport_exit(error: &TransportError) -> Exit {
    match error {
        TransportError::Cancelled => Exit::Interrupted,
        _ => Exit::Failed,
    }
}

fn transport_hint(error: &TransportError) -> Option<&'static str> {
    Some(match error {
        TransportError::Removed => "plug the key in again and leave it in",
        TransportError::NoPermission { .. } => "'keywright doctor' says what is missing",
        TransportError::Held { .. } | TransportError::Busy(_) => {
            "close the program that uses the key, a browser for example"
        }
        TransportError::Timeout { .. } | TransportError::Protocol(_) => {
            "unplug the key, plug it in again and repeat; without a hub if there is one"
        }
        _ => return None,
    })
}

fn ctap_exit(error: &CtapError) -> Exit {
    match error {
        CtapError::Transport(error) => transport_exit(error),
        CtapError::Pin(_) => Exit::Pin,
        CtapError::Status { status, .. } => status_exit(*status),
        _ => Exit::Failed,
    }
}

/// The exit code that a key's status stands for.
fn status_exit(status: StatusCode) -> Exit {
    match status.meaning() {
        StatusMeaning::Cancelled => Exit::Interrupted,
        meaning if meaning.is_about_pin() => Exit::Pin,
        _ => Exit::Failed,
    }
}

fn pin_attempt_exit(error: &PinAttemptError) -> Exit {
    match error {
        PinAttemptError::Ctap(error) => ctap_exit(error),
        error => error.status().map_or(Exit::Pin, status_exit),
    }
}

/// What to do where a key has few attempts left.
const FEW_ATTEMPTS: &str = "be sure of the PIN, then give it once with 'keywright key credentials --yes': the right one makes the key count anew";

fn pin_attempt_hint(error: &PinAttemptError) -> Option<String> {
    match error {
        PinAttemptError::Ctap(error) => ctap_hint(error),
        PinAttemptError::Few { .. } => Some(FEW_ATTEMPTS.to_owned()),
        error => error.status().and_then(|status| status.meaning().hint()).map(str::to_owned),
    }
}

fn ctap_hint(error: &CtapError) -> Option<String> {
    match error {
        CtapError::Transport(error) => transport_hint(error).map(str::to_owned),
        CtapError::Pin(error) => Some(pin_hint(error).to_owned()),
        CtapError::Status { status, .. } => status.meaning().hint().map(str::to_owned),
        CtapError::Unsupported(_) => Some("'keywright key info' shows what this key can do".to_owned()),
        _ => None,
    }
}

fn pin_hint(error: &PinError) -> &'static str {
    match error {
        PinError::TooShort { .. } => "choose a longer PIN; what counts is characters",
        PinError::TooLong { .. } => "choose a shorter PIN; what counts is bytes, and accents and emoji take several",
        _ => "type the PIN without control characters",
    }
}

fn secret_hint(error: &SecretError) -> Option<&'static str> {
    Some(match error {
        SecretError::Recipient(_) => "a recipient starts with age1; 'age-keygen -y' prints it",
        SecretError::Missing(_) => {
            "put it there, or name another place: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...'"
        }
        SecretError::Command { .. } => "run it by hand: it has to print the secret and nothing before it",
        SecretError::Sealed { .. } => "'age --decrypt' tells whether it opens at all",
        SecretError::NoIdentity { .. } => "set KEYWRIGHT_AGE_IDENTITY to the file that age-keygen made",
        SecretError::NoReader => "add readers = [\"NAME=age1...\"] to the settings, or name one with --reader",
        SecretError::NoLetterProgram => "add letter-program = [\"lp\"] to the settings",
        SecretError::NoTerminal => "run this on a terminal, or choose another hand-over in the profile",
        SecretError::Unsealable { .. } | SecretError::IdentityLost { .. } => {
            "the state folder's vault has another station's identity; restore it from the backup"
        }
        SecretError::Printer { .. } => "the PIN is still sealed; repair the printer, then 'keywright resume'",
        _ => return None,
    })
}

fn ledger_hint(error: &LedgerError) -> Option<&'static str> {
    Some(match error {
        LedgerError::Locked { .. } => "wait for it to end; 'keywright status' can be asked meanwhile",
        LedgerError::Newer { .. } => "use the newer keywright; this one leaves the ledger alone",
        LedgerError::Missing { .. } => "name the state folder with --state, or provision somebody first",
        LedgerError::DiskFull { .. } => "make room, then 'keywright resume'",
        LedgerError::Conflict { .. } => "nothing was written; run the command again",
        LedgerError::Broken { .. } => "somebody changed the ledger; keep this file and compare it with the last export",
        _ => return None,
    })
}

fn mds_hint(error: &MdsError) -> Option<&'static str> {
    Some(match error {
        MdsError::Unsigned => {
            "FIDO signs its metadata; take a payload without a signature with --unsigned, if you know where it is from"
        }
        MdsError::NotValid { .. } => {
            "FIDO signs anew every few weeks: fetch the newest with 'keywright mds update', or take this one with --unsigned"
        }
        MdsError::RollBack { .. } => "keep the newer one; to start over, remove the folder mds in the state folder",
        MdsError::Damaged(_) => "remove the folder mds in the state folder, then 'keywright mds update'",
        MdsError::Malformed(_)
        | MdsError::Signature
        | MdsError::Order
        | MdsError::Name
        | MdsError::Algorithm(_)
        | MdsError::Untrusted(_) => "nothing was stored; fetch it again from https://mds3.fidoalliance.org/",
        MdsError::File { .. } => return None,
    })
}

fn roster_hint(error: &RosterError) -> &'static str {
    match error {
        RosterError::Unreadable { .. } => "a roster is a CSV file in UTF-8",
        RosterError::Empty { .. } => "the first line is 'account,profile', then one person a line",
        RosterError::Rows { .. } => "correct these rows; nothing was touched",
    }
}

fn directory_exit(error: &DirectoryError) -> Exit {
    match error {
        // What was asked for is not there: that is the caller's mistake.
        DirectoryError::NotFound { .. } => Exit::Failed,
        _ => Exit::Directory,
    }
}

fn directory_hint(error: &DirectoryError) -> Option<&'static str> {
    Some(match error {
        DirectoryError::Unreachable { .. } => "check the address and the network; nothing was changed there",
        DirectoryError::Unanswered { .. } | DirectoryError::Failed { .. } => {
            "try again in a while; 'keywright resume' asks what was done before it does anything"
        }
        DirectoryError::SignIn { .. } => "check the token and where it comes from, then 'keywright idp check'",
        DirectoryError::Forbidden { .. } => "give our account the right to register security keys for others",
        DirectoryError::RateLimited { .. } => "wait, then 'keywright resume'",
        _ => return None,
    })
}

fn settings_hint(error: &SettingsError) -> Option<String> {
    Some(match error {
        SettingsError::NoIdp => {
            "'keywright idp add NAME' sets one up; or name an embedded one: --idp http://127.0.0.1:8460 --idp-token env:NAME".to_owned()
        }
        SettingsError::SeveralIdps { known } | SettingsError::UnknownIdp { known, .. } if !known.is_empty() => {
            format!("--idp takes one of: {}", known.join(", "))
        }
        SettingsError::IdpExists { name, file } => {
            format!("choose another name, or change that table in {file}; 'keywright idp check {name}' tells whether it will do")
        }
        SettingsError::Unanswered { missing } => {
            let sets = missing.iter().map(|one| format!("--set {}={}", one.key, one.example));
            format!("add, for example: {}", sets.collect::<Vec<_>>().join(" "))
        }
        SettingsError::WillNotRead { .. } => "nothing was written; repeat with other answers".to_owned(),
        SettingsError::NoToken => "add --idp-token, for example --idp-token env:KEYWRIGHT_TOKEN".to_owned(),
        _ => return None,
    })
}

/// The exit code that a failed drill stands for.
pub(crate) fn drill_exit(error: &DrillError) -> Exit {
    match error {
        DrillError::PinChangePending => Exit::Pin,
        DrillError::Pin(error) => pin_attempt_exit(error),
        DrillError::Directory(error) => directory_exit(error),
        DrillError::Ctap(error) => ctap_exit(error),
        _ => Exit::Failed,
    }
}

/// What to do about a failed drill.
pub(crate) fn drill_hint(error: &DrillError) -> String {
    let hint = match error {
        DrillError::Pin(error) => return pin_attempt_hint(error).unwrap_or_else(|| TRY_AGAIN.to_owned()),
        DrillError::Ctap(error) => return ctap_hint(error).unwrap_or_else(|| TRY_AGAIN.to_owned()),
        DrillError::CredentialGone => {
            "this key signs in no more: take it out of service with 'keywright revoke', then 'keywright enroll'"
        }
        DrillError::NotRegistered { .. } => {
            "if nobody meant to, ask who removed it there; then 'keywright revoke' and 'keywright enroll'"
        }
        DrillError::Unproved(_) => "use another key: this one's signatures cannot be relied on",
        DrillError::NotLetIn { .. } => {
            "sign in with it by hand; if that fails too, 'keywright revoke' and 'keywright enroll'"
        }
        DrillError::NotOnKey { .. } | DrillError::NobodySignedIn => {
            "register it at the identity provider and sign in with it ('keywright idp check' shows how), then drill it again"
        }
        DrillError::PinChangeNotTaken => "let its person choose a new PIN with 'keywright key pin change'",
        DrillError::OutOfService { .. } => {
            "nothing, if it was lost and found: 'keywright key reset' makes it a new key"
        }
        DrillError::PinChangePending => "its person has to choose a PIN: 'keywright key pin change', then try again",
        DrillError::Person(_) | DrillError::Directory(DirectoryError::NotFound { .. }) => {
            "check the account's name and state at the identity provider"
        }
        DrillError::Record(_) => "'keywright audit ledger' says what is the matter with it",
        DrillError::Directory(DirectoryError::SignIn { .. }) => {
            "check the token and where it comes from, then try again"
        }
        DrillError::Directory(_) => "try again when the identity provider is back; nothing was written",
        DrillError::Ledger(_) => "make room or mend the disk, then try again",
    };
    hint.to_owned()
}

/// What to do with a key that gives no reason.
const TRY_AGAIN: &str = "leave the key in, touch it when it blinks, and try again; nothing was written";

/// The exit code that a single job's failure stands for.
pub(crate) fn exit_of(code: FailureCode) -> Exit {
    match code {
        FailureCode::DirectorySignIn
        | FailureCode::DirectoryRefused
        | FailureCode::DirectoryDown
        | FailureCode::ChallengeExpired => Exit::Directory,
        FailureCode::PinUnknown | FailureCode::PinBlocked | FailureCode::PinPolicy | FailureCode::PinRefused => {
            Exit::Pin
        }
        FailureCode::AttestationRefused => Exit::Attestation,
        FailureCode::Interrupted => Exit::Interrupted,
        _ => Exit::Failed,
    }
}

/// What to do about a single job's failure.
pub(crate) fn hint_of(failure: &Failure) -> &'static str {
    let by_status = failure.ctap_status.and_then(|status| StatusCode::from(status).meaning().hint());
    by_status.unwrap_or_else(|| code_hint(failure.code))
}

fn code_hint(code: FailureCode) -> &'static str {
    match code {
        FailureCode::KeyRemoved => "plug the key in again, then 'keywright resume'",
        FailureCode::KeyFault => "replug the key, then 'keywright resume'; if it stays, use another key",
        FailureCode::KeyRefused => "use a key that the profile allows; 'keywright key info' shows what this one is",
        FailureCode::KeyFull => "delete a credential with 'keywright key credentials --delete', or use another key",
        FailureCode::KeyTaken => "use another key; 'keywright key identify' says whose this is",
        FailureCode::PinUnknown => {
            "use a new key, or reset this one with 'keywright key reset'; that erases everything on it"
        }
        FailureCode::PinBlocked => FEW_ATTEMPTS,
        FailureCode::PinRefused => "replug the key, then 'keywright resume'",
        FailureCode::PinPolicy => "make the profile's PIN at least as long as the key demands",
        FailureCode::TouchTimeout => "run 'keywright resume' and touch the key when it blinks",
        FailureCode::TouchDeclined => "run 'keywright resume' when the person at the key agrees",
        FailureCode::AttestationRefused => {
            "use a key of an allowed model, or add the vendor's certificate with --anchor"
        }
        FailureCode::ProofFailed => "use another key: this one's signatures cannot be relied on",
        FailureCode::AccountRefused => "check the account's name and state at the identity provider",
        FailureCode::DirectorySignIn => "check the token and where it comes from, then 'keywright resume'",
        FailureCode::DirectoryRefused => "read the identity provider's words, then 'keywright resume'",
        FailureCode::DirectoryDown => {
            "'keywright resume' when the identity provider is back; it asks what was done before it does anything"
        }
        FailureCode::ChallengeExpired => "run 'keywright resume'; a new registration is begun",
        FailureCode::Secret => "mend what is named, then 'keywright resume'; the PIN is sealed in the state folder",
        FailureCode::Interrupted => "run 'keywright resume' to go on",
        FailureCode::Ledger => "make room or mend the disk, then 'keywright resume'",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors() -> Vec<(CliError, Exit)> {
        let idp = || "corp".to_owned();
        let status = |status| CliError::Ctap(CtapError::Status { command: "authenticatorClientPIN", status });
        vec![
            (KeysError::None.into(), Exit::Key),
            (KeysError::Ambiguous { keys: vec!["soft:1".into(), "soft:2".into()] }.into(), Exit::Key),
            (TransportError::Removed.into(), Exit::Failed),
            (TransportError::Cancelled.into(), Exit::Interrupted),
            (CtapError::Transport(TransportError::Cancelled).into(), Exit::Interrupted),
            (status(StatusCode::PinInvalid), Exit::Pin),
            (status(StatusCode::PinBlocked), Exit::Pin),
            (status(StatusCode::KeyStoreFull), Exit::Failed),
            (PinError::TooShort { length: 3, minimum: 4 }.into(), Exit::Pin),
            (PinAttemptError::Few { left: 3 }.into(), Exit::Pin),
            (PinAttemptError::Wrong { left: 7 }.into(), Exit::Pin),
            (LedgerError::Newer { path: "l".into(), found: 9, known: 1 }.into(), Exit::Failed),
            (LedgerError::Locked { path: "l".into(), holder: "keywright 7".into() }.into(), Exit::Failed),
            (RosterError::Empty { file: "r.csv".into() }.into(), Exit::Usage),
            (DirectoryError::SignIn { directory: idp(), why: "no such token".into() }.into(), Exit::Directory),
            (DirectoryError::Unreachable { directory: idp(), why: "refused".into() }.into(), Exit::Directory),
            (DirectoryError::NotFound { directory: idp(), what: "user ada".into() }.into(), Exit::Failed),
            (RunError::NoKey.into(), Exit::Key),
            (SettingsError::NoIdp.into(), Exit::Usage),
            (CliError::NobodyToAsk { question: "reset?".into() }, Exit::Failed),
            (CliError::Interrupted, Exit::Interrupted),
            (CliError::Stopped, Exit::Interrupted),
            (SecretError::Interrupted.into(), Exit::Interrupted),
        ]
    }

    #[test]
    fn every_error_has_its_exit_code() {
        for (error, exit) in errors() {
            assert_eq!(error.exit(), exit, "{error}");
        }
    }

    #[test]
    fn hints_start_in_lower_case_and_have_no_full_stop() {
        let hints = errors()
            .into_iter()
            .filter_map(|(error, _)| error.hint())
            .chain(ALL_CODES.map(|code| code_hint(code).to_owned()));
        for hint in hints {
            assert!(!hint.ends_with('.'), "{hint}");
            assert!(!hint.starts_with(char::is_uppercase), "{hint}");
        }
    }

    /// A command on a single key, a job and a drill that come upon the same status.
    #[test]
    fn the_same_status_is_told_the_same_everywhere() {
        for code in 1..=u8::MAX {
            let status = StatusCode::from(code);
            let error = || CtapError::Status { command: "authenticatorGetAssertion", status };
            let single = CliError::from(error());
            let failure = Failure::from(error());
            let drill = DrillError::from(error());
            assert_eq!(exit_of(failure.code), single.exit(), "{status}");
            assert_eq!(drill_exit(&drill), single.exit(), "{status}");
            assert_eq!(failure.message, single.to_string());
            if let Some(hint) = single.hint() {
                assert_eq!(hint_of(&failure), hint, "{status}");
            }
            // A drill knows that the credential was there, and says what that means.
            if status.meaning() != StatusMeaning::NoCredentials {
                assert_eq!(drill.to_string(), single.to_string());
                assert_eq!(drill_hint(&drill), single.hint().unwrap_or_else(|| TRY_AGAIN.to_owned()), "{status}");
            }
        }
        for (status, exit) in [
            (StatusCode::PinAuthInvalid, Exit::Pin),
            (StatusCode::PinNotSet, Exit::Pin),
            (StatusCode::PuatRequired, Exit::Pin),
            (StatusCode::UvBlocked, Exit::Pin),
            (StatusCode::UvInvalid, Exit::Pin),
            (StatusCode::KeepaliveCancel, Exit::Interrupted),
            (StatusCode::KeyStoreFull, Exit::Failed),
            (StatusCode::Unknown(0xf2), Exit::Failed),
        ] {
            assert_eq!(status_exit(status), exit, "{status}");
        }
    }

    #[test]
    fn a_wrong_pin_is_told_the_same_everywhere() {
        for error in [
            PinAttemptError::Wrong { left: 7 },
            PinAttemptError::Blocked,
            PinAttemptError::Replug,
            PinAttemptError::Few { left: 3 },
        ] {
            let single = CliError::from(error.clone());
            let failure = Failure::from(error.clone());
            let drill = DrillError::from(error);
            assert_eq!((single.exit(), exit_of(failure.code), drill_exit(&drill)), (Exit::Pin, Exit::Pin, Exit::Pin));
            assert_eq!((failure.message.as_str(), drill.to_string()), (&*single.to_string(), single.to_string()));
            let hint = single.hint().unwrap();
            assert_eq!((hint_of(&failure), drill_hint(&drill)), (&*hint, hint.clone()), "{single}");
        }
    }

    #[test]
    fn a_wrong_roster_names_each_row() {
        let rows = vec![(2, "no account".to_owned()), (7, "unknown profile \"boss\"".to_owned())];
        let error = CliError::from(RosterError::Rows { file: "r.csv".into(), rows });
        assert_eq!(error.details(), ["row 2: no account", "row 7: unknown profile \"boss\""]);
    }

    const ALL_CODES: [FailureCode; 21] = [
        FailureCode::KeyRemoved,
        FailureCode::KeyFault,
        FailureCode::KeyRefused,
        FailureCode::KeyFull,
        FailureCode::KeyTaken,
        FailureCode::PinUnknown,
        FailureCode::PinBlocked,
        FailureCode::PinPolicy,
        FailureCode::PinRefused,
        FailureCode::TouchTimeout,
        FailureCode::TouchDeclined,
        FailureCode::AttestationRefused,
        FailureCode::ProofFailed,
        FailureCode::AccountRefused,
        FailureCode::DirectorySignIn,
        FailureCode::DirectoryRefused,
        FailureCode::DirectoryDown,
        FailureCode::ChallengeExpired,
        FailureCode::Secret,
        FailureCode::Interrupted,
        FailureCode::Ledger,
    ];
}
