//! Takes one method from an account.
//!
//! It refuses to decide whether that may be done: that a person keeps a way in is the caller's to see.

use super::methods::Method;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// What became of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// It is gone, now or before.
    Gone,
    /// It is the account's default method and goes after the others.
    IsDefault {
        /// The IdP's words.
        why: String,
    },
}

/// Removing a method of a person.
pub trait MethodRemoval {
    /// Removes one that [`SignInMethods::methods`](super::SignInMethods::methods) listed. Nothing happens if it is gone already:
    /// the request may be a second one.
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError>;
}
