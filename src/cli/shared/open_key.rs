//! Keys, opened: USB keys, or soft keys with the same reports.

use crate::cli::shared::arguments::{KeySource, OneKey};
use crate::cli::shared::console::Style;
use crate::cli::shared::device::choose;
use crate::cli::shared::session::ENDING;
#[cfg(feature = "practice")]
use crate::cli::shared::soft_keys::Row;
use crate::cli::shared::{CliError, Session, select_by_touch};
use keywright_fido::ctap::Authenticator;
use keywright_fido::ctap::Keepalive;
use keywright_fido::hid::usb::UsbBus;
use keywright_fido::hid::{Bus, Device, Limits};

/// Where keys are.
pub(crate) enum Keys {
    /// The USB buses of this machine.
    Usb(UsbBus),
    /// Soft keys.
    #[cfg(feature = "practice")]
    Soft(Row),
}

impl Keys {
    /// USB, or the soft keys that were asked for; those that are missing are made.
    pub(crate) fn open(source: &KeySource, session: &Session) -> Result<Self, CliError> {
        match source.softkeys() {
            None => Ok(Self::Usb(UsbBus::new()?)),
            #[cfg(feature = "practice")]
            Some(softkeys) => Ok(Self::Soft(Row::open(softkeys, source.touch_after, session)?)),
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
            Self::Usb(bus) => bus,
            #[cfg(feature = "practice")]
            Self::Soft(row) => row,
        }
    }

    /// The certificate of the authority behind soft keys, as PEM; `None` for USB keys.
    pub(crate) fn soft_anchor_pem(&self) -> Option<&str> {
        match self {
            Self::Usb(_) => None,
            #[cfg(feature = "practice")]
            Self::Soft(row) => Some(row.anchor_pem()),
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
        let devices = keys.bus().devices()?;
        let device = match which.key.as_deref() {
            Some(select_by_touch::TOUCH) => select_by_touch::choose(keys.bus(), devices, session)?,
            named => choose(devices, named)?,
        };
        let authenticator = open(keys.bus(), &device, session)?;
        Ok(Self { keys, device, authenticator })
    }
}

/// Opens a device as a CTAP2 key.
pub(crate) fn open(bus: &dyn Bus, device: &Device, session: &Session) -> Result<Authenticator, CliError> {
    Ok(Authenticator::open_hid(bus.open(device)?, Limits::default(), session.cancel.clone())?)
}

/// Says "touch now" when the key waits for a touch, once for each wait.
pub(crate) fn touch_prompt<'a>(session: &'a Session, device: &'a Device) -> impl FnMut(Keepalive) + 'a {
    let mut asked = false;
    move |keepalive| {
        let needed = keepalive == Keepalive::UpNeeded;
        if needed && !asked {
            session.console.mark(Style::Now, "touch now:", &format!("{} in port {}", device.product, device.port));
        }
        asked = needed;
    }
}
