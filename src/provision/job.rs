//! Drives one job: one person, one key, step after step, each in the ledger before and after it is done.
//!
//! A step that was open when the process died, or that failed, is looked at before it is done again: on the key and at the IdP.
//! So each step has two sides, `recover` and `execute`, side by side in one file of [`steps`].

use std::collections::BTreeSet;

use super::job_context::JobContext;
use super::job_error::{JobError, interrupted};
use super::operator::{Identification, JobLabel};
use super::resource_locks::{Resource, ResourceGuard, ResourceLocks};
use super::steps::{self, Recovery};
use crate::ledger::{Event, FailureCode, Step};
use crate::register::JobState;
use keywright_fido::ctap::TransportError;
use keywright_fido::hid::Device;

/// How often a job may begin its registration again in one run, because the time for it ran out.
const RESTARTS: u32 = 2;

/// A job, and what it holds while other jobs wait for it.
pub(super) struct Job<'a> {
    context: JobContext<'a>,
    locks: &'a ResourceLocks,
    held: Option<ResourceGuard<'a>>,
}

impl<'a> Job<'a> {
    /// A job that has everything it needs.
    pub(super) fn new(context: JobContext<'a>, locks: &'a ResourceLocks) -> Self {
        Self { context, locks, held: None }
    }

    /// Whose job it is.
    pub(super) fn label(&self) -> &JobLabel {
        &self.context.label
    }

    /// How the key is plugged in now: port and attach count.
    pub(super) fn insertion(&self) -> Option<(String, u64)> {
        self.context.insertion()
    }

    /// Goes on from wherever the ledger says the job stands, to its end or to the first failure.
    pub(super) fn run(&mut self) -> Result<(), JobError> {
        let (journal, id) = (self.context.journal, self.context.id);
        if !journal.has_key(id) && journal.state(id).step() > Some(Step::Inspect) {
            // An earlier key got nothing of ours, so this one need not be the same.
            steps::undo::start_over(&mut self.context, "no key has its PIN yet")?;
        }
        let mut restarts = 0;
        loop {
            let (step, begun_before) = match journal.state(id) {
                JobState::Done | JobState::GivenUp => return Ok(()),
                JobState::Ready(step) => (step, false),
                JobState::Open(step) | JobState::Failed(step, _) => (step, true),
            };
            if self.context.station.cancel.is_cancelled() {
                return Err(interrupted());
            }
            self.lock_for(step)?;
            self.context.station.operator.step(&self.context.label, step);
            let failure = match self.run_step(step, begun_before) {
                Ok(()) => continue,
                Err(JobError::Job(failure)) => failure,
                Err(error) => return Err(error),
            };
            self.context.record(Event::StepFailed { job: id, step, failure: failure.clone() })?;
            steps::undo::after(&mut self.context, step, &failure)?;
            restarts += 1;
            if failure.code != FailureCode::ChallengeExpired || restarts > RESTARTS {
                return Err(JobError::Job(failure));
            }
        }
    }

    /// One step: recovered first if it was begun before, then executed, with the ledger told before and after.
    fn run_step(&mut self, step: Step, begun_before: bool) -> Result<(), JobError> {
        let context = &mut self.context;
        if context.journal.state(context.id) != JobState::Open(step) {
            context.record(Event::StepStarted { job: context.id, step })?;
        }
        let recovery = if begun_before { steps::recover(context, step)? } else { Recovery::NotDone };
        let outcome = match recovery {
            Recovery::NotDone => steps::execute(context, step)?,
            Recovery::Done(outcome) => *outcome,
            Recovery::RollBackTo(to, why) => return steps::undo::back(context, to, why),
        };
        debug_assert_eq!(outcome.step(), step);
        context.record(Event::StepDone { job: context.id, outcome })
    }

    /// Registrations of one account go one after the other, from begin to complete. Of keys that only a touch tells apart, one at
    /// a time is worked on, from before anything is done to it until its last touch.
    fn lock_for(&mut self, step: Step) -> Result<(), JobError> {
        let context = &mut self.context;
        let station = context.station;
        let locked = match station.identification {
            Identification::ByPort => Step::Begin..=Step::Complete,
            Identification::ByTouch => Step::Reset..=Step::SignIn,
        };
        if !locked.contains(&step) {
            self.held = None;
        } else if self.held.is_none() {
            let device = context.key()?.device.clone();
            let mut resources = BTreeSet::from([Resource::Account(context.planned.account.clone())]);
            // A card lies in its reader, which says by its name which it is.
            let blinks = device.usb_id.filter(|_| station.identification == Identification::ByTouch);
            resources.extend(blinks.map(Resource::Model));
            let is_there = || station.bus.devices().map_or(true, |devices| devices.contains(&device));
            let is_worth_waiting = || !station.cancel.is_cancelled() && is_there();
            let waits_for = |other: &JobLabel| station.operator.waits(&context.label, other);
            let guard = self.locks.take(&context.label, resources, is_worth_waiting, waits_for);
            self.held = Some(match guard {
                // A hub that is pulled takes both keys: the one that held the locks, and the one that gets them for that.
                Some(guard) if is_there() => guard,
                None if station.cancel.is_cancelled() => return Err(interrupted()),
                _ => return Err(TransportError::Removed.into()),
            });
            if blinks.is_some() {
                self.single_out(&device)?;
            }
        }
        Ok(())
    }

    /// Shows the person which of several keys that look the same is next, and whose it is.
    fn single_out(&mut self, device: &Device) -> Result<(), JobError> {
        let context = &mut self.context;
        let alike = context.station.bus.devices()?.iter().filter(|other| other.usb_id == device.usb_id).count();
        if alike > 1 {
            context.station.operator.single_out(&context.label);
            context.authenticator()?.wink()?;
        }
        Ok(())
    }
}
