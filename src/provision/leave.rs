//! A person leaves: nothing is made for the account any more, and every key of it is taken out of service at the IdP.
//!
//! It can be repeated: what was begun is finished, and what the IdP could not be told is told by the next `resume`. It refuses to
//! forget the keys themselves, which are to be collected.

use super::journal::Journal;
use super::retry_policy::RetryPolicy;
use super::revoke::{Revocation, RevokeError, RevokeOrder, requests, revoke_in};
use crate::idp::{Directory, Registration};
use crate::ledger::{AccountId, Event, Store};
use crate::register::AccountState;
use keywright_files::Cancel;

/// Writes down that the person left, and revokes every key. At an IdP without an API the
/// caller has seen to it that a person removed the keys there.
pub fn leave(
    directory: &dyn Directory,
    store: &dyn Store,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    account: &AccountId,
    order: RevokeOrder<'_>,
) -> Result<Vec<Revocation>, RevokeError> {
    let journal = Journal::open(store)?;
    let is_written = {
        let register = journal.book();
        register.accounts.get(account).is_some_and(|known| matches!(known.state, AccountState::Left { .. }))
    };
    if !is_written {
        // At once, so that a crash leaves nobody in service of whom the log says that they left.
        let mut events = vec![Event::AccountLeft {
            account: account.clone(),
            reason: order.reason.to_owned(),
            operator: order.operator.clone(),
        }];
        if directory.registration() == Registration::Api {
            let register = journal.book();
            let to_go = register.credentials_of(account).filter(|(_, one)| one.state.may_be_registered());
            let to_go: Vec<_> = to_go.map(|(id, _)| id.clone()).collect();
            events.extend(requests(&register, &to_go, order));
        }
        journal.record_all(&events)?;
    }
    // Jobs that no key was taken for ended with that.
    let ordinals: Vec<usize> = {
        let register = journal.book();
        let jobs = register.jobs_of(account).filter(|(_, job)| !job.is_withdrawn());
        jobs.map(|(_, job)| job.ordinal).collect()
    };
    let mut revocations = Vec::new();
    for ordinal in ordinals {
        revocations.push(revoke_in(&journal, directory, retry_policy, cancel, account, ordinal, order)?);
    }
    Ok(revocations)
}
