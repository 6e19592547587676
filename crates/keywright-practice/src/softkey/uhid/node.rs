//! A HID device that this process plays, through `/dev/uhid`. It is gone when this is dropped.
//!
//! It refuses to wait without a limit.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::event::{self, Event, Identity};
use keywright_fido::hid::Report;

pub(super) const UHID: &str = "/dev/uhid";
const HIDRAW: &str = "/sys/class/hidraw";

/// How long a driver may take to look at the device. It is a matter of milliseconds, on a machine that is not overloaded.
const SETTLE: Duration = Duration::from_secs(10);

/// The file system has the device's node a moment after the driver has the device.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

pub(super) struct Node {
    uhid: File,
    /// `/dev/hidrawN`
    path: PathBuf,
}

impl Node {
    /// Makes the device and waits until programs can find it.
    pub(super) fn create(identity: &Identity<'_>) -> io::Result<Self> {
        let uhid = OpenOptions::new().read(true).write(true).open(UHID)?;
        (&uhid).write_all(&event::create(identity))?;
        let mut node = Self { uhid, path: PathBuf::new() };
        let late = || io::Error::new(ErrorKind::TimedOut, "no driver took the device; is hid-generic loaded?");
        let end = Instant::now() + SETTLE;
        while node.next(end.saturating_duration_since(Instant::now()))?.ok_or_else(late)? != Event::Started {}
        node.path = loop {
            match find(Path::new(HIDRAW), identity.place)? {
                Some(path) => break path,
                None if Instant::now() >= end => return Err(late()),
                None => std::thread::sleep(LOOK_AGAIN),
            }
        };
        Ok(node)
    }

    /// The device's node, such as `/dev/hidraw3`.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next event, or `None` if none came within `patience`.
    pub(super) fn next(&self, patience: Duration) -> io::Result<Option<Event>> {
        let patience = Timespec::try_from(patience).map_err(|_| ErrorKind::InvalidInput)?;
        let ready = match poll(&mut [PollFd::new(&self.uhid, PollFlags::IN)], Some(&patience)) {
            // A signal, such as Ctrl-C's, is whose handler it is.
            Err(rustix::io::Errno::INTR) => 0,
            ready => ready?,
        };
        if ready == 0 {
            return Ok(None);
        }
        let mut bytes = [0; event::LONGEST];
        let length = (&self.uhid).read(&mut bytes)?;
        Ok(Some(Event::parse(&bytes[..length])))
    }

    /// Sends a report to every program that has the device open.
    pub(super) fn send(&self, report: &Report) -> io::Result<()> {
        (&self.uhid).write_all(&event::input(report))
    }

    /// Writes an answer to an event.
    pub(super) fn answer(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.uhid).write_all(bytes)
    }

    /// Takes the device off its bus. Whoever waits in [`Node::next`] is told.
    pub(super) fn destroy(&self) -> io::Result<()> {
        (&self.uhid).write_all(&event::destroy())
    }
}

/// The node of the device whose HID_PHYS is `place`.
fn find(class: &Path, place: &str) -> io::Result<Option<PathBuf>> {
    let line = format!("HID_PHYS={place}");
    for entry in fs::read_dir(class)? {
        let entry = entry?;
        // One that goes while we look is not ours.
        let Ok(uevent) = fs::read_to_string(entry.path().join("device/uevent")) else { continue };
        let node = Path::new("/dev").join(entry.file_name());
        if uevent.lines().any(|found| found == line) && node.exists() {
            return Ok(Some(node));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_is_found_by_its_place_and_no_other() {
        let class = tempfile::tempdir().unwrap();
        for (name, place) in [("null", "keywright-1/soft-1"), ("zero", "keywright-1/soft-10")] {
            let device = class.path().join(name).join("device");
            fs::create_dir_all(&device).unwrap();
            fs::write(device.join("uevent"), format!("HID_NAME=x\nHID_PHYS={place}\nHID_UNIQ=\n")).unwrap();
        }
        fs::create_dir(class.path().join("hidraw9")).unwrap();
        let found = |place| find(class.path(), place).unwrap();
        assert_eq!(found("keywright-1/soft-1").as_deref(), Some(Path::new("/dev/null")));
        assert_eq!(found("keywright-1/soft-10").as_deref(), Some(Path::new("/dev/zero")));
        assert_eq!(found("keywright-1/soft"), None);
    }
}
