//! OAuth 2.0 client credentials (RFC 6749 4.4): by secret, or by an assertion signed with a private key (RFC 7523), with
//! access tokens bound to a key where the IdP wants that (DPoP, RFC 9449).
//!
//! It refuses flows with a browser: a batch has nobody to click.

mod dpop;
mod signing_key;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, json};
use time::OffsetDateTime;
use ureq::http::{HeaderName, Method, header};
use zeroize::Zeroizing;

use self::dpop::Dpop;
pub use self::signing_key::{KeyError, SigningKey};
use super::error::DirectoryError;
use super::http::{Call, Client, Fault, Reply, segment};
use super::token_cache::TokenCache;

/// Seconds that a token is believed to live if the server does not say.
const DEFAULT_LIFE: u64 = 300;

/// Seconds that it is believed to live at the most, whatever the server says.
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// A token is not used in the last moments of its life.
const MARGIN: Duration = Duration::from_secs(30);

/// Seconds that an assertion is good for: it is used at once, and clocks differ.
const ASSERTION_LIFE: i64 = 120;

/// A clock that differs by less, in seconds, is left alone, and what we sign is dated back by as much, so that nobody finds it to
/// come from the future.
const CLOCKS_AGREE: i64 = 5;

/// A grant that is an assertion (RFC 7523 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How often a token is asked for: once more for a nonce, and once more for a clock that differs.
const ATTEMPTS: usize = 3;

/// How the client shows who it is.
#[derive(Debug)]
pub enum ClientAuthentication {
    /// `client_id` and `client_secret` in the body (`client_secret_post`).
    SecretPost(SecretString),
    /// The same as HTTP Basic (`client_secret_basic`).
    SecretBasic(SecretString),
    /// An assertion signed with the client's key (`private_key_jwt`, RFC 7523 2.2). With a key that has a certificate
    /// ([`SigningKey::with_certificate`]) it is the one that Entra ID calls a certificate credential.
    PrivateKeyJwt(Arc<SigningKey>),
    /// An assertion as the grant itself (RFC 7523 2.1), signed with the key of a service account that stands in for somebody: Google's
    /// domain-wide delegation.
    JwtGrant {
        /// The service account's key.
        key: Arc<SigningKey>,
        /// For whom it stands in.
        subject: String,
    },
}

/// One client of an authorization server.
#[derive(Debug)]
pub struct ClientCredentials {
    server: Client,
    token_path: String,
    client_id: String,
    authentication: ClientAuthentication,
    scope: String,
    audience: Option<String>,
    dpop: Option<Dpop>,
    explain: fn(&Fault) -> Option<&'static str>,
    clock: ServerClock,
    token: TokenCache<AccessToken>,
}

/// How many seconds the server's clock is ahead of ours, as its answers told.
#[derive(Debug, Default)]
struct ServerClock(AtomicI64);

/// A token, and until when it is used.
#[derive(Debug, Clone)]
struct AccessToken {
    value: SecretString,
    kind: TokenType,
    until: Instant,
}

/// What has to be shown together with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenType {
    /// Nothing (RFC 6750).
    Bearer,
    /// A proof that the key is ours (RFC 9449).
    Dpop,
}

/// The token endpoint's answer (RFC 6749 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    token_type: String,
    /// Seconds.
    #[serde(default)]
    expires_in: Option<u64>,
}

impl ClientCredentials {
    /// `token_path` is the token endpoint's on `server`. `scope` is separated by spaces; empty: none is sent.
    pub fn new(
        server: Client,
        token_path: &str,
        client_id: &str,
        authentication: ClientAuthentication,
        scope: &str,
    ) -> Self {
        Self {
            server,
            token_path: token_path.to_owned(),
            client_id: client_id.to_owned(),
            authentication,
            scope: scope.to_owned(),
            audience: None,
            dpop: None,
            explain: |_| None,
            clock: ServerClock::default(),
            token: TokenCache::default(),
        }
    }

    /// Has tokens bound to a key that is made here and now (RFC 9449). A server that grants a Bearer token all the same is heard.
    pub fn with_dpop(self) -> Self {
        Self { dpop: Some(Dpop::new()), ..self }
    }

    /// Names the API that the token is for, where the server wants that in a parameter of its own (Auth0's `audience`).
    pub fn for_audience(self, audience: &str) -> Self {
        Self { audience: Some(audience.to_owned()), ..self }
    }

    /// Has refusals of the token endpoint told with what a person can do about them, such as where in the IdP's console to look.
    pub fn explained_by(self, explain: fn(&Fault) -> Option<&'static str>) -> Self {
        Self { explain, ..self }
    }

    /// Asks for a token if there is none.
    pub fn sign_in(&self) -> Result<(), DirectoryError> {
        self.token().map(drop)
    }

    /// Sends a request with an access token. After a 401 the token is renewed, once, and the request sent again; a 401 that asks for
    /// a nonce is no reason to renew.
    pub fn send(&self, call: Call<'_>) -> Result<Reply, DirectoryError> {
        let (number, token) = self.token()?;
        let reply = self.send_with(&call, &token)?;
        if reply.status() != 401 {
            return Ok(reply);
        }
        self.token.forget(number);
        self.send_with(&call, &self.token()?.1)
    }

    /// What the access token says, if it is a JWT (RFC 7519).
    pub(super) fn token_claims(&self) -> Result<Option<serde_json::Value>, DirectoryError> {
        let (_, token) = self.token()?;
        let claims = token.value.expose_secret().split('.').nth(1);
        let claims = claims.and_then(|claims| BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok());
        Ok(claims.and_then(|claims| serde_json::from_slice(&claims).ok()))
    }

    fn send_with(&self, call: &Call<'_>, token: &AccessToken) -> Result<Reply, DirectoryError> {
        let authorized = |scheme: &str| {
            let authorization = format!("{scheme} {}", token.value.expose_secret());
            call.clone().credential(header::AUTHORIZATION, authorization.into())
        };
        let (Some(dpop), TokenType::Dpop) = (&self.dpop, token.kind) else { return authorized("Bearer").send() };
        let send = || {
            let proof = dpop.proof(call, &dpop.api_nonce, self.clock.issued(), Some(&token.value));
            let reply = authorized("DPoP").header(HeaderName::from_static(dpop::PROOF), &proof).send()?;
            self.clock.learn(&reply);
            Ok((dpop.api_nonce.learn(&reply), reply))
        };
        match send()? {
            (true, _) => send().map(|(_, reply)| reply),
            (false, reply) => Ok(reply),
        }
    }

    fn token(&self) -> Result<(u64, AccessToken), DirectoryError> {
        self.token.get(|token| Instant::now() < token.until, || self.ask())
    }

    fn ask(&self) -> Result<AccessToken, DirectoryError> {
        let mut attempt = 1;
        let (asked, reply) = loop {
            let asked = Instant::now();
            let reply = self.token_request().send()?;
            let nonce_wanted = self.dpop.as_ref().is_some_and(|dpop| dpop.token_nonce.learn(&reply));
            let clock_moved = self.clock.learn(&reply) && self.tells_time();
            if !matches!(reply.status(), 400 | 401) {
                break (asked, reply);
            }
            if attempt == ATTEMPTS || !(nonce_wanted || clock_moved) {
                // RFC 6749 5.2: whatever is wrong here, it is our sign-in.
                let fault = reply.fault();
                let why = match (self.explain)(&fault) {
                    Some(explanation) => format!("{}; {explanation}", fault.message),
                    None => fault.message,
                };
                return Err(self.server.idp().sign_in_refused(why));
            }
            attempt += 1;
        };
        let granted: Granted = reply.accepted("token endpoint")?.json()?;
        let kind = match granted.token_type.to_ascii_lowercase().as_str() {
            "bearer" => TokenType::Bearer,
            "dpop" if self.dpop.is_some() => TokenType::Dpop,
            _ => {
                let why = format!("a token of type {}", granted.token_type);
                return Err(self.server.idp().invalid_response(why));
            }
        };
        let lives = granted.expires_in.map_or(DEFAULT_LIFE, |seconds| seconds.min(LONGEST_LIFE));
        let lives = Duration::from_secs(lives).saturating_sub(MARGIN);
        Ok(AccessToken { value: granted.access_token, kind, until: asked + lives })
    }

    /// The request for a token: a new one each time, because assertions and proofs are taken once.
    fn token_request(&self) -> Call<'_> {
        let call = self.server.call(Method::POST, &self.token_path);
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.audience.as_deref().map(|audience| ("audience", audience)));
        // In a grant that is an assertion it stands within.
        if !self.scope.is_empty() && !matches!(self.authentication, ClientAuthentication::JwtGrant { .. }) {
            form.push(("scope", &self.scope));
        }
        let call = match &self.authentication {
            ClientAuthentication::JwtGrant { key, subject } => {
                let assertion = SecretString::from(self.grant(key, subject, &call.url_without_query()));
                let form = [("grant_type", JWT_BEARER), ("assertion", assertion.expose_secret())];
                call.form(&form).with_secret(assertion.clone())
            }
            ClientAuthentication::SecretPost(secret) => {
                form.extend([("client_id", self.client_id.as_str()), ("client_secret", secret.expose_secret())]);
                call.form(&form).with_secret(secret.clone())
            }
            ClientAuthentication::SecretBasic(secret) => {
                // RFC 6749 2.3.1: both parts are form-encoded first.
                let encoded = Zeroizing::new(segment(secret.expose_secret()));
                let pair = Zeroizing::new(format!("{}:{}", segment(&self.client_id), encoded.as_str()));
                let basic = format!("Basic {}", BASE64.encode(pair.as_bytes()));
                call.form(&form).credential(header::AUTHORIZATION, basic.into()).with_secret(secret.clone())
            }
            ClientAuthentication::PrivateKeyJwt(key) => {
                let assertion = SecretString::from(self.assertion(key, &call.url_without_query()));
                form.extend([
                    ("client_id", self.client_id.as_str()),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", assertion.expose_secret()),
                ]);
                call.form(&form).with_secret(assertion.clone())
            }
        };
        match &self.dpop {
            Some(dpop) => {
                let proof = dpop.proof(&call, &dpop.token_nonce, self.clock.issued(), None);
                call.header(HeaderName::from_static(dpop::PROOF), &proof)
            }
            None => call,
        }
    }

    /// What the client says about itself (RFC 7523 3), for this token endpoint.
    fn assertion(&self, key: &SigningKey, audience: &str) -> String {
        let issued = self.clock.issued();
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "jti": unique(),
            "iat": issued,
            "exp": issued + ASSERTION_LIFE,
        });
        key.sign(Map::from_iter([("typ".to_owned(), "JWT".into())]), &claims)
    }

    /// What a service account says when it stands in for somebody (RFC 7523 3; Google has the scope within).
    fn grant(&self, key: &SigningKey, subject: &str, audience: &str) -> String {
        let issued = self.clock.issued();
        let claims = json!({
            "iss": self.client_id,
            "sub": subject,
            "aud": audience,
            "scope": self.scope,
            "iat": issued,
            "exp": issued + ASSERTION_LIFE,
        });
        key.sign(Map::from_iter([("typ".to_owned(), "JWT".into())]), &claims)
    }

    /// Whether what we send says what time it is.
    fn tells_time(&self) -> bool {
        use ClientAuthentication::{JwtGrant, PrivateKeyJwt};
        self.dpop.is_some() || matches!(self.authentication, PrivateKeyJwt(_) | JwtGrant { .. })
    }
}

impl ServerClock {
    /// Seconds since 1970, there.
    fn now(&self) -> i64 {
        OffsetDateTime::now_utc().unix_timestamp() + self.0.load(Ordering::Relaxed)
    }

    /// What our signatures are dated.
    fn issued(&self) -> i64 {
        self.now() - CLOCKS_AGREE
    }

    /// Sets it by an answer's `Date`. Says whether that changed it.
    fn learn(&self, reply: &Reply) -> bool {
        let Some(ahead) = reply.clock_ahead().map(time::Duration::whole_seconds) else { return false };
        if (ahead - self.0.load(Ordering::Relaxed)).abs() < CLOCKS_AGREE {
            return false;
        }
        self.0.store(ahead, Ordering::Relaxed);
        true
    }
}

/// A `jti` that nobody has used: 128 random bits.
fn unique() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("aws-lc draws random bytes or ends the process");
    BASE64URL_NOPAD.encode(&bytes)
}
