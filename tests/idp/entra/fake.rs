//! A tenant of Entra ID to play with: sign-in, and Graph as its documentation describes it. py_webauthn verifies the registrations.
//!
//! What is told apart here because it bites: exactly the documented members are taken; nobody tells credential ids; on beta the
//! excluded ids end with a digit; a challenge is good once.

use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};
use crate::relying_party::{self, Expected};

pub(super) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// A domain of it.
pub(super) const DOMAIN: &str = "corp.example.org";
pub(super) const SECRET: &str = "a-client-secret";
const ACCESS_TOKEN: &str = "an-access-token";
const RP_ID: &str = "login.microsoft.com";

#[derive(Clone, Debug)]
pub(super) struct Passkey {
    pub id: String,
    pub user: String,
    pub name: String,
    pub credential_id: String,
}

#[derive(Default)]
pub(super) struct State {
    pub logins: Vec<String>,
    pub passkeys: Vec<Passkey>,
    /// Whether people may set up keys themselves; Entra refuses everything while they may not.
    pub self_service: bool,
    /// Passkeys that are registered and not listed.
    pub lists_nothing: bool,
    /// Methods that are no passkeys, as Graph lists them; phones have the ids that Graph gives them.
    pub others: Vec<Value>,
    /// Words of the report for every account, `None`: the tenant has no licence for it.
    pub reported: Option<Vec<&'static str>>,
    /// More members of the policy for passkeys.
    pub policy: Value,
    /// Whether the tenant's Graph expands the profiles.
    pub expands: bool,
    /// Accounts of another organization.
    pub guests: Vec<&'static str>,
    /// The kind of an account's default method, which goes after the others.
    pub default_method: Option<&'static str>,
    /// With the user whose they are.
    pub challenges: Vec<(String, String)>,
    made: usize,
}

pub(super) struct Entra {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Entra {
    /// `None`, said aloud, where py_webauthn is not installed.
    pub(super) fn start(logins: &[&str]) -> Option<Self> {
        if !relying_party::is_there() {
            return None;
        }
        let logins = logins.iter().map(|login| (*login).to_owned()).collect();
        let others = vec![
            method("password", "28c10230-6103-485e-b985-444c60001490", &json!({ "password": null })),
            method("phone", MOBILE, &json!({ "phoneType": "mobile", "phoneNumber": "+49 1515550100" })),
        ];
        let reported = Some(vec!["mobilePhone"]);
        let state = State { logins, self_service: true, others, reported, expands: true, ..State::default() };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Some(Self { idp, state })
    }
}

/// The id of every account's mobile number.
pub(super) const MOBILE: &str = "3179e48a-750b-4051-897c-87b9720928f7";

/// A method as Graph lists it.
pub(super) fn method(kind: &str, id: &str, more: &Value) -> Value {
    let mut method = json!({ "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod"), "id": id });
    for (name, value) in more.as_object().into_iter().flatten() {
        method[name] = value.clone();
    }
    method
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let inner = json!({ "date": "2026-04-20T10:00:00", "request-id": "b8d3e3a5-1d2c-4f0a-9c68-0a3f1f2b7c11" });
    Answer::json(status, &json!({ "error": { "code": code, "message": message, "innerError": inner } }))
}

fn token(request: &Request) -> Answer {
    assert!(request.field("scope").unwrap().ends_with("/.default"));
    let by_secret = request.field("client_secret").as_deref() == Some(SECRET);
    if !by_secret && request.field("client_assertion").is_none() {
        let why = "AADSTS7000215: Invalid client secret provided.";
        return Answer::json(401, &json!({ "error": "invalid_client", "error_description": why }));
    }
    Answer::json(200, &json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3599 }))
}

fn answer(state: &mut State, request: &Request) -> Answer {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if path == [TENANT, "oauth2", "v2.0", "token"] {
        return token(request);
    }
    if path == [DOMAIN, "v2.0", ".well-known", "openid-configuration"] {
        return Answer::json(200, &json!({ "issuer": format!("https://login.microsoftonline.com/{TENANT}/v2.0") }));
    }
    if request.header("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) {
        return error(401, "InvalidAuthenticationToken", "Access token is empty.");
    }
    assert!(request.header("client-request-id").is_some_and(|id| id.len() == 36));
    match (request.method.as_str(), &path[..]) {
        ("GET", ["v1.0", "policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations", "fido2"]) => {
            if request.parameter("$expand").is_some() && !state.expands {
                return error(400, "BadRequest", "The query specified in the URI is not valid.");
            }
            let mut policy = json!({
                "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "enabled",
                "isSelfServiceRegistrationAllowed": state.self_service, "isAttestationEnforced": false,
                "keyRestrictions": { "isEnforced": false, "enforcementType": "block", "aaGuids": [] },
            });
            for (name, value) in state.policy.as_object().into_iter().flatten() {
                policy[name] = value.clone();
            }
            Answer::json(200, &policy)
        }
        ("GET", ["v1.0", "reports", "authenticationMethods", "userRegistrationDetails", rest @ ..]) => {
            report(state, request, rest)
        }
        ("GET", ["v1.0", "users", login]) => match state.logins.iter().find(|known| known == login) {
            Some(login) => {
                let kind = if state.guests.contains(&login.as_str()) { "Guest" } else { "Member" };
                let user = json!({
                    "id": id_of(login), "userPrincipalName": login, "displayName": login.to_uppercase(), "accountEnabled": true,
                    "userType": kind,
                });
                Answer::json(200, &user)
            }
            None => error(404, "Request_ResourceNotFound", "Resource does not exist."),
        },
        (method, [version, "users", user, "authentication", rest @ ..])
            if state.logins.iter().any(|login| id_of(login) == *user) =>
        {
            of_user(state, method, *version == "beta", user, rest, &request.json())
        }
        _ => error(404, "Request_ResourceNotFound", "Resource does not exist."),
    }
}

fn id_of(login: &str) -> String {
    format!("87d349ed-44d7-43e1-9a83-{:012}", login.bytes().map(u32::from).sum::<u32>())
}

fn shown(passkey: &Passkey) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": passkey.id, "displayName": passkey.name,
        "createdDateTime": "2126-04-20T10:15:30Z", "model": "Soft key", "attestationCertificates": [],
    })
}

fn of_user(state: &mut State, method: &str, beta: bool, user: &str, rest: &[&str], body: &Value) -> Answer {
    match (method, rest) {
        ("GET", ["methods"]) => {
            let own = state.passkeys.iter().filter(|one| one.user == user).map(shown);
            Answer::json(200, &json!({ "value": state.others.iter().cloned().chain(own).collect::<Vec<_>>() }))
        }
        ("DELETE", [list, id]) if *list != "fido2Methods" => {
            let Some(at) = state.others.iter().position(|one| one["id"] == **id && is_in(one, list)) else {
                return error(404, "resourceNotFound", "The method does not exist.");
            };
            let is_default =
                state.default_method.is_some_and(|kind| is_in(&state.others[at], &format!("{kind}Methods")));
            if is_default && state.others.len() > 2 {
                let why = "Cannot delete default method with other methods configured. Please change default method before deletion.";
                return error(400, "badRequest", why);
            }
            state.others.remove(at);
            Answer::empty(204)
        }
        ("GET", ["fido2Methods", "creationOptions"]) if !beta => options(state, beta, user),
        ("GET", ["fido2Methods", "creationOptions(challengeTimeoutInMinutes=60)"]) if beta => {
            options(state, beta, user)
        }
        ("GET", ["fido2Methods"]) => {
            let own = state.passkeys.iter().filter(|one| one.user == user && !state.lists_nothing);
            Answer::json(200, &json!({ "value": own.map(shown).collect::<Vec<_>>() }))
        }
        ("POST", ["fido2Methods"]) => register(state, user, body),
        ("DELETE", ["fido2Methods", id]) => {
            let before = state.passkeys.len();
            state.passkeys.retain(|one| one.id != *id || one.user != user);
            match state.passkeys.len() == before {
                true => error(404, "resourceNotFound", "The method does not exist."),
                false => Answer::empty(204),
            }
        }
        _ => error(405, "methodNotAllowed", "Method not allowed."),
    }
}

/// Whether a method is reached in this list.
fn is_in(method: &Value, list: &str) -> bool {
    let kind = list.strip_suffix("Methods").unwrap_or(list);
    method["@odata.type"].as_str().is_some_and(|told| told == format!("#microsoft.graph.{kind}AuthenticationMethod"))
}

/// Two accounts on a page.
fn report(state: &State, request: &Request, rest: &[&str]) -> Answer {
    let Some(kinds) = &state.reported else {
        let why = "Neither tenant is B2C or tenant doesn't have premium license";
        return error(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", why);
    };
    let details = |login: &String| {
        json!({
            "id": id_of(login), "userPrincipalName": login, "userDisplayName": login, "userType": "member", "isAdmin": false,
            "isMfaCapable": true, "isMfaRegistered": true, "isPasswordlessCapable": false, "isSsprCapable": false,
            "isSsprEnabled": false, "isSsprRegistered": false, "methodsRegistered": kinds,
            "lastUpdatedDateTime": "2026-04-20T10:15:30Z",
        })
    };
    match rest {
        [] => {
            let skip = request.parameter("$skiptoken").map_or(0, |token| token.parse().unwrap());
            let page: Vec<Value> = state.logins.iter().skip(skip).take(2).map(details).collect();
            let mut answer = json!({ "value": page });
            if state.logins.len() > skip + 2 {
                let host = request.header("host").unwrap();
                answer["@odata.nextLink"] = json!(format!("http://{host}{}?$skiptoken={}", request.path, skip + 2));
            }
            Answer::json(200, &answer)
        }
        [id] => match state.logins.iter().find(|login| id_of(login) == *id) {
            Some(login) => Answer::json(200, &details(login)),
            None => error(404, "resourceNotFound", "There is no such entry."),
        },
        _ => error(404, "resourceNotFound", "There is no such report."),
    }
}

fn options(state: &mut State, beta: bool, user: &str) -> Answer {
    let invalid = |why: &str| error(400, "badRequest", why);
    if !state.self_service {
        return invalid("Self-service set up is off.");
    }
    state.made += 1;
    let challenge = BASE64URL_NOPAD.encode(format!("challenge {:06}", state.made).as_bytes());
    state.challenges.push((user.to_owned(), challenge.clone()));
    let own = state.passkeys.iter().filter(|one| one.user == user);
    let written = |id: &str| match beta {
        true => format!("{id}{}", id.len().next_multiple_of(4) - id.len()),
        false => id.to_owned(),
    };
    let exclude: Vec<Value> = own
        .map(|one| json!({ "type": "public-key", "id": written(&one.credential_id), "transports": ["usb"] }))
        .collect();
    let minutes = if beta { 60 } else { 5 };
    let until = time::OffsetDateTime::now_utc() + time::Duration::minutes(minutes);
    let until = until.format(&time::format_description::well_known::Rfc3339).unwrap();
    let options = json!({
        "challengeTimeoutDateTime": until,
        "publicKey": {
            "rp": { "id": RP_ID, "name": "Microsoft" },
            "user": { "id": BASE64URL_NOPAD.encode(user.as_bytes()), "name": user, "displayName": user },
            "challenge": challenge,
            "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
            "timeout": 60000, "excludeCredentials": exclude, "attestation": "direct",
            "authenticatorSelection": {
                "authenticatorAttachment": "cross-platform", "requireResidentKey": true, "userVerification": "required",
            },
            "extensions": {
                "hmacCreateSecret": true, "enforceCredentialProtectionPolicy": true,
                "credentialProtectionPolicy": "userVerificationOptional",
            },
        },
    });
    Answer::json(200, &options)
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn register(state: &mut State, user: &str, body: &Value) -> Answer {
    let invalid = |why: &str| error(400, "badRequest", why);
    let credential = &body["publicKeyCredential"];
    let mut named: Vec<&str> = [members(body), members(credential), members(&credential["response"])].concat();
    named.sort_unstable();
    let documented = [
        "attestationObject",
        "clientDataJSON",
        "clientExtensionResults",
        "displayName",
        "id",
        "publicKeyCredential",
        "response",
    ];
    if named != documented {
        return invalid("a member that is not expected");
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&body["displayName"]);
    if !(1..=30).contains(&name.chars().count()) || !state.self_service {
        return invalid("The name is too long, or self-service set up is off.");
    }
    let client_data = text(&credential["response"]["clientDataJSON"]);
    let said: Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(client_data.as_bytes()).unwrap_or_default()).unwrap_or_default();
    let given = (user.to_owned(), text(&said["challenge"]));
    let Some(at) = state.challenges.iter().position(|challenge| *challenge == given) else {
        return invalid("The challenge is not known.");
    };
    let (_, challenge) = state.challenges.remove(at);
    let origin = format!("https://{RP_ID}");
    let expected = Expected { challenge: &challenge, origin: &origin, rp_id: RP_ID, roots: &[] };
    let object = text(&credential["response"]["attestationObject"]);
    match relying_party::verify(&expected, &text(&credential["id"]), &client_data, &object) {
        Ok(credential_id) => {
            state.made += 1;
            let id = format!("73e4b2c6-8a2f-4d3e-9b1a-{:012}", state.made);
            let passkey = Passkey { id, user: user.to_owned(), name, credential_id };
            let answer = Answer::json(201, &shown(&passkey));
            state.passkeys.push(passkey);
            answer
        }
        Err(_) => invalid("The registration is not valid."),
    }
}
