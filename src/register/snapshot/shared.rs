//! Values that many have in common, within a snapshot: each once, and its place wherever it is used.
//!
//! Serde has no way to hand something down to the parts of a value, so the tables lie beside the thread that writes or reads.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ledger::{Actor, KeyIdentity, WitnessResult};
use crate::profile::Profile;
use keywright_attest::Verdict;

/// The values, in the order of their places.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::register) struct Tables {
    #[serde(with = "each")]
    pub(in crate::register) profiles: Vec<Arc<Profile>>,
    #[serde(with = "each")]
    pub(in crate::register) operators: Vec<Arc<Actor>>,
    #[serde(with = "each")]
    pub(in crate::register) keys: Vec<Arc<KeyIdentity>>,
    #[serde(with = "each")]
    pub(in crate::register) verdicts: Vec<Arc<Verdict>>,
    #[serde(with = "each")]
    pub(in crate::register) witness_results: Vec<Arc<WitnessResult>>,
}

/// A table as a list of its values.
mod each {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(values: &[Arc<T>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| &**value))
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Arc<T>>, D::Error> {
        Ok(Vec::<T>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}

#[derive(Default)]
struct Desk {
    tables: Tables,
    /// Of values that are in a table already, by where they are in memory.
    places: HashMap<usize, usize>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

/// A kind of value that has a table.
pub(in crate::register) trait Shared: Sized {
    fn table(tables: &mut Tables) -> &mut Vec<Arc<Self>>;
}

impl Shared for Profile {
    fn table(tables: &mut Tables) -> &mut Vec<Arc<Self>> {
        &mut tables.profiles
    }
}

impl Shared for Actor {
    fn table(tables: &mut Tables) -> &mut Vec<Arc<Self>> {
        &mut tables.operators
    }
}

impl Shared for KeyIdentity {
    fn table(tables: &mut Tables) -> &mut Vec<Arc<Self>> {
        &mut tables.keys
    }
}

impl Shared for Verdict {
    fn table(tables: &mut Tables) -> &mut Vec<Arc<Self>> {
        &mut tables.verdicts
    }
}

impl Shared for WitnessResult {
    fn table(tables: &mut Tables) -> &mut Vec<Arc<Self>> {
        &mut tables.witness_results
    }
}

/// What `write` makes, and the tables that it filled.
pub(super) fn collecting<T>(write: impl FnOnce() -> T) -> (T, Tables) {
    DESK.with_borrow_mut(|desk| *desk = Desk::default());
    let written = write();
    (written, DESK.take().tables)
}

/// What `read` reads, with these tables.
pub(super) fn providing<T>(tables: Tables, read: impl FnOnce() -> T) -> T {
    DESK.with_borrow_mut(|desk| desk.tables = tables);
    let read = read();
    DESK.take();
    read
}

pub(in crate::register) fn serialize<T: Shared, S: Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let place = DESK.with_borrow_mut(|Desk { tables, places }| {
        *places.entry(Arc::as_ptr(value).addr()).or_insert_with(|| {
            let table = T::table(tables);
            table.push(Arc::clone(value));
            table.len() - 1
        })
    });
    place.serialize(serializer)
}

pub(in crate::register) fn deserialize<'de, T: Shared, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<T>, D::Error> {
    let place = usize::deserialize(deserializer)?;
    let found = DESK.with_borrow_mut(|desk| T::table(&mut desk.tables).get(place).map(Arc::clone));
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
