//! The events of `/dev/uhid` as bytes (linux/uhid.h): packed structures, numbers in the machine's order. Pure.
//!
//! An event is read and written as a whole. What is written may end early: the kernel takes the rest for zeros. It refuses
//! reports that are not a security key's.

use keywright_fido::hid::Report;

/// Enough for the largest event that the kernel gives or takes: UHID_CREATE2.
pub(super) const LONGEST: usize = 4 + 128 + 64 + 64 + 2 + 2 + 4 * 4 + DATA;

/// UHID_DATA_MAX and HID_MAX_DESCRIPTOR_SIZE: the room for a report or a descriptor in every event.
const DATA: usize = 4096;

const DESTROY: u32 = 1;
const START: u32 = 2;
const STOP: u32 = 3;
const OUTPUT: u32 = 6;
const GET_REPORT: u32 = 9;
const GET_REPORT_REPLY: u32 = 10;
const CREATE2: u32 = 11;
const INPUT2: u32 = 12;
const SET_REPORT: u32 = 13;
const SET_REPORT_REPLY: u32 = 14;

/// UHID_OUTPUT_REPORT, among the kinds of report.
const OUTPUT_REPORT: u8 = 1;

const BUS_USB: u16 = 3;

/// EIO, which refuses a request for a report.
const REFUSED: u16 = 5;

/// HID report descriptor (CTAP 2.1, 11.2.8.1): usage page 0xF1D0, usage 1, 64 bytes in and 64 bytes out, no report ids.
const DESCRIPTOR: [u8; 34] = [
    0x06, 0xd0, 0xf1, // Usage Page (FIDO Alliance)
    0x09, 0x01, // Usage (CTAPHID)
    0xa1, 0x01, // Collection (Application)
    0x09, 0x20, // Usage (Data In)
    0x15, 0x00, 0x26, 0xff, 0x00, // Logical Minimum (0), Maximum (255)
    0x75, 0x08, 0x95, 0x40, // Report Size (8), Count (64)
    0x81, 0x02, // Input (Data, Variable, Absolute)
    0x09, 0x21, // Usage (Data Out)
    0x15, 0x00, 0x26, 0xff, 0x00, // Logical Minimum (0), Maximum (255)
    0x75, 0x08, 0x95, 0x40, // Report Size (8), Count (64)
    0x91, 0x02, // Output (Data, Variable, Absolute)
    0xc0, // End Collection
];

/// What the kernel tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A driver has the device: its node is there, or about to be.
    Started,
    /// The driver let it go.
    Stopped,
    /// A report from a program.
    Output(Report),
    /// A program asks for a feature report, or sets one. Security keys have none: the answer is to be written back, so that
    /// the program does not wait.
    Refuse(Vec<u8>),
    /// What needs no answer: opened, closed, a report that is not 64 bytes long, what later kernels add.
    Other,
}

impl Event {
    /// Reads an event as the kernel gave it.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let Some((kind, body)) = bytes.split_first_chunk() else { return Self::Other };
        match u32::from_ne_bytes(*kind) {
            START => Self::Started,
            STOP => Self::Stopped,
            OUTPUT => output(body).map_or(Self::Other, Self::Output),
            GET_REPORT => refusal(body, GET_REPORT_REPLY),
            SET_REPORT => refusal(body, SET_REPORT_REPLY),
            _ => Self::Other,
        }
    }
}

/// UHID_OUTPUT: data, u16 size, u8 kind of report. Programs write a report id before the report, 0 where there are none, and
/// the kernel passes on what they wrote.
fn output(body: &[u8]) -> Option<Report> {
    let (data, rest) = body.split_at_checked(DATA)?;
    let [low, high, OUTPUT_REPORT, ..] = *rest else { return None };
    match data.get(..usize::from(u16::from_ne_bytes([low, high])))? {
        [0, report @ ..] if report.len() == 64 => report.try_into().ok(),
        report => report.try_into().ok(),
    }
}

/// UHID_GET_REPORT_REPLY and UHID_SET_REPORT_REPLY: the request's u32, then the error; no data.
fn refusal(body: &[u8], kind: u32) -> Event {
    let Some(request) = body.get(..4) else { return Event::Other };
    Event::Refuse([&kind.to_ne_bytes(), request, &REFUSED.to_ne_bytes()].concat())
}

/// How a device names itself.
#[derive(Debug, Clone)]
pub(super) struct Identity<'a> {
    /// At most 127 bytes; more is cut off.
    pub(super) name: &'a str,
    /// Its place, HID_PHYS; at most 63 bytes.
    pub(super) place: &'a str,
    pub(super) vendor_id: u16,
    pub(super) product_id: u16,
}

/// UHID_CREATE2: a security key on a USB bus, without a serial number.
pub(super) fn create(identity: &Identity<'_>) -> Vec<u8> {
    let mut event = Vec::with_capacity(LONGEST);
    event.extend(CREATE2.to_ne_bytes());
    event.extend(text::<128>(identity.name));
    event.extend(text::<64>(identity.place));
    event.extend(text::<64>(""));
    event.extend((DESCRIPTOR.len() as u16).to_ne_bytes());
    event.extend(BUS_USB.to_ne_bytes());
    for number in [identity.vendor_id.into(), identity.product_id.into(), 0, 0_u32] {
        event.extend(number.to_ne_bytes());
    }
    event.extend(DESCRIPTOR);
    event
}

/// UHID_DESTROY.
pub(super) fn destroy() -> [u8; 4] {
    DESTROY.to_ne_bytes()
}

/// UHID_INPUT2: a report to every program that has the device open.
pub(super) fn input(report: &Report) -> Vec<u8> {
    [&INPUT2.to_ne_bytes()[..], &(report.len() as u16).to_ne_bytes(), report].concat()
}

/// Text with zeros after it, one at least.
fn text<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    for (to, from) in field[..N - 1].iter_mut().zip(text.bytes()) {
        *to = from;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u32, body: &[&[u8]]) -> Vec<u8> {
        let mut bytes = [&kind.to_ne_bytes()[..], &body.concat()].concat();
        bytes.resize(LONGEST, 0);
        bytes
    }

    fn output_event(written: &[u8], kind: u8) -> Vec<u8> {
        let mut data = written.to_vec();
        data.resize(DATA, 0);
        event(6, &[&data, &(written.len() as u16).to_ne_bytes(), &[kind]])
    }

    #[test]
    fn the_device_is_a_security_key_on_usb() {
        let identity = Identity { name: "keywright soft key", place: "p/1", vendor_id: 0x1209, product_id: 0x0001 };
        let bytes = create(&identity);
        assert_eq!(bytes.len(), 280 + 34);
        assert_eq!(bytes[..4], 11_u32.to_ne_bytes());
        assert_eq!(&bytes[4..24], b"keywright soft key\0\0");
        assert_eq!(&bytes[132..136], b"p/1\0");
        assert_eq!(bytes[196..260], [0; 64]);
        assert_eq!(bytes[260..262], 34_u16.to_ne_bytes());
        assert_eq!(bytes[262..264], 3_u16.to_ne_bytes());
        assert_eq!(bytes[264..268], 0x1209_u32.to_ne_bytes());
        assert_eq!(bytes[268..272], 1_u32.to_ne_bytes());
        assert_eq!(bytes[272..280], [0; 8]);
        assert_eq!(bytes[280..283], [0x06, 0xd0, 0xf1]);
    }

    #[test]
    fn a_long_name_keeps_its_end_mark() {
        let field = text::<4>("abcdef");
        assert_eq!(&field, b"abc\0");
    }

    #[test]
    fn a_report_goes_in_as_its_length_and_its_bytes() {
        let bytes = input(&[7; 64]);
        assert_eq!(bytes[..4], 12_u32.to_ne_bytes());
        assert_eq!(bytes[4..6], 64_u16.to_ne_bytes());
        assert_eq!(bytes[6..], [7; 64]);
        assert_eq!(destroy(), 1_u32.to_ne_bytes());
    }

    #[test]
    fn a_report_comes_out_with_and_without_its_number() {
        let report: Report = std::array::from_fn(|at| at as u8);
        assert_eq!(Event::parse(&output_event(&report, 1)), Event::Output(report));
        assert_eq!(Event::parse(&output_event(&[&[0][..], &report].concat(), 1)), Event::Output(report));
    }

    #[test]
    fn what_is_no_report_of_a_key_is_passed_over() {
        for length in [0, 1, 63, 65, 66, 4096] {
            assert_eq!(Event::parse(&output_event(&vec![1; length], 1)), Event::Other, "{length}");
        }
        assert_eq!(Event::parse(&output_event(&[1; 64], 0)), Event::Other, "a feature report");
        let mut liar = output_event(&[1; 64], 1);
        liar[4 + DATA..][..2].copy_from_slice(&4097_u16.to_ne_bytes());
        assert_eq!(Event::parse(&liar), Event::Other);
        for cut in 0..4 + DATA + 3 {
            assert_eq!(Event::parse(&output_event(&[1; 64], 1)[..cut]), Event::Other, "{cut}");
        }
    }

    #[test]
    fn feature_reports_are_refused() {
        let asked = [0x78, 0x56, 0x34, 0x12];
        let refused = |kind: u32| [&kind.to_ne_bytes()[..], &asked, &5_u16.to_ne_bytes()].concat();
        assert_eq!(Event::parse(&event(9, &[&asked, &[0, 0]])), Event::Refuse(refused(10)));
        assert_eq!(Event::parse(&event(13, &[&asked, &[0, 0, 1, 0]])), Event::Refuse(refused(14)));
    }

    #[test]
    fn the_drivers_coming_and_going_are_told_from_the_rest() {
        assert_eq!(Event::parse(&event(2, &[&[0; 8]])), Event::Started);
        assert_eq!(Event::parse(&event(3, &[])), Event::Stopped);
        for kind in [0, 4, 5, 7, 99] {
            assert_eq!(Event::parse(&event(kind, &[])), Event::Other, "{kind}");
        }
    }
}
