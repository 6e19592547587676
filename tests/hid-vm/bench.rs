//! The machine's own bench: a rack of soft keys, some of them attached, and the bus on which keywright finds them.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use keywright_fido::ctap::TransportError;
use keywright_fido::ctap::{Authenticator, CtapError};
use keywright_fido::hid::frame::{Assembly, ChannelId, Command, Packet, Progress, packets};
use keywright_fido::hid::usb::UsbBus;
use keywright_fido::hid::{Bus as _, Cancel, Channel, Device, Limits, Pipe, PipeError, Report};
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_practice::softkey::uhid::{Attached, Line, To, attach, attach_through};
use keywright_practice::softkey::{Model, Rack};

/// Soft keys on the kernel's HID bus, each through what was put before it.
pub(crate) struct Bench {
    pub rack: Rack,
    bus: UsbBus,
}

impl Bench {
    /// `count` keys in memory, none attached.
    pub(crate) fn new(count: usize) -> Self {
        Self::of(&vec![Model::default(); count])
    }

    /// Such keys in memory, none attached.
    pub(crate) fn of(models: &[Model]) -> Self {
        in_the_machine();
        Self { rack: Rack::in_memory_of(models).unwrap(), bus: UsbBus::default() }
    }

    pub(crate) fn bus(&self) -> &UsbBus {
        &self.bus
    }

    pub(crate) fn attach(&self, at: usize) -> Attached {
        attach(self.rack.key(at)).unwrap()
    }

    pub(crate) fn attach_through(
        &self,
        at: usize,
        carry: impl Fn(To, &Report, &Line) -> Result<(), PipeError> + Send + Sync + 'static,
    ) -> Attached {
        attach_through(self.rack.key(at), carry).unwrap()
    }

    pub(crate) fn device(&self, attached: &Attached) -> Device {
        let node = attached.node().to_str().unwrap();
        self.bus.devices().unwrap().into_iter().find(|device| device.path == node).expect("the bus lists the key")
    }

    pub(crate) fn pipe(&self, attached: &Attached) -> Box<dyn Pipe> {
        self.bus.pipe(&self.device(attached)).unwrap()
    }

    pub(crate) fn channel(&self, attached: &Attached, limits: Limits) -> Result<Channel, TransportError> {
        Channel::open(self.pipe(attached), limits, Cancel::default())
    }

    /// Opens the key as the whole program does, with getInfo.
    pub(crate) fn open(&self, attached: &Attached, limits: Limits) -> Result<Authenticator, CtapError> {
        Authenticator::open_hid(self.pipe(attached), limits, Cancel::default())
    }
}

/// A message that is to reach a program, as the reports it takes.
pub(crate) fn say(line: &Line, channel: ChannelId, command: Command, message: &[u8]) -> Result<(), PipeError> {
    packets(channel, command, message).unwrap().try_for_each(|report| line.send(To::Host, &report))
}

/// A cable that changes what a key answers to one command: the members of a map after a status of 0.
pub(crate) fn changing(
    wanted: u8,
    change: impl Fn(&mut Vec<(Value, Value)>) + Send + Sync + 'static,
) -> impl Fn(To, &Report, &Line) -> Result<(), PipeError> + Send + Sync + 'static {
    let (asked, answer) = (Mutex::new(None), Mutex::new(None::<(ChannelId, Assembly)>));
    move |to, report, line| {
        let packet = Packet::parse(report);
        let begins = match packet {
            Packet::Initialization { command: Command::Cbor, data, .. } => Some(data[0]),
            _ => None,
        };
        if to == To::Key {
            let mut asked = asked.lock().unwrap();
            *asked = begins.or(*asked);
            drop(asked);
            return line.send(to, report);
        }
        let mut answer = answer.lock().unwrap();
        if begins.is_some() && *asked.lock().unwrap() == Some(wanted) {
            *answer = Some((packet.channel(), Assembly::new(packet.channel())));
        }
        let Some((channel, assembly)) = answer.as_mut() else { return line.send(to, report) };
        let (channel, progress) = (*channel, assembly.push(report).unwrap());
        let Progress::Whole(message) = progress else { return Ok(()) };
        *answer = None;
        let changed = match message.data.split_first() {
            Some((0, body)) if !body.is_empty() => {
                let Value::Map(mut members) = cbor::decode(body).unwrap() else { panic!("{body:02x?}") };
                change(&mut members);
                [&[0], &cbor::encode(&Value::Map(members))[..]].concat()
            }
            _ => message.data,
        };
        say(line, channel, Command::Cbor, &changed)
    }
}

/// A member of an answer.
pub(crate) fn member(members: &mut [(Value, Value)], number: i64) -> Option<&mut Value> {
    members.iter_mut().find(|(key, _)| key.as_integer() == Some(number)).map(|(_, value)| value)
}

/// Refuses to work outside, where these tests would disturb real keys.
pub(crate) fn in_the_machine() {
    assert!(std::env::var_os("HID_VM_CACHE").is_some(), "this runs in the machine of tests/hid-vm");
}

/// Does something that has to end within `most`, and tells how long it took.
pub(crate) fn within<T>(most: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    println!("  {what}: {} ms", took.as_millis());
    assert!(took <= most, "{what} took {took:?}, and {most:?} are allowed");
    done
}
