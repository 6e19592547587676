//! The firmware's memory: in RAM, and in the state file at every change before the firmware goes on.
//!
//! A change that the file did not take did not happen. What a firmware writes after its power went is lost.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use opensk::api::persist::{Attestation, AttestationId, Persist, PersistIter};
use opensk::ctap::status_code::{Ctap2StatusCode, CtapResult};

use keywright_files::private;

use super::state::{Attested, Contents, Hex, at, replace};
use super::wire::{Wire, lock};
use super::{Model, SoftKeyError};

/// What one soft key remembers.
pub(super) struct Memory {
    contents: Mutex<Contents>,
    /// The state file; none for a key that lives in memory.
    path: Option<PathBuf>,
}

impl Memory {
    pub(super) fn in_memory(contents: Contents) -> Self {
        Self { contents: Mutex::new(contents), path: None }
    }

    /// Reads a state file. The caller holds its lock.
    pub(super) fn load(path: PathBuf) -> Result<Self, SoftKeyError> {
        let missing = || at(&path)(std::io::ErrorKind::NotFound.into());
        let bytes = private::read(&path)?.ok_or_else(missing)?;
        let contents = Contents::decode(&bytes, &path)?;
        Ok(Self { contents: Mutex::new(contents), path: Some(path) })
    }

    pub(super) fn model(&self) -> Model {
        lock(&self.contents).model
    }

    /// Whether both remember the same.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        *lock(&self.contents) == *lock(&other.contents)
    }

    fn change(&self, change: impl FnOnce(&mut Contents)) -> Result<(), SoftKeyError> {
        let mut contents = lock(&self.contents);
        let Some(path) = &self.path else {
            change(&mut contents);
            return Ok(());
        };
        let mut changed = contents.clone();
        change(&mut changed);
        if changed != *contents {
            replace(path, &changed.encode())?;
            *contents = changed;
        }
        Ok(())
    }
}

/// The memory as one power cycle of the firmware reaches it.
pub(super) struct Flash {
    memory: Arc<Memory>,
    wire: Arc<Wire>,
    attach: u64,
}

impl Flash {
    pub(super) fn new(memory: Arc<Memory>, wire: Arc<Wire>, attach: u64) -> Self {
        Self { memory, wire, attach }
    }

    fn change(&self, change: impl FnOnce(&mut Contents)) -> CtapResult<()> {
        if !self.wire.powered(self.attach) {
            return Err(Ctap2StatusCode::CTAP2_ERR_VENDOR_HARDWARE_FAILURE);
        }
        self.memory.change(change).map_err(|error| {
            tracing::error!("a soft key could not keep its state: {error}");
            Ctap2StatusCode::CTAP2_ERR_VENDOR_HARDWARE_FAILURE
        })
    }
}

impl Persist for Flash {
    fn find(&self, key: usize) -> CtapResult<Option<Vec<u8>>> {
        Ok(lock(&self.memory.contents).entries.get(&key).map(|value| value.0.clone()))
    }

    fn insert(&mut self, key: usize, value: &[u8]) -> CtapResult<()> {
        self.change(|contents| {
            contents.entries.insert(key, Hex(value.to_vec()));
        })
    }

    fn remove(&mut self, key: usize) -> CtapResult<()> {
        self.change(|contents| {
            contents.entries.remove(&key);
        })
    }

    fn iter(&self) -> CtapResult<PersistIter<'_>> {
        let keys: Vec<usize> = lock(&self.memory.contents).entries.keys().copied().collect();
        Ok(Box::new(keys.into_iter().map(Ok)))
    }

    /// OpenSK's own store has room for one of the two; a key that can do enterprise attestation needs both.
    fn get_attestation(&self, id: AttestationId) -> CtapResult<Option<Attestation>> {
        let contents = lock(&self.memory.contents);
        let Attested { certificate, private_key } = match id {
            AttestationId::Batch => &contents.factory.batch,
            AttestationId::Enterprise => &contents.factory.enterprise,
        };
        Ok(Some(Attestation { wrapped_private_key: private_key.0.clone(), certificate: certificate.0.clone() }))
    }
}
