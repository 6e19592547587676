//! One key: its flash, its button, and the hand that plugs and pulls it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use keywright_fido::bus::{Device, UsbId};
use keywright_fido::ctap::TransportKind;
use keywright_fido::hid::{Pipe, PipeError, Report};
use littlefs2_core::path;

use crate::Maker;
use crate::cable::{HidConnection, UserPresence};
use crate::firmware;
use crate::flash::Flash;

/// Nitrokey's, whose firmware this is.
pub(crate) const VENDOR_ID: u16 = 0x20a0;
pub(crate) const PRODUCT_ID: u16 = 0x42b2;

/// A handle on a key; clones are the same key. It is plugged in when it is made, and its firmware starts with the first pipe.
#[derive(Clone)]
pub struct Board(Arc<Inner>);

struct Inner {
    slot: usize,
    cable: Arc<HidConnection>,
    flash: Flash,
    /// The thread of the latest power cycle.
    firmware: Mutex<Option<JoinHandle<()>>>,
}

impl Board {
    /// A key as it leaves this maker.
    pub fn new(slot: usize, maker: &Maker) -> Self {
        let flash = Flash::formatted();
        flash.write_file(path!("fido/x5c/00"), maker.certificate());
        flash.write_file(path!("fido/sec/00"), &maker.key_file());
        Self(Arc::new(Inner { slot, cable: Arc::new(HidConnection::new()), flash, firmware: Mutex::default() }))
    }

    /// The key on its bus, while it is plugged in.
    pub fn device(&self) -> Option<Device> {
        Some(Device {
            path: format!("board:{}", self.0.slot),
            port: format!("board-{}", self.0.slot),
            attach: self.0.cable.attach()?,
            kind: TransportKind::Usb,
            manufacturer: "Nitrokey".into(),
            product: "Nitrokey 3".into(),
            usb_id: Some(UsbId { vendor: VENDOR_ID, product: PRODUCT_ID }),
            serial: None,
        })
    }

    /// Opens the key as it is plugged in now; `None` if it is not.
    pub fn open(&self) -> Option<BoardPipe> {
        self.open_attached(self.0.cable.attach()?)
    }

    pub(crate) fn open_attached(&self, attach: u64) -> Option<BoardPipe> {
        let id = self.0.cable.open(attach)?;
        if self.0.cable.start(attach) {
            self.0.rest();
            let (cable, flash) = (Arc::clone(&self.0.cable), self.0.flash.clone());
            let firmware = std::thread::spawn(move || firmware::run(&cable, &flash, attach));
            *self.0.thread() = Some(firmware);
        }
        Some(BoardPipe { board: self.clone(), attach, id })
    }

    /// Pulls the key: every pipe to it is told so.
    pub fn pull(&self) {
        self.0.cable.pull();
        self.0.rest();
    }

    /// Plugs it in, with the next attach number.
    pub fn plug(&self) {
        self.0.cable.plug();
    }

    /// Says what the button tells from now on, also to a firmware that waits for it.
    pub fn put_finger(&self, finger: UserPresence) {
        self.0.cable.put_finger(finger);
    }

    /// Whether the key comes to wait for its button within `most`.
    pub fn comes_to_wait(&self, most: Duration) -> bool {
        self.0.cable.comes_to_wait(most)
    }

    /// Moves the key's clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.cable.advance(by);
    }
}

impl Inner {
    fn thread(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.firmware.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a firmware whose power has gone, so that never two of them have one flash.
    fn rest(&self) {
        if let Some(firmware) = self.thread().take() {
            firmware.join().expect("the firmware does not panic");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.cable.pull();
        if !std::thread::panicking() {
            self.rest();
        }
    }
}

/// One program's connection to a key, for one plugging in.
pub struct BoardPipe {
    board: Board,
    attach: u64,
    id: u64,
}

impl Pipe for BoardPipe {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        if self.board.0.cable.send(self.attach, report) { Ok(()) } else { Err(PipeError::Removed) }
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        self.board.0.cable.receive(self.attach, self.id, timeout).ok_or(PipeError::Removed)
    }
}

impl Drop for BoardPipe {
    fn drop(&mut self) {
        self.board.0.cable.close(self.id);
    }
}
