//! The person of the roster at the IdP, written down when the ledger first meets them.

use super::job_error::JobError;
use super::journal::Journal;
use super::plan::Planned;
use super::same_person;
use super::station::Station;
use crate::idp::User;
use crate::ledger::Event;

/// Finds the account, and refuses one that is not the ledger's person.
pub fn resolve(station: &Station<'_>, journal: &Journal<'_>, planned: &Planned) -> Result<User, JobError> {
    let (directory, account) = (station.directory, &planned.account);
    let known = journal.book().accounts.get(account).and_then(|account| account.user_id.clone());
    let user = same_person::find_active(directory, &station.retry_policy, &station.cancel, account, known.as_deref())?;
    if known.is_none() {
        let other_methods = station.retry_policy.ask(&station.cancel, || directory.other_methods(&user))?;
        let found = Event::UserFound { account: account.clone(), user_id: user.id.clone(), other_methods };
        journal.record(&found)?;
    }
    Ok(user)
}
