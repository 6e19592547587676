//! Which insertion of which port a key is. Pure: it is told what was seen, and counts.
//!
//! It refuses to number a key that was seen to go, or that has another system identity, like the one before it.

use std::collections::BTreeMap;

use crate::hid::Device;

/// A key as it was seen in one look at the buses; `device.attach` is still to be counted.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    pub(super) device: Device,
    /// What the system calls this insertion. It changes when another key comes, or the same one again.
    pub(super) insertion: String,
}

/// The insertions seen at each port.
#[derive(Debug, Default)]
pub(super) struct Attachments(BTreeMap<String, Attachment>);

#[derive(Debug)]
struct Attachment {
    count: u64,
    /// `None` while nothing is there.
    insertion: Option<String>,
}

impl Attachments {
    /// Counts what one look at all buses saw, and gives the devices in the order of their ports. A second FIDO interface of
    /// the same USB device has its path for a port, and a second mention of the same path is dropped.
    pub(super) fn count(&mut self, sightings: Vec<Sighting>) -> Vec<Device> {
        let mut seen = BTreeMap::<String, Sighting>::new();
        for mut sighting in sightings {
            if seen.values().any(|other| other.device.path == sighting.device.path) {
                continue;
            }
            if seen.contains_key(&sighting.device.port) {
                sighting.device.port.clone_from(&sighting.device.path);
            }
            seen.insert(sighting.device.port.clone(), sighting);
        }
        for (port, attachment) in &mut self.0 {
            if !seen.contains_key(port) {
                attachment.insertion = None;
            }
        }
        seen.into_iter()
            .map(|(port, Sighting { mut device, insertion })| {
                let attachment = self.0.entry(port).or_insert(Attachment { count: 0, insertion: None });
                if attachment.insertion.as_ref() != Some(&insertion) {
                    attachment.count += 1;
                    attachment.insertion = Some(insertion);
                }
                device.attach = attachment.count;
                device
            })
            .collect()
    }

    /// What the system calls this device's insertion, if it was there at the last look.
    pub(super) fn insertion(&self, device: &Device) -> Option<&str> {
        self.0.get(&device.port).filter(|attachment| attachment.count == device.attach)?.insertion.as_deref()
    }
}

/// Whether two listings mean the same key, plugged in once.
pub(super) fn same_insertion(one: &Device, other: &Device) -> bool {
    one.port == other.port && one.attach == other.attach
}

/// The key that took the place of `device`, once it is gone: what is in its port now, or, where ports are not known, the only
/// key of its model that was not there `before`.
pub(super) fn successor<'a>(device: &Device, before: &[Device], now: &'a [Device]) -> Option<&'a Device> {
    let listed = |among: &[Device], one: &Device| among.iter().any(|other| same_insertion(one, other));
    if listed(now, device) {
        return None;
    }
    if let Some(there) = now.iter().find(|there| there.port == device.port) {
        return Some(there);
    }
    let model = |one: &Device| (one.vendor_id, one.product_id);
    let mut new =
        now.iter().filter(|there| there.port == there.path && model(there) == model(device) && !listed(before, there));
    match (device.port == device.path, new.next(), new.next()) {
        (true, Some(only), None) => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &str, port: &str, insertion: &str) -> Sighting {
        let device = Device {
            path: path.into(),
            port: port.into(),
            attach: 0,
            manufacturer: String::new(),
            product: String::new(),
            vendor_id: 0x1050,
            product_id: 0x0407,
            serial: None,
        };
        Sighting { device, insertion: insertion.into() }
    }

    fn counted(devices: &[Device]) -> Vec<(&str, &str, u64)> {
        devices.iter().map(|device| (&device.path[..], &device.port[..], device.attach)).collect()
    }

    #[test]
    fn a_key_that_stays_keeps_its_number() {
        let mut attachments = Attachments::default();
        for _ in 0..3 {
            let devices = attachments.count(vec![seen("/dev/hidraw0", "1-2", "A"), seen("/dev/hidraw1", "1-3", "B")]);
            assert_eq!(counted(&devices), [("/dev/hidraw0", "1-2", 1), ("/dev/hidraw1", "1-3", 1)]);
        }
    }

    #[test]
    fn a_key_that_was_replaced_between_two_looks_is_another() {
        let mut attachments = Attachments::default();
        let first = attachments.count(vec![seen("/dev/hidraw0", "1-2", "A")]);
        let second = attachments.count(vec![seen("/dev/hidraw0", "1-2", "B")]);
        assert_eq!((first[0].attach, second[0].attach), (1, 2));
        assert_eq!(attachments.insertion(&first[0]), None);
        assert_eq!(attachments.insertion(&second[0]), Some("B"));
    }

    #[test]
    fn a_key_that_was_seen_to_go_is_another_even_under_the_same_name() {
        let mut attachments = Attachments::default();
        let first = attachments.count(vec![seen(r"\\?\hid#1", r"\\?\hid#1", r"\\?\hid#1")]);
        assert_eq!(attachments.count(Vec::new()), []);
        assert_eq!(attachments.insertion(&first[0]), None);
        let second = attachments.count(vec![seen(r"\\?\hid#1", r"\\?\hid#1", r"\\?\hid#1")]);
        assert_eq!(second[0].attach, 2);
    }

    #[test]
    fn a_path_that_moved_to_another_port_is_not_the_key_that_was_there() {
        let mut attachments = Attachments::default();
        let first = attachments.count(vec![seen("/dev/hidraw0", "1-2", "A")]);
        let second = attachments.count(vec![seen("/dev/hidraw0", "1-3", "B")]);
        assert_eq!(attachments.insertion(&first[0]), None);
        assert_eq!(counted(&second), [("/dev/hidraw0", "1-3", 1)]);
    }

    #[test]
    fn two_interfaces_of_one_device_are_two_and_two_usages_of_one_are_one() {
        let mut attachments = Attachments::default();
        let a = seen("/dev/hidraw0", "1-2", "A");
        for _ in 0..2 {
            let devices = attachments.count(vec![a.clone(), a.clone(), seen("/dev/hidraw1", "1-2", "B")]);
            assert_eq!(counted(&devices), [("/dev/hidraw1", "/dev/hidraw1", 1), ("/dev/hidraw0", "1-2", 1)]);
        }
    }

    #[test]
    fn the_successor_is_what_came_into_the_port() {
        let mut attachments = Attachments::default();
        let neighbour = seen("/dev/hidraw1", "1-3", "N");
        let before = attachments.count(vec![seen("/dev/hidraw0", "1-2", "A"), neighbour.clone()]);
        let key = &before[0];
        assert_eq!(successor(key, &before, &before), None);
        let gone = attachments.count(vec![neighbour.clone(), seen("/dev/hidraw0", "1-4", "X")]);
        assert_eq!(successor(key, &before, &gone), None);
        let back = attachments.count(vec![neighbour, seen("/dev/hidraw7", "1-2", "B")]);
        assert_eq!(successor(key, &before, &back).map(|next| &next.path[..]), Some("/dev/hidraw7"));
    }

    #[test]
    fn without_ports_the_only_new_key_of_the_model_is_the_successor() {
        let mut attachments = Attachments::default();
        let stays = seen("/dev/hidraw1", "/dev/hidraw1", "N");
        let before = attachments.count(vec![seen("/dev/hidraw0", "/dev/hidraw0", "A"), stays.clone()]);
        let other_model = {
            let mut other = seen("/dev/hidraw9", "/dev/hidraw9", "Z");
            other.device.vendor_id = 1;
            other
        };
        let mut next = |new: &[Sighting]| {
            let now = attachments.count([std::slice::from_ref(&stays), new].concat());
            successor(&before[0], &before, &now).map(|next| next.path.clone())
        };
        let one = seen("/dev/hidraw2", "/dev/hidraw2", "B");
        let two = seen("/dev/hidraw3", "/dev/hidraw3", "C");
        assert_eq!(next(&[]), None);
        assert_eq!(next(std::slice::from_ref(&other_model)), None);
        assert_eq!(next(&[one.clone(), two]), None);
        assert_eq!(next(&[one, other_model]).as_deref(), Some("/dev/hidraw2"));
    }
}
