//! Signing in at an authorization server without a person: assertions, proofs of possession, nonces, clocks that differ, tokens
//! that run out. What is sent is verified with `jsonwebtoken`, not with our own code.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::fake_idp::{Answer, FakeIdp, Request};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use keywright::idp::DirectoryError;
use keywright::idp::http::{Client, Fault, Limits, Reply};
use keywright::idp::oauth::{ClientAuthentication, ClientCredentials, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use ureq::http::Method;

/// A server that asks for all that the RFCs allow it to ask for.
#[derive(Default)]
struct Server {
    /// The client's public key; without one it knows the secret `s3cr3t`.
    client: Option<Jwk>,
    dpop: bool,
    /// Seconds that its clock is ahead.
    ahead: i64,
    /// The nonce of each endpoint, if it wants one.
    token_nonce: Option<String>,
    api_nonce: Option<String>,
    /// Every `jti` so far: none is taken twice.
    used: HashSet<String>,
    granted: usize,
    /// Seconds that a token is said to live, if not an hour.
    expires_in: Option<u64>,
    /// The last token is not taken any more.
    revoked: bool,
}

impl Server {
    fn now(&self) -> i64 {
        OffsetDateTime::now_utc().unix_timestamp() + self.ahead
    }

    /// A token's claims, if this key signed it lately, for the first time, and by this clock.
    fn verified(&mut self, token: &str, key: &Jwk) -> Option<(Header, Value)> {
        let header = decode_header(token).ok()?;
        let mut validation = Validation::new(header.alg);
        (validation.validate_exp, validation.validate_aud) = (false, false);
        validation.required_spec_claims.clear();
        let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).ok()?, &validation).ok()?.claims;
        let age = self.now() - claims["iat"].as_i64()?;
        let fresh = (0..60).contains(&age) && claims["exp"].as_i64().is_none_or(|exp| exp > self.now());
        let first = self.used.insert(claims["jti"].as_str()?.to_owned());
        (fresh && first).then_some((header, claims))
    }

    fn answer(&mut self, url: &str, request: &Request) -> Answer {
        let date = OffsetDateTime::from_unix_timestamp(self.now()).unwrap().format(&Rfc2822).unwrap();
        let answer = if request.path == "/token" { self.token(url, request) } else { self.api(url, request) };
        answer.with("Date", &date.replace("+0000", "GMT"))
    }

    fn proven(&mut self, url: &str, request: &Request, nonce: &Option<String>) -> Result<Value, &'static str> {
        let proof = request.header("dpop").ok_or("missing")?;
        let header = decode_header(proof).map_err(|_| "no JWT")?;
        if header.typ.as_deref() != Some("dpop+jwt") || header.alg != Algorithm::ES256 {
            return Err("another kind of JWT");
        }
        let (_, claims) =
            self.verified(proof, &header.jwk.unwrap()).ok_or("not signed now, or not for the first time")?;
        if claims["htm"] != request.method || claims["htu"] != format!("{url}{}", request.path) {
            return Err("for another request");
        }
        if claims["nonce"].as_str() != nonce.as_deref() {
            return Err("use_dpop_nonce");
        }
        Ok(claims)
    }

    fn token(&mut self, url: &str, request: &Request) -> Answer {
        let error = |code: &str| Answer::json(400, &json!({ "error": code }));
        let wanted = self.token_nonce.clone();
        if self.dpop {
            match self.proven(url, request, &wanted) {
                Ok(_) => {}
                Err("use_dpop_nonce") => return error("use_dpop_nonce").with("DPoP-Nonce", &wanted.unwrap()),
                Err(why) => {
                    return Answer::json(400, &json!({ "error": "invalid_dpop_proof", "error_description": why }));
                }
            }
        }
        let known = match &self.client.clone() {
            None => request.field("client_secret").as_deref() == Some("s3cr3t"),
            Some(key) => {
                let sent = request.field("client_assertion").unwrap_or_default();
                self.verified(&sent, key).is_some_and(|(header, claims)| {
                    claims["iss"] == "client-1"
                        && claims["sub"] == "client-1"
                        && claims["aud"] == format!("{url}/token")
                        && header.kid.as_deref() == Some("key-1")
                        && request.field("client_assertion_type").unwrap().ends_with(":jwt-bearer")
                })
            }
        };
        if !known {
            return error("invalid_client");
        }
        (self.granted, self.revoked) = (self.granted + 1, false);
        let kind = if self.dpop { "DPoP" } else { "Bearer" };
        let token = format!("token-{}", self.granted);
        Answer::json(
            200,
            &json!({ "access_token": token, "token_type": kind, "expires_in": self.expires_in.unwrap_or(3600) }),
        )
    }

    fn api(&mut self, url: &str, request: &Request) -> Answer {
        let token = format!("token-{}", self.granted);
        let scheme = if self.dpop { "DPoP" } else { "Bearer" };
        if self.revoked || request.header("authorization") != Some(format!("{scheme} {token}").as_str()) {
            return Answer::json(401, &json!({ "errorCode": "E0000011", "errorSummary": "Invalid token provided" }));
        }
        if self.dpop {
            let wanted = self.api_nonce.clone();
            match self.proven(url, request, &wanted) {
                Ok(claims) if claims["ath"] == BASE64URL_NOPAD.encode(&Sha256::digest(&token)) => {}
                Err("use_dpop_nonce") => {
                    let challenge = r#"DPoP error="use_dpop_nonce""#;
                    return Answer::empty(401).with("WWW-Authenticate", challenge).with("DPoP-Nonce", &wanted.unwrap());
                }
                other => {
                    return Answer::json(
                        401,
                        &json!({ "error": "invalid_dpop_proof", "message": format!("{other:?}") }),
                    );
                }
            }
            if let Some(nonce) = &mut self.api_nonce {
                // The next request has to carry another one, which only this answer tells.
                nonce.push('+');
                return Answer::json(200, &json!([])).with("DPoP-Nonce", nonce);
            }
        }
        Answer::json(200, &json!([]))
    }
}

/// The server at work, and the hand that changes it.
fn serve(server: Server) -> (FakeIdp, Arc<Mutex<Server>>) {
    let server = Arc::new(Mutex::new(server));
    let shared = Arc::clone(&server);
    let idp = FakeIdp::start(move |request| {
        let url = format!("http://{}", request.header("host").unwrap());
        shared.lock().unwrap().answer(&url, request)
    });
    (idp, server)
}

fn credentials(idp: &FakeIdp, authentication: ClientAuthentication) -> ClientCredentials {
    let client = Client::new("acme", &idp.url(), Limits::default()).unwrap();
    ClientCredentials::new(client, "/token", "client-1", authentication, "okta.users.read")
}

fn get(idp: &FakeIdp, credentials: &ClientCredentials) -> Result<Reply, DirectoryError> {
    let client = Client::new("acme", &idp.url(), Limits::default())?;
    credentials.send(client.call(Method::GET, "/api/users").query("limit", "1"))?.accepted("users")
}

fn key_pair() -> (ClientAuthentication, Jwk) {
    let key = SigningKey::generate().with_id("key-1");
    let public = serde_json::from_value(key.public_jwk()).unwrap();
    (ClientAuthentication::PrivateKeyJwt(Arc::new(key)), public)
}

#[test]
fn a_signed_assertion_opens_the_door() {
    let (authentication, client) = key_pair();
    let (idp, _) = serve(Server { client: Some(client), ..Server::default() });
    let credentials = credentials(&idp, authentication);
    credentials.sign_in().unwrap();
    get(&idp, &credentials).unwrap();
    get(&idp, &credentials).unwrap();
    assert_eq!(idp.calls(), ["POST /token", "GET /api/users", "GET /api/users"]);
}

#[test]
fn every_request_proves_the_key_with_the_nonce_that_the_server_gave_last() {
    let (authentication, client) = key_pair();
    let nonces = |name: &str| Some(name.to_owned());
    let server = Server {
        client: Some(client),
        dpop: true,
        token_nonce: nonces("for-tokens"),
        api_nonce: nonces("for-requests"),
        ..Server::default()
    };
    let (idp, server) = serve(server);
    let credentials = credentials(&idp, authentication).with_dpop();
    for _ in 0..3 {
        get(&idp, &credentials).unwrap();
    }
    let refused_once = ["POST /token", "POST /token", "GET /api/users", "GET /api/users"];
    assert_eq!(
        idp.calls(),
        [&refused_once[..], &["GET /api/users"; 2]].concat(),
        "one token, and each nonce asked for once"
    );

    server.lock().unwrap().revoked = true;
    get(&idp, &credentials).unwrap();
    assert_eq!(
        idp.calls()[6..],
        ["GET /api/users", "POST /token", "GET /api/users"],
        "renewed once, the nonces still known"
    );
}

#[test]
fn a_token_that_is_said_to_live_for_ever_is_used_all_the_same() {
    let (authentication, client) = key_pair();
    let (idp, _) = serve(Server { client: Some(client), expires_in: Some(u64::MAX), ..Server::default() });
    get(&idp, &credentials(&idp, authentication)).unwrap();
    assert_eq!(idp.calls(), ["POST /token", "GET /api/users"]);
}

#[test]
fn a_clock_that_is_far_off_is_not_followed() {
    for ahead in [-7200, 7200] {
        let (authentication, client) = key_pair();
        let (idp, _) = serve(Server { client: Some(client), ahead, ..Server::default() });
        let refused = get(&idp, &credentials(&idp, authentication));
        assert!(matches!(refused, Err(DirectoryError::SignIn { .. })));
    }
}

#[test]
fn a_clock_that_differs_is_followed() {
    for ahead in [-540, 540] {
        let (authentication, client) = key_pair();
        let (idp, _) = serve(Server { client: Some(client.clone()), ahead, ..Server::default() });
        get(&idp, &credentials(&idp, authentication)).unwrap();
        assert_eq!(idp.calls(), ["POST /token", "POST /token", "GET /api/users"]);

        let (authentication, client) = key_pair();
        let nonce = Some("n".to_owned());
        let (idp, _) =
            serve(Server { client: Some(client), ahead, dpop: true, token_nonce: nonce, ..Server::default() });
        get(&idp, &credentials(&idp, authentication).with_dpop()).unwrap();
        assert_eq!(idp.calls(), ["POST /token", "POST /token", "POST /token", "GET /api/users"], "clock, then nonce");
    }
}

#[test]
fn what_is_refused_is_told_with_the_place_to_change_it() {
    let explain = |fault: &Fault| match fault.code.as_deref() {
        Some("invalid_client") => Some("look at the key's kid under General > Client Credentials"),
        Some("invalid_dpop_proof") => Some("set dpop = true"),
        _ => None,
    };
    let refusal = |server: Server, credentials: &dyn Fn(&FakeIdp) -> ClientCredentials| {
        let (idp, _) = serve(server);
        let error = credentials(&idp).explained_by(explain).sign_in().unwrap_err();
        assert!(matches!(error, DirectoryError::SignIn { .. }), "{error:?}");
        assert_eq!(idp.calls().len(), 1, "it is not repeated in vain");
        error.to_string()
    };
    let (_, another) = key_pair();
    let said = refusal(Server { client: Some(another), ..Server::default() }, &|idp| credentials(idp, key_pair().0));
    assert!(said.ends_with("invalid_client; look at the key's kid under General > Client Credentials"), "{said}");
    let secret = || ClientAuthentication::SecretPost("s3cr3t".into());
    let said = refusal(Server { dpop: true, ..Server::default() }, &|idp| credentials(idp, secret()));
    assert!(said.ends_with("missing; set dpop = true"), "{said}");
}

#[test]
fn a_token_that_is_never_taken_is_renewed_once() {
    let (idp, _) = serve(Server::default());
    let credentials = credentials(&idp, ClientAuthentication::SecretPost("s3cr3t".into()));
    get(&idp, &credentials).unwrap();
    let idle = FakeIdp::start(|_| Answer::empty(401));
    let client = Client::new("acme", &idle.url(), Limits::default()).unwrap();
    let reply = credentials.send(client.call(Method::GET, "/api/users")).unwrap();
    assert_eq!((reply.status(), idle.calls().len(), idp.calls().len()), (401, 2, 3));
}
