//! Lists the keys that are plugged in, and what each says of its model. Nothing is changed on them.

use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Authenticator, CtapError};
use keywright_fido::hid::usb::UsbBus;

fn main() -> Result<(), CtapError> {
    let bus = UsbBus::default();
    let devices = bus.devices()?;
    if devices.is_empty() {
        println!("no key is plugged in");
    }
    for device in devices {
        // One that cannot be read does not stop the others.
        match describe(&bus, &device) {
            Ok(line) => println!("{line}"),
            Err(error) => println!("{}: {error}", device.path),
        }
    }
    Ok(())
}

fn describe(bus: &UsbBus, device: &Device) -> Result<String, CtapError> {
    let key = Authenticator::open(bus.open(device, Limits::default(), Cancel::default())?)?;
    let info = key.info();
    let versions = info.versions.join(" ");
    let pin = if info.has_pin() { "has a PIN" } else { "has no PIN" };
    Ok(format!("{}: {}, model {}, {versions}, {pin}", device.path, device.product, info.aaguid))
}
