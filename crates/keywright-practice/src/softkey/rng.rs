//! The key's randomness: the operating system's, or on a key with that fault the same bytes after every start.
//!
//! A legacy PIN token has to be given out twice with other permissions (see `legacy`), so what was drawn can be drawn again.

use std::collections::VecDeque;

use opensk::api::rng::Rng;
use rand_core::{CryptoRng, Error, OsRng, RngCore};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Random bytes for the firmware.
#[derive(Default)]
pub(super) struct SoftRng {
    recording: Option<Zeroizing<Vec<u8>>>,
    replay: VecDeque<u8>,
    /// On a key without randomness, how often it was asked.
    broken: Option<u64>,
}

impl SoftRng {
    /// One that draws the same after each start.
    pub(super) fn broken() -> Self {
        Self { broken: Some(0), ..Self::default() }
    }

    /// Starts to keep what is drawn.
    pub(super) fn record(&mut self) {
        self.recording = Some(Zeroizing::default());
    }

    /// Stops keeping, and hands over what was drawn since [`Self::record`].
    pub(super) fn recorded(&mut self) -> Zeroizing<Vec<u8>> {
        self.recording.take().unwrap_or_default()
    }

    /// Has these bytes drawn next.
    pub(super) fn replay(&mut self, bytes: &[u8]) {
        self.replay = bytes.iter().copied().collect();
    }

    /// Goes back to fresh randomness, whatever was left to replay.
    pub(super) fn fresh(&mut self) {
        self.replay.iter_mut().for_each(Zeroize::zeroize);
        self.replay.clear();
    }
}

impl RngCore for SoftRng {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        match &mut self.broken {
            None => OsRng.fill_bytes(out),
            Some(asked) => {
                for part in out.chunks_mut(32) {
                    *asked += 1;
                    part.copy_from_slice(&Sha256::digest(asked.to_be_bytes())[..part.len()]);
                }
            }
        }
        for byte in out.iter_mut() {
            match self.replay.pop_front() {
                Some(replayed) => *byte = replayed,
                None => break,
            }
        }
        if let Some(recording) = &mut self.recording {
            recording.extend_from_slice(out);
        }
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for SoftRng {}
impl Rng for SoftRng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_drawn_again_and_then_fresh_bytes() {
        let mut rng = SoftRng::default();
        rng.record();
        let (mut first, mut second, mut third) = ([0; 32], [0; 32], [0; 32]);
        rng.fill_bytes(&mut first);
        let recorded = rng.recorded();
        assert_eq!(recorded[..], first);
        rng.replay(&recorded);
        rng.fill_bytes(&mut second);
        rng.fill_bytes(&mut third);
        assert_eq!(second, first);
        assert_ne!(third, first);
    }
}
