//! The values of a table as a snapshot has them: all keys at once, and each value when it is asked for.
//!
//! It refuses bytes that are not laid out so. That each value can be read was tried before the snapshot was kept, and its MAC says
//! that it is that one.

use std::borrow::Borrow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::table::{Outstanding, Table};
use super::pieces::Pieces;
use super::shared::{self, Tables};

/// Keys in order, and their values.
pub(in crate::register) struct Kept<K, V> {
    keys: Vec<K>,
    pieces: Pieces,
    values: Vec<OnceLock<Box<V>>>,
    /// The places of what is outstanding, in order.
    outstanding: Vec<usize>,
    /// What values have in common.
    tables: Arc<Tables>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            pieces: Pieces::default(),
            values: Vec::new(),
            outstanding: Vec::new(),
            tables: Arc::default(),
        }
    }
}

impl<K, V> Kept<K, V> {
    pub(in crate::register) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(in crate::register) fn key(&self, place: usize) -> Option<&K> {
        self.keys.get(place)
    }

    /// The places of values that are outstanding, in order.
    pub(in crate::register) fn outstanding(&self) -> &[usize] {
        &self.outstanding
    }

    pub(in crate::register) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.keys.binary_search_by(|known| known.borrow().cmp(key)).ok()
    }

    pub(in crate::register) fn let_go(&mut self) {
        self.values.iter_mut().for_each(|value| drop(value.take()));
    }
}

impl<K, V: DeserializeOwned> Kept<K, V> {
    pub(in crate::register) fn value(&self, place: usize) -> &V {
        self.values[place].get_or_init(|| Box::new(self.decode(place)))
    }

    pub(in crate::register) fn decode(&self, place: usize) -> V {
        self.try_decode(place).expect("each value was read back before the snapshot was kept, and the MAC is over it")
    }

    /// Whether each value can be read.
    pub(in crate::register) fn check(&self) -> Result<(), postcard::Error> {
        (0..self.len()).try_for_each(|place| self.try_decode(place).map(drop))
    }

    fn try_decode(&self, place: usize) -> Result<V, postcard::Error> {
        shared::providing(&self.tables, || postcard::from_bytes(self.pieces.get(place)))
    }
}

impl<K: Ord + Serialize + DeserializeOwned, V: Outstanding + Serialize + DeserializeOwned> Kept<K, V> {
    /// A table as it is in a snapshot.
    pub(in crate::register) fn write(table: &Table<K, V>) -> Result<Vec<u8>, postcard::Error> {
        let places = table.values().enumerate().filter(|(_, value)| value.is_outstanding());
        let outstanding: Vec<usize> = places.map(|(place, _)| place).collect();
        let keys = postcard::to_stdvec(&(table.keys().collect::<Vec<_>>(), outstanding))?;
        Pieces::write(keys, table.values().map(postcard::to_stdvec))
    }

    pub(in crate::register) fn read(bytes: Bytes, tables: &Arc<Tables>) -> Result<Self, postcard::Error> {
        let ((keys, outstanding), rest) = postcard::take_from_bytes::<(Vec<K>, Vec<usize>)>(&bytes)?;
        let pieces = Pieces::read(bytes.slice(bytes.len() - rest.len()..))?;
        let is_short = keys.len() != pieces.len() || outstanding.iter().any(|place| *place >= keys.len());
        if is_short || !keys.is_sorted() || !outstanding.is_sorted() {
            return Err(postcard::Error::DeserializeBadEncoding);
        }
        let values = std::iter::repeat_with(OnceLock::new).take(keys.len()).collect();
        Ok(Self { keys, pieces, values, outstanding, tables: Arc::clone(tables) })
    }
}
