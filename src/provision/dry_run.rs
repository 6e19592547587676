//! What a plan would do with the keys that are plugged in: everything that can be tried without writing to a key, the IdP or the
//! ledger.

use std::collections::BTreeMap;

use super::job_error::JobError;
use super::journal::Journal;
use super::key_fit;
use super::open_key::OpenKey;
use super::plan::{Plan, Planned};
use super::preflight;
use super::recognise::{Shown, may_be, shown_of_register};
use super::run_error::RunError;
use super::same_key;
use super::station::Station;
use crate::ledger::{AccountId, Failure, JobId};
use crate::profile::Reset;
use crate::register::{Credential, Job};
use keywright_fido::webauthn::Aaguid;

/// A plan, held against keys.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// The keys that are plugged in.
    pub keys: Vec<KeySeen>,
    /// How many keys are in stock by the register, plugged in or not.
    pub in_stock: usize,
    /// Which of them each account's planned keys would be.
    pub matches: BTreeMap<AccountId, Vec<KeyMatch>>,
    /// Accounts whose registration the IdP would refuse.
    pub refusals: BTreeMap<AccountId, Failure>,
}

/// A key that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySeen {
    /// Where.
    pub port: String,
    /// The product's name.
    pub product: String,
    /// Its model, if it could be asked.
    pub aaguid: Option<Aaguid>,
    /// What it is good for.
    pub state: KeyState,
}

/// What a key that is plugged in is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// It has no PIN.
    Fresh,
    /// It has a PIN, and shows no credential of the register: a reset makes it usable, where the profile allows one.
    Used,
    /// It is somebody's already.
    Taken(AccountKey),
    /// It has a PIN, shows nothing, and looks like this key, which only its PIN could tell.
    CannotTell(AccountKey),
    /// It cannot be used.
    Unusable(Failure),
}

/// A key of the register, as a person speaks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountKey {
    /// Whose. The login that the IdP has for it may be another by now.
    pub account: AccountId,
    /// The login that the register has for it.
    pub login: String,
    /// Which of the account's keys.
    pub ordinal: usize,
}

/// A key that is to be made, and the one that is plugged in that it would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMatch {
    /// Which of the account's keys.
    pub ordinal: usize,
    /// Whether a key that would do is plugged in, and what would happen to it first. Which of several it will be, is for whoever
    /// touches them, or for chance, to say.
    pub key: Option<Use>,
    /// Why the keys that are left would not do: the first reason. `None` if there are none, or one does.
    pub refusal: Option<Failure>,
}

/// How a key that is plugged in would be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// As it is.
    AsItIs,
    /// After a reset.
    AfterReset,
}

/// How many keys a run resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resets {
    /// So many.
    Exactly(usize),
    /// At the most so many: more keys are free than are needed, or a key may turn out to be free once its PIN is tried.
    UpTo(usize),
}

impl DryRun {
    /// How many keys that are plugged in are nobody's.
    pub fn free(&self) -> usize {
        self.keys.iter().filter(|key| matches!(key.state, KeyState::Fresh | KeyState::Used)).count()
    }

    /// How many keys the run of this plan would reset.
    pub fn resets(&self, plan: &Plan) -> Resets {
        let wanted = || self.matches.values().flatten();
        let matched = wanted().filter(|one| one.key.is_some()).count();
        let after_reset = wanted().filter(|one| one.key == Some(Use::AfterReset)).count();
        let never = |planned: &Planned| planned.profile.keys.reset == Reset::Never;
        let none_is_reset = plan.people.iter().filter(|planned| planned.has_keys_to_come()).all(never);
        let in_state = |wanted: fn(&KeyState) -> bool| self.keys.iter().filter(|key| wanted(&key.state)).count();
        let cannot_tell = in_state(|state| matches!(state, KeyState::CannotTell(_)));
        if none_is_reset || cannot_tell == 0 && matched >= self.free() {
            return Resets::Exactly(after_reset);
        }
        let used = in_state(|state| *state == KeyState::Used);
        Resets::UpTo((after_reset.max(matched.min(used)) + cannot_tell).min(wanted().count()))
    }
}

/// Tries everything that changes nothing.
pub fn dry_run(station: &Station<'_>, plan: &Plan) -> Result<DryRun, RunError> {
    preflight::every_pin_has_a_way(station, plan)?;
    let journal = Journal::open(station.store)?;
    let mut keys = Vec::new();
    let mut free: Vec<OpenKey> = Vec::new();
    for device in station.bus.devices()? {
        let opened = OpenKey::open(station, &device).and_then(|mut key| Ok((state(&journal, plan, &mut key)?, key)));
        let (aaguid, state) = match opened {
            Ok((state, key)) => {
                let aaguid = key.authenticator.info().aaguid;
                if matches!(state, KeyState::Fresh | KeyState::Used) {
                    free.push(key);
                }
                (Some(aaguid), state)
            }
            Err(JobError::Job(failure)) => (None, KeyState::Unusable(failure)),
            Err(JobError::Ledger(error)) => return Err(error.into()),
        };
        keys.push(KeySeen { port: device.port.clone(), product: device.product.clone(), aaguid, state });
    }
    let matches = key_matches(&journal, plan, &keys, free);
    let mut refusals = BTreeMap::new();
    for planned in &plan.people {
        let Some(user) = &planned.user else { continue };
        if planned.has_keys_to_come() {
            let tried = station.retry_policy.ask(&station.cancel, || station.directory.try_registration(user));
            match tried.map_err(JobError::from) {
                Ok(()) => {}
                Err(JobError::Job(failure)) => _ = refusals.insert(planned.account.clone(), failure),
                Err(JobError::Ledger(error)) => return Err(error.into()),
            }
        }
    }
    let in_stock = journal.book().keys.in_stock().count();
    Ok(DryRun { keys, in_stock, matches, refusals })
}

/// Asks the key, without PIN and touch, whose it is.
fn state(journal: &Journal<'_>, plan: &Plan, key: &mut OpenKey) -> Result<KeyState, JobError> {
    if !key.authenticator.info().has_pin() {
        return Ok(KeyState::Fresh);
    }
    let whose = |job: JobId| {
        let register = journal.book();
        let Job { account, ordinal, .. } = &register.jobs[&job];
        AccountKey { account: account.clone(), login: register.login(account).to_owned(), ordinal: *ordinal }
    };
    let hides = match shown_of_register(journal, key)? {
        Shown::Credential(id) => {
            let job = journal.book().credentials[&id].job;
            if is_revoked_first(journal, plan, job) {
                return Ok(KeyState::Used);
            }
            return Ok(KeyState::Taken(whose(job)));
        }
        Shown::Perhaps(ids) => {
            let job = ids.first().map(|id| journal.book().credentials[id].job);
            return Ok(job.map_or(KeyState::Used, |job| KeyState::CannotTell(whose(job))));
        }
        Shown::Nothing => false,
        Shown::Refusal => true,
    };
    Ok(may_be(journal, &key.identity(), hides)?.map_or(KeyState::Used, |job| KeyState::CannotTell(whose(job))))
}

/// Whether the run takes the job's key out of service before it looks for keys: then it is nobody's.
fn is_revoked_first(journal: &Journal<'_>, plan: &Plan, job: JobId) -> bool {
    let register = journal.book();
    let job = &register.jobs[&job];
    plan.revocations.iter().any(|pending| pending.account == job.account && pending.ordinal == job.ordinal)
}

/// One key for each that needs one, as far as there are fit ones, in the run's order: those of earlier runs first, also where
/// their key did not get its PIN.
fn key_matches(
    journal: &Journal<'_>,
    plan: &Plan,
    keys: &[KeySeen],
    mut free: Vec<OpenKey>,
) -> BTreeMap<AccountId, Vec<KeyMatch>> {
    let people = || plan.people.iter().filter(|planned| planned.user.is_some());
    let mut waiting: Vec<_> =
        people().flat_map(|planned| planned.unfinished.iter().map(move |one| (planned, one))).collect();
    waiting.retain(|(_, one)| !journal.has_key(one.job));
    waiting.sort_by_key(|(_, one)| one.job);
    let register = journal.book();
    let waiting = waiting.into_iter().map(|(of, one)| (of, one.ordinal, register.jobs[&one.job].replaces.as_ref()));
    let new = people().flat_map(|of| of.ordinals.iter().map(move |ordinal| (of, *ordinal, plan.replaces.as_ref())));
    let mut matches: BTreeMap<_, _> = people().map(|planned| (planned.account.clone(), Vec::new())).collect();
    for (planned, ordinal, replaces) in waiting.chain(new) {
        let old = replaces.and_then(|replacement| same_key::old_by(&register, &planned.account, replacement));
        let found = match old {
            Some((_, _, old)) => {
                KeyMatch { ordinal, key: key_that_stays(planned, old, keys, &mut free), refusal: None }
            }
            None => key_match(ordinal, planned, &mut free),
        };
        matches.entry(planned.account.clone()).or_default().push(found);
    }
    matches
}

/// The key that is to be enrolled anew, if it is plugged in: it shows its credential, or was emptied for this. It is reset in
/// either case.
fn key_that_stays(planned: &Planned, old: &Credential, keys: &[KeySeen], free: &mut Vec<OpenKey>) -> Option<Use> {
    let is_old = |key: &AccountKey| key.account == planned.account && key.ordinal == old.ordinal;
    let is_it = |key: &KeySeen| matches!(&key.state, KeyState::Taken(key) if is_old(key));
    if !keys.iter().any(is_it) {
        let at = free.iter().position(|key| same_key::is_emptied(old, key))?;
        free.remove(at);
    }
    Some(Use::AfterReset)
}

fn key_match(ordinal: usize, planned: &Planned, free: &mut Vec<OpenKey>) -> KeyMatch {
    let mut refusal = None;
    for at in 0..free.len() {
        match key_fit::fit(free[at].authenticator.info(), &planned.profile) {
            Ok(()) => {
                let key = free.remove(at);
                let key = match key_fit::to_be_reset(key.authenticator.info(), &planned.profile) {
                    true => Use::AfterReset,
                    false => Use::AsItIs,
                };
                return KeyMatch { ordinal, key: Some(key), refusal: None };
            }
            Err(failure) => {
                let message = format!("key in {}: {}", free[at].device.port, failure.message);
                refusal.get_or_insert(Failure { message, ..failure });
            }
        }
    }
    KeyMatch { ordinal, key: None, refusal }
}
