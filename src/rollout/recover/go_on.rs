//! The steps of a recovery, from wherever the log says that it stands.

use super::pass::{self, PassFor};
use super::plan::RecoveryPlan;
use super::{RecoverError, StepError};
use crate::idp::{DirectoryError, Registration, User};
use crate::ledger::rollout::{
    RecoveryBegun, RecoveryEnded, RecoveryEnding, RecoveryId, RecoveryResult, RecoveryStep, RecoveryStepDone,
    RecoveryStepStarted,
};
use crate::ledger::{AccountId, Actor, Event, LedgerError};
use crate::provision::{self, Plan, Report, RevokeError, RevokeOrder, RunError, Station, revoke, same_person};
use crate::register::rollout::Recovery;
use crate::register::{AccountStanding, Register};

/// What came of it.
#[derive(Debug)]
pub struct Recovered {
    /// Its number.
    pub recovery: RecoveryId,
    /// Where it stands.
    pub stands_at: StandsAt,
    /// What became of the new key, if one was worked on now.
    pub report: Option<Report>,
}

/// Where a recovery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandsAt {
    /// The account has what its profile demands, and the recovery is over.
    Complete,
    /// This step is next, and waits for a key, or for somebody at a key.
    Waits(RecoveryStep),
}

/// Writes down that somebody is got back in, and in the same write that the key is to go: from here on it counts nowhere, whether the
/// IdP answers or not. Fails with [`LedgerError::Conflict`] if the log went on since the plan was drawn.
pub fn begin(station: &Station<'_>, plan: &RecoveryPlan) -> Result<RecoveryId, RecoverError> {
    let mut register = Register::of(station.store)?;
    if register.head != plan.head {
        let (expected, found) = (plan.head.clone(), register.head.clone());
        return Err(LedgerError::Conflict { expected, found }.into());
    }
    let (recovery, wanted) = (register.rollout.next_recovery(), plan.wanted.clone());
    let mut events = vec![Event::RecoveryBegun(Box::new(RecoveryBegun {
        recovery,
        account: wanted.account.clone(),
        lost: wanted.lost,
        loss: wanted.loss,
        asked_by: wanted.asked_by,
        identity_proved: wanted.identity_proved,
        rehearsal: wanted.rehearsal,
        steps: plan.steps.clone(),
        pass_minutes: wanted.pass_minutes,
        operator: station.operator_name.clone(),
    }))];
    if station.directory.registration() == Registration::Api {
        let (reason, operator) = (reason(recovery), &station.operator_name);
        let order = RevokeOrder { reason: &reason, operator };
        events.extend(provision::revocation_requests(&register, &wanted.account, wanted.lost, order));
    }
    register.record_all(station.store, &events)?;
    Ok(recovery)
}

/// Ends a recovery that nobody goes on with, such as one of a key that was found again. What was done stays done.
pub fn give_up(
    store: &dyn crate::ledger::Store,
    account: &AccountId,
    recovery: RecoveryId,
    reason: &str,
    operator: &Actor,
) -> Result<(), LedgerError> {
    let (account, ending) = (account.clone(), RecoveryEnding::GivenUp { reason: reason.to_owned() });
    let (mut register, operator) = (Register::of(store)?, Some(operator.clone()));
    register.record(store, &Event::RecoveryEnded(RecoveryEnded { recovery, account, ending, operator }))
}

/// Does what is left of a recovery, as far as the IdP answers and keys are there.
pub fn go_on(station: &Station<'_>, recovery: RecoveryId) -> Result<Recovered, RecoverError> {
    let mut at = GoingOn { station, register: Register::of(station.store)?, recovery, report: None };
    let stands_at = at.all_steps()?;
    Ok(Recovered { recovery, stands_at, report: at.report })
}

/// What a key's removal is written down with.
fn reason(recovery: RecoveryId) -> String {
    recovery.to_string()
}

struct GoingOn<'s, 'a> {
    station: &'s Station<'a>,
    register: Register,
    recovery: RecoveryId,
    report: Option<Report>,
}

impl GoingOn<'_, '_> {
    fn state(&self) -> &Recovery {
        &self.register.rollout.recoveries[&self.recovery]
    }

    fn account(&self) -> AccountId {
        self.state().account.clone()
    }

    /// Who goes on with it, who need not be who began it.
    fn operator(&self) -> Option<Actor> {
        Some(self.station.operator_name.clone())
    }

    fn all_steps(&mut self) -> Result<StandsAt, RecoverError> {
        while let Some(step) = self.state().next_step() {
            if self.state().open != Some(step) {
                let (recovery, account, operator) = (self.recovery, self.account(), self.operator());
                self.record(&Event::RecoveryStepStarted(RecoveryStepStarted { recovery, account, step, operator }))?;
            }
            let ended = self.step(step).map_err(|why| match why {
                StepError::Revoke(RevokeError::Ledger(error)) | StepError::Run(RunError::Ledger(error)) => error.into(),
                why => RecoverError::Step { step, why: Box::new(why) },
            })?;
            let Some(result) = ended else { return Ok(StandsAt::Waits(step)) };
            self.tell(step, &result);
            let (recovery, account) = (self.recovery, self.account());
            self.record(&Event::RecoveryStepDone(RecoveryStepDone { recovery, account, step, result }))?;
        }
        let (recovery, account, operator) = (self.recovery, self.account(), self.operator());
        let ending = RecoveryEnding::Complete {};
        self.record(&Event::RecoveryEnded(RecoveryEnded { recovery, account, ending, operator }))?;
        Ok(StandsAt::Complete)
    }

    fn record(&mut self, event: &Event) -> Result<(), LedgerError> {
        self.register.record(self.station.store, event)
    }

    /// What another part of the house wrote meanwhile.
    fn catch_up(&mut self) -> Result<(), LedgerError> {
        self.register.catch_up(self.station.store)
    }

    /// `None` if it waits for a key.
    fn step(&mut self, step: RecoveryStep) -> Result<Option<RecoveryResult>, StepError> {
        let (station, capabilities) = (self.station, self.station.directory.capabilities());
        let result = match step {
            RecoveryStep::Suspend => {
                let why = "keywright cannot suspend accounts there; suspend it in the IdP's console";
                self.if_it_lets_us(capabilities.suspension, why, |suspension, user| suspension.suspend(user))?
            }
            RecoveryStep::EndSessions => {
                let why = "keywright cannot end sessions there; what the account is signed in to goes on";
                self.if_it_lets_us(capabilities.sessions, why, |sessions, user| sessions.end(user))?
            }
            RecoveryStep::RevokeKey => self.revoke()?,
            RecoveryStep::Restore => {
                let Some(suspension) = capabilities.suspension else {
                    let why = "keywright cannot restore accounts there; restore it in the IdP's console".to_owned();
                    return Ok(Some(RecoveryResult::NotOffered { why }));
                };
                // One that stays shut is no recovery: a refusal is a failure here.
                let user = self.user()?;
                station.retry_policy.ask(&station.cancel, || suspension.restore(&user))?;
                RecoveryResult::Done {}
            }
            RecoveryStep::GivePass => self.give_pass()?,
            RecoveryStep::NewKey => return self.new_key(),
            RecoveryStep::EndPass => self.end_pass()?,
        };
        Ok(Some(result))
    }

    fn user(&self) -> Result<User, StepError> {
        let station = self.station;
        let person = self.register.person(&self.state().account);
        Ok(same_person::find(station.directory, &station.retry_policy, &station.cancel, &person)?)
    }

    /// A step that a lost key does not wait for: where the IdP has no such thing or refuses it, a person is told.
    fn if_it_lets_us<C: Copy>(
        &self,
        capability: Option<C>,
        why: &str,
        act: impl Fn(C, &User) -> Result<(), DirectoryError>,
    ) -> Result<RecoveryResult, StepError> {
        let Some(capability) = capability else { return Ok(RecoveryResult::NotOffered { why: why.to_owned() }) };
        let (station, user) = (self.station, self.user()?);
        match station.retry_policy.ask(&station.cancel, || act(capability, &user)) {
            Ok(()) => Ok(RecoveryResult::Done {}),
            Err(error) if error.is_refusal() => Ok(RecoveryResult::Refused { why: error.to_string() }),
            Err(error) => Err(error.into()),
        }
    }

    fn revoke(&mut self) -> Result<RecoveryResult, StepError> {
        let (station, account, lost) = (self.station, self.account(), self.state().lost);
        let (retry, cancel, reason) = (&station.retry_policy, &station.cancel, reason(self.recovery));
        let order = RevokeOrder { reason: &reason, operator: &station.operator_name };
        let revoked = revoke(station.directory, station.store, retry, cancel, &account, lost, order);
        self.catch_up().map_err(|error| StepError::Revoke(error.into()))?;
        let revoked = revoked.map_err(StepError::Revoke)?;
        if revoked.pending.is_empty() { Ok(RecoveryResult::Done {}) } else { Err(StepError::StillSignsIn) }
    }

    fn give_pass(&self) -> Result<RecoveryResult, StepError> {
        let Some(passes) = self.station.directory.capabilities().pass else {
            let why = "the IdP has no temporary passes; the new key is the way in".to_owned();
            return Ok(RecoveryResult::NotOffered { why });
        };
        let (user, state) = (self.user()?, self.state());
        let account = &self.register.accounts[&state.account];
        let whose = PassFor {
            user: &user,
            person: account.person.display_name(),
            profile: &account.profile,
            minutes: state.pass_minutes.unwrap_or(1),
        };
        match pass::give(self.station, passes, &whose) {
            Err(StepError::Directory(error)) if error.is_refusal() => {
                Ok(RecoveryResult::Refused { why: error.to_string() })
            }
            given => given,
        }
    }

    fn end_pass(&self) -> Result<RecoveryResult, StepError> {
        let (Some(passes), Some((pass, _))) = (self.station.directory.capabilities().pass, self.state().open_pass())
        else {
            return Ok(RecoveryResult::Done {});
        };
        pass::withdraw(self.station, passes, &self.user()?, pass)?;
        Ok(RecoveryResult::Done {})
    }

    /// Makes the key that is missing, unless it was made meanwhile; `None` if the account is not complete after it.
    fn new_key(&mut self) -> Result<Option<RecoveryResult>, StepError> {
        let account = self.account();
        if !self.is_complete(&account) {
            let plan = Plan::for_account(self.station, &account).map_err(StepError::Run)?;
            let ran = provision::run(self.station, &plan);
            self.catch_up().map_err(|error| StepError::Run(error.into()))?;
            match ran {
                Ok(report) => self.report = Some(report),
                Err(RunError::NoKey) => return Ok(None),
                Err(error) => return Err(StepError::Run(error)),
            }
        }
        if !self.is_complete(&account) {
            return Ok(None);
        }
        let newest = self.register.jobs_of(&account).map(|(job, _)| job).last();
        Ok(newest.map(|job| RecoveryResult::KeyMade { job }))
    }

    fn is_complete(&self, account: &AccountId) -> bool {
        let standing = self.register.standing(account, (self.station.now)());
        standing.is_some_and(|standing| standing.account == AccountStanding::Complete)
    }

    fn tell(&self, step: RecoveryStep, result: &RecoveryResult) {
        let operator = self.station.operator;
        match result {
            RecoveryResult::Done {} if step == RecoveryStep::EndSessions => {
                let lives_on =
                    self.station.directory.capabilities().sessions.map_or("", |sessions| sessions.lives_on());
                operator.tell(&format!("{step}: done; what goes on: {lives_on}"));
            }
            RecoveryResult::Done {} | RecoveryResult::KeyMade { .. } => operator.tell(&format!("{step}: done")),
            RecoveryResult::NotOffered { why } => operator.tell(&format!("{step}: NOT done: {why}")),
            RecoveryResult::Refused { why } => operator.tell(&format!("{step}: NOT done: {why}; a person has to")),
            RecoveryResult::PassGiven { until, .. } => {
                let until = until.as_deref().map_or(String::new(), |until| format!(", good until {until}"));
                operator.tell(&format!("{step}: done{until}"));
            }
        }
    }
}
