//! From each room's errors to the failure that the ledger keeps.

use crate::idp::DirectoryError;
use crate::ledger::{Failure, FailureCode, LedgerError};
use crate::secret::SecretError;
use keywright_fido::ctap::{CtapError, StatusCode};
use keywright_fido::hid::HidError;
use keywright_fido::webauthn::WebauthnError;

/// Why a job cannot go on.
#[derive(Debug)]
pub enum JobError {
    /// This job; others go on.
    Job(Failure),
    /// The ledger cannot be written: nothing may be done any more, by anybody.
    Ledger(LedgerError),
}

impl JobError {
    /// A failure found by this room.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Job(Failure { code, message: message.into() })
    }
}

/// Somebody ended the run.
pub fn interrupted() -> JobError {
    JobError::new(FailureCode::Interrupted, "the run was ended before this was done")
}

impl From<LedgerError> for JobError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<CtapError> for JobError {
    fn from(error: CtapError) -> Self {
        Self::new(ctap_code(&error), error.to_string())
    }
}

impl From<HidError> for JobError {
    fn from(error: HidError) -> Self {
        Self::new(hid_code(&error), error.to_string())
    }
}

impl From<DirectoryError> for JobError {
    fn from(error: DirectoryError) -> Self {
        let code = match &error {
            DirectoryError::Unreachable { .. }
            | DirectoryError::Unanswered { .. }
            | DirectoryError::RateLimited { .. }
            | DirectoryError::Failed { .. }
            | DirectoryError::InvalidResponse { .. } => FailureCode::DirectoryDown,
            DirectoryError::SignIn { .. } => FailureCode::DirectorySignIn,
            DirectoryError::NotFound { .. } => FailureCode::AccountRefused,
            DirectoryError::Expired { .. } => FailureCode::ChallengeExpired,
            DirectoryError::Forbidden { .. } | DirectoryError::Refused { .. } => FailureCode::DirectoryRefused,
        };
        Self::new(code, error.to_string())
    }
}

impl From<SecretError> for JobError {
    fn from(error: SecretError) -> Self {
        Self::new(FailureCode::Secret, error.to_string())
    }
}

impl From<WebauthnError> for JobError {
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
