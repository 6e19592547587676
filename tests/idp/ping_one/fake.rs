//! An environment of PingOne to play with: users and MFA devices as its documentation describes them. py_webauthn verifies the
//! registrations.
//!
//! What is told apart here because it bites: options are a string with signed bytes in it; the activation has a media type of its
//! own; the origin is said twice; there are five devices for each user and no more; nobody tells credential ids.

use std::sync::{Arc, Mutex};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::relying_party::{self, Expected};

pub(super) const ENVIRONMENT: &str = "abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6";
pub(super) const POLICY: &str = "58b2c1d0-6f7e-4a8b-9c0d-1e2f3a4b5c6d";
pub(super) const CLIENT: &str = "1f2e3d4c-5b6a-4798-8796-a5b4c3d2e1f0";
pub(super) const SECRET: &str = "a-client-secret";
pub(super) const RP_ID: &str = "auth.example.org";
const ACCESS_TOKEN: &str = "an-access-token";
const MOST_DEVICES: usize = 5;

#[derive(Clone, Debug)]
pub(super) struct Device {
    pub id: String,
    pub user: String,
    pub credential_id: Option<String>,
    nickname: Option<String>,
    challenge: Vec<u8>,
}

#[derive(Default)]
pub(super) struct State {
    pub logins: Vec<String>,
    pub devices: Vec<Device>,
    /// Whether the app lacks its role.
    pub powerless: bool,
    /// Devices that are no security keys.
    pub others: Vec<Value>,
    /// More members of every account, of the MFA policy's `fido2`, and of the policy for FIDO.
    pub account: Value,
    pub fido2_devices: Value,
    pub fido2_policy: Value,
    /// Whether security keys are blocked by an administrator.
    pub blocked: bool,
    made: usize,
}

pub(super) struct PingOne {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl PingOne {
    /// `None`, said aloud, where py_webauthn is not installed.
    pub(super) fn start(logins: &[&str]) -> Option<Self> {
        if !relying_party::is_there() {
            return None;
        }
        let logins = logins.iter().map(|login| (*login).to_owned()).collect();
        let others = vec![json!({ "id": "5e5e", "type": "SMS", "status": "ACTIVE", "phone": "+1.5550100" })];
        let (idp, state) = FakeIdp::sharing(State { logins, others, ..State::default() }, answer);
        Some(Self { idp, state })
    }
}

fn error(status: u16, code: &str, details: &Value) -> Answer {
    let message = "The request could not be completed.";
    Answer::json(status, &json!({ "id": "c7d2b0a4", "code": code, "message": message, "details": details }))
}

fn absent() -> Answer {
    error(404, "NOT_FOUND", &json!([]))
}

fn answer(state: &mut State, request: &Request) -> Answer {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if path == [ENVIRONMENT, "as", "token"] {
        let basic = format!("Basic {}", BASE64.encode(format!("{CLIENT}:{SECRET}").as_bytes()));
        if request.header("authorization") != Some(&basic) {
            return Answer::json(401, &json!({ "error": "invalid_client", "error_description": "Unsupported" }));
        }
        return Answer::json(200, &json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600 }));
    }
    if request.header("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) {
        return error(401, "ACCESS_FAILED", &json!([]));
    }
    if state.powerless {
        return error(403, "ACCESS_FAILED", &json!([]));
    }
    match (request.method.as_str(), &path[..]) {
        ("GET", ["v1", "environments", ENVIRONMENT, "users"]) => {
            let filter = request.parameter("filter");
            let fits = |login: &&String| match &filter {
                Some(filter) => *filter == format!("username eq \"{login}\""),
                None => true,
            };
            let users: Vec<Value> = state.logins.iter().filter(fits).map(|login| account(state, login)).collect();
            Answer::json(200, &json!({ "_embedded": { "users": users }, "size": users.len() }))
        }
        ("GET", ["v1", "environments", ENVIRONMENT, "users", user]) => {
            match state.logins.iter().find(|login| id_of(login) == *user) {
                Some(login) => Answer::json(200, &account(state, login)),
                None => absent(),
            }
        }
        ("GET", ["v1", "environments", ENVIRONMENT, "deviceAuthenticationPolicies", POLICY]) => {
            let otp = json!({ "enabled": false, "otp": { "failure": {
                "count": 3, "coolDown": { "duration": 2, "timeUnit": "MINUTES" },
            }, "lifeTime": { "duration": 30, "timeUnit": "MINUTES" } } });
            let fido2 = with(json!({ "enabled": true, "pairingDisabled": false }), &state.fido2_devices);
            let policy = json!({
                "id": POLICY, "name": "Staff", "default": true, "forSignOnPolicy": false, "fido2": fido2, "sms": otp, "voice": otp,
                "email": otp,
            });
            Answer::json(200, &policy)
        }
        ("GET", ["v1", "environments", ENVIRONMENT, "fido2Policies"]) => {
            let other = with(fido2_policy("0ther", "Old"), &json!({ "relyingPartyId": "old.example.org" }));
            let policy = with(fido2_policy("f1d0", "Security keys"), &state.fido2_policy);
            let policy = with(policy, &json!({ "default": true }));
            Answer::json(200, &json!({ "_embedded": { "fido2Policies": [other, policy] } }))
        }
        (method, ["v1", "environments", ENVIRONMENT, "users", user, "devices", rest @ ..])
            if state.logins.iter().any(|login| id_of(login) == *user) =>
        {
            of_user(state, method, user, rest, request)
        }
        _ => absent(),
    }
}

fn id_of(login: &str) -> String {
    format!("87d349ed-44d7-43e1-9a83-{:012}", login.bytes().map(u32::from).sum::<u32>())
}

fn account(state: &State, login: &str) -> Value {
    let name = json!({ "given": login.to_uppercase(), "family": "Example" });
    let account = json!({
        "id": id_of(login), "username": login, "email": format!("{login}@example.org"), "enabled": true, "name": name,
        "mfaEnabled": true, "account": { "canAuthenticate": true, "status": "OK" },
    });
    with(account, &state.account)
}

fn fido2_policy(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "default": false, "relyingPartyId": RP_ID, "attestationRequirements": "NONE",
        "authenticatorAttachment": "BOTH", "discoverableCredentials": "REQUIRED", "deviceDisplayName": "Key",
        "backupEligibility": { "allow": false, "enforceDuringAuthentication": false },
        "mdsAuthenticatorsRequirements": { "option": "NONE", "enforceDuringAuthentication": false },
        "userVerification": { "option": "REQUIRED", "enforceDuringAuthentication": true },
        "userDisplayNameAttributes": { "attributes": [{ "name": "username" }] },
    })
}

/// With these members more.
fn with(mut object: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

fn shown(device: &Device) -> Value {
    let status = if device.credential_id.is_some() { "ACTIVE" } else { "ACTIVATION_REQUIRED" };
    let named = device.nickname.as_ref().map_or(json!({}), |nickname| json!({ "nickname": nickname }));
    with(json!({ "id": device.id, "type": "FIDO2", "status": status, "rp": { "id": RP_ID, "name": RP_ID } }), &named)
}

fn of_user(state: &mut State, method: &str, user: &str, rest: &[&str], request: &Request) -> Answer {
    match (method, rest) {
        ("GET", []) => {
            let held = if state.blocked { json!({ "block": { "status": "BLOCKED" } }) } else { json!({}) };
            let own = state.devices.iter().filter(|one| one.user == user).map(|one| with(shown(one), &held));
            let devices: Vec<Value> = own.chain(state.others.iter().cloned()).collect();
            Answer::json(200, &json!({ "_embedded": { "devices": devices } }))
        }
        ("POST", []) => create(state, user, &request.json()),
        ("DELETE", [id]) if state.others.iter().any(|one| one["id"] == **id) => {
            state.others.retain(|one| one["id"] != **id);
            Answer::empty(204)
        }
        ("PUT", [id, "nickname"]) => match state.devices.iter_mut().find(|one| one.id == *id && one.user == user) {
            Some(device) => {
                device.nickname = request.json()["nickname"].as_str().map(str::to_owned);
                Answer::json(200, &shown(device))
            }
            None => absent(),
        },
        (_, [id]) => {
            let Some(at) = state.devices.iter().position(|one| one.id == *id && one.user == user) else {
                return absent();
            };
            match method {
                "GET" => Answer::json(200, &shown(&state.devices[at])),
                "DELETE" => {
                    state.devices.remove(at);
                    Answer::empty(204)
                }
                _ => activate(&mut state.devices[at], request),
            }
        }
        _ => absent(),
    }
}

fn create(state: &mut State, user: &str, body: &Value) -> Answer {
    assert_eq!(*body, json!({ "type": "FIDO2", "rp": { "id": RP_ID, "name": RP_ID }, "policy": { "id": POLICY } }));
    // The telephone is one of them.
    if state.devices.iter().filter(|one| one.user == user).count() + 1 == MOST_DEVICES {
        let inner = json!({ "maximumAllowed": MOST_DEVICES });
        return error(400, "REQUEST_FAILED", &json!([{ "code": "LIMIT_EXCEEDED", "innerError": inner }]));
    }
    state.made += 1;
    let challenge: Vec<u8> = format!("challenge \u{ff} {:020}", state.made).into_bytes();
    let signed = |bytes: &[u8]| bytes.iter().map(|byte| byte.cast_signed()).collect::<Vec<i8>>();
    let own = state.devices.iter().filter(|one| one.user == user);
    let exclude: Vec<Value> = own
        .filter_map(|one| BASE64URL_NOPAD.decode(one.credential_id.as_ref()?.as_bytes()).ok())
        .map(|id| json!({ "type": "public-key", "id": signed(&id) }))
        .collect();
    let options = json!({
        "rp": { "id": RP_ID, "name": RP_ID }, "challenge": signed(&challenge), "timeout": 120_000, "attestation": "none",
        "user": { "id": signed(user.as_bytes()), "displayName": user, "name": user }, "excludeCredentials": exclude,
        "pubKeyCredParams": [{ "type": "public-key", "alg": "-7" }, { "type": "public-key", "alg": "-257" }],
        "authenticatorSelection": { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
    });
    let id = format!("67e07830-3636-4479-a407-{:012}", state.made);
    let device = Device { id, user: user.to_owned(), credential_id: None, nickname: None, challenge };
    let mut answer = shown(&device);
    answer["publicKeyCredentialCreationOptions"] = json!(options.to_string());
    state.devices.push(device);
    Answer::json(201, &answer)
}

fn activate(device: &mut Device, request: &Request) -> Answer {
    let invalid = || error(400, "INVALID_DATA", &json!([{ "code": "INVALID_VALUE", "target": "attestation" }]));
    let body = request.json();
    let origin = format!("https://{RP_ID}");
    let activation = request.header("content-type") == Some("application/vnd.pingidentity.device.activate+json");
    if !activation || body["origin"] != *origin || device.credential_id.is_some() {
        return invalid();
    }
    let credential: Value = serde_json::from_str(body["attestation"].as_str().unwrap_or_default()).unwrap_or_default();
    let binary = |value: &Value| BASE64.decode(value.as_str().unwrap_or_default().as_bytes()).ok();
    let made = &credential["response"];
    let members = [&credential["rawId"], &made["clientDataJSON"], &made["attestationObject"]].map(binary);
    let [Some(raw_id), Some(client_data), Some(object)] =
        members.map(|one| one.map(|one| BASE64URL_NOPAD.encode(&one)))
    else {
        return invalid();
    };
    if credential["id"] != *raw_id {
        return invalid();
    }
    let challenge = BASE64URL_NOPAD.encode(&device.challenge);
    let expected = Expected { challenge: &challenge, origin: &origin, rp_id: RP_ID, roots: &[] };
    match relying_party::verify(&expected, &raw_id, &client_data, &object) {
        Ok(credential_id) => {
            device.credential_id = Some(credential_id);
            Answer::json(200, &shown(device))
        }
        Err(_) => invalid(),
    }
}
