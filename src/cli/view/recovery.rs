//! A recovery: what was asked for, what was done, what is next.

use serde::Serialize;

use std::time::Instant;

use crate::cli::shared::batch::{Outcome, RunContext, RunKind};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view;
use crate::ledger::rollout::{Loss, RecoveryEnding, RecoveryId, RecoveryResult, RecoveryStep};
use crate::register::Register;
use crate::rollout::recover::{self, RecoverError, RecoveryPlan, StandsAt};

/// One recovery.
#[derive(Serialize)]
pub(crate) struct RecoveryView {
    /// The login.
    pub(crate) account: String,
    directory: String,
    /// `None` in a dry run, which begins none.
    recovery: Option<RecoveryId>,
    lost: usize,
    loss: Loss,
    asked_by: String,
    identity_proved: String,
    /// The group that it is rehearsed for.
    rehearsal: Option<String>,
    dry_run: bool,
    state: State,
    steps: Vec<StepLine>,
    /// Until when a temporary pass is good that was given out and not withdrawn.
    pass_until: Option<String>,
    /// Why it was given up.
    reason: Option<String>,
    /// Ways in besides keys, and what could not be read; of a plan only.
    other_ways: Vec<String>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum State {
    Planned,
    Open,
    Complete,
    GivenUp,
}

#[derive(Serialize)]
struct StepLine {
    step: RecoveryStep,
    state: StepState,
    /// When it ended, RFC 3339.
    at: Option<String>,
    /// Why it was not done.
    why: Option<String>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum StepState {
    ToCome,
    Next,
    Done,
    NotOffered,
    Refused,
}

impl View for RecoveryView {
    const KIND: &'static str = "recovery";
}

/// Goes on with a recovery, and tells what came of it and of the key that was worked on.
pub(crate) fn go_on(context: &RunContext, recovery: RecoveryId, session: &Session) -> Result<Exit, CliError> {
    let began = Instant::now();
    let recovered = context.at_station(session, |station, terminal| {
        let recovered = recover::go_on(station, recovery);
        terminal.clear();
        Ok(recovered)
    })?;
    let (stands_at, of_keys, failure) = match recovered {
        Ok(recovered) => {
            let outcome = recovered.report.map(|report| {
                Outcome::Run(Box::new(context.outcome(RunKind::Enroll, report, began.elapsed(), session)))
            });
            let exit = outcome.map(|outcome| view::print_outcome(&outcome, session)).transpose()?;
            (Some(recovered.stands_at), exit, None)
        }
        Err(error @ RecoverError::Step { .. }) => (None, None, Some(error)),
        Err(error) => return Err(error.into()),
    };
    let register = session.register()?;
    let view = RecoveryView::of_register(&register, recovery, false);
    session.output.result(&view, || view.text())?;
    if let Some(error) = failure {
        return Err(if session.cancel.is_cancelled() { CliError::Interrupted } else { error.into() });
    }
    Ok(match stands_at {
        Some(StandsAt::Waits(step)) => {
            session.console.hint(&format!("\"{step}\" is next: plug a key in, then 'keywright resume' goes on"));
            of_keys.filter(|exit| *exit != Exit::Done).unwrap_or(Exit::Key)
        }
        Some(StandsAt::Complete) | None => {
            if view.rehearsal.is_none() {
                session.console.hint("tell the person, by another way than they asked by, that a key was replaced");
            }
            Exit::Done
        }
    })
}

impl RecoveryView {
    /// What would be done.
    pub(crate) fn of_plan(plan: &RecoveryPlan) -> Self {
        let wanted = &plan.wanted;
        let to_come = |step: &RecoveryStep| StepLine { step: *step, state: StepState::ToCome, at: None, why: None };
        Self {
            account: plan.login.clone(),
            directory: wanted.account.directory.clone(),
            recovery: None,
            lost: wanted.lost,
            loss: wanted.loss,
            asked_by: wanted.asked_by.clone(),
            identity_proved: wanted.identity_proved.clone(),
            rehearsal: wanted.rehearsal.clone(),
            dry_run: true,
            state: State::Planned,
            steps: plan.steps.iter().map(to_come).collect(),
            pass_until: None,
            reason: None,
            other_ways: plan.other_ways.clone(),
        }
    }

    /// What the register says of one.
    pub(crate) fn of_register(register: &Register, id: RecoveryId, dry_run: bool) -> Self {
        let recovery = &register.rollout.recoveries[&id];
        let next = recovery.next_step().filter(|_| recovery.ended.is_none());
        let line = |step: &RecoveryStep| {
            let ended = recovery.done.iter().find(|ended| ended.step == *step);
            let (state, why) = match ended.map(|ended| &ended.result) {
                None if Some(*step) == next => (StepState::Next, None),
                None => (StepState::ToCome, None),
                Some(RecoveryResult::NotOffered { why }) => (StepState::NotOffered, Some(why.clone())),
                Some(RecoveryResult::Refused { why }) => (StepState::Refused, Some(why.clone())),
                Some(_) => (StepState::Done, None),
            };
            StepLine { step: *step, state, at: ended.map(|ended| ended.at.clone()), why }
        };
        let (state, reason) = match &recovery.ended {
            None => (State::Open, None),
            Some((_, RecoveryEnding::Complete {})) => (State::Complete, None),
            Some((_, RecoveryEnding::GivenUp { reason })) => (State::GivenUp, Some(reason.clone())),
        };
        Self {
            account: register.login(&recovery.account).to_owned(),
            directory: recovery.account.directory.clone(),
            recovery: Some(id),
            lost: recovery.lost,
            loss: recovery.loss,
            asked_by: recovery.asked_by.clone(),
            identity_proved: recovery.identity_proved.clone(),
            rehearsal: recovery.rehearsal.clone(),
            dry_run,
            state,
            steps: recovery.steps.iter().map(line).collect(),
            pass_until: recovery.open_pass().and_then(|(_, until)| until.map(str::to_owned)),
            reason,
            other_ways: Vec::new(),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let number = self.recovery.map(|id| id.to_string()).unwrap_or_default();
        let state = match self.state {
            State::Planned => "planned".to_owned(),
            State::Open => "goes on".to_owned(),
            State::Complete => "complete".to_owned(),
            State::GivenUp => format!("given up: {}", self.reason.as_deref().unwrap_or_default()),
        };
        let rehearsal = self.rehearsal.as_ref().map(|group| format!(", rehearsed for {group}")).unwrap_or_default();
        let mut text = format!("{}: {number}{rehearsal}: {state}\n", self.account);
        for StepLine { step, state, why, .. } in &self.steps {
            let (mark, why) = match state {
                StepState::Done => ("done", ""),
                StepState::Next => ("next", ""),
                StepState::ToCome => ("to come", ""),
                StepState::NotOffered | StepState::Refused => ("NOT DONE", why.as_deref().unwrap_or_default()),
            };
            let line = format!("  {mark:<9}{step}{}{why}", if why.is_empty() { "" } else { ": " });
            text.push_str(&line);
            text.push('\n');
        }
        if let Some(until) = &self.pass_until {
            text.push_str(&format!("  the temporary pass is good until {until}\n"));
        }
        text
    }
}
