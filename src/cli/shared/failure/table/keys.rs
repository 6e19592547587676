//! What stands between a person and a key, and what a key answers.

use super::{FEW_ATTEMPTS, Meaning, PLUG_KEYS_IN, REPLUG, RUN_AGAIN, row};
use crate::cli::shared::Exit::{Failed, Interrupted, Key, Pin};
use crate::cli::shared::device::KeysError;
use crate::provision::PinAttemptError;
use keywright_fido::ctap::{CtapError, PinError, StatusCode, StatusMeaning, TransportError};
#[cfg(feature = "practice")]
use {super::CHECK_PATH, super::files, keywright_practice::softkey::SoftKeyError};

pub(super) fn keys(error: &KeysError) -> Meaning {
    match error {
        KeysError::None => row(Key, PLUG_KEYS_IN),
        KeysError::Ambiguous { .. } => row(Key, "name one with --key, or touch it with --key touch"),
        KeysError::SeveralTouched { .. } => row(Key, "touch one key only"),
        KeysError::NotInLedger => {
            row(Key, "'keywright key identify' says whose a key is; name account and --number if it was reset")
        }
        KeysError::NotThisOne { .. } => {
            row(Key, "'keywright key list --known' says which is which; one that shows nothing is named by its port")
        }
        KeysError::NotThere { .. } => row(Key, "'keywright key list' shows the keys that are plugged in"),
    }
}

pub(super) fn transport(error: &TransportError) -> Meaning {
    match error {
        TransportError::Removed => row(Failed, "plug the key in again and leave it in"),
        TransportError::Mute { .. } => {
            row(Failed, "one card at a time: take off what else lies on the reader, and lay the card on again")
        }
        TransportError::NoPermission { .. } => row(Failed, "'keywright doctor' says what is missing"),
        TransportError::Held { .. } | TransportError::Busy(_) => {
            row(Failed, "close the program that uses the key, a browser for example")
        }
        TransportError::Timeout { .. } | TransportError::Refused { .. } | TransportError::Protocol(_) => {
            row(Failed, REPLUG)
        }
        TransportError::MessageTooLong(_) => row(Failed, "use another key"),
        TransportError::Cancelled => row(Interrupted, RUN_AGAIN),
        TransportError::System(_) => row(Failed, "'keywright doctor' says what stands between you and the key"),
    }
}

pub(super) fn ctap(error: &CtapError) -> Meaning {
    match error {
        CtapError::Transport(error) => transport(error),
        CtapError::Status { status: code, .. } => status(*code),
        CtapError::PinRules { .. } => status(StatusCode::PinPolicyViolation),
        CtapError::Pin(error) => pin(error),
        CtapError::Unsupported(_) | CtapError::Limit { .. } => {
            row(Failed, "'keywright key info' shows what this key can do")
        }
        CtapError::InvalidResponse { .. } | CtapError::Webauthn(_) | CtapError::Crypto(_) => row(Failed, REPLUG),
    }
}

/// `ctap::StatusMeaning` knows what each status asks for.
pub(super) fn status(code: StatusCode) -> Meaning {
    let meaning = code.meaning();
    let exit = match meaning {
        StatusMeaning::Cancelled => Interrupted,
        about_pin if about_pin.is_about_pin() => Pin,
        _ => Failed,
    };
    row(exit, meaning.hint().unwrap_or(REPLUG))
}

pub(super) fn pin(error: &PinError) -> Meaning {
    match error {
        PinError::TooShort { .. } => row(Pin, "choose a longer PIN; what counts is characters"),
        PinError::TooLong { .. } => {
            row(Pin, "choose a shorter PIN; what counts is bytes, and accents and emoji take several")
        }
        PinError::Nul => row(Pin, "type the PIN without control characters"),
    }
}

pub(super) fn pin_attempt(error: &PinAttemptError) -> Meaning {
    match error {
        PinAttemptError::Ctap(error) => ctap(error),
        PinAttemptError::Few { .. } => row(Pin, FEW_ATTEMPTS),
        PinAttemptError::Wrong { .. } => status(StatusCode::PinInvalid),
        PinAttemptError::Blocked => status(StatusCode::PinBlocked),
        PinAttemptError::Replug { .. } => status(StatusCode::PinAuthBlocked),
    }
}

#[cfg(feature = "practice")]
pub(super) fn soft_keys(error: &SoftKeyError) -> Meaning {
    match error {
        SoftKeyError::File { path, .. } if path.starts_with("/dev") => {
            row(Failed, "run 'sudo modprobe uhid' once, and repeat with sudo")
        }
        SoftKeyError::File { .. } => row(Failed, CHECK_PATH),
        SoftKeyError::Private(error) => files::file(error),
        SoftKeyError::Damaged { .. } | SoftKeyError::Newer { .. } | SoftKeyError::Name { .. } => {
            row(Failed, "remove that file; a new soft key is made in its place")
        }
        SoftKeyError::Held { .. } => row(Failed, "close the other program that uses these soft keys"),
        SoftKeyError::Removed => row(Failed, RUN_AGAIN),
        SoftKeyError::Certificate(_) => row(Failed, "name another folder of soft keys"),
    }
}
