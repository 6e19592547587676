//! Equal values, kept once: 25,000 accounts have a handful of profiles.
//!
//! It refuses to grow with the log: it remembers the newest few, and a value that is none of them is simply kept twice.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::snapshot::shared::Values;

/// The newest values that were shared.
#[derive(Debug, Clone)]
pub(super) struct Pool<T> {
    /// The most recently used first.
    values: Vec<Arc<T>>,
}

/// As many are held against a new value.
const REMEMBERED: usize = 32;

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T> Pool<T> {
    /// Remembers the newest of these.
    pub(super) fn refill(&mut self, values: &Values<T>)
    where
        T: Serialize + DeserializeOwned,
    {
        self.values = values.newest(REMEMBERED).collect();
    }
}

impl<T: PartialEq> Pool<T> {
    /// The value, or an equal one that is here already.
    pub(super) fn share(&mut self, value: T) -> Arc<T> {
        if let Some(at) = self.values.iter().position(|known| **known == value) {
            self.values[..=at].rotate_right(1);
        } else {
            self.values.truncate(REMEMBERED - 1);
            self.values.insert(0, Arc::new(value));
        }
        Arc::clone(&self.values[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_as_long_as_they_are_used() {
        let mut pool = Pool::default();
        let first = pool.share("admin".to_owned());
        for number in 0..1000 {
            pool.share(number.to_string());
            assert!(Arc::ptr_eq(&first, &pool.share("admin".to_owned())));
        }
        assert_eq!(pool.values.len(), REMEMBERED);
        for number in 0..REMEMBERED {
            pool.share(number.to_string());
        }
        assert!(!Arc::ptr_eq(&first, &pool.share("admin".to_owned())));
    }
}
