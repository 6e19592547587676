//! A key that is lost: its credential is removed at the IdP, and a job that it left half-done is given up.
//!
//! It works without the key, and it can be repeated: what is gone already is only written down. That a key is to go is in the
//! ledger before anything is removed, so that the next `resume` ends what was interrupted or could not be told. Another key is made
//! by planning again.

use time::OffsetDateTime;

use super::journal::Journal;
use super::retry_policy::RetryPolicy;
use super::same_person::{self, PersonError};
use crate::idp::{Directory, DirectoryError, Registration};
use crate::ledger::{AccountId, Actor, Event, JobId, LedgerError, Store};
use crate::register::{JobState, KnownPerson, Register};
use keywright_fido::webauthn::CredentialId;
use keywright_files::Cancel;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The job that made the key, or was to.
    pub job: JobId,
    /// Credentials that the IdP had until now.
    pub removed: Vec<CredentialId>,
    /// Credentials that the IdP had no longer, or never.
    pub absent: Vec<CredentialId>,
    /// Credentials whose key a person removed at an IdP without an API, on that person's word.
    pub by_hand: Vec<CredentialId>,
    /// Credentials that are to be removed by the next `resume`, because the IdP did not answer: they still sign in.
    pub pending: Vec<CredentialId>,
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
    Person(#[from] PersonError),
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Who has keys revoked, and why: for the log.
#[derive(Debug, Clone, Copy)]
pub struct RevokeOrder<'a> {
    /// In the operator's words.
    pub reason: &'a str,
    /// Who.
    pub operator: &'a Actor,
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
    order: RevokeOrder<'_>,
) -> Result<Revocation, RevokeError> {
    let journal = Journal::open(store)?;
    revoke_in(&journal, directory, retry_policy, cancel, account, ordinal, order)
}

/// As [`revoke`], in a journal that is open.
pub(super) fn revoke_in(
    journal: &Journal<'_>,
    directory: &dyn Directory,
    retry_policy: &RetryPolicy,
    cancel: &Cancel,
    account: &AccountId,
    ordinal: usize,
    order: RevokeOrder<'_>,
) -> Result<Revocation, RevokeError> {
    let (id, was_open, person) = {
        let book = journal.book();
        let found = book.job_of_key(account, ordinal);
        let id = found.ok_or_else(|| RevokeError::NoSuchKey { account: account.clone(), ordinal })?;
        (id, book.jobs[&id].state.step().is_some(), book.person(account))
    };
    let mut revocation = Revocation {
        job: id,
        removed: Vec::new(),
        absent: Vec::new(),
        by_hand: Vec::new(),
        pending: Vec::new(),
        given_up: false,
        keys_left: 0,
    };
    match directory.registration() {
        Registration::ByHand(_) => {
            for credential_id in credentials_to_remove(journal, id) {
                revocation.by_hand.push(credential_id.clone());
                record_revoked(journal, account, credential_id, order)?;
            }
        }
        // Nobody was ever asked for at the IdP, and there is nothing there.
        Registration::Api if person.user_id.is_none() => {}
        Registration::Api => {
            let at = Removal { journal, directory, retry_policy, cancel, job: id, person: &person, order };
            at.remove_all(&mut revocation)?;
        }
    }
    if revocation.pending.is_empty() && journal.state(id).step().is_some() {
        journal.record(&order.given_up(id))?;
    }
    revocation.given_up = was_open && journal.state(id) == JobState::GivenUp;
    revocation.keys_left = keys_left(journal, account);
    Ok(revocation)
}

impl RevokeOrder<'_> {
    /// That a job will not be finished.
    pub(super) fn given_up(self, job: JobId) -> Event {
        Event::JobGivenUp { job, reason: self.reason.to_owned(), operator: Some(self.operator.clone()) }
    }
}

/// What one key's removal at an IdP works with.
struct Removal<'r, 'a> {
    journal: &'r Journal<'a>,
    directory: &'r dyn Directory,
    retry_policy: &'r RetryPolicy,
    cancel: &'r Cancel,
    job: JobId,
    person: &'r KnownPerson,
    order: RevokeOrder<'r>,
}

impl Removal<'_, '_> {
    /// Removes the key's credentials, and the registration that waits for one. An IdP that does not answer is told later.
    fn remove_all(&self, revocation: &mut Revocation) -> Result<(), RevokeError> {
        let (directory, account) = (self.directory, &self.person.account);
        let asked = same_person::find(directory, self.retry_policy, self.cancel, self.person)
            .and_then(|user| Ok((self.ask(|| directory.list(&user))?, user)));
        let (listed, user) = match asked {
            Ok(answer) => answer,
            Err(PersonError::Directory(error)) if error.is_away() => {
                request(self.journal, self.job, self.order)?;
                return self.put_off(error, revocation);
            }
            Err(error) => return Err(error.into()),
        };
        request(self.journal, self.job, self.order)?;
        for credential_id in credentials_to_remove(self.journal, self.job) {
            let names = directory_names(self.journal, self.job, &credential_id)?;
            match listed.iter().find(|one| one.is(&credential_id, names.iter().map(String::as_str))) {
                Some(registered) => match self.ask(|| directory.revoke(&user, registered)) {
                    Ok(()) => revocation.removed.push(credential_id.clone()),
                    Err(error) if error.is_away() => return self.put_off(error, revocation),
                    Err(error) => return Err(error.into()),
                },
                None => revocation.absent.push(credential_id.clone()),
            }
            record_revoked(self.journal, account, credential_id, self.order)?;
        }
        let pending = {
            let book = self.journal.book();
            let job = &book.jobs[&self.job];
            job.pending.clone().filter(|_| job.directory_waits)
        };
        if let Some(pending) = pending {
            self.ask(|| directory.abandon(&user, &pending))?;
            self.journal.record(&Event::CeremonyAbandoned { job: self.job, pending })?;
        }
        Ok(())
    }

    fn ask<T>(&self, request: impl FnMut() -> Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        self.retry_policy.ask(self.cancel, request)
    }

    /// What is still to be removed, and signs in until it is. Fails as the IdP did where there is nothing.
    fn put_off(&self, error: DirectoryError, revocation: &mut Revocation) -> Result<(), RevokeError> {
        revocation.pending.extend(credentials_to_remove(self.journal, self.job));
        if revocation.pending.is_empty() { Err(error.into()) } else { Ok(()) }
    }
}

/// Writes down what is to be removed at the IdP, and that nothing more is made of it; once.
fn request(journal: &Journal<'_>, job: JobId, order: RevokeOrder<'_>) -> Result<(), LedgerError> {
    let to_go = credentials_to_remove(journal, job);
    let mut events = requests(&journal.book(), &to_go, order);
    if events.is_empty() {
        return Ok(());
    }
    if journal.state(job).step().is_some() {
        events.push(order.given_up(job));
    }
    journal.record_all(&events)
}

/// That these are to be removed at the IdP, as far as the register does not have it.
pub(super) fn requests(register: &Register, credential_ids: &[CredentialId], order: RevokeOrder<'_>) -> Vec<Event> {
    let unknown = credential_ids.iter().filter_map(|id| {
        let credential = register.credentials.get(id).filter(|one| one.to_be_revoked.is_none())?;
        let (account, credential_id) = (credential.account.clone(), id.clone());
        let (reason, operator) = (order.reason.to_owned(), Some(order.operator.clone()));
        Some(Event::RevocationRequested { account, credential_id, reason, operator })
    });
    unknown.collect()
}

/// The same for one key of an account, by its number.
pub fn revocation_requests(
    register: &Register,
    account: &AccountId,
    ordinal: usize,
    order: RevokeOrder<'_>,
) -> Vec<Event> {
    let job = register.job_of_key(account, ordinal).and_then(|id| register.jobs.get(&id));
    let of_job = job.into_iter().flat_map(|job| register.credentials_of_job(job));
    let to_go: Vec<_> = of_job.filter(|(_, one)| one.state.may_be_registered()).map(|(id, _)| id.clone()).collect();
    requests(register, &to_go, order)
}

fn keys_left(journal: &Journal<'_>, account: &AccountId) -> usize {
    journal.book().standing(account, OffsetDateTime::now_utc()).map_or(0, |standing| standing.in_service())
}

fn record_revoked(
    journal: &Journal<'_>,
    account: &AccountId,
    credential_id: CredentialId,
    order: RevokeOrder<'_>,
) -> Result<(), LedgerError> {
    let (account, reason, operator) = (account.clone(), order.reason.to_owned(), Some(order.operator.clone()));
    journal.record(&Event::CredentialRevoked { account, credential_id, reason, operator })
}

/// What the IdP calls a credential: its name once it is registered, and what it was registered under until the ledger
/// knows that.
fn directory_names(
    journal: &Journal<'_>,
    job: JobId,
    credential_id: &CredentialId,
) -> Result<Vec<String>, LedgerError> {
    let known = |register: &Register| register.credentials.get(credential_id)?.directory_id.clone();
    let registered = known(&journal.book());
    let pending = journal.ceremony(job)?.and_then(|ceremony| ceremony.pending);
    Ok(registered.into_iter().chain(pending).collect())
}

fn credentials_to_remove(journal: &Journal<'_>, job: JobId) -> Vec<CredentialId> {
    let book = journal.book();
    let of_job = book.credentials_of_job(&book.jobs[&job]);
    let live = of_job.filter(|(_, credential)| credential.state.may_be_registered());
    live.map(|(id, _)| id.clone()).collect()
}
