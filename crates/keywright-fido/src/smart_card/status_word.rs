//! Status words (ISO 7816-4, 5.6): those that NFCCTAP gives a meaning, and the names of the others that cards answer with.

use std::fmt;

use crate::ctap::transport::TransportError;

/// SW1 and SW2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(u16);

impl StatusWord {
    /// Done.
    pub const SUCCESS: Self = Self(0x9000);
    /// The key works on the request; NFCCTAP_GETRESPONSE asks how far it is (CTAP 2.2, 11.3.7.2).
    pub const WORKING: Self = Self(0x9100);
    /// There is no such applet.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// P1 or P2 is not known: the card does not know NFCCTAP_GETRESPONSE.
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);

    /// Of the two bytes.
    pub const fn new(sw1: u8, sw2: u8) -> Self {
        Self(u16::from_be_bytes([sw1, sw2]))
    }

    /// 61xx: the next piece of the answer is to be fetched. Zero stands for 256 bytes or more.
    pub fn more(self) -> Option<u8> {
        let [sw1, sw2] = self.0.to_be_bytes();
        (sw1 == 0x61).then_some(sw2)
    }

    /// 6Cxx: nothing was done, and the answer would have this length.
    pub fn exact_length(self) -> Option<u8> {
        let [sw1, sw2] = self.0.to_be_bytes();
        (sw1 == 0x6C).then_some(sw2)
    }

    /// Whether the card knows no such command, or not in this class: it is not one that speaks CTAP2.
    pub fn is_unknown_command(self) -> bool {
        matches!(self.0 >> 8, 0x6D | 0x6E)
    }
}

impl From<StatusWord> for TransportError {
    fn from(status: StatusWord) -> Self {
        Self::Refused { code: status.0, name: format!("status word {status}") }
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)?;
        let meaning = match (self.0, self.0 >> 8) {
            (0x6A82, _) => "no such applet",
            (0x6A86, _) => "wrong parameters",
            (0x6982, _) => "security status not satisfied",
            (0x6985, _) => "conditions of use not satisfied",
            (_, 0x67) => "wrong length",
            (_, 0x6D) => "instruction not supported",
            (_, 0x6E) => "class not supported",
            (_, 0x6F) => "no precise diagnosis",
            _ => return Ok(()),
        };
        write!(f, " ({meaning})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_lengths_are_told() {
        assert_eq!(StatusWord::new(0x61, 0x20).more(), Some(0x20));
        assert_eq!(StatusWord::new(0x6C, 0x20).exact_length(), Some(0x20));
        assert_eq!((StatusWord::SUCCESS.more(), StatusWord::SUCCESS.exact_length()), (None, None));
        assert!(StatusWord::new(0x6D, 0).is_unknown_command() && !StatusWord::NOT_FOUND.is_unknown_command());
    }

    #[test]
    fn a_refusal_has_its_number_and_its_name() {
        let error = TransportError::from(StatusWord::NOT_FOUND);
        assert_eq!(error.to_string(), "the key answered status word 6A82 (no such applet)");
        assert_eq!(StatusWord::new(0x65, 0x81).to_string(), "6581");
    }
}
