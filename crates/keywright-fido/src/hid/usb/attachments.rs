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
pub(super) struct Attachments {
    looks: u64,
    ports: BTreeMap<String, Attachment>,
}

/// The last insertion seen at a port.
#[derive(Debug)]
struct Attachment {
    count: u64,
    insertion: String,
    /// The looks that saw it first and last.
    first: u64,
    last: u64,
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
        let before = self.looks;
        self.looks += 1;
        seen.into_iter()
            .map(|(port, Sighting { mut device, insertion })| {
                let (first, last) = (self.looks, self.looks);
                let next = match self.ports.remove(&port) {
                    Some(same) if same.last == before && same.insertion == insertion => Attachment { last, ..same },
                    other => Attachment { count: other.map_or(0, |other| other.count) + 1, insertion, first, last },
                };
                device.attach = next.count;
                self.ports.insert(port, next);
                device
            })
            .collect()
    }

    /// What the system calls this device's insertion, if it was there at the last look.
    pub(super) fn insertion(&self, device: &Device) -> Option<&str> {
        self.at(device).filter(|attachment| attachment.last == self.looks).map(|there| &there.insertion[..])
    }

    /// The key that took the place of `device`, once that is gone: what is in its port `now` (the last look), or, where ports
    /// are not known, the only key of its model that came after it was last seen.
    pub(super) fn successor<'a>(&self, device: &Device, now: &'a [Device]) -> Option<&'a Device> {
        if let Some(there) = now.iter().find(|there| there.port == device.port) {
            return Some(there).filter(|there| there.attach != device.attach);
        }
        let (last, has_no_port) = (self.at(device)?.last, |one: &Device| one.port == one.path);
        let mut came = now.iter().filter(|there| {
            let is_like_it = has_no_port(there) && there.usb_id == device.usb_id;
            is_like_it && self.at(there).is_some_and(|attachment| attachment.first > last)
        });
        match (has_no_port(device), came.next(), came.next()) {
            (true, Some(only), None) => Some(only),
            _ => None,
        }
    }

    fn at(&self, device: &Device) -> Option<&Attachment> {
        self.ports.get(&device.port).filter(|attachment| attachment.count == device.attach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctap::transport::TransportKind;
    use crate::hid::UsbId;

    fn seen(path: &str, port: &str, insertion: &str) -> Sighting {
        let device = Device {
            path: path.into(),
            port: port.into(),
            attach: 0,
            manufacturer: String::new(),
            product: String::new(),
            kind: TransportKind::Usb,
            usb_id: Some(UsbId { vendor: 0x1050, product: 0x0407 }),
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

    /// The path of the successor after a look.
    fn successor(attachments: &mut Attachments, device: &Device, look: &[&Sighting]) -> Option<String> {
        let now = attachments.count(look.iter().copied().cloned().collect());
        attachments.successor(device, &now).map(|next| next.path.clone())
    }

    #[test]
    fn the_successor_is_what_came_into_the_port() {
        let mut attachments = Attachments::default();
        let key = seen("/dev/hidraw0", "1-2", "A");
        let neighbour = seen("/dev/hidraw1", "1-3", "N");
        let device = attachments.count(vec![key.clone(), neighbour.clone()]).remove(0);
        assert_eq!(successor(&mut attachments, &device, &[&key, &neighbour]), None);
        let elsewhere = seen("/dev/hidraw0", "1-4", "X");
        assert_eq!(successor(&mut attachments, &device, &[&neighbour, &elsewhere]), None);
        let back = seen("/dev/hidraw7", "1-2", "B");
        assert_eq!(successor(&mut attachments, &device, &[&neighbour, &back]).as_deref(), Some("/dev/hidraw7"));
    }

    #[test]
    fn without_ports_the_only_new_key_of_the_model_is_the_successor() {
        let seen = |n: u8, insertion: &str| seen(&format!("/dev/hidraw{n}"), &format!("/dev/hidraw{n}"), insertion);
        let mut attachments = Attachments::default();
        let (key, stays, earlier) = (seen(0, "A"), seen(1, "N"), seen(2, "E"));
        let device = attachments.count(vec![key.clone(), stays.clone()]).remove(0);
        let mut next = |look: &[&Sighting]| successor(&mut attachments, &device, look);
        assert_eq!(next(&[&key, &stays, &earlier]), None);
        assert_eq!(next(&[&stays, &earlier]), None);
        let mut other_model = seen(9, "Z");
        other_model.device.usb_id = Some(UsbId { vendor: 1, product: 0x0407 });
        assert_eq!(next(&[&stays, &earlier, &other_model]), None);
        let (one, two) = (seen(3, "B"), seen(4, "C"));
        assert_eq!(next(&[&stays, &earlier, &one, &two]), None);
        assert_eq!(next(&[&stays, &earlier, &other_model, &one]).as_deref(), Some("/dev/hidraw3"));
    }

    #[test]
    fn without_ports_a_key_replaced_between_two_looks_has_a_successor() {
        let mut attachments = Attachments::default();
        let device = attachments.count(vec![seen("/dev/hidraw0", "/dev/hidraw0", "A")]).remove(0);
        let other = seen("/dev/hidraw1", "/dev/hidraw1", "B");
        // And it stays the successor at later looks.
        for _ in 0..2 {
            assert_eq!(successor(&mut attachments, &device, &[&other]).as_deref(), Some("/dev/hidraw1"));
        }
    }
}
