//! The door to a key at the height of one CTAP request, whatever carries it: HID reports, or the APDUs of a card.
//!
//! A transport bounds each exchange in time and ends it when somebody cancels: both are given to it when it is opened. It refuses
//! to know what a command means.

use std::fmt;
use std::time::Duration;

/// How a key is reached (WebAuthn 5.8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportKind {
    /// Bluetooth Low Energy.
    Ble,
    /// Over several, of which one is near.
    Hybrid,
    /// Built into the client device.
    Internal,
    /// Near-field communication.
    Nfc,
    /// ISO 7816 with contacts.
    SmartCard,
    /// Removable USB, which is HID.
    Usb,
}

impl TransportKind {
    const ALL: [Self; 6] = [Self::Ble, Self::Hybrid, Self::Internal, Self::Nfc, Self::SmartCard, Self::Usb];

    /// WebAuthn's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ble => "ble",
            Self::Hybrid => "hybrid",
            Self::Internal => "internal",
            Self::Nfc => "nfc",
            Self::SmartCard => "smart-card",
            Self::Usb => "usb",
        }
    }

    /// The kind of this name. Some keys write theirs in capitals.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }
}

/// What a key says while it works on a request (CTAP 2.1, 11.2.9.1.7; 11.3.7.2 for NFC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keepalive {
    /// 1: the key is working. Status bytes that the specification does not name are read as this too.
    Processing,
    /// 2: the key waits for a touch.
    UpNeeded,
}

/// An open connection to one key.
pub trait Transport: Send {
    /// How the key is reached.
    fn kind(&self) -> TransportKind;

    /// Whether the key said that it speaks CTAP2.
    fn speaks_ctap2(&self) -> bool;

    /// The longest request that is carried, in bytes. The key may take less (getInfo, maxMsgSize).
    fn longest_request(&self) -> usize;

    /// Sends one CTAP2 request (command byte and CBOR) and returns the answer (status byte and CBOR, at least the former).
    /// `keepalive` hears what the key says meanwhile.
    ///
    /// After [`TransportError::Cancelled`], [`TransportError::Timeout`] and [`TransportError::Protocol`] the key was told to
    /// stop, but it may have done what was asked: whoever needs to know has to look.
    fn cbor(&mut self, request: &[u8], keepalive: &mut dyn FnMut(Keepalive)) -> Result<Vec<u8>, TransportError>;

    /// Has the key show itself; does nothing on one that cannot.
    fn wink(&mut self) -> Result<(), TransportError>;
}

/// What can go wrong between this machine and a key, below CTAP2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The key is no longer there.
    #[error("the key was removed")]
    Removed,
    /// What lies in a reader gives no answer to reset: a card that is in the wrong way, or more than one in the field.
    #[error("the card in {reader} does not answer")]
    Mute {
        /// The reader's name, with its slot.
        reader: String,
    },
    /// This account may not open the device.
    #[error("no permission to open {path}")]
    NoPermission {
        /// The device's path.
        path: String,
    },
    /// Another program holds the device.
    #[error("another program has {path} open: {holder}")]
    Held {
        /// The device's path.
        path: String,
        /// The program and its process id, or "unknown".
        holder: String,
    },
    /// A time limit ran out.
    #[error("{phase} {after:?}")]
    Timeout {
        /// What the limit is on.
        phase: TimeoutPhase,
        /// How long it is.
        after: Duration,
    },
    /// The key answered with an error of the transport's own.
    #[error("the key answered {name}")]
    Refused {
        /// The transport's code.
        code: u16,
        /// The transport, and its name of the code.
        name: String,
    },
    /// The key was busy for another program until patience ran out.
    #[error("the key stayed busy with another program for {0:?}")]
    Busy(Duration),
    /// Bytes that are not the transport's protocol.
    #[error("the key broke the protocol: {0}")]
    Protocol(&'static str),
    /// A message of so many bytes, which is more than the transport carries.
    #[error("a message of {0} bytes is longer than can be sent to a key")]
    MessageTooLong(usize),
    /// Somebody asked for the exchange to end.
    #[error("cancelled")]
    Cancelled,
    /// The operating system's own words.
    #[error("the operating system says: {0}")]
    System(String),
}

/// What a time limit is on. Shown as the words before the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// The key's silence.
    Silence,
    /// The whole exchange, whatever the key says meanwhile.
    Exchange,
    /// A person's pulling the key and plugging it in again.
    Replug,
}

impl fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silence => "the key was silent for",
            Self::Exchange => "the key did not finish within",
            Self::Replug => "the key was not unplugged and plugged in again within",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_webauthns_words() {
        for kind in TransportKind::ALL {
            assert_eq!(TransportKind::named(kind.as_str()), Some(kind));
            assert_eq!(TransportKind::named(&kind.as_str().to_uppercase()), Some(kind));
        }
        assert!(TransportKind::ALL.is_sorted(), "as WebAuthn's getTransports sorts them");
        assert_eq!(TransportKind::named("lightning"), None);
    }
}
