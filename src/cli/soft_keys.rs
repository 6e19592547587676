//! `--softkeys`: soft keys instead of USB keys, behind the same reports.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{CliError, Session};
use keywright_fido::hid::{Bus, Cancel, Device, HidError, Pipe};
use keywright_practice::softkey::{Rack, Touch};

/// `--softkeys`: a number of soft keys in the state folder, or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoftKeys {
    /// So many, in the state folder.
    Count(usize),
    /// Those in this folder.
    Folder(PathBuf),
}

impl FromStr for SoftKeys {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Folder(text.into()), Self::Count))
    }
}

/// The first so many keys of a rack; the others are not plugged in.
pub struct Row {
    rack: Rack,
    count: usize,
}

impl Row {
    /// Those that were asked for; those that are missing are made. `touch_after` is in milliseconds.
    pub fn open(softkeys: &SoftKeys, touch_after: u64, session: &Session) -> Result<Self, CliError> {
        let (rack, count) = match softkeys {
            SoftKeys::Count(count) => (Rack::create(&session.state()?.create()?.softkeys(), *count)?, *count),
            SoftKeys::Folder(folder) => (Rack::open(folder)?, usize::MAX),
        };
        rack.set_touch(Touch::After(Duration::from_millis(touch_after)));
        Ok(Self { rack, count })
    }

    /// The certificate of the authority behind these keys, as PEM.
    pub fn anchor_pem(&self) -> &str {
        self.rack.anchor_pem()
    }
}

impl Bus for Row {
    fn devices(&self) -> Result<Vec<Device>, HidError> {
        let mut devices = self.rack.devices()?;
        devices.truncate(self.count);
        Ok(devices)
    }

    fn open(&self, device: &Device) -> Result<Box<dyn Pipe>, HidError> {
        self.rack.open(device)
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, HidError> {
        self.rack.replug(device, patience, cancel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softkeys_are_a_number_or_a_folder() {
        assert_eq!("4".parse(), Ok(SoftKeys::Count(4)));
        assert_eq!("./4".parse(), Ok(SoftKeys::Folder("./4".into())));
    }
}
