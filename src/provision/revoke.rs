//! A key that is lost: its credential is removed at the directory, and a job that it left half-done is given up.
//!
//! It works without the key, and it can be repeated: what is gone already is only written down. Another key is made by
//! planning again.

use time::OffsetDateTime;

use super::journal::Journal;
use super::retry_policy::RetryPolicy;
use super::same_person::{self, PersonError};
use crate::idp::{Directory, DirectoryError, Registration};
use crate::ledger::{AccountId, Event, JobId, LedgerError, Store};
use crate::register::JobState;
use keywright_fido::hid::Cancel;
use keywright_fido::webauthn::CredentialId;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The job that made the key, or was to.
    pub job: JobId,
    /// Credentials that the directory had until now.
    pub removed: Vec<CredentialId>,
    /// Credentials that the directory had no longer, or never.
    pub absent: Vec<CredentialId>,
    /// Credentials whose key a person removed at a directory without an API, on that person's word.
    pub by_hand: Vec<CredentialId>,
    /// Whether the job was not done, and is given up.
    pub given_up: bool,
    /// Registered keys, seen to sign, that the account has left.
    pub keys_left: usize,
}

/// Why nothing was, or could be, revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The ledger knows no such key.
    #[error("{account} has no key {ordinal} in the ledger")]
    NoSuchKey {
        /// The account.
        account: AccountId,
        /// Which of the account's keys.
        ordinal: usize,
    },
    /// The login was handed on since.
    #[error(transparent)]
    Person(PersonError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<PersonError> for RevokeError {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::Directory(error) => error.into(),
            error => Self::Person(error),
        }
    }
}

/// Revokes one key of an account, by its number. At an IdP without an API ([`Registration::ByHand`]) the caller has seen to it
/// that a person removed it there.
pub fn revoke(
    directory: &dyn Directory,
    store: &dyn Store,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    account: &AccountId,
    ordinal: usize,
    reason: &str,
) -> Result<Revocation, RevokeError> {
    let journal = Journal::open(store)?;
    let (id, job, user_id) = {
        let book = journal.book();
        let found = book.jobs.iter().find(|(_, job)| job.account == *account && job.ordinal == ordinal);
        let (id, job) = found.ok_or_else(|| RevokeError::NoSuchKey { account: account.clone(), ordinal })?;
        (*id, job.clone(), book.accounts[account].user_id.clone())
    };
    let mut revocation = Revocation {
        job: id,
        removed: Vec::new(),
        absent: Vec::new(),
        by_hand: Vec::new(),
        given_up: false,
        keys_left: 0,
    };
    match (directory.registration(), user_id) {
        (Registration::ByHand(_), _) => {
            for credential_id in credentials_to_remove(&journal, id) {
                revocation.by_hand.push(credential_id.clone());
                record_revoked(&journal, account, credential_id, reason)?;
            }
        }
        // Nobody was ever asked for at the IdP, and there is nothing there.
        (Registration::Api, None) => {}
        (Registration::Api, Some(user_id)) => {
            let user = same_person::find(directory, retry_policy, cancel, account, Some(&user_id))?;
            let listed = retry_policy.ask(cancel, || directory.list(&user))?;
            for credential_id in credentials_to_remove(&journal, id) {
                let names = directory_names(&journal, id, &credential_id);
                match listed.iter().find(|one| one.is(&credential_id, names.iter().map(String::as_str))) {
                    Some(registered) => {
                        retry_policy.ask(cancel, || directory.revoke(&user, registered))?;
                        revocation.removed.push(credential_id.clone());
                    }
                    None => revocation.absent.push(credential_id.clone()),
                }
                record_revoked(&journal, account, credential_id, reason)?;
            }
            if job.directory_waits
                && let Some(pending) = job.ceremony().and_then(|ceremony| ceremony.pending.as_ref())
            {
                retry_policy.ask(cancel, || directory.abandon(&user, pending))?;
                journal.record(&Event::CeremonyAbandoned { job: id, pending: pending.clone() })?;
            }
        }
    }
    if !matches!(job.state, JobState::Done | JobState::GivenUp) {
        journal.record(&Event::JobGivenUp { job: id, reason: reason.to_owned() })?;
        revocation.given_up = true;
    }
    let left = journal.book().standing(account, OffsetDateTime::now_utc()).map_or(0, |standing| standing.in_service());
    revocation.keys_left = left;
    Ok(revocation)
}

fn record_revoked(
    journal: &Journal<'_>,
    account: &AccountId,
    credential_id: CredentialId,
    reason: &str,
) -> Result<(), LedgerError> {
    let (account, reason) = (account.clone(), reason.to_owned());
    journal.record(&Event::CredentialRevoked { account, credential_id, reason })
}

/// What the directory calls a credential: its name once it is registered, and what it was registered under until the ledger
/// knows that.
fn directory_names(journal: &Journal<'_>, job: JobId, credential_id: &CredentialId) -> Vec<String> {
    let book = journal.book();
    let registered = book.credentials.get(credential_id).and_then(|credential| credential.directory_id.clone());
    let pending = book.jobs[&job].ceremony().and_then(|ceremony| ceremony.pending.clone());
    registered.into_iter().chain(pending).collect()
}

fn credentials_to_remove(journal: &Journal<'_>, job: JobId) -> Vec<CredentialId> {
    let book = journal.book();
    let live =
        book.credentials.iter().filter(|(_, credential)| credential.job == job && credential.state.may_be_registered());
    live.map(|(id, _)| id.clone()).collect()
}
