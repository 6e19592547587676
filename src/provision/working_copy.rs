//! The working copy of a job's PIN: sealed for its owner, and opened for nobody else.

use super::journal::Journal;
use super::letters::LetterError;
use super::station::Station;
use crate::ledger::{JobId, LedgerError, Outcome, Step, Store};
use crate::register::{JobState, Register};
use crate::secret::{PinOwner, SealedPin, SecretError, Vault};
use keywright_fido::ctap::Pin;

/// A sealed PIN that the ledger knows of.
pub(super) struct WorkingCopy {
    sealed: SealedPin,
    /// What it is held against; `None` in ledgers from before PINs were bound to their keys.
    seal: Option<(PinOwner, String)>,
}

/// The other station where a job goes on whose key has a PIN that was sealed there. Nowhere else but for a hand-over, which needs no
/// key: that goes on wherever the copy opens.
pub(super) fn goes_on_elsewhere(
    station: &Station<'_>,
    journal: &Journal<'_>,
    id: JobId,
) -> Result<Option<String>, LedgerError> {
    let Some(theirs) = sealed_elsewhere(station, journal, id)? else { return Ok(None) };
    // Nobody here saw what came out of the other station's printer.
    let is_printed = journal.book().jobs[&id].pin_unconfirmed;
    if journal.state(id).step() != Some(Step::HandOver) || is_printed {
        return Ok(Some(theirs));
    }
    let opened = WorkingCopy::of_job(journal, id)?.map_or(Ok(None), |copy| copy.open(station.vault));
    Ok(match opened {
        // Another file in its place is told where it is handed over; so is a server that does not answer.
        Ok(Some(_)) | Err(SecretError::AnotherPin { .. } | SecretError::Shared(_)) => None,
        Ok(None) | Err(_) => Some(theirs),
    })
}

/// The station that sealed the PIN which the job's key has, if that was another one.
pub(super) fn sealed_elsewhere(
    station: &Station<'_>,
    journal: &Journal<'_>,
    id: JobId,
) -> Result<Option<String>, LedgerError> {
    if !journal.has_key(id) {
        return Ok(None);
    }
    let ours = station.operator_name.seen.as_ref().and_then(|seen| seen.station.as_ref());
    Ok(match journal.outcome(id, Step::SealPin)? {
        // What is in the vault can be opened here, whoever this station was when it sealed it.
        Some(Outcome::SealPin { station: Some(theirs), sealed, .. })
            if Some(&theirs) != ours && station.vault.list().is_ok_and(|here| !here.contains(&sealed)) =>
        {
            Some(theirs)
        }
        _ => None,
    })
}

/// Whose the PIN is that is the `attempt`th of a job.
pub(super) fn owner(book: &Register, id: JobId, attempt: usize) -> PinOwner {
    let job = &book.jobs[&id];
    let key = job.key().map(|key| format!("{} {}", key.fingerprint, key.usb_serial.as_deref().unwrap_or_default()));
    PinOwner {
        ledger: book.id.clone(),
        job: id.0,
        attempt,
        account: job.account.to_string(),
        key: key.unwrap_or_default(),
    }
}

/// Destroys the copies in this vault whose PINs have been handed over, as another station does it.
pub fn destroy_handed_over(store: &dyn Store, vault: &Vault) -> Result<(), LetterError> {
    let here = vault.list()?;
    if here.is_empty() {
        return Ok(());
    }
    let journal = Journal::open(store)?;
    let done: Vec<JobId> = {
        let register = journal.book();
        let handed_over =
            register.jobs.iter().filter(|(_, job)| job.state == JobState::Done && job.pin_delivered.is_some());
        handed_over.map(|(id, _)| *id).collect()
    };
    for id in done {
        if let Some(Outcome::SealPin { sealed, sha256: Some(sha256), .. }) = journal.outcome(id, Step::SealPin)?
            && here.contains(&sealed)
            && vault.has(&sealed, &sha256)?
        {
            vault.destroy(&sealed)?;
        }
    }
    Ok(())
}

impl WorkingCopy {
    /// The newest of a job, if a PIN was sealed for it.
    pub(super) fn of_job(journal: &Journal<'_>, id: JobId) -> Result<Option<Self>, LedgerError> {
        let Some(Outcome::SealPin { sealed, sha256, .. }) = journal.outcome(id, Step::SealPin)? else {
            return Ok(None);
        };
        let register = journal.book();
        let seal = sha256.map(|sha256| (owner(&register, id, register.jobs[&id].pins_sealed), sha256));
        Ok(Some(Self { sealed, seal }))
    }

    /// Has the copy in this vault too, before the PIN leaves from here: a letter that nobody has seen yet is printed again from it.
    pub(super) fn take_in(&self, vault: &Vault) -> Result<(), SecretError> {
        self.seal.as_ref().map_or(Ok(()), |(_, sha256)| vault.take_in(&self.sealed, sha256))
    }

    /// The PIN; `None` if the copy is gone.
    pub(super) fn open(&self, vault: &Vault) -> Result<Option<Pin>, SecretError> {
        match &self.seal {
            Some((owner, sha256)) => vault.unseal(&self.sealed, owner, sha256),
            None => vault.unseal_unbound(&self.sealed),
        }
    }
}
