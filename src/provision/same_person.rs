//! Is the account that the IdP has under a login still the person of the ledger? Asked before anything is made, tried or removed
//! for somebody.
//!
//! Logins are handed on; the IdP's own id of a user is not. It refuses an account with another id than the one that the ledger
//! first met.

use super::retry_policy::RetryPolicy;
use crate::idp::{Directory, DirectoryError, User};
use crate::ledger::AccountId;
use keywright_fido::hid::Cancel;

/// Why nothing is done for an account.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The login was handed on.
    #[error("{account} is another user now (id {found}, was {known})")]
    Changed {
        /// The account.
        account: AccountId,
        /// The user's id when the ledger first met the account.
        known: String,
        /// The user's id now.
        found: String,
    },
    /// The account was switched off.
    #[error("{account} is not active there")]
    Inactive {
        /// The account.
        account: AccountId,
    },
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// The user under the account's login, if it is the one that the ledger knows by `known`, the IdP's id; `None` if it never met
/// the account. Active or not: keys of somebody who left are taken out of service too.
pub fn find(
    directory: &dyn Directory,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    account: &AccountId,
    known: Option<&str>,
) -> Result<User, PersonError> {
    let user = retry_policy.ask(cancel, || directory.find_user(&account.login))?;
    match known.filter(|known| *known != user.id) {
        Some(known) => Err(PersonError::Changed { account: account.clone(), known: known.to_owned(), found: user.id }),
        None => Ok(user),
    }
}

/// The same, for somebody whose keys are to sign in.
pub fn find_active(
    directory: &dyn Directory,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    account: &AccountId,
    known: Option<&str>,
) -> Result<User, PersonError> {
    let user = find(directory, retry_policy, cancel, account, known)?;
    if user.active { Ok(user) } else { Err(PersonError::Inactive { account: account.clone() }) }
}
