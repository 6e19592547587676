//! One registration at a time for each account, so that the second key's exclude list has the first key's credential.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::hid::Cancel;
use crate::ledger::AccountId;

/// Accounts with a registration going on.
#[derive(Default)]
pub struct Turns {
    busy: Mutex<BTreeSet<AccountId>>,
    freed: Condvar,
}

/// An account's registration; the next may begin when this is dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    account: AccountId,
}

impl Turns {
    /// Waits until no other registration of this account is going on; `None` if somebody ended the run meanwhile.
    pub fn take(&self, account: &AccountId, cancel: &Cancel) -> Option<Turn<'_>> {
        const GLANCE: Duration = Duration::from_millis(100);
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        while busy.contains(account) {
            if cancel.is_cancelled() {
                return None;
            }
            busy = self.freed.wait_timeout(busy, GLANCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        busy.insert(account.clone());
        Some(Turn { turns: self, account: account.clone() })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.account);
        self.turns.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn one_at_a_time_for_an_account_and_others_at_once() {
        let account = |login: &str| AccountId { directory: "acme".into(), login: login.into() };
        let (turns, cancel, inside) = (Turns::default(), Cancel::default(), AtomicUsize::new(0));
        let other = turns.take(&account("bob"), &cancel);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let turn = turns.take(&account("alice"), &cancel);
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(turn);
                });
            }
        });
        cancel.cancel();
        assert!(turns.take(&account("bob"), &cancel).is_none());
        drop(other);
        assert!(turns.take(&account("bob"), &cancel).is_some());
    }
}
