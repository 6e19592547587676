//! PIN/UV auth protocols 1 and 2 (CTAP 2.1 sections 6.5.6 and 6.5.7): how a PIN travels encrypted, and how a request proves
//! that it knows the token.
//!
//! It keeps no shared secret: each is made for one exchange and wiped after it. It compares none either: the key does.
//!
//! Its random bytes are the operating system's. aws-lc's generator spends 60 ms of processor on gathering jitter when a process
//! first uses it, which is more than all commands to a key together.

use aes::Aes256;
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::{hkdf, hmac};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use rand_core::{OsRng, RngCore as _};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::client_pin::GET_KEY_AGREEMENT;
use super::{CtapError, GetInfo};
use crate::webauthn::cbor::Value;

const BLOCK: usize = 16;

/// A PIN/UV auth protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinUvAuthProtocol {
    /// 1: zero IV, one key for everything, 16 bytes of MAC.
    One,
    /// 2: random IV, separate keys, 32 bytes of MAC.
    Two,
}

impl PinUvAuthProtocol {
    /// The protocol to use with this key: 2 if it is offered, else 1, which is also what a key means that has a PIN and
    /// lists none.
    pub fn choose(info: &GetInfo) -> Result<Self, CtapError> {
        if info.option("clientPin").is_none() {
            return Err(CtapError::Unsupported("clientPin"));
        }
        match info.pin_uv_auth_protocols.as_slice() {
            offered if offered.contains(&2) => Ok(Self::Two),
            offered if offered.is_empty() || offered.contains(&1) => Ok(Self::One),
            _ => Err(CtapError::Unsupported("PIN/UV auth protocol 1 or 2")),
        }
    }

    /// The protocol's number in requests.
    pub fn number(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// authenticate(key, message): 16 bytes in protocol 1, 32 in protocol 2.
    pub(super) fn authenticate(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
        let length = match self {
            Self::One => 16,
            Self::Two => 32,
        };
        tag.as_ref()[..length].to_vec()
    }
}

/// What this machine and the key agreed on for one exchange.
pub(super) struct SharedSecret {
    protocol: PinUvAuthProtocol,
    hmac_key: Zeroizing<[u8; 32]>,
    aes_key: Zeroizing<[u8; 32]>,
}

impl SharedSecret {
    /// encapsulate(peer): makes a key pair, and returns its public half as a COSE_Key for the request. `peer` is the key's
    /// uncompressed point; one that is not on the curve is refused.
    pub(super) fn encapsulate(protocol: PinUvAuthProtocol, peer: &[u8; 65]) -> Result<(Value, Self), CtapError> {
        let private = key_pair()?;
        let public = private.compute_public_key().map_err(|_| CtapError::Crypto("no public key could be made"))?;
        let refused = GET_KEY_AGREEMENT.malformed("keyAgreement is not a point on P-256");
        let secret =
            agree(&private, UnparsedPublicKey::new(&ECDH_P256, peer), refused, |z| Ok(Self::derive(protocol, z)))?;
        Ok((cose_key(public.as_ref()), secret))
    }

    /// kdf(Z), where Z is the x-coordinate of the shared point.
    fn derive(protocol: PinUvAuthProtocol, z: &[u8]) -> Self {
        let (hmac_key, aes_key) = match protocol {
            PinUvAuthProtocol::One => {
                let key = Zeroizing::new(Sha256::digest(z).into());
                (Zeroizing::clone(&key), key)
            }
            PinUvAuthProtocol::Two => {
                let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[0; 32]).extract(z);
                (expand(&secret, b"CTAP2 HMAC key"), expand(&secret, b"CTAP2 AES key"))
            }
        };
        Self { protocol, hmac_key, aes_key }
    }

    pub(super) fn protocol(&self) -> PinUvAuthProtocol {
        self.protocol
    }

    /// encrypt(plaintext), whose length is a multiple of 16. In protocol 2 the IV comes first.
    pub(super) fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, CtapError> {
        let mut iv = [0; BLOCK];
        if self.protocol == PinUvAuthProtocol::Two {
            OsRng.try_fill_bytes(&mut iv).map_err(|_| CtapError::Crypto("no random bytes"))?;
        }
        self.encrypt_from(iv, plaintext)
    }

    fn encrypt_from(&self, iv: [u8; BLOCK], plaintext: &[u8]) -> Result<Vec<u8>, CtapError> {
        let mut blocks = Zeroizing::new(plaintext.to_vec());
        let ciphertext = cbc::Encryptor::<Aes256>::new(&(*self.aes_key).into(), &iv.into())
            .encrypt_padded::<NoPadding>(&mut blocks, plaintext.len())
            .map_err(|_| CtapError::Crypto("a plaintext that is not whole blocks"))?;
        Ok(match self.protocol {
            PinUvAuthProtocol::One => ciphertext.to_vec(),
            PinUvAuthProtocol::Two => [&iv, ciphertext].concat(),
        })
    }

    /// decrypt(ciphertext), which has the IV first in protocol 2. `None` if it is not whole blocks.
    pub(super) fn decrypt(&self, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (iv, ciphertext) = match self.protocol {
            PinUvAuthProtocol::One => (&[0; BLOCK], ciphertext),
            PinUvAuthProtocol::Two => ciphertext.split_first_chunk()?,
        };
        let mut blocks = Zeroizing::new(ciphertext.to_vec());
        cbc::Decryptor::<Aes256>::new(&(*self.aes_key).into(), &(*iv).into())
            .decrypt_padded::<NoPadding>(&mut blocks)
            .ok()?;
        Some(blocks)
    }

    /// authenticate(sharedSecret, message).
    pub(super) fn authenticate(&self, message: &[u8]) -> Vec<u8> {
        self.protocol.authenticate(&*self.hmac_key, message)
    }
}

/// A key pair on P-256 by rejection sampling (FIPS 186-5, A.2.2): one draw in 2^32 is no private key.
fn key_pair() -> Result<PrivateKey, CtapError> {
    const DRAWS: usize = 4;
    let mut drawn = Zeroizing::new([0; 32]);
    for _ in 0..DRAWS {
        OsRng.try_fill_bytes(&mut *drawn).map_err(|_| CtapError::Crypto("no random bytes"))?;
        if let Ok(private) = PrivateKey::from_private_key(&ECDH_P256, &*drawn) {
            return Ok(private);
        }
    }
    Err(CtapError::Crypto("no key pair could be made"))
}

fn expand(secret: &hkdf::Prk, info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    secret
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *key))
        .expect("HKDF-SHA-256 gives any 32 bytes");
    key
}

/// An uncompressed point (0x04, x, y) as the COSE_Key of clientPIN's keyAgreement: ECDH-ES+HKDF-256 on P-256.
fn cose_key(point: &[u8]) -> Value {
    Value::map([
        (1, 2.into()),
        (3, (-25).into()),
        (-1, 1.into()),
        (-2, point[1..33].into()),
        (-3, point[33..65].into()),
    ])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::webauthn::cbor;
    use opensk::api::crypto::aes256::Aes256 as _;
    use opensk::api::crypto::ecdh::{PublicKey as _, SecretKey as _, SharedSecret as _};
    use opensk::api::crypto::hkdf256::Hkdf256 as _;
    use opensk::api::crypto::hmac256::Hmac256 as _;
    use opensk::api::crypto::{Crypto, ecdh, software_crypto::SoftwareCrypto};

    type Ecdh = <SoftwareCrypto as Crypto>::Ecdh;

    struct Random;

    impl rand_core::RngCore for Random {
        fn next_u32(&mut self) -> u32 {
            OsRng.next_u32()
        }

        fn next_u64(&mut self) -> u64 {
            OsRng.next_u64()
        }

        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            OsRng.fill_bytes(bytes);
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
            OsRng.try_fill_bytes(bytes)
        }
    }

    impl rand_core::CryptoRng for Random {}

    impl opensk::api::rng::Rng for Random {}

    pub(crate) fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()
    }

    fn secret(protocol: PinUvAuthProtocol, private: &str, peer: &str) -> SharedSecret {
        let private = PrivateKey::from_private_key(&ECDH_P256, &hex(private)).unwrap();
        agree(&private, UnparsedPublicKey::new(&ECDH_P256, hex(peer)), (), |z| Ok(SharedSecret::derive(protocol, z)))
            .unwrap()
    }

    /// The values of python-fido2's tests/test_ctap2.py, which several implementations have taken over.
    #[test]
    fn protocol_one_agrees_with_published_values() {
        let secret = secret(
            PinUvAuthProtocol::One,
            "7452e599fee739d8a653f6a507343d12d382249108a651402520b72f24fe7684",
            "040501d5bc78da9252560a26cb08fcc60cbe0b6d3b8e1d1fcee514fac0af675168\
             d551b3ed46f665731f95b4532939c25d91db7eb844bd96d4abd4083785f8df47",
        );
        let key = hex("c42a039d548100dfba521e487debcbbb8b66bb7496f8b1862a7a395ed83e1a1c");
        assert_eq!(secret.aes_key[..], key);
        assert_eq!(secret.hmac_key[..], key);
        let token = hex("aff12c6dcfbf9df52f7a09211e8865cd");
        let encrypted = hex("7a9f98e31b77be90f9c64d12e9635040");
        assert_eq!(secret.encrypt(&token).unwrap(), encrypted);
        assert_eq!(*secret.decrypt(&encrypted).unwrap(), token);
        // LEFT(SHA-256("1234"), 16)
        let pin_hash = hex("03ac674216f3e15c761ee1a5e255f067");
        assert_eq!(secret.encrypt(&pin_hash).unwrap(), hex("afe8327ce416da8ee3d057589c2ce1a9"));
    }

    /// The platform's side of the exchange below, under protocol 2.
    pub(crate) fn known_exchange() -> SharedSecret {
        secret(PinUvAuthProtocol::Two, PLATFORM, KEY_POINT)
    }

    /// The exchange of WebauthnWorks' CTAP2.1-Migration-Guide, Protocol/PinProtocol/2.md.
    const PLATFORM: &str = "e5fccb46de79b04b62e930bbb72b274e30134545f08d54c72bba22407c825344";
    const KEY_POINT: &str = "04d7404f738990a0af2bbc053d39f0a9c293898bf8e7c0fb9ab1ef4dd61bb70d37\
                             c09bed90721b78631be0e68f42997f7a1957b87a6537cfade9f0a68cd432e7f9";

    #[test]
    fn protocol_one_agrees_with_the_migration_guide() {
        let secret = secret(PinUvAuthProtocol::One, PLATFORM, KEY_POINT);
        assert_eq!(secret.aes_key[..], hex("8f186f64182b86cfd8bbf73354772066ba46de6514149a7a79c050a3ce4f1ff9"));
        let mut padded = [0; 64];
        padded[..15].copy_from_slice(b"passwordsAreBad");
        let encrypted = secret.encrypt(&padded).unwrap();
        assert_eq!(
            encrypted,
            hex("b206fc6039c9817a045fd274c601f448900b37a9bd2a7fdfe02e60471f684d0d\
                 1be5318c1c1d29c02ac2333bb039b0f7e2f9cccb6b4faca97281f95a8805f782")
        );
        assert_eq!(secret.authenticate(&encrypted), hex("8d4bb4e328427041bfd1e3dd70b1fffd"));
    }

    #[test]
    fn protocol_two_agrees_with_the_migration_guide() {
        let secret = known_exchange();
        // The guide's listing swaps the two infos, and its use of the keys puts them right again.
        assert_eq!(secret.hmac_key[..], hex("efe50001d97a7cf14096589e65147b108653683cc22aaf4d1f3bd91dc8e41cbd"));
        assert_eq!(secret.aes_key[..], hex("6e1db0c8ebc48dad977a81d26ca7e5bfb0243bd1a2aba6c45adc7a00729b2027"));
        let mut padded = [0; 64];
        padded[..15].copy_from_slice(b"passwordsAreBad");
        let iv = hex("3672a1bc264e2cef5f647aff51100b15");
        let encrypted = hex("3672a1bc264e2cef5f647aff51100b15\
                             c2cdbe642fe446d1e7eb6cf52ef5268b616d1d2720c5b0d05195d0ab3b07a248\
                             a2f99930060ad3ce58a89824928050a93aa453ca66a8feade0333721dbf1b966");
        assert_eq!(secret.encrypt_from(iv.try_into().unwrap(), &padded).unwrap(), encrypted);
        assert_eq!(*secret.decrypt(&encrypted).unwrap(), padded);
        assert_eq!(
            secret.authenticate(&encrypted),
            hex("6572fe937c1c04fb68b5a91408f9058246a6650013fe8dc023c5eec130f01a28")
        );
    }

    /// The other side of an exchange, computed by OpenSK's pure-Rust primitives.
    #[test]
    fn protocol_two_is_understood_by_the_other_side() {
        let private = <Ecdh as ecdh::Ecdh>::SecretKey::random(&mut Random);
        let mut point = [0x04; 65];
        let (x, y) = point[1..].split_at_mut(32);
        private.public_key().to_coordinates(x.try_into().unwrap(), y.try_into().unwrap());
        let (key_agreement, platform) = SharedSecret::encapsulate(PinUvAuthProtocol::Two, &point).unwrap();

        let coordinate = |label: i64| key_agreement.get(label).and_then(Value::as_bytes).unwrap().try_into().unwrap();
        let public = <Ecdh as ecdh::Ecdh>::PublicKey::from_coordinates(&coordinate(-2), &coordinate(-3)).unwrap();
        let (mut z, mut hmac_key, mut aes_key, mut tag) = ([0; 32], [0; 32], [0; 32], [0; 32]);
        private.diffie_hellman(&public).raw_secret_bytes(&mut z);
        <SoftwareCrypto as Crypto>::Hkdf256::hkdf_empty_salt_256(&z, b"CTAP2 HMAC key", &mut hmac_key);
        <SoftwareCrypto as Crypto>::Hkdf256::hkdf_empty_salt_256(&z, b"CTAP2 AES key", &mut aes_key);

        let encrypted = platform.encrypt(&[0x31; 64]).unwrap();
        let mut decrypted = encrypted[16..].to_vec();
        let iv = encrypted[..16].try_into().unwrap();
        <SoftwareCrypto as Crypto>::Aes256::new(&aes_key).decrypt_cbc(iv, &mut decrypted);
        assert_eq!(decrypted, [0x31; 64]);
        <SoftwareCrypto as Crypto>::Hmac256::mac(&hmac_key, &encrypted, &mut tag);
        assert_eq!(platform.authenticate(&encrypted), tag);
        assert_eq!(*platform.decrypt(&encrypted).unwrap(), [0x31; 64]);
    }

    /// The platform's public key of that exchange.
    pub(crate) fn known_key_agreement() -> Value {
        let private = PrivateKey::from_private_key(&ECDH_P256, &hex(PLATFORM)).unwrap();
        cose_key(private.compute_public_key().unwrap().as_ref())
    }

    /// The COSE_Key of the guide's setPIN request.
    #[test]
    fn a_point_is_written_as_a_cose_key() {
        assert_eq!(
            cbor::encode(&known_key_agreement()),
            hex("a501020338182001215820003a0bc15db601a238e891db21ca5f71eab98c8e05bf4e318daf471ea6e76dab\
                 2258203e303d19dcf2147db8d4ee0d932b0a0308ca55d69cf021c1c7e111d0cdc59efe")
        );
    }

    /// NIST SP 800-38A, F.2.5 (CBC-AES256.Encrypt).
    #[test]
    fn aes_is_nist_s() {
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let secret = SharedSecret {
            protocol: PinUvAuthProtocol::Two,
            hmac_key: Zeroizing::new([0; 32]),
            aes_key: Zeroizing::new(key.try_into().unwrap()),
        };
        let iv = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
        let encrypted = secret.encrypt_from(iv, &hex("6bc1bee22e409f96e93d7e117393172a")).unwrap();
        assert_eq!(encrypted[16..], hex("f58c4c04d6e5f1ba779eabfb5f7bfbd6"));
    }

    /// RFC 4231 section 4.3 (HMAC-SHA-256 with the key "Jefe").
    #[test]
    fn a_mac_is_hmac_sha_256() {
        let full = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let message = b"what do ya want for nothing?";
        assert_eq!(PinUvAuthProtocol::Two.authenticate(b"Jefe", message), full);
        assert_eq!(PinUvAuthProtocol::One.authenticate(b"Jefe", message), full[..16]);
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut point = <[u8; 65]>::try_from(hex(KEY_POINT)).unwrap();
        point[64] ^= 1;
        assert!(matches!(
            SharedSecret::encapsulate(PinUvAuthProtocol::Two, &point),
            Err(CtapError::InvalidResponse { .. })
        ));
    }

    #[test]
    fn random_ivs_differ_and_partial_blocks_are_refused() {
        let secret = secret(PinUvAuthProtocol::Two, PLATFORM, KEY_POINT);
        assert_ne!(secret.encrypt(&[0; 16]).unwrap(), secret.encrypt(&[0; 16]).unwrap());
        assert!(secret.encrypt(&[0; 15]).is_err());
        assert!(secret.decrypt(&[0; 15]).is_none());
        assert!(secret.decrypt(&[0; 33]).is_none());
    }
}
