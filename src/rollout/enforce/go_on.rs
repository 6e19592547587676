//! The steps of an enforcement, person by person, from wherever the log says that it stands.

use std::collections::VecDeque;

use time::OffsetDateTime;

use super::EnforceError;
use super::plan::{EnforcementPlan, PersonPlan, kept};
use crate::idp::capability::{Listing, Method, MethodRemoval, Removal, Removed, SignInMethods};
use crate::idp::{Directory, DirectoryError, User};
use crate::ledger::rollout::{
    EnforcementBegun, EnforcementEnded, EnforcementId, EnforcementResult, EnforcementStep, EnforcementStepDone,
    EnforcementStepStarted, KeptMethod, PolicySeen,
};
use crate::ledger::{AccountId, Actor, Event, LedgerError, Store};
use crate::provision::{RetryPolicy, same_person};
use crate::register::Register;
use crate::register::rollout::KEYS_BEFORE_REMOVAL;
use keywright_files::Cancel;

/// What it works with.
pub struct Enforcing<'a> {
    /// The IdP.
    pub directory: &'a dyn Directory,
    /// The ledger, open for writing.
    pub store: &'a dyn Store,
    /// How often the IdP is asked again.
    pub retry: &'a RetryPolicy,
    /// Ends it between two requests.
    pub cancel: &'a Cancel,
    /// The time.
    pub now: &'a (dyn Fn() -> OffsetDateTime + Sync),
    /// Who does it, for the ledger.
    pub operator: &'a Actor,
    /// Is told what happens, a line each.
    pub tell: &'a dyn Fn(&str),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforced {
    /// Its number.
    pub enforcement: EnforcementId,
    /// Its people.
    pub people: Vec<PersonEnforced>,
}

/// What came of it for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonEnforced {
    /// The login.
    pub login: String,
    /// Names of methods that are gone.
    pub removed: Vec<String>,
    /// Whether what the account was signed in to ended.
    pub sessions_ended: bool,
    /// Weak methods that are still there.
    pub left: Vec<String>,
    /// Those that the plan lets stay, and until when.
    pub stays: Vec<String>,
    /// Why something was not done, or could not be read.
    pub open: Vec<String>,
}

impl PersonEnforced {
    /// Whether nothing is left to do.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.open.is_empty()
    }
}

impl Enforcing<'_> {
    /// Carries the plan out: begins, or goes on with the one of the same people that was interrupted. `policy` is how it is known that
    /// the policy acts.
    pub fn go_on(&self, plan: &EnforcementPlan, policy: PolicySeen) -> Result<Enforced, EnforceError> {
        let has = self.directory.capabilities();
        let (Some(methods), Some(removal)) = (has.methods, has.removal) else {
            return Err(EnforceError::NotOffered { directory: self.directory.name().to_owned() });
        };
        let mut register = Register::of(self.store)?;
        let enforcement = match register.rollout.open_enforcement(&plan.directory) {
            Some((open, one)) if one.scope == plan.scope => open,
            Some((enforcement, one)) => {
                return Err(EnforceError::AnotherGoesOn { enforcement, scope: one.scope.clone() });
            }
            None => {
                let enforcement = register.rollout.next_enforcement();
                let (directory, scope) = (plan.directory.clone(), plan.scope.clone());
                let (people, operator) = (plan.people.len() as u64, self.operator.clone());
                let begun = EnforcementBegun { enforcement, directory, scope, people, policy, operator };
                register.record(self.store, &Event::EnforcementBegun(begun))?;
                enforcement
            }
        };
        let mut people = Vec::new();
        for person in &plan.people {
            if self.cancel.is_cancelled() {
                return Err(EnforceError::Stopped);
            }
            let mut at = OnePerson { with: self, methods, removal, register, enforcement, person };
            if !at.is_done() {
                at.all_steps()?;
            }
            let came_to = at.came_to();
            (self.tell)(&line(&came_to));
            people.push(came_to);
            register = at.register;
        }
        let open = people.iter().filter(|person| !person.is_clean()).count() as u64;
        register.record(self.store, &Event::EnforcementEnded(EnforcementEnded { enforcement, open }))?;
        Ok(Enforced { enforcement, people })
    }
}

fn line(person: &PersonEnforced) -> String {
    let removed = if person.removed.is_empty() { "nothing".to_owned() } else { person.removed.join(", ") };
    let left: Vec<&str> = person.left.iter().chain(&person.open).map(String::as_str).collect();
    let left = if left.is_empty() { String::new() } else { format!("; left: {}", left.join("; ")) };
    format!("{}: removed {removed}{left}", person.login)
}

/// One person's part.
struct OnePerson<'p, 'a> {
    with: &'p Enforcing<'a>,
    methods: &'p dyn SignInMethods,
    removal: &'p dyn MethodRemoval,
    register: Register,
    enforcement: EnforcementId,
    person: &'p PersonPlan,
}

impl OnePerson<'_, '_> {
    fn account(&self) -> AccountId {
        self.person.account.clone()
    }

    fn is_done(&self) -> bool {
        self.register.rollout.enforcements[&self.enforcement].is_read_back(&self.person.account)
    }

    fn start(&mut self, step: &EnforcementStep) -> Result<(), LedgerError> {
        let (enforcement, account, step) = (self.enforcement, self.account(), step.clone());
        let operator = Some(self.with.operator.clone());
        let started = EnforcementStepStarted { enforcement, account, step, operator };
        self.register.record(self.with.store, &Event::EnforcementStepStarted(started))
    }

    fn end(&mut self, step: EnforcementStep, result: EnforcementResult) -> Result<(), LedgerError> {
        let (enforcement, account) = (self.enforcement, self.account());
        let done = EnforcementStepDone { enforcement, account, step, result };
        self.register.record(self.with.store, &Event::EnforcementStepDone(done))
    }

    fn ask<T>(&self, request: impl FnMut() -> Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        self.with.retry.ask(self.with.cancel, request)
    }

    /// The person's part. What the IdP refuses is written down and left; an IdP that does not answer ends it.
    fn all_steps(&mut self) -> Result<(), EnforceError> {
        let person = self.register.person(&self.person.account);
        let with = self.with;
        let user = match same_person::find_active(with.directory, with.retry, with.cancel, &person) {
            Ok(user) => user,
            Err(same_person::PersonError::Directory(error)) if !is_refusal(&error) => return Err(error.into()),
            Err(error) => return self.leave(error.to_string()),
        };
        let told = match self.ask(|| self.methods.methods(&user)) {
            Ok(told) => told,
            Err(error) if is_refusal(&error) => return self.leave(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        self.settle_open(&told)?;
        if let Some(why) = self.gate(&user, &told)? {
            return self.leave(why);
        }
        self.remove_all(&user, &told)?;
        self.end_sessions(&user)?;
        self.read_back(&user)
    }

    /// Why nothing may be taken from this person now, if nothing may. Asked again here, because it is what keeps people from being
    /// locked out: by the register, and by what the IdP has in service this minute.
    fn gate(&self, user: &User, told: &Listing<Method>) -> Result<Option<String>, EnforceError> {
        let account = &self.person.account;
        if self.register.is_break_glass(account) {
            return Ok(Some("it is a break-glass account".to_owned()));
        }
        if let Some(untold) = told.untold.first() {
            return Ok(Some(untold.to_string()));
        }
        let standing = self.register.standing(account, (self.with.now)());
        let counting = standing.iter().flat_map(|standing| &standing.keys).filter(|key| key.standing.counts());
        let counting: Vec<_> = counting.filter_map(|key| key.credential_id.as_ref()).collect();
        let listed = match self.ask(|| self.with.directory.list(user)) {
            Ok(listed) => listed,
            Err(error) if is_refusal(&error) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let is_there = |id: &&&keywright_fido::webauthn::CredentialId| {
            let name = self.register.credentials.get(**id).and_then(|one| one.directory_id.as_deref());
            listed.iter().any(|one| one.in_service && one.is(id, name))
        };
        let proved = counting.iter().filter(is_there).count();
        Ok((proved < KEYS_BEFORE_REMOVAL)
            .then(|| format!("{proved} proved keys are in service at the IdP, and {KEYS_BEFORE_REMOVAL} are needed")))
    }

    /// A method whose removal was begun when the program ended: it may be gone.
    fn settle_open(&mut self, told: &Listing<Method>) -> Result<(), LedgerError> {
        let open = self.register.rollout.enforcements[&self.enforcement].open.clone();
        let Some((account, step @ EnforcementStep::RemoveMethod { .. })) = open else { return Ok(()) };
        let EnforcementStep::RemoveMethod { method } = &step else { return Ok(()) };
        let is_there = told.found.iter().any(|one| one.id == method.id && one.kind == method.kind);
        // Where the list is not whole, nobody knows.
        if account != self.person.account || is_there || !told.is_whole() {
            return Ok(());
        }
        self.end(step, EnforcementResult::Done {})
    }

    /// Removes what was planned and is still there. The default method goes last, however often the IdP says that it is one.
    fn remove_all(&mut self, user: &User, told: &Listing<Method>) -> Result<(), EnforceError> {
        let planned = |method: &&Method| self.person.to_go.iter().any(|one| one.id == method.id);
        let mut there: Vec<Method> = told.found.iter().filter(|one| one.is_weak()).filter(planned).cloned().collect();
        there.sort_by_key(|method| method.turn);
        let mut waiting: VecDeque<Method> = there.into();
        let mut put_off = 0;
        while let Some(method) = waiting.pop_front() {
            let step = EnforcementStep::RemoveMethod { method: kept(&method) };
            self.start(&step)?;
            let result = match &method.removal {
                Removal::Impossible { why } => Ok(EnforcementResult::NotDone { why: why.clone() }),
                Removal::Possible | Removal::WithOthers { .. } => {
                    match self.ask(|| self.removal.remove(user, &method)) {
                        Ok(Removed::Gone) => Ok(EnforcementResult::Done {}),
                        Ok(Removed::IsDefault { .. }) if put_off < waiting.len() => {
                            // After all others: then it may go.
                            put_off += 1;
                            self.end(step, EnforcementResult::NotDone { why: "default, to go last".to_owned() })?;
                            waiting.push_back(method);
                            continue;
                        }
                        Ok(Removed::IsDefault { why }) => Ok(EnforcementResult::NotDone { why }),
                        Err(error) if is_refusal(&error) => Ok(EnforcementResult::NotDone { why: error.to_string() }),
                        Err(error) => Err(error),
                    }
                }
            }?;
            put_off = 0;
            self.end(step, result)?;
        }
        Ok(())
    }

    fn end_sessions(&mut self, user: &User) -> Result<(), EnforceError> {
        let step = EnforcementStep::EndSessions {};
        self.start(&step)?;
        let result = match self.with.directory.capabilities().sessions {
            None => EnforcementResult::NotDone { why: "keywright cannot end sessions there".to_owned() },
            Some(sessions) => match self.ask(|| sessions.end(user)) {
                Ok(()) => EnforcementResult::Done {},
                Err(error) if is_refusal(&error) => EnforcementResult::NotDone { why: error.to_string() },
                Err(error) => return Err(error.into()),
            },
        };
        Ok(self.end(step, result)?)
    }

    fn read_back(&mut self, user: &User) -> Result<(), EnforceError> {
        let step = EnforcementStep::ReadBack {};
        self.start(&step)?;
        let result = match self.ask(|| self.methods.methods(user)) {
            Ok(told) => EnforcementResult::Left {
                weak: told.found.iter().filter(|one| one.is_weak()).map(kept).collect(),
                untold: told.untold.iter().map(ToString::to_string).collect(),
            },
            Err(error) if is_refusal(&error) => {
                EnforcementResult::Left { weak: Vec::new(), untold: vec![error.to_string()] }
            }
            Err(error) => return Err(error.into()),
        };
        Ok(self.end(step, result)?)
    }

    /// The person is not touched, and why is written down.
    fn leave(&mut self, why: String) -> Result<(), EnforceError> {
        let step = EnforcementStep::ReadBack {};
        self.start(&step)?;
        Ok(self.end(step, EnforcementResult::Left { weak: Vec::new(), untold: vec![why] })?)
    }

    /// What the log says of the person's part.
    fn came_to(&self) -> PersonEnforced {
        let done = self.register.rollout.enforcements[&self.enforcement].done.get(&self.person.account);
        let mut came_to = PersonEnforced { login: self.person.user.login.clone(), ..PersonEnforced::default() };
        for ended in done.into_iter().flatten() {
            match (&ended.step, &ended.result) {
                (EnforcementStep::RemoveMethod { method }, EnforcementResult::Done {}) => {
                    came_to.removed.push(method.name.clone());
                }
                (EnforcementStep::EndSessions {}, EnforcementResult::Done {}) => came_to.sessions_ended = true,
                (EnforcementStep::EndSessions {}, EnforcementResult::NotDone { why }) => {
                    came_to.open.push(format!("sessions go on: {why}"));
                }
                (EnforcementStep::ReadBack {}, EnforcementResult::Left { weak, untold }) => {
                    for method in weak {
                        match self.person.kept.iter().find(|one| one.id == method.id) {
                            Some(kept) => came_to.stays.push(format!("{} until {}", method.name, kept.until)),
                            None => came_to.left.push(self.left_words(method)),
                        }
                    }
                    came_to.open.extend(untold.iter().cloned());
                }
                // What was not removed is read back, with what became of it.
                _ => {}
            }
        }
        came_to
    }

    /// A weak method that is still there, and why.
    fn left_words(&self, method: &KeptMethod) -> String {
        let done = self.register.rollout.enforcements[&self.enforcement].done.get(&self.person.account);
        let why = done.into_iter().flatten().rev().find_map(|ended| match (&ended.step, &ended.result) {
            (EnforcementStep::RemoveMethod { method: of }, EnforcementResult::NotDone { why })
                if of.id == method.id =>
            {
                Some(why)
            }
            _ => None,
        });
        why.map_or_else(|| method.name.clone(), |why| format!("{}: {why}", method.name))
    }
}

/// Whether the IdP looked at the request and said no: the next person may fare better.
fn is_refusal(error: &DirectoryError) -> bool {
    error.is_refusal() || matches!(error, DirectoryError::NotFound { .. })
}
