//! What can go wrong at an IdP, and whether it may have acted all the same.

use std::time::Duration;

/// What can go wrong at an IdP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// Nobody answers. The request was not acted on.
    #[error("{directory} cannot be reached: {why}")]
    Unreachable {
        /// The directory's name.
        directory: String,
        /// The system's words.
        why: String,
    },
    /// The connection broke or the time ran out after the request was sent: it may have been acted on.
    #[error("{directory} did not finish its answer: {why}")]
    Unanswered {
        /// The directory's name.
        directory: String,
        /// The system's words.
        why: String,
    },
    /// Our sign-in is not accepted (401).
    #[error("{directory} does not accept our sign-in: {why}")]
    SignIn {
        /// The directory's name.
        directory: String,
        /// The IdP's words.
        why: String,
    },
    /// Our account may not do this (403).
    #[error("{directory} does not allow this: {why}")]
    Forbidden {
        /// The directory's name.
        directory: String,
        /// The IdP's words.
        why: String,
    },
    /// There is no such thing (404, 410).
    #[error("{directory} has no {what}")]
    NotFound {
        /// The directory's name.
        directory: String,
        /// What was looked for.
        what: String,
    },
    /// The registration's time ran out.
    #[error("{directory} no longer waits for this registration")]
    Expired {
        /// The directory's name.
        directory: String,
    },
    /// The IdP looked at the request and refused it (other 4xx).
    #[error("{directory} refused: {why}")]
    Refused {
        /// The directory's name.
        directory: String,
        /// The IdP's words.
        why: String,
    },
    /// Too many requests (429).
    #[error("{directory} asks us to wait")]
    RateLimited {
        /// The directory's name.
        directory: String,
        /// For how long, if it said.
        retry_after: Option<Duration>,
    },
    /// The IdP failed (5xx); the request may have been acted on.
    #[error("{directory} failed with HTTP {status}")]
    Failed {
        /// The directory's name.
        directory: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that is not what the IdP documents; the request may have been acted on.
    #[error("{directory} gave an answer that cannot be read: {why}")]
    InvalidResponse {
        /// The directory's name.
        directory: String,
        /// What is wrong with it.
        why: String,
    },
}

impl DirectoryError {
    /// Whether the IdP may have done what it was asked for all the same. Then the caller looks before it asks again.
    pub fn may_have_acted(&self) -> bool {
        matches!(self, Self::Unanswered { .. } | Self::Failed { .. } | Self::InvalidResponse { .. })
    }
}
