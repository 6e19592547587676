//! Runs, revocations, drills, and what stops a single job.

use super::{
    CHECK_ACCOUNT, FEW_ATTEMPTS, Meaning, OTHER_KEY, PLUG_KEYS_IN, REPLACE_KEY, RESUME, files, idps, keys, row,
};
use crate::cli::shared::Exit::{Attestation, Directory, Failed, Interrupted, Key, Pin, Usage};
use crate::ledger::{Failure, FailureCode};
use crate::provision::{DrillError, EraseError, PersonError, RevokeError, RunError};
use keywright_fido::ctap::StatusCode;

pub(super) fn run(error: &RunError) -> Meaning {
    match error {
        RunError::Directory(error) => idps::directory(error),
        RunError::Ledger(error) => files::ledger(error),
        RunError::Transport(error) => keys::transport(error),
        RunError::HandOver(no_delivery) => row(Usage, files::secret(&no_delivery.why).next),
        RunError::Blocked { .. } => {
            row(Directory, "change this at the identity provider; 'keywright idp check' tries it")
        }
        RunError::NoKey => row(Key, PLUG_KEYS_IN),
    }
}

pub(super) fn revoke(error: &RevokeError) -> Meaning {
    match error {
        RevokeError::Directory(error) | RevokeError::Person(PersonError::Directory(error)) => idps::directory(error),
        RevokeError::Ledger(error) => files::ledger(error),
        RevokeError::Person(PersonError::Changed { .. } | PersonError::Inactive { .. }) => {
            row(Failed, "the key belongs to the user with the old id; remove it in the identity provider's console")
        }
        RevokeError::NoSuchKey { .. } => row(Failed, "'keywright status --json' shows every key that was planned"),
    }
}

pub(super) fn erase(error: &EraseError) -> Meaning {
    match error {
        EraseError::Transport(error) => keys::transport(error),
        EraseError::Ctap(error) => keys::ctap(error),
        EraseError::Ledger(error) => files::ledger(error),
        EraseError::AnotherKey(_) => row(Failed, "plug the same key into the same port again"),
        EraseError::StillHasPin | EraseError::StillThere(_) => {
            row(Failed, "set this key aside, and revoke what is registered of it: it does not do what it says")
        }
    }
}

/// What a failed drill means.
pub(crate) fn drill(error: &DrillError) -> Meaning {
    match error {
        DrillError::Pin(error) => keys::pin_attempt(error),
        DrillError::Ctap(error) => keys::ctap(error),
        DrillError::Directory(error) | DrillError::Person(PersonError::Directory(error)) => idps::directory(error),
        DrillError::Ledger(error) => files::ledger(error),
        DrillError::Person(PersonError::Changed { .. } | PersonError::Inactive { .. }) => row(Failed, CHECK_ACCOUNT),
        DrillError::CredentialGone => row(Failed, REPLACE_KEY),
        DrillError::NotRegistered { .. } => {
            row(Failed, "ask who removed it there; then 'keywright revoke' it and 'keywright enroll' another")
        }
        DrillError::Unproved(_) => row(Failed, OTHER_KEY),
        DrillError::NotLetIn { .. } => row(
            Failed,
            "sign in with it by hand; if that fails too, 'keywright revoke' it and 'keywright enroll' another",
        ),
        DrillError::NotOnKey { .. } | DrillError::NobodySignedIn => row(
            Failed,
            "register it at the identity provider and sign in with it ('keywright idp check' shows how), then drill it again",
        ),
        DrillError::PinChangeNotTaken => row(Failed, "let its person choose a new PIN with 'keywright key pin change'"),
        DrillError::OutOfService { .. } => {
            row(Failed, "nothing, if it was lost and found: 'keywright key reset' makes it a new key")
        }
        DrillError::PinChangePending => {
            row(Pin, "let its person choose a PIN: 'keywright key pin change', then try again")
        }
        DrillError::Record(_) => row(Failed, "'keywright audit ledger' says what is wrong with it"),
    }
}

/// What a single job's failure means. What its key answered says more than its kind.
pub(crate) fn of_job(failure: &Failure) -> Meaning {
    let meaning = of_code(failure.code);
    match failure.ctap_status.map(StatusCode::from).filter(|code| code.meaning().hint().is_some()) {
        Some(code) => Meaning { exit: meaning.exit, ..keys::status(code) },
        None => meaning,
    }
}

/// What a failure means that is about a person, before any of their keys: nothing was planned for them, so that there is nothing to
/// be resumed.
pub(crate) fn of_person(failure: &Failure) -> Meaning {
    match failure.code {
        FailureCode::DirectoryDown => row(Directory, "run this again when the IdP answers"),
        FailureCode::DirectorySignIn => row(Directory, "check the token and where it comes from, then run this again"),
        FailureCode::DirectoryRefused => row(Directory, "read the IdP's words, then run this again"),
        _ => of_job(failure),
    }
}

/// What a kind of failure means.
pub(crate) fn of_code(code: FailureCode) -> Meaning {
    match code {
        FailureCode::KeyRemoved => row(Failed, "plug the key in again, then 'keywright resume'"),
        FailureCode::KeyFault => row(Failed, "replug the key, then 'keywright resume'; if it stays, use another key"),
        FailureCode::KeyRefused => {
            row(Failed, "use a key that the profile allows; 'keywright key info' shows what this one is")
        }
        FailureCode::KeyFull => keys::status(StatusCode::KeyStoreFull),
        FailureCode::KeyTaken => row(Failed, "use another key; 'keywright key identify' says whose this is"),
        FailureCode::PinUnknown => {
            row(Pin, "use a new key, or reset this one with 'keywright key reset'; that erases everything on it")
        }
        FailureCode::PinBlocked => row(Pin, FEW_ATTEMPTS),
        FailureCode::PinRefused => row(Pin, "replug the key, then 'keywright resume'"),
        FailureCode::PinPolicy => row(Pin, "make the profile's PIN at least as long as the key demands"),
        FailureCode::TouchTimeout => row(Failed, "run 'keywright resume' and touch the key when it blinks"),
        FailureCode::TouchDeclined => row(Failed, "run 'keywright resume' when the person at the key agrees"),
        FailureCode::AttestationRefused => {
            row(Attestation, "use a key of an allowed model, or add the vendor's certificate with --anchor")
        }
        FailureCode::ProofFailed => row(Failed, OTHER_KEY),
        FailureCode::AccountRefused => row(Failed, CHECK_ACCOUNT),
        FailureCode::DirectorySignIn => {
            row(Directory, "check the token and where it comes from, then 'keywright resume'")
        }
        FailureCode::DirectoryRefused => row(Directory, "fix what the identity provider says, then 'keywright resume'"),
        FailureCode::DirectoryDown => row(
            Directory,
            "'keywright resume' when the identity provider is back; it asks what was done before it does anything",
        ),
        FailureCode::ChallengeExpired => row(Directory, "run 'keywright resume'; a new registration is started"),
        FailureCode::Secret => {
            row(Failed, "fix the problem above, then 'keywright resume'; the PIN is sealed in the state folder")
        }
        FailureCode::PinUnconfirmed => row(
            Failed,
            "look at the printer: 'keywright resume --letters-came-out' if it came out, else 'keywright hand-over again ACCOUNT'",
        ),
        FailureCode::PinLost => {
            row(Pin, "take the key out of service with 'keywright revoke', then 'keywright enroll' another")
        }
        FailureCode::Interrupted => row(Interrupted, RESUME),
        FailureCode::Internal => {
            row(Failed, "report this with the lines above; 'keywright resume' looks at the key before it goes on")
        }
        FailureCode::Ledger => row(Failed, "free disk space or repair the disk, then 'keywright resume'"),
    }
}
