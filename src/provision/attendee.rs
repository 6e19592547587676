//! Is the person of the roster the person at the directory?

use super::job_error::JobError;
use super::journal::Journal;
use super::plan::Planned;
use super::station::Station;
use crate::idp::User;
use crate::ledger::{Event, FailureCode};

/// Finds the account. A login that belonged to another account when the ledger first met it is refused: logins are handed on,
/// the directory's own id is not.
pub fn find(station: &Station<'_>, journal: &Journal<'_>, planned: &Planned) -> Result<User, JobError> {
    let (directory, login) = (station.directory, &planned.account.login);
    let user = station.retry_policy.ask(&station.cancel, || directory.find_user(login))?;
    if !user.active {
        return Err(JobError::new(FailureCode::AccountRefused, "the account is not active at the directory"));
    }
    let known = journal.book().accounts.get(&planned.account).and_then(|account| account.user_id.clone());
    match known {
        Some(known) if known != user.id => Err(JobError::new(
            FailureCode::AccountRefused,
            format!("the login belongs to another account now (id {}, was {known})", user.id),
        )),
        Some(_) => Ok(user),
        None => {
            let other_methods = station.retry_policy.ask(&station.cancel, || directory.other_methods(&user))?;
            journal.record(&Event::UserFound {
                account: planned.account.clone(),
                user_id: user.id.clone(),
                other_methods,
            })?;
            Ok(user)
        }
    }
}
