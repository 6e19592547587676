//! `--key touch`: of the keys that are plugged in, the one that somebody touches.
//!
//! It refuses to take one of two that were touched, and to leave keys blinking that were not.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::cli::shared::console::Style;
use crate::cli::shared::device::{KeysError, describe};
use crate::cli::shared::{CliError, Session};
use keywright_fido::bus::{Bus, Cancel, Device, Limits};
use keywright_fido::ctap::{Authenticator, TransportError, TransportKind};

/// What `--key` takes for the key that is touched.
pub(crate) const TOUCH: &str = "touch";

/// How often Ctrl-C is checked.
const SLICE: Duration = Duration::from_millis(50);

/// Lets all keys blink until one is touched. A key that cannot be asked does not keep the others from it.
pub(crate) fn choose(bus: &dyn Bus, mut devices: Vec<Device>, session: &Session) -> Result<Device, CliError> {
    // A card is touched as long as it lies in its reader, by whose name it is meant.
    devices.retain(|device| device.kind == TransportKind::Usb);
    if devices.is_empty() {
        return Err(KeysError::None.into());
    }
    session.console.mark(Style::Now, "touch now:", "the key that you mean, of those that blink");
    // Ends what the others do, too, once one is touched.
    let enough = Cancel::default();
    let (mut select_by_touch, mut troubles) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let (sender, answers) = channel();
        for device in devices {
            let (sender, enough) = (sender.clone(), enough.clone());
            scope.spawn(move || {
                let answer = wait_for_touch(bus, &device, &enough);
                // The receiver lives until all have answered.
                let _ = sender.send((device, answer));
            });
        }
        drop(sender);
        loop {
            if session.cancel.is_cancelled() {
                enough.cancel();
            }
            match answers.recv_timeout(SLICE) {
                Ok((device, Ok(()))) => {
                    enough.cancel();
                    select_by_touch.push(device);
                }
                Ok((_, Err(trouble))) => troubles.push(trouble),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    if session.cancel.is_cancelled() {
        return Err(TransportError::Cancelled.into());
    }
    match <[Device; 1]>::try_from(select_by_touch) {
        Ok([device]) => Ok(device),
        Err(none) if none.is_empty() => Err(troubles.pop().unwrap_or(KeysError::None.into())),
        Err(several) => Err(KeysError::SeveralTouched { keys: several.iter().map(describe).collect() }.into()),
    }
}

fn wait_for_touch(bus: &dyn Bus, device: &Device, enough: &Cancel) -> Result<(), CliError> {
    let mut key = Authenticator::open(bus.open(device, Limits::default(), enough.clone())?)?;
    Ok(key.selection(&mut |_| {})?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::shared::arguments::Global;
    use keywright_practice::softkey::{Rack, Touch};

    #[test]
    fn the_key_that_is_touched_is_meant_and_the_others_stop_blinking() {
        let (rack, session) = (Rack::in_memory(3).unwrap(), Session::new(&Global::default()));
        rack.set_touch(Touch::Never);
        let chosen = std::thread::scope(|scope| {
            let chosen = scope.spawn(|| choose(&rack, rack.devices().unwrap(), &session));
            while !rack.keys().iter().all(|key| key.is_waiting() || chosen.is_finished()) {
                std::thread::yield_now();
            }
            rack.key(1).touch(Touch::After(Duration::ZERO));
            chosen.join().unwrap()
        });
        assert_eq!(chosen.unwrap().path, "soft:2");
        assert!(rack.keys().iter().all(|key| !key.is_waiting()));
    }

    #[test]
    fn a_key_that_is_gone_does_not_keep_another_from_being_touched() {
        let (rack, session) = (Rack::in_memory(2).unwrap(), Session::new(&Global::default()));
        let devices = rack.devices().unwrap();
        rack.key(0).pull();
        assert_eq!(choose(&rack, devices.clone(), &session).unwrap().path, "soft:2");
        rack.key(1).pull();
        assert!(matches!(choose(&rack, devices, &session), Err(CliError::Transport(TransportError::Removed))));
        assert!(matches!(choose(&rack, Vec::new(), &session), Err(CliError::Keys(KeysError::None))));
    }

    #[test]
    fn ctrl_c_ends_the_blinking() {
        let (rack, session) = (Rack::in_memory(2).unwrap(), Session::new(&Global::default()));
        rack.set_touch(Touch::Never);
        session.cancel.cancel();
        assert!(matches!(
            choose(&rack, rack.devices().unwrap(), &session),
            Err(CliError::Transport(TransportError::Cancelled))
        ));
    }
}
