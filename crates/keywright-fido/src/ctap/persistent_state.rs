//! What a key says of itself to whoever has a persistent token (CTAP 2.2 and 2.3, section 6.4: encIdentifier, encCredStoreState; section
//! 6.5: the permission pcmr): that it is the same key, and that nothing was stored or deleted since.
//!
//! Such a token outlives the power, until the PIN is changed or the key is reset; it can list and change nothing. It refuses to read
//! with any other token.

use aes::Aes128;
use aws_lc_rs::hkdf;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::{Authenticator, CtapError, Permissions, PinUvAuthToken};

/// The state of a key, as it shows it to one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersistentState {
    /// The key's identifier: the same until it is reset.
    pub identifier: Option<[u8; 16]>,
    /// The state of its credential store: the same until a credential is made, changed or deleted.
    pub store: Option<[u8; 16]>,
}

impl Authenticator {
    /// Asks for getInfo, and reads what is in it for this token. A member that the key does not have is `None`; one that is not of its
    /// length is an error, as is a token without pcmr.
    pub fn persistent_state(&mut self, token: &PinUvAuthToken) -> Result<PersistentState, CtapError> {
        if token.permissions != Some(Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY) {
            return Err(CtapError::Unsupported("persistent state for a token without pcmr"));
        }
        let info = self.refresh_info()?;
        let read = |member: &Option<Vec<u8>>, name: &'static str| {
            let read = |encrypted: &Vec<u8>| {
                decrypt(&token.token, name, encrypted).ok_or_else(|| CtapError::InvalidResponse {
                    command: "authenticatorGetInfo",
                    why: format!("{name} is not 32 bytes"),
                })
            };
            member.as_ref().map(read).transpose()
        };
        Ok(PersistentState {
            identifier: read(&info.enc_identifier, "encIdentifier")?,
            store: read(&info.enc_cred_store_state, "encCredStoreState")?,
        })
    }
}

/// iv || AES-128-CBC(HKDF-SHA-256(salt: 32 zero bytes, token, info: the member's name, L: 16), iv, 16 bytes).
fn decrypt(token: &[u8], name: &str, encrypted: &[u8]) -> Option<[u8; 16]> {
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            16
        }
    }
    let (iv, ciphertext) = encrypted.split_first_chunk::<16>()?;
    let mut block: [u8; 16] = ciphertext.try_into().ok()?;
    let mut key = Zeroizing::new([0; 16]);
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[0; 32]).extract(token);
    secret.expand(&[name.as_bytes()], Length).and_then(|okm| okm.fill(&mut *key)).ok()?;
    cbc::Decryptor::<Aes128>::new(&(*key).into(), &(*iv).into()).decrypt_padded::<NoPadding>(&mut block).ok()?;
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::super::client_pin::tests::known_token;
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{info, key};
    use super::*;

    // Computed apart, with the known token.
    const IDENTIFIER: &str = "11111111111111111111111111111111c961207f7b4e9321b206e237470a121d";
    const STORE: &str = "22222222222222222222222222222222c16fe55a7352b2cc7440554eb461ce14";

    fn persistent() -> PinUvAuthToken {
        let permissions = Some(Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY);
        PinUvAuthToken { permissions, ..known_token() }
    }

    fn shows(identifier: &str, store: &str) -> Vec<u8> {
        info([(0x19, hex(identifier).into()), (0x1e, hex(store).into())])
    }

    #[test]
    fn the_same_key_and_store_are_read_from_what_differs_each_time() {
        let (mut authenticator, script) = key(info([]), [(vec![0x04], shows(IDENTIFIER, STORE))]);
        let state = authenticator.persistent_state(&persistent()).unwrap();
        let counted = |from: u8| std::array::from_fn(|at| from + at as u8);
        assert_eq!(state, PersistentState { identifier: Some(counted(0)), store: Some(counted(16)) });
        script.assert_done();
    }

    #[test]
    fn what_is_not_there_is_none_and_what_is_wrong_is_an_error() {
        let (mut authenticator, _) = key(info([]), [(vec![0x04], info([]))]);
        let nothing = PersistentState { identifier: None, store: None };
        assert_eq!(authenticator.persistent_state(&persistent()), Ok(nothing));
        let (mut authenticator, _) = key(info([]), [(vec![0x04], shows(&IDENTIFIER[2..], STORE))]);
        assert!(matches!(authenticator.persistent_state(&persistent()), Err(CtapError::InvalidResponse { .. })));
        let (mut authenticator, script) = key(info([]), []);
        assert!(matches!(authenticator.persistent_state(&known_token()), Err(CtapError::Unsupported(_))));
        script.assert_done();
    }
}
