//! A pass that lets a person in once or for a short time, to get a key registered or to work until there is one.
//!
//! It is a whole sign-in: a secret like a PIN, handed over like one. It refuses to give out one without an end.

use std::time::Duration;

use secrecy::SecretString;
use time::OffsetDateTime;

use super::methods::Usable;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// What kind of pass is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedPass {
    /// How long it is good for; IdPs count in minutes and have limits of their own.
    pub lifetime: Duration,
    /// Whether it is good for one sign-in.
    pub once: bool,
}

/// A pass that was given out.
#[derive(Debug)]
pub struct Pass {
    /// The IdP's name for it, by which it is withdrawn.
    pub id: String,
    /// What the person types; the IdP shows it this once.
    pub secret: SecretString,
    /// Until when it is good, if the IdP says.
    pub until: Option<OffsetDateTime>,
    /// Whether it works: an IdP may give out one that its policy does not take.
    pub usable: Usable,
}

/// Passes for a person.
pub trait TemporaryPass {
    /// Gives out one. An earlier one of this account may stop working.
    fn issue(&self, user: &User, wanted: WantedPass) -> Result<Pass, DirectoryError>;

    /// Takes it back. Nothing happens if it is gone already.
    fn withdraw(&self, user: &User, pass: &str) -> Result<(), DirectoryError>;

    /// What it is at this IdP and does not do, for people, in one sentence.
    fn limits(&self) -> &'static str;
}
