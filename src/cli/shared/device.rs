//! Which keys are meant: USB keys or soft keys, and which single one.
//!
//! It refuses to choose: "the first one" is how the wrong key gets reset.

#[cfg(feature = "practice")]
use std::{path::PathBuf, str::FromStr};

use crate::ledger::KeyNumber;
use keywright_fido::bus::Device;

#[cfg(feature = "practice")]
/// `--softkeys`: a number of soft keys in the state folder, or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SoftKeys {
    /// So many, in the state folder.
    Count(usize),
    /// Those in this folder.
    Folder(PathBuf),
}

#[cfg(feature = "practice")]
/// As many as the largest rehearsal has. Each is a file.
const MOST_SOFT_KEYS: usize = 4000;

#[cfg(feature = "practice")]
impl FromStr for SoftKeys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(count) if count <= MOST_SOFT_KEYS => Ok(Self::Count(count)),
            Ok(_) => Err(format!("at most {MOST_SOFT_KEYS} soft keys")),
            // A word that names nothing is a slip; a path may be that of a folder on another machine, or in an example.
            Err(_) if text.contains(['/', '\\']) || std::path::Path::new(text).is_dir() => {
                Ok(Self::Folder(text.into()))
            }
            Err(_) => Err("neither a number of soft keys nor a folder with saved ones".to_owned()),
        }
    }
}

/// Why there is not exactly one key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeysError {
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
    #[error("no plugged-in security key is one that you named and that is in the ledger")]
    NotInLedger,
    /// No key that is there shows that it is the one with this number.
    #[error("no plugged-in security key shows that it is {number}")]
    NotThisOne {
        /// The number.
        number: KeyNumber,
        /// A line for each that is there.
        keys: Vec<String>,
    },
    /// The one that was named is not there.
    #[error("no security key is at {name}")]
    NotThere {
        /// The path, port or serial number that was named.
        name: String,
        /// A line for each that is there.
        keys: Vec<String>,
    },
}

/// The device that is meant.
pub(crate) fn choose(devices: Vec<Device>, named: Option<&str>) -> Result<Device, KeysError> {
    let lines = |devices: &[Device]| devices.iter().map(describe).collect();
    if devices.is_empty() {
        return Err(KeysError::None);
    }
    if let Some(name) = named {
        let keys = lines(&devices);
        let is_it = |device: &Device| {
            device.path == name || device.port == name || device.serial.as_deref().is_some_and(|serial| serial == name)
        };
        let mut found = devices.into_iter().filter(is_it);
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
pub(crate) fn describe(device: &Device) -> String {
    let serial = device.serial.as_ref().map(|serial| format!(", serial {serial}")).unwrap_or_default();
    format!("{}  {} (port {}{serial})", device.path, device.product, device.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywright_fido::ctap::TransportKind;

    fn device(number: u64) -> Device {
        Device {
            path: format!("/dev/hidraw{number}"),
            port: format!("1-{number}"),
            attach: 0,
            manufacturer: "Maker".into(),
            product: "Key".into(),
            kind: TransportKind::Usb,
            usb_id: None,
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
        assert_eq!(choose(both(), Some("77")), Ok(device(1)));
        assert_eq!(choose(both(), Some("1")), Err(KeysError::NotThere { name: "1".into(), keys }));
        // A maker gives all keys the same one.
        let twins = vec![device(1), Device { path: "/dev/hidraw4".into(), port: "1-4".into(), ..device(1) }];
        assert!(matches!(choose(twins, Some("77")), Err(KeysError::Ambiguous { keys }) if keys.len() == 2));
    }

    #[cfg(feature = "practice")]
    #[test]
    fn softkeys_are_a_number_or_a_folder() {
        assert_eq!("4".parse(), Ok(SoftKeys::Count(4)));
        assert_eq!(".".parse(), Ok(SoftKeys::Folder(".".into())));
        for wrong in ["99999", "123456789012345678901234567890", "abc", "-1", ""] {
            assert!(wrong.parse::<SoftKeys>().is_err(), "{wrong}");
        }
    }
}
