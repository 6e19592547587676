//! A Zitadel to play with: user service v2 as its proto and its source describe it. py_webauthn verifies the registrations.
//!
//! What is told apart here because it bites: unverified passkeys are in no list; a new registration takes the place of an
//! unverified one; a refused credential is HTTP 500 with gRPC INTERNAL; a list lags behind by one question.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::relying_party::{self, Expected};

pub(super) const PAT: &str = "a-personal-access-token";
pub(super) const DOMAIN: &str = "login.example.org";

#[derive(Clone, Debug)]
pub(super) struct Passkey {
    pub id: String,
    pub user: String,
    pub name: Option<String>,
    pub credential_id: Option<String>,
    challenge: String,
    listed: bool,
}

#[derive(Default)]
pub(super) struct State {
    pub logins: Vec<String>,
    pub passkeys: Vec<Passkey>,
    pub permissions: Vec<String>,
    /// Kinds of methods that every account has, and those that are on another domain.
    pub methods: Vec<&'static str>,
    pub elsewhere: Vec<&'static str>,
    /// Whether they may not be read.
    pub methods_hidden: bool,
    /// Other IdPs by which the account signs in, and its ids there.
    pub links: Vec<(&'static str, &'static str)>,
    made: usize,
}

pub(super) struct Zitadel {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Zitadel {
    /// `None`, said aloud, where py_webauthn is not installed.
    pub(super) fn start(logins: &[&str]) -> Option<Self> {
        if !relying_party::is_there() {
            return None;
        }
        let state = State {
            logins: logins.iter().map(|login| (*login).to_owned()).collect(),
            methods: vec!["PASSWORD", "PASSKEY", "OTP_SMS"],
            permissions: vec!["user.read".into(), "user.credential.write".into()],
            ..State::default()
        };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Some(Self { idp, state })
    }
}

fn details() -> Value {
    json!({ "sequence": "2", "changeDate": "2026-01-01T00:00:00Z", "resourceOwner": "69629023906488334" })
}

fn error(status: u16, code: u8, message: &str) -> Answer {
    Answer::json(status, &json!({ "code": code, "message": message, "details": [] }))
}

fn answer(state: &mut State, request: &Request) -> Answer {
    if request.header("authorization") != Some(&format!("Bearer {PAT}")) {
        return error(401, 16, "invalid token (AUTH-7fs1e)");
    }
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let body = request.json();
    match (request.method.as_str(), &path[..]) {
        ("POST", ["auth", "v1", "permissions", "zitadel", "me", "_search"]) => {
            Answer::json(200, &json!({ "result": state.permissions }))
        }
        ("POST", ["v2", "users"]) => {
            let login = body["queries"][0]["loginNameQuery"]["loginName"].as_str();
            let found: Vec<Value> =
                state.logins.iter().filter(|known| login == Some(known)).map(|login| account(login)).collect();
            let details = json!({ "totalResult": found.len().to_string(), "timestamp": "2026-01-01T00:00:00Z" });
            Answer::json(200, &json!({ "details": details, "result": found }))
        }
        (method, ["v2", "users", user, rest @ ..]) => {
            if !state.logins.iter().any(|login| id_of(login) == *user) {
                return error(404, 5, "User could not be found (QUERY-Dfbg2)");
            }
            if let ("GET", ["authentication_methods"]) = (method, rest) {
                return methods(state, request);
            }
            of_user(state, method, user, rest, &body)
        }
        _ => error(404, 5, "Not Found"),
    }
}

/// Keys of another domain are counted where no domain is asked for.
fn methods(state: &State, request: &Request) -> Answer {
    if state.methods_hidden {
        return error(403, 7, "No matching permissions found (AUTH-AWfge)");
    }
    let asked = request.parameter("domainQuery.domain").as_deref() == Some(DOMAIN)
        && request.parameter("domainQuery.includeWithoutDomain").as_deref() == Some("true");
    let elsewhere = state.elsewhere.iter().filter(|_| !asked).map(|kind| (*kind).to_owned());
    let kinds: Vec<String> = state.methods.iter().map(|kind| (*kind).to_owned()).chain(elsewhere).collect();
    let types: Vec<String> = kinds.iter().map(|kind| format!("AUTHENTICATION_METHOD_TYPE_{kind}")).collect();
    Answer::json(200, &json!({ "details": { "totalResult": types.len().to_string() }, "authMethodTypes": types }))
}

fn id_of(login: &str) -> String {
    format!("1638407768354{:05}", login.bytes().map(u32::from).sum::<u32>())
}

fn account(login: &str) -> Value {
    let profile = json!({ "givenName": login, "familyName": "Example", "displayName": login.to_uppercase() });
    json!({
        "userId": id_of(login), "state": "USER_STATE_ACTIVE", "username": login,
        "loginNames": [login], "preferredLoginName": login, "human": { "profile": profile },
    })
}

fn of_user(state: &mut State, method: &str, user: &str, rest: &[&str], body: &Value) -> Answer {
    match (method, rest) {
        ("POST", ["links", "_search"]) => {
            let details = json!({ "totalResult": state.links.len().to_string() });
            let links = state.links.iter().map(|(idp, id)| json!({ "idpId": idp, "userId": id, "userName": id }));
            Answer::json(200, &json!({ "details": details, "result": links.collect::<Vec<_>>() }))
        }
        ("DELETE", ["links", idp, id]) => {
            let before = state.links.len();
            state.links.retain(|(one, other)| one != idp || other != id);
            match state.links.len() == before {
                true => error(404, 5, "External IDP not found (COMMAND-1M9xR)"),
                false => Answer::json(200, &json!({ "details": details() })),
            }
        }
        ("DELETE", [one]) => {
            let kind = one.to_uppercase();
            let kind = if kind == "RECOVERY_CODES" { "RECOVERY_CODE".into() } else { kind };
            let before = state.methods.len();
            state.methods.retain(|method| *method != kind);
            match state.methods.len() == before {
                true => error(404, 5, "Multifactor not found (COMMAND-2M9ds)"),
                false => Answer::json(200, &json!({ "details": details() })),
            }
        }
        ("POST", ["passkeys"]) => {
            assert_eq!(body["authenticator"], "PASSKEY_AUTHENTICATOR_CROSS_PLATFORM");
            state.made += 1;
            let challenge = data_encoding::BASE64URL_NOPAD.encode(format!("challenge {:022}", state.made).as_bytes());
            let exclude: Vec<Value> = state
                .passkeys
                .iter()
                .filter(|one| one.user == user)
                .filter_map(|one| Some(json!({ "id": one.credential_id.as_ref()?, "type": "public-key" })))
                .collect();
            let id = format!("2638407768354{:05}", state.made);
            let options = json!({ "publicKey": {
                "attestation": "none", "authenticatorSelection": { "userVerification": "required" },
                "challenge": challenge, "excludeCredentials": exclude,
                "pubKeyCredParams": [{ "alg": -7, "type": "public-key" }],
                "rp": { "id": body["domain"], "name": "ZITADEL" }, "timeout": 300_000,
                "user": { "displayName": user, "id": data_encoding::BASE64URL_NOPAD.encode(user.as_bytes()), "name": user },
            } });
            let passkey = Passkey {
                id: id.clone(),
                user: user.into(),
                name: None,
                credential_id: None,
                challenge,
                listed: false,
            };
            state.passkeys.push(passkey);
            let answer =
                json!({ "details": details(), "passkeyId": id, "publicKeyCredentialCreationOptions": options });
            Answer::json(201, &answer)
        }
        ("POST", ["passkeys", "_search"]) => {
            let mut found = Vec::new();
            for passkey in state.passkeys.iter_mut().filter(|one| one.user == user && one.name.is_some()) {
                if passkey.listed {
                    let state = "AUTH_FACTOR_STATE_READY";
                    found.push(json!({ "id": passkey.id, "state": state, "name": passkey.name }));
                }
                passkey.listed = true;
            }
            let details = json!({ "totalResult": found.len().to_string() });
            // Empty lists are left out of JSON.
            match found.is_empty() {
                true => Answer::json(200, &json!({ "details": details })),
                false => Answer::json(200, &json!({ "details": details, "result": found })),
            }
        }
        ("POST", ["passkeys", _]) => verify(state, user, body),
        ("DELETE", ["passkeys", id]) => {
            let before = state.passkeys.len();
            state.passkeys.retain(|passkey| passkey.id != *id || passkey.user != user);
            match state.passkeys.len() == before {
                true => error(404, 5, "Multifactor not found (COMMAND-2M9ds)"),
                false => Answer::json(200, &json!({ "details": details() })),
            }
        }
        _ => error(404, 5, "Not Found"),
    }
}

/// The newest unverified passkey is the one that is verified, whichever the path names.
fn verify(state: &mut State, user: &str, body: &Value) -> Answer {
    let name = body["passkeyName"].as_str().unwrap_or_default();
    if !(1..=200).contains(&name.chars().count()) {
        return error(400, 3, "invalid VerifyPasskeyRegistrationRequest.PasskeyName");
    }
    let pending = state.passkeys.iter_mut().rev().find(|passkey| passkey.user == user && passkey.name.is_none());
    let Some(passkey) = pending else { return error(500, 13, "Errors.User.WebAuthN.NotFound (WEBAU-5M9so)") };
    let credential = &body["publicKeyCredential"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let origin = format!("https://{DOMAIN}");
    let expected = Expected { challenge: &passkey.challenge, origin: &origin, rp_id: DOMAIN, roots: &[] };
    let (client_data, object) =
        (&credential["response"]["clientDataJSON"], &credential["response"]["attestationObject"]);
    match relying_party::verify(&expected, &text(&credential["id"]), &text(client_data), &text(object)) {
        Ok(credential_id) => {
            passkey.credential_id = Some(credential_id);
            passkey.name = Some(name.to_owned());
            Answer::json(200, &json!({ "details": details() }))
        }
        Err(_) => error(500, 13, "Errors.User.WebAuthN.CreateCredentialFailed (WEBAU-3Vb9s)"),
    }
}
