//! PIN letters between the printer and somebody's word that they came out.
//!
//! A letter that went to the printer may lie crumpled in it. Its sealed copy stays until a person says that it came out; it refuses to
//! take anything else for that word: neither time, nor another run, nor the printing program's exit status.

use super::job_error::JobError;
use super::journal::Journal;
use super::working_copy::WorkingCopy;
use crate::idp::Registration;
use crate::ledger::{AccountId, Actor, Checkpoint, Event, FailureCode, JobId, LedgerError, Outcome, Step, Store};
use crate::profile::HandOver;
use crate::register::{Job, JobState, Register};
use crate::secret::{Delivery, SecretError, Vault};
use keywright_fido::ctap::Pin;

/// Why a letter did not get further.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The sealed copy, or the printing program.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The job's failure until somebody has said that its letter came out.
pub(super) fn unconfirmed() -> JobError {
    JobError::new(
        FailureCode::PinUnconfirmed,
        "the letter with the PIN went to the printer, and nobody has said that it came out",
    )
}

/// Letters of an account that nobody has said of that they came out: the job, and which of the account's keys it makes.
pub fn waiting_letters(register: &Register, account: &AccountId) -> Vec<(JobId, usize)> {
    let jobs = register.accounts.get(account).map(|account| account.jobs.as_slice()).unwrap_or_default();
    let waiting = jobs.iter().filter(|id| is_waiting(&register.jobs[id]));
    waiting.map(|id| (*id, register.jobs[id].ordinal)).collect()
}

fn is_waiting(job: &Job) -> bool {
    let at_hand_over = matches!(job.state, JobState::Failed(Step::HandOver, _) | JobState::Open(Step::HandOver));
    job.pin_unconfirmed && at_hand_over
}

/// The letter of a job again, out of its sealed copy; `None` if there is no copy any more.
pub fn letter_again(
    register: &Register,
    vault: &Vault,
    registration: Registration<'_>,
    store: &dyn Store,
    id: JobId,
) -> Result<Option<(Delivery, Pin)>, LetterError> {
    let journal = Journal::open(store)?;
    let Some(copy) = WorkingCopy::of_job(&journal, id)? else { return Ok(None) };
    copy.take_in(vault)?;
    let Some(pin) = copy.open(vault)? else { return Ok(None) };
    let (job, account) = (&register.jobs[&id], &register.accounts[&register.jobs[&id].account]);
    let label = job.credential_id().and_then(|id| register.credentials.get(id)).and_then(|one| one.label());
    let delivery = Delivery {
        account: account.login.clone(),
        person: account.person.display_name().to_owned(),
        ordinal: job.ordinal,
        label: label.unwrap_or_default().to_owned(),
        force_change: account.profile.pin.force_change,
        register_first: registration.by_hand().map(|by_hand| by_hand.steps.clone()).unwrap_or_default(),
        checkpoint: Some(Checkpoint::new(&register.id, &register.tree).to_string()),
    };
    Ok(Some((delivery, pin)))
}

/// Somebody said that these letters came out: the ledger hears of each, and then its sealed copy is destroyed.
pub fn letters_arrived(
    store: &dyn Store,
    vault: &Vault,
    letters: &[JobId],
    operator: &Actor,
) -> Result<(), LetterError> {
    let journal = Journal::open(store)?;
    letters.iter().try_for_each(|id| arrived(&journal, vault, *id, operator))
}

/// The same within a run.
pub(super) fn arrived(journal: &Journal<'_>, vault: &Vault, id: JobId, operator: &Actor) -> Result<(), LetterError> {
    if journal.state(id) != JobState::Open(Step::HandOver) {
        journal.record(&Event::StepStarted { job: id, step: Step::HandOver })?;
    }
    let (how, readers) = (HandOver::Letter, Vec::new());
    journal.record(&Event::PinDelivered {
        job: id,
        how,
        readers: readers.clone(),
        operator: Some(operator.clone()),
    })?;
    let account = journal.book().jobs[&id].account.clone();
    if let Some(Outcome::SealPin { sealed, .. }) = journal.outcome(id, Step::SealPin)? {
        vault.destroy(&sealed)?;
    }
    journal.record(&Event::StepDone { job: id, outcome: Outcome::HandOver { how, readers } })?;
    journal.complete_account(&account)?;
    Ok(())
}
