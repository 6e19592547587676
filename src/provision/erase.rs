//! A key is reset, or a credential deleted from it, outside a job: written down before it is done, looked at afterwards, and written
//! down again.
//!
//! A crash in between leaves an erasure that was begun. Until the key is seen, nobody counts its credentials. It refuses to reset
//! another key than the one that was looked at, and to believe a key that still answers for what was erased.

use std::collections::BTreeMap;
use std::time::Duration;

use super::credential_on_key;
use super::journal::Journal;
use super::open_key::{fingerprint, identity};
use super::recognise::looks_like;
use super::which_key;
use crate::ledger::{Actor, Erasure, ErasureSeen, Event, KeyIdentity, LedgerError, SilentAnswer, Store};
use crate::register::Register;
use crate::secret::Entropy;
use keywright_fido::ctap::{Authenticator, CtapError, GetInfo, Keepalive, PinUvAuthToken, TransportError};
use keywright_fido::hid::{Bus, Cancel, Device, Limits};
use keywright_fido::webauthn::{CeremonyType, Challenge, ClientDataJson, CredentialId, Origin, RpId, WebauthnError};

/// Why a key was not erased, or is not known to be.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Between this machine and the key.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The key's answer.
    #[error(transparent)]
    Ctap(#[from] CtapError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Another key was plugged in.
    #[error("the key that was plugged in is not the one that was pulled out: {0}; nothing was reset")]
    AnotherKey(String),
    /// It does not do what it says.
    #[error("the key says that it was reset but still has a PIN")]
    StillHasPin,
    /// It does not do what it says.
    #[error("the key says that it was erased but still has credential {0}")]
    StillThere(CredentialId),
}

impl From<WebauthnError> for EraseError {
    fn from(error: WebauthnError) -> Self {
        Self::Ctap(error.into())
    }
}

/// What erasing works with.
pub struct Eraser<'a> {
    /// Where keys are.
    pub bus: &'a dyn Bus,
    /// The ledger. It is written only where it knows something that is on the key.
    pub store: &'a dyn Store,
    /// How long exchanges with keys may take.
    pub limits: Limits,
    /// How long a person has to replug the key.
    pub patience: Duration,
    /// Ends every wait.
    pub cancel: Cancel,
    /// Where challenges come from.
    pub entropy: &'a dyn Entropy,
    /// Who does it, for the ledger.
    pub operator_name: Actor,
    /// Asks for the key to be pulled out and plugged in again.
    pub ask_to_replug: &'a dyn Fn(&Device),
    /// Asks for a touch.
    pub ask_to_touch: &'a dyn Fn(&Device),
}

impl Eraser<'_> {
    /// Erases everything on the key. `ids` are the credentials of the ledger that go with it; `then` is written with their end.
    /// Returns where the key is now, and the key.
    pub fn reset(
        &self,
        device: &Device,
        mut key: Authenticator,
        ids: &[CredentialId],
        then: Vec<Event>,
    ) -> Result<(Device, Authenticator), EraseError> {
        let journal = Journal::open(self.store)?;
        let before = key.info().clone();
        let answers = self.answers(&mut key, &journal, ids)?;
        self.begin(&journal, ids, Erasure::Reset)?;
        // Our handle has to be gone, or the system does not see the key go.
        drop(key);
        let (again, mut key) = match self.replugged(device, &before) {
            Ok(replugged) => replugged,
            Err(error) => {
                // The key heard nothing of it.
                self.not_erased(&journal, ids.to_vec())?;
                return Err(error);
            }
        };
        let mut asked = false;
        let reset = key.reset(&mut |keepalive| {
            if keepalive == Keepalive::UpNeeded && !asked {
                asked = true;
                (self.ask_to_touch)(&again);
            }
        });
        if let Err(error) = reset {
            return Err(self.failed(&journal, &mut key, ids, error));
        }
        if key.refresh_info()?.has_pin() {
            return Err(EraseError::StillHasPin);
        }
        self.end(&journal, &mut key, ids, Erasure::Reset, answers, then)?;
        Ok((again, key))
    }

    /// Deletes one credential; `token` needs cm. It is written down if the ledger knows it.
    pub fn delete(&self, key: &mut Authenticator, token: &PinUvAuthToken, id: &CredentialId) -> Result<(), EraseError> {
        let journal = Journal::open(self.store)?;
        let ids: Vec<_> =
            Some(id).filter(|id| journal.book().credentials.contains_key(id)).cloned().into_iter().collect();
        let answers = self.answers(key, &journal, &ids)?;
        self.begin(&journal, &ids, Erasure::CredentialDeleted)?;
        if let Err(error) = key.delete_credential(token, id) {
            return Err(self.failed(&journal, key, &ids, error));
        }
        self.end(&journal, key, &ids, Erasure::CredentialDeleted, answers, Vec::new())
    }

    fn begin(&self, journal: &Journal<'_>, ids: &[CredentialId], how: Erasure) -> Result<(), LedgerError> {
        if ids.is_empty() {
            return Ok(());
        }
        let (credential_ids, operator) = (ids.to_vec(), self.operator_name.clone());
        journal.record(&Event::KeyErasureStarted { credential_ids, how, operator })
    }

    /// The key has to be silent now.
    fn end(
        &self,
        journal: &Journal<'_>,
        key: &mut Authenticator,
        ids: &[CredentialId],
        how: Erasure,
        before: Vec<SilentAnswer>,
        then: Vec<Event>,
    ) -> Result<(), EraseError> {
        let left = self.answers(key, journal, ids)?;
        if let Some(one) = left.first() {
            let still_there = one.credential_id.clone();
            self.not_erased(journal, left.into_iter().map(|one| one.credential_id).collect())?;
            return Err(EraseError::StillThere(still_there));
        }
        let seen = ErasureSeen { before, silent: ids.to_vec() };
        let (credential_ids, operator) = (ids.to_vec(), self.operator_name.clone());
        let erased = Event::KeyErased { credential_ids, how, operator, seen: Some(Box::new(seen)) };
        let events: Vec<Event> = (!ids.is_empty()).then_some(erased).into_iter().chain(then).collect();
        if !events.is_empty() {
            journal.record_all(&events)?;
        }
        Ok(())
    }

    /// The key was asked, and did not do it, or not that anybody knows: what it still answers for was not erased.
    fn failed(
        &self,
        journal: &Journal<'_>,
        key: &mut Authenticator,
        ids: &[CredentialId],
        error: CtapError,
    ) -> EraseError {
        let there = self.answers(key, journal, ids).unwrap_or_default();
        let there = there.into_iter().map(|one| one.credential_id).collect();
        self.not_erased(journal, there).map_or_else(EraseError::Ledger, |()| error.into())
    }

    fn not_erased(&self, journal: &Journal<'_>, credential_ids: Vec<CredentialId>) -> Result<(), LedgerError> {
        if credential_ids.is_empty() {
            return Ok(());
        }
        journal.record(&Event::KeyNotErased { credential_ids, operator: self.operator_name.clone() })
    }

    /// The same key, pulled out and plugged in again.
    fn replugged(&self, device: &Device, before: &GetInfo) -> Result<(Device, Authenticator), EraseError> {
        if !self.bus.cuts_power(device) {
            (self.ask_to_replug)(device);
        }
        let again = self.bus.replug(device, self.patience, &self.cancel)?;
        let key = Authenticator::open(self.bus.open(&again, self.limits, self.cancel.clone())?)?;
        let after = key.info();
        if after.aaguid != before.aaguid {
            return Err(EraseError::AnotherKey(format!("its model is {}, not {}", after.aaguid, before.aaguid)));
        }
        if fingerprint(after) != fingerprint(before) || again.serial != device.serial {
            return Err(EraseError::AnotherKey("it is of the same model and answers differently".into()));
        }
        Ok((again, key))
    }

    /// Which of these the key answers for without PIN and touch, each with a signature over a challenge of ours.
    fn answers(
        &self,
        key: &mut Authenticator,
        journal: &Journal<'_>,
        ids: &[CredentialId],
    ) -> Result<Vec<SilentAnswer>, EraseError> {
        let mut by_rp: BTreeMap<RpId, Vec<CredentialId>> = BTreeMap::new();
        for id in ids {
            if let Some(credential) = journal.book().credentials.get(id) {
                by_rp.entry(credential.rp_id.clone()).or_default().push(id.clone());
            }
        }
        let mut answers = Vec::new();
        for (rp_id, ids) in by_rp {
            let mut challenge = [0; 32];
            self.entropy.fill(&mut challenge);
            let origin: Origin = format!("https://{rp_id}").parse()?;
            let client_data = ClientDataJson::new(CeremonyType::Get, &Challenge::new(challenge)?, &origin);
            // A key that shows nothing without its PIN answers for nothing.
            let signed = credential_on_key::signed(key, &rp_id, &ids, &client_data)?.into_iter();
            answers.extend(signed.map(|(credential_id, signature)| SilentAnswer { credential_id, signature }));
        }
        Ok(answers)
    }
}

/// The credentials that were on a key which has no PIN now, as far as one can tell: on the one key that looks like it and whose reset
/// was begun and did not end, or on the key with its USB serial number. Whether it is that key, only a person can say. One that shows
/// that it is another key of the register is not.
pub fn was_on_empty_key(
    register: &Register,
    device: &Device,
    key: &mut Authenticator,
) -> Result<Vec<CredentialId>, CtapError> {
    if key.info().has_pin() || which_key::marked(register, device, key)?.is_some() {
        return Ok(Vec::new());
    }
    let this: KeyIdentity = identity(device, key.info());
    let mut begun: BTreeMap<&str, Vec<CredentialId>> = BTreeMap::new();
    for (id, credential) in &register.credentials {
        if let Some(erasing) = credential.erasing.as_ref().filter(|erasing| erasing.how == Erasure::Reset)
            && looks_like(&credential.key, &this)
        {
            begun.entry(&erasing.since).or_default().push(id.clone());
        }
    }
    if begun.len() == 1 {
        return Ok(begun.into_values().flatten().collect());
    }
    let by_serial = register.keys.by_usb_serial(&this).and_then(|number| register.current_of(number));
    Ok(by_serial.filter(|(_, one)| one.state.lives()).map(|(id, _)| id.clone()).into_iter().collect())
}
