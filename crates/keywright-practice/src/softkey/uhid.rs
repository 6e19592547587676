//! Soft keys as devices of the Linux kernel, through `/dev/uhid`: every program on the machine sees them as security keys.
//!
//! The kernel gives each report of a key to every program that has it open, as it does for USB keys. It refuses machines without
//! uhid, and accounts that may not open it.

mod event;
mod node;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use self::event::{Event, Identity};
use self::node::{Node, UHID};
use super::key::{PRODUCT_ID, VENDOR_ID};
use super::{PRODUCT, SoftKey, SoftKeyError, SoftPipe};
use keywright_fido::hid::{PipeError, Report};

/// The longest wait of a thread before it looks whether the other one has ended. The kernel and the key tell it earlier.
const SLICE: Duration = Duration::from_millis(500);

/// Tells the devices of one process apart.
static COUNT: AtomicU64 = AtomicU64::new(1);

/// Where a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// To the key, from a program.
    Key,
    /// To every program that has the device open.
    Host,
}

/// Both ends of an attached key. Clones are the same line.
#[derive(Clone)]
pub struct Line(Arc<Ends>);

struct Ends {
    node: Node,
    key: SoftPipe,
    over: AtomicBool,
}

impl Line {
    /// Sends a report to one of its ends. Fails once the key is pulled or detached.
    pub fn send(&self, to: To, report: &Report) -> Result<(), PipeError> {
        match to {
            To::Key => self.0.key.send(report),
            To::Host => self.0.node.send(report).map_err(system),
        }
    }

    /// Brings reports from programs, and refuses what a security key does not do, until the line is over.
    fn carry_to_key(&self, carry: &impl Fn(To, &Report, &Self) -> Result<(), PipeError>) -> Result<(), PipeError> {
        while !self.is_over() {
            match self.0.node.next(SLICE).map_err(system)? {
                Some(Event::Output(report)) => carry(To::Key, &report, self)?,
                Some(Event::Refuse(answer)) => self.0.node.answer(&answer).map_err(system)?,
                Some(Event::Stopped) => return Err(PipeError::Removed),
                Some(Event::Started | Event::Other) | None => {}
            }
        }
        Ok(())
    }

    fn carry_to_host(&self, carry: &impl Fn(To, &Report, &Self) -> Result<(), PipeError>) -> Result<(), PipeError> {
        while !self.is_over() {
            if let Some(report) = self.0.key.receive(SLICE)? {
                carry(To::Host, &report, self)?;
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }

    /// Takes the device off its bus. The first call does it.
    fn end(&self) {
        if !self.0.over.swap(true, Ordering::AcqRel)
            && let Err(error) = self.0.node.destroy()
        {
            tracing::warn!("{UHID}: a soft key stays on its bus until this process ends: {error}");
        }
    }
}

fn system(error: io::Error) -> PipeError {
    PipeError::System(error.to_string())
}

/// A soft key that is a device of the kernel's, until this is dropped or the key is pulled. Its state file is locked meanwhile.
///
/// For a key that was pulled and plugged in again, attach it again.
pub struct Attached {
    line: Line,
    carriers: Vec<JoinHandle<()>>,
}

impl Attached {
    /// The device's node, such as `/dev/hidraw3`.
    pub fn node(&self) -> &Path {
        self.line.0.node.path()
    }

    /// Whether the device is still there.
    pub fn is_there(&self) -> bool {
        !self.line.is_over()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.line.end();
        for carrier in self.carriers.drain(..) {
            if carrier.join().is_err() {
                tracing::error!("what carries a soft key's reports panicked");
            }
        }
    }
}

/// Makes the key a device of the kernel's, as it is plugged in now, and waits until programs can open it.
///
/// Fails with [`SoftKeyError::File`] for `/dev/uhid` (not there: `modprobe uhid`; no permission: it is root's), and as
/// [`SoftKey::open`] does.
pub fn attach(key: &SoftKey) -> Result<Attached, SoftKeyError> {
    attach_through(key, |to, report, line| line.send(to, report))
}

/// As [`attach`], with something in between that gets every report and decides what becomes of it: a bad cable, for tests. It
/// is called by two threads, one for each direction; an error of it ends the line.
pub fn attach_through(
    key: &SoftKey,
    carry: impl Fn(To, &Report, &Line) -> Result<(), PipeError> + Send + Sync + 'static,
) -> Result<Attached, SoftKeyError> {
    let pipe = key.open()?;
    let place = format!("keywright-{}/{}-{}", std::process::id(), key.port(), COUNT.fetch_add(1, Ordering::Relaxed));
    let identity = Identity { name: PRODUCT, place: &place, vendor_id: VENDOR_ID, product_id: PRODUCT_ID };
    let failed = |source| SoftKeyError::File { path: UHID.into(), source };
    let node = Node::create(&identity).map_err(failed)?;
    let line = Line(Arc::new(Ends { node, key: pipe, over: AtomicBool::new(false) }));
    let mut attached = Attached { line: line.clone(), carriers: Vec::new() };
    let carry = Arc::new(carry);
    for to in [To::Key, To::Host] {
        let (line, carry) = (line.clone(), Arc::clone(&carry));
        let carrier = std::thread::Builder::new().name(format!("{} to {to:?}", key.port())).spawn(move || {
            let ended = match to {
                To::Key => line.carry_to_key(&*carry),
                To::Host => line.carry_to_host(&*carry),
            };
            if let Err(PipeError::System(words)) = ended
                && !line.is_over()
            {
                tracing::warn!("{UHID}: {words}");
            }
            line.end();
        });
        attached.carriers.push(carrier.map_err(failed)?);
    }
    Ok(attached)
}
