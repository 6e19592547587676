//! What the log says of the roll-out: break-glass accounts, recoveries, enforcement, and what was read of the estate.
//!
//! It refuses to begin what must not be: to take a method from a break-glass account, or from somebody with fewer than two proved
//! keys. Whether a key counts is for [`Register::standing`] to say.

use std::collections::BTreeMap;

use super::replay::ensure;
use super::{AccountState, Register, snapshot};
use crate::ledger::rollout::{
    BreakGlassAdded, BreakGlassDrilled, EnforcementId, EnforcementResult, EnforcementStep, EstateRead, KeptMethod,
    Loss, PolicySeen, Reading, RecoveryBegun, RecoveryEnding, RecoveryId, RecoveryResult, RecoveryStep, SignInLog,
    UnknownKeyRemoval,
};
use crate::ledger::{AccountId, Actor, Event};
use keywright_fido::webauthn::CredentialId;

/// Keys that somebody keeps of whom weak methods are taken.
pub const KEYS_BEFORE_REMOVAL: usize = 2;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rollout {
    /// Accounts that are kept for emergencies.
    pub break_glass: BTreeMap<AccountId, BreakGlass>,
    /// By number.
    pub recoveries: BTreeMap<RecoveryId, Recovery>,
    /// By number.
    pub enforcements: BTreeMap<EnforcementId, Enforcement>,
    /// What was read, the newest last.
    pub readings: Vec<ReadOnce>,
    /// Keys that nobody here made, and that are to be removed at the IdP.
    #[serde(with = "snapshot::as_json")]
    pub unknown_keys: Vec<UnknownKeyRemoval>,
}

/// A break-glass account.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BreakGlass {
    /// Since its first key is in a bag, RFC 3339.
    pub since: String,
    /// Its keys' bags, by the key's number in the account.
    pub bags: BTreeMap<usize, Bag>,
    /// Its drills, the newest last.
    pub drills: Vec<BreakGlassDrill>,
}

/// A sealed bag.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bag {
    /// Where it is.
    pub place: String,
    /// The number on its seal; `None` since a drill opened it and nobody named a new one.
    pub number: Option<String>,
    /// Who may open it.
    pub may_open: Vec<String>,
    /// Since when, RFC 3339.
    pub since: String,
}

/// A drill of a break-glass account.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BreakGlassDrill {
    /// Which of its keys.
    pub ordinal: usize,
    /// Who did it.
    pub by: Vec<String>,
    /// When it began, RFC 3339.
    pub began: String,
    /// When its event was written, RFC 3339.
    pub ended: String,
    /// Whether the key signed, and the IdP let the account in where it lets us try.
    pub passed: bool,
    /// What the IdP's sign-in log said.
    #[serde(with = "snapshot::as_json")]
    pub sign_in_log: SignInLog,
}

impl BreakGlass {
    /// The newest drill that was passed; `None` if there was none.
    pub fn last_passed(&self) -> Option<&BreakGlassDrill> {
        self.drills.iter().rev().find(|drill| drill.passed)
    }
}

/// A lost key, and how its person got back in.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recovery {
    /// The account.
    pub account: AccountId,
    /// Which of its keys is gone.
    pub lost: usize,
    /// What became of the key.
    pub loss: Loss,
    /// Who asked for it.
    pub asked_by: String,
    /// How their identity was proved.
    pub identity_proved: String,
    /// The group that it was rehearsed for; `None`: it is real.
    pub rehearsal: Option<String>,
    /// What is to be done, in order.
    pub steps: Vec<RecoveryStep>,
    /// For how many minutes a temporary pass is wanted, if one is.
    pub pass_minutes: Option<u32>,
    /// What was done, in order.
    pub done: Vec<RecoveryStepEnded>,
    /// The step that was begun and did not end.
    pub open: Option<RecoveryStep>,
    /// When it began, RFC 3339.
    pub begun: String,
    /// Who began it.
    #[serde(with = "snapshot::as_json")]
    pub operator: Actor,
    /// When it ended, and how; `None` while it goes on.
    #[serde(with = "snapshot::as_json")]
    pub ended: Option<(String, RecoveryEnding)>,
}

/// A step of a recovery that came to its end.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecoveryStepEnded {
    /// The step.
    pub step: RecoveryStep,
    /// When, RFC 3339.
    pub at: String,
    /// What it came to.
    #[serde(with = "snapshot::as_json")]
    pub result: RecoveryResult,
}

impl Recovery {
    /// The step that is the next, or open; `None` if nothing is left to do.
    pub fn next_step(&self) -> Option<RecoveryStep> {
        self.steps.iter().copied().find(|step| self.result(*step).is_none())
    }

    /// What a step came to, if it did.
    pub fn result(&self, step: RecoveryStep) -> Option<&RecoveryResult> {
        self.done.iter().find(|ended| ended.step == step).map(|ended| &ended.result)
    }

    /// Whether it ended with all keys that the account needs.
    pub fn is_complete(&self) -> bool {
        matches!(self.ended, Some((_, RecoveryEnding::Complete {})))
    }

    /// What the IdP refused: a rehearsal with such a step proves nothing.
    pub fn refused(&self) -> impl Iterator<Item = (RecoveryStep, &str)> {
        self.done.iter().filter_map(|ended| match &ended.result {
            RecoveryResult::Refused { why } => Some((ended.step, why.as_str())),
            _ => None,
        })
    }

    /// The IdP's name for a temporary pass that was given out and not withdrawn, and until when it is good (RFC 3339).
    pub fn open_pass(&self) -> Option<(&str, Option<&str>)> {
        match self.result(RecoveryStep::GivePass)? {
            RecoveryResult::PassGiven { pass, until, .. } if self.result(RecoveryStep::EndPass).is_none() => {
                Some((pass, until.as_deref()))
            }
            _ => None,
        }
    }
}

/// A removal of weak methods.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Enforcement {
    /// The IdP's name.
    pub directory: String,
    /// The wave or group, such as `wave 1`.
    pub scope: String,
    /// How many people.
    pub people: u64,
    /// How it is known that the policy is set.
    #[serde(with = "snapshot::as_json")]
    pub policy: PolicySeen,
    /// When it began, RFC 3339.
    pub begun: String,
    /// Who began it.
    #[serde(with = "snapshot::as_json")]
    pub operator: Actor,
    /// What was done to each account, in order.
    pub done: BTreeMap<AccountId, Vec<EnforcementStepEnded>>,
    /// What was begun and did not end.
    #[serde(with = "snapshot::as_json")]
    pub open: Option<(AccountId, EnforcementStep)>,
    /// When it ended, RFC 3339; `None` while it goes on.
    pub ended: Option<String>,
}

/// A step of an enforcement that came to its end.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EnforcementStepEnded {
    /// The step.
    #[serde(with = "snapshot::as_json")]
    pub step: EnforcementStep,
    /// When, RFC 3339.
    pub at: String,
    /// What it came to.
    #[serde(with = "snapshot::as_json")]
    pub result: EnforcementResult,
}

impl Enforcement {
    /// Whether an account's part is over: what it has left was read after all else.
    pub fn is_read_back(&self, account: &AccountId) -> bool {
        let last = self.done.get(account).and_then(|steps| steps.last());
        last.is_some_and(|last| matches!(last.step, EnforcementStep::ReadBack {}))
    }
}

/// A reading of the estate.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReadOnce {
    /// When, RFC 3339.
    pub at: String,
    /// What its event says.
    #[serde(with = "snapshot::as_json")]
    pub read: EstateRead,
}

/// A method that was taken from an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedMethod<'r> {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// When, RFC 3339.
    pub at: &'r str,
    /// The method as it was.
    pub method: &'r KeptMethod,
}

impl Rollout {
    /// The number for the next recovery.
    pub fn next_recovery(&self) -> RecoveryId {
        RecoveryId(self.recoveries.keys().next_back().map_or(1, |id| id.0 + 1))
    }

    /// The number for the next enforcement.
    pub fn next_enforcement(&self) -> EnforcementId {
        EnforcementId(self.enforcements.keys().next_back().map_or(1, |id| id.0 + 1))
    }

    /// Recoveries that go on, the oldest first.
    pub fn open_recoveries(&self) -> impl Iterator<Item = (RecoveryId, &Recovery)> {
        self.recoveries.iter().filter(|(_, one)| one.ended.is_none()).map(|(id, one)| (*id, one))
    }

    /// The recovery of an account that goes on.
    pub fn open_recovery(&self, account: &AccountId) -> Option<(RecoveryId, &Recovery)> {
        self.open_recoveries().find(|(_, one)| one.account == *account)
    }

    /// The newest rehearsal for a group that came to its end without a refusal, and when that was (RFC 3339).
    pub fn last_rehearsal(&self, group: &str) -> Option<(&Recovery, &str)> {
        let of_group = self.recoveries.values().rev().filter(|one| one.rehearsal.as_deref() == Some(group));
        of_group.filter(|one| one.refused().next().is_none()).find_map(|one| match &one.ended {
            Some((at, RecoveryEnding::Complete {})) => Some((one, &**at)),
            _ => None,
        })
    }

    /// The enforcement of an IdP that goes on.
    pub fn open_enforcement(&self, directory: &str) -> Option<(EnforcementId, &Enforcement)> {
        let mut open = self.enforcements.iter().filter(|(_, one)| one.ended.is_none() && one.directory == directory);
        open.next().map(|(id, one)| (*id, one))
    }

    /// What was taken from an account, the oldest first.
    pub fn removed_methods<'r>(&'r self, account: &AccountId) -> Vec<RemovedMethod<'r>> {
        let mut removed = Vec::new();
        for (enforcement, one) in &self.enforcements {
            for EnforcementStepEnded { step, at, result } in one.done.get(account).into_iter().flatten() {
                if let (EnforcementStep::RemoveMethod { method }, EnforcementResult::Done {}) = (step, result) {
                    removed.push(RemovedMethod { enforcement: *enforcement, at, method });
                }
            }
        }
        removed
    }

    /// Inventories, the oldest first: the first is number 1.
    pub fn inventories(&self) -> impl Iterator<Item = &ReadOnce> {
        self.readings.iter().filter(|one| one.read.reading == Reading::Inventory)
    }

    /// The newest reading of a kind about somebody at an IdP.
    pub fn last_reading(&self, reading: Reading, directory: &str, scope: &str) -> Option<&ReadOnce> {
        let is_it =
            |one: &&ReadOnce| (one.read.reading, &*one.read.directory, &*one.read.scope) == (reading, directory, scope);
        self.readings.iter().rev().find(is_it)
    }

    /// The removal of a key that nobody here made, while it goes on.
    pub fn unknown_key(&self, account: &AccountId, directory_id: &str) -> Option<&UnknownKeyRemoval> {
        self.unknown_keys.iter().find(|one| one.account == *account && one.directory_id == directory_id)
    }

    /// Forgets what was said of an account and by whom: `instead` stands for it.
    pub(super) fn erase_words(&mut self, account: &AccountId, instead: &str) {
        let wipe = |text: &mut String| instead.clone_into(text);
        if let Some(BreakGlass { since: _, bags, drills }) = self.break_glass.get_mut(account) {
            for bag in bags.values_mut() {
                [&mut bag.place].into_iter().chain(&mut bag.number).chain(&mut bag.may_open).for_each(wipe);
            }
            for drill in drills {
                drill.by.iter_mut().for_each(wipe);
                if let SignInLog::CannotTell { why } = &mut drill.sign_in_log {
                    wipe(why);
                }
            }
        }
        for one in self.unknown_keys.iter_mut().filter(|one| one.account == *account) {
            [&mut one.login, &mut one.user_id, &mut one.reason].into_iter().chain(&mut one.label).for_each(wipe);
        }
        for one in self.recoveries.values_mut().filter(|one| one.account == *account) {
            [&mut one.asked_by, &mut one.identity_proved].into_iter().for_each(wipe);
            if let Some((_, RecoveryEnding::GivenUp { reason })) = &mut one.ended {
                wipe(reason);
            }
            for ended in &mut one.done {
                match &mut ended.result {
                    RecoveryResult::NotOffered { why } | RecoveryResult::Refused { why } => wipe(why),
                    RecoveryResult::PassGiven { readers, .. } => readers.iter_mut().for_each(wipe),
                    RecoveryResult::Done {} | RecoveryResult::KeyMade { .. } => {}
                }
            }
        }
        let wipe_method = |KeptMethod { id, kind: _, name }: &mut KeptMethod| [id, name].into_iter().for_each(wipe);
        let wipe_step = |step: &mut EnforcementStep| {
            if let EnforcementStep::RemoveMethod { method } = step {
                wipe_method(method);
            }
        };
        for one in self.enforcements.values_mut() {
            if let Some((_, step)) = one.open.as_mut().filter(|(of, _)| of == account) {
                wipe_step(step);
            }
            for ended in one.done.get_mut(account).into_iter().flatten() {
                wipe_step(&mut ended.step);
                match &mut ended.result {
                    EnforcementResult::Done {} => {}
                    EnforcementResult::NotDone { why } => wipe(why),
                    EnforcementResult::Left { weak, untold } => {
                        weak.iter_mut().for_each(wipe_method);
                        untold.iter_mut().for_each(wipe);
                    }
                }
            }
        }
    }
}

impl Register {
    /// Whether an account is kept for emergencies.
    pub fn is_break_glass(&self, account: &AccountId) -> bool {
        self.rollout.break_glass.contains_key(account)
    }

    /// The credential of an account's key, by the key's number in the account.
    pub fn credential_of_key(&self, account: &AccountId, ordinal: usize) -> Option<&CredentialId> {
        self.jobs.get(&self.job_of_key(account, ordinal)?)?.credential_id()
    }

    /// Whether an event of the roll-out can follow what is here.
    pub(super) fn check_rollout(&self, event: &Event) -> Result<(), String> {
        match event {
            Event::BreakGlassAdded(BreakGlassAdded { account, ordinal, may_open, .. }) => {
                let known = self.account(account)?;
                ensure(known.state == AccountState::Active, || format!("{account} is not active"))?;
                ensure(self.job_of_key(account, *ordinal).is_some(), || format!("{account} has no key {ordinal}"))?;
                ensure(!may_open.is_empty(), || "nobody may open the bag".to_owned())
            }
            Event::BreakGlassRemoved(removed) => self.break_glass(&removed.account).map(drop),
            Event::BreakGlassDrilled(BreakGlassDrilled { account, ordinal, by, .. }) => {
                let bags = &self.break_glass(account)?.bags;
                ensure(bags.contains_key(ordinal), || format!("key {ordinal} of {account} is in no bag"))?;
                let others = by.iter().skip(1).any(|name| !by[0].trim().eq_ignore_ascii_case(name.trim()));
                ensure(others, || "a drill takes two people".to_owned())
            }
            Event::UnknownKeyRemovalBegun(begun) => {
                let goes_on = self.rollout.unknown_key(&begun.account, &begun.directory_id).is_some();
                ensure(!goes_on, || format!("the removal of {} goes on", begun.directory_id))?;
                let directory = &begun.account.directory;
                let mut here = self.credentials.values().filter(|one| one.account.directory == *directory);
                let is_ours = here.any(|one| one.directory_id.as_ref() == Some(&begun.directory_id));
                ensure(!is_ours, || format!("{} was made here", begun.directory_id))
            }
            Event::UnknownKeyRemoved(removed) => {
                let goes_on = self.rollout.unknown_key(&removed.account, &removed.directory_id).is_some();
                ensure(goes_on, || format!("the removal of {} was not begun", removed.directory_id))
            }
            Event::RecoveryBegun(begun) => self.check_recovery(begun),
            Event::RecoveryStepStarted(started) => {
                let (recovery, step) = (self.recovery(started.recovery, &started.account)?, started.step);
                let next = recovery.next_step();
                ensure(next == Some(step), || format!("{step} is not the next step of {}", started.recovery))
            }
            Event::RecoveryStepDone(done) => {
                let recovery = self.recovery(done.recovery, &done.account)?;
                ensure(recovery.open == Some(done.step), || format!("{} of {} was not begun", done.step, done.recovery))
            }
            Event::RecoveryEnded(ended) => {
                let recovery = self.recovery(ended.recovery, &ended.account)?;
                let over = matches!(ended.ending, RecoveryEnding::GivenUp { .. }) || recovery.next_step().is_none();
                ensure(over, || format!("{} has steps left", ended.recovery))
            }
            Event::EnforcementBegun(begun) => {
                let next = self.rollout.next_enforcement();
                ensure(begun.enforcement == next, || format!("{next} is the next, not {}", begun.enforcement))?;
                match self.rollout.open_enforcement(&begun.directory) {
                    None => Ok(()),
                    Some((open, _)) => Err(format!("{open} at {} has not ended", begun.directory)),
                }
            }
            Event::EnforcementStepStarted(started) => {
                let account = &started.account;
                self.enforcement(started.enforcement)?;
                self.account(account)?;
                let reads = matches!(started.step, EnforcementStep::ReadBack {});
                ensure(reads || !self.is_break_glass(account), || format!("{account} is a break-glass account"))?;
                let proved = self.proved_keys(account);
                let takes = matches!(started.step, EnforcementStep::RemoveMethod { .. });
                ensure(!takes || proved >= KEYS_BEFORE_REMOVAL, || {
                    format!("{account} has {proved} proved keys, and {KEYS_BEFORE_REMOVAL} are needed to lose a method")
                })
            }
            Event::EnforcementStepDone(done) => {
                let open = self.enforcement(done.enforcement)?.open.as_ref();
                let is_open = open.is_some_and(|(account, step)| (account, step) == (&done.account, &done.step));
                ensure(is_open, || format!("it was not begun for {}", done.account))
            }
            Event::EnforcementEnded(ended) => self.enforcement(ended.enforcement).map(drop),
            _ => Ok(()),
        }
    }

    fn check_recovery(&self, begun: &RecoveryBegun) -> Result<(), String> {
        let RecoveryBegun { recovery, account, lost, asked_by, identity_proved, .. } = begun;
        let next = self.rollout.next_recovery();
        ensure(*recovery == next, || format!("{next} is the next, not {recovery}"))?;
        self.account(account)?;
        ensure(self.job_of_key(account, *lost).is_some(), || format!("{account} has no key {lost}"))?;
        let is_said = !asked_by.trim().is_empty() && !identity_proved.trim().is_empty();
        ensure(is_said, || "who asked, and how their identity was proved, is not said".to_owned())?;
        match self.rollout.open_recovery(account) {
            None => Ok(()),
            Some((open, _)) => Err(format!("{open} of {account} has not ended")),
        }
    }

    fn break_glass(&self, account: &AccountId) -> Result<&BreakGlass, String> {
        self.rollout.break_glass.get(account).ok_or_else(|| format!("{account} is no break-glass account"))
    }

    /// A recovery of this account that goes on.
    fn recovery(&self, id: RecoveryId, account: &AccountId) -> Result<&Recovery, String> {
        let known = self.rollout.recoveries.get(&id).filter(|one| one.account == *account && one.ended.is_none());
        known.ok_or_else(|| format!("{id} of {account} does not go on"))
    }

    /// An enforcement that goes on.
    fn enforcement(&self, id: EnforcementId) -> Result<&Enforcement, String> {
        let known = self.rollout.enforcements.get(&id).filter(|one| one.ended.is_none());
        known.ok_or_else(|| format!("{id} does not go on"))
    }
}

impl Rollout {
    /// Takes in an event that was checked.
    pub(super) fn note(&mut self, time: &str, event: &Event) {
        match event {
            Event::BreakGlassAdded(BreakGlassAdded { account, ordinal, place, bag, may_open, .. }) => {
                let bag = Bag {
                    place: place.clone(),
                    number: Some(bag.clone()),
                    may_open: may_open.clone(),
                    since: time.to_owned(),
                };
                let new = || BreakGlass { since: time.to_owned(), bags: BTreeMap::new(), drills: Vec::new() };
                self.break_glass.entry(account.clone()).or_insert_with(new).bags.insert(*ordinal, bag);
            }
            Event::BreakGlassRemoved(removed) => _ = self.break_glass.remove(&removed.account),
            Event::AccountLeft { account, .. } | Event::AccountForgotten { account, .. } => {
                self.break_glass.remove(account);
            }
            Event::BreakGlassDrilled(drilled) => self.note_drill(time, drilled),
            Event::UnknownKeyRemovalBegun(begun) => self.unknown_keys.push(begun.clone()),
            Event::UnknownKeyRemoved(removed) => {
                let is_it = |one: &UnknownKeyRemoval| {
                    (&one.account, &one.directory_id) == (&removed.account, &removed.directory_id)
                };
                self.unknown_keys.retain(|one| !is_it(one));
            }
            Event::RecoveryBegun(begun) => self.note_recovery(time, begun),
            Event::RecoveryStepStarted(started) => {
                if let Some(recovery) = self.recoveries.get_mut(&started.recovery) {
                    recovery.open = Some(started.step);
                }
            }
            Event::RecoveryStepDone(done) => {
                if let Some(recovery) = self.recoveries.get_mut(&done.recovery) {
                    recovery.open = None;
                    let (step, at, result) = (done.step, time.to_owned(), done.result.clone());
                    recovery.done.push(RecoveryStepEnded { step, at, result });
                }
            }
            Event::RecoveryEnded(ended) => {
                if let Some(recovery) = self.recoveries.get_mut(&ended.recovery) {
                    recovery.open = None;
                    recovery.ended = Some((time.to_owned(), ended.ending.clone()));
                }
            }
            Event::EnforcementBegun(begun) => {
                let begun = begun.clone();
                let enforcement = Enforcement {
                    directory: begun.directory,
                    scope: begun.scope,
                    people: begun.people,
                    policy: begun.policy,
                    begun: time.to_owned(),
                    operator: begun.operator,
                    done: BTreeMap::new(),
                    open: None,
                    ended: None,
                };
                self.enforcements.insert(begun.enforcement, enforcement);
            }
            Event::EnforcementStepStarted(started) => {
                if let Some(enforcement) = self.enforcements.get_mut(&started.enforcement) {
                    enforcement.open = Some((started.account.clone(), started.step.clone()));
                }
            }
            Event::EnforcementStepDone(done) => {
                if let Some(enforcement) = self.enforcements.get_mut(&done.enforcement) {
                    enforcement.open = None;
                    let (step, at, result) = (done.step.clone(), time.to_owned(), done.result.clone());
                    let steps = enforcement.done.entry(done.account.clone()).or_default();
                    steps.push(EnforcementStepEnded { step, at, result });
                }
            }
            Event::EnforcementEnded(ended) => {
                if let Some(enforcement) = self.enforcements.get_mut(&ended.enforcement) {
                    (enforcement.open, enforcement.ended) = (None, Some(time.to_owned()));
                }
            }
            Event::EstateRead(read) => {
                // A look each hour for years: the last one is enough.
                if read.reading == Reading::Watch {
                    let about = |one: &EstateRead| (one.reading, one.directory.clone(), one.scope.clone());
                    self.readings.retain(|one| about(&one.read) != about(read));
                }
                self.readings.push(ReadOnce { at: time.to_owned(), read: read.clone() });
            }
            _ => {}
        }
    }

    fn note_drill(&mut self, time: &str, drilled: &BreakGlassDrilled) {
        let Some(known) = self.break_glass.get_mut(&drilled.account) else { return };
        if let Some(bag) = known.bags.get_mut(&drilled.ordinal) {
            bag.number.clone_from(&drilled.bag);
            time.clone_into(&mut bag.since);
        }
        known.drills.push(BreakGlassDrill {
            ordinal: drilled.ordinal,
            by: drilled.by.clone(),
            began: drilled.began.clone(),
            ended: time.to_owned(),
            passed: drilled.passed,
            sign_in_log: drilled.sign_in_log.clone(),
        });
    }

    fn note_recovery(&mut self, time: &str, begun: &RecoveryBegun) {
        let begun = begun.clone();
        let recovery = Recovery {
            account: begun.account,
            lost: begun.lost,
            loss: begun.loss,
            asked_by: begun.asked_by,
            identity_proved: begun.identity_proved,
            rehearsal: begun.rehearsal,
            steps: begun.steps,
            pass_minutes: begun.pass_minutes,
            done: Vec::new(),
            open: None,
            begun: time.to_owned(),
            operator: begun.operator,
            ended: None,
        };
        self.recoveries.insert(begun.recovery, recovery);
    }
}

#[cfg(test)]
mod tests;
