//! CTAP2 status codes (CTAP 2.3 section 8.2) with the specification's names, and what a person can do about them.
//!
//! A code that no version of the specification names is kept as its number.

use std::fmt;

macro_rules! status_codes {
    ($($code:literal $variant:ident $name:literal,)*) => {
        /// The first byte of every CTAP2 answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum StatusCode {
            $(#[doc = concat!("`", stringify!($code), "` ", $name)] $variant,)*
            /// A code that the specification does not name.
            Unknown(u8),
        }

        impl From<u8> for StatusCode {
            fn from(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    other => Self::Unknown(other),
                }
            }
        }

        impl StatusCode {
            /// The byte.
            pub fn code(self) -> u8 {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Unknown(code) => code,
                }
            }

            /// The specification's name, if it has one.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some($name),)*
                    Self::Unknown(_) => None,
                }
            }
        }
    };
}

// 0x16, 0x29, 0x2A and 0x38 are CTAP 2.0's; later versions reserve them.
status_codes! {
    0x00 Success "CTAP2_OK",
    0x01 InvalidCommand "CTAP1_ERR_INVALID_COMMAND",
    0x02 InvalidParameter "CTAP1_ERR_INVALID_PARAMETER",
    0x03 InvalidLength "CTAP1_ERR_INVALID_LENGTH",
    0x04 InvalidSeq "CTAP1_ERR_INVALID_SEQ",
    0x05 Timeout "CTAP1_ERR_TIMEOUT",
    0x06 ChannelBusy "CTAP1_ERR_CHANNEL_BUSY",
    0x0a LockRequired "CTAP1_ERR_LOCK_REQUIRED",
    0x0b InvalidChannel "CTAP1_ERR_INVALID_CHANNEL",
    0x11 CborUnexpectedType "CTAP2_ERR_CBOR_UNEXPECTED_TYPE",
    0x12 InvalidCbor "CTAP2_ERR_INVALID_CBOR",
    0x14 MissingParameter "CTAP2_ERR_MISSING_PARAMETER",
    0x15 LimitExceeded "CTAP2_ERR_LIMIT_EXCEEDED",
    0x16 UnsupportedExtension "CTAP2_ERR_UNSUPPORTED_EXTENSION",
    0x17 FpDatabaseFull "CTAP2_ERR_FP_DATABASE_FULL",
    0x18 LargeBlobStorageFull "CTAP2_ERR_LARGE_BLOB_STORAGE_FULL",
    0x19 CredentialExcluded "CTAP2_ERR_CREDENTIAL_EXCLUDED",
    0x21 Processing "CTAP2_ERR_PROCESSING",
    0x22 InvalidCredential "CTAP2_ERR_INVALID_CREDENTIAL",
    0x23 UserActionPending "CTAP2_ERR_USER_ACTION_PENDING",
    0x24 OperationPending "CTAP2_ERR_OPERATION_PENDING",
    0x25 NoOperations "CTAP2_ERR_NO_OPERATIONS",
    0x26 UnsupportedAlgorithm "CTAP2_ERR_UNSUPPORTED_ALGORITHM",
    0x27 OperationDenied "CTAP2_ERR_OPERATION_DENIED",
    0x28 KeyStoreFull "CTAP2_ERR_KEY_STORE_FULL",
    0x29 NotBusy "CTAP2_ERR_NOT_BUSY",
    0x2a NoOperationPending "CTAP2_ERR_NO_OPERATION_PENDING",
    0x2b UnsupportedOption "CTAP2_ERR_UNSUPPORTED_OPTION",
    0x2c InvalidOption "CTAP2_ERR_INVALID_OPTION",
    0x2d KeepaliveCancel "CTAP2_ERR_KEEPALIVE_CANCEL",
    0x2e NoCredentials "CTAP2_ERR_NO_CREDENTIALS",
    0x2f UserActionTimeout "CTAP2_ERR_USER_ACTION_TIMEOUT",
    0x30 NotAllowed "CTAP2_ERR_NOT_ALLOWED",
    0x31 PinInvalid "CTAP2_ERR_PIN_INVALID",
    0x32 PinBlocked "CTAP2_ERR_PIN_BLOCKED",
    0x33 PinAuthInvalid "CTAP2_ERR_PIN_AUTH_INVALID",
    0x34 PinAuthBlocked "CTAP2_ERR_PIN_AUTH_BLOCKED",
    0x35 PinNotSet "CTAP2_ERR_PIN_NOT_SET",
    0x36 PuatRequired "CTAP2_ERR_PUAT_REQUIRED",
    0x37 PinPolicyViolation "CTAP2_ERR_PIN_POLICY_VIOLATION",
    0x38 PinTokenExpired "CTAP2_ERR_PIN_TOKEN_EXPIRED",
    0x39 RequestTooLarge "CTAP2_ERR_REQUEST_TOO_LARGE",
    0x3a ActionTimeout "CTAP2_ERR_ACTION_TIMEOUT",
    0x3b UpRequired "CTAP2_ERR_UP_REQUIRED",
    0x3c UvBlocked "CTAP2_ERR_UV_BLOCKED",
    0x3d IntegrityFailure "CTAP2_ERR_INTEGRITY_FAILURE",
    0x3e InvalidSubcommand "CTAP2_ERR_INVALID_SUBCOMMAND",
    0x3f UvInvalid "CTAP2_ERR_UV_INVALID",
    0x40 UnauthorizedPermission "CTAP2_ERR_UNAUTHORIZED_PERMISSION",
    0x7f Other "CTAP1_ERR_OTHER",
}

impl StatusCode {
    /// What the person at the key can do, in one sentence; `None` where only a programmer can do something.
    pub fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::Timeout | Self::UserActionTimeout | Self::ActionTimeout => {
                "Nobody touched the key in time: run this again and touch it when it blinks."
            }
            Self::ChannelBusy | Self::OperationPending | Self::UserActionPending => {
                "Close the other programs that use this key, or unplug it and plug it in again."
            }
            Self::FpDatabaseFull => "Delete a fingerprint from the key first.",
            Self::LargeBlobStorageFull => "Delete large blobs from the key first.",
            Self::CredentialExcluded => "This key already has a credential for this account: use another key.",
            Self::UnsupportedAlgorithm => "Use a key that can make one of the algorithms that the service accepts.",
            Self::OperationDenied => {
                "The request was declined at the key, or the key does not allow it in its present state."
            }
            Self::KeyStoreFull => {
                "The key has no room left: delete a credential that is no longer needed, or use another key."
            }
            Self::KeepaliveCancel => "The request was cancelled: run this again.",
            Self::NoCredentials => "The key has no credential that fits: use the key that was enrolled.",
            Self::NotAllowed => {
                "The key does not allow this now; for a reset, unplug it, plug it in and reset it within 10 seconds."
            }
            Self::PinInvalid => {
                "The PIN is wrong, or it has to be changed before first use: check that it is this key's PIN, for each \
                 wrong one costs an attempt."
            }
            Self::PinBlocked => "The PIN is blocked for good: only a reset helps, and it erases everything on the key.",
            Self::PinAuthInvalid => "The PIN's authorisation is no longer valid: enter the PIN again.",
            Self::PinAuthBlocked => {
                "Too many wrong PINs in a row: unplug the key and plug it in again before the next attempt."
            }
            Self::PinNotSet => "Set a PIN on the key first.",
            Self::PuatRequired => "The key asks for its PIN (or a fingerprint) for this.",
            Self::PinPolicyViolation => {
                "The PIN does not meet the key's policy (length, complexity, not the old one), or it has to be changed \
                 before first use."
            }
            Self::PinTokenExpired => "The PIN's authorisation has expired: enter the PIN again.",
            Self::UpRequired => "Touch the key.",
            Self::UvBlocked => "The fingerprint is blocked: use the PIN.",
            Self::IntegrityFailure => "What the key has stored is damaged: use another key.",
            Self::UvInvalid => "The fingerprint was not recognised: try again.",
            Self::UnauthorizedPermission => "The key does not give the PIN this right; its getInfo options tell why.",
            _ => return None,
        })
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.code()) {
            (Some(name), _) => f.write_str(name),
            (None, code @ 0xe0..=0xef) => write!(f, "extension status 0x{code:02X}"),
            (None, code @ 0xf0..) => write!(f, "vendor status 0x{code:02X}"),
            (None, code) => write!(f, "status 0x{code:02X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        for code in 0..=u8::MAX {
            assert_eq!(StatusCode::from(code).code(), code);
        }
    }

    #[test]
    fn names_are_the_specification_s() {
        for (code, shown) in [
            (0x31, "CTAP2_ERR_PIN_INVALID"),
            (0x34, "CTAP2_ERR_PIN_AUTH_BLOCKED"),
            (0x40, "CTAP2_ERR_UNAUTHORIZED_PERMISSION"),
            (0x7f, "CTAP1_ERR_OTHER"),
            (0x41, "status 0x41"),
            (0xe1, "extension status 0xE1"),
            (0xf2, "vendor status 0xF2"),
        ] {
            assert_eq!(StatusCode::from(code).to_string(), shown);
        }
    }

    #[test]
    fn what_a_person_can_act_on_has_advice() {
        for code in [0x19, 0x27, 0x28, 0x2d, 0x2f, 0x30, 0x31, 0x32, 0x34, 0x35, 0x36, 0x37, 0x40] {
            assert!(StatusCode::from(code).advice().is_some_and(|advice| advice.ends_with('.')), "{code:#x}");
        }
        assert_eq!(StatusCode::from(0x12).advice(), None);
        assert_eq!(StatusCode::Unknown(0x99).advice(), None);
    }
}
