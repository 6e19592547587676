//! What a step acts on: one person, one key, and everything a run works with.
//!
//! It opens no key, decides no order and takes no turn: that is the job's.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::job_error::JobError;
use super::journal::Journal;
use super::open_key::OpenKey;
use super::operator::JobLabel;
use super::pin_attempts;
use super::plan::Planned;
use super::station::Station;
use super::working_copy::WorkingCopy;
use crate::idp::{Registration, User};
use crate::ledger::{Event, FailureCode, JobId, Outcome, Step};
use crate::secret::SealedPin;
use keywright_fido::ctap::{Authenticator, CtapError, Keepalive, Permissions, Pin, PinUvAuthToken, Touch};
use keywright_fido::webauthn::{AttestationObject, Ceremony, ClientDataJson, RegistrationResponse, RpId};

/// A job with its key in hand.
pub(super) struct JobContext<'a> {
    pub(super) station: &'a Station<'a>,
    pub(super) journal: &'a Journal<'a>,
    pub(super) id: JobId,
    pub(super) label: JobLabel,
    pub(super) planned: &'a Planned,
    pub(super) user: &'a User,
    /// How the key gets registered.
    pub(super) registration: Registration<'a>,
    /// `None` only for a job that has nothing left to do on its key.
    key: Option<OpenKey>,
    /// The PIN, opened from its working copy once, and the how manieth of the job it is; wiped with the job.
    opened: RefCell<Option<(usize, Rc<Pin>)>>,
    /// Whether this key was seen to take the sealed PIN.
    pin_is_known: bool,
    /// The credential that was made or read last, so that its attestation object is read once.
    made: Option<Arc<RegistrationResponse>>,
}

impl<'a> JobContext<'a> {
    /// A job of a planned person.
    pub(super) fn new(
        station: &'a Station<'a>,
        journal: &'a Journal<'a>,
        planned: &'a Planned,
        user: &'a User,
        id: JobId,
        key: Option<OpenKey>,
    ) -> Self {
        let ordinal = journal.book().jobs[&id].ordinal;
        let port = key.as_ref().map(|key| key.device.port.clone()).unwrap_or_default();
        let label = JobLabel::new(planned, id, ordinal, port);
        let registration = station.directory.registration();
        let opened = RefCell::default();
        Self { station, journal, id, label, planned, user, registration, key, opened, pin_is_known: false, made: None }
    }

    /// Writes an event.
    pub(super) fn record(&self, event: Event) -> Result<(), JobError> {
        self.journal.record(&event).map_err(JobError::Ledger)
    }

    /// The key.
    pub(super) fn key(&mut self) -> Result<&mut OpenKey, JobError> {
        self.key.as_mut().ok_or_else(|| JobError::new(FailureCode::KeyRemoved, "the key of this job is not plugged in"))
    }

    /// The key, to be closed or replaced.
    pub(super) fn take_key(&mut self) -> Result<OpenKey, JobError> {
        self.pin_is_known = false;
        self.key.take().ok_or_else(|| JobError::new(FailureCode::KeyRemoved, "the key of this job is not plugged in"))
    }

    /// The key is back.
    pub(super) fn put_key(&mut self, key: OpenKey) {
        self.key = Some(key);
    }

    /// How the key is plugged in now: port and attach count.
    pub(super) fn insertion(&self) -> Option<(String, u64)> {
        self.key.as_ref().map(|key| (key.device.port.clone(), key.device.attach))
    }

    /// The key's channel.
    pub(super) fn authenticator(&mut self) -> Result<&mut Authenticator, JobError> {
        Ok(&mut self.key()?.authenticator)
    }

    /// An exchange that may ask for a touch: the operator sees the request exactly as long as the key makes it.
    pub(super) fn touching<T>(
        &mut self,
        exchange: impl FnOnce(&mut Authenticator, Touch<'_>) -> Result<T, CtapError>,
    ) -> Result<T, JobError> {
        let (operator, label) = (self.station.operator, self.label.clone());
        let mut shown = false;
        let result = exchange(self.authenticator()?, &mut |keepalive| {
            if keepalive == Keepalive::UpNeeded && !shown {
                shown = true;
                operator.touch(&label, true);
            }
        });
        if shown {
            operator.touch(&label, false);
        }
        Ok(result?)
    }

    /// What a step ended with, if it is done.
    pub(super) fn outcome(&self, step: Step) -> Result<Option<Outcome>, JobError> {
        self.journal.outcome(self.id, step).map_err(JobError::Ledger)
    }

    /// The working copy's name.
    pub(super) fn sealed_pin(&self) -> Result<Option<SealedPin>, JobError> {
        Ok(match self.outcome(Step::SealPin)? {
            Some(Outcome::SealPin { sealed, .. }) => Some(sealed),
            _ => None,
        })
    }

    /// The PIN of a key that has it. Its working copy is opened once for the job.
    pub(super) fn pin(&self) -> Result<Rc<Pin>, JobError> {
        if let Some((which, pin)) = &*self.opened.borrow()
            && *which == self.pins_sealed()
        {
            return Ok(Rc::clone(pin));
        }
        self.sealed_copy()?.ok_or_else(|| {
            JobError::new(
                FailureCode::PinLost,
                "PIN lost: its sealed copy is gone, and nothing says that it was handed over; replace this key",
            )
        })
    }

    /// How many PINs were sealed for the job: which of them counts.
    fn pins_sealed(&self) -> usize {
        self.journal.book().jobs[&self.id].pins_sealed
    }

    /// The PIN out of its working copy, as the disk has it now; `None` if there is none.
    pub(super) fn sealed_copy(&self) -> Result<Option<Rc<Pin>>, JobError> {
        let copy = WorkingCopy::of_job(self.journal, self.id).map_err(JobError::Ledger)?;
        let pin = copy.map_or(Ok(None), |copy| copy.open(self.station.vault))?.map(Rc::new);
        *self.opened.borrow_mut() = pin.clone().map(|pin| (self.pins_sealed(), pin));
        Ok(pin)
    }

    /// A token for one command. The first time in this run the PIN might be wrong, so the key must have attempts to spare.
    pub(super) fn token(&mut self, permissions: Permissions, rp_id: Option<&RpId>) -> Result<PinUvAuthToken, JobError> {
        let pin = self.pin()?;
        let known = self.pin_is_known;
        let authenticator = self.authenticator()?;
        if !known {
            pin_attempts::may_be_spent(authenticator)?;
        }
        let token = pin_attempts::token(authenticator, &pin, permissions, rp_id)?;
        self.pin_is_known = true;
        Ok(token)
    }

    /// The PIN, for somebody else to give to the key: seen to be right, so that a wrong one is tried once, and by us.
    pub(super) fn pin_seen_to_work(&mut self, rp_id: &RpId) -> Result<Rc<Pin>, JobError> {
        if !self.pin_is_known {
            self.token(Permissions::GET_ASSERTION, Some(rp_id))?;
        }
        self.pin()
    }

    /// The key was given the sealed PIN just now.
    pub(super) fn pin_was_set(&mut self) {
        self.pin_is_known = true;
    }

    /// The registration that the IdP began.
    pub(super) fn ceremony(&self) -> Result<Ceremony, JobError> {
        let ceremony = self.journal.ceremony(self.id).map_err(JobError::Ledger)?;
        ceremony.ok_or_else(|| JobError::new(FailureCode::Ledger, "the ledger has no registration for this job"))
    }

    /// Refuses to go on with a registration that the IdP no longer takes.
    pub(super) fn in_time(&self, ceremony: &Ceremony) -> Result<(), JobError> {
        if self.now() < ceremony.deadline {
            return Ok(());
        }
        Err(JobError::new(FailureCode::ChallengeExpired, "the time for this registration ran out"))
    }

    /// The credential that the job made, as the ledger has it.
    pub(super) fn registration_response(&mut self) -> Result<Arc<RegistrationResponse>, JobError> {
        let unreadable = || JobError::new(FailureCode::Ledger, "the ledger has no readable credential for this job");
        let made = self.journal.book().jobs[&self.id].credential_id().cloned().ok_or_else(unreadable)?;
        if let Some(kept) = self.made.as_ref().filter(|kept| kept.credential_id == made) {
            return Ok(Arc::clone(kept));
        }
        let evidence = self.journal.evidence(&made).map_err(JobError::Ledger)?.ok_or_else(unreadable)?;
        Ok(self.keep_registration(RegistrationResponse {
            credential_id: made,
            client_data_json: ClientDataJson::from_bytes(evidence.client_data_json),
            attestation_object: AttestationObject::parse(&evidence.attestation_object).map_err(|_| unreadable())?,
            transports: evidence.transports,
        }))
    }

    /// Keeps a credential that was just made or read.
    pub(super) fn keep_registration(&mut self, made: RegistrationResponse) -> Arc<RegistrationResponse> {
        Arc::clone(self.made.insert(Arc::new(made)))
    }

    /// Whether the IdP was asked to begin a registration and, as far as the ledger knows, still waits for it.
    pub(super) fn directory_waits(&self) -> bool {
        self.journal.book().jobs[&self.id].directory_waits
    }

    /// The time.
    pub(super) fn now(&self) -> time::OffsetDateTime {
        (self.station.now)()
    }
}
