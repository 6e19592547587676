//! Is the account that the IdP has under a login still the person of the ledger? Asked before anything is made, tried or removed
//! for somebody.
//!
//! Logins are handed on; the IdP's own id of a user is not. It refuses an account with another id than the one that the ledger
//! first met.

use super::retry_policy::RetryPolicy;
use crate::idp::{Directory, DirectoryError, User};
use crate::register::KnownPerson;
use keywright_files::Cancel;

/// Why nothing is done for an account.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The login was handed on.
    #[error(
        "{login} belongs to another user now (id {found}, was {known}); if the first one left, write that down with 'keywright account left {login}'"
    )]
    Changed {
        /// The login.
        login: String,
        /// The user's id when the ledger first met the account.
        known: String,
        /// The user's id now.
        found: String,
    },
    /// The account was switched off.
    #[error("{login} is not active at the IdP")]
    Inactive {
        /// The login.
        login: String,
    },
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// The user under the account's login, if it is the one that the register knows. Active or not: keys of somebody who left are taken
/// out of service too.
pub fn find(
    directory: &dyn Directory,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    person: &KnownPerson,
) -> Result<User, PersonError> {
    let by_login = retry_policy.ask(cancel, || directory.find_user(&person.login));
    let error = match by_login {
        Ok(user) if person.is(&user.id) => return Ok(user),
        Ok(user) => changed(person, &user),
        Err(error @ DirectoryError::NotFound { .. }) => error.into(),
        Err(error) => return Err(error.into()),
    };
    // A login that was changed or handed on leads to nobody or to somebody else.
    retry_policy.ask(cancel, || by_id(directory, person))?.ok_or(error)
}

/// The user under the IdP's own id, which many IdPs take in the place of a login; `None` if that leads to nobody.
pub(super) fn by_id(directory: &dyn Directory, person: &KnownPerson) -> Result<Option<User>, DirectoryError> {
    let Some(id) = &person.user_id else { return Ok(None) };
    match directory.find_user(id) {
        Ok(user) => Ok(Some(user).filter(|user| person.is(&user.id))),
        Err(DirectoryError::NotFound { .. } | DirectoryError::Refused { .. }) => Ok(None),
        Err(away) => Err(away),
    }
}

/// That the login is another user's now.
pub fn changed(person: &KnownPerson, user: &User) -> PersonError {
    let known = person.user_id.clone().unwrap_or_else(|| "not known".to_owned());
    PersonError::Changed { login: person.login.clone(), known, found: user.id.clone() }
}

/// The same, for somebody whose keys are to sign in.
pub fn find_active(
    directory: &dyn Directory,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    person: &KnownPerson,
) -> Result<User, PersonError> {
    active(find(directory, retry_policy, cancel, person)?)
}

/// A user who may sign in.
pub fn active(user: User) -> Result<User, PersonError> {
    if user.active { Ok(user) } else { Err(PersonError::Inactive { login: user.login }) }
}
