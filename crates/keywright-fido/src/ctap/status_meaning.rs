//! What a CTAP2 status means for the person at the key, in plain words, and what they can do next.
//!
//! Several codes ask the same of a person and share a meaning. Which exit code or failure a meaning becomes is the caller's
//! decision, by an exhaustive `match`.

use std::fmt;

/// The meaning of a [`StatusCode`](super::StatusCode), see [`StatusCode::meaning`](super::StatusCode::meaning). It displays as
/// the end of a sentence: "... failed: wrong PIN".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusMeaning {
    /// The key did what was asked.
    Success,
    /// PIN_INVALID: another PIN, which cost an attempt; some keys also answer this while the PIN has to be changed.
    WrongPin,
    /// PIN_BLOCKED: no attempts are left until a reset.
    PinBlocked,
    /// PIN_AUTH_BLOCKED: three wrong PINs in a row; no further attempt before a replug.
    PinAuthBlocked,
    /// PIN_AUTH_INVALID, PIN_TOKEN_EXPIRED: the PIN/UV auth token is not, or no longer, good for this.
    PinTokenInvalid,
    /// PIN_NOT_SET: the key has no PIN.
    PinNotSet,
    /// PUAT_REQUIRED: the key does this only with a PIN or another user verification.
    PinRequired,
    /// PIN_POLICY_VIOLATION: the new PIN does not meet the key's rules, or the present one has to be changed.
    PinPolicyViolation,
    /// UV_BLOCKED: too many fingerprints were not recognised; the PIN still works.
    UvBlocked,
    /// UV_INVALID: the fingerprint was not recognised.
    UvInvalid,
    /// UNAUTHORIZED_PERMISSION: the key does not give this permission to a PIN/UV auth token.
    PermissionRefused,
    /// USER_ACTION_TIMEOUT, ACTION_TIMEOUT, CTAP1_ERR_TIMEOUT: nobody touched the key in time.
    TouchTimeout,
    /// UP_REQUIRED: the key does this only with a touch.
    TouchRequired,
    /// OPERATION_DENIED: the person declined, or the key is not in a state for this.
    Declined,
    /// KEEPALIVE_CANCEL: we cancelled the request.
    Cancelled,
    /// NOT_ALLOWED: not now; for a reset, the key was plugged in too long ago.
    NotAllowed,
    /// CREDENTIAL_EXCLUDED: the key has a credential of the exclude list.
    CredentialExcluded,
    /// NO_CREDENTIALS, INVALID_CREDENTIAL: the key has no credential that fits.
    NoCredentials,
    /// KEY_STORE_FULL: there is no room for another resident credential.
    KeyStoreFull,
    /// FP_DATABASE_FULL: there is no room for another fingerprint.
    FingerprintStorageFull,
    /// LARGE_BLOB_STORAGE_FULL: there is no room in the large-blob array.
    LargeBlobStorageFull,
    /// UNSUPPORTED_ALGORITHM: the key has none of the algorithms.
    UnsupportedAlgorithm,
    /// UNSUPPORTED_OPTION, UNSUPPORTED_EXTENSION, INVALID_OPTION, INVALID_COMMAND, INVALID_SUBCOMMAND: the key cannot do this.
    Unsupported,
    /// LIMIT_EXCEEDED, REQUEST_TOO_LARGE: more than the key takes.
    TooLarge,
    /// CHANNEL_BUSY, OPERATION_PENDING and the like: the key is occupied, mostly by another program.
    Busy,
    /// INTEGRITY_FAILURE: what the key has stored is damaged.
    Damaged,
    /// The key could not read the request: a fault of this program or of the key.
    BadRequest,
    /// CTAP1_ERR_OTHER, a vendor's code, or one that the specification does not name.
    Unknown,
}

impl StatusMeaning {
    /// Whether it is about the PIN or another user verification of this key.
    pub fn is_about_pin(self) -> bool {
        matches!(
            self,
            Self::WrongPin
                | Self::PinBlocked
                | Self::PinAuthBlocked
                | Self::PinTokenInvalid
                | Self::PinNotSet
                | Self::PinRequired
                | Self::PinPolicyViolation
                | Self::UvBlocked
                | Self::UvInvalid
        )
    }

    /// What the person at the key can do next: one line, lower case, without a full stop. `None` where only a programmer can do
    /// something.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::WrongPin => "check that it is this key's PIN: each wrong one costs an attempt",
            Self::PinBlocked => "only a reset helps, and it erases everything on the key",
            Self::PinAuthBlocked => "unplug the key and plug it in again before the next attempt",
            Self::PinTokenInvalid => "enter the PIN again",
            Self::PinNotSet => "set a PIN on the key first",
            Self::PinRequired => "give the key's PIN",
            Self::PinPolicyViolation => {
                "choose a PIN that meets the key's rules (length, complexity, not the old one), or change it first"
            }
            Self::UvBlocked => "use the PIN",
            Self::UvInvalid => "try the fingerprint again",
            Self::PermissionRefused => "look at the options in the key's getInfo",
            Self::TouchTimeout => "run this again and touch the key when it blinks",
            Self::TouchRequired => "touch the key",
            Self::Declined => "run this again and touch the key when it blinks",
            Self::Cancelled => "run this again",
            Self::NotAllowed => "for a reset, unplug the key, plug it in and reset it within 10 seconds",
            Self::CredentialExcluded => "use another key",
            Self::NoCredentials => "use the key that was enrolled",
            Self::KeyStoreFull => "delete a credential that is no longer needed, or use another key",
            Self::FingerprintStorageFull => "delete a fingerprint from the key first",
            Self::LargeBlobStorageFull => "delete large blobs from the key first",
            Self::UnsupportedAlgorithm => "use a key that has one of the algorithms that the service accepts",
            Self::Busy => "close the other programs that use this key, or unplug it and plug it in again",
            Self::Damaged => "use another key",
            Self::Success | Self::Unsupported | Self::TooLarge | Self::BadRequest | Self::Unknown => return None,
        })
    }
}

impl fmt::Display for StatusMeaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::WrongPin => "wrong PIN",
            Self::PinBlocked => "the PIN is blocked",
            Self::PinAuthBlocked => "too many wrong PINs in a row",
            Self::PinTokenInvalid => "the PIN's authorisation is not valid",
            Self::PinNotSet => "the key has no PIN",
            Self::PinRequired => "the key asks for its PIN",
            Self::PinPolicyViolation => "the PIN does not meet the key's policy",
            Self::UvBlocked => "the fingerprint is blocked",
            Self::UvInvalid => "the fingerprint was not recognised",
            Self::PermissionRefused => "the key does not give the PIN this permission",
            Self::TouchTimeout => "nobody touched the key in time",
            Self::TouchRequired => "the key was not touched",
            Self::Declined => "nobody touched the key, or it was declined there",
            Self::Cancelled => "cancelled",
            Self::NotAllowed => "the key does not allow this now",
            Self::CredentialExcluded => "the key already has a credential for this account",
            Self::NoCredentials => "the key has no such credential",
            Self::KeyStoreFull => "the key has no room for another credential",
            Self::FingerprintStorageFull => "the key has no room for another fingerprint",
            Self::LargeBlobStorageFull => "the key has no room for another large blob",
            Self::UnsupportedAlgorithm => "the key has none of these algorithms",
            Self::Unsupported => "the key cannot do this",
            Self::TooLarge => "this is more than the key accepts",
            Self::Busy => "the key is busy",
            Self::Damaged => "what the key has stored is damaged",
            Self::BadRequest => "the key did not understand the request",
            Self::Unknown => "the key gives no known reason",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::StatusCode;

    #[test]
    fn every_hint_is_one_short_line() {
        for code in 0..=u8::MAX {
            let Some(hint) = StatusCode::from(code).meaning().hint() else { continue };
            assert!(hint.len() <= 110 && !hint.ends_with('.') && !hint.contains('\n'), "{hint}");
            assert!(hint.starts_with(char::is_lowercase), "{hint}");
        }
    }

    #[test]
    fn what_a_person_can_act_on_has_a_hint() {
        for code in [0x19, 0x27, 0x28, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x3a, 0x3c] {
            assert!(StatusCode::from(code).meaning().hint().is_some(), "{code:#04x}");
        }
        for code in [0x00, 0x12, 0x7f, 0x99] {
            assert_eq!(StatusCode::from(code).meaning().hint(), None, "{code:#04x}");
        }
    }
}
