//! Reads people's ways in from an IdP: lists first, page by page, then each person, several at once.
//!
//! What was read of people is kept as it comes, so that whoever reads 5,000 of them and is interrupted goes on where it ended. It
//! refuses to leave out a person whose entry could not be read without saying so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use time::OffsetDateTime;

use super::sighting::{self, Sighting};
use super::{Gone, HeldRole, Inventory, Scope, compare};
use crate::idp::capability::{
    Capability, Cursor, Listing, Method, Page, People, Person, Reported, RoleHolder, Told, Untold, walk,
};
use crate::idp::{Directory, DirectoryError, User};
use crate::profile::login;
use crate::provision::RetryPolicy;
use crate::register::{IdpIdentity, Register};
use crate::rollout::error::RolloutError;
use crate::rollout::plan::{Plan, Who};
use keywright_files::Cancel;

/// People who are read before what was read is kept.
pub const PORTION: usize = 32;

/// Requests at once.
const AT_ONCE: usize = 4;

/// Where methods come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The IdP's report over all accounts, where it has one: few requests, and it may lag.
    Report,
    /// Each account: what is there now.
    EachAccount,
}

/// What reading takes.
pub struct Reader<'a> {
    /// The IdP.
    pub directory: &'a dyn Directory,
    /// How often it is asked again.
    pub retry: &'a RetryPolicy,
    /// Ends it between two people.
    pub cancel: &'a Cancel,
    /// The time.
    pub now: &'a (dyn Fn() -> OffsetDateTime + Sync),
    /// Is told after each person how many of how many are read.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// Where people who were read are kept until all of them are.
pub trait Partial {
    /// Those that an earlier reading of the same people left.
    fn kept(&self) -> Result<Vec<Sighting>, RolloutError>;

    /// Keeps some more.
    fn keep(&self, more: &[Sighting]) -> Result<(), RolloutError>;
}

/// Keeps nothing: for few people.
pub struct NotKept;

impl Partial for NotKept {
    fn kept(&self) -> Result<Vec<Sighting>, RolloutError> {
        Ok(Vec::new())
    }

    fn keep(&self, _more: &[Sighting]) -> Result<(), RolloutError> {
        Ok(())
    }
}

/// Somebody who is to be read.
struct Candidate {
    user_id: String,
    /// Where a list has no more than that, or the ledger knows it.
    login: Option<String>,
    /// As a list had it; `None` where lists have ids alone.
    user: Option<User>,
    guest: bool,
    group: Option<String>,
}

impl Candidate {
    fn by_id(id: &str) -> Self {
        Self { user_id: id.to_owned(), login: None, user: None, guest: false, group: None }
    }
}

/// All people with a role of power.
struct Roles {
    held: HashMap<String, Vec<HeldRole>>,
    /// By id, where the list has them.
    logins: HashMap<String, String>,
    untold: Vec<Untold>,
}

impl Reader<'_> {
    /// Reads everybody that the scope is about; `plan` is asked for its groups where it is the scope.
    pub fn read(
        &self,
        scope: &Scope,
        plan: Option<&Plan>,
        depth: Depth,
        register: &Register,
        partial: &dyn Partial,
    ) -> Result<Inventory, RolloutError> {
        let instance = self.ask(|| self.directory.instance()).map_err(|error| self.why_it_ended(error))?;
        let idp = IdpIdentity { name: self.directory.name().to_owned(), instance: instance.clone() };
        let people = self
            .directory
            .capabilities()
            .people
            .ok_or_else(|| RolloutError::NoPeople { directory: self.directory.name().to_owned() })?;
        let roles = self.roles(people)?;
        let mut untold = roles.untold.clone();
        let candidates = self.candidates(people, scope, plan, &roles, &mut untold, (register, &idp))?;
        let reported = match depth {
            Depth::Report => self.report(candidates.len())?,
            Depth::EachAccount => HashMap::new(),
        };
        let (sightings, gone) = self.each(&candidates, &reported, partial)?;
        let gone = gone.into_iter().map(|user_id| Gone {
            login: roles.logins.get(&user_id).cloned(),
            account: register.account_of_user(&idp, &user_id).cloned(),
            user_id,
        });
        let gone = gone.collect();
        let groups: HashMap<&str, &Option<String>> =
            candidates.iter().map(|one| (one.user_id.as_str(), &one.group)).collect();
        let now = (self.now)();
        let mut entries: Vec<_> = sightings
            .into_iter()
            .map(|sighting| {
                let held = roles.held.get(&sighting.user.id).cloned().unwrap_or_default();
                let group = groups.get(sighting.user.id.as_str()).and_then(|group| (*group).clone());
                compare::entry(sighting, held, group, &idp, register, now)
            })
            .collect();
        entries.sort_by_cached_key(|entry| login::folded(&entry.user.login));
        let lacks = self.lacks();
        let directory = self.directory.name().to_owned();
        Ok(Inventory { taken: now, directory, instance, scope: scope.clone(), people: entries, gone, untold, lacks })
    }

    fn ask<T>(&self, request: impl FnMut() -> Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        self.retry.ask(self.cancel, request)
    }

    /// What an inventory would have and this IdP tells of nobody.
    fn lacks(&self) -> BTreeSet<Capability> {
        let has = self.directory.capabilities();
        let wanted = [Capability::People, Capability::Methods, Capability::Passkeys, Capability::LastUse];
        wanted.into_iter().filter(|one| !has.has(*one)).collect()
    }

    fn walk<T>(
        &self,
        mut page: impl FnMut(Option<&Cursor>) -> Result<Page<T>, DirectoryError>,
    ) -> Result<Listing<T>, RolloutError> {
        let mut all = Listing::default();
        let fetch = |after: Option<&Cursor>| self.next_page(after, &mut page);
        walk(self.directory.name(), fetch, |Listing { found, untold }| {
            all.found.extend(found);
            for one in untold {
                if !all.untold.contains(&one) {
                    all.untold.push(one);
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(all)
    }

    /// Asks for a page; not for a further one once somebody ended the reading.
    fn next_page<P>(
        &self,
        after: Option<&Cursor>,
        mut page: impl FnMut(Option<&Cursor>) -> Result<P, DirectoryError>,
    ) -> Result<P, RolloutError> {
        match after {
            Some(_) if self.cancel.is_cancelled() => Err(RolloutError::Stopped),
            _ => self.ask(|| page(after)).map_err(|error| self.why_it_ended(error)),
        }
    }

    /// A wait for the IdP that somebody ended gives back what was waited for; it is no fault of the IdP's.
    fn why_it_ended(&self, error: DirectoryError) -> RolloutError {
        if self.cancel.is_cancelled() && error.is_away() { RolloutError::Stopped } else { error.into() }
    }

    /// Everybody's roles.
    fn roles(&self, people: &dyn People) -> Result<Roles, RolloutError> {
        let holders = match self.walk(|after| people.admins(after)) {
            Ok(holders) => holders,
            Err(RolloutError::Directory(error)) => Listing::untold(Untold::of_refusal("who has roles", "", error)?),
            Err(error) => return Err(error),
        };
        let (mut held, mut logins) = (HashMap::<String, Vec<HeldRole>>::new(), HashMap::new());
        for RoleHolder { user_id, login, role, hold, through } in holders.found {
            logins.extend(login.map(|login| (user_id.clone(), login)));
            held.entry(user_id).or_default().push(HeldRole { role, hold, through });
        }
        for roles in held.values_mut() {
            roles.sort();
            roles.dedup();
        }
        Ok(Roles { held, logins, untold: holders.untold })
    }

    fn candidates(
        &self,
        people: &dyn People,
        scope: &Scope,
        plan: Option<&Plan>,
        roles: &Roles,
        untold: &mut Vec<Untold>,
        (register, idp): (&Register, &IdpIdentity),
    ) -> Result<Vec<Candidate>, RolloutError> {
        let named =
            |id: &str, login: Option<&str>| Candidate { login: login.map(str::to_owned), ..Candidate::by_id(id) };
        let mut found: BTreeMap<String, Candidate> = BTreeMap::new();
        let groups: Vec<(&Who, Option<&str>)> = match scope {
            Scope::People(who) => vec![(who, None)],
            Scope::Rollout => {
                plan.iter().flat_map(|plan| &plan.groups).map(|one| (&one.who, Some(one.name.as_str()))).collect()
            }
            Scope::Ledger => {
                let here = register.accounts.iter().filter(|(id, account)| idp.has(id, account));
                for (_, account) in here {
                    // One that was never looked up is looked up by its login: its list would read as clean otherwise.
                    let id = account.user_id.as_deref().unwrap_or(&account.login);
                    found.insert(id.to_owned(), named(id, Some(&account.login)));
                }
                vec![(&Who::AllAdmins, None)]
            }
            Scope::Accounts(logins) => {
                for login in logins {
                    let known =
                        register.accounts_named(login).into_iter().find(|id| idp.has(id, &register.accounts[*id]));
                    let id = known.and_then(|id| register.accounts[id].user_id.as_deref()).unwrap_or(login);
                    found.insert(id.to_owned(), named(id, Some(login)));
                }
                Vec::new()
            }
        };
        for (who, group) in groups {
            let its = match self.people_of(people, who, roles, untold) {
                // A group of the plan in which nobody is keeps an enforcement from being decided; it is no wrong command.
                Err(RolloutError::NobodyHasRole { .. }) if *scope == Scope::Rollout => Vec::new(),
                its => its?,
            };
            for mut candidate in its {
                // The first group of the plan that a person is in is theirs.
                candidate.group = group.map(str::to_owned);
                match found.get_mut(&candidate.user_id) {
                    Some(known) => known.user = known.user.take().or(candidate.user),
                    None => drop(found.insert(candidate.user_id.clone(), candidate)),
                }
            }
        }
        Ok(found.into_values().collect())
    }

    fn people_of(
        &self,
        people: &dyn People,
        who: &Who,
        roles: &Roles,
        untold: &mut Vec<Untold>,
    ) -> Result<Vec<Candidate>, RolloutError> {
        let with_role = |wanted: &dyn Fn(&HeldRole) -> bool| -> Vec<Candidate> {
            let holders = roles.held.iter().filter(|(_, held)| held.iter().any(wanted));
            holders.map(|(id, _)| Candidate { login: roles.logins.get(id).cloned(), ..Candidate::by_id(id) }).collect()
        };
        match who {
            Who::AllAdmins => Ok(with_role(&|_| true)),
            Who::Role(name) => {
                let is_it = |held: &HeldRole| held.role.id == *name || login::is_same(&held.role.name, name);
                let holders = with_role(&is_it);
                if holders.is_empty() && roles.untold.is_empty() {
                    let known = roles.held.values().flatten().map(|held| held.role.name.clone());
                    return Err(RolloutError::NobodyHasRole {
                        role: name.clone(),
                        known: known.collect::<BTreeSet<_>>().into_iter().collect(),
                    });
                }
                Ok(holders)
            }
            Who::Group(name) => {
                let members = self.walk(|after| people.members(name, after))?;
                untold.extend(members.untold);
                let candidate = |person: Person| Candidate {
                    user: Some(person.user.clone()),
                    guest: person.guest,
                    ..Candidate::by_id(&person.user.id)
                };
                Ok(members.found.into_iter().map(candidate).collect())
            }
        }
    }

    /// What the IdP's report says of everybody's methods; of nobody, where it has none or keeps it back: then each account is
    /// asked for. It is left alone where few people are wanted.
    fn report(&self, people: usize) -> Result<HashMap<String, Listing<Method>>, RolloutError> {
        let mut all = HashMap::new();
        let Some(methods) = self.directory.capabilities().methods else { return Ok(all) };
        if people <= PORTION {
            return Ok(all);
        }
        let mut is_kept_back = false;
        let fetch = |after: Option<&Cursor>| {
            Ok::<_, RolloutError>(match self.next_page(after, |after| methods.report(after).transpose())? {
                Some(Told::Known(page)) => page,
                None | Some(Told::CannotTell(_)) => {
                    is_kept_back = true;
                    Page::only(Listing::default())
                }
            })
        };
        walk(self.directory.name(), fetch, |listing| {
            all.extend(listing.found.into_iter().map(|one: Reported| (one.user_id, one.methods)));
            ControlFlow::Continue(())
        })?;
        // A report that breaks off tells of nobody: then each account is asked for.
        Ok(if is_kept_back { HashMap::new() } else { all })
    }

    /// Looks at each of them, several at once, a portion at a time; gives those that were gone in between by themselves.
    fn each(
        &self,
        candidates: &[Candidate],
        reported: &HashMap<String, Listing<Method>>,
        partial: &dyn Partial,
    ) -> Result<(Vec<Sighting>, Vec<String>), RolloutError> {
        let wanted: BTreeSet<&str> = candidates.iter().map(|one| one.user_id.as_str()).collect();
        let mut sightings = partial.kept()?;
        sightings.retain(|one| wanted.contains(one.user.id.as_str()));
        let kept: BTreeSet<String> = sightings.iter().map(|one| one.user.id.clone()).collect();
        let left: Vec<&Candidate> = candidates.iter().filter(|one| !kept.contains(&one.user_id)).collect();
        let (mut gone, done) = (Vec::new(), AtomicUsize::new(kept.len()));
        (self.progress)(kept.len(), candidates.len());
        for portion in left.chunks(PORTION) {
            let (found, error) = self.portion(portion, reported, &done, candidates.len());
            let mut fresh = Vec::new();
            for (user_id, looked) in found {
                match looked {
                    Some(sighting) => fresh.push(sighting),
                    None => gone.push(user_id),
                }
            }
            if !fresh.is_empty() {
                partial.keep(&fresh)?;
            }
            sightings.extend(fresh);
            match error {
                Some(error) => return Err(self.why_it_ended(error)),
                None if self.cancel.is_cancelled() => return Err(RolloutError::Stopped),
                None => {}
            }
        }
        Ok((sightings, gone))
    }

    /// What came of each of a portion; `None` for an account that is not there any more. Ends at the first failure.
    #[allow(clippy::type_complexity, reason = "who, and what came of them")]
    fn portion(
        &self,
        portion: &[&Candidate],
        reported: &HashMap<String, Listing<Method>>,
        done: &AtomicUsize,
        all: usize,
    ) -> (Vec<(String, Option<Sighting>)>, Option<DirectoryError>) {
        let (next, found, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(None));
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(portion.len()) {
                scope.spawn(|| {
                    while let Some(one) = portion.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if self.cancel.is_cancelled() || locked(&failed).is_some() {
                            return;
                        }
                        let looked = match self.look(one, reported.get(&one.user_id)) {
                            Ok(sighting) => Some(sighting),
                            Err(DirectoryError::NotFound { .. }) => None,
                            Err(error) => {
                                locked(&failed).get_or_insert(error);
                                return;
                            }
                        };
                        locked(&found).push((one.user_id.clone(), looked));
                        (self.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, all);
                    }
                });
            }
        });
        let error = locked(&failed).take();
        (std::mem::take(&mut *locked(&found)), error)
    }

    /// By the IdP's id, which many take in the place of a login; else by the login, if it is still the same person's.
    fn find(&self, one: &Candidate) -> Result<User, DirectoryError> {
        let by_id = self.ask(|| self.directory.find_user(&one.user_id));
        let (Err(DirectoryError::NotFound { .. } | DirectoryError::Refused { .. }), Some(login)) = (&by_id, &one.login)
        else {
            return by_id;
        };
        match self.ask(|| self.directory.find_user(login)) {
            Ok(user) if user.id == one.user_id || *login == one.user_id => Ok(user),
            Ok(_) => by_id,
            Err(error) => Err(error),
        }
    }

    fn look(&self, one: &Candidate, reported: Option<&Listing<Method>>) -> Result<Sighting, DirectoryError> {
        let user = match &one.user {
            Some(user) => user.clone(),
            None => self.find(one)?,
        };
        let now = (self.now)();
        self.ask(|| sighting::look(self.directory, user.clone(), one.guest, reported.cloned(), now))
    }
}

/// A thread that panicked left nothing half-done in here.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
