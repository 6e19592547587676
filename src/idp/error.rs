//! What can go wrong at an IdP, and whether it may have acted all the same.

use std::fmt;
use std::time::Duration;

/// The name of an IdP in the settings. Every error of its adapter is made here, so that each says whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdpName(String);

impl IdpName {
    /// A name of the settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// [`DirectoryError::Unreachable`].
    pub fn unreachable(&self, why: impl Into<String>) -> DirectoryError {
        DirectoryError::Unreachable { directory: self.0.clone(), why: why.into() }
    }

    /// [`DirectoryError::Unanswered`].
    pub fn unanswered(&self, why: impl Into<String>) -> DirectoryError {
        DirectoryError::Unanswered { directory: self.0.clone(), why: why.into() }
    }

    /// [`DirectoryError::SignIn`].
    pub fn sign_in_refused(&self, why: impl Into<String>) -> DirectoryError {
        DirectoryError::SignIn { directory: self.0.clone(), why: why.into() }
    }

    /// [`DirectoryError::Forbidden`].
    pub fn forbidden(&self, why: impl Into<String>) -> DirectoryError {
        DirectoryError::Forbidden { directory: self.0.clone(), why: why.into() }
    }

    /// [`DirectoryError::NotFound`].
    pub fn not_found(&self, what: impl Into<String>) -> DirectoryError {
        DirectoryError::NotFound { directory: self.0.clone(), what: what.into() }
    }

    /// [`DirectoryError::Expired`].
    pub fn expired(&self) -> DirectoryError {
        DirectoryError::Expired { directory: self.0.clone() }
    }

    /// [`DirectoryError::Refused`].
    pub fn refused(&self, why: impl Into<String>) -> DirectoryError {
        DirectoryError::Refused { directory: self.0.clone(), why: why.into() }
    }

    /// [`DirectoryError::RateLimited`].
    pub fn rate_limited(&self, retry_after: Option<Duration>) -> DirectoryError {
        DirectoryError::RateLimited { directory: self.0.clone(), retry_after }
    }

    /// [`DirectoryError::Failed`].
    pub fn failed(&self, status: u16) -> DirectoryError {
        DirectoryError::Failed { directory: self.0.clone(), status }
    }

    /// [`DirectoryError::InvalidResponse`].
    pub fn invalid_response(&self, why: impl Into<String>) -> DirectoryError {
        DirectoryError::InvalidResponse { directory: self.0.clone(), why: why.into() }
    }
}

impl std::ops::Deref for IdpName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdpName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What can go wrong at an IdP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// Nobody answers. The request was not acted on.
    #[error("{directory} cannot be reached: {why}")]
    Unreachable {
        /// The IdP's name.
        directory: String,
        /// The system's words.
        why: String,
    },
    /// The connection broke or the time ran out after the request was sent: it may have been acted on.
    #[error("{directory} broke off its answer: {why}")]
    Unanswered {
        /// The IdP's name.
        directory: String,
        /// The system's words.
        why: String,
    },
    /// Our sign-in is not accepted (401).
    #[error("signing in at {directory} failed: {why}")]
    SignIn {
        /// The IdP's name.
        directory: String,
        /// The IdP's words.
        why: String,
    },
    /// Our account may not do this (403).
    #[error("{directory} does not allow this: {why}")]
    Forbidden {
        /// The IdP's name.
        directory: String,
        /// The IdP's words.
        why: String,
    },
    /// There is no such thing (404, 410).
    #[error("{directory} has no {what}")]
    NotFound {
        /// The IdP's name.
        directory: String,
        /// What was looked for.
        what: String,
    },
    /// The registration's time ran out.
    #[error("the registration at {directory} has expired")]
    Expired {
        /// The IdP's name.
        directory: String,
    },
    /// The IdP looked at the request and refused it (other 4xx).
    #[error("{directory} refused: {why}")]
    Refused {
        /// The IdP's name.
        directory: String,
        /// The IdP's words.
        why: String,
    },
    /// Too many requests (429).
    #[error("{directory} asks to wait before the next request")]
    RateLimited {
        /// The IdP's name.
        directory: String,
        /// For how long, if it said.
        retry_after: Option<Duration>,
    },
    /// The IdP failed (5xx); the request may have been acted on.
    #[error("{directory} failed with HTTP {status}")]
    Failed {
        /// The IdP's name.
        directory: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that is not what the IdP documents; the request may have been acted on.
    #[error("{directory} sent an answer that cannot be read: {why}")]
    InvalidResponse {
        /// The IdP's name.
        directory: String,
        /// What is wrong with it.
        why: String,
    },
}

impl DirectoryError {
    /// Whether the IdP looked at the request and said no: asking again changes nothing, and the next request may fare better.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::Refused { .. })
    }

    /// Whether the IdP did not come to an answer, and may later.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::RateLimited { .. }) || self.may_have_acted()
    }

    /// Whether the IdP may have done what it was asked for all the same. Then the caller looks before it asks again.
    pub fn may_have_acted(&self) -> bool {
        matches!(self, Self::Unanswered { .. } | Self::Failed { .. } | Self::InvalidResponse { .. })
    }
}
