//! Which keys a command works with: USB keys, or soft keys with the same reports; and which single one is meant.
//!
//! It refuses to choose: "the first one" is how the wrong key gets reset.

use super::args::{KeySource, OneKey};
use super::console::Style;
use super::session::ENDING;
#[cfg(feature = "practice")]
use super::soft_keys::Row;
use super::{CliError, Session, select_by_touch};
use keywright_fido::ctap::Authenticator;
use keywright_fido::hid::usb::UsbBus;
use keywright_fido::hid::{Bus, Device, Keepalive, Limits};

/// Why there is not exactly one key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No key is there.
    #[error("no security key is plugged in")]
    None,
    /// Several are there, and none was named.
    #[error("{} security keys are plugged in, and none is named", keys.len())]
    Ambiguous {
        /// A line for each.
        keys: Vec<String>,
    },
    /// More than one was touched.
    #[error("{} security keys were touched at once", keys.len())]
    SeveralTouched {
        /// A line for each.
        keys: Vec<String>,
    },
    /// No key that is there is one that was meant.
    #[error("no security key that is plugged in is one that the ledger has and that was meant")]
    NotInLedger,
    /// The one that was named is not there.
    #[error("no security key is at {name}")]
    NotThere {
        /// The path or port that was named.
        name: String,
        /// A line for each that is there.
        keys: Vec<String>,
    },
}

/// Where keys are.
pub enum Keys {
    /// The USB buses of this machine.
    Usb(UsbBus),
    /// Soft keys.
    #[cfg(feature = "practice")]
    Soft(Row),
}

impl Keys {
    /// USB, or the soft keys that were asked for; those that are missing are made.
    pub fn open(source: &KeySource, session: &Session) -> Result<Self, CliError> {
        match source.softkeys() {
            None => Ok(Self::Usb(UsbBus::new()?)),
            #[cfg(feature = "practice")]
            Some(softkeys) => Ok(Self::Soft(Row::open(softkeys, source.touch_after, session)?)),
            #[cfg(not(feature = "practice"))]
            Some(never) => {
                let _ = session;
                match *never {}
            }
        }
    }

    /// The bus.
    pub fn bus(&self) -> &dyn Bus {
        match self {
            Self::Usb(bus) => bus,
            #[cfg(feature = "practice")]
            Self::Soft(row) => row,
        }
    }

    /// The certificate of the authority behind soft keys, as PEM; `None` for USB keys.
    pub fn soft_anchor_pem(&self) -> Option<&str> {
        match self {
            Self::Usb(_) => None,
            #[cfg(feature = "practice")]
            Self::Soft(row) => Some(row.anchor_pem()),
        }
    }
}

/// One key, chosen and open.
pub struct OpenKey {
    /// Where keys are.
    pub keys: Keys,
    /// As its bus describes it.
    pub device: Device,
    /// The open key.
    pub authenticator: Authenticator,
}

impl OpenKey {
    /// Opens the key that is meant: the one that is named or touched, or the only one.
    pub fn open(which: &OneKey, session: &Session) -> Result<Self, CliError> {
        session.catch_interrupts(ENDING)?;
        let keys = Keys::open(&which.source, session)?;
        let devices = keys.bus().devices()?;
        let device = match which.key.as_deref() {
            Some(select_by_touch::TOUCH) => select_by_touch::choose(keys.bus(), devices, session)?,
            named => choose(devices, named)?,
        };
        let authenticator = open(keys.bus(), &device, session)?;
        Ok(Self { keys, device, authenticator })
    }
}

/// Opens a device as a CTAP2 key.
pub fn open(bus: &dyn Bus, device: &Device, session: &Session) -> Result<Authenticator, CliError> {
    Ok(Authenticator::open(bus.open(device)?, Limits::default(), session.cancel.clone())?)
}

/// The device that is meant.
pub fn choose(devices: Vec<Device>, named: Option<&str>) -> Result<Device, KeysError> {
    let lines = |devices: &[Device]| devices.iter().map(describe).collect();
    if devices.is_empty() {
        return Err(KeysError::None);
    }
    if let Some(name) = named {
        let keys = lines(&devices);
        let mut found = devices.into_iter().filter(|device| device.path == name || device.port == name);
        return match (found.next(), found.next()) {
            (Some(device), None) => Ok(device),
            (None, _) => Err(KeysError::NotThere { name: name.to_owned(), keys }),
            (Some(first), Some(second)) => Err(KeysError::Ambiguous { keys: lines(&[first, second]) }),
        };
    }
    match <[Device; 1]>::try_from(devices) {
        Ok([device]) => Ok(device),
        Err(devices) => Err(KeysError::Ambiguous { keys: lines(&devices) }),
    }
}

/// A device in a line: path, product, port, serial.
pub fn describe(device: &Device) -> String {
    let serial = device.serial.as_ref().map(|serial| format!(", serial {serial}")).unwrap_or_default();
    format!("{}  {} (port {}{serial})", device.path, device.product, device.port)
}

/// Says "touch now" when the key waits for a touch, once for each wait.
pub fn touch_prompt<'a>(session: &'a Session, device: &'a Device) -> impl FnMut(Keepalive) + 'a {
    let mut asked = false;
    move |keepalive| {
        let needed = keepalive == Keepalive::UpNeeded;
        if needed && !asked {
            let now = session.console.paint(Style::Now, "touch now:");
            session.console.say(&format!("{now} {} in port {}", device.product, device.port));
        }
        asked = needed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u64) -> Device {
        Device {
            path: format!("/dev/hidraw{number}"),
            port: format!("1-{number}"),
            attach: 0,
            manufacturer: "Maker".into(),
            product: "Key".into(),
            vendor_id: 0x1050,
            product_id: 0x0407,
            serial: (number == 1).then(|| "77".to_owned()),
        }
    }

    #[test]
    fn the_only_key_is_meant() {
        assert_eq!(choose(vec![device(3)], None), Ok(device(3)));
        assert_eq!(choose(vec![], None), Err(KeysError::None));
        assert_eq!(choose(vec![], Some("1-3")), Err(KeysError::None));
    }

    #[test]
    fn one_of_several_has_to_be_named() {
        let keys =
            vec!["/dev/hidraw1  Key (port 1-1, serial 77)".to_owned(), "/dev/hidraw2  Key (port 1-2)".to_owned()];
        let both = || vec![device(1), device(2)];
        assert_eq!(choose(both(), None), Err(KeysError::Ambiguous { keys: keys.clone() }));
        assert_eq!(choose(both(), Some("/dev/hidraw2")), Ok(device(2)));
        assert_eq!(choose(both(), Some("1-1")), Ok(device(1)));
        assert_eq!(choose(both(), Some("1")), Err(KeysError::NotThere { name: "1".into(), keys }));
    }
}
