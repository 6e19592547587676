//! Keys under the names that the settings give to ports: everything that shows or takes a port has the name.

use std::time::Duration;

use crate::settings::PortNames;
use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Transport, TransportError};

/// A bus whose ports are called by their names.
pub(crate) struct NamedPorts<B> {
    /// As the system names ports.
    pub(crate) bus: B,
    /// What people call them.
    pub(crate) names: PortNames,
}

impl<B> NamedPorts<B> {
    fn named(&self, device: Device) -> Device {
        Device { port: self.names.name_of(&device.port).to_owned(), ..device }
    }

    fn unnamed(&self, device: &Device) -> Device {
        Device { port: self.names.port_of(&device.port).to_owned(), ..device.clone() }
    }
}

impl<B: Bus> Bus for NamedPorts<B> {
    fn devices(&self) -> Result<Vec<Device>, TransportError> {
        Ok(self.bus.devices()?.into_iter().map(|device| self.named(device)).collect())
    }

    fn open(&self, device: &Device, limits: Limits, cancel: Cancel) -> Result<Box<dyn Transport>, TransportError> {
        self.bus.open(&self.unnamed(device), limits, cancel)
    }

    fn replug(&self, device: &Device, patience: Duration, cancel: &Cancel) -> Result<Device, TransportError> {
        self.bus.replug(&self.unnamed(device), patience, cancel).map(|device| self.named(device))
    }

    fn is_usb(&self, device: &Device) -> bool {
        self.bus.is_usb(&self.unnamed(device))
    }

    fn cuts_power(&self, device: &Device) -> bool {
        self.bus.cuts_power(&self.unnamed(device))
    }
}
