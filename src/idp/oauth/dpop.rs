//! Proof of possession (DPoP, RFC 9449): every request shows that its sender holds the key that the token was made for.
//!
//! The key lives as long as the process and is never written down: a token that leaks is worth nothing without it.

use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::SigningKey;
use crate::idp::http::{Call, Reply};

/// The header with a proof.
pub(super) const PROOF: &str = "dpop";
/// The header with a server's nonce (RFC 9449 8).
const NONCE: &str = "dpop-nonce";

/// The key that tokens are bound to, and the nonces that the two servers gave last.
#[derive(Debug)]
pub(super) struct Dpop {
    key: SigningKey,
    /// The authorization server's (RFC 9449 8).
    pub(super) token_nonce: Nonce,
    /// The API's (RFC 9449 9). The two may differ even on one host.
    pub(super) api_nonce: Nonce,
}

/// What a server wants to see in the next proof.
#[derive(Debug, Default)]
pub(super) struct Nonce(Mutex<Option<String>>);

impl Dpop {
    /// With a new key.
    pub(super) fn new() -> Self {
        Self { key: SigningKey::generate(), token_nonce: Nonce::default(), api_nonce: Nonce::default() }
    }

    /// The proof for one sending of one request (RFC 9449 4.2). `issued` is in seconds since 1970, by the server's clock; `token` is
    /// the access token that goes with it.
    pub(super) fn proof(&self, call: &Call<'_>, nonce: &Nonce, issued: i64, token: Option<&SecretString>) -> String {
        let mut claims = json!({
            "htm": call.method().as_str(),
            "htu": call.url_without_query(),
            "iat": issued,
            "jti": super::unique(),
        });
        if let Some(token) = token {
            claims["ath"] = BASE64URL_NOPAD.encode(&Sha256::digest(token.expose_secret())).into();
        }
        if let Some(nonce) = nonce.last() {
            claims["nonce"] = nonce.into();
        }
        let header = [("typ".to_owned(), Value::from("dpop+jwt")), ("jwk".to_owned(), self.key.public_jwk())];
        self.key.sign(Map::from_iter(header), &claims)
    }
}

impl Nonce {
    /// Keeps what an answer brought, a success too (RFC 9449 8.2). Says whether the request was refused for want of it: then it was
    /// not acted on.
    pub(super) fn learn(&self, reply: &Reply) -> bool {
        let Some(nonce) = reply.header(NONCE) else { return false };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        let wanted = || {
            let challenge = reply.header("www-authenticate").unwrap_or_default();
            challenge.contains("use_dpop_nonce") || reply.fault().code.as_deref() == Some("use_dpop_nonce")
        };
        matches!(reply.status(), 400 | 401) && wanted()
    }

    fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
