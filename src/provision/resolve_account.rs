//! Is the person who was asked for the person at the IdP, and which account of the register is that?
//!
//! It goes by the IdP's own id of the user. A login that belongs to another user now is refused: logins are handed on, ids are
//! not.

use super::job_error::JobError;
use super::run_error::RunError;
use super::same_person::{self, PersonError};
use super::station::Station;
use crate::idp::{DirectoryError, User};
use crate::ledger::{AccountId, Failure, FailureCode};
use crate::register::{IdpIdentity, KnownPerson, Register};

/// Looks people up at the IdP, and leaves off where it does not answer.
pub(super) struct UserLookup<'s, 'a> {
    station: &'s Station<'a>,
    /// Why the IdP did not answer for the last person.
    silence: Option<Failure>,
    /// Whether that happened twice in a row: once may be about the person, twice is about the IdP.
    gone: bool,
}

impl<'s, 'a> UserLookup<'s, 'a> {
    /// Nobody was asked for yet.
    pub(super) fn new(station: &'s Station<'a>) -> Self {
        Self { station, silence: None, gone: false }
    }

    /// The user with a login, who has to be active. `known` is who had it when the IdP was asked last, and is found by the id if
    /// nobody has the login any more. The inner failure is about this person, or says that the IdP does not answer; the operator
    /// hears of it.
    pub(super) fn find(&mut self, login: &str, known: Option<&KnownPerson>) -> Result<Result<User, Failure>, RunError> {
        let directory = self.station.directory;
        let found = self.ask(login, || match (directory.find_user(login), known) {
            (Err(absent @ DirectoryError::NotFound { .. }), Some(person)) => {
                same_person::by_id(directory, person)?.ok_or(absent)
            }
            (found, _) => found,
        })?;
        let Some(error) = found.clone().ok().and_then(|user| same_person::active(user).err()) else { return Ok(found) };
        let failure = failure_of(error)?;
        self.station.operator.tell(&failure.message);
        Ok(Err(failure))
    }

    /// Asks something about a person, as [`UserLookup::find`] does.
    pub(super) fn ask<T>(
        &mut self,
        login: &str,
        request: impl FnMut() -> Result<T, DirectoryError>,
    ) -> Result<Result<T, Failure>, RunError> {
        if let (true, Some(failure)) = (self.gone, &self.silence) {
            // An IdP that is down is not asked again for each of a hundred people.
            return Ok(Err(failure.clone()));
        }
        let failure = match self.station.retry_policy.ask(&self.station.cancel, request).map_err(JobError::from) {
            Ok(answer) => {
                self.silence = None;
                return Ok(Ok(answer));
            }
            Err(JobError::Ledger(error)) => return Err(error.into()),
            Err(JobError::Job(failure)) => failure,
        };
        self.station.operator.tell(&format!("{login}: {}", failure.message));
        let silent = matches!(failure.code, FailureCode::DirectoryDown | FailureCode::DirectorySignIn);
        self.gone = silent && self.silence.is_some();
        self.silence = silent.then(|| failure.clone());
        Ok(Err(failure))
    }
}

/// The account of the user that the IdP found under a login: the one that the register has, or a new one. Fails, with the account
/// that the register has under this login, if that is somebody else's.
pub(super) fn account_of(
    register: &Register,
    idp: &IdpIdentity,
    login: &str,
    user: &User,
) -> Result<AccountId, AccountId> {
    let known = register.account_of_user(idp, &user.id);
    if let Some(known) = known.or_else(|| register.unresolved_account(idp, &[login, &user.login])) {
        return Ok(known.clone());
    }
    let holder = [user.login.as_str(), login].into_iter().find_map(|login| register.holder_of_login(idp, login));
    if let Some(holder) = holder {
        return Err(holder.clone());
    }
    let new = AccountId::new(&idp.name, &user.login);
    let is_taken = register.accounts.contains_key(&new);
    Ok(if is_taken { AccountId { user_id: Some(user.id.clone()), ..new } } else { new })
}

/// Why nothing is done for a person.
pub(super) fn failure_of(error: PersonError) -> Result<Failure, RunError> {
    match JobError::from(error) {
        JobError::Job(failure) => Ok(failure),
        JobError::Ledger(error) => Err(error.into()),
    }
}
