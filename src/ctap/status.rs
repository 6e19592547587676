//! CTAP2 status codes (CTAP 2.1 section 8.2) with the specification's names.

/// A status byte. (The full list is the specification's; this stands for it until it is filled in.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCode(pub u8);

impl std::fmt::Display for StatusCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{:02x}", self.0)
    }
}
