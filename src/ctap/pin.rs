//! A PIN as CTAP2 takes it (CTAP 2.1 section 6.5.1).

use secrecy::SecretString;

/// A PIN in Unicode NFC: at least 4 code points, at most 63 bytes of UTF-8, no trailing NUL. Does not print; wiped when dropped.
#[derive(Clone)]
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
    pub fn new(_text: &str) -> Result<Self, PinError> {
        todo!()
    }

    /// Code points, which is what minimum lengths count.
    pub fn code_points(&self) -> usize {
        todo!()
    }

    /// The UTF-8 bytes, to be sent or sealed and nothing else.
    pub fn expose(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.0)
    }
}
