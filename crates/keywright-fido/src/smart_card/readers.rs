//! The card readers of this machine, through PC/SC.
//!
//! What lies in a reader is a key if its FIDO applet answers, which is asked once for each insertion. A card belongs to one program
//! while it is open, and is reset when it is closed: whatever was unlocked on it is locked again. It refuses to list a security key a
//! second time because it is a USB reader too, and to open another card than the one that was listed.

mod courier;

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};

use self::courier::Courier;
use super::{Atr, CardChannel};
use crate::bus::{Bus, Cancel, Device, Limits};
use crate::ctap::transport::{TimeoutPhase, Transport, TransportError, TransportKind};

/// Before the reader's name in a [`Device::path`].
const PATH: &str = "pcsc:";

/// USB security keys that are readers of themselves as well: they are found as HID devices.
const KEYS_THEMSELVES: [&str; 5] = ["YubiKey", "Nitrokey", "SoloKeys", "Solo 2", "Token2"];

/// Between two attempts at a card that another program has, and between two looks for one that is to come back.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What is asked of a card to know whether it is a key.
const SELECTION: Limits =
    Limits { silence: Duration::from_secs(2), total: Duration::from_secs(2), busy: Duration::from_millis(300) };

/// The readers of this machine. Nothing is asked before the first look: one without readers, or without their service, has no keys in
/// them.
#[derive(Debug, Default)]
pub struct ReaderBus {
    known: Mutex<BTreeMap<String, Known>>,
}

/// What lay in a reader when it was last looked at.
#[derive(Debug)]
struct Known {
    lying: Lying,
    is_key: bool,
}

/// What lies in a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lying {
    /// PC/SC counts insertions and removals.
    count: u32,
    atr: Vec<u8>,
    is_mute: bool,
}

impl Lying {
    fn device(&self, reader: &str) -> Device {
        let kind = Atr::parse(&self.atr).map_or(TransportKind::SmartCard, |atr| atr.kind());
        let product = if kind == TransportKind::Nfc { "NFC card" } else { "smart card" };
        Device {
            path: format!("{PATH}{reader}"),
            port: reader.to_owned(),
            attach: self.count.into(),
            kind,
            manufacturer: String::new(),
            product: product.to_owned(),
            usb_id: None,
            serial: None,
        }
    }

    fn takes_extended_length(&self) -> bool {
        Atr::parse(&self.atr).is_some_and(|atr| atr.takes_extended_length())
    }
}

impl ReaderBus {
    /// Whether the system's service for readers runs, and how many readers it knows. `None` where it does not run.
    pub fn readers() -> Result<Option<usize>, TransportError> {
        match context()? {
            None => Ok(None),
            Some(context) => Ok(Some(names(&context)?.len())),
        }
    }

    /// Whether what lies there is a key; `None` if another program has it, so that it cannot be asked now.
    fn is_key(&self, reader: &CStr, name: &str, lying: &Lying) -> Option<bool> {
        let known = |all: &BTreeMap<String, Known>| {
            all.get(name).filter(|known| known.lying == *lying).map(|known| known.is_key)
        };
        if let Some(is_key) = known(&self.known.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Some(is_key);
        }
        let asked = connect(reader, name, SELECTION.busy, &Cancel::default()).and_then(|card| {
            let card = Box::new(Courier::new(card)?);
            CardChannel::open(card, TransportKind::SmartCard, false, SELECTION, Cancel::default())
        });
        let is_key = match asked {
            Ok(_) => true,
            Err(TransportError::Held { .. } | TransportError::Removed) => return None,
            // Its answer, or that it has none, says that it is something else.
            Err(error) => {
                tracing::debug!(reader = name, %error, "no key");
                false
            }
        };
        let known = Known { lying: lying.clone(), is_key };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), known);
        Some(is_key)
    }
}

impl Bus for ReaderBus {
    /// A card that another program has and that was not known before is not listed: nobody can tell what it is.
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        let Some(context) = context()? else { return Ok(Vec::new()) };
        let mut devices = Vec::new();
        for (reader, lying) in lying(&context)? {
            let name = reader.to_string_lossy();
            if lying.is_mute || self.is_key(&reader, &name, &lying) == Some(true) {
                devices.push(lying.device(&name));
            }
        }
        Ok(devices)
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        let (reader, before) = there(device)?;
        if before.is_mute {
            return Err(TransportError::Mute { reader: device.port.clone() });
        }
        let card = connect(&reader, &device.port, limits.busy, &cancel)?;
        // Nobody else has it now. What was opened is what was listed if it is still the same insertion.
        there(device)?;
        let extended = before.takes_extended_length();
        let channel = CardChannel::open(Box::new(Courier::new(card)?), device.kind, extended, limits, cancel)?;
        Ok(Box::new(channel))
    }

    /// Cuts the card's power, and gives it back. A card that was taken off meanwhile is waited for, and is another insertion.
    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        let (reader, _) = there(device)?;
        let card = connect(&reader, &device.port, patience, cancel)?;
        card.disconnect(Disposition::UnpowerCard).map_err(|(_, error)| failed(&device.port, error))?;
        let begun = Instant::now();
        loop {
            if cancel.is_cancelled() {
                return Err(TransportError::Cancelled);
            }
            if let Some(now) = self.devices()?.into_iter().find(|now| now.port == device.port) {
                return Ok(now);
            }
            if begun.elapsed() >= patience {
                return Err(TransportError::Timeout { phase: TimeoutPhase::Replug, after: patience });
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn cuts_power(&self, _device: &Device) -> bool {
        true
    }
}

/// `None` where the service does not run.
fn context() -> Result<Option<Context>, TransportError> {
    match Context::establish(Scope::User) {
        Ok(context) => Ok(Some(context)),
        Err(Error::NoService | Error::ServiceStopped) => Ok(None),
        Err(error) => Err(failed("the card readers", error)),
    }
}

fn names(context: &Context) -> Result<Vec<CString>, TransportError> {
    match context.list_readers_owned() {
        Ok(names) => Ok(names),
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        Err(error) => Err(failed("the card readers", error)),
    }
}

/// What lies in each reader that is not a key itself.
fn lying(context: &Context) -> Result<Vec<(CString, Lying)>, TransportError> {
    let is_key = |reader: &CString| {
        let name = reader.to_string_lossy();
        KEYS_THEMSELVES.iter().any(|key| name.contains(key))
    };
    let readers = names(context)?.into_iter().filter(|reader| !is_key(reader));
    let mut states: Vec<ReaderState> = readers.map(|reader| ReaderState::new(reader, State::UNAWARE)).collect();
    if states.is_empty() {
        return Ok(Vec::new());
    }
    match context.get_status_change(Duration::ZERO, &mut states) {
        Ok(()) | Err(Error::Timeout) => {}
        // One was unplugged since it was named: the next look finds the others.
        Err(Error::UnknownReader | Error::ReaderUnavailable) => return Ok(Vec::new()),
        Err(error) => return Err(failed("the card readers", error)),
    }
    let there = states.into_iter().filter(|state| state.event_state().contains(State::PRESENT));
    Ok(there
        .map(|state| {
            let is_mute = state.event_state().contains(State::MUTE);
            (state.name().to_owned(), Lying { count: state.event_count(), atr: state.atr().to_vec(), is_mute })
        })
        .collect())
}

/// The reader of this device, if what was listed still lies in it.
fn there(device: &Device) -> Result<(CString, Lying), TransportError> {
    if !device.path.starts_with(PATH) {
        return Err(TransportError::Removed);
    }
    let context = context()?.ok_or(TransportError::Removed)?;
    let found = lying(&context)?.into_iter().find(|(reader, _)| reader.to_string_lossy() == device.port);
    found.filter(|(_, lying)| u64::from(lying.count) == device.attach).ok_or(TransportError::Removed)
}

/// Has the card for ourselves. One that another program has is waited for.
fn connect(reader: &CStr, name: &str, patience: Duration, cancel: &Cancel) -> Result<pcsc::Card, TransportError> {
    // Its own: what waits for one card must not keep another waiting.
    let context = context()?.ok_or(TransportError::Removed)?;
    let begun = Instant::now();
    loop {
        match context.connect(reader, ShareMode::Exclusive, Protocols::ANY) {
            Ok(card) => return Ok(card),
            Err(Error::SharingViolation) if cancel.is_cancelled() => return Err(TransportError::Cancelled),
            Err(Error::SharingViolation) if begun.elapsed() < patience => thread::sleep(LOOK_AGAIN),
            Err(error) => return Err(failed(name, error)),
        }
    }
}

/// PC/SC's word for what went wrong with this reader.
fn failed(reader: &str, error: Error) -> TransportError {
    match error {
        Error::RemovedCard | Error::NoSmartcard | Error::UnknownReader | Error::ReaderUnavailable => {
            TransportError::Removed
        }
        Error::UnresponsiveCard => TransportError::Mute { reader: reader.to_owned() },
        Error::SharingViolation => TransportError::Held { path: reader.to_owned(), holder: "unknown".to_owned() },
        Error::NoAccess | Error::SecurityViolation => TransportError::NoPermission { path: reader.to_owned() },
        error => TransportError::System(format!("{reader}: {error}")),
    }
}
