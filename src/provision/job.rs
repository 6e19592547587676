//! One person, one key: the loop over the steps, each in the ledger before and after it is done.
//!
//! A step that was open when the process died, or that failed, is looked at before it is done again: on the key and at the
//! directory. So each step has two sides, `look` and `do`, side by side in one file of [`steps`].

use std::collections::BTreeSet;

use super::journal::Journal;
use super::key::OpenKey;
use super::resource_locks::{Resource, ResourceGuard, ResourceLocks};
use super::{Identification, JobError, JobLabel, Planned, Station, steps};
use crate::idp::User;
use crate::ledger::{Event, Failure, FailureCode, JobId, Outcome, Step};
use crate::register::JobState;
use crate::secret::SealedPin;
use keywright_fido::ctap::{Authenticator, CtapError, Permissions, Pin, PinUvAuthToken, Touch};
use keywright_fido::hid::{Device, HidError, Keepalive};
use keywright_fido::webauthn::{Ceremony, RpId};

/// How often a job may begin its registration anew in one run, because the time for it ran out.
const NEW_BEGINNINGS: u32 = 2;

/// Attempts that a key must have left before a PIN is tried that might be wrong.
pub(super) const ATTEMPTS_KEPT: u32 = 3;

/// What a look at a step showed.
pub enum Recovery {
    /// It has to be done.
    NotDone,
    /// It was done already.
    Done(Box<Outcome>),
    /// Nothing is left of what it rests on: go back to this step, for this reason.
    RollBackTo(Step, &'static str),
}

/// A job with its key in hand.
pub struct Job<'a> {
    pub(super) station: &'a Station<'a>,
    pub(super) journal: &'a Journal<'a>,
    pub(super) id: JobId,
    pub(super) who: JobLabel,
    pub(super) planned: &'a Planned,
    pub(super) user: &'a User,
    locks: &'a ResourceLocks,
    turn: Option<ResourceGuard<'a>>,
    /// `None` only for a job that has nothing left to do on its key.
    key: Option<OpenKey>,
    /// Whether this key was seen to take the sealed PIN.
    pin_is_known: bool,
}

impl<'a> Job<'a> {
    /// A job of a planned person.
    pub fn new(
        station: &'a Station<'a>,
        journal: &'a Journal<'a>,
        locks: &'a ResourceLocks,
        planned: &'a Planned,
        user: &'a User,
        id: JobId,
        key: Option<OpenKey>,
    ) -> Self {
        let ordinal = journal.book().jobs[&id].ordinal;
        let port = key.as_ref().map(|key| key.device.port.clone()).unwrap_or_default();
        let who = JobLabel::new(planned, id, ordinal, port);
        Self { station, journal, id, who, planned, user, locks, turn: None, key, pin_is_known: false }
    }

    /// Goes on from wherever the ledger says the job stands, to its end or to the first trouble.
    pub fn run(&mut self) -> Result<(), JobError> {
        if !self.journal.has_key(self.id) && self.journal.state(self.id).step() > Some(Step::Inspect) {
            // An earlier key got nothing of ours, so this one need not be the same.
            steps::undo::start_over(self, "no key has its PIN yet")?;
        }
        let mut beginnings = 0;
        loop {
            let (step, begun_before) = match self.journal.state(self.id) {
                JobState::Done | JobState::GivenUp => return Ok(()),
                JobState::Ready(step) => (step, false),
                JobState::Open(step) | JobState::Failed(step, _) => (step, true),
            };
            if self.station.cancel.is_cancelled() {
                return Err(interrupted());
            }
            self.hold_turn_for(step)?;
            self.station.operator.step(&self.who, step);
            let failure = match self.once(step, begun_before) {
                Ok(()) => continue,
                Err(JobError::Job(failure)) => failure,
                Err(error) => return Err(error),
            };
            self.record(Event::StepFailed { job: self.id, step, failure: failure.clone() })?;
            steps::undo::after(self, step, &failure)?;
            beginnings += 1;
            if failure.code != FailureCode::ChallengeExpired || beginnings > NEW_BEGINNINGS {
                return Err(JobError::Job(failure));
            }
        }
    }

    /// One step: looked at first if it was begun before, then done, with the ledger told before and after.
    fn once(&mut self, step: Step, begun_before: bool) -> Result<(), JobError> {
        if self.journal.state(self.id) != JobState::Open(step) {
            self.record(Event::StepStarted { job: self.id, step })?;
        }
        let recovery = if begun_before { steps::recover(self, step)? } else { Recovery::NotDone };
        let outcome = match recovery {
            Recovery::NotDone => steps::execute(self, step)?,
            Recovery::Done(outcome) => *outcome,
            Recovery::RollBackTo(to, why) => return steps::undo::back(self, to, why),
        };
        debug_assert_eq!(outcome.step(), step);
        self.record(Event::StepDone { job: self.id, outcome })
    }

    /// Registrations of one account take turns, from begin to complete. Of keys that only a touch tells apart, one at a time is
    /// worked on, from before anything is done to it until its last touch.
    fn hold_turn_for(&mut self, step: Step) -> Result<(), JobError> {
        let turn = match self.station.apart {
            Identification::ByPort => Step::Begin..=Step::Complete,
            Identification::ByTouch => Step::Reset..=Step::SignIn,
        };
        if !turn.contains(&step) {
            self.turn = None;
        } else if self.turn.is_none() {
            let device = self.key()?.device.clone();
            let mut claims = BTreeSet::from([Resource::Account(self.planned.account.clone())]);
            if self.station.apart == Identification::ByTouch {
                claims.insert(Resource::Model(device.vendor_id, device.product_id));
            }
            let is_there = || self.station.bus.devices().map_or(true, |devices| devices.contains(&device));
            let turn = self.locks.take(self.id, claims, || !self.station.cancel.is_cancelled() && is_there());
            self.turn = Some(match turn {
                // A hub that is pulled takes both keys: the one whose turn it was, and the one that gets it for that.
                Some(turn) if is_there() => turn,
                None if self.station.cancel.is_cancelled() => return Err(interrupted()),
                _ => return Err(HidError::Removed.into()),
            });
            if self.station.apart == Identification::ByTouch {
                self.single_out(&device)?;
            }
        }
        Ok(())
    }

    /// Shows the person which of several keys that look the same is next, and whose it is.
    fn single_out(&mut self, device: &Device) -> Result<(), JobError> {
        let model = |device: &Device| (device.vendor_id, device.product_id);
        let alike = self.station.bus.devices()?.iter().filter(|other| model(other) == model(device)).count();
        if alike > 1 {
            self.station.operator.single_out(&self.who);
            self.authenticator()?.wink()?;
        }
        Ok(())
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
        let (operator, who) = (self.station.operator, self.who.clone());
        let mut shown = false;
        let result = exchange(self.authenticator()?, &mut |keepalive| {
            if keepalive == Keepalive::UpNeeded && !shown {
                shown = true;
                operator.touch(&who, true);
            }
        });
        if shown {
            operator.touch(&who, false);
        }
        Ok(result?)
    }

    /// The working copy's name.
    pub(super) fn sealed_pin(&self) -> Option<SealedPin> {
        match self.journal.outcome(self.id, Step::SealPin) {
            Some(Outcome::SealPin { sealed }) => Some(sealed),
            _ => None,
        }
    }

    /// The PIN out of its working copy.
    pub(super) fn pin(&self) -> Result<Pin, JobError> {
        let missing = |name: &str| {
            JobError::new(
                FailureCode::Secret,
                format!("the sealed PIN {name} is not in the vault, so the key cannot be used"),
            )
        };
        let sealed = self.sealed_pin().ok_or_else(|| missing("of this job"))?;
        self.station.vault.unseal(&sealed)?.ok_or_else(|| missing(&sealed.0))
    }

    /// A token for one command. The first time in this run the PIN might be wrong, so the key must have attempts to spare.
    pub(super) fn token(&mut self, permissions: Permissions, rp_id: Option<&RpId>) -> Result<PinUvAuthToken, JobError> {
        let pin = self.pin()?;
        let known = self.pin_is_known;
        let authenticator = self.authenticator()?;
        if !known {
            spare_attempts(authenticator)?;
        }
        let token = authenticator.pin_uv_auth_token(&pin, permissions, rp_id)?;
        self.pin_is_known = true;
        Ok(token)
    }

    /// The PIN, for somebody else to give to the key: seen to be right, so that a wrong one is tried once, and by us.
    pub(super) fn pin_seen_to_work(&mut self, rp_id: &RpId) -> Result<Pin, JobError> {
        if !self.pin_is_known {
            self.token(Permissions::GET_ASSERTION, Some(rp_id))?;
        }
        self.pin()
    }

    /// The key was given the sealed PIN just now.
    pub(super) fn pin_was_set(&mut self) {
        self.pin_is_known = true;
    }

    /// The registration that the directory began.
    pub(super) fn ceremony(&self) -> Result<Ceremony, JobError> {
        match self.journal.outcome(self.id, Step::Begin) {
            Some(Outcome::Begin { ceremony, .. }) => serde_json::from_value(ceremony).map_err(|error| {
                JobError::new(FailureCode::Ledger, format!("the ceremony in the ledger is unreadable: {error}"))
            }),
            _ => Err(JobError::new(FailureCode::Ledger, "the ledger has no ceremony for this job")),
        }
    }

    /// Whether the directory was asked to begin a registration and, as far as the ledger knows, still waits for it.
    pub(super) fn directory_waits(&self) -> bool {
        self.journal.book().jobs[&self.id].directory_waits
    }

    /// The time.
    pub(super) fn now(&self) -> time::OffsetDateTime {
        (self.station.now)()
    }
}

/// Refuses to try a PIN on a key that is close to blocking it.
pub(super) fn spare_attempts(authenticator: &mut Authenticator) -> Result<(), JobError> {
    let left = authenticator.pin_retries()?;
    if left.power_cycle_state == Some(true) {
        return Err(JobError::new(
            FailureCode::PinBlocked,
            "the key wants to be unplugged and plugged in before another PIN",
        ));
    }
    if left.retries <= ATTEMPTS_KEPT {
        return Err(JobError::new(
            FailureCode::PinBlocked,
            format!("the key has {} PIN attempts left; the last {ATTEMPTS_KEPT} are never used", left.retries),
        ));
    }
    Ok(())
}

/// Somebody ended the run.
pub(super) fn interrupted() -> JobError {
    JobError::Job(Failure { code: FailureCode::Interrupted, message: "the run was ended before this was done".into() })
}
