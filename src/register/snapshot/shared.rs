//! Values that many have in common, within a snapshot: each once, and its place wherever it is used.
//!
//! Serde has no way to hand something down to the parts of a value, so the tables lie beside the thread that writes or reads.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pieces::Pieces;
use crate::ledger::{Actor, KeyIdentity, WitnessResult};
use crate::profile::Profile;
use keywright_attest::Verdict;

/// The values, in the order of their places.
#[derive(Default)]
pub(in crate::register) struct Tables {
    pub(in crate::register) profiles: Values<Profile>,
    pub(in crate::register) operators: Values<Actor>,
    pub(in crate::register) keys: Values<KeyIdentity>,
    pub(in crate::register) verdicts: Values<Verdict>,
    pub(in crate::register) witness_results: Values<WitnessResult>,
}

/// Those of one kind. In a snapshot they are JSON text, as in the log, because their forms leave members out; each is read when it is
/// asked for.
pub(in crate::register) struct Values<T> {
    texts: Pieces,
    values: Vec<OnceLock<Arc<T>>>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self { texts: Pieces::default(), values: Vec::new() }
    }
}

impl<T: Serialize + DeserializeOwned> Values<T> {
    pub(super) fn write(&self) -> Result<Vec<u8>, postcard::Error> {
        let known = self.values.iter().filter_map(OnceLock::get);
        let json = |value| serde_json::to_vec(value).map_err(|_| postcard::Error::SerdeSerCustom);
        Pieces::write(Vec::new(), known.map(|value| json(&**value)))
    }

    pub(super) fn read(bytes: Bytes) -> Result<Self, postcard::Error> {
        let texts = Pieces::read(bytes)?;
        let values = std::iter::repeat_with(OnceLock::new).take(texts.len()).collect();
        Ok(Self { texts, values })
    }

    fn get(&self, place: usize) -> Option<Arc<T>> {
        let value = self.values.get(place)?;
        if let Some(value) = value.get() {
            return Some(Arc::clone(value));
        }
        let read = serde_json::from_slice(self.texts.get(place)).ok()?;
        Some(Arc::clone(value.get_or_init(|| Arc::new(read))))
    }

    /// The last of them, this many at the most, the very last first.
    pub(in crate::register) fn newest(&self, most: usize) -> impl Iterator<Item = Arc<T>> {
        (0..self.values.len()).rev().take(most).filter_map(|place| self.get(place))
    }
}

#[derive(Default)]
struct Desk {
    tables: Tables,
    /// Of values that are in a table already, by where they are in memory.
    places: HashMap<usize, usize>,
}

thread_local! {
    static WRITING: RefCell<Desk> = RefCell::default();
    static READING: RefCell<Option<Arc<Tables>>> = RefCell::default();
}

/// A kind of value that has a table.
pub(in crate::register) trait Shared: Serialize + DeserializeOwned {
    fn of(tables: &Tables) -> &Values<Self>;
    fn of_mut(tables: &mut Tables) -> &mut Values<Self>;
}

impl Shared for Profile {
    fn of(tables: &Tables) -> &Values<Self> {
        &tables.profiles
    }

    fn of_mut(tables: &mut Tables) -> &mut Values<Self> {
        &mut tables.profiles
    }
}

impl Shared for Actor {
    fn of(tables: &Tables) -> &Values<Self> {
        &tables.operators
    }

    fn of_mut(tables: &mut Tables) -> &mut Values<Self> {
        &mut tables.operators
    }
}

impl Shared for KeyIdentity {
    fn of(tables: &Tables) -> &Values<Self> {
        &tables.keys
    }

    fn of_mut(tables: &mut Tables) -> &mut Values<Self> {
        &mut tables.keys
    }
}

impl Shared for Verdict {
    fn of(tables: &Tables) -> &Values<Self> {
        &tables.verdicts
    }

    fn of_mut(tables: &mut Tables) -> &mut Values<Self> {
        &mut tables.verdicts
    }
}

impl Shared for WitnessResult {
    fn of(tables: &Tables) -> &Values<Self> {
        &tables.witness_results
    }

    fn of_mut(tables: &mut Tables) -> &mut Values<Self> {
        &mut tables.witness_results
    }
}

/// What `write` makes, and the tables that it filled.
pub(super) fn collecting<T>(write: impl FnOnce() -> T) -> (T, Tables) {
    WRITING.with_borrow_mut(|desk| *desk = Desk::default());
    let written = write();
    (written, WRITING.take().tables)
}

/// What `read` reads, with these tables.
pub(super) fn providing<T>(tables: &Arc<Tables>, read: impl FnOnce() -> T) -> T {
    READING.set(Some(Arc::clone(tables)));
    let read = read();
    READING.take();
    read
}

pub(in crate::register) fn serialize<T: Shared, S: Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let place = WRITING.with_borrow_mut(|Desk { tables, places }| {
        *places.entry(Arc::as_ptr(value).addr()).or_insert_with(|| {
            let values = &mut T::of_mut(tables).values;
            values.push(Arc::clone(value).into());
            values.len() - 1
        })
    });
    place.serialize(serializer)
}

pub(in crate::register) fn deserialize<'de, T: Shared, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<T>, D::Error> {
    let place = usize::deserialize(deserializer)?;
    let found = READING.with_borrow(|tables| T::of(tables.as_ref()?).get(place));
    found.ok_or_else(|| D::Error::custom("a shared value is missing"))
}

/// The same for a value that may be missing.
pub(in crate::register) mod option {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer, Shared};

    struct Place<T>(Arc<T>);

    impl<T: Shared> Serialize for Place<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(&self.0, serializer)
        }
    }

    impl<'de, T: Shared> Deserialize<'de> for Place<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::deserialize(deserializer).map(Self)
        }
    }

    pub(in crate::register) fn serialize<T: Shared, S: Serializer>(
        value: &Option<Arc<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.clone().map(Place).serialize(serializer)
    }

    pub(in crate::register) fn deserialize<'de, T: Shared, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<T>>, D::Error> {
        Ok(Option::<Place<T>>::deserialize(deserializer)?.map(|place| place.0))
    }
}
