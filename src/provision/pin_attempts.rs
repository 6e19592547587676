//! May another PIN attempt be spent on a key, and what is said when it may not, or when it was wrong: the one answer for jobs,
//! drills and the commands on single keys.
//!
//! It refuses to spend the last attempts: a key that blocks its PIN has to be reset, and with it goes everything on it. It never
//! tries a PIN twice.

use keywright_fido::ctap::{Authenticator, CtapError, Permissions, Pin, PinUvAuthToken, StatusCode, StatusMeaning};
use keywright_fido::webauthn::RpId;

/// Attempts that a key must have left before a PIN is tried that might be wrong.
pub const ATTEMPTS_KEPT: u32 = 3;

/// Why a PIN was not sent, or what became of it. Displays the words of [`StatusMeaning`], with the attempts that are left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinAttemptError {
    /// It was sent, and is another key's.
    #[error("{}, {} left", StatusMeaning::WrongPin, attempts(*left))]
    Wrong {
        /// Attempts that the key has now.
        left: u32,
    },
    /// None is left.
    #[error("{}", StatusMeaning::PinBlocked)]
    Blocked,
    /// Three wrong PINs in a row: the key takes no other before it was unplugged.
    #[error("{}{}", StatusMeaning::PinAuthBlocked, left.map(|left| format!(", {} left after that", attempts(left))).unwrap_or_default())]
    Replug {
        /// Attempts that the key has then, if it told.
        left: Option<u32>,
    },
    /// Too close to a blocked PIN, so it was not sent.
    #[error("only {left} PIN attempts left; no PIN was sent")]
    Few {
        /// Attempts.
        left: u32,
    },
    /// The key.
    #[error(transparent)]
    Ctap(#[from] CtapError),
}

fn attempts(left: u32) -> String {
    if left == 1 { "1 attempt".to_owned() } else { format!("{left} attempts") }
}

impl PinAttemptError {
    /// The status that the key gave, or would give to another PIN. Its meaning says what the person can do.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Wrong { .. } => Some(StatusCode::PinInvalid),
            Self::Blocked => Some(StatusCode::PinBlocked),
            Self::Replug { .. } => Some(StatusCode::PinAuthBlocked),
            Self::Few { .. } => None,
            Self::Ctap(error) => error.status(),
        }
    }
}

/// Whether another attempt may be spent on a key that has a PIN, and how many it has. A person who insists may take
/// [`PinAttemptError::Few`] for a yes.
pub fn may_be_spent(key: &mut Authenticator) -> Result<u32, PinAttemptError> {
    let left = key.pin_retries()?;
    match left.retries {
        0 => Err(PinAttemptError::Blocked),
        _ if left.power_cycle_state == Some(true) => Err(PinAttemptError::Replug { left: Some(left.retries) }),
        left if left <= ATTEMPTS_KEPT => Err(PinAttemptError::Few { left }),
        left => Ok(left),
    }
}

/// Sends the PIN once, whatever is left: [`may_be_spent`] was asked before, or the PIN is known to be right.
pub fn token(
    key: &mut Authenticator,
    pin: &Pin,
    permissions: Permissions,
    rp_id: Option<&RpId>,
) -> Result<PinUvAuthToken, PinAttemptError> {
    key.pin_uv_auth_token(pin, permissions, rp_id).map_err(|error| refused(key, error))
}

/// What a key's refusal of a PIN cost.
pub fn refused(key: &mut Authenticator, error: CtapError) -> PinAttemptError {
    match error.status().map(|status| status.meaning()) {
        Some(StatusMeaning::WrongPin) => match key.pin_retries() {
            Ok(left) => PinAttemptError::Wrong { left: left.retries },
            Err(_) => PinAttemptError::Ctap(error),
        },
        Some(StatusMeaning::PinBlocked) => PinAttemptError::Blocked,
        Some(StatusMeaning::PinAuthBlocked) => {
            PinAttemptError::Replug { left: key.pin_retries().ok().map(|left| left.retries) }
        }
        _ => PinAttemptError::Ctap(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pin_says_how_many_attempts_are_left() {
        for (error, words) in [
            (PinAttemptError::Wrong { left: 7 }, "wrong PIN, 7 attempts left"),
            (PinAttemptError::Wrong { left: 1 }, "wrong PIN, 1 attempt left"),
            (PinAttemptError::Blocked, "the PIN is blocked"),
            (PinAttemptError::Replug { left: None }, "too many wrong PINs in a row"),
            (PinAttemptError::Replug { left: Some(5) }, "too many wrong PINs in a row, 5 attempts left after that"),
            (PinAttemptError::Few { left: 3 }, "only 3 PIN attempts left; no PIN was sent"),
        ] {
            assert_eq!(error.to_string(), words);
        }
    }
}
