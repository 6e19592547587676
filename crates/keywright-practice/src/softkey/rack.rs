//! A row of soft keys as a bus: in memory, or in a folder with a file for each and the authority that vouches for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::attestation::Authority;
use super::key::SoftKey;
use super::lock::wait_for_folder;
use super::memory::Memory;
use super::state::{Contents, at, replace};
use super::{Model, SoftKeyError, Touch};
use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Transport, TransportError};
use keywright_fido::hid::{Channel, Pipe};
use keywright_files::private;

const ANCHOR: &str = "attestation-ca.pem";
const AUTHORITY_KEY: &str = "attestation-ca-key.pem";

/// Soft keys, each in its slot, counted from 1.
#[derive(Debug)]
pub struct Rack {
    keys: Vec<SoftKey>,
    anchor_pem: String,
}

impl Rack {
    /// New keys that nothing remains of. They are touched at once when they ask.
    pub fn in_memory(count: usize) -> Result<Self, SoftKeyError> {
        Self::in_memory_of(&vec![Model::default(); count])
    }

    /// As [`Rack::in_memory`], one key of each model given.
    pub fn in_memory_of(models: &[Model]) -> Result<Self, SoftKeyError> {
        let authority = Authority::new()?;
        let batch = authority.batch()?;
        let keys = (1..).zip(models).map(|(slot, model)| {
            let contents = Contents::new(*model, authority.furnish(&batch)?);
            Ok(SoftKey::in_memory(slot, Memory::in_memory(contents)))
        });
        Ok(Self { keys: keys.collect::<Result<_, SoftKeyError>>()?, anchor_pem: authority.certificate_pem() })
    }

    /// The keys that a folder holds, in the order of their numbers. A key's file is read when the key is opened, so that one
    /// that is damaged does not hide the others.
    pub fn open(folder: &Path) -> Result<Self, SoftKeyError> {
        let anchor = folder.join(ANCHOR);
        let anchor_pem = std::fs::read_to_string(&anchor).map_err(at(&anchor))?;
        let keys = slots(folder)?.into_iter().map(|(slot, path)| SoftKey::in_file(slot, path)).collect();
        Ok(Self { keys, anchor_pem })
    }

    /// Opens a folder, and fills it with new keys until it has `count`. It is made if it is not there.
    pub fn create(folder: &Path, count: usize) -> Result<Self, SoftKeyError> {
        Self::create_of(folder, &vec![Model::default(); count])
    }

    /// As [`Rack::create`], with a model for each key: k keys that are there already stand for the first k models.
    pub fn create_of(folder: &Path, models: &[Model]) -> Result<Self, SoftKeyError> {
        private::make_own_folder(folder)?;
        let _filling = wait_for_folder(folder)?;
        let authority = authority(folder)?;
        let there = slots(folder)?;
        if there.len() < models.len() {
            let batch = authority.batch()?;
            let free = (1..).filter(|slot| !there.contains_key(slot));
            for (slot, model) in free.zip(&models[there.len()..]) {
                let contents = Contents::new(*model, authority.furnish(&batch)?);
                replace(&folder.join(format!("soft-{slot:02}.key")), &contents.encode())?;
            }
        }
        Self::open(folder)
    }

    /// The keys, in the order of their slots.
    pub fn keys(&self) -> &[SoftKey] {
        &self.keys
    }

    /// The key at this place, counted from 0.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn key(&self, index: usize) -> &SoftKey {
        &self.keys[index]
    }

    /// The certificate of the authority behind all keys of this rack, as PEM: an anchor for tests and rehearsals.
    pub fn anchor_pem(&self) -> &str {
        &self.anchor_pem
    }

    /// Says for all keys how their fingers behave.
    pub fn set_touch(&self, touch: Touch) {
        self.keys.iter().for_each(|key| key.touch(touch));
    }

    /// The reports of a key as it is plugged in now.
    pub fn pipe(&self, device: &Device) -> Result<Box<dyn Pipe>, TransportError> {
        Ok(Box::new(self.find(device)?.open_attached(device.attach)?))
    }

    fn find(&self, device: &Device) -> Result<&SoftKey, TransportError> {
        let is_it = |key: &&SoftKey| key.port() == device.port;
        self.keys.iter().find(is_it).ok_or(TransportError::Removed)
    }
}

impl Bus for Rack {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        Ok(self.keys.iter().filter_map(SoftKey::device).collect())
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(Channel::open(self.pipe(device)?, limits, cancel)?))
    }

    /// Pulls the key and plugs it in again, without waiting; a key that was pulled is plugged in.
    fn replug(&self, device: &Device, _patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        if cancel.is_cancelled() {
            return Err(TransportError::Cancelled);
        }
        let key = self.find(device)?;
        key.power_cycle();
        key.device().ok_or(TransportError::Removed)
    }
}

/// The folder's authority, made at the first call. The caller holds the folder's lock.
fn authority(folder: &Path) -> Result<Authority, SoftKeyError> {
    let (anchor, key) = (folder.join(ANCHOR), folder.join(AUTHORITY_KEY));
    if anchor.exists() {
        let certificate = std::fs::read(&anchor).map_err(at(&anchor))?;
        let private = std::fs::read(&key).map_err(at(&key))?;
        return Authority::from_pem((&certificate, &anchor), (&private, &key));
    }
    let authority = Authority::new()?;
    // The certificate last: while it is not there, no key was made under this authority.
    replace(&key, authority.key_pem().as_bytes())?;
    replace(&anchor, authority.certificate_pem().as_bytes())?;
    Ok(authority)
}

/// The state files in a folder, by slot.
fn slots(folder: &Path) -> Result<BTreeMap<u32, PathBuf>, SoftKeyError> {
    let mut slots = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "key") {
            let slot = path.file_stem().and_then(|stem| stem.to_str()?.strip_prefix("soft-")?.parse().ok());
            match slot {
                Some(slot) if slots.insert(slot, path.clone()).is_none() => {}
                _ => return Err(SoftKeyError::Name { path }),
            }
        }
    }
    Ok(slots)
}
