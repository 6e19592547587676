//! A token that is kept until it runs out or is refused.
//!
//! Threads that need one at the same moment wait for one request. It refuses to throw a token away that replaced the refused one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::DirectoryError;

/// A token of any kind, with the number of its making.
#[derive(Debug)]
pub(super) struct TokenCache<T>(Mutex<(u64, Option<T>)>);

impl<T> Default for TokenCache<T> {
    fn default() -> Self {
        Self(Mutex::new((0, None)))
    }
}

impl<T: Clone> TokenCache<T> {
    /// The token that is there if it is still good, or a new one; with its number.
    pub(super) fn get(
        &self,
        good: impl FnOnce(&T) -> bool,
        ask: impl FnOnce() -> Result<T, DirectoryError>,
    ) -> Result<(u64, T), DirectoryError> {
        let mut token_cache = self.lock();
        if let (number, Some(token)) = &*token_cache
            && good(token)
        {
            return Ok((*number, token.clone()));
        }
        let token = ask()?;
        *token_cache = (token_cache.0 + 1, Some(token.clone()));
        Ok((token_cache.0, token))
    }

    /// Keeps this one from now on.
    pub(super) fn put(&self, token: T) {
        let mut token_cache = self.lock();
        *token_cache = (token_cache.0 + 1, Some(token));
    }

    /// The token with this number is not taken any more. If there is a newer one already, that stays.
    pub(super) fn forget(&self, number: u64) {
        let mut token_cache = self.lock();
        if token_cache.0 == number {
            token_cache.1 = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Option<T>)> {
        // A token is put there whole, so a thread that panicked left nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_token_is_replaced_and_its_replacement_stays() {
        let token_cache = TokenCache::default();
        let refuse = || Err(DirectoryError::Expired { directory: "acme".into() });
        let (first, token) = token_cache.get(|_| true, || Ok("one")).unwrap();
        assert_eq!(token_cache.get(|_| true, refuse), Ok((first, token)));
        token_cache.forget(first);
        let (second, token) = token_cache.get(|_| true, || Ok("two")).unwrap();
        assert_eq!(token, "two");
        // Another thread hears of the first one's refusal only now.
        token_cache.forget(first);
        assert_eq!(token_cache.get(|_| true, refuse), Ok((second, "two")));
        assert!(token_cache.get(|_| false, refuse).is_err(), "one that ran out is not used");
        token_cache.put("three");
        assert_eq!(token_cache.get(|_| true, refuse).unwrap().1, "three");
    }
}
