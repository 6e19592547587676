//! COSE public keys (RFC 9052 section 7, RFC 9053) of the algorithms that security keys make, and signatures by them.
//!
//! A key of any other algorithm is carried with its bytes and its number, and is refused when a signature by it is asked for.

use super::WebauthnError;
use super::cbor::Value;

/// A COSE algorithm identifier (IANA registry "COSE Algorithms").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CoseAlgorithm(pub i64);

impl CoseAlgorithm {
    /// ECDSA with SHA-256 on P-256.
    pub const ES256: Self = Self(-7);
    /// ECDSA with SHA-384 on P-384.
    pub const ES384: Self = Self(-35);
    /// ECDSA with SHA-512 on P-521.
    pub const ES512: Self = Self(-36);
    /// Ed25519 (EdDSA).
    pub const EDDSA: Self = Self(-8);
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub const RS256: Self = Self(-257);
    /// ML-DSA-44, carried without being understood.
    pub const ML_DSA_44: Self = Self(-48);
    /// ML-DSA-65, carried without being understood.
    pub const ML_DSA_65: Self = Self(-49);
    /// ML-DSA-87, carried without being understood.
    pub const ML_DSA_87: Self = Self(-50);
}

/// The key's parameters by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoseKeyParameters {
    /// kty 2, crv 1: coordinates of 32 bytes each.
    P256 {
        /// The x coordinate.
        x: [u8; 32],
        /// The y coordinate.
        y: [u8; 32],
    },
    /// kty 2, crv 2: coordinates of 48 bytes each.
    P384 {
        /// The x coordinate.
        x: [u8; 48],
        /// The y coordinate.
        y: [u8; 48],
    },
    /// kty 2, crv 3: coordinates of 66 bytes each.
    P521 {
        /// The x coordinate.
        x: [u8; 66],
        /// The y coordinate.
        y: [u8; 66],
    },
    /// kty 1, crv 6: 32 bytes.
    Ed25519 {
        /// The compressed point.
        x: [u8; 32],
    },
    /// kty 3.
    Rsa {
        /// The modulus, big-endian.
        n: Vec<u8>,
        /// The public exponent, big-endian.
        e: Vec<u8>,
    },
    /// Any other kind: carried, not understood.
    Other,
}

/// A credential public key with its COSE_Key bytes as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosePublicKey {
    /// `alg`, member 3: mandatory in a credential public key (WebAuthn 6.5.1.1).
    pub algorithm: CoseAlgorithm,
    /// The parameters.
    pub parameters: CoseKeyParameters,
    /// The COSE_Key as received.
    pub bytes: Vec<u8>,
}

impl CosePublicKey {
    /// Reads a COSE_Key; algorithm, key type, curve and lengths must agree (RFC 9053 section 7).
    pub fn from_value(_value: &Value, _bytes: &[u8]) -> Result<Self, WebauthnError> {
        todo!()
    }

    /// Reads a COSE_Key that fills the whole input.
    pub fn parse(_bytes: &[u8]) -> Result<Self, WebauthnError> {
        todo!()
    }

    /// Verifies a signature as WebAuthn 6.5.5 encodes it (ECDSA: ASN.1 DER; EdDSA: 64 bytes; RSA: the modulus' length).
    pub fn verify(&self, _message: &[u8], _signature: &[u8]) -> Result<(), WebauthnError> {
        todo!()
    }
}
