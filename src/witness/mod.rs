//! The witness: a credential signs through ctap-hid-fido2 and is checked by its verifier, so that a fault in our own client
//! cannot hand out a key that only we can use.
//!
//! It works in a process of its own, because the library waits for ever on a silent key, prints what it does not know to
//! stdout, may panic, and leaves copies of the PIN in memory. The process has a deadline and ends with ours. It refuses to be a
//! judge of what it could not try: [`Answer::Refuted`] is for a signature that is there and wrong, everything else that goes
//! amiss is [`Answer::Unable`].

mod deposition;
mod process;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use deposition::serve;

use crate::ledger::Unavailable;
use crate::secret::child;
use keywright_fido::ctap::{Pin, PinUvAuthProtocol};
use keywright_fido::hid::{Bus, Cancel, Device};
use keywright_fido::webauthn::SignedAssertion;
use keywright_fido::webauthn::{ClientDataJson, CosePublicKey, CredentialId, RpId};

/// Who the witness is.
pub const WITNESS: &str = "ctap-hid-fido2 3.6.1";

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
    /// The key's PIN. It reaches the witness's process through a pipe.
    pub pin: Pin,
    /// The PIN/UV auth protocol that the key prefers; the library does not choose by itself.
    pub protocol: PinUvAuthProtocol,
}

/// What the witness says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It signed, with touch and PIN, and the witness's verifier takes the signature.
    Verified {
        /// As the key gave it to the witness.
        assertion: SignedAssertion,
    },
    /// It signed, and something is wrong with that.
    Refuted {
        /// What.
        why: Mismatch,
    },
    /// The witness could not try, or did not come to an end.
    Unable {
        /// Why not.
        why: Unavailable,
    },
}

/// What is wrong with a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mismatch {
    /// The verifier does not take the signature for this public key.
    Signature,
    /// The key does not say that it was touched.
    UserPresence,
    /// The key does not say that it verified the PIN.
    UserVerification,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "the signature is not this credential's",
            Self::UserPresence => "the key signed without a touch",
            Self::UserVerification => "the key signed without verifying the PIN",
        })
    }
}

/// How the witness is reached.
#[derive(Debug, Clone)]
pub struct Witness {
    /// A program that calls [`serve`] when its only argument is `witness`: keywright itself.
    pub program: PathBuf,
    /// How long it has, the touch included. Keys wait 30 s for a touch.
    pub patience: Duration,
}

impl Witness {
    /// With 45 s of patience.
    pub fn new(program: PathBuf) -> Self {
        Self { program, patience: Duration::from_secs(45) }
    }

    /// Has the witness try a key on USB. `touch` hears `true` before the key may wait for a touch, and `false` after it. The
    /// caller may have the key open, and locked, but does not talk to it meanwhile.
    ///
    /// The key has to be on the bus as the device says, for the witness is given a path only and sends it a PIN.
    pub fn testify(
        &self,
        bus: &dyn Bus,
        device: &Device,
        question: &Question,
        cancel: &Cancel,
        touch: &dyn Fn(bool),
    ) -> Answer {
        if let Err(why) = can_try(bus, device, question) {
            return Answer::Unable { why };
        }
        touch(true);
        let mut command = child(&self.program, [] as [&str; 0]);
        command.arg("witness");
        let answer = process::ask(command, self.patience, &device.path, question, cancel);
        touch(false);
        answer.unwrap_or_else(|why| Answer::Unable { why })
    }
}

fn can_try(bus: &dyn Bus, device: &Device, question: &Question) -> Result<(), Unavailable> {
    if !bus.is_usb(device) {
        return Err(Unavailable::NotUsb);
    }
    deposition::public_key(&question.public_key)?;
    if !bus.devices().is_ok_and(|there| there.contains(device)) {
        return Err(Unavailable::Removed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use keywright_fido::hid::usb::UsbBus;
    use keywright_fido::webauthn::CoseAlgorithm;
    use keywright_practice::softkey::Rack;

    fn question() -> Question {
        deposition::tests::question()
    }

    /// Asks about a key that is not there on this bus. No program is started and nobody is asked for a touch.
    fn unable(bus: &dyn Bus, question: &Question) -> Unavailable {
        let device = Rack::in_memory(1).unwrap().devices().unwrap().remove(0);
        let touched = Cell::new(false);
        let nobody = Witness::new("/dev/null/no-program".into());
        match nobody.testify(bus, &device, question, &Cancel::default(), &|_| touched.set(true)) {
            Answer::Unable { why } if !touched.get() => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_soft_key_in_this_process_is_not_on_usb() {
        assert_eq!(unable(&Rack::in_memory(1).unwrap(), &question()), Unavailable::NotUsb);
    }

    #[test]
    fn a_key_that_is_no_longer_the_one_that_was_listed_is_sent_no_pin() {
        assert_eq!(unable(&UsbBus::default(), &question()), Unavailable::Removed);
    }

    #[test]
    fn an_algorithm_that_the_verifier_does_not_know_is_not_tried() {
        let mut question = question();
        question.public_key.algorithm = CoseAlgorithm::ES384;
        assert_eq!(unable(&UsbBus::default(), &question), Unavailable::Algorithm { alg: -35 });
    }
}
