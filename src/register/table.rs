//! Values by key, in order. Those that come from a snapshot stay bytes until they are asked for: whoever asks about one account of
//! 25,000 makes one.
//!
//! It refuses to be anything but a map: what is changed or new is kept beside the bytes, and is what holds.

use std::borrow::Borrow;
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::iter::Peekable;
use std::ops::{Index, Range};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::snapshot::kept::Kept;

/// What a command may have to see to though nobody named it: work that is left, a key that waits to be given out.
pub(super) trait Outstanding {
    /// Whether this is such a value. A snapshot keeps the answer, so that the others need not be made to find out.
    fn is_outstanding(&self) -> bool {
        false
    }
}

/// A map whose values may still be bytes.
pub struct Table<K, V> {
    /// Changed or new since the snapshot.
    own: BTreeMap<K, V>,
    /// What the snapshot has; copies of the table have it in common.
    kept: Arc<Kept<K, V>>,
}

impl<K, V> Table<K, V> {
    pub(super) fn from_snapshot(kept: Kept<K, V>) -> Self {
        Self { own: BTreeMap::new(), kept: Arc::new(kept) }
    }

    /// Makes bytes again of values that nobody changed, unless a copy of the table needs them.
    pub(super) fn let_go(&mut self) {
        if let Some(kept) = Arc::get_mut(&mut self.kept) {
            kept.let_go();
        }
    }
}

impl<K: Ord, V: DeserializeOwned> Table<K, V> {
    /// Whether each value of the snapshot can be read.
    pub(super) fn check(&self) -> Result<(), postcard::Error> {
        self.kept.check()
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The key as the table has it, and its value.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        self.own.get_key_value(key).or_else(|| {
            let place = self.kept.find(key)?;
            Some((self.kept.key(place)?, self.kept.value(place)))
        })
    }

    /// Whether there is such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.own.contains_key(key) || self.kept.find(key).is_some()
    }

    /// All of them in the order of their keys.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.entries())
    }

    /// The keys in order. No value is made for that.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// What is outstanding, in the order of the keys.
    pub(super) fn outstanding(&self) -> impl Iterator<Item = (&K, &V)>
    where
        V: Outstanding,
    {
        let own = self.own.iter().filter(|(_, value)| value.is_outstanding());
        let kept = self.kept.outstanding().iter().filter_map(|place| Some((self.kept.key(*place)?, *place)));
        let kept = kept.filter(|(key, _)| !self.own.contains_key(*key));
        let mut all: BTreeMap<&K, &V> = own.collect();
        all.extend(kept.map(|(key, place)| (key, self.kept.value(place))));
        all.into_iter()
    }

    /// The highest key.
    pub fn last_key(&self) -> Option<&K> {
        let own = self.own.last_key_value().map(|(key, _)| key);
        own.max(self.kept.len().checked_sub(1).and_then(|last| self.kept.key(last)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let new = self.own.keys().filter(|key| self.kept.find(*key).is_none());
        self.kept.len() + if self.kept.len() == 0 { self.own.len() } else { new.count() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.kept.len() == 0
    }

    /// The value of a key, to be changed.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V>
    where
        K: Clone,
    {
        if !self.own.contains_key(key) {
            let value = self.kept.decode(self.kept.find(key)?);
            self.own.insert(key.clone(), value);
        }
        self.own.get_mut(key)
    }

    /// The value of a key, to be changed; made if there is none.
    pub(super) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let Self { own, kept } = self;
        own.entry(key).or_insert_with_key(|key| kept.find(key).map_or_else(make, |place| kept.decode(place)))
    }

    /// Puts a value in place of the one that the key has, if it has one.
    pub(super) fn insert(&mut self, key: K, value: V) {
        self.own.insert(key, value);
    }

    fn entries(&self) -> Entries<'_, K, V> {
        Entries { own: self.own.iter().peekable(), kept: &self.kept, places: 0..self.kept.len() }
    }
}

/// A key, and where its value is.
enum Place<'a, V> {
    Own(&'a V),
    Kept(usize),
}

/// Walks along both parts of a table at once.
struct Entries<'a, K, V> {
    own: Peekable<btree_map::Iter<'a, K, V>>,
    kept: &'a Kept<K, V>,
    places: Range<usize>,
}

impl<'a, K: Ord, V> Iterator for Entries<'a, K, V> {
    type Item = (&'a K, Place<'a, V>);

    fn next(&mut self) -> Option<Self::Item> {
        let kept = self.kept.key(self.places.start).filter(|_| !self.places.is_empty());
        match (self.own.peek(), kept) {
            (Some((own, _)), Some(kept)) if *own > kept => Some((kept, Place::Kept(self.places.next()?))),
            (None, Some(kept)) => Some((kept, Place::Kept(self.places.next()?))),
            (own, kept) => {
                if own.is_some_and(|(own, _)| Some(*own) == kept) {
                    self.places.next();
                }
                self.own.next().map(|(key, value)| (key, Place::Own(value)))
            }
        }
    }
}

/// Keys with their values, in order.
pub struct Iter<'a, K, V>(Entries<'a, K, V>);

impl<'a, K: Ord, V: DeserializeOwned> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, place) = self.0.next()?;
        match place {
            Place::Own(value) => Some((key, value)),
            Place::Kept(place) => Some((key, self.0.kept.value(place))),
        }
    }
}

impl<'a, K: Ord, V: DeserializeOwned> IntoIterator for &'a Table<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Ord + Borrow<Q>, V: DeserializeOwned, Q: Ord + ?Sized> Index<&Q> for Table<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("a key that is indexed with comes from this register")
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { own: BTreeMap::new(), kept: Arc::default() }
    }
}

impl<K: Clone, V: Clone> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self { own: self.own.clone(), kept: Arc::clone(&self.kept) }
    }
}

impl<K: Ord, V: DeserializeOwned + PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl<K: Ord + fmt::Debug, V: DeserializeOwned + fmt::Debug> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = Table<String, u64>;

    impl Outstanding for u64 {
        fn is_outstanding(&self) -> bool {
            !self.is_multiple_of(2)
        }
    }

    /// A table whose snapshot has these, and which was changed since.
    fn table(kept: &[(&str, u64)], changed: &[(&str, u64)]) -> Numbers {
        let of = |pairs: &[(&str, u64)]| {
            let mut table = Numbers::default();
            pairs.iter().for_each(|(key, value)| table.insert((*key).to_owned(), *value));
            table
        };
        let bytes = Kept::write(&of(kept)).unwrap();
        let mut table = Table::from_snapshot(Kept::read(bytes.into(), &Arc::default()).unwrap());
        table.own = of(changed).own;
        table
    }

    #[test]
    fn a_table_is_the_map_of_both_its_parts() {
        let kept = [("b", 2), ("d", 3), ("f", 5)];
        for changed in [
            &[][..],
            &[("a", 1)],
            &[("g", 7)],
            &[("b", 20)],
            &[("c", 3), ("d", 40), ("e", 5)],
            &[("a", 1), ("b", 20), ("d", 40), ("f", 60), ("g", 7)],
        ] {
            let table = table(&kept, changed);
            let pairs = kept.iter().chain(changed).map(|(key, value)| ((*key).to_owned(), *value));
            let map: BTreeMap<String, u64> = pairs.collect();
            assert!(table.iter().eq(&map) && table.keys().eq(map.keys()) && table.values().eq(map.values()));
            assert!(table.outstanding().eq(map.iter().filter(|(_, value)| value.is_outstanding())));
            assert_eq!((table.len(), table.is_empty(), table.last_key()), (map.len(), false, map.keys().last()));
            for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                assert_eq!(table.get_key_value(key), map.get_key_value(key), "{key}");
                assert_eq!(table.contains_key(key), map.contains_key(key), "{key}");
            }
        }
        assert!(Numbers::default().is_empty() && Numbers::default().last_key().is_none());
    }

    #[test]
    fn what_is_changed_holds_and_a_copy_keeps_what_it_was() {
        let mut table = table(&[("a", 1), ("b", 2)], &[]);
        let copy = table.clone();
        *table.get_mut(&"a".to_owned()).unwrap() += 10;
        *table.get_or_insert_with("b".to_owned(), || 0) += 20;
        *table.get_or_insert_with("c".to_owned(), || 3) += 30;
        assert_eq!(table.get_mut(&"d".to_owned()), None);
        assert!(table.values().eq(&[11, 22, 33]) && copy.values().eq(&[1, 2]));
        table.let_go();
        assert!(table.values().eq(&[11, 22, 33]) && copy.values().eq(&[1, 2]));
    }
}
