//! The witness: a credential signs through ctap-hid-fido2 and is checked by its verifier, so that a fault in our own client
//! cannot hand out a key that only we can use.
//!
//! It works on its own thread with a deadline, and its panics end with that thread. It refuses to be a judge of what it could
//! not try: [`Testimony::Refuted`] is for a signature that is there and wrong, everything else that goes amiss is
//! [`Testimony::Unable`].

mod deposition;
mod testimony;
mod thread;

use std::time::Duration;

pub use testimony::{Doubt, Obstacle, Testimony, WITNESS};

use crate::ctap::{Pin, PinUvAuthProtocol};
use crate::hid::{Bus, Device};
use crate::webauthn::{ClientDataJson, CosePublicKey, CredentialId, RpId};

/// What is asked of the witness: that this credential signs this client data, with PIN and touch.
#[derive(Debug, Clone)]
pub struct Question {
    /// Whose credential it is.
    pub rp_id: RpId,
    /// The credential.
    pub credential_id: CredentialId,
    /// Its public key, as the key told it when it made the credential.
    pub public_key: CosePublicKey,
    /// What is signed: a fresh challenge is in it.
    pub client_data: ClientDataJson,
    /// The key's PIN. The witness's library keeps copies while it works, and does not wipe them.
    pub pin: Pin,
    /// The PIN/UV auth protocol that the key prefers; the library does not choose by itself.
    pub protocol: PinUvAuthProtocol,
}

/// Has the witness try a key on USB. The caller has closed its own handle, and tells the person about the touch: the witness
/// says nothing to anybody.
///
/// The key has to be on the bus as the device says, for the witness is given a path only and sends it a PIN. A witness that
/// does not finish by the deadline is left behind ([`Obstacle::Deadline`]): it ends when the key answers or is pulled.
pub fn testify(bus: &dyn Bus, device: &Device, question: &Question, deadline: Duration) -> Testimony {
    let Some(public_key) = deposition::public_key(&question.public_key) else {
        return Testimony::Unable { why: Obstacle::Algorithm { alg: question.public_key.algorithm.0 } };
    };
    if !bus.is_usb() {
        return Testimony::Unable { why: Obstacle::NotUsb };
    }
    if !bus.devices().is_ok_and(|there| there.contains(device)) {
        return Testimony::Unable { why: Obstacle::Removed };
    }
    let (path, asked) = (device.path.clone(), question.clone());
    match thread::within(deadline, move || deposition::take(path, &asked)) {
        Ok(Ok(assertion)) => deposition::judge(&assertion, question, &public_key),
        Ok(Err(why)) | Err(why) => Testimony::Unable { why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hid::usb::UsbBus;
    use crate::softkey::Rack;
    use crate::webauthn::CoseAlgorithm;

    fn question() -> Question {
        deposition::tests::question()
    }

    #[test]
    fn a_soft_key_in_this_process_is_not_on_usb() {
        let rack = Rack::in_memory(1).unwrap();
        let device = rack.devices().unwrap().remove(0);
        let testimony = testify(&rack, &device, &question(), Duration::from_secs(5));
        assert_eq!(testimony, Testimony::Unable { why: Obstacle::NotUsb });
    }

    #[test]
    fn a_key_that_is_no_longer_the_one_that_was_listed_is_sent_no_pin() {
        let device = Rack::in_memory(1).unwrap().devices().unwrap().remove(0);
        let testimony = testify(&UsbBus::new().unwrap(), &device, &question(), Duration::from_secs(5));
        assert_eq!(testimony, Testimony::Unable { why: Obstacle::Removed });
    }

    #[test]
    fn an_algorithm_that_the_verifier_does_not_know_is_not_tried() {
        let rack = Rack::in_memory(1).unwrap();
        let device = rack.devices().unwrap().remove(0);
        let mut question = question();
        question.public_key.algorithm = CoseAlgorithm::ES384;
        let testimony = testify(&rack, &device, &question, Duration::from_secs(5));
        assert_eq!(testimony, Testimony::Unable { why: Obstacle::Algorithm { alg: -35 } });
    }
}
