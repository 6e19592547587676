//! When an account, and each of its keys, was last seen at the IdP.
//!
//! It refuses to read "not told" as "never".

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::told::{Listing, Told, Untold};
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

/// A line of an IdP's sign-in log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInSeen {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// By which method, in the IdP's word; `None` if it does not say.
    pub by: Option<String>,
}

/// Last uses.
pub trait LastUse {
    /// Of this account and its keys. Changes nothing.
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError>;

    /// The account's sign-ins since this moment, the oldest first, as far as the IdP's log has them. Changes nothing. An IdP whose
    /// log does not go back that far says so among what is untold. The default is an IdP that has no such log.
    fn sign_ins(&self, _user: &User, _since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        Ok(Listing::untold(Untold::not_offered("the sign-in log")))
    }
}
