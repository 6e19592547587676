//! An Okta org to play with: Factors API and authenticator settings as Okta's description has them. py_webauthn verifies the
//! registrations.
//!
//! What is told apart here because it bites: a factor is pending until it is activated; five activations in a row are too many;
//! a service app's tokens are bound to a key (DPoP with a nonce); a list may leave factors out; an account has ten passkeys and
//! no more.

use std::sync::{Arc, Mutex};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::relying_party::{self, Expected};

pub(super) const TOKEN: &str = "an-api-token";
pub(super) const ORIGIN: &str = "https://login.example.org";
const MOST_PASSKEYS: usize = 10;
const NONCE: &str = "a-nonce";
const ACCESS_TOKEN: &str = "an-access-token";
/// What a service app may ask for at once.
const GRANTED: [&str; 1] = ["okta.users.read okta.users.manage okta.authenticators.read"];

#[derive(Clone, Debug)]
pub(super) struct Factor {
    pub id: String,
    pub user: String,
    pub credential_id: Option<String>,
    challenge: String,
    refused: usize,
}

/// A method that is no security key.
#[derive(Clone, Debug)]
pub(super) struct Other {
    /// `factors` or `authenticator-enrollments`.
    pub list: &'static str,
    pub shown: Value,
}

impl Other {
    /// A factor.
    pub(super) fn factor(id: &str, kind: &str, provider: &str, status: &str) -> Self {
        let shown =
            json!({ "id": id, "factorType": kind, "provider": provider, "vendorName": provider, "status": status });
        Self { list: "factors", shown }
    }

    /// An enrolment.
    pub(super) fn enrollment(id: &str, key: &str, status: &str) -> Self {
        Self { list: "authenticator-enrollments", shown: json!({ "id": id, "key": key, "status": status }) }
    }
}

#[derive(Default)]
pub(super) struct State {
    pub logins: Vec<String>,
    pub factors: Vec<Factor>,
    /// Whether users may be read.
    pub powerless: bool,
    /// The custom RP ID.
    pub rp_id: Option<String>,
    /// The list of factors shows none but the telephone.
    pub hides_factors: bool,
    /// The Classic Engine: it has no list of enrolments.
    pub classic: bool,
    /// Methods besides security keys, as their lists show them.
    pub others: Vec<Other>,
    /// What the one enrolment policy says of security keys: `enroll.self`.
    pub security_keys: &'static str,
    /// Whether policies may not be read.
    pub policies_hidden: bool,
    made: usize,
}

pub(super) struct Okta {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Okta {
    /// `None`, said aloud, where py_webauthn is not installed.
    pub(super) fn start(logins: &[&str]) -> Option<Self> {
        if !relying_party::is_there() {
            return None;
        }
        let logins = logins.iter().map(|login| (*login).to_owned()).collect();
        let others = vec![
            Other::factor("mbl1nz9JHJGHWRKMTLHP", "sms", "OKTA", "ACTIVE"),
            Other::enrollment("mbl1nz9JHJGHWRKMTLHP", "phone_number", "ACTIVE"),
            Other::enrollment("laekusi77LNcWg2rX1d5", "okta_password", "ACTIVE"),
        ];
        let state = State { logins, others, security_keys: "OPTIONAL", ..State::default() };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Some(Self { idp, state })
    }
}

fn error(status: u16, code: &str, summary: &str) -> Answer {
    let causes = json!([{ "errorSummary": format!("cause of {code}") }]);
    let body = json!({
        "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae0000000000000000", "errorCauses": causes
    });
    Answer::json(status, &body)
}

fn absent() -> Answer {
    error(404, "E0000007", "Not found: Resource not found")
}

/// The claims of the request's proof, if it has one.
fn proof(request: &Request) -> Option<Value> {
    let claims = request.header("dpop")?.split('.').nth(1)?;
    serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?).ok()
}

fn signed_in(request: &Request) -> bool {
    match request.header("authorization").and_then(|value| value.split_once(' ')) {
        Some(("SSWS", token)) => token == TOKEN,
        Some(("DPoP", token)) => {
            token == ACCESS_TOKEN && proof(request).is_some_and(|claims| claims["ath"].is_string())
        }
        _ => false,
    }
}

fn token(request: &Request) -> Answer {
    let nonce = |answer: Answer| answer.with("DPoP-Nonce", NONCE);
    let refuse = |code: &str, why: &str| Answer::json(400, &json!({ "error": code, "error_description": why }));
    match proof(request) {
        None => refuse("invalid_dpop_proof", "The DPoP proof JWT header is missing."),
        Some(claims) if claims["nonce"] != NONCE => nonce(refuse("use_dpop_nonce", "Use the nonce.")),
        Some(_) => {
            let scope = request.field("scope").unwrap();
            if !GRANTED.contains(&scope.as_str()) {
                return nonce(refuse("invalid_scope", "One or more scopes are not granted."));
            }
            assert_eq!(request.field("client_assertion").unwrap().split('.').count(), 3);
            let granted = json!({ "access_token": ACCESS_TOKEN, "token_type": "DPoP", "expires_in": 3600 });
            nonce(Answer::json(200, &granted))
        }
    }
}

fn answer(state: &mut State, request: &Request) -> Answer {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if path == ["oauth2", "v1", "token"] {
        return token(request);
    }
    if !signed_in(request) {
        return error(401, "E0000011", "Invalid token provided");
    }
    match (request.method.as_str(), &path[..]) {
        ("GET", ["api", "v1", "users"]) if state.powerless => {
            error(403, "E0000006", "You do not have permission to perform the requested action")
        }
        ("GET", ["api", "v1", "users"]) => {
            Answer::json(200, &state.logins.iter().take(1).map(|login| account(login)).collect())
        }
        ("GET", ["api", "v1", "authenticators"]) => {
            let webauthn = json!({
                "type": "security_key", "id": "aut1nd8PQhGcQtSxB0g4", "key": "webauthn", "status": "ACTIVE",
                "name": "Passkey (FIDO2 WebAuthn)"
            });
            Answer::json(200, &json!([webauthn]))
        }
        ("GET", ["api", "v1", "authenticators", "aut1nd8PQhGcQtSxB0g4", "methods", "webauthn"]) => {
            let mut settings = json!({ "userVerification": "REQUIRED", "attachment": "ANY" });
            if let Some(rp_id) = &state.rp_id {
                settings["rpId"] =
                    json!({ "enabled": true, "domain": { "name": rp_id, "validationStatus": "VERIFIED" } });
            }
            Answer::json(200, &json!({ "type": "webauthn", "status": "ACTIVE", "settings": settings }))
        }
        ("GET", ["api", "v1", "policies"]) if state.policies_hidden => {
            error(403, "E0000006", "You do not have permission to perform the requested action")
        }
        ("GET", ["api", "v1", "policies"]) => {
            assert_eq!(request.parameter("type").as_deref(), Some("MFA_ENROLL"));
            let webauthn = json!({ "key": "webauthn", "enroll": { "self": state.security_keys } });
            let settings = json!({ "type": "AUTHENTICATORS", "authenticators": [webauthn] });
            Answer::json(
                200,
                &json!([{
                    "id": "00p1nz9JHJGHWRKMTLHP", "type": "MFA_ENROLL", "name": "Everybody", "status": "ACTIVE", "priority": 1,
                    "settings": settings,
                }]),
            )
        }
        ("GET", ["api", "v1", "users", login]) => match state.logins.iter().find(|known| known == login) {
            Some(login) => Answer::json(200, &account(login)),
            None => absent(),
        },
        (_, ["api", "v1", "users", user, rest @ ..]) if state.logins.iter().any(|login| id_of(login) == *user) => {
            of_user(state, request, user, rest)
        }
        _ => absent(),
    }
}

/// 20 characters of base64url.
fn id_of(login: &str) -> String {
    format!("00u{:017}", login.bytes().map(u32::from).sum::<u32>())
}

fn account(login: &str) -> Value {
    let profile = json!({
        "login": login, "email": format!("{login}@example.org"), "firstName": login.to_uppercase(), "lastName": "Example"
    });
    json!({ "id": id_of(login), "status": "ACTIVE", "profile": profile })
}

fn shown(factor: &Factor) -> Value {
    let mut shown = json!({ "id": factor.id, "factorType": "webauthn", "provider": "FIDO", "vendorName": "FIDO" });
    match &factor.credential_id {
        None => shown["status"] = json!("PENDING_ACTIVATION"),
        Some(id) => {
            shown["status"] = json!("ACTIVE");
            shown["profile"] = json!({ "credentialId": id, "authenticatorName": "Soft key" });
        }
    }
    shown
}

fn of_user(state: &mut State, request: &Request, user: &str, rest: &[&str]) -> Answer {
    let (method, body) = (request.method.as_str(), &request.json());
    let State { factors, .. } = state;
    match (method, rest) {
        ("GET", ["factors"]) => {
            let own = factors.iter().filter(|one| one.user == user && !state.hides_factors);
            let others = state.others.iter().filter(|one| one.list == "factors").map(|one| one.shown.clone());
            Answer::json(200, &own.map(shown).chain(others).collect())
        }
        ("GET", ["authenticator-enrollments"]) if !state.classic => {
            let own = factors.iter().filter(|one| one.user == user && one.credential_id.is_some());
            let own = own.map(|one| json!({ "id": one.id, "key": "webauthn", "status": "ACTIVE" }));
            let others = state.others.iter().filter(|one| one.list != "factors").map(|one| one.shown.clone());
            Answer::json(200, &own.chain(others).collect())
        }
        ("DELETE", [list, id]) if state.others.iter().any(|one| one.list == *list && one.shown["id"] == **id) => {
            // A telephone that stays for recovery keeps its enrolment.
            let whole = request.parameter("removeRecoveryEnrollment").as_deref() == Some("true");
            state.others.retain(|one| one.shown["id"] != **id || !(one.list == *list || whole));
            Answer::empty(204)
        }
        ("POST", ["factors"]) if factors.iter().filter(|one| one.user == user).count() == MOST_PASSKEYS => {
            error(400, "E0000001", "Api validation failed: factorEnrollRequest")
        }
        ("POST", ["factors"]) => {
            assert_eq!(*body, json!({ "factorType": "webauthn", "provider": "FIDO" }));
            state.made += 1;
            let challenge = BASE64URL_NOPAD.encode(format!("challenge {:05}", state.made).as_bytes());
            let factor = Factor {
                id: format!("fwf{:017}", state.made),
                user: user.into(),
                credential_id: None,
                challenge: challenge.clone(),
                refused: 0,
            };
            let active = factors.iter().filter(|one| one.user == user);
            let exclude: Vec<Value> = active
                .filter_map(|one| Some(json!({ "id": one.credential_id.as_ref()?, "type": "public-key" })))
                .collect();
            let mut answer = shown(&factor);
            // No RP ID, as Okta does it.
            answer["_embedded"] = json!({ "activation": {
                "attestation": "direct", "challenge": challenge, "excludeCredentials": exclude,
                "authenticatorSelection": { "userVerification": "preferred", "requireResidentKey": false },
                "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
                "rp": { "name": "Example" }, "user": { "displayName": user, "name": user, "id": user },
            } });
            factors.push(factor);
            Answer::json(200, &answer)
        }
        (_, ["factors", id, rest @ ..]) => {
            let rp_id = state.rp_id.clone().unwrap_or_else(|| ORIGIN.trim_start_matches("https://").to_owned());
            let Some(at) = factors.iter().position(|one| one.id == *id && one.user == user) else { return absent() };
            match (method, rest) {
                ("GET", []) => Answer::json(200, &shown(&factors[at])),
                ("DELETE", []) => {
                    factors.remove(at);
                    Answer::empty(204)
                }
                ("POST", ["lifecycle", "activate"]) => activate(&mut factors[at], &rp_id, body),
                _ => absent(),
            }
        }
        _ => absent(),
    }
}

fn activate(factor: &mut Factor, rp_id: &str, body: &Value) -> Answer {
    let invalid = || error(400, "E0000001", "Api validation failed: factorActivateRequest");
    if factor.credential_id.is_some() {
        return invalid();
    }
    if factor.refused == 5 {
        return error(429, "E0000047", "API call exceeded rate limit due to too many requests.");
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (object, client_data) = (text("attestation"), text("clientData"));
    let expected = Expected { challenge: &factor.challenge, origin: ORIGIN, rp_id, roots: &[] };
    match relying_party::verify(&expected, &credential_id(&object), &client_data, &object) {
        Ok(credential_id) => {
            factor.credential_id = Some(credential_id);
            Answer::json(200, &shown(factor))
        }
        Err(_) => {
            factor.refused += 1;
            invalid()
        }
    }
}

/// The credential id within an attestation object: Okta is sent none beside it.
fn credential_id(object: &str) -> String {
    let hex = HEXLOWER.encode(&BASE64URL_NOPAD.decode(object.as_bytes()).unwrap_or_default());
    // The name `authData`, and what comes with a length of one or two bytes.
    let Some((_, data)) = hex.split_once("686175746844617461") else { return String::new() };
    let head = if data.starts_with("58") { 4 } else { 6 };
    let bytes = HEXLOWER.decode(&data.as_bytes()[head..data.len() & !1]).unwrap_or_default();
    // rpIdHash, flags, signCount, aaguid; then the length.
    let length = usize::from(bytes[53]) << 8 | usize::from(bytes[54]);
    BASE64URL_NOPAD.encode(&bytes[55..55 + length])
}
