//! A PIN as CTAP2 takes it (CTAP 2.1 section 6.5.1).
//!
//! It is normalised once, here, so that what is sealed is what the key gets. It refuses to print.

use secrecy::SecretString;
use unicode_normalization::UnicodeNormalization;

/// The fewest code points that any key accepts.
const MINIMUM_CODE_POINTS: usize = 4;

/// The most bytes that fit into the 64 that are sent, of which the last is always NUL.
const MAXIMUM_BYTES: usize = 63;

/// A PIN in Unicode NFC: at least 4 code points, at most 63 bytes of UTF-8, no NUL. Does not print; wiped when dropped.
#[derive(Debug, Clone)]
pub struct Pin(SecretString);

/// Why a text is not a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Fewer code points than the key or the profile asks for.
    #[error("the PIN has {length} characters; at least {minimum} are needed")]
    TooShort {
        /// Code points after NFC.
        length: usize,
        /// Code points needed.
        minimum: usize,
    },
    /// More bytes than CTAP2 carries.
    #[error("the PIN takes {length} bytes in UTF-8; at most {maximum} are possible")]
    TooLong {
        /// Bytes after NFC.
        length: usize,
        /// Bytes possible.
        maximum: usize,
    },
    /// CTAP2 pads with NUL, so a PIN cannot end in one.
    #[error("the PIN has a NUL character")]
    Nul,
}

impl Pin {
    /// Normalises to NFC and checks the limits that hold for every key.
    pub fn new(text: &str) -> Result<Self, PinError> {
        // Sized before it is filled, so that no copy is left behind by growing or shrinking.
        let mut normal = String::with_capacity(text.nfc().map(char::len_utf8).sum());
        normal.extend(text.nfc());
        let pin = Self(normal.into());
        if pin.expose().contains('\0') {
            return Err(PinError::Nul);
        }
        pin.check(MINIMUM_CODE_POINTS, MAXIMUM_BYTES)?;
        Ok(pin)
    }

    /// Code points, which is what minimum lengths count.
    pub fn code_points(&self) -> usize {
        self.expose().chars().count()
    }

    /// Checks the limits of one key (getInfo minPINLength in code points, maxPINLength in bytes) or of a profile.
    pub fn check(&self, minimum_code_points: usize, maximum_bytes: usize) -> Result<(), PinError> {
        let (code_points, bytes) = (self.code_points(), self.expose().len());
        if code_points < minimum_code_points {
            return Err(PinError::TooShort { length: code_points, minimum: minimum_code_points });
        }
        if bytes > maximum_bytes {
            return Err(PinError::TooLong { length: bytes, maximum: maximum_bytes });
        }
        Ok(())
    }

    /// The UTF-8 bytes, to be sent or sealed and nothing else.
    pub fn expose(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_normalised() {
        let decomposed = Pin::new("cafe\u{301}").unwrap();
        assert_eq!(decomposed.expose(), "caf\u{e9}");
        assert_eq!(decomposed.code_points(), 4);
    }

    #[test]
    fn lengths_are_code_points_below_and_bytes_above() {
        assert_eq!(Pin::new("123").unwrap_err(), PinError::TooShort { length: 3, minimum: 4 });
        assert_eq!(Pin::new("e\u{301}12").unwrap_err(), PinError::TooShort { length: 3, minimum: 4 });
        assert!(Pin::new("\u{1f511}\u{1f511}\u{1f511}\u{1f511}").is_ok());
        assert!(Pin::new(&"x".repeat(63)).is_ok());
        assert_eq!(Pin::new(&"x".repeat(64)).unwrap_err(), PinError::TooLong { length: 64, maximum: 63 });
        assert_eq!(Pin::new(&"\u{e9}".repeat(32)).unwrap_err(), PinError::TooLong { length: 64, maximum: 63 });
        let pin = Pin::new("123456").unwrap();
        assert_eq!(pin.check(8, 63), Err(PinError::TooShort { length: 6, minimum: 8 }));
        assert_eq!(pin.check(4, 5), Err(PinError::TooLong { length: 6, maximum: 5 }));
    }

    #[test]
    fn nul_is_refused_anywhere() {
        for text in ["1234\0", "12\x0034"] {
            assert_eq!(Pin::new(text).unwrap_err(), PinError::Nul);
        }
    }

    #[test]
    fn a_pin_does_not_print() {
        assert!(!format!("{:?}", Pin::new("271828").unwrap()).contains("271828"));
    }
}
