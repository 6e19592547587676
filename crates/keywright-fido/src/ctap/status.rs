//! CTAP2 status codes (CTAP 2.3 section 8.2): one table of byte, name and meaning.
//!
//! A code that no version of the specification names is kept as its number.

use std::fmt;

use super::StatusMeaning;

macro_rules! status_codes {
    ($($code:literal $variant:ident $name:literal $meaning:ident,)*) => {
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

            /// What it means for the person at the key.
            pub fn meaning(self) -> StatusMeaning {
                match self {
                    $(Self::$variant => StatusMeaning::$meaning,)*
                    Self::Unknown(_) => StatusMeaning::Unknown,
                }
            }
        }
    };
}

// 0x16, 0x29, 0x2A and 0x38 are CTAP 2.0's; later versions reserve them.
status_codes! {
    0x00 Success "CTAP2_OK" Success,
    0x01 InvalidCommand "CTAP1_ERR_INVALID_COMMAND" Unsupported,
    0x02 InvalidParameter "CTAP1_ERR_INVALID_PARAMETER" BadRequest,
    0x03 InvalidLength "CTAP1_ERR_INVALID_LENGTH" BadRequest,
    0x04 InvalidSeq "CTAP1_ERR_INVALID_SEQ" BadRequest,
    0x05 Timeout "CTAP1_ERR_TIMEOUT" TouchTimeout,
    0x06 ChannelBusy "CTAP1_ERR_CHANNEL_BUSY" Busy,
    0x0a LockRequired "CTAP1_ERR_LOCK_REQUIRED" Busy,
    0x0b InvalidChannel "CTAP1_ERR_INVALID_CHANNEL" BadRequest,
    0x11 CborUnexpectedType "CTAP2_ERR_CBOR_UNEXPECTED_TYPE" BadRequest,
    0x12 InvalidCbor "CTAP2_ERR_INVALID_CBOR" BadRequest,
    0x14 MissingParameter "CTAP2_ERR_MISSING_PARAMETER" BadRequest,
    0x15 LimitExceeded "CTAP2_ERR_LIMIT_EXCEEDED" TooLarge,
    0x16 UnsupportedExtension "CTAP2_ERR_UNSUPPORTED_EXTENSION" Unsupported,
    0x17 FpDatabaseFull "CTAP2_ERR_FP_DATABASE_FULL" FingerprintStorageFull,
    0x18 LargeBlobStorageFull "CTAP2_ERR_LARGE_BLOB_STORAGE_FULL" LargeBlobStorageFull,
    0x19 CredentialExcluded "CTAP2_ERR_CREDENTIAL_EXCLUDED" CredentialExcluded,
    0x21 Processing "CTAP2_ERR_PROCESSING" Busy,
    0x22 InvalidCredential "CTAP2_ERR_INVALID_CREDENTIAL" NoCredentials,
    0x23 UserActionPending "CTAP2_ERR_USER_ACTION_PENDING" Busy,
    0x24 OperationPending "CTAP2_ERR_OPERATION_PENDING" Busy,
    0x25 NoOperations "CTAP2_ERR_NO_OPERATIONS" BadRequest,
    0x26 UnsupportedAlgorithm "CTAP2_ERR_UNSUPPORTED_ALGORITHM" UnsupportedAlgorithm,
    0x27 OperationDenied "CTAP2_ERR_OPERATION_DENIED" Declined,
    0x28 KeyStoreFull "CTAP2_ERR_KEY_STORE_FULL" KeyStoreFull,
    0x29 NotBusy "CTAP2_ERR_NOT_BUSY" BadRequest,
    0x2a NoOperationPending "CTAP2_ERR_NO_OPERATION_PENDING" BadRequest,
    0x2b UnsupportedOption "CTAP2_ERR_UNSUPPORTED_OPTION" Unsupported,
    0x2c InvalidOption "CTAP2_ERR_INVALID_OPTION" Unsupported,
    0x2d KeepaliveCancel "CTAP2_ERR_KEEPALIVE_CANCEL" Cancelled,
    0x2e NoCredentials "CTAP2_ERR_NO_CREDENTIALS" NoCredentials,
    0x2f UserActionTimeout "CTAP2_ERR_USER_ACTION_TIMEOUT" TouchTimeout,
    0x30 NotAllowed "CTAP2_ERR_NOT_ALLOWED" NotAllowed,
    0x31 PinInvalid "CTAP2_ERR_PIN_INVALID" WrongPin,
    0x32 PinBlocked "CTAP2_ERR_PIN_BLOCKED" PinBlocked,
    0x33 PinAuthInvalid "CTAP2_ERR_PIN_AUTH_INVALID" PinTokenInvalid,
    0x34 PinAuthBlocked "CTAP2_ERR_PIN_AUTH_BLOCKED" PinAuthBlocked,
    0x35 PinNotSet "CTAP2_ERR_PIN_NOT_SET" PinNotSet,
    0x36 PuatRequired "CTAP2_ERR_PUAT_REQUIRED" PinRequired,
    0x37 PinPolicyViolation "CTAP2_ERR_PIN_POLICY_VIOLATION" PinPolicyViolation,
    0x38 PinTokenExpired "CTAP2_ERR_PIN_TOKEN_EXPIRED" PinTokenInvalid,
    0x39 RequestTooLarge "CTAP2_ERR_REQUEST_TOO_LARGE" TooLarge,
    0x3a ActionTimeout "CTAP2_ERR_ACTION_TIMEOUT" TouchTimeout,
    0x3b UpRequired "CTAP2_ERR_UP_REQUIRED" TouchRequired,
    0x3c UvBlocked "CTAP2_ERR_UV_BLOCKED" UvBlocked,
    0x3d IntegrityFailure "CTAP2_ERR_INTEGRITY_FAILURE" Damaged,
    0x3e InvalidSubcommand "CTAP2_ERR_INVALID_SUBCOMMAND" Unsupported,
    0x3f UvInvalid "CTAP2_ERR_UV_INVALID" UvInvalid,
    0x40 UnauthorizedPermission "CTAP2_ERR_UNAUTHORIZED_PERMISSION" PermissionRefused,
    0x7f Other "CTAP1_ERR_OTHER" Unknown,
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
    fn codes_that_ask_the_same_of_a_person_mean_the_same() {
        for (codes, meaning) in [
            (&[0x31][..], StatusMeaning::WrongPin),
            (&[0x33, 0x38], StatusMeaning::PinTokenInvalid),
            (&[0x05, 0x2f, 0x3a], StatusMeaning::TouchTimeout),
            (&[0x06, 0x21, 0x23, 0x24], StatusMeaning::Busy),
            (&[0x22, 0x2e], StatusMeaning::NoCredentials),
            (&[0x01, 0x16, 0x2b, 0x3e], StatusMeaning::Unsupported),
            (&[0x7f, 0x41, 0xe1, 0xf2], StatusMeaning::Unknown),
        ] {
            for code in codes {
                assert_eq!(StatusCode::from(*code).meaning(), meaning, "{code:#04x}");
            }
        }
    }
}
