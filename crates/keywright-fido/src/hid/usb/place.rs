//! Where a key is plugged in, and what the system calls that insertion: from sysfs on Linux, from the device path elsewhere.
//!
//! It refuses to guess a port: a device without a USB parent (uhid) has none.

#[cfg(target_os = "linux")]
pub(super) use linux::{is_there, place_of, refusal};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{is_there, place_of, refusal};

/// A key's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// USB topology: bus, dash, port numbers from the root hub down, such as `1-2.3`. `None` where the system does not say.
    pub(super) port: Option<String>,
    /// A name that the system gives this insertion.
    pub(super) insertion: String,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::{Component, Path};

    use super::Place;
    use crate::ctap::TransportError;

    const CLASS: &str = "/sys/class/hidraw";

    /// The place of the device at `/dev/hidrawN`, or `None` if it is gone.
    pub(in super::super) fn place_of(path: &str) -> Option<Place> {
        read(Path::new(CLASS), path)
    }

    /// Whether the device at `path` is still this insertion.
    pub(in super::super) fn is_there(path: &str, insertion: &str) -> bool {
        place_of(path).is_some_and(|place| place.insertion == insertion)
    }

    /// hidapi's refusal, after the lock told of all that has a name.
    pub(in super::super) fn refusal(_path: &str, error: TransportError) -> TransportError {
        error
    }

    /// In sysfs a hidraw device is below its HID device, and that below its USB interface:
    /// `.../1-2.3/1-2.3:1.0/0003:1050:0407.0005/hidraw/hidraw3`. The kernel numbers HID devices (`.0005`) upwards for as long
    /// as it runs.
    pub(super) fn read(class: &Path, path: &str) -> Option<Place> {
        let node = Path::new(path).file_name()?;
        let device = class.join(node).join("device").canonicalize().ok()?;
        let names: Vec<&str> = device
            .components()
            .filter_map(|component| match component {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        let (insertion, above) = names.split_last()?;
        let port = above.last().and_then(|interface| usb_port(interface));
        Some(Place { port: port.map(str::to_owned), insertion: (*insertion).to_owned() })
    }

    /// `1-2.3` of `1-2.3:1.0`.
    fn usb_port(interface: &str) -> Option<&str> {
        let (port, configuration) = interface.split_once(':')?;
        let (bus, ports) = port.split_once('-')?;
        let numbers = |text: &str| text.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        (numbers(bus) && numbers(ports) && numbers(configuration)).then_some(port)
    }

    #[cfg(test)]
    mod tests {
        use std::fs;
        use std::os::unix::fs::symlink;

        use super::*;

        /// A sysfs with one hidraw device under `parent`.
        fn place_under(parent: &str) -> Option<Place> {
            let sys = tempfile::tempdir().expect("a temporary folder");
            let device = sys.path().join("devices").join(parent).join("0003:1050:0407.0005");
            let hidraw = device.join("hidraw/hidraw3");
            fs::create_dir_all(&hidraw).expect("a folder");
            symlink(&device, hidraw.join("device")).expect("a link");
            let class = sys.path().join("class");
            fs::create_dir(&class).expect("a folder");
            symlink(&hidraw, class.join("hidraw3")).expect("a link");
            assert_eq!(read(&class, "/dev/hidraw4"), None);
            read(&class, "/dev/hidraw3")
        }

        fn place(port: Option<&str>) -> Option<Place> {
            Some(Place { port: port.map(str::to_owned), insertion: "0003:1050:0407.0005".into() })
        }

        #[test]
        fn a_usb_key_has_its_topology_for_a_port() {
            assert_eq!(place_under("pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0"), place(Some("1-2")));
            assert_eq!(
                place_under("pci0000:00/0000:00:14.0/usb3/3-1/3-1.4/3-1.4.2/3-1.4.2:1.1"),
                place(Some("3-1.4.2"))
            );
        }

        #[test]
        fn a_device_without_a_usb_parent_has_no_port() {
            assert_eq!(place_under("virtual/misc/uhid"), place(None));
            assert_eq!(place_under("pci0000:00/0000:00:14.0"), place(None));
        }

        #[test]
        fn a_device_that_is_not_there_has_no_place() {
            assert_eq!(place_of("/dev/hidraw99999"), None);
            assert!(!is_there("/dev/hidraw99999", "0003:1050:0407.0005"));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::fs::OpenOptions;
    use std::io::ErrorKind;

    use super::Place;
    use crate::ctap::TransportError;
    use crate::hid::usb::hidapi_thread;

    /// ERROR_SHARING_VIOLATION
    const WINDOWS_SHARING_VIOLATION: i32 = 32;

    /// The path itself: on macOS it has a registry id that is never used again; on Windows it stands for port and model.
    pub(in super::super) fn place_of(path: &str) -> Option<Place> {
        Some(Place { port: None, insertion: path.to_owned() })
    }

    /// Whether there is a device at this path.
    pub(in super::super) fn is_there(path: &str, _insertion: &str) -> bool {
        let wanted = path.to_owned();
        let listed = hidapi_thread::ask(move |api| {
            api.refresh_devices()?;
            Ok(api.device_list().any(|info| info.path().to_str() == Ok(wanted.as_str())))
        });
        // If the list cannot be had, the device itself will tell.
        listed.unwrap_or(true)
    }

    /// What hidapi's refusal means. On Windows a HID path opens like a file, and the file's error has a kind where hidapi's has
    /// only words in the system's language.
    pub(in super::super) fn refusal(path: &str, error: TransportError) -> TransportError {
        if !cfg!(windows) {
            return super::iokit::refusal(path, error);
        }
        match OpenOptions::new().read(true).write(true).open(path).err() {
            Some(refused) if refused.kind() == ErrorKind::PermissionDenied => {
                TransportError::NoPermission { path: path.to_owned() }
            }
            Some(refused) if refused.raw_os_error() == Some(WINDOWS_SHARING_VIOLATION) => {
                TransportError::Held { path: path.to_owned(), holder: "unknown".to_owned() }
            }
            _ => error,
        }
    }
}

/// macOS: hidapi passes on IOKit's code among its words.
#[cfg(any(not(target_os = "linux"), test))]
mod iokit {
    use crate::ctap::TransportError;

    /// kIOReturnNotPrivileged and kIOReturnNotPermitted (IOKit/IOReturn.h): who opens an input device needs root, or the user's
    /// leave in the system settings, Privacy & Security, Input Monitoring.
    const NO_PERMISSION: [&str; 2] = ["0xE00002C1", "0xE00002E2"];

    /// kIOReturnExclusiveAccess: another program has seized the device.
    const HELD: &str = "0xE00002C5";

    /// The refusal in our terms, where its code says which it is.
    pub(super) fn refusal(path: &str, error: TransportError) -> TransportError {
        let words = error.to_string();
        if NO_PERMISSION.iter().any(|code| words.contains(code)) {
            TransportError::NoPermission { path: path.to_owned() }
        } else if words.contains(HELD) {
            TransportError::Held { path: path.to_owned(), holder: "unknown".to_owned() }
        } else {
            error
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_codes_of_privilege_and_of_exclusive_access_are_told() {
            let said = |code| {
                let words =
                    format!("hid_open_path: failed to open IOHIDDevice from mach entry: ({code}) (iokit/common)");
                refusal("DevSrvsID:4294970213", TransportError::System(words))
            };
            let path = || "DevSrvsID:4294970213".to_owned();
            assert_eq!(said("0xE00002C1"), TransportError::NoPermission { path: path() });
            assert_eq!(said("0xE00002E2"), TransportError::NoPermission { path: path() });
            assert_eq!(said("0xE00002C5"), TransportError::Held { path: path(), holder: "unknown".to_owned() });
            assert!(matches!(said("0xE00002BC"), TransportError::System(_)));
        }
    }
}
