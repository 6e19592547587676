//! Where keys are, whatever carries their requests: what a bus says of a key before anything is asked of it, and how one is opened.
//!
//! It refuses to call a place an identity: a port is where a key is now, and the next key there is another insertion.

mod limits;

use std::time::Duration;

pub use keywright_files::Cancel;
pub use limits::Limits;

use crate::ctap::transport::{Transport, TransportError, TransportKind};

/// Vendor and product of a USB device, as its descriptor has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsbId {
    /// The vendor.
    pub vendor: u16,
    /// The product.
    pub product: u16,
}

/// A key as its bus describes it, before anything is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// How the bus opens it: `/dev/hidraw3`, `soft:2`, `pcsc:ACS ACR1252 00 00`. Not an identity: it is reused at once on replug.
    pub path: String,
    /// Where it is plugged in, stable while it stays there: a USB topology path such as `1-2.3`, a reader's name with its slot, or
    /// the soft key's slot.
    pub port: String,
    /// Counts insertions at this port, so that a key that was pulled is never taken for the one that replaced it.
    pub attach: u64,
    /// How it is reached there.
    pub kind: TransportKind,
    /// The manufacturer's name, as the device says it.
    pub manufacturer: String,
    /// The product's name, as the device says it.
    pub product: String,
    /// What it is on USB; `None` for a card, whose reader is on USB instead.
    pub usb_id: Option<UsbId>,
    /// The USB serial string, if there is one. Often there is none, and some vendors give all keys the same.
    pub serial: Option<String>,
}

/// Where keys are plugged in: the USB buses of this machine, its card readers, or a rack of soft keys.
pub trait Bus: Send + Sync {
    /// The keys that are there now. A key that cannot be opened is listed all the same.
    fn devices(&self) -> Result<Vec<Device>, TransportError>;

    /// Opens one of them; every exchange with it keeps to `limits` and ends with `cancel`. Fails with [`TransportError::Removed`] if
    /// it is no longer the one that was listed.
    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError>;

    /// Waits until this key was without power and is back, and returns what is there now. A rack pulls and plugs by itself, a reader
    /// cuts its card's power ([`Bus::cuts_power`]); on USB a person has to, and the caller has asked for it.
    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError>;

    /// Whether another program of this machine could open this key as a USB device, by its [`Device::path`].
    fn is_usb(&self, _device: &Device) -> bool {
        false
    }

    /// Whether [`Bus::replug`] needs nobody's hand for this key.
    fn cuts_power(&self, _device: &Device) -> bool {
        false
    }
}

/// Two kinds of places as one bus: keys on USB, and cards in readers.
#[derive(Debug, Default)]
pub struct UsbAndReaders<U, R> {
    /// Keys that are reached over USB, or pass for such.
    pub usb: U,
    /// Cards.
    pub readers: R,
}

impl<U: Bus, R: Bus> UsbAndReaders<U, R> {
    fn of(&self, device: &Device) -> &dyn Bus {
        if device.kind == TransportKind::Usb { &self.usb } else { &self.readers }
    }
}

impl<U: Bus, R: Bus> Bus for UsbAndReaders<U, R> {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        let mut devices = self.usb.devices()?;
        devices.extend(self.readers.devices()?);
        Ok(devices)
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        self.of(device).open(device, limits, cancel)
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        self.of(device).replug(device, patience, cancel)
    }

    fn is_usb(&self, device: &Device) -> bool {
        self.of(device).is_usb(device)
    }

    fn cuts_power(&self, device: &Device) -> bool {
        self.of(device).cuts_power(device)
    }
}
