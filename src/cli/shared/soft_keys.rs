//! `--softkeys`: soft keys instead of USB keys, behind the same reports.

use std::time::Duration;

use crate::cli::shared::device::SoftKeys;
use crate::cli::shared::{CliError, Session};
use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Transport, TransportError};
use keywright_practice::softkey::{Moment, Rack, Side, Touch};

/// The first so many keys of a rack; the others are not plugged in.
pub(crate) struct Row {
    rack: Rack,
    count: usize,
}

impl Row {
    /// Those that were asked for; those that are missing are made. `touch_after` is in milliseconds.
    pub(crate) fn open(softkeys: &SoftKeys, touch_after: u64, session: &Session) -> Result<Self, CliError> {
        let (rack, count) = match softkeys {
            SoftKeys::Count(count) => (Rack::create(&session.state()?.create()?.softkeys(), *count)?, *count),
            SoftKeys::Folder(folder) => (Rack::open(folder)?, usize::MAX),
        };
        rack.set_touch(Touch::After(Duration::from_millis(touch_after)));
        // A story has one pulled out by whoever walks past, when it is to make its credential.
        let pulled = std::env::var("KEYWRIGHT_REHEARSE_PULL").ok().and_then(|slot| slot.parse::<usize>().ok());
        if let Some(key) = pulled.and_then(|slot| rack.keys().get(slot.checked_sub(1)?)) {
            key.pull_at(Moment::Command(0x01), Side::Before);
        }
        Ok(Self { rack, count })
    }

    /// The certificate of the authority behind these keys, as PEM.
    pub(crate) fn anchor_pem(&self) -> &str {
        self.rack.anchor_pem()
    }
}

impl Bus for Row {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        let mut devices = self.rack.devices()?;
        devices.truncate(self.count);
        Ok(devices)
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        self.rack.open(device, limits, cancel)
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        self.rack.replug(device, patience, cancel)
    }
}
