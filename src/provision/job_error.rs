//! From each room's errors to the failure that the ledger keeps.

use super::pin_attempts::PinAttemptError;
use super::pin_delivery::NoDelivery;
use super::same_person::PersonError;
use crate::idp::DirectoryError;
use crate::ledger::{Failure, FailureCode, LedgerError};
use crate::secret::SecretError;
use keywright_fido::ctap::{CtapError, StatusMeaning, TransportError};
use keywright_fido::webauthn::WebauthnError;

/// Why a job cannot go on.
#[derive(Debug)]
pub(super) enum JobError {
    /// This job; others go on.
    Job(Failure),
    /// The ledger cannot be written: nothing may be done any more, by anybody.
    Ledger(LedgerError),
}

impl JobError {
    /// A failure found by this room.
    pub(super) fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Job(Failure { code, message: message.into(), ctap_status: None })
    }
}

/// Somebody ended the run.
pub(super) fn interrupted() -> JobError {
    JobError::new(FailureCode::Interrupted, "the run was ended before this was done")
}

impl From<LedgerError> for JobError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<CtapError> for Failure {
    fn from(error: CtapError) -> Self {
        let ctap_status = error.status().map(|status| status.code());
        Self { code: ctap_code(&error), message: error.to_string(), ctap_status }
    }
}

impl From<CtapError> for JobError {
    fn from(error: CtapError) -> Self {
        Self::Job(error.into())
    }
}

impl From<PinAttemptError> for Failure {
    fn from(error: PinAttemptError) -> Self {
        let code = match (&error, error.status()) {
            (PinAttemptError::Ctap(error), _) => ctap_code(error),
            (_, Some(status)) => code_of(status.meaning()),
            (_, None) => FailureCode::PinBlocked,
        };
        let ctap_status = error.status().map(|status| status.code());
        Self { code, message: error.to_string(), ctap_status }
    }
}

impl From<PinAttemptError> for JobError {
    fn from(error: PinAttemptError) -> Self {
        Self::Job(error.into())
    }
}

impl From<TransportError> for JobError {
    fn from(error: TransportError) -> Self {
        Self::new(transport_code(&error), error.to_string())
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

impl From<PersonError> for JobError {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::Directory(error) => error.into(),
            error => Self::new(FailureCode::AccountRefused, error.to_string()),
        }
    }
}

impl From<NoDelivery> for JobError {
    fn from(error: NoDelivery) -> Self {
        Self::new(FailureCode::Secret, error.to_string())
    }
}

impl From<WebauthnError> for JobError {
    fn from(error: WebauthnError) -> Self {
        Self::new(FailureCode::KeyFault, error.to_string())
    }
}

fn transport_code(error: &TransportError) -> FailureCode {
    match error {
        TransportError::Removed => FailureCode::KeyRemoved,
        TransportError::Cancelled => FailureCode::Interrupted,
        _ => FailureCode::KeyFault,
    }
}

fn ctap_code(error: &CtapError) -> FailureCode {
    match error {
        CtapError::Transport(error) => transport_code(error),
        CtapError::Unsupported(_) => FailureCode::KeyRefused,
        CtapError::Status { status, .. } => code_of(status.meaning()),
        CtapError::PinRules { .. } => FailureCode::PinPolicy,
        _ => FailureCode::KeyFault,
    }
}

/// What a status means for a job.
fn code_of(meaning: StatusMeaning) -> FailureCode {
    match meaning {
        StatusMeaning::WrongPin => FailureCode::PinUnknown,
        StatusMeaning::PinBlocked | StatusMeaning::PinAuthBlocked => FailureCode::PinBlocked,
        StatusMeaning::PinPolicyViolation => FailureCode::PinPolicy,
        StatusMeaning::PinTokenInvalid
        | StatusMeaning::PinNotSet
        | StatusMeaning::PinRequired
        | StatusMeaning::UvBlocked
        | StatusMeaning::UvInvalid => FailureCode::PinRefused,
        StatusMeaning::TouchTimeout | StatusMeaning::TouchRequired => FailureCode::TouchTimeout,
        StatusMeaning::Declined => FailureCode::TouchDeclined,
        StatusMeaning::Cancelled => FailureCode::Interrupted,
        StatusMeaning::CredentialExcluded => FailureCode::KeyTaken,
        StatusMeaning::KeyStoreFull => FailureCode::KeyFull,
        StatusMeaning::UnsupportedAlgorithm => FailureCode::KeyRefused,
        StatusMeaning::Success
        | StatusMeaning::PermissionRefused
        | StatusMeaning::NotAllowed
        | StatusMeaning::NoCredentials
        | StatusMeaning::FingerprintStorageFull
        | StatusMeaning::LargeBlobStorageFull
        | StatusMeaning::Unsupported
        | StatusMeaning::TooLarge
        | StatusMeaning::Busy
        | StatusMeaning::Damaged
        | StatusMeaning::BadRequest
        | StatusMeaning::Unknown => FailureCode::KeyFault,
    }
}
