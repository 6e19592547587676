//! The working copy of a job's PIN: sealed for its owner, and opened for nobody else.

use super::journal::Journal;
use super::station::Station;
use crate::ledger::{JobId, LedgerError, Outcome, Step};
use crate::register::Register;
use crate::secret::{PinOwner, SealedPin, SecretError, Vault};
use keywright_fido::ctap::Pin;

/// A sealed PIN that the ledger knows of.
pub(super) struct WorkingCopy {
    sealed: SealedPin,
    /// What it is held against; `None` in ledgers from before PINs were bound to their keys.
    seal: Option<(PinOwner, String)>,
}

/// The station that sealed the PIN which the job's key has, if that was another one: only there it can be opened and handed over.
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

    /// The PIN; `None` if the copy is gone.
    pub(super) fn open(&self, vault: &Vault) -> Result<Option<Pin>, SecretError> {
        match &self.seal {
            Some((owner, sha256)) => vault.unseal(&self.sealed, owner, sha256),
            None => vault.unseal_unbound(&self.sealed),
        }
    }
}
