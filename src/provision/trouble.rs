//! From each room's errors to the failure that the ledger keeps.

use crate::ctap::{CtapError, StatusCode};
use crate::hid::HidError;
use crate::idp::DirectoryError;
use crate::ledger::{Failure, FailureCode, LedgerError};
use crate::secret::SecretError;
use crate::webauthn::WebauthnError;

/// Why a job cannot go on.
#[derive(Debug)]
pub enum Trouble {
    /// This job; others go on.
    Job(Failure),
    /// The ledger cannot be written: nothing may be done any more, by anybody.
    Ledger(LedgerError),
}

impl Trouble {
    /// A failure found by this room.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Job(Failure { code, message: message.into() })
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<CtapError> for Trouble {
    fn from(error: CtapError) -> Self {
        Self::new(ctap_code(&error), error.to_string())
    }
}

impl From<HidError> for Trouble {
    fn from(error: HidError) -> Self {
        Self::new(hid_code(&error), error.to_string())
    }
}

impl From<DirectoryError> for Trouble {
    fn from(error: DirectoryError) -> Self {
        let code = match &error {
            DirectoryError::Unreachable { .. }
            | DirectoryError::Unanswered { .. }
            | DirectoryError::RateLimited { .. }
            | DirectoryError::Failed { .. }
            | DirectoryError::Answer { .. } => FailureCode::DirectoryDown,
            DirectoryError::SignIn { .. } => FailureCode::DirectorySignIn,
            DirectoryError::NotFound { .. } => FailureCode::AccountRefused,
            DirectoryError::Expired { .. } => FailureCode::ChallengeExpired,
            DirectoryError::Forbidden { .. } | DirectoryError::Refused { .. } => FailureCode::DirectoryRefused,
        };
        Self::new(code, error.to_string())
    }
}

impl From<SecretError> for Trouble {
    fn from(error: SecretError) -> Self {
        Self::new(FailureCode::Secret, error.to_string())
    }
}

impl From<WebauthnError> for Trouble {
    fn from(error: WebauthnError) -> Self {
        Self::new(FailureCode::KeyFault, error.to_string())
    }
}

fn hid_code(error: &HidError) -> FailureCode {
    match error {
        HidError::Removed => FailureCode::KeyRemoved,
        HidError::Cancelled => FailureCode::Interrupted,
        _ => FailureCode::KeyFault,
    }
}

fn ctap_code(error: &CtapError) -> FailureCode {
    match error {
        CtapError::Hid(error) => hid_code(error),
        CtapError::Unsupported(_) => FailureCode::KeyRefused,
        CtapError::Status { status, .. } => status_code(*status),
        _ => FailureCode::KeyFault,
    }
}

fn status_code(status: StatusCode) -> FailureCode {
    match status {
        StatusCode::CredentialExcluded => FailureCode::KeyTaken,
        StatusCode::KeyStoreFull => FailureCode::KeyFull,
        StatusCode::UserActionTimeout | StatusCode::ActionTimeout => FailureCode::TouchTimeout,
        StatusCode::OperationDenied => FailureCode::TouchDeclined,
        StatusCode::PinInvalid => FailureCode::PinUnknown,
        StatusCode::PinBlocked | StatusCode::PinAuthBlocked => FailureCode::PinBlocked,
        StatusCode::PinPolicyViolation => FailureCode::PinPolicy,
        StatusCode::KeepaliveCancel => FailureCode::Interrupted,
        _ => FailureCode::KeyFault,
    }
}
