//! Drawing PINs: without bias, and never one that a thief tries first.
//!
//! It refuses to repair a weak PIN: the whole PIN is drawn again, so that every allowed one stays as likely as any other.

use zeroize::Zeroizing;

use super::weak;
use keywright_fido::ctap::Pin;

/// The characters that PINs are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinAlphabet {
    /// 0 to 9.
    Digits,
    /// 23 lower-case letters and digits, none of which looks like another. There are no vowels, so that no words come up.
    Unambiguous,
}

impl PinAlphabet {
    fn characters(self) -> &'static [u8] {
        match self {
            Self::Digits => b"0123456789",
            Self::Unambiguous => b"cdfhjkmnprtvwxy23456789",
        }
    }
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
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).expect("an operating system with a random source");
    }
}

/// Bytes and PINs that may be refused in a row before the random source counts as broken. A sound one gets there once in more
/// than 2^200 PINs: at most half of the bytes, and fewer than half of the PINs of any length, are refused.
const PATIENCE: usize = 256;

/// Draws a PIN of `length` code points (4 to 63), each allowed PIN as likely as any other. Weak ones (repeats, runs, years,
/// keyboard patterns) are drawn again.
///
/// # Panics
///
/// If `length` is outside of 4 to 63, or if the random source gives nothing but refused values.
pub fn draw(length: usize, alphabet: PinAlphabet, entropy: &dyn Entropy) -> Pin {
    assert!((4..=63).contains(&length), "a PIN has 4 to 63 characters, not {length}");
    for _ in 0..PATIENCE {
        let text = candidate(length, alphabet, entropy);
        if !weak::is_weak(&text) {
            return Pin::new(&text).expect("4 to 63 ASCII characters are a PIN");
        }
    }
    panic!("the random source gives weak PINs only");
}

/// Each text of this length is as likely as any other.
fn candidate(length: usize, alphabet: PinAlphabet, entropy: &dyn Entropy) -> Zeroizing<String> {
    let characters = alphabet.characters();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for _ in 0..length {
        text.push(char::from(characters[below(characters.len(), entropy)]));
    }
    text
}

/// A number below `limit` (1 to 256). Bytes past the last whole multiple of it would favour small numbers, and are refused.
fn below(limit: usize, entropy: &dyn Entropy) -> usize {
    let whole = 256 - 256 % limit;
    let mut byte = Zeroizing::new([0u8]);
    for _ in 0..PATIENCE {
        entropy.fill(byte.as_mut_slice());
        let value = usize::from(byte[0]);
        if value < whole {
            return value % limit;
        }
    }
    panic!("the random source gives the same few bytes only");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use sha2::{Digest, Sha256};

    use super::*;

    /// The bytes of a script, in order, over and over.
    struct Scripted(Mutex<std::iter::Cycle<std::vec::IntoIter<u8>>>);

    impl Scripted {
        fn new(bytes: impl Into<Vec<u8>>) -> Self {
            Self(Mutex::new(bytes.into().into_iter().cycle()))
        }
    }

    impl Entropy for Scripted {
        fn fill(&self, buffer: &mut [u8]) {
            let mut bytes = self.0.lock().unwrap();
            buffer.fill_with(|| bytes.next().unwrap());
        }
    }

    /// SHA-256 of a counter: looks like chance, and is the same in every run.
    fn seeded(bytes: usize) -> Scripted {
        Scripted::new((0..bytes.div_ceil(32)).flat_map(|n| Sha256::digest(n.to_be_bytes())).collect::<Vec<u8>>())
    }

    #[test]
    fn every_byte_is_refused_or_counts_once() {
        for alphabet in [PinAlphabet::Digits, PinAlphabet::Unambiguous] {
            let size = alphabet.characters().len();
            let all = Scripted::new((0..=255).collect::<Vec<u8>>());
            let mut counts = vec![0; size];
            for _ in 0..256 / size * size {
                counts[below(size, &all)] += 1;
            }
            assert!(counts.iter().all(|count| *count == 256 / size), "{alphabet:?}: {counts:?}");
            // The script has come round: what follows the refused bytes is the first byte again.
            assert_eq!(below(size, &all), 0);
        }
    }

    #[test]
    fn the_alphabets_have_no_look_alikes() {
        let characters = PinAlphabet::Unambiguous.characters();
        assert_eq!(characters.iter().collect::<HashSet<_>>().len(), 23);
        for alike in ["0o", "1il", "2z", "5s", "6b", "8b", "9gq", "uv"] {
            assert!(alike.bytes().filter(|byte| characters.contains(byte)).count() <= 1, "{alike}");
        }
        assert!(!characters.iter().any(|byte| b"aeiou01".contains(byte)));
    }

    #[test]
    fn a_weak_pin_is_drawn_again_as_a_whole() {
        let entropy = Scripted::new([1, 2, 3, 4, 255, 5, 6, 9, 4, 7, 1, 250, 8, 3]);
        assert_eq!(draw(6, PinAlphabet::Digits, &entropy).expose(), "947183");
    }

    #[test]
    fn each_place_gets_each_character_equally_often() {
        const DRAWS: usize = 20_000;
        for alphabet in [PinAlphabet::Digits, PinAlphabet::Unambiguous] {
            let entropy = seeded(DRAWS * 16);
            let characters = alphabet.characters();
            let mut counts = vec![[0usize; 128]; 8];
            for _ in 0..DRAWS {
                for (place, byte) in candidate(8, alphabet, &entropy).bytes().enumerate() {
                    counts[place][usize::from(byte)] += 1;
                }
            }
            let expected = DRAWS as f64 / characters.len() as f64;
            for place in counts {
                let square = |byte: &u8| (place[usize::from(*byte)] as f64 - expected).powi(2) / expected;
                let chi_squared: f64 = characters.iter().map(square).sum();
                // 22 degrees of freedom stay below 56 in all but one case in ten thousand.
                assert!(chi_squared < 56.0, "{alphabet:?}: {chi_squared}");
            }
        }
    }

    #[test]
    fn drawn_pins_are_strong_and_not_drawn_twice() {
        let entropy = seeded(1 << 20);
        for length in [4, 5, 6, 8, 12, 63] {
            for alphabet in [PinAlphabet::Digits, PinAlphabet::Unambiguous] {
                for _ in 0..200 {
                    let pin = draw(length, alphabet, &entropy);
                    assert_eq!(pin.code_points(), length);
                    assert!(!weak::is_weak(pin.expose()));
                }
            }
        }
        let many: HashSet<String> =
            (0..1000).map(|_| draw(8, PinAlphabet::Unambiguous, &entropy).expose().to_owned()).collect();
        assert_eq!(many.len(), 1000);
    }

    #[test]
    fn the_system_s_source_is_not_constant() {
        let [mut one, mut other] = [[0u8; 32]; 2];
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut other);
        assert!(one != other && one != [0; 32]);
    }

    #[test]
    #[should_panic(expected = "the same few bytes")]
    fn a_source_that_is_stuck_is_not_waited_for() {
        draw(8, PinAlphabet::Digits, &Scripted::new([255]));
    }

    #[test]
    #[should_panic(expected = "weak PINs only")]
    fn a_source_that_repeats_itself_is_not_waited_for() {
        draw(8, PinAlphabet::Digits, &Scripted::new([7]));
    }
}
