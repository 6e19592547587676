//! What each step may change, and what it has to: a model of the desk that knows nothing of how keywright does it.
//!
//! It goes from what was seen before the step, which was held against keys and IdP, and from what the world is.

use std::collections::BTreeSet;

use keywright::ledger::{AccountId, KeyState};
use keywright::provision::waiting_letters;
use keywright::register::{AccountStanding, AccountState, KeyStanding};

use super::agreement::Observed;
use super::step::{How, Person, Said, Slot, Step, Work};
use super::world::{Key, LABEL, NAME, Outcome, TICKET, World};

/// A step as it was seen.
pub(super) struct Seen<'a> {
    pub(super) world: &'a World,
    pub(super) before: &'a Observed,
    pub(super) step: Step,
    /// The key that it is about.
    pub(super) slot: Option<Slot>,
    pub(super) outcome: &'a Outcome,
    pub(super) after: &'a Observed,
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Seen<'_> {
    /// What does not follow.
    pub(super) fn judge(&self) -> Result<(), String> {
        self.nothing_else_changed()?;
        if self.outcome.killed {
            return Ok(());
        }
        match self.step {
            Step::Work(Work::Provision, _) => self.provisioned(),
            Step::Work(Work::Resume, _) => self.resumed(),
            Step::Work(Work::Enroll(person), _) => self.enrolled(person),
            Step::Work(Work::Replace(person, ordinal), _) => self.replaced(person, ordinal),
            Step::Work(Work::Revoke(person, ordinal), _) => self.revoked(person, ordinal),
            Step::Work(Work::Leave(person) | Work::Wipe(person), _) => self.left(person),
            Step::Work(Work::SameKey(person, ordinal), _) => self.replaced_by_itself(person, ordinal),
            Step::Work(Work::Recover(person, ordinal), _) => self.recovered(person, ordinal),
            Step::Work(Work::Reset(_) | Work::Return(_), _) => self.wiped(),
            Step::Work(Work::Stock, _) => self.stocked(),
            Step::Work(Work::Label(person, ordinal), _) => self.labelled(person, ordinal),
            Step::Forget(person) => self.forgotten(person),
            Step::Edit(person) => self.edited(person),
            Step::Erase(person) => self.erased(person),
            Step::Letters(person) => self.letters_came(person),
            Step::Say(person, ordinal, said) => self.said(person, ordinal, said),
            Step::Delete(_) => self.deleted(),
            Step::Drill(_)
            | Step::Roster(..)
            | Step::Drop(_)
            | Step::Rename(_)
            | Step::Suspend(_)
            | Step::Restore(_)
            | Step::Lose(_)
            | Step::Find(_)
            | Step::Away
            | Step::Back => Ok(()),
        }
    }

    fn account(&self, person: Person) -> Option<AccountId> {
        self.world.account(person, &self.after.register)
    }

    /// Keys of whom a step may take out of service, or whose standing it may change for the worse.
    fn addressed(&self) -> BTreeSet<(AccountId, usize)> {
        let one = |person, ordinal| self.account(person).into_iter().map(|id| (id, ordinal)).collect::<BTreeSet<_>>();
        let all = |id: &AccountId| {
            let lines = self.before.standings.get(id).map(|standing| standing.keys.as_slice()).unwrap_or_default();
            lines.iter().map(|line| (id.clone(), line.ordinal)).collect::<Vec<_>>()
        };
        match self.step {
            Step::Work(
                Work::Revoke(person, ordinal)
                | Work::Replace(person, ordinal)
                | Work::SameKey(person, ordinal)
                | Work::Recover(person, ordinal),
                _,
            )
            | Step::Say(person, ordinal, Said::Lost) => one(person, ordinal),
            Step::Work(Work::Leave(person) | Work::Wipe(person), _) => {
                self.account(person).iter().flat_map(all).collect()
            }
            // Another profile may ask for more than the keys have; and what was to be revoked is revoked now.
            Step::Work(Work::Provision | Work::Resume | Work::Enroll(_), _) => {
                let accounts = self.before.register.accounts.iter();
                let other =
                    accounts.filter(|(id, account)| self.after.register.accounts[*id].profile != account.profile);
                let mut keys: BTreeSet<_> = other.flat_map(|(id, _)| all(id)).collect();
                let due = self.before.register.jobs.values().chain(self.after.register.jobs.values());
                keys.extend(due.filter_map(|job| Some((job.account.clone(), job.replaces.as_ref()?.ordinal))));
                keys
            }
            Step::Work(Work::Reset(_) | Work::Return(_), _) | Step::Delete(_) | Step::Drill(_) => {
                let Some(slot) = self.slot else { return BTreeSet::new() };
                let held = &self.before.keys[slot - 1].held.credentials;
                let known = held.iter().filter_map(|id| self.before.register.credentials.get(id));
                known.map(|known| (known.account.clone(), known.ordinal)).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Nobody is locked out by a step that is about somebody else, and what is about the world writes nothing.
    fn nothing_else_changed(&self) -> Result<(), String> {
        let addressed = self.addressed();
        let after = self.after.in_service();
        for (account, ordinal) in self.before.in_service() {
            let key = (account, ordinal);
            ensure(after.contains(&key) || addressed.contains(&key), || {
                let now = self.after.key(&key.0, key.1);
                format!("{}'s key {} was in service and is {now:?} now", key.0, key.1)
            })?;
        }
        let is_of_the_world = matches!(
            self.step,
            Step::Roster(..)
                | Step::Drop(_)
                | Step::Rename(_)
                | Step::Suspend(_)
                | Step::Restore(_)
                | Step::Lose(_)
                | Step::Find(_)
                | Step::Away
                | Step::Back
        );
        ensure(!is_of_the_world || self.before.register.head == self.after.register.head, || {
            "the ledger was written to".to_owned()
        })
    }

    /// A run that was refused as a whole leaves the keys as they were. One to which no key came has written its plan: keys of
    /// people whose profile that changes are held against the new one.
    fn refused(&self) -> Option<Result<(), String>> {
        let why = self.outcome.refused.as_ref()?;
        let is_program = matches!(self.step, Step::Work(_, How::Program));
        // The program's exit code says so of single people, too.
        let is_whole = !is_program || self.before.register.head == self.after.register.head;
        let profile =
            |observed: &Observed, id: &AccountId| observed.register.accounts.get(id).map(|one| one.profile.clone());
        let has_kept_profile = |id: &AccountId| profile(self.before, id) == profile(self.after, id);
        is_whole.then(|| {
            let (before, after) = (self.before.in_service(), self.after.in_service());
            let mut changed = before.symmetric_difference(&after);
            ensure(!changed.any(|(id, _)| has_kept_profile(id)), || format!("refused ({why}), and keys changed"))
        })
    }

    /// Everybody on the roster whom the IdP lets in has what the profile says, if the keys were there.
    fn provisioned(&self) -> Result<(), String> {
        if self.world.is_away() || self.outcome.refused.is_some() {
            return self.refused().unwrap_or(Ok(()));
        }
        self.served(self.world.roster().into_keys().collect())
    }

    /// Nothing is left of what could be ended with the keys in hand.
    fn resumed(&self) -> Result<(), String> {
        if self.world.is_away() || self.outcome.refused.is_some() {
            return self.refused().unwrap_or(Ok(()));
        }
        for (id, standing) in &self.after.standings {
            let pending = |line: &keywright::register::KeyLine| line.standing == KeyStanding::RevocationPending;
            ensure(!standing.keys.iter().any(pending), || format!("{id} has a key that is still to be revoked"))?;
        }
        let open = self.before.register.unfinished().map(|(_, job)| job.account.clone()).collect::<BTreeSet<_>>();
        let people =
            Person::ALL.into_iter().filter(|person| self.account(*person).is_some_and(|id| open.contains(&id)));
        let before = self.before.register.jobs.len();
        // Somebody who lost a key gets a new one.
        let recovers = self.before.register.rollout.open_recoveries().next().is_some();
        ensure(recovers || self.after.register.jobs.len() == before, || "resuming planned something".to_owned())?;
        self.ended(people.collect())
    }

    /// With enough keys, these people have all that the roster says.
    fn served(&self, people: Vec<Person>) -> Result<(), String> {
        let needed: usize = people.iter().filter_map(|person| self.needed(*person)).sum();
        if self.before.free() < needed {
            return Ok(());
        }
        for person in &people {
            let Some(id) = self.account(*person) else { continue };
            let standing = &self.after.standings[&id];
            let is_let_in = self.world.user(*person).is_some_and(|user| user.active);
            let waits = self.waits_for_its_own_key(&id);
            ensure(!is_let_in || waits || standing.account == AccountStanding::Complete, || {
                format!(
                    "{id} is {:?} after a run with {} free keys for {needed}: {:?}\n{}",
                    standing.account,
                    self.before.free(),
                    standing.keys,
                    self.outcome.said.join("\n")
                )
            })?;
        }
        Ok(())
    }

    /// With enough keys, the jobs of these people are at their end.
    fn ended(&self, people: Vec<Person>) -> Result<(), String> {
        let waiting = self.before.register.unfinished().filter(|(_, job)| job.key().is_none()).count();
        if self.before.free() < waiting {
            return Ok(());
        }
        for person in people {
            let Some(id) = self.account(person) else { continue };
            let standing = &self.after.standings[&id];
            let is_let_in = self.world.user(person).is_some_and(|user| user.active);
            let to_come = standing.to_come();
            ensure(!is_let_in || self.waits_for_its_own_key(&id) || to_come == 0, || {
                format!(
                    "{id} has {to_come} keys to come after resuming: {:?}\n{}",
                    standing.keys,
                    self.outcome.said.join("\n")
                )
            })?;
        }
        Ok(())
    }

    /// Keys that a person on the roster gets; `None` if nobody can say: then no run is expected to serve everybody.
    fn needed(&self, person: Person) -> Option<usize> {
        let required = match self.world.roster().get(&person)? {
            super::step::Class::Solo | super::step::Class::Posted => 1,
            _ => 2,
        };
        let Some(id) = self.account(person) else { return Some(required) };
        let counted = self.before.standings.get(&id).map_or(0, |standing| standing.in_service());
        // More than enough: keys that do not meet another profile are replaced.
        Some(
            if self
                .before
                .register
                .accounts
                .get(&id)
                .is_some_and(|known| known.profile.name.as_str() != self.world.roster()[&person].to_string())
            {
                required + self.open_jobs(&id)
            } else {
                required.saturating_sub(counted) + self.open_jobs(&id)
            },
        )
    }

    fn open_jobs(&self, id: &AccountId) -> usize {
        self.before.register.unfinished().filter(|(_, job)| job.account == *id).count()
    }

    /// Whether a job of the account has a key of its own that is not in hand, or cannot go on with it.
    fn waits_for_its_own_key(&self, id: &AccountId) -> bool {
        let jobs = self.after.register.unfinished().filter(|(_, job)| job.account == *id);
        let mut bound = jobs.filter_map(|(_, job)| Some(job.key()?.port.clone()));
        bound.any(|port| self.after.keys.iter().any(|key| !key.in_hand && super::agreement::port(key.slot) == port))
    }

    fn enrolled(&self, person: Person) -> Result<(), String> {
        if self.outcome.refused.is_some() {
            return self.refused().unwrap_or(Ok(()));
        }
        let Some(id) = self.account(person) else { return Ok(()) };
        let count = |seen: &Observed| seen.standings.get(&id).map_or(0, |standing| standing.in_service());
        ensure(count(self.after) <= count(self.before) + 1 + self.open_jobs(&id), || format!("{id} got several keys"))
    }

    /// The old key goes only once the new one counts.
    fn replaced(&self, person: Person, ordinal: usize) -> Result<(), String> {
        let Some(id) = self.account(person) else { return Ok(()) };
        let counted = |seen: &Observed| seen.standings.get(&id).map_or(0, |standing| standing.in_service());
        let was = self.before.key(&id, ordinal).is_some_and(KeyStanding::counts);
        let is_let_in = self.world.user(person).is_some_and(|user| user.active);
        let same_profile = self.before.register.accounts.get(&id).map(|one| &one.profile)
            == self.after.register.accounts.get(&id).map(|one| &one.profile);
        ensure(!was || !same_profile || counted(self.after) >= counted(self.before), || {
            format!("{id} had {} keys and has {} after replacing one", counted(self.before), counted(self.after))
        })?;
        let could = self.before.free() > 0 && !self.world.is_away() && is_let_in && self.open_jobs(&id) == 0;
        let active = self.before.register.accounts.get(&id).is_some_and(|one| one.state == AccountState::Active);
        ensure(!(was && could && active) || self.after.key(&id, ordinal) == Some(&KeyStanding::Revoked), || {
            format!(
                "{id}'s key {ordinal} is {:?} after it was replaced: {:?}",
                self.after.key(&id, ordinal),
                self.outcome
            )
        })
    }

    /// A key in hand is enrolled anew, and its old credential goes; one that is not in hand is as it was.
    fn replaced_by_itself(&self, person: Person, ordinal: usize) -> Result<(), String> {
        let Some(id) = self.account(person) else { return Ok(()) };
        if self.outcome.refused.is_some() {
            return self.refused().unwrap_or(Ok(()));
        }
        let counted = |seen: &Observed| seen.standings.get(&id).map_or(0, |standing| standing.in_service());
        let was = self.before.key(&id, ordinal).is_some_and(KeyStanding::counts);
        let credential = self.before.register.credential_of_key(&id, ordinal);
        let has_it = |key: &&Key| credential.is_some_and(|one| key.held.credentials.contains(one));
        let is_in_hand = self.before.keys.iter().find(has_it).is_some_and(|key| key.in_hand);
        let same_profile = self.before.register.accounts[&id].profile == self.after.register.accounts[&id].profile;
        if !was || self.world.is_away() || self.open_jobs(&id) > 0 || !same_profile {
            return Ok(());
        }
        ensure(counted(self.after) >= counted(self.before), || {
            format!("{id} had {} keys and has {}", counted(self.before), counted(self.after))
        })?;
        let now = self.after.key(&id, ordinal);
        ensure(!is_in_hand || now == Some(&KeyStanding::Revoked), || {
            format!("{id}'s key {ordinal} is {now:?} after it was to replace itself: {:?}", self.outcome)
        })
    }

    /// The key that is gone counts no longer from the first moment on; with a key at hand the person has all again.
    fn recovered(&self, person: Person, ordinal: usize) -> Result<(), String> {
        let Some(id) = self.account(person) else { return Ok(()) };
        let Some(account) = self.before.register.accounts.get(&id) else { return Ok(()) };
        let was = self.before.key(&id, ordinal).is_some_and(KeyStanding::counts);
        let is_open = self.before.register.rollout.open_recovery(&id).is_some();
        if !was || is_open || account.state != AccountState::Active {
            return Ok(());
        }
        let now = self.after.key(&id, ordinal);
        let is_gone = now == Some(&KeyStanding::Revoked);
        let is_noted = self.world.is_away() && now == Some(&KeyStanding::RevocationPending);
        ensure(is_gone || is_noted, || {
            format!("{id}'s key {ordinal} is {now:?} after it was lost: {:?}", self.outcome)
        })?;
        let was_complete = self.before.standings[&id].account == AccountStanding::Complete;
        let could = was_complete && !self.world.is_away() && self.before.free() > 0 && self.open_jobs(&id) == 0;
        let (standing, is_let_in) =
            (self.after.standings[&id].account, self.world.user(person).is_some_and(|user| user.active));
        // A letter that nobody has seen is no PIN handed over.
        let is_posted = !waiting_letters(&self.after.register, &id).is_empty();
        ensure(!could || is_posted || is_let_in && standing == AccountStanding::Complete, || {
            format!("{id} is {standing:?} after a recovery: {:?}", self.outcome)
        })
    }

    /// An empty key that the register never saw is in stock afterwards.
    fn stocked(&self) -> Result<(), String> {
        let count = |seen: &Observed| seen.register.keys.in_stock().count();
        let is_new = |key: &&Key| {
            key.in_hand && !key.held.has_pin && key.held.credentials.is_empty() && !self.before.was_seen(key.slot)
        };
        let expected = self.before.keys.iter().any(|key| is_new(&key));
        ensure(self.outcome.refused.is_some() || !expected || count(self.after) > count(self.before), || {
            format!("nothing came into stock: {:?}", self.outcome)
        })
    }

    fn labelled(&self, person: Person, ordinal: usize) -> Result<(), String> {
        let Some(id) = self.account(person).filter(|_| self.outcome.refused.is_none()) else { return Ok(()) };
        let register = &self.after.register;
        let Some(credential) = register.credential_of_key(&id, ordinal) else { return Ok(()) };
        let Some(known) = register.credentials.get(credential) else { return Ok(()) };
        // The label is the key's; a credential that the key has no more keeps the one that it had.
        let key = known.number.and_then(|number| register.keys.get(number));
        let is_called = key.is_some_and(|key| key.kept.label.as_deref() == Some(LABEL));
        ensure(is_called, || format!("the key of {id}'s key {ordinal} is {key:?}"))?;
        let is_current =
            known.number.and_then(|number| register.current_of(number)).is_some_and(|(id, _)| id == credential);
        ensure(!is_current || known.label() == Some(LABEL), || {
            format!("{id}'s key {ordinal} is called {:?}", known.label())
        })?;
        ensure(known.relabel.is_none(), || format!("{id}'s key {ordinal} is still to be called so at the IdP"))
    }

    fn edited(&self, person: Person) -> Result<(), String> {
        let Some(id) = self.account(person).filter(|_| self.outcome.refused.is_none()) else { return Ok(()) };
        let known = &self.after.register.accounts[&id].person;
        ensure(known.name.as_deref() == Some(NAME) && known.ticket.as_deref() == Some(TICKET), || {
            format!("{id} is {known:?} after it was corrected")
        })
    }

    /// Somebody who is gone, and has nothing of ours, is nobody afterwards; anybody else is as before.
    fn erased(&self, person: Person) -> Result<(), String> {
        if self.outcome.refused.is_some() {
            return ensure(self.before.register.head == self.after.register.head, || {
                format!("refused, and written: {:?}", self.outcome)
            });
        }
        let Some(id) = self.world.account(person, &self.before.register) else {
            return Err(format!("{person} had no account: {:?}", self.outcome));
        };
        let erased = |seen: &Observed| seen.register.accounts.values().filter(|one| one.erased.is_some()).count();
        let is_gone = !self.after.register.accounts.contains_key(&id) && erased(self.after) > erased(self.before);
        ensure(is_gone, || format!("{id} was erased, and is there: {:?}", self.outcome))?;
        let was = &self.before.register;
        ensure(was.accounts[&id].state != AccountState::Active, || format!("{id} was erased while active"))?;
        ensure(!was.credentials_of(&id).any(|(_, one)| one.is_out()), || format!("{id} was erased with keys out"))
    }

    fn letters_came(&self, person: Person) -> Result<(), String> {
        let Some(id) = self.account(person) else { return Ok(()) };
        let waiting = |seen: &Observed| waiting_letters(&seen.register, &id).len();
        let expected = if self.outcome.refused.is_some() { waiting(self.before) } else { 0 };
        ensure(waiting(self.after) == expected, || {
            format!("{} letters of {id} wait: {:?}", waiting(self.after), self.outcome)
        })
    }

    fn said(&self, person: Person, ordinal: usize, said: Said) -> Result<(), String> {
        let Some(id) = self.account(person).filter(|_| self.outcome.refused.is_none()) else { return Ok(()) };
        let credential = self.after.register.credential_of_key(&id, ordinal);
        let number = credential.and_then(|id| self.after.register.credentials[id].number);
        let state = number.and_then(|number| self.after.register.keys.get(number)).map(|key| key.state);
        let expected = if said == Said::Lost { KeyState::Lost } else { KeyState::Held };
        ensure(state == Some(expected), || format!("{id}'s key {ordinal} is {state:?}: {:?}", self.outcome))?;
        let now = self.after.key(&id, ordinal);
        ensure(said == Said::Held || now.is_none_or(|now| !now.counts()), || {
            format!("{id}'s key {ordinal} is lost and {now:?}")
        })
    }

    fn revoked(&self, person: Person, ordinal: usize) -> Result<(), String> {
        let Some(id) = self.account(person) else { return Ok(()) };
        let Some(was) = self.before.key(&id, ordinal) else { return Ok(()) };
        let now = self.after.key(&id, ordinal);
        let what =
            || format!("{id}'s key {ordinal} was {was:?} and is {now:?} after it was revoked: {:?}", self.outcome);
        let is_out = |standing: &KeyStanding| !standing.counts() && !standing.is_to_come();
        if self.world.is_away() {
            // Noted at once, if there is something at the IdP.
            return ensure(!was.counts() || now == Some(&KeyStanding::RevocationPending), what);
        }
        ensure(now.is_none_or(|now| is_out(now) && *now != KeyStanding::RevocationPending), what)
    }

    fn left(&self, person: Person) -> Result<(), String> {
        let Some(id) = self.account(person) else { return Ok(()) };
        let standing = &self.after.standings[&id];
        ensure(standing.account == AccountStanding::Left, || {
            format!("{id} is {:?} and not left: {:?}", standing.account, self.outcome)
        })?;
        let live = |line: &keywright::register::KeyLine| {
            line.standing.counts() || line.standing.is_to_come() || line.standing == KeyStanding::RevocationPending
        };
        ensure(self.world.is_away() || !standing.keys.iter().any(live), || {
            format!("{id} left with {:?}", standing.keys)
        })
    }

    fn forgotten(&self, person: Person) -> Result<(), String> {
        let Some(id) = self.account(person) else { return Ok(()) };
        let had_keys = self.before.register.credentials_of(&id).count() > 0;
        let is_forgotten = self.after.standings.get(&id).is_some_and(|one| one.account == AccountStanding::Forgotten);
        ensure(is_forgotten != had_keys, || {
            format!("{id} had keys: {had_keys}, is forgotten: {is_forgotten}: {:?}", self.outcome)
        })
    }

    /// A key in hand that the program wiped counts for nobody, and has nothing left.
    fn wiped(&self) -> Result<(), String> {
        let Some(slot) = self.slot else { return Ok(()) };
        if self.outcome.refused.is_some() {
            return Ok(());
        }
        ensure(self.after.keys[slot - 1].held.credentials.is_empty(), || format!("slot {slot} is not empty"))?;
        for (id, ordinal) in self.addressed() {
            let now = self.after.key(&id, ordinal);
            ensure(now.is_none_or(|now| !now.counts()), || {
                format!("{id}'s key {ordinal} is {now:?} on an erased key")
            })?;
        }
        Ok(())
    }

    fn deleted(&self) -> Result<(), String> {
        let Some(slot) = self.slot else { return Ok(()) };
        let (before, after) = (&self.before.keys[slot - 1].held, &self.after.keys[slot - 1].held);
        let expected = before.credentials.len() - usize::from(self.outcome.refused.is_none());
        ensure(after.credentials.len() == expected, || {
            format!("slot {slot} has {} credentials: {:?}", after.credentials.len(), self.outcome)
        })
    }
}
