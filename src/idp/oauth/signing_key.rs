//! A private key that signs JSON Web Tokens (RFC 7515): read from PEM or from a JWK, as IdPs hand them out and take them.
//!
//! It refuses keys behind a passphrase, `none`, HMAC, and a certificate that belongs to another key.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use keywright_attest::{TrustError, read_certificates};

/// Why a text is no key to sign with. Never repeats any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither PEM nor JWK.
    #[error("there is no private key in it, neither PEM (PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY) nor JWK")]
    Unknown,
    /// PEM that is encrypted.
    #[error("the private key is encrypted; 'openssl pkey -in KEY -out PLAIN' opens it, then protect the file itself")]
    Encrypted,
    /// A JWK without its private members.
    #[error("this JWK holds only the public key, or lacks the member {0}")]
    Member(&'static str),
    /// A key of another kind, a damaged one, or an RSA key below 2048 bits.
    #[error("this is neither an RSA key of 2048 to 8192 bits nor an EC key on P-256 or P-384")]
    Kind,
    /// A JWK's `alg` that its key cannot be used with here.
    #[error("its \"alg\" is {0:?}, which this key does not sign with")]
    Algorithm(String),
    /// No X.509 certificate.
    #[error(transparent)]
    Certificate(#[from] TrustError),
    /// The certificate is about another public key.
    #[error("the certificate belongs to another private key")]
    OtherCertificate,
}

/// The key pair, and what it signs with.
#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair, &'static RsaAlgorithm),
    Ec(EcdsaKeyPair, &'static Curve),
}

/// An RSA signature algorithm (RFC 7518 3.3, 3.5).
#[derive(Debug)]
struct RsaAlgorithm {
    name: &'static str,
    encoding: &'static dyn RsaEncoding,
}

/// The usual one.
static RS256: RsaAlgorithm = RsaAlgorithm { name: "RS256", encoding: &RSA_PKCS1_SHA256 };
/// What Entra ID asks for beside a certificate.
static PS256: RsaAlgorithm = RsaAlgorithm { name: "PS256", encoding: &RSA_PSS_SHA256 };
static RS384: RsaAlgorithm = RsaAlgorithm { name: "RS384", encoding: &RSA_PKCS1_SHA384 };
static RS512: RsaAlgorithm = RsaAlgorithm { name: "RS512", encoding: &RSA_PKCS1_SHA512 };

/// A curve, with its only signature algorithm (RFC 7518 3.4).
#[derive(Debug)]
struct Curve {
    /// `crv` (RFC 7518 6.2.1.1).
    name: &'static str,
    algorithm: &'static str,
    signing: &'static EcdsaSigningAlgorithm,
}

static P256: Curve = Curve { name: "P-256", algorithm: "ES256", signing: &ECDSA_P256_SHA256_FIXED_SIGNING };
static P384: Curve = Curve { name: "P-384", algorithm: "ES384", signing: &ECDSA_P384_SHA384_FIXED_SIGNING };

/// A private key that signs JSON Web Tokens.
#[derive(Debug)]
pub struct SigningKey {
    pair: Pair,
    /// `kid`.
    id: Option<String>,
    /// `x5t#S256`: SHA-256 of the certificate, in base64url.
    thumbprint: Option<String>,
}

/// A private JWK (RFC 7517, RFC 7518 6.2 and 6.3), as far as it is used.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<SecretString>,
    p: Option<SecretString>,
    q: Option<SecretString>,
    dp: Option<SecretString>,
    dq: Option<SecretString>,
    qi: Option<SecretString>,
}

impl SigningKey {
    /// Reads PEM (PKCS#8; PKCS#1 for RSA; SEC 1 for EC) or a private JWK, whose `kid` and `alg` are kept. An RSA key signs with
    /// RS256 unless its JWK says otherwise, a key on P-256 with ES256, one on P-384 with ES384.
    pub fn read(text: &SecretString) -> Result<Self, KeyError> {
        let text = text.expose_secret().trim();
        if text.starts_with('{') {
            return serde_json::from_str::<Jwk>(text).map_err(|_| KeyError::Unknown)?.read();
        }
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map(Zeroizing::new).map_err(|_| {
            // PKCS#8's own label, and the header of the older kind (RFC 1421).
            if text.contains("ENCRYPTED") { KeyError::Encrypted } else { KeyError::Unknown }
        })?;
        let der: &PrivateKeyDer<'_> = &der;
        let ec = |curve: &'static Curve| {
            let pair = EcdsaKeyPair::from_private_key_der(curve.signing, der.secret_der()).ok()?;
            Some(Pair::Ec(pair, curve))
        };
        let rsa = match der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
            other => RsaKeyPair::from_pkcs8(other.secret_der()).ok(),
        };
        let pair = rsa.map(|pair| Pair::Rsa(pair, &RS256)).or_else(|| ec(&P256)).or_else(|| ec(&P384));
        Ok(Self::from(pair.ok_or(KeyError::Kind)?))
    }

    /// A new key on P-256.
    pub fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(P256.signing).expect("aws-lc draws random bytes or ends the process");
        Self::from(Pair::Ec(pair, &P256))
    }

    /// The name under which the IdP has the public key.
    pub fn with_id(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    /// The certificate (PEM or DER; the first of several) under which the IdP has the public key. Its SHA-256 goes into every header,
    /// and RSA keys sign with PS256, as Entra ID asks for it.
    pub fn with_certificate(self, file: &[u8]) -> Result<Self, KeyError> {
        let certificates = read_certificates(file)?;
        let der = certificates.first().ok_or(TrustError::NoCertificate)?;
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| TrustError::NotACertificate(error.to_string()))?;
        let ours: &[u8] = match &self.pair {
            Pair::Rsa(pair, _) => pair.public_key().as_ref(),
            Pair::Ec(pair, _) => pair.public_key().as_ref(),
        };
        if certificate.public_key().subject_public_key.data.as_ref() != ours {
            return Err(KeyError::OtherCertificate);
        }
        let pair = match self.pair {
            Pair::Rsa(pair, _) => Pair::Rsa(pair, &PS256),
            ec @ Pair::Ec(..) => ec,
        };
        Ok(Self { pair, thumbprint: Some(BASE64URL_NOPAD.encode(&Sha256::digest(der))), ..self })
    }

    /// `alg` (RFC 7518 3.1).
    pub fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rsa(_, algorithm) => algorithm.name,
            Pair::Ec(_, curve) => curve.algorithm,
        }
    }

    /// The public key as a JWK with the members that are required and no others (RFC 7638 3.2).
    pub fn public_jwk(&self) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair, _) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": text(n), "e": text(e) })
            }
            Pair::Ec(pair, curve) => {
                // An uncompressed point: 0x04, x, y (SEC 1 2.3.3).
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve.name, "x": text(x), "y": text(y) })
            }
        }
    }

    /// A signed token in its compact form (RFC 7515 7.1). `alg` is added to the header, and `kid` and `x5t#S256` if they are known.
    pub fn sign(&self, mut header: Map<String, Value>, claims: &Value) -> String {
        header.insert("alg".into(), self.algorithm().into());
        let known = [("kid", &self.id), ("x5t#S256", &self.thumbprint)];
        for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            header.insert(name.into(), value.as_str().into());
        }
        let part = |value: String| BASE64URL_NOPAD.encode(value.as_bytes());
        let input = format!("{}.{}", part(Value::Object(header).to_string()), part(claims.to_string()));
        let (random, message) = (SystemRandom::new(), input.as_bytes());
        let signature = match &self.pair {
            Pair::Rsa(pair, algorithm) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(algorithm.encoding, &random, message, &mut signature).map(|()| signature)
            }
            Pair::Ec(pair, _) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
        };
        let signature = signature.expect("a key that was taken signs: 2048 bits or more hold every digest used here");
        format!("{input}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

impl From<Pair> for SigningKey {
    fn from(pair: Pair) -> Self {
        Self { pair, id: None, thumbprint: None }
    }
}

impl Jwk {
    fn read(self) -> Result<SigningKey, KeyError> {
        let pair = match self.kty.as_str() {
            "RSA" => Pair::Rsa(self.rsa()?, &RS256),
            "EC" => self.ec()?,
            _ => return Err(KeyError::Kind),
        };
        let key = SigningKey { id: self.kid, ..SigningKey::from(pair) };
        let Some(alg) = self.alg else { return Ok(key) };
        let pair = match key.pair {
            Pair::Rsa(pair, _) => {
                let algorithm = [&RS256, &RS384, &RS512, &PS256].into_iter().find(|known| known.name == alg);
                Pair::Rsa(pair, algorithm.ok_or(KeyError::Algorithm(alg))?)
            }
            Pair::Ec(_, curve) if curve.algorithm != alg => return Err(KeyError::Algorithm(alg)),
            ec => ec,
        };
        Ok(SigningKey { pair, ..key })
    }

    fn rsa(&self) -> Result<RsaKeyPair, KeyError> {
        let components = KeyPairComponents {
            public_key: PublicKeyComponents { n: public("n", &self.n)?, e: public("e", &self.e)? },
            d: private("d", &self.d)?,
            p: private("p", &self.p)?,
            q: private("q", &self.q)?,
            dP: private("dp", &self.dp)?,
            dQ: private("dq", &self.dq)?,
            qInv: private("qi", &self.qi)?,
        };
        RsaKeyPair::from_components(&components).map_err(|_| KeyError::Kind)
    }

    fn ec(&self) -> Result<Pair, KeyError> {
        let named = |curve: &&&'static Curve| Some(curve.name) == self.crv.as_deref();
        let curve: &'static Curve = [&P256, &P384].iter().find(named).ok_or(KeyError::Kind)?;
        let point = [vec![4], public("x", &self.x)?, public("y", &self.y)?].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &private("d", &self.d)?, &point);
        Ok(Pair::Ec(pair.map_err(|_| KeyError::Kind)?, curve))
    }
}

fn public(name: &'static str, value: &Option<String>) -> Result<Vec<u8>, KeyError> {
    let text = value.as_ref().ok_or(KeyError::Member(name))?;
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| KeyError::Kind)
}

fn private(name: &'static str, value: &Option<SecretString>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = value.as_ref().ok_or(KeyError::Member(name))?;
    BASE64URL_NOPAD.decode(text.expose_secret().as_bytes()).map(Zeroizing::new).map_err(|_| KeyError::Kind)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use jsonwebtoken::jwk::ThumbprintHash;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

    use super::*;

    /// What OpenSSL makes.
    fn openssl(arguments: &[&str]) -> SecretString {
        let made =
            Command::new("openssl").args(arguments).output().expect("OpenSSL is on every machine that builds this");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().into()
    }

    fn public_key(key: &SigningKey) -> jsonwebtoken::jwk::Jwk {
        serde_json::from_value(key.public_jwk()).unwrap()
    }

    /// Signs, and has another library verify it with nothing but the public key.
    fn signs_with(key: &SigningKey, algorithm: Algorithm) -> jsonwebtoken::Header {
        let token = key.sign(Map::new(), &json!({ "sub": "keywright" }));
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let decoding = DecodingKey::from_jwk(&public_key(key)).unwrap();
        let read = decode::<Value>(&token, &decoding, &validation).unwrap();
        assert_eq!(read.claims["sub"], "keywright");
        read.header
    }

    #[test]
    fn every_usual_form_of_a_private_key_signs() {
        let rsa = openssl(&["genrsa", "-traditional", "2048"]);
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &SecretString| {
            let path = dir.path().join(name);
            std::fs::write(&path, text.expose_secret()).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let pkcs8 = openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &at("rsa", &rsa)]);
        assert!(rsa.expose_secret().contains("BEGIN RSA PRIVATE KEY"));
        assert!(pkcs8.expose_secret().contains("BEGIN PRIVATE KEY"));
        for text in [&rsa, &pkcs8] {
            let header = signs_with(&SigningKey::read(text).unwrap(), Algorithm::RS256);
            assert_eq!((header.kid, header.x5t_s256), (None, None));
        }
        for (curve, algorithm) in [("prime256v1", Algorithm::ES256), ("secp384r1", Algorithm::ES384)] {
            let sec1 = openssl(&["ecparam", "-genkey", "-noout", "-name", curve]);
            let pkcs8 = openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &at("ec", &sec1)]);
            assert!(sec1.expose_secret().contains("BEGIN EC PRIVATE KEY"));
            for text in [&sec1, &pkcs8] {
                let key = SigningKey::read(text).unwrap().with_id("key-1");
                assert_eq!(signs_with(&key, algorithm).kid.as_deref(), Some("key-1"));
            }
        }
        signs_with(&SigningKey::generate(), Algorithm::ES256);

        let encrypted = openssl(&["pkcs8", "-topk8", "-passout", "pass:x", "-in", &at("rsa", &rsa)]);
        assert_eq!(SigningKey::read(&encrypted).unwrap_err(), KeyError::Encrypted);
        let small = openssl(&["genrsa", "1024"]);
        let ed25519 = openssl(&["genpkey", "-algorithm", "ed25519"]);
        let public = openssl(&["rsa", "-pubout", "-in", &at("rsa", &rsa)]);
        assert_eq!(SigningKey::read(&small).unwrap_err(), KeyError::Kind);
        assert_eq!(SigningKey::read(&ed25519).unwrap_err(), KeyError::Kind);
        for text in [public.expose_secret(), "", "s3cr3t", "{", "[]", "{}"] {
            let error = SigningKey::read(&text.into()).unwrap_err();
            assert_eq!(error, KeyError::Unknown, "{text}");
        }
    }

    /// Made for this test, and written, by Node.
    const NODE_RSA: &str = r#"{"kty":"RSA",
        "n":"xDu7DKeKzcgpLpCGz3EJ6HhWOJIx9nl2pnKeKqe5xfnlsY4ksYKDwhFnqAP5qfYCe3KY4s6Nc2NHaOMZr3p3z6wiyhpapliS5IndB2QpcXcrxd1l3mH7B2qaQt_D6rA-yIfMTXR7r2O6i2gLXNuwZsYxk3ebj99ERkei3_7I0vfWitPY7UGP7EmGttCwe7tU2SRHqBpobRWs8Y8nYuBBPHibCyPmsICjHh5N1xOm2ZXcg4mWHHN9Fd6pMpl5yV4Ftt7t3gmU7-HMGmK0ExekuINVeVz2fBD8DaHGWJIknz8TUuEoEz03yR4y0wKz7kymnhUXAlrLPo0S7q-XupULIQ",
        "e":"AQAB",
        "d":"ENN8VPfyx3Vfzp3W6WesbVIQNpaWkSdWHKycUlUCcW7dmq1xCQWDbbsXU8lPeZreGJ65bE1AxMGhCGXcuHa8WkLM0t6SokvbAJyvpqgYg6Gvz64Nw5VMNJUX-B7-yhtlrsUyJ_wSdPYMs1JvEv3FcPKSoq3xWVNQI-SVmzZaGvi9wWq27XVVy10hPjI_VLo949Z8_9_6LWv2zxgzUV5-xSsf5SdbCrNz4_OS-uJ3poQvBIWNX5THQjqhsLkyT_pSA9OHFt2tLwRCDVtEK9mWHSBOAY_Ej3c-08RgiIWuRxNLoQifdUC28i8i8IoKTD-uLxVcA6TV9Q01HMFzgR5HDw",
        "p":"9k6yO5ScxC9NHIEEYtGsfatS7fNrOwDy4n6KbdaK_5LiAvYxmRnx60jbfjOxaDDowKnVfDf18ElC9SGS-xiXUX_Mz4Qa7U8CfksljBEZMl1p6CSWpW6YvPsbjKXMLTb7lGCkvphDXXP5GdiKFRN32ATixnbntZbIvsHtWqkoi8c",
        "q":"y_SWZ1UIaiBM_3suBN4UR3J_m7MLm4Mik0daWcOlZ8MmV4_1Ry9Z9eJcHtDZx_y2DxXhHWrCQVYCUjg1WOTomQL_rCAWVN4ltQK5nPGgsd-f2xSwK8cG2FIt1W9XV_k9vx6BLb1jZXD_mYF0GFyBpfNlDyZBJqcZTi-aY2ZlIdc",
        "dp":"EbKj4d4SyZHwg3zNuOAB-eGmisxzxwCRcy7OeYfx4t1F-hqAg9S2akaI5u-F7suc3cMWQN-wfzx0YDKyYfJpZQS-zaZbXPPRZQu3PfI4kkLeCj0eyfJBbUrJtvhuzEzoFMhA7iT4qi1cF7xUZ6FHejEXrlT63zRfZj1-9YW0ER8",
        "dq":"xhU8Zgtd6sSIQ7C81xlhFKsNaIiSA21vDR9FjtzHLmmIOY6lJ4fDlV1NHti0StkTcL9NLabcF1yTUIsqtLVNeh5BdkiLp81BTfXhk53Q9jA8Lyh-mWXpLftSbHKAn_5_i7jyuRuxB3qho9LokCh3-lbTlc0PhZzQpPDyvwtZuW0",
        "qi":"b46DYn-QTkmTvjrKhUU8VGUy0c7P0VlRINY8GnsARe7CRs4Q3aIdI8DWwZ0ArzDPIrgHHT72IdxHSnsV6S1051CUYAzvAq2q4suDhpv7uuEKJqtLwPLF5zsuq_j3d2QK0On5gUmN5CDNP_CdSFakW-img_Vx1Ffo4_SYxkxW9g0"}"#;

    /// RFC 7515 A.3.1.
    const RFC7515_EC: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    fn changed(jwk: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Result<SigningKey, KeyError> {
        let mut jwk: Map<String, Value> = serde_json::from_str(jwk).unwrap();
        change(&mut jwk);
        SigningKey::read(&Value::Object(jwk).to_string().into())
    }

    #[test]
    fn a_jwk_says_how_it_is_used() {
        let with =
            |jwk, alg: &str| changed(jwk, |jwk| jwk.extend([("alg".into(), alg.into()), ("kid".into(), "a".into())]));
        for (jwk, alg, algorithm) in [
            (NODE_RSA, "RS256", Algorithm::RS256),
            (NODE_RSA, "RS384", Algorithm::RS384),
            (NODE_RSA, "RS512", Algorithm::RS512),
            (NODE_RSA, "PS256", Algorithm::PS256),
            (RFC7515_EC, "ES256", Algorithm::ES256),
        ] {
            assert_eq!(signs_with(&with(jwk, alg).unwrap(), algorithm).kid.as_deref(), Some("a"));
        }
        signs_with(&changed(NODE_RSA, |_| {}).unwrap(), Algorithm::RS256);
        for (jwk, alg) in [(NODE_RSA, "ES256"), (RFC7515_EC, "ES384"), (RFC7515_EC, "none"), (NODE_RSA, "HS256")] {
            assert_eq!(with(jwk, alg).unwrap_err(), KeyError::Algorithm(alg.into()));
        }
        for member in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
            let error = changed(NODE_RSA, |jwk| drop(jwk.remove(member))).unwrap_err();
            assert_eq!(error, KeyError::Member(member));
        }
        for member in ["x", "y", "d"] {
            assert_eq!(changed(RFC7515_EC, |jwk| drop(jwk.remove(member))).unwrap_err(), KeyError::Member(member));
            let damaged = changed(RFC7515_EC, |jwk| jwk[member] = "AAAA".into());
            assert_eq!(damaged.unwrap_err(), KeyError::Kind, "{member}");
        }
        assert_eq!(changed(RFC7515_EC, |jwk| jwk["kty"] = "oct".into()).unwrap_err(), KeyError::Kind);
    }

    #[test]
    fn the_public_key_is_the_one_that_thumbprints_are_made_of() {
        // RFC 9449 6.1 shows this key and this thumbprint.
        let example = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;
        let thumbprint = |jwk: &jsonwebtoken::jwk::Jwk| jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
        assert_eq!(thumbprint(&serde_json::from_str(example).unwrap()), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        for key in [changed(NODE_RSA, |_| {}).unwrap(), changed(RFC7515_EC, |_| {}).unwrap(), SigningKey::generate()] {
            // Serialized as it is, because members come in the order of RFC 7638 3.3.
            let hash = Sha256::digest(key.public_jwk().to_string());
            assert_eq!(BASE64URL_NOPAD.encode(&hash), thumbprint(&public_key(&key)));
        }
    }

    #[test]
    fn a_certificate_has_to_be_the_keys_own() {
        let pem = |label: &str, der: &[u8]| {
            let text = data_encoding::BASE64_MIME.encode(der);
            format!("-----BEGIN {label}-----\n{text}-----END {label}-----\n")
        };
        let made = rcgen::generate_simple_self_signed(["keywright".to_owned()]).unwrap();
        let key = SigningKey::read(&pem("PRIVATE KEY", &made.signing_key.serialize_der()).into()).unwrap();
        let certificate = pem("CERTIFICATE", made.cert.der());
        let key = key.with_certificate(certificate.as_bytes()).unwrap();
        let expected = BASE64URL_NOPAD.encode(&Sha256::digest(made.cert.der()));
        assert_eq!(signs_with(&key, Algorithm::ES256).x5t_s256, Some(expected));
        let other = SigningKey::generate().with_certificate(certificate.as_bytes());
        assert_eq!(other.unwrap_err(), KeyError::OtherCertificate);
        assert_eq!(SigningKey::generate().with_certificate(b"").unwrap_err(), TrustError::NoCertificate.into());

        let both =
            openssl(&["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "-", "-batch"]);
        let key = SigningKey::read(&both).unwrap().with_certificate(both.expose_secret().as_bytes()).unwrap();
        assert!(signs_with(&key, Algorithm::PS256).x5t_s256.is_some());
    }

    #[test]
    fn a_key_does_not_print() {
        let key = changed(RFC7515_EC, |_| {}).unwrap();
        assert!(!format!("{key:?}").contains("jpsQnn"));
        assert!(!format!("{key:?}").to_lowercase().contains("8e9b109e"));
        let token = key.sign(Map::new(), &json!({}));
        assert_eq!(decode_header(&token).unwrap().alg, Algorithm::ES256);
    }
}
