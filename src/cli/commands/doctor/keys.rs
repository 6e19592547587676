//! Every key that is plugged in: can it be opened, and is it in a state in which it can be used? If none is there: why not?

use std::env::consts::OS;
use std::time::Duration;

use crate::cli::shared::arguments::KeySource;
use crate::cli::shared::device::KeysError;
use crate::cli::shared::findings::{Check, Finding, KeyFacts};
use crate::cli::shared::open_key::Keys;
#[cfg(feature = "smart-card")]
use crate::cli::shared::output::count;
use crate::cli::shared::{CliError, Session};
use keywright_fido::bus::{Bus, Device, Limits};
use keywright_fido::ctap::Authenticator;
use keywright_fido::ctap::TransportError;
use keywright_fido::hid::usb::permission::{self, Missing};
#[cfg(feature = "smart-card")]
use keywright_fido::smart_card::readers::ReaderBus;

/// Nothing that is asked here needs a touch, so no key has a reason to take longer.
const LIMITS: Limits =
    Limits { silence: Duration::from_secs(3), total: Duration::from_secs(8), busy: Duration::from_secs(5) };

/// Why an account may not open a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Barrier {
    Linux(Missing),
    Windows,
    Other,
}

impl Barrier {
    /// What there is on a system (a name of [`std::env::consts::OS`]) for the device at this path.
    fn on(system: &str, path: &str) -> Self {
        match system {
            "linux" => Self::Linux(permission::missing(path)),
            "windows" => Self::Windows,
            _ => Self::Other,
        }
    }

    /// Why, and the one thing to do.
    fn finding(self, path: &str) -> Finding {
        let (why, step) = match self {
            Self::Linux(Missing::Node) => (
                "the kernel has it, but there is no device node for it here",
                "if this is a container, start it with --device for this node",
            ),
            Self::Linux(Missing::Udev) => {
                ("no permission to open it, and udev does not run here", "run keywright with sudo")
            }
            Self::Linux(Missing::Rule) => (
                "no permission to open it: the udev rule is missing",
                "keywright doctor --udev-rule | sudo tee /etc/udev/rules.d/70-keywright.rules && \
                 sudo udevadm control --reload && sudo udevadm trigger -s hidraw",
            ),
            Self::Linux(Missing::Trigger) => (
                "no permission to open it: the udev rule is there and was not applied to this key",
                "sudo udevadm control --reload && sudo udevadm trigger -s hidraw",
            ),
            Self::Linux(Missing::Seat) => (
                "no permission to open it: only the person who is logged in at this machine may open keys",
                "log in there, or let a group open keys: docs/settings.md, \"Permission to open keys\"",
            ),
            Self::Windows => (
                "no permission to open it: Windows gives FIDO keys to administrators only",
                "start the terminal with 'Run as administrator'",
            ),
            Self::Other => ("no permission to open it", "run keywright with sudo"),
        };
        Finding::wrong(Check::Key, path, why, step)
    }
}

/// A finding for each key, or one that says why there is none; before them one about card readers, where this program knows them.
pub(super) fn look(source: &KeySource, session: &Session) -> Vec<Finding> {
    let mut findings = Vec::new();
    #[cfg(feature = "smart-card")]
    if source.softkeys().is_none() {
        findings.push(card_readers());
    }
    findings.extend(plugged_in(source, session));
    findings
}

/// What stands between this machine and cards in its readers.
#[cfg(feature = "smart-card")]
fn card_readers() -> Finding {
    match ReaderBus::readers() {
        Ok(Some(readers)) => Finding::well(Check::Cards, "-", count(readers, "card reader", "card readers")),
        Ok(None) => Finding::left(
            Check::Cards,
            "-",
            "the service for card readers (PC/SC) does not run",
            "nothing without card readers; with them, on Debian: sudo apt-get install pcscd",
        ),
        Err(error) => Finding::of_error(Check::Cards, "-", &error.into()),
    }
}

fn plugged_in(source: &KeySource, session: &Session) -> Vec<Finding> {
    // Wrong settings are a finding of their own.
    let names = session.settings().unwrap_or_default().ports;
    let devices = Keys::open_named(source, names, session).and_then(|keys| Ok((keys.bus().devices()?, keys)));
    let (devices, keys) = match devices {
        Ok(found) => found,
        Err(error) => return vec![Finding::of_error(Check::Key, "-", &error)],
    };
    if devices.is_empty() {
        return vec![none(source.softkeys().is_some())];
    }
    // Each key may take its seconds to answer, so they are asked at the same time.
    std::thread::scope(|scope| {
        let asked: Vec<_> = devices.iter().map(|device| scope.spawn(|| finding(keys.bus(), device, session))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

fn none(soft: bool) -> Finding {
    let finding = |why: &str, step: &str| Finding::wrong(Check::Key, "-", why, step);
    match (OS, soft) {
        ("linux", false) if !permission::hidraw_is_there() => {
            finding("this kernel offers no HID devices: hidraw is missing", "sudo modprobe -a hid usbhid")
        }
        ("linux", false) => match permission::interface_without_driver() {
            Some(interface) => {
                finding(&format!("no driver has taken the HID device at {interface}"), "sudo modprobe usbhid")
            }
            None => Finding::of_error(Check::Key, "-", &KeysError::None.into()),
        },
        _ => Finding::of_error(Check::Key, "-", &KeysError::None.into()),
    }
}

fn finding(bus: &dyn Bus, device: &Device, session: &Session) -> Finding {
    let path = device.path.as_str();
    let facts = match ask(bus, device, session) {
        Ok(facts) => facts,
        Err(CliError::Transport(TransportError::NoPermission { .. })) => return Barrier::on(OS, path).finding(path),
        Err(CliError::Transport(TransportError::Removed))
            if bus.is_usb(device) && Barrier::on(OS, path) == Barrier::Linux(Missing::Node) =>
        {
            return Barrier::Linux(Missing::Node).finding(path);
        }
        Err(error) => return Finding::of_error(Check::Key, path, &error),
    };
    let pin = match facts.pin_retries {
        None => "no PIN".to_owned(),
        Some(left) => format!("PIN set, {left} attempts left"),
    };
    let about = format!("{} in port {}, {}, {pin}", facts.product, facts.port, facts.versions.join(" "));
    let finding = match facts.pin_retries {
        Some(0) => {
            let step = format!("keywright key reset --key {path}: it erases the key, and nothing else helps");
            Finding::wrong(Check::Key, path, about, step)
        }
        _ => Finding::well(Check::Key, path, about),
    };
    Finding { key: Some(facts), ..finding }
}

/// Opens the key unless another program holds it, and asks what needs neither PIN nor touch.
fn ask(bus: &dyn Bus, device: &Device, session: &Session) -> Result<KeyFacts, CliError> {
    let mut key = Authenticator::open(bus.open(device, LIMITS, session.cancel.clone())?)?;
    let pin_set = key.info().has_pin();
    let pin_retries = if pin_set { Some(key.pin_retries()?.retries) } else { None };
    Ok(KeyFacts {
        port: device.port.clone(),
        product: device.product.clone(),
        versions: key.info().versions.clone(),
        pin_set,
        pin_retries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_has_its_barrier_and_one_thing_to_do() {
        let all = [Missing::Node, Missing::Udev, Missing::Rule, Missing::Trigger, Missing::Seat].map(Barrier::Linux);
        let others = ["windows", "macos"].map(|system| Barrier::on(system, "path"));
        assert_eq!(others, [Barrier::Windows, Barrier::Other]);
        assert_eq!(Barrier::on("linux", "/dev/hidraw99999"), Barrier::Linux(Missing::Node));
        for barrier in all.into_iter().chain(others) {
            let Finding { message, next_step: Some(step), ok: false, .. } = barrier.finding("path") else {
                panic!("{barrier:?} is something to mend")
            };
            assert!(message.starts_with(char::is_lowercase) && !message.ends_with('.'), "{message}");
            assert!(!step.ends_with('.'), "{step}");
        }
        assert!(Barrier::Windows.finding("path").next_step.unwrap().contains("Run as administrator"));
    }
}
