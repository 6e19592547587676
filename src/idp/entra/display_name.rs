//! What a passkey is called at Entra: the label, and a mark by which its credential is known.
//!
//! Graph does not tell credential ids, and takes names of 1 to 30 characters. So a name ends with four characters that come from
//! the credential id; two keys of a person never have the same name, whatever was cut.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use keywright_fido::webauthn::CredentialId;

/// The longest name that Graph takes, in characters.
const LONGEST: usize = 30;

/// Characters of the mark: 20 bits, against the few keys that a person registers within minutes.
const MARK: usize = 4;

/// The name for this credential: as much of the label as fits, a space, and the mark.
pub(super) fn display_name(label: &str, credential_id: &CredentialId) -> String {
    let token_cache: String = label.trim().chars().take(LONGEST - MARK - 1).collect();
    format!("{} {}", token_cache.trim_end(), mark(credential_id)).trim_start().to_owned()
}

/// Whether a passkey of this name is this credential.
pub(super) fn is_of(name: &str, credential_id: &CredentialId) -> bool {
    name.rsplit(' ').next() == Some(&mark(credential_id))
}

/// The beginning of the credential id's SHA-256 in base32, in lower case: `a` to `z`, `2` to `7`.
fn mark(credential_id: &CredentialId) -> String {
    let hash = Sha256::digest(credential_id.as_bytes());
    BASE32_NOPAD.encode(&hash).chars().take(MARK).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_enough_and_ends_with_the_credentials_mark() {
        let [one, other] = [b"one", b"two"].map(|bytes| CredentialId::new(*bytes).unwrap());
        // base32(SHA-256("one")) begins with O2JM.
        assert_eq!(display_name("Key 1 Soft key", &one), "Key 1 Soft key o2jm");
        let long = "Key 1 YubiKey 5C NFC \u{fc}ber 15898933";
        assert_eq!(display_name(long, &one), "Key 1 YubiKey 5C NFC \u{fc}ber o2jm");
        for label in ["", " ", "x", long, &"\u{1f511}".repeat(64), &"a b ".repeat(20)] {
            let name = display_name(label, &one);
            assert!((1..=30).contains(&name.chars().count()), "{name}");
            assert_eq!(name.trim(), name);
            assert!(is_of(&name, &one) && !is_of(&name, &other), "{name}");
            assert_ne!(name, display_name(label, &other));
        }
        assert!(!is_of("Key 1 Soft key", &one) && !is_of("", &one));
    }
}
