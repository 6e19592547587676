//! Keys on this machine's USB buses, through hidapi.
//!
//! It refuses to take one key for another because it has the same path, and to talk to a key that another program has locked.

mod attachments;
mod hidapi_thread;
#[cfg(target_os = "linux")]
mod lock;
pub mod permission;
mod pipe;
mod place;

use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hidapi::DeviceInfo;

use self::attachments::{Attachments, Sighting};
use self::pipe::UsbPipe;
use super::{Bus, Cancel, Channel, Device, Limits, Pipe, UsbId};
use crate::ctap::transport::{TimeoutPhase, Transport, TransportError, TransportKind};

/// The HID usage page of FIDO authenticators (CTAP 2.1, 11.2.8.2).
const FIDO_USAGE_PAGE: u16 = 0xF1D0;

/// Between two looks at the buses. Small against the 10 s in which a key takes a reset.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The USB buses of this machine.
///
/// It counts insertions by what it sees: on Linux and macOS a key that was pulled and plugged in again has another system
/// identity, on Windows it must be seen missing in between, which [`Bus::replug`] makes sure of.
#[derive(Debug, Default)]
pub struct UsbBus {
    attachments: Mutex<Attachments>,
}

impl UsbBus {
    /// The reports of a key that this bus has listed. On Linux the device's node is locked (`flock`, as libfido2 does) for as long as
    /// the pipe lives.
    pub fn pipe(&self, device: &Device) -> Result<Box<dyn Pipe>, TransportError> {
        let insertion = self.attachments().insertion(device).ok_or(TransportError::Removed)?.to_owned();
        if !place::is_there(&device.path, &insertion) {
            return Err(TransportError::Removed);
        }
        #[cfg(target_os = "linux")]
        let lock = lock::acquire(&device.path)?;
        #[cfg(not(target_os = "linux"))]
        let lock = ();
        let path = CString::new(device.path.as_str()).map_err(|_| TransportError::Removed)?;
        // Opened after locking: Linux keeps each reader's reports apart, and this reader has none of the last holder's.
        let opened = hidapi_thread::ask(move |api| api.open_path(&path));
        // What was opened is what was listed if it is still there now: the system never uses an identity twice.
        if !place::is_there(&device.path, &insertion) {
            return Err(TransportError::Removed);
        }
        let opened = opened.map_err(|error| place::refusal(&device.path, error))?;
        Ok(Box::new(UsbPipe::new(opened, lock, device.path.clone(), insertion)))
    }

    fn attachments(&self) -> MutexGuard<'_, Attachments> {
        self.attachments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for UsbBus {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        // Held while looking, so that two threads' looks are counted in the order in which they were made.
        let mut attachments = self.attachments();
        let sightings = hidapi_thread::look(|api| {
            api.device_list().filter(|info| info.usage_page() == FIDO_USAGE_PAGE).filter_map(sighting).collect()
        })?;
        Ok(attachments.count(sightings))
    }

    /// Only a device that this bus has listed can be opened.
    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(Channel::open(self.pipe(device)?, limits, cancel)?))
    }

    /// Fails with [`TransportError::Timeout`] if the key was not pulled within `patience`, with [`TransportError::Removed`] if it was and
    /// nothing came. Where the port is not known (its device path stands for it), the next key of the same model that
    /// appears is taken, unless two appear at once.
    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        let start = Instant::now();
        loop {
            if cancel.is_cancelled() {
                return Err(TransportError::Cancelled);
            }
            let now = self.devices()?;
            if let Some(next) = self.attachments().successor(device, &now) {
                return Ok(next.clone());
            }
            if start.elapsed() >= patience {
                let stayed = self.attachments().insertion(device).is_some();
                return Err(if stayed {
                    TransportError::Timeout { phase: TimeoutPhase::Replug, after: patience }
                } else {
                    TransportError::Removed
                });
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn is_usb(&self, _device: &Device) -> bool {
        true
    }
}

/// What hidapi says of a key. `None` if it went while we looked.
fn sighting(info: &DeviceInfo) -> Option<Sighting> {
    let path = info.path().to_str().ok()?.to_owned();
    let place = place::place_of(&path)?;
    let words = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let device = Device {
        port: place.port.unwrap_or_else(|| path.clone()),
        path,
        attach: 0,
        kind: TransportKind::Usb,
        manufacturer: words(info.manufacturer_string()).unwrap_or_default(),
        product: words(info.product_string()).unwrap_or_default(),
        usb_id: Some(UsbId { vendor: info.vendor_id(), product: info.product_id() }),
        serial: words(info.serial_number()),
    };
    Some(Sighting { device, insertion: place.insertion })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absent() -> Device {
        Device {
            path: "/dev/hidraw99999".into(),
            port: "99-9".into(),
            attach: 1,
            manufacturer: String::new(),
            product: String::new(),
            kind: TransportKind::Usb,
            usb_id: Some(UsbId { vendor: 0x1050, product: 0x0407 }),
            serial: None,
        }
    }

    #[test]
    fn a_key_that_was_not_listed_is_not_opened() {
        let bus = UsbBus::default();
        assert_eq!(bus.pipe(&absent()).err(), Some(TransportError::Removed));
        bus.devices().unwrap();
        assert_eq!(bus.pipe(&absent()).err(), Some(TransportError::Removed));
    }

    #[test]
    fn nobody_waits_longer_for_a_replug_than_asked() {
        let bus = UsbBus::default();
        let cancel = Cancel::default();
        assert_eq!(bus.replug(&absent(), Duration::ZERO, &cancel), Err(TransportError::Removed));
        cancel.cancel();
        assert_eq!(bus.replug(&absent(), Duration::MAX, &cancel), Err(TransportError::Cancelled));
    }

    #[test]
    fn two_looks_at_the_same_buses_find_the_same_keys() {
        let bus = UsbBus::default();
        assert_eq!(bus.devices(), bus.devices());
    }
}
