//! authenticatorReset (0x07): CTAP 2.1 section 6.6.

use super::command::Command;
use super::{Authenticator, CtapError, Touch, TransportKind};

const COMMAND: Command = Command::new(0x07, "authenticatorReset");

impl Authenticator {
    /// authenticatorReset: within 10 s of power-up, with a touch. Everything on the key is gone.
    ///
    /// To be the first thing asked after the key was plugged in: some firmware allows no reset once a PIN command came.
    /// [`CtapError::Unsupported`] if the key lists transportsForReset without the one in use. Whether the touch is a long one (10 s) is in
    /// [`super::GetInfo::long_touch_for_reset`]. Changes nearly everything that getInfo tells.
    pub fn reset(&mut self, touch: Touch<'_>) -> Result<(), CtapError> {
        let transports = &self.info.transports_for_reset;
        let reached = Some(self.transport());
        if !transports.is_empty() && !transports.iter().any(|name| TransportKind::named(name) == reached) {
            return Err(CtapError::Unsupported("authenticatorReset over this transport"));
        }
        self.exchange_with_touch(COMMAND, &encode(), touch)?;
        Ok(())
    }
}

fn encode() -> Vec<u8> {
    COMMAND.request([])
}

#[cfg(test)]
mod tests {
    use super::super::Keepalive;
    use super::super::scripted::{info, key, touched};
    use super::*;
    use crate::webauthn::cbor::Value;

    fn resets_over(transports: &[&str]) -> Vec<u8> {
        info([(0x1a, Value::Array(transports.iter().map(|transport| Value::from(*transport)).collect()))])
    }

    #[test]
    fn reset_is_one_byte_and_a_touch() {
        for told in [info([]), resets_over(&["usb"]), resets_over(&["USB", "NFC"])] {
            let (mut authenticator, script) = key(told, [(vec![0x07], touched(vec![0]))]);
            let mut heard = Vec::new();
            authenticator.reset(&mut |keepalive| heard.push(keepalive)).unwrap();
            assert_eq!(heard, [Keepalive::UpNeeded]);
            script.assert_done();
        }
    }

    #[test]
    fn a_key_that_resets_over_nfc_only_is_not_asked() {
        let (mut authenticator, _) = key(resets_over(&["nfc"]), []);
        assert_eq!(
            authenticator.reset(&mut |_| {}),
            Err(CtapError::Unsupported("authenticatorReset over this transport"))
        );
    }

    #[test]
    fn too_late_is_not_allowed() {
        let (mut authenticator, _) = key(info([]), [(vec![0x07], vec![0x30])]);
        assert_eq!(authenticator.reset(&mut |_| {}).unwrap_err().status(), Some(super::super::StatusCode::NotAllowed));
    }
}
