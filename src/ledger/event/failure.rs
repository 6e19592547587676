//! Why a step did not end well.

use serde::{Deserialize, Serialize};

/// Why a step failed, by kind; the command line has an exit code and a hint for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The key was removed.
    KeyRemoved,
    /// The key did not answer, or not as the specification says.
    KeyFault,
    /// The key will not do: model, features, state.
    KeyRefused,
    /// The key has no room left.
    KeyFull,
    /// The key is in use for somebody else.
    KeyTaken,
    /// The key has a PIN that is not known here.
    PinUnknown,
    /// The key has too few PIN attempts left, or none.
    PinBlocked,
    /// The key's PIN rules and the profile's disagree.
    PinPolicy,
    /// The key does not take what stands for the PIN (the PIN/UV auth token), or asks for a PIN or fingerprint that it did not get.
    PinRefused,
    /// Nobody touched the key in time.
    TouchTimeout,
    /// The touch was declined on the key.
    TouchDeclined,
    /// The attestation is not what the profile demands.
    AttestationRefused,
    /// The credential did not sign as it should.
    ProofFailed,
    /// The account does not exist at the IdP, or is not fit.
    AccountRefused,
    /// The IdP did not accept our sign-in.
    DirectorySignIn,
    /// The IdP refused the request.
    DirectoryRefused,
    /// The IdP cannot be reached, or fails.
    DirectoryDown,
    /// The registration's time ran out.
    ChallengeExpired,
    /// The PIN could not be sealed or handed over.
    Secret,
    /// The letter with the PIN went to the printer, and nobody has said that it came out. Its sealed copy is kept.
    PinUnconfirmed,
    /// The key has a PIN whose sealed copy is gone, and nothing says that it was handed over: nobody knows it.
    PinLost,
    /// Somebody ended the run.
    Interrupted,
    /// The ledger could not be written.
    Ledger,
    /// keywright itself failed.
    Internal,
}

/// A step that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// By kind.
    pub code: FailureCode,
    /// What happened, in a sentence without secrets.
    pub message: String,
    /// The CTAP2 status that the key answered with, where that was the reason. `None` in logs from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctap_status: Option<u8>,
}
