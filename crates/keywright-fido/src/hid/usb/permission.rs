//! Why a key that the kernel has cannot be opened by this account, from what udev and sysfs say. Linux.
//!
//! It asks no key and opens no node. It refuses to guess: what cannot be read counts as not there.

use std::fs;
use std::path::Path;

/// The file name of keywright's rule, in any of udev's folders.
pub const RULE: &str = "70-keywright.rules";

/// The folders of udev's rules (udev(7)).
const RULE_FOLDERS: [&str; 5] =
    ["etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"];

/// What is missing between the kernel and this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The node itself: in a container, for example.
    Node,
    /// udev does not run here, so no rule is at work.
    Udev,
    /// No rule is there that lets people open keys.
    Rule,
    /// keywright's rule is there, and was not applied to this key yet.
    Trigger,
    /// The rule was applied; udev gives the key to whoever is logged in at this machine's seat, and that is not this account.
    Seat,
}

/// What is missing for the device at `/dev/hidrawN`, which could not be opened.
pub fn missing(path: &str) -> Missing {
    missing_below(Path::new("/"), path)
}

/// Whether the kernel offers HID devices to programs at all.
pub fn hidraw_is_there() -> bool {
    Path::new("/sys/class/hidraw").is_dir()
}

/// A USB interface of class HID that no driver has taken, such as `1-2:1.0`: it has no node.
pub fn interface_without_driver() -> Option<String> {
    let interfaces = fs::read_dir("/sys/bus/usb/devices").ok()?;
    interfaces.flatten().map(|interface| interface.path()).find_map(|interface| {
        let class = fs::read_to_string(interface.join("bInterfaceClass")).ok()?;
        let is_idle_hid = class.trim() == "03" && !interface.join("driver").exists();
        is_idle_hid.then(|| Some(interface.file_name()?.to_str()?.to_owned())).flatten()
    })
}

fn missing_below(root: &Path, path: &str) -> Missing {
    let name = path.strip_prefix("/dev/").unwrap_or(path);
    if !root.join("dev").join(name).exists() {
        return Missing::Node;
    }
    if !root.join("run/udev").is_dir() {
        return Missing::Udev;
    }
    if is_marked(root, name) {
        return Missing::Seat;
    }
    let installed = RULE_FOLDERS.iter().any(|folder| root.join(folder).join(RULE).exists());
    if installed { Missing::Trigger } else { Missing::Rule }
}

/// Whether udev's database has the tag `uaccess` for a node. Its files are named after type and number: `c246:0`.
fn is_marked(root: &Path, name: &str) -> bool {
    let number = fs::read_to_string(root.join("sys/class/hidraw").join(name).join("dev")).unwrap_or_default();
    let known = fs::read_to_string(root.join("run/udev/data").join(format!("c{}", number.trim()))).unwrap_or_default();
    // G has every tag that the node ever had; from version 1 of the file on (systemd 247) Q has those of now.
    let now = if known.lines().any(|line| line == "V:1") { "Q:uaccess" } else { "G:uaccess" };
    known.lines().any(|line| line == now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_found_in_the_order_in_which_it_is_mended() {
        let machine = tempfile::tempdir().unwrap();
        let root = machine.path();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let found = || missing_below(root, "/dev/hidraw0");
        write("sys/class/hidraw/hidraw0/dev", "246:0\n");
        assert_eq!(found(), Missing::Node);
        write("dev/hidraw0", "");
        assert_eq!(found(), Missing::Udev);
        write("run/udev/data/c246:0", "I:1\nE:ID_BUS=usb\nV:1\n");
        assert_eq!(found(), Missing::Rule);
        write("etc/udev/rules.d/70-keywright.rules", "");
        assert_eq!(found(), Missing::Trigger);
        write("run/udev/data/c246:0", "I:1\nE:ID_FIDO_TOKEN=1\nG:uaccess\nQ:uaccess\nV:1\n");
        assert_eq!(found(), Missing::Seat);
        write("run/udev/data/c246:0", "I:1\nG:uaccess\nV:1\n");
        assert_eq!(found(), Missing::Trigger, "it was marked once");
        write("run/udev/data/c246:0", "I:1\nE:ID_FIDO_TOKEN=1\nG:uaccess\n");
        assert_eq!(found(), Missing::Seat, "before systemd 247");
    }
}
