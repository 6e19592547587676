//! Ends what an account is signed in to.
//!
//! It refuses to say that everything ended: what lives on is told in words.

use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// Ending sessions.
pub trait Sessions {
    /// Ends all of the account's sessions at the IdP. Doing it twice is the same as once.
    fn end(&self, user: &User) -> Result<(), DirectoryError>;

    /// What goes on after it, for people, in one sentence.
    fn lives_on(&self) -> &'static str;
}
