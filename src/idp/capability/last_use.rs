//! When an account, and each of its keys, was last seen at the IdP.
//!
//! It refuses to read "not told" as "never".

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::told::{Listing, Told};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// When an account was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUsed {
    /// Its last sign-in by any way.
    pub account: Told<Seen>,
    /// Its keys' last uses.
    pub keys: Listing<KeyUse>,
}

/// When something was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// `None`: never, as far back as the IdP knows.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

/// When a key was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The IdP's name for its registration.
    pub key: String,
    /// Its last sign-in; `None`: the IdP knows of none.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

/// Last uses.
pub trait LastUse {
    /// Of this account and its keys. Changes nothing.
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError>;
}
