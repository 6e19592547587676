//! The machine's own bench: a rack of soft keys, some of them attached, and the bus on which keywright finds them.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::time::{Duration, Instant};

use keywright::ctap::{Authenticator, CtapError};
use keywright::hid::usb::UsbBus;
use keywright::hid::{Bus as _, Cancel, Channel, Device, HidError, Limits, Pipe, PipeError, Report};
use keywright::softkey::Rack;
use keywright::softkey::uhid::{Attached, Line, To, attach, attach_through};

/// Soft keys on the kernel's HID bus, each through what was put before it.
pub struct Bench {
    pub rack: Rack,
    bus: UsbBus,
}

impl Bench {
    /// `count` keys in memory, none attached.
    pub fn new(count: usize) -> Self {
        in_the_machine();
        Self { rack: Rack::in_memory(count).unwrap(), bus: UsbBus::new().unwrap() }
    }

    pub fn attach(&self, at: usize) -> Attached {
        attach(self.rack.key(at)).unwrap()
    }

    pub fn attach_through(
        &self,
        at: usize,
        carry: impl Fn(To, &Report, &Line) -> Result<(), PipeError> + Send + Sync + 'static,
    ) -> Attached {
        attach_through(self.rack.key(at), carry).unwrap()
    }

    pub fn device(&self, attached: &Attached) -> Device {
        let node = attached.node().to_str().unwrap();
        self.bus.devices().unwrap().into_iter().find(|device| device.path == node).expect("the bus lists the key")
    }

    pub fn pipe(&self, attached: &Attached) -> Box<dyn Pipe> {
        self.bus.open(&self.device(attached)).unwrap()
    }

    pub fn channel(&self, attached: &Attached, limits: Limits) -> Result<Channel, HidError> {
        Channel::open(self.pipe(attached), limits, Cancel::default())
    }

    /// Opens the key as the whole program does, with getInfo.
    pub fn open(&self, attached: &Attached, limits: Limits) -> Result<Authenticator, CtapError> {
        Authenticator::open(self.pipe(attached), limits, Cancel::default())
    }
}

/// Refuses to work outside, where these tests would disturb real keys.
pub fn in_the_machine() {
    assert!(std::env::var_os("HID_VM_CACHE").is_some(), "this runs in the machine of tests/hid-vm");
}

/// Does something that has to end within `most`, and tells how long it took.
pub fn within<T>(most: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    println!("  {what}: {} ms", took.as_millis());
    assert!(took <= most, "{what} took {took:?}, and {most:?} are allowed");
    done
}
