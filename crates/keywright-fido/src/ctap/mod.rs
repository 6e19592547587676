//! CTAP2 commands, one file each: typed requests and answers over a [`Transport`].
//!
//! Requests are canonical CBOR, answers are read strictly. It refuses to retry by itself: a PIN is sent once, a touch is asked
//! for once. It refuses to ask a key for what the key does not say it can do.

pub mod authenticator;
pub mod authenticator_config;
pub mod bio_enrollment;
pub mod client_pin;
mod command;
pub mod credential_management;
pub mod get_assertion;
pub mod get_info;
pub mod make_credential;
pub mod persistent_state;
pub mod pin;
pub mod pin_uv_auth_protocol;
pub mod quirks;
pub mod reset;
#[cfg(test)]
mod scripted;
pub mod selection;
pub mod silent_assertion;
pub mod status;
pub mod status_meaning;
pub mod transport;

pub use authenticator::{Authenticator, Touch};
pub use authenticator_config::MinPinLength;
pub use bio_enrollment::{Fingerprint, FingerprintSensor, Sample, SampleStatus};
pub use client_pin::{Permissions, PinRetries, PinUvAuthToken};
pub use credential_management::{CredentialsMetadata, StoredCredential, StoredRp};
pub use get_assertion::{Assertion, GetAssertion};
pub use get_info::GetInfo;
pub use make_credential::{CredProtect, EnterpriseAttestation, MakeCredential, NewCredential};
pub use persistent_state::PersistentState;
pub use pin::{Pin, PinError};
pub use pin_uv_auth_protocol::PinUvAuthProtocol;
pub use silent_assertion::Holding;
pub use status::StatusCode;
pub use status_meaning::StatusMeaning;
pub use transport::{Keepalive, TimeoutPhase, Transport, TransportError, TransportKind};

use crate::webauthn::WebauthnError;

/// What can go wrong in a CTAP2 exchange.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CtapError {
    /// Below CTAP2.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The key answered with a status other than success.
    #[error("{command} failed: {} ({status})", status.meaning())]
    Status {
        /// The command's name in the specification.
        command: &'static str,
        /// The key's answer.
        status: StatusCode,
    },
    /// The key has rules of its own about PINs, tells where they are explained, and will not have this one.
    #[error(
        "{command} failed: {} ({}); its rules: {url}",
        StatusMeaning::PinPolicyViolation,
        StatusCode::PinPolicyViolation
    )]
    PinRules {
        /// The command's name in the specification.
        command: &'static str,
        /// pinComplexityPolicyURL, as the key tells it.
        url: String,
    },
    /// The key's answer is not what the command answers.
    #[error("the answer to {command} is malformed: {why}")]
    InvalidResponse {
        /// The command's name in the specification.
        command: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// WebAuthn data inside an answer.
    #[error(transparent)]
    Webauthn(#[from] WebauthnError),
    /// The key does not say that it can do this, so it was not asked.
    #[error("this key has no {0}")]
    Unsupported(&'static str),
    /// More was asked than CTAP2 or this key can take, so it was not asked.
    #[error("{what} is {asked}; at most {maximum} is possible")]
    Limit {
        /// What has the limit.
        what: &'static str,
        /// How much was asked.
        asked: usize,
        /// How much is possible.
        maximum: usize,
    },
    /// The PIN does not fit this key, so it was not sent.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The operating system's random source or the cryptography library failed.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
}

impl CtapError {
    /// The key's status, if the key answered with one. Its [`StatusCode::meaning`] says what the person can do.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::PinRules { .. } => Some(StatusCode::PinPolicyViolation),
            _ => None,
        }
    }

    /// Whether the key answered with a status of this meaning.
    pub fn means(&self, meaning: StatusMeaning) -> bool {
        self.status().is_some_and(|status| status.meaning() == meaning)
    }
}
