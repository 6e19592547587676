//! What only one job at a time may have: an account's registration, so that the second key's exclude list has the first key's
//! credential; and the eye of the person at the machine, among keys that look the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::operator::JobLabel;
use crate::ledger::{AccountId, JobId};
use keywright_fido::bus::UsbId;

/// Something of which there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource {
    /// The registration of an account.
    Account(AccountId),
    /// The one key that blinks among those of a model: USB vendor and product.
    Model(UsbId),
}

/// Who has what, and who waits.
#[derive(Default)]
pub(super) struct ResourceLocks {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    taken: BTreeMap<Resource, JobLabel>,
    waiting: BTreeMap<JobId, BTreeSet<Resource>>,
}

impl State {
    /// Who has one of these.
    fn holder(&self, claims: &BTreeSet<Resource>) -> Option<&JobLabel> {
        claims.iter().find_map(|claim| self.taken.get(claim))
    }

    /// Whether this job's claims are free, and no earlier job's that could have them now.
    fn is_next(&self, job: JobId) -> bool {
        let free = |claims: &BTreeSet<Resource>| self.holder(claims).is_none();
        let claims = &self.waiting[&job];
        free(claims) && !self.waiting.range(..job).any(|(_, earlier)| free(earlier) && !earlier.is_disjoint(claims))
    }
}

/// A job's turn; the next may begin when this is dropped.
pub(super) struct ResourceGuard<'a> {
    locks: &'a ResourceLocks,
    claims: BTreeSet<Resource>,
}

impl ResourceLocks {
    /// Waits until all of these are free, and takes them at once, so that nobody holds one and waits for another. Of those who
    /// wait, the job that was planned first goes first. `None` once it is not worth waiting any more, which is asked about
    /// before each look. `waits_for` hears who has them, each time that is another.
    pub(super) fn take(
        &self,
        who: &JobLabel,
        claims: BTreeSet<Resource>,
        is_worth_waiting: impl Fn() -> bool,
        waits_for: impl Fn(&JobLabel),
    ) -> Option<ResourceGuard<'_>> {
        const GLANCE: Duration = Duration::from_millis(250);
        let job = who.job;
        self.state().waiting.insert(job, claims);
        let _waiting = Waiting(self, job);
        let mut told = None;
        loop {
            // Asked without the lock: it may take a look at the bus.
            let is_worth_waiting = is_worth_waiting();
            let mut state = self.state();
            if state.is_next(job) {
                let claims = state.waiting[&job].clone();
                state.taken.extend(claims.iter().map(|claim| (claim.clone(), who.clone())));
                return Some(ResourceGuard { locks: self, claims });
            }
            if !is_worth_waiting {
                return None;
            }
            let holder = state.holder(&state.waiting[&job]).cloned();
            if let Some(other) = holder.filter(|other| told != Some(other.job)) {
                drop(state);
                waits_for(&other);
                told = Some(other.job);
                continue;
            }
            drop(self.freed.wait_timeout(state, GLANCE));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ResourceGuard<'_> {
    fn drop(&mut self) {
        self.locks.state().taken.retain(|claim, _| !self.claims.contains(claim));
        self.locks.freed.notify_all();
    }
}

/// A job in the line, until it has its turn or leaves.
struct Waiting<'a>(&'a ResourceLocks, JobId);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting.remove(&self.1);
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn who(job: u64) -> JobLabel {
        let text = String::new;
        JobLabel { job: JobId(job), account: text(), person: text(), ordinal: 1, of: 2, port: text() }
    }

    fn account(login: &str) -> Resource {
        Resource::Account(AccountId::new("acme", login))
    }

    #[test]
    fn one_at_a_time_for_a_claim_and_others_at_once() {
        let (locks, inside) = (ResourceLocks::default(), AtomicUsize::new(0));
        let other = locks.take(&who(9), [account("bob")].into(), || true, |_| {});
        std::thread::scope(|scope| {
            for job in 0..8 {
                let (locks, inside) = (&locks, &inside);
                scope.spawn(move || {
                    let turn = locks.take(&who(job), [account("alice")].into(), || true, |_| {});
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(turn);
                });
            }
        });
        assert!(locks.take(&who(8), [account("bob")].into(), || false, |_| {}).is_none());
        drop(other);
        assert!(locks.take(&who(8), [account("bob")].into(), || false, |_| {}).is_some());
    }

    #[test]
    fn a_job_goes_before_later_ones_that_want_the_same_unless_it_cannot() {
        let model = Resource::Model(UsbId { vendor: 1, product: 2 });
        let claims = |login: &str| BTreeSet::from([account(login), model.clone()]);
        let mut state = State::default();
        state.waiting.insert(JobId(1), claims("alice"));
        state.waiting.insert(JobId(2), claims("bob"));
        state.waiting.insert(JobId(3), [account("cyd")].into());
        assert_eq!([1, 2, 3].map(|job| state.is_next(JobId(job))), [true, false, true]);
        // Her other key, of another model, is being registered: nobody waits for that but her.
        state.taken.insert(account("alice"), who(9));
        assert_eq!([1, 2, 3].map(|job| state.is_next(JobId(job))), [false, true, true]);
        state.taken.insert(model, who(9));
        assert_eq!([1, 2, 3].map(|job| state.is_next(JobId(job))), [false, false, true]);
    }

    #[test]
    fn who_leaves_the_line_is_in_nobodys_way() {
        let locks = ResourceLocks::default();
        let held = locks.take(&who(5), [account("alice")].into(), || true, |_| {});
        assert!(locks.take(&who(1), [account("alice")].into(), || false, |_| {}).is_none());
        drop(held);
        assert!(locks.take(&who(2), [account("alice")].into(), || false, |_| {}).is_some());
    }

    #[test]
    fn who_waits_is_told_for_whom_once() {
        let (locks, told) = (ResourceLocks::default(), Mutex::new(Vec::new()));
        let mut held = locks.take(&who(5), [account("alice")].into(), || true, |_| {});
        let looks = AtomicUsize::new(0);
        let few_looks = || looks.fetch_add(1, Ordering::SeqCst) < 3;
        let remember = |other: &JobLabel| told.lock().unwrap().push(other.job);
        assert!(locks.take(&who(6), [account("alice")].into(), few_looks, remember).is_none());
        assert_eq!(*told.lock().unwrap(), [JobId(5)]);
        drop(held.take());
        assert!(locks.take(&who(6), [account("alice")].into(), || true, remember).is_some());
        assert_eq!(told.lock().unwrap().len(), 1);
    }
}
