//! The ways in behind the front door: applications that sign in at the IdP, and the rules that guard each.
//!
//! It reads; it refuses to call an application guarded that speaks a protocol on which rules have no hold.

use serde::{Deserialize, Serialize};

use super::policies::Rule;
use super::told::{Cursor, Listing, Page};
use crate::idp::error::DirectoryError;

/// An application that people sign in to by the IdP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The IdP's id of it.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// Whether people can reach it by a protocol that knows passwords alone, such as IMAP or RADIUS.
    pub legacy: bool,
    /// The rules about signing in to it.
    pub rules: Listing<Rule>,
}

/// The applications of an IdP.
pub trait Applications {
    /// All that people can sign in to, a page at a time. Changes nothing.
    fn applications(&self, after: Option<&Cursor>) -> Result<Page<Application>, DirectoryError>;
}
