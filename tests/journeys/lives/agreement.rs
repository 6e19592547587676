//! What holds at every moment of a life: register, IdP and keys say the same.

use std::collections::{BTreeMap, BTreeSet};

use keywright::idp::Directory as _;
use keywright::ledger::{AccountId, JobId, Outcome, Step as JobStep};
use keywright::register::{AccountStanding, CredentialState, Job, JobState, KeyStanding, Register, Standing};
use keywright_fido::webauthn::CredentialId;
use time::OffsetDateTime;

use super::step::Slot;
use super::world::{Key, World};

/// What was seen after a step.
pub(super) struct Observed {
    pub(super) register: Register,
    pub(super) standings: BTreeMap<AccountId, Standing>,
    pub(super) keys: Vec<Key>,
}

impl Observed {
    /// What holds of one key.
    pub(super) fn key(&self, account: &AccountId, ordinal: usize) -> Option<&KeyStanding> {
        let lines = &self.standings.get(account)?.keys;
        lines.iter().find(|line| line.ordinal == ordinal).map(|line| &line.standing)
    }

    /// Keys that count, each with its account and number.
    pub(super) fn in_service(&self) -> BTreeSet<(AccountId, usize)> {
        let lines = self.standings.iter().flat_map(|(id, standing)| standing.keys.iter().map(move |line| (id, line)));
        lines.filter(|(_, line)| line.standing.counts()).map(|(id, line)| (id.clone(), line.ordinal)).collect()
    }

    /// The keys that have this credential: one, or something is wrong.
    fn keys_with(&self, id: &CredentialId) -> Vec<Slot> {
        self.keys.iter().filter(|key| key.held.credentials.contains(id)).map(|key| key.slot).collect()
    }

    /// Whether a job that is not done may have left something on the key in this port.
    pub(super) fn is_under_way(&self, slot: Slot) -> bool {
        self.register.unfinished().any(|(_, job)| job.key().is_some_and(|key| key.port == port(slot)))
    }

    /// Whether the register knows a key that was ever in this port: one of a job, or one of stock.
    pub(super) fn was_seen(&self, slot: Slot) -> bool {
        let of_jobs = self.register.jobs.values().filter_map(Job::key);
        let known = self.register.keys.iter().filter_map(|(_, key)| key.identity.as_deref());
        of_jobs.chain(known).any(|identity| identity.port == port(slot))
    }

    /// Keys in hand that a job may take: nobody's as far as the register knows.
    pub(super) fn free(&self) -> usize {
        let lives = |id: &CredentialId| self.register.credentials.get(id).is_some_and(|one| one.state.lives());
        let free = self.keys.iter().filter(|key| key.in_hand && !key.held.credentials.iter().any(lives));
        free.filter(|key| !self.is_under_way(key.slot)).count()
    }
}

pub(super) fn port(slot: Slot) -> String {
    format!("soft-{slot}")
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Looks at all of it, and says what does not fit together.
pub(super) fn check(world: &World) -> Result<Observed, String> {
    // The chain is verified by this, too.
    let register = world.book();
    let now = OffsetDateTime::now_utc();
    let standings = register.standings(now).into_iter().map(|(id, standing)| (id.clone(), standing)).collect();
    let seen = Observed { standings, keys: world.keys(), register };
    for id in seen.register.accounts.keys() {
        with_the_idp(world, &seen, id)?;
        counts(&seen, id)?;
    }
    on_keys(&seen)?;
    working_copies(world, &seen)?;
    Ok(seen)
}

/// The IdP has what the register says that it has.
fn with_the_idp(world: &World, seen: &Observed, id: &AccountId) -> Result<(), String> {
    let account = &seen.register.accounts[id];
    // Nobody can ask the IdP about somebody who was erased.
    let Some(user_id) = account.user_id.as_ref().filter(|_| account.erased.is_none()) else { return Ok(()) };
    let directory = world.workshop.directory();
    let user = directory.find_user(user_id).map_err(|error| error.to_string())?;
    let mut listed = BTreeSet::new();
    for registered in directory.list(&user).map_err(|error| error.to_string())? {
        let credential_id = registered.credential_id.expect("the embedded IdP tells credential ids");
        let known = seen.register.credentials.get(&credential_id);
        let known = known.filter(|known| known.account == *id);
        let Some(known) = known else {
            return Err(format!("{id} has {credential_id} at the IdP, which is in no ledger"));
        };
        let is_sent = || {
            let job = &seen.register.jobs[&known.job];
            known.state == CredentialState::OnKey && job.state.step() == Some(JobStep::Complete)
        };
        ensure(matches!(known.state, CredentialState::Registered | CredentialState::Erased) || is_sent(), || {
            format!("{id}'s key {} is {:?} in the register and registered at the IdP", known.ordinal, known.state)
        })?;
        let is_called_so = || known.label.as_deref() == Some(registered.label.as_str());
        ensure(known.state != CredentialState::Registered || known.relabel.is_some() || is_called_so(), || {
            format!(
                "{id}'s key {} is called {:?} in the register and {:?} at the IdP",
                known.ordinal, known.label, registered.label
            )
        })?;
        listed.insert(credential_id);
    }
    for (credential_id, known) in seen.register.credentials_of(id) {
        let is_to_be_there = known.state == CredentialState::Registered && known.to_be_revoked.is_none();
        ensure(!is_to_be_there || listed.contains(credential_id), || {
            format!("{id}'s key {} is registered in the register and not at the IdP", known.ordinal)
        })?;
    }
    for pending in directory.pending(&user).map_err(|error| error.to_string())? {
        let jobs = account.jobs.iter().map(|job| &seen.register.jobs[job]);
        let mut knows = jobs.filter(|job| {
            let is_its = job.pending.as_ref() == Some(&pending);
            let may_have_begun = matches!(job.state.step(), Some(JobStep::Begin));
            is_its && job.directory_waits || may_have_begun
        });
        ensure(knows.next().is_some() || was_given_up(seen, account.jobs.iter()), || {
            format!("{id} has a pending registration at the IdP that no job knows of")
        })?;
    }
    Ok(())
}

/// A job that was given up while a registration may have been begun for it that the ledger did not hear of: it runs out by itself.
fn was_given_up<'a>(seen: &Observed, mut jobs: impl Iterator<Item = &'a JobId>) -> bool {
    jobs.any(|job| seen.register.jobs[job].state == JobState::GivenUp)
}

/// What counts would sign in, and is there as often as it is counted.
fn counts(seen: &Observed, id: &AccountId) -> Result<(), String> {
    let standing = &seen.standings[id];
    let mut keys = BTreeSet::new();
    for line in standing.keys.iter().filter(|line| line.standing.counts()) {
        let what = format!("{id}'s key {}", line.ordinal);
        let credential_id = line.credential_id.as_ref().ok_or_else(|| format!("{what} counts without a credential"))?;
        let on = seen.keys_with(credential_id);
        ensure(on.len() == 1, || format!("{what} is in service, and its credential is on {on:?}"))?;
        let key = &seen.keys[on[0] - 1];
        ensure(key.held.has_pin, || format!("{what} is in service without a PIN"))?;
        ensure(keys.insert(key.slot), || format!("{what} is another key of the same account, too"))?;
        for (other, others) in &seen.standings {
            let lines = others.keys.iter().filter(|line| line.standing.counts());
            let ids = lines.filter_map(|line| line.credential_id.as_ref());
            let shared = ids.filter(|id| *id != credential_id).any(|id| key.held.credentials.contains(id));
            ensure(!shared, || format!("{what} counts for {other}, too"))?;
        }
    }
    ensure(standing.account != AccountStanding::Complete || keys.len() >= standing.required, || {
        format!("{id} is complete with {} of {} keys", keys.len(), standing.required)
    })?;
    let account = &seen.register.accounts[id];
    ensure(!account.completed || standing.required <= seen.register.credentials_of(id).count(), || {
        format!("{id} was called complete with fewer keys than its profile says")
    })?;
    let in_use = |line: &keywright::register::KeyLine| line.standing.counts();
    let is_over = matches!(standing.account, AccountStanding::Left | AccountStanding::Forgotten);
    ensure(!is_over || !standing.keys.iter().any(in_use), || {
        format!("{id} is {:?} with a key in service", standing.account)
    })
}

/// What is on a key in hand is known, or the job is open that may have left it; and what is said to be gone is gone.
fn on_keys(seen: &Observed) -> Result<(), String> {
    for key in &seen.keys {
        for credential_id in &key.held.credentials {
            match seen.register.credentials.get(credential_id) {
                Some(known) => {
                    ensure(!matches!(known.state, CredentialState::Deleted | CredentialState::Erased), || {
                        format!(
                            "{}'s key {} is {:?} and on the key in slot {}",
                            known.account, known.ordinal, known.state, key.slot
                        )
                    })?
                }
                None => ensure(may_have_made(seen, key.slot), || {
                    format!("the key in slot {} has a credential that nobody knows of", key.slot)
                })?,
            }
        }
    }
    Ok(())
}

/// Whether a job was at making a credential on this key when it stopped, or was given up then, which tells people to look.
fn may_have_made(seen: &Observed, slot: Slot) -> bool {
    let made = |job: &&Job| {
        let is_its = job.key().is_some_and(|key| key.port == port(slot));
        is_its && job.outcomes.contains(JobStep::Begin)
    };
    let mut jobs = seen.register.jobs.values().filter(made);
    jobs.any(|job| job.state.step().is_some() || job.state == JobState::GivenUp)
}

/// A working copy of a PIN stays as long as somebody needs it.
fn working_copies(world: &World, seen: &Observed) -> Result<(), String> {
    let sealed = |job: &Job| match world.workshop.outcome(job, JobStep::SealPin) {
        Some(Outcome::SealPin { sealed, .. }) => Some(sealed),
        _ => None,
    };
    let unfinished: Vec<_> = seen.register.unfinished().filter_map(|(_, job)| sealed(job)).collect();
    for copy in world.workshop.vault().list().map_err(|error| error.to_string())? {
        let told = || seen.register.attention.iter().any(|(_, message)| message.contains(&copy.0));
        let may_be_open = || {
            let at = |job: &Job| matches!(job.state.step(), Some(JobStep::SealPin));
            seen.register.unfinished().any(|(_, job)| at(job))
        };
        let is_given_up = || seen.register.jobs.values().any(|job| job.state == JobState::GivenUp);
        ensure(unfinished.contains(&copy) || told() || may_be_open() || is_given_up(), || {
            format!("the working copy {} belongs to no job that goes on", copy.0)
        })?;
    }
    Ok(())
}
