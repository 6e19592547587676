//! Drawing PINs: without bias, and never one that a thief tries first.

use crate::ctap::Pin;

/// The characters that PINs are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinAlphabet {
    /// 0 to 9.
    Digits,
    /// Lower-case letters and digits without those that look alike.
    Unambiguous,
}

/// Where chance comes from.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's random source, through aws-lc-rs.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, _buffer: &mut [u8]) {
        todo!()
    }
}

/// Draws a PIN of `length` code points (4 to 63), each allowed PIN as likely as any other. Weak ones (repeats, runs, years,
/// keyboard patterns) are drawn again.
pub fn draw(_length: usize, _alphabet: PinAlphabet, _entropy: &dyn Entropy) -> Pin {
    todo!()
}
