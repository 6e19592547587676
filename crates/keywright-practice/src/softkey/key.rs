//! One soft key: its memory, its firmware's thread, and the hand that plugs, pulls and touches it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::firmware::Firmware;
use super::lock::{Lease, StateLock};
use super::memory::Memory;
use super::pipe::SoftPipe;
use super::wire::{Moment, Side, Wire, lock};
use super::{SoftKeyError, Touch};
use keywright_fido::bus::{Device, UsbId};
use keywright_fido::ctap::TransportKind;

/// <https://pid.codes> keeps 0x1209/0x0001 for tests.
pub(super) const VENDOR_ID: u16 = 0x1209;
pub(super) const PRODUCT_ID: u16 = 0x0001;

/// A handle on a soft key; clones are the same key. It is plugged in when it is made. Its firmware starts with the first pipe
/// and goes on without one, as a key stays powered whether a program has it open or not.
#[derive(Clone)]
pub struct SoftKey(Arc<Inner>);

struct Inner {
    slot: u32,
    /// The state file, for a key that has one.
    path: Option<PathBuf>,
    usb_serial: Option<String>,
    wire: Arc<Wire>,
    lock: Arc<StateLock>,
    works: Mutex<Works>,
}

/// What is inside the key. It is locked while the firmware boots and while the key is pulled.
struct Works {
    /// Read from the file when the key is opened.
    memory: Option<Arc<Memory>>,
    /// The thread of the latest power cycle; it may have ended.
    firmware: Option<JoinHandle<()>>,
}

impl Works {
    /// Waits for a firmware whose power has gone, so that never two of them have one memory.
    fn rest(&mut self) {
        if let Some(firmware) = self.firmware.take()
            && firmware.join().is_err()
        {
            tracing::error!("a soft key's firmware panicked");
        }
    }
}

impl SoftKey {
    pub(super) fn in_memory(slot: u32, memory: Memory) -> Self {
        Self::new(slot, None, Some(Arc::new(memory)))
    }

    pub(super) fn in_file(slot: u32, path: PathBuf) -> Self {
        Self::new(slot, Some(path), None)
    }

    fn new(slot: u32, path: Option<PathBuf>, memory: Option<Arc<Memory>>) -> Self {
        let lock = StateLock::new(path.clone());
        // What the bus says of a key is known before it is opened; a damaged file says nothing.
        let known = memory.clone().or_else(|| Memory::load(path.clone()?).ok().map(Arc::new));
        let usb_serial = known.and_then(|memory| memory.model().usb_serial);
        Self(Arc::new(Inner {
            slot,
            path,
            usb_serial: usb_serial.map(|serial| serial.to_string()),
            wire: Arc::new(Wire::new()),
            lock,
            works: Mutex::new(Works { memory, firmware: None }),
        }))
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.0.wire
    }

    /// The key on its bus, while it is plugged in: `soft:1` at port `soft-1`.
    pub fn device(&self) -> Option<Device> {
        Some(Device {
            path: format!("soft:{}", self.0.slot),
            port: self.port(),
            attach: self.0.wire.attach()?,
            kind: TransportKind::Usb,
            manufacturer: "keywright".to_owned(),
            product: "soft key".to_owned(),
            usb_id: Some(UsbId { vendor: VENDOR_ID, product: PRODUCT_ID }),
            serial: self.0.usb_serial.clone(),
        })
    }

    pub(super) fn port(&self) -> String {
        format!("soft-{}", self.0.slot)
    }

    /// Opens the key as it is plugged in now.
    ///
    /// Fails with [`SoftKeyError::Removed`] after [`SoftKey::pull`], with [`SoftKeyError::Held`] while another process has it
    /// open, and with what is wrong with the state file.
    pub fn open(&self) -> Result<SoftPipe, SoftKeyError> {
        self.open_if(|_| true)
    }

    /// Opens the key if this plugging in (see [`Device::attach`]) is still on.
    pub(super) fn open_attached(&self, attach: u64) -> Result<SoftPipe, SoftKeyError> {
        self.open_if(|now| now == attach)
    }

    fn open_if(&self, wanted: impl Fn(u64) -> bool) -> Result<SoftPipe, SoftKeyError> {
        let wire = &self.0.wire;
        let mut works = lock(&self.0.works);
        let on = || wire.attach().filter(|now| wanted(*now)).ok_or(SoftKeyError::Removed);
        on()?;
        let (memory, lease) = self.hold(&mut works)?;
        let attach = on()?;
        if wire.start(attach) {
            works.rest();
            works.firmware = Some(self.start(memory, attach).inspect_err(|_| wire.not_started())?);
        }
        let id = wire.attach_pipe(attach).ok_or(SoftKeyError::Removed)?;
        Ok(SoftPipe::new(self.clone(), lease, attach, id))
    }

    /// Locks the state file, and reads it if it was not ours all the time.
    fn hold(&self, works: &mut Works) -> Result<(Arc<Memory>, Lease), SoftKeyError> {
        let (lease, first) = self.0.lock.lease()?;
        if let Some(path) = self.0.path.as_ref().filter(|_| first) {
            let read = Memory::load(path.clone())?;
            match &mut works.memory {
                Some(known) if known.same_as(&read) => {}
                // Another process has used the key in between: here that is a power cycle.
                Some(known) => {
                    *known = Arc::new(read);
                    self.0.unplug(works);
                    self.0.wire.plug();
                }
                None => works.memory = Some(Arc::new(read)),
            }
        }
        let memory =
            works.memory.clone().expect("a key without a file has its memory from the start, others have read it");
        Ok((memory, lease))
    }

    fn start(&self, memory: Arc<Memory>, attach: u64) -> Result<JoinHandle<()>, SoftKeyError> {
        let path = self.0.path.clone().unwrap_or_default();
        let firmware = Firmware::boot(&self.0.wire, memory, attach).map_err(|status| SoftKeyError::Damaged {
            path: path.clone(),
            why: format!("the firmware does not start with it: {status:?}"),
        })?;
        std::thread::Builder::new()
            .name(self.port())
            .spawn(move || firmware.run())
            .map_err(|source| SoftKeyError::File { path, source })
    }

    /// Says how the key's finger behaves from now on, also for a touch that the key waits for already.
    pub fn touch(&self, touch: Touch) {
        self.0.wire.set_touch(touch);
    }

    /// How often the key was touched.
    pub fn touches(&self) -> u64 {
        self.0.wire.touches()
    }

    /// Whether the key waits for a touch.
    pub fn is_waiting(&self) -> bool {
        self.0.wire.waiting()
    }

    /// How many CTAP2 requests reached the key, over all power cycles.
    pub fn requests(&self) -> u64 {
        self.0.wire.requests()
    }

    /// Moves the key's clock forward: past its 30 s for a touch, the 10 s in which it can be reset, the life of a PIN token.
    pub fn advance(&self, by: Duration) {
        self.0.wire.advance(by);
    }

    /// Pulls the key: every pipe to it gets [`keywright_fido::hid::PipeError::Removed`] from now on, and nothing more is stored.
    pub fn pull(&self) {
        self.0.unplug(&mut lock(&self.0.works));
    }

    /// Has the key pulled at a request, before or after it acted on it. It replaces an earlier script.
    pub fn pull_at(&self, moment: Moment, side: Side) {
        self.0.wire.script_pull(moment, side);
    }

    /// Whether a scripted pull is still to come.
    pub fn is_pull_pending(&self) -> bool {
        self.0.wire.pull_pending()
    }

    /// Plugs the key in, with the next attach number. Nothing happens if it is plugged in already.
    pub fn plug(&self) {
        let _works = lock(&self.0.works);
        self.0.wire.plug();
    }

    /// Pulls the key and plugs it in again. PIN tokens are gone, the three strikes are forgotten, and for 10 s it can be reset.
    pub fn power_cycle(&self) {
        let mut works = lock(&self.0.works);
        self.0.unplug(&mut works);
        self.0.wire.plug();
    }

    /// Whether the key is plugged in.
    pub fn is_plugged(&self) -> bool {
        self.0.wire.attach().is_some()
    }
}

impl std::fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoftKey").field("slot", &self.0.slot).field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Inner {
    fn unplug(&self, works: &mut Works) {
        self.wire.pull();
        works.rest();
    }
}

impl Drop for Inner {
    /// Ends the firmware's thread, and with it its hold on the state file.
    fn drop(&mut self) {
        self.unplug(&mut lock(&self.works));
    }
}
