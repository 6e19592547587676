//! Keys, opened: those on USB and in card readers, or soft keys with the same reports.

use crate::cli::shared::arguments::{KeySource, OneKey};
use crate::cli::shared::console::Style;
use crate::cli::shared::device::{KeysError, choose, describe};
use crate::cli::shared::named_ports::NamedPorts;
use crate::cli::shared::session::ENDING;
#[cfg(feature = "practice")]
use crate::cli::shared::soft_keys::Row;
use crate::cli::shared::{CliError, Session, select_by_touch};
use crate::ledger::KeyNumber;
use crate::provision::which_key;
use crate::settings::PortNames;
#[cfg(feature = "smart-card")]
use keywright_fido::bus::UsbAndReaders;
use keywright_fido::bus::{Bus, Device, Limits};
use keywright_fido::ctap::{Authenticator, Keepalive, TransportKind};
use keywright_fido::hid::usb::UsbBus;
#[cfg(feature = "smart-card")]
use keywright_fido::smart_card::readers::ReaderBus;

/// What this machine's keys are attached to.
#[cfg(feature = "smart-card")]
type Attached = UsbAndReaders<UsbBus, ReaderBus>;
#[cfg(not(feature = "smart-card"))]
type Attached = UsbBus;

/// Where keys are.
pub(crate) enum Keys {
    /// The USB buses of this machine, and its card readers.
    Attached(NamedPorts<Attached>),
    /// Soft keys.
    #[cfg(feature = "practice")]
    Soft(NamedPorts<Row>),
}

impl Keys {
    /// Those that are attached, or the soft keys that were asked for; those that are missing are made.
    pub(crate) fn open(source: &KeySource, session: &Session) -> Result<Self, CliError> {
        Self::open_named(source, session.settings()?.ports, session)
    }

    /// The same, whatever the settings say about ports.
    pub(crate) fn open_named(source: &KeySource, names: PortNames, session: &Session) -> Result<Self, CliError> {
        match source.softkeys() {
            None => Ok(Self::Attached(NamedPorts { bus: Attached::default(), names })),
            #[cfg(feature = "practice")]
            Some(softkeys) => {
                Ok(Self::Soft(NamedPorts { bus: Row::open(softkeys, source.touch_after, session)?, names }))
            }
            #[cfg(not(feature = "practice"))]
            Some(never) => {
                let _ = session;
                match *never {}
            }
        }
    }

    /// The bus.
    pub(crate) fn bus(&self) -> &dyn Bus {
        match self {
            Self::Attached(bus) => bus,
            #[cfg(feature = "practice")]
            Self::Soft(row) => row,
        }
    }

    /// The key that is meant: the one that is touched, that has this path, port, serial number or number of its own, or the only one.
    pub(crate) fn choose(&self, named: Option<&str>, session: &Session) -> Result<Device, CliError> {
        let devices = self.bus().devices()?;
        match named.map(|name| (name, name.parse::<KeyNumber>())) {
            Some((select_by_touch::TOUCH, _)) => select_by_touch::choose(self.bus(), devices, session),
            Some((_, Ok(number))) => self.with_number(devices, number, session),
            _ => Ok(choose(devices, named)?),
        }
    }

    /// The key of the ledger with this number, by what it shows without PIN and touch. One that cannot be asked is not it.
    fn with_number(&self, devices: Vec<Device>, number: KeyNumber, session: &Session) -> Result<Device, CliError> {
        let register = session.register()?;
        if register.keys.get(number).is_none() {
            return Err(CliError::NotFound(format!("there is no key {number} in the ledger")));
        }
        let is_it = |device: &Device| {
            let asked = open(self.bus(), device, session)
                .and_then(|mut key| Ok(which_key::shows(&register, number, device, &mut key)?));
            asked.unwrap_or_else(|error| {
                session
                    .console
                    .say(&format!("the key in {} cannot be asked whether it is {number}: {error}", device.port));
                false
            })
        };
        let keys = devices.iter().map(describe).collect();
        let found: Vec<Device> = devices.into_iter().filter(is_it).collect();
        match <[Device; 1]>::try_from(found) {
            Ok([device]) => Ok(device),
            Err(none) if none.is_empty() => Err(KeysError::NotThisOne { number, keys }.into()),
            Err(several) => Err(KeysError::Ambiguous { keys: several.iter().map(describe).collect() }.into()),
        }
    }

    /// The certificate of the authority behind soft keys, as PEM; `None` for other keys.
    pub(crate) fn soft_anchor_pem(&self) -> Option<&str> {
        match self {
            Self::Attached(_) => None,
            #[cfg(feature = "practice")]
            Self::Soft(row) => Some(row.bus.anchor_pem()),
        }
    }
}

/// One key, chosen and open.
pub(crate) struct OpenKey {
    /// Where keys are.
    pub(crate) keys: Keys,
    /// As its bus describes it.
    pub(crate) device: Device,
    /// The open key.
    pub(crate) authenticator: Authenticator,
}

impl OpenKey {
    /// Opens the key that is meant: the one that is named or touched, or the only one.
    pub(crate) fn open(which: &OneKey, session: &Session) -> Result<Self, CliError> {
        session.catch_interrupts(ENDING)?;
        let keys = Keys::open(&which.source, session)?;
        let device = keys.choose(which.key.as_deref(), session)?;
        let authenticator = open(keys.bus(), &device, session)?;
        Ok(Self { keys, device, authenticator })
    }
}

/// Opens a device as a CTAP2 key.
pub(crate) fn open(bus: &dyn Bus, device: &Device, session: &Session) -> Result<Authenticator, CliError> {
    Ok(Authenticator::open(bus.open(device, Limits::default(), session.cancel.clone())?)?)
}

/// Says "touch now" when the key waits for a touch, once for each wait; of a card, that it is to stay where it is.
pub(crate) fn touch_prompt<'a>(session: &'a Session, device: &'a Device) -> impl FnMut(Keepalive) + 'a {
    if device.kind != TransportKind::Usb {
        session.console.mark(Style::Now, "now:", &format!("leave the card on {}", device.port));
    }
    let mut asked = false;
    move |keepalive| {
        let needed = keepalive == Keepalive::UpNeeded;
        if needed && !asked {
            session.console.mark(Style::Now, "touch now:", &format!("{} in port {}", device.product, device.port));
        }
        asked = needed;
    }
}
