//! What only one job at a time may have: an account's registration, so that the second key's exclude list has the first key's
//! credential; and the eye of the person at the machine, among keys that look the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ledger::{AccountId, JobId};

/// Something of which there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource {
    /// The registration of an account.
    Account(AccountId),
    /// The one key that blinks among those of a model: USB vendor and product.
    Model(u16, u16),
}

/// Who has what, and who waits.
#[derive(Default)]
pub(super) struct ResourceLocks {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    taken: BTreeSet<Resource>,
    waiting: BTreeMap<JobId, BTreeSet<Resource>>,
}

impl State {
    /// Whether this job's claims are free, and no earlier job's that could have them now.
    fn is_next(&self, job: JobId) -> bool {
        let free = |claims: &BTreeSet<Resource>| claims.is_disjoint(&self.taken);
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
    /// before each look.
    pub(super) fn take(
        &self,
        job: JobId,
        claims: BTreeSet<Resource>,
        is_worth_waiting: impl Fn() -> bool,
    ) -> Option<ResourceGuard<'_>> {
        const GLANCE: Duration = Duration::from_millis(250);
        self.state().waiting.insert(job, claims);
        let _waiting = Waiting(self, job);
        loop {
            // Asked without the lock: it may take a look at the bus.
            let is_worth_waiting = is_worth_waiting();
            let mut state = self.state();
            if state.is_next(job) {
                let claims = state.waiting[&job].clone();
                state.taken.extend(claims.iter().cloned());
                return Some(ResourceGuard { locks: self, claims });
            }
            if !is_worth_waiting {
                return None;
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
        self.locks.state().taken.retain(|claim| !self.claims.contains(claim));
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

    fn account(login: &str) -> Resource {
        Resource::Account(AccountId::new("acme", login))
    }

    #[test]
    fn one_at_a_time_for_a_claim_and_others_at_once() {
        let (locks, inside) = (ResourceLocks::default(), AtomicUsize::new(0));
        let other = locks.take(JobId(9), [account("bob")].into(), || true);
        std::thread::scope(|scope| {
            for job in 0..8 {
                let (locks, inside) = (&locks, &inside);
                scope.spawn(move || {
                    let turn = locks.take(JobId(job), [account("alice")].into(), || true);
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(turn);
                });
            }
        });
        assert!(locks.take(JobId(8), [account("bob")].into(), || false).is_none());
        drop(other);
        assert!(locks.take(JobId(8), [account("bob")].into(), || false).is_some());
    }

    #[test]
    fn a_job_goes_before_later_ones_that_want_the_same_unless_it_cannot() {
        let model = Resource::Model(1, 2);
        let claims = |login: &str| BTreeSet::from([account(login), model.clone()]);
        let mut state = State::default();
        state.waiting.insert(JobId(1), claims("alice"));
        state.waiting.insert(JobId(2), claims("bob"));
        state.waiting.insert(JobId(3), [account("cyd")].into());
        assert_eq!([1, 2, 3].map(|job| state.is_next(JobId(job))), [true, false, true]);
        // Her other key, of another model, is being registered: nobody waits for that but her.
        state.taken.insert(account("alice"));
        assert_eq!([1, 2, 3].map(|job| state.is_next(JobId(job))), [false, true, true]);
        state.taken.insert(model);
        assert_eq!([1, 2, 3].map(|job| state.is_next(JobId(job))), [false, false, true]);
    }

    #[test]
    fn who_leaves_the_line_is_in_nobodys_way() {
        let locks = ResourceLocks::default();
        let held = locks.take(JobId(5), [account("alice")].into(), || true);
        assert!(locks.take(JobId(1), [account("alice")].into(), || false).is_none());
        drop(held);
        assert!(locks.take(JobId(2), [account("alice")].into(), || false).is_some());
    }
}
