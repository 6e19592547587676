//! COSE public keys (RFC 9052 section 7, RFC 9053) of the algorithms that security keys make, and signatures by them.
//!
//! A key of any other algorithm is carried with its bytes and its number, and is refused when a signature by it is asked for.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, ML_DSA_44, ML_DSA_65, ML_DSA_87,
    ParsedPublicKey, PqdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::WebauthnError;
use super::cbor::{self, Value};

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
    /// ES256 with the curve in the number (RFC 9864).
    pub const ESP256: Self = Self(-9);
    /// ES384 with the curve in the number (RFC 9864).
    pub const ESP384: Self = Self(-51);
    /// ES512 with the curve in the number (RFC 9864).
    pub const ESP512: Self = Self(-52);
    /// EdDSA with the curve in the number (RFC 9864).
    pub const ED25519: Self = Self(-19);
    /// ML-DSA-44 (RFC 9964).
    pub const ML_DSA_44: Self = Self(-48);
    /// ML-DSA-65 (RFC 9964).
    pub const ML_DSA_65: Self = Self(-49);
    /// ML-DSA-87 (RFC 9964).
    pub const ML_DSA_87: Self = Self(-50);

    /// The number that WebAuthn had first for the same algorithm: within WebAuthn, ES256 is on P-256 alone, and so means the same
    /// as ESP256, and so on (WebAuthn L3 5.8.5). Every other number is its own.
    pub fn polymorphic(self) -> Self {
        match self {
            Self::ESP256 => Self::ES256,
            Self::ESP384 => Self::ES384,
            Self::ESP512 => Self::ES512,
            Self::ED25519 => Self::EDDSA,
            other => other,
        }
    }

    /// Whether both numbers mean one algorithm within WebAuthn.
    pub fn is(self, other: Self) -> bool {
        self.polymorphic() == other.polymorphic()
    }
}

/// IANA's name, or the number where we know none.
impl fmt::Display for CoseAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::ES256 => "ES256",
            Self::ESP256 => "ESP256",
            Self::ESP384 => "ESP384",
            Self::ESP512 => "ESP512",
            Self::ED25519 => "Ed25519",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EDDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::ML_DSA_44 => "ML-DSA-44",
            Self::ML_DSA_65 => "ML-DSA-65",
            Self::ML_DSA_87 => "ML-DSA-87",
            Self(number) => return write!(f, "COSE {number}"),
        })
    }
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
    /// kty 7 (AKP, RFC 9964): FIPS 204.
    MlDsa {
        /// Which of the three.
        level: MlDsa,
        /// The public key, of its level's length.
        public_key: Vec<u8>,
    },
    /// Any other kind: carried, not understood.
    Other,
}

/// The parameter sets of FIPS 204.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MlDsa {
    /// ML-DSA-44
    MlDsa44,
    /// ML-DSA-65
    MlDsa65,
    /// ML-DSA-87
    MlDsa87,
}

impl MlDsa {
    fn verification(self) -> &'static PqdsaVerificationAlgorithm {
        match self {
            Self::MlDsa44 => &ML_DSA_44,
            Self::MlDsa65 => &ML_DSA_65,
            Self::MlDsa87 => &ML_DSA_87,
        }
    }

    /// Bytes of a public key (FIPS 204, table 2).
    fn public_key_length(self) -> usize {
        match self {
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }
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

/// Members of a COSE_Key (RFC 9052 table 4, RFC 9053 tables 17 to 19, RFC 8230 table 4, RFC 9964).
mod member {
    pub(super) const KTY: i64 = 1;
    pub(super) const ALG: i64 = 3;
    pub(super) const CRV: i64 = -1;
    pub(super) const X: i64 = -2;
    pub(super) const Y: i64 = -3;
    pub(super) const RSA_N: i64 = -1;
    pub(super) const RSA_E: i64 = -2;
    pub(super) const AKP_PUB: i64 = -1;
}

const KTY_OKP: i64 = 1;
const KTY_EC2: i64 = 2;
const KTY_RSA: i64 = 3;
const KTY_AKP: i64 = 7;

/// RSA moduli that are taken: 2048 to 8192 bits.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

impl CosePublicKey {
    /// Reads a COSE_Key; algorithm, key type, curve and lengths must agree (RFC 9053 section 7). `bytes` is what `value` was
    /// decoded from.
    pub fn from_value(value: &Value, bytes: &[u8]) -> Result<Self, WebauthnError> {
        if value.as_map().is_none() {
            return Err(wrong("is not a map"));
        }
        let algorithm = CoseAlgorithm(integer(value, member::ALG, "alg (3) is missing or not an integer")?);
        let parameters = match algorithm.polymorphic() {
            CoseAlgorithm::ES256 => {
                let (x, y) = elliptic(value, 1)?;
                CoseKeyParameters::P256 { x, y }
            }
            CoseAlgorithm::ES384 => {
                let (x, y) = elliptic(value, 2)?;
                CoseKeyParameters::P384 { x, y }
            }
            CoseAlgorithm::ES512 => {
                let (x, y) = elliptic(value, 3)?;
                CoseKeyParameters::P521 { x, y }
            }
            CoseAlgorithm::EDDSA => {
                key_type(value, KTY_OKP)?;
                curve(value, 6)?;
                CoseKeyParameters::Ed25519 { x: coordinate(value, member::X)? }
            }
            CoseAlgorithm::RS256 => {
                key_type(value, KTY_RSA)?;
                let n = byte_string(value, member::RSA_N, "n (-1) is missing or not a byte string")?;
                let e = byte_string(value, member::RSA_E, "e (-2) is missing or not a byte string")?;
                if !RSA_MODULUS_BYTES.contains(&n.len()) || n[0] == 0 {
                    return Err(wrong("n (-1) is not a modulus of 2048 to 8192 bits without leading zeros"));
                }
                if e.is_empty() || e[0] == 0 {
                    return Err(wrong("e (-2) is empty or has leading zeros"));
                }
                CoseKeyParameters::Rsa { n: n.to_vec(), e: e.to_vec() }
            }
            CoseAlgorithm::ML_DSA_44 => ml_dsa(value, MlDsa::MlDsa44)?,
            CoseAlgorithm::ML_DSA_65 => ml_dsa(value, MlDsa::MlDsa65)?,
            CoseAlgorithm::ML_DSA_87 => ml_dsa(value, MlDsa::MlDsa87)?,
            _ => {
                integer(value, member::KTY, "kty (1) is missing or not an integer")?;
                CoseKeyParameters::Other
            }
        };
        if !parameters.is_on_curve() {
            return Err(wrong("the point is not on its curve"));
        }
        Ok(Self { algorithm, parameters, bytes: bytes.to_vec() })
    }

    /// Reads a COSE_Key that fills the whole input.
    pub fn parse(bytes: &[u8]) -> Result<Self, WebauthnError> {
        Self::from_value(&cbor::decode(bytes)?, bytes)
    }

    /// Verifies a signature as WebAuthn 6.5.5 encodes it (ECDSA: ASN.1 DER; EdDSA: 64 bytes; RSA: the modulus' length;
    /// ML-DSA: its level's length, with an empty context, RFC 9964).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebauthnError> {
        self.parameters.verify(self.algorithm, message, signature)
    }
}

impl CoseKeyParameters {
    /// The one algorithm that keys of this kind sign with (WebAuthn 5.8.5 binds each curve to its hash), by the number that WebAuthn
    /// had first; none for keys that are not understood.
    pub fn algorithm(&self) -> Option<CoseAlgorithm> {
        match self {
            Self::P256 { .. } => Some(CoseAlgorithm::ES256),
            Self::P384 { .. } => Some(CoseAlgorithm::ES384),
            Self::P521 { .. } => Some(CoseAlgorithm::ES512),
            Self::Ed25519 { .. } => Some(CoseAlgorithm::EDDSA),
            Self::Rsa { .. } => Some(CoseAlgorithm::RS256),
            Self::MlDsa { level: MlDsa::MlDsa44, .. } => Some(CoseAlgorithm::ML_DSA_44),
            Self::MlDsa { level: MlDsa::MlDsa65, .. } => Some(CoseAlgorithm::ML_DSA_65),
            Self::MlDsa { level: MlDsa::MlDsa87, .. } => Some(CoseAlgorithm::ML_DSA_87),
            Self::Other => None,
        }
    }

    /// Verifies a signature by this key with an algorithm that was named apart from it, as an attestation statement does.
    ///
    /// Errors: `UnsupportedAlgorithm` if it is not this kind of key's algorithm, `BadSignature` if the signature is wrong.
    pub fn verify(&self, algorithm: CoseAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), WebauthnError> {
        let unsupported = WebauthnError::UnsupportedAlgorithm(algorithm.0);
        if !self.algorithm().is_some_and(|expected| expected.is(algorithm)) {
            return Err(unsupported);
        }
        let verified = match self {
            Self::P256 { x, y } => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point::<65>(x, y)).verify(message, signature)
            }
            Self::P384 { x, y } => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point::<97>(x, y)).verify(message, signature)
            }
            Self::P521 { x, y } => {
                UnparsedPublicKey::new(&ECDSA_P521_SHA512_ASN1, point::<133>(x, y)).verify(message, signature)
            }
            Self::Ed25519 { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Self::MlDsa { level, public_key } => {
                UnparsedPublicKey::new(level.verification(), public_key).verify(message, signature)
            }
            Self::Other => return Err(unsupported),
        };
        verified.map_err(|_| WebauthnError::BadSignature)
    }

    /// Whether an elliptic curve's point fulfils the curve's equation; true of keys that are no such points.
    pub fn is_on_curve(&self) -> bool {
        match self {
            Self::P256 { x, y } => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point::<65>(x, y)).is_ok(),
            Self::P384 { x, y } => ParsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point::<97>(x, y)).is_ok(),
            Self::P521 { x, y } => ParsedPublicKey::new(&ECDSA_P521_SHA512_ASN1, point::<133>(x, y)).is_ok(),
            Self::Ed25519 { .. } | Self::Rsa { .. } | Self::MlDsa { .. } | Self::Other => true,
        }
    }
}

/// SEC 1's uncompressed form, 04 || x || y, in an array of exactly that size.
fn point<const N: usize>(x: &[u8], y: &[u8]) -> [u8; N] {
    let mut point = [0; N];
    point[0] = 4;
    point[1..1 + x.len()].copy_from_slice(x);
    point[1 + x.len()..].copy_from_slice(y);
    point
}

fn elliptic<const N: usize>(key: &Value, crv: i64) -> Result<([u8; N], [u8; N]), WebauthnError> {
    key_type(key, KTY_EC2)?;
    curve(key, crv)?;
    Ok((coordinate(key, member::X)?, coordinate(key, member::Y)?))
}

fn ml_dsa(key: &Value, level: MlDsa) -> Result<CoseKeyParameters, WebauthnError> {
    key_type(key, KTY_AKP)?;
    let public_key = byte_string(key, member::AKP_PUB, "pub (-1) is missing or not a byte string")?;
    if public_key.len() != level.public_key_length() {
        return Err(wrong("pub (-1) does not have its algorithm's length"));
    }
    Ok(CoseKeyParameters::MlDsa { level, public_key: public_key.to_vec() })
}

fn key_type(key: &Value, expected: i64) -> Result<(), WebauthnError> {
    match integer(key, member::KTY, "kty (1) is missing or not an integer")? {
        kty if kty == expected => Ok(()),
        _ => Err(wrong("kty (1) does not belong to alg (3)")),
    }
}

fn curve(key: &Value, expected: i64) -> Result<(), WebauthnError> {
    match integer(key, member::CRV, "crv (-1) is missing or not an integer")? {
        crv if crv == expected => Ok(()),
        _ => Err(wrong("crv (-1) does not belong to alg (3)")),
    }
}

/// A coordinate of exactly the curve's length. The compressed form of RFC 9053, where y is a truth value, is refused, as
/// WebAuthn 5.8.5 asks.
fn coordinate<const N: usize>(key: &Value, label: i64) -> Result<[u8; N], WebauthnError> {
    let bytes = byte_string(key, label, "a coordinate is missing or not a byte string")?;
    bytes.try_into().map_err(|_| wrong("a coordinate does not have its curve's length"))
}

fn integer(key: &Value, label: i64, otherwise: &str) -> Result<i64, WebauthnError> {
    key.get(label).and_then(Value::as_integer).ok_or_else(|| wrong(otherwise))
}

fn byte_string<'a>(key: &'a Value, label: i64, otherwise: &str) -> Result<&'a [u8], WebauthnError> {
    key.get(label).and_then(Value::as_bytes).ok_or_else(|| wrong(otherwise))
}

fn wrong(why: &str) -> WebauthnError {
    WebauthnError::malformed("COSE key", why)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
        EcdsaKeyPair, Ed25519KeyPair, KeyPair, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
        RsaKeyPair,
    };

    use super::*;

    fn cose(pairs: &[(i64, Value)]) -> Vec<u8> {
        cbor::encode(&Value::map(pairs.iter().cloned()))
    }

    fn elliptic_key(alg: i64, crv: i64, point: &[u8]) -> Vec<u8> {
        let (x, y) = point[1..].split_at(point.len() / 2);
        cose(&[(1, 2.into()), (3, alg.into()), (-1, crv.into()), (-2, x.into()), (-3, y.into())])
    }

    fn refusal(bytes: &[u8]) -> String {
        CosePublicKey::parse(bytes).unwrap_err().to_string()
    }

    #[test]
    fn verifies_ecdsa_on_three_curves() {
        for (alg, crv, signing) in [
            (-9, 1, &ECDSA_P256_SHA256_ASN1_SIGNING),
            (-51, 2, &ECDSA_P384_SHA384_ASN1_SIGNING),
            (-52, 3, &ECDSA_P521_SHA512_ASN1_SIGNING),
            (-7, 1, &ECDSA_P256_SHA256_ASN1_SIGNING),
            (-35, 2, &ECDSA_P384_SHA384_ASN1_SIGNING),
            (-36, 3, &ECDSA_P521_SHA512_ASN1_SIGNING),
        ] {
            let pair = EcdsaKeyPair::generate(signing).unwrap();
            let key = CosePublicKey::parse(&elliptic_key(alg, crv, pair.public_key().as_ref())).unwrap();
            let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
            assert_eq!(key.verify(b"message", signature.as_ref()), Ok(()), "{alg}");
            assert_eq!(key.verify(b"another", signature.as_ref()), Err(WebauthnError::BadSignature));
        }
    }

    #[test]
    fn verifies_ed25519() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = pair.public_key().as_ref();
        let signature = pair.sign(b"message");
        for alg in [-8, -19] {
            let key = cose(&[(1, 1.into()), (3, alg.into()), (-1, 6.into()), (-2, x.into())]);
            let key = CosePublicKey::parse(&key).unwrap();
            assert_eq!(key.verify(b"message", signature.as_ref()), Ok(()), "{alg}");
            assert_eq!(key.verify(b"message", &signature.as_ref()[1..]), Err(WebauthnError::BadSignature));
        }
    }

    #[test]
    fn verifies_rsa() {
        let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
        let rsa = |n: &[u8], e: &[u8]| cose(&[(1, 3.into()), (3, (-257).into()), (-1, n.into()), (-2, e.into())]);
        let n = n.big_endian_without_leading_zero();
        let e = e.big_endian_without_leading_zero();
        let key = CosePublicKey::parse(&rsa(n, e)).unwrap();
        let mut signature = vec![0; 256];
        pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        signature[255] ^= 1;
        assert_eq!(key.verify(b"message", &signature), Err(WebauthnError::BadSignature));

        assert!(refusal(&rsa(&n[128..], e)).contains("2048 to 8192 bits"));
        assert!(refusal(&rsa(&[&[0], n].concat(), e)).contains("leading zeros"));
        assert!(refusal(&rsa(n, &[])).contains("e (-2)"));
    }

    #[test]
    fn refuses_parts_that_do_not_agree() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let good =
            [(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, Value::from(x)), (-3, Value::from(y))].to_vec();
        assert!(CosePublicKey::parse(&cose(&good)).is_ok());
        let off_curve = [&y[..31], &[y[31] ^ 1]].concat();
        for (at, label, value, why) in [
            (0, 1, Value::from(1), "kty (1) does not belong"),
            (0, 9, 2.into(), "kty (1) is missing"),
            (1, 3, (-35).into(), "crv (-1) does not belong"),
            (1, 3, (-51).into(), "crv (-1) does not belong"),
            (1, 3, (-19).into(), "kty (1) does not belong"),
            (1, 3, (-257).into(), "kty (1) does not belong"),
            (1, 9, (-7).into(), "alg (3) is missing"),
            (1, 3, "ES256".into(), "alg (3) is missing"),
            (2, -1, 2.into(), "crv (-1) does not belong"),
            (3, -2, x[..31].into(), "curve's length"),
            (4, -3, true.into(), "not a byte string"),
            (4, -3, off_curve.into(), "not on its curve"),
        ] {
            let mut changed = good.clone();
            changed[at] = (label, value);
            let refusal = refusal(&cose(&changed));
            assert!(refusal.contains(why), "{refusal} / {why}");
        }
        assert!(refusal(&[0x80]).contains("not a map"));
        assert!(refusal(&[cose(&good), vec![0]].concat()).contains("after the item"));
    }

    #[test]
    fn carries_what_it_does_not_understand() {
        // ES256K: P-256's neighbour that no security key has.
        let bytes = cose(&[(1, 2.into()), (3, (-47).into()), (-1, 8.into()), (-2, vec![1; 32].into())]);
        let key = CosePublicKey::parse(&bytes).unwrap();
        assert_eq!((key.algorithm, &key.parameters), (CoseAlgorithm(-47), &CoseKeyParameters::Other));
        assert_eq!(key.bytes, bytes);
        assert_eq!(key.verify(b"", b""), Err(WebauthnError::UnsupportedAlgorithm(-47)));
    }

    #[test]
    fn verifies_ml_dsa_at_three_levels() {
        for (alg, signing) in [(-48, &ML_DSA_44_SIGNING), (-49, &ML_DSA_65_SIGNING), (-50, &ML_DSA_87_SIGNING)] {
            let pair = PqdsaKeyPair::generate(signing).unwrap();
            let public_key = pair.public_key().as_ref().to_vec();
            let akp = |alg: i64, kty: i64, public_key: &[u8]| {
                cose(&[(1, kty.into()), (3, alg.into()), (-1, public_key.into())])
            };
            let key = CosePublicKey::parse(&akp(alg, 7, &public_key)).unwrap();
            let mut signature = vec![0; signing.signature_len()];
            pair.sign(b"message", &mut signature).unwrap();
            assert_eq!(key.verify(b"message", &signature), Ok(()), "{alg}");
            assert_eq!(key.verify(b"another", &signature), Err(WebauthnError::BadSignature));
            assert_eq!(key.verify(b"message", &signature[1..]), Err(WebauthnError::BadSignature));
            assert_eq!(
                key.parameters.verify(CoseAlgorithm::ES256, b"message", &signature),
                Err(WebauthnError::UnsupportedAlgorithm(-7))
            );
            assert!(refusal(&akp(alg, 2, &public_key)).contains("kty (1) does not belong"));
            assert!(refusal(&akp(alg, 7, &public_key[1..])).contains("its algorithm's length"));
        }
    }
}
