//! A tenant of Auth0 to play with, as its Management API is described: users, authentication methods, roles, blocks, sessions and logs.
//!
//! What is told apart here because it bites: lists go on by offsets with a total, those of a role's users by checkpoints; the search for
//! usernames lags; a passkey is taken as it comes, and nobody verifies it; ids have a `|` in them.

use std::sync::{Arc, Mutex};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use keywright_fido::webauthn::{Aaguid, CosePublicKey};
use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};

pub(super) const CLIENT: &str = "iGt5VpgNIZ9EqDw3EW8yFvkIkkVaOKQA";
pub(super) const SECRET: &str = "a-client-secret";
pub(super) const RP_ID: &str = "login.example.org";
pub(super) const ROLE: &str = "rol_Gl6x8wS0Yd4H4aeM";

/// Every scope that something here needs.
const SCOPES: &str = "read:users update:users read:authentication_methods create:authentication_methods \
    update:authentication_methods delete:authentication_methods read:roles read:role_members read:custom_domains read:connections \
    read:logs read:logs_users delete:sessions delete:refresh_tokens";

pub(super) struct State {
    /// Ada is the first.
    pub logins: Vec<String>,
    /// Authentication methods with the `user` that they are of, in the order in which they were made.
    pub methods: Vec<Value>,
    pub blocked: bool,
    /// Whether Ada is kept out after failed sign-ins.
    pub locked: bool,
    pub sessions: usize,
    /// Paths below `/api/v2` whose requests are refused.
    pub refused: Vec<&'static str>,
    pub scopes: String,
    /// Whether the token is a JWT.
    pub opaque: bool,
    pub domains: Value,
    pub passkeys_enabled: bool,
    /// Identities of every account besides the one in the database.
    pub identities: Vec<Value>,
    /// Whether accounts are in the database.
    pub in_database: bool,
    /// Whether the list of methods says that there is one more than it has.
    pub lies: bool,
    /// Requests that are still answered before the rate limit is reached once; `None`: it never is.
    pub until_limit: Option<usize>,
    pub logs: Vec<Value>,
    made: usize,
}

pub(super) struct Tenant {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Tenant {
    pub(super) fn start(logins: &[&str]) -> Self {
        let state = State {
            logins: logins.iter().map(|login| (*login).to_owned()).collect(),
            methods: Vec::new(),
            blocked: false,
            locked: false,
            sessions: 2,
            refused: Vec::new(),
            scopes: SCOPES.split_whitespace().collect::<Vec<_>>().join(" "),
            opaque: false,
            domains: json!([{
                "custom_domain_id": "cd_1", "domain": RP_ID, "primary": true, "status": "ready", "type": "auth0_managed_certs",
            }]),
            passkeys_enabled: true,
            identities: Vec::new(),
            in_database: true,
            lies: false,
            until_limit: None,
            logs: Vec::new(),
            made: 0,
        };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Self { idp, state }
    }

    /// With a telephone for everybody.
    pub(super) fn with_phones(self) -> Self {
        {
            let mut state = self.state.lock().unwrap();
            for login in state.logins.clone() {
                let phone =
                    json!({ "type": "phone", "phone_number": "+15550100", "preferred_authentication_method": "sms" });
                put(&mut state, &id_of(&login), &phone);
            }
        }
        self
    }

    /// The credential ids that it has.
    pub(super) fn credentials(&self) -> Vec<Option<String>> {
        let state = self.state.lock().unwrap();
        let keys = state.methods.iter().filter(|one| one["type"] == "passkey");
        keys.map(|one| one["key_id"].as_str().map(str::to_owned)).collect()
    }
}

pub(super) fn id_of(login: &str) -> String {
    format!("auth0|{}", database_id(login))
}

fn database_id(login: &str) -> String {
    let number = login.bytes().fold(0_u64, |sum, byte| (sum * 257 + u64::from(byte)) % 999_999_999_989);
    format!("685d20bc8e33{number:012}")
}

fn error(status: u16, error: &str, code: &str) -> Answer {
    Answer::json(
        status,
        &json!({ "statusCode": status, "error": error, "message": "It was refused.", "errorCode": code }),
    )
}

fn absent(code: &str) -> Answer {
    error(404, "Not Found", code)
}

fn account(state: &State, login: &str) -> Value {
    let own = json!({
        "connection": "Username-Password-Authentication", "provider": "auth0", "user_id": database_id(login), "isSocial": false,
    });
    let identities: Vec<Value> = state.in_database.then_some(own).into_iter().chain(state.identities.clone()).collect();
    json!({
        "user_id": id_of(login), "email": format!("{login}@example.org"), "email_verified": true, "username": login,
        "name": login.to_uppercase(), "blocked": state.blocked, "last_login": "2026-04-21T08:00:00.000Z", "logins_count": 3,
        "identities": identities,
    })
}

fn token(state: &State, request: &Request) -> Answer {
    let host = request.header("host").unwrap();
    let is_ours = request.field("grant_type").as_deref() == Some("client_credentials")
        && request.field("client_id").as_deref() == Some(CLIENT)
        && request.field("client_secret").as_deref() == Some(SECRET)
        && request.field("audience").is_some_and(|audience| {
            audience.ends_with("/api/v2/") && audience.contains(host.split(':').next().unwrap())
        });
    if !is_ours {
        return Answer::json(401, &json!({ "error": "access_denied", "error_description": "Unauthorized" }));
    }
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let jwt = format!("{}.{}.c2ln", part(&json!({ "alg": "RS256" })), part(&json!({ "scope": state.scopes })));
    let token = if state.opaque { "opaque" } else { &jwt };
    Answer::json(
        200,
        &json!({ "access_token": token, "token_type": "Bearer", "expires_in": 86400, "scope": state.scopes }),
    )
}

/// A page as `page`, `per_page` and `include_totals` ask for it.
fn offset(request: &Request, member: &str, all: &[Value], total: usize) -> Answer {
    assert_eq!(request.parameter("include_totals").as_deref(), Some("true"));
    let number = |name| request.parameter(name).unwrap().parse::<usize>().unwrap();
    let (page, size) = (number("page"), number("per_page"));
    assert!(size <= 100, "more than Auth0 gives on a page");
    let shown: Vec<Value> = all.iter().skip(page * size).take(size).cloned().collect();
    Answer::json(200, &json!({ "start": page * size, "limit": size, "total": total, member: shown }))
}

fn answer(state: &mut State, request: &Request) -> Answer {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if path == ["oauth", "token"] {
        return token(state, request);
    }
    let ["api", "v2", path @ ..] = &path[..] else { return absent("unknown") };
    if !request.header("authorization").is_some_and(|value| value.starts_with("Bearer ")) {
        return error(401, "Unauthorized", "invalid_token");
    }
    match &mut state.until_limit {
        Some(0) => {
            state.until_limit = None;
            let reset = time::OffsetDateTime::now_utc().unix_timestamp() + 1;
            return error(429, "Too Many Requests", "too_many_requests").with("X-RateLimit-Reset", &reset.to_string());
        }
        Some(left) => *left -= 1,
        None => {}
    }
    let below = request.path.strip_prefix("/api/v2").unwrap();
    if state.refused.iter().any(|part| below.contains(part)) {
        return error(403, "Forbidden", "insufficient_scope");
    }
    match (request.method.as_str(), path) {
        ("GET", ["users-by-email"]) => {
            let email = request.parameter("email").unwrap();
            let of = state.logins.iter().filter(|login| format!("{login}@example.org") == email);
            Answer::json(200, &of.map(|login| account(state, login)).collect())
        }
        ("GET", ["users"]) => {
            assert_eq!(request.parameter("search_engine").as_deref(), Some("v3"));
            let query = request.parameter("q").unwrap();
            let ids = query.strip_prefix("user_id:(").and_then(|ids| ids.strip_suffix(')'));
            let ids: Vec<&str> = ids.map_or(Vec::new(), |ids| ids.split(" OR ").collect());
            let is_asked_for = |login: &&String| match ids.is_empty() {
                true => query == format!("username:\"{login}\""),
                false => ids.contains(&format!("\"{}\"", id_of(login)).as_str()),
            };
            // The index lags: who is new is not in it, and who was blocked is not yet.
            let of = state.logins.iter().filter(is_asked_for).filter(|login| !login.starts_with("new"));
            let lagging = |login: &String| {
                let mut lagging = account(state, login);
                lagging["blocked"] = false.into();
                lagging
            };
            let found: Vec<Value> = of.map(lagging).collect();
            assert!(found.len() <= request.parameter("per_page").unwrap().parse().unwrap());
            Answer::json(200, &found.into())
        }
        ("GET", ["custom-domains"]) => Answer::json(200, &state.domains),
        ("GET", ["connections"]) => {
            assert_eq!(request.parameter("strategy").as_deref(), Some("auth0"));
            let methods = json!({ "password": { "enabled": true }, "passkey": { "enabled": state.passkeys_enabled } });
            let connection = json!({
                "id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0",
                "options": { "authentication_methods": methods },
            });
            offset(request, "connections", &[connection], 1)
        }
        ("GET", ["roles"]) => {
            let role = |id: &str, name: &str| json!({ "id": id, "name": name, "description": "-" });
            offset(request, "roles", &[role(ROLE, "Admins"), role("rol_empty", "Nobody")], 2)
        }
        ("GET", ["roles", id, "users"]) => role_users(state, request, id),
        (method, ["user-blocks", id]) if is_user(state, id) => match method {
            "DELETE" => {
                state.locked = false;
                Answer::empty(204)
            }
            _ => {
                let one = json!({ "identifier": "ada@example.org", "ip": "192.0.2.1" });
                Answer::json(200, &json!({ "blocked_for": Vec::from_iter(state.locked.then_some(one)) }))
            }
        },
        (_, ["users", id, rest @ ..]) if is_user(state, id) => of_user(state, request, id, rest),
        _ => absent("inexistent_user"),
    }
}

fn is_user(state: &State, id: &str) -> bool {
    state.logins.iter().any(|login| id_of(login) == id)
}

fn role_users(state: &State, request: &Request, id: &str) -> Answer {
    let take: usize = request.parameter("take").unwrap().parse().unwrap();
    let from: usize = request.parameter("from").map_or(0, |from| from.parse().unwrap());
    assert!(take <= 100, "more than Auth0 gives on a page");
    let logins: &[String] = if id == ROLE { &state.logins } else { &[] };
    let user =
        |login: &String| json!({ "user_id": id_of(login), "email": format!("{login}@example.org"), "name": login });
    let users: Vec<Value> = logins.iter().skip(from).take(take).map(user).collect();
    let mut body = json!({ "users": users });
    if from + take < logins.len() {
        body["next"] = (from + take).to_string().into();
    }
    Answer::json(200, &body)
}

fn of_user(state: &mut State, request: &Request, id: &str, rest: &[&str]) -> Answer {
    let login = state.logins.iter().find(|login| id_of(login) == id).unwrap().clone();
    let is_it = |one: &Value, method: &str| one["user"] == id && one["id"] == method;
    match (request.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &account(state, &login)),
        ("PATCH", []) => {
            state.blocked = request.json()["blocked"].as_bool().unwrap();
            Answer::json(200, &account(state, &login))
        }
        ("GET", ["roles"]) => offset(request, "roles", &[json!({ "id": ROLE, "name": "Admins" })], 1),
        ("GET", ["logs"]) => {
            let page: usize = request.parameter("page").unwrap().parse().unwrap();
            Answer::json(200, &state.logs.iter().skip(page * 100).take(100).cloned().collect())
        }
        ("POST", ["revoke-access"]) => {
            state.sessions = 0;
            Answer::empty(202)
        }
        ("GET", ["authentication-methods"]) => {
            let own = state.methods.iter().filter(|one| one["user"] == id).map(shown);
            let own: Vec<Value> = own.collect();
            offset(request, "authenticators", &own, own.len() + usize::from(state.lies))
        }
        ("POST", ["authentication-methods"]) => create(state, id, &request.json()),
        ("PATCH", ["authentication-methods", method]) => {
            let Some(one) = state.methods.iter_mut().find(|one| is_it(one, method)) else {
                return absent("inexistent_authentication_method");
            };
            one["name"] = request.json()["name"].clone();
            Answer::json(200, &shown(one))
        }
        ("DELETE", ["authentication-methods", method]) => {
            let before = state.methods.len();
            state.methods.retain(|one| !is_it(one, method));
            if state.methods.len() == before { absent("inexistent_authentication_method") } else { Answer::empty(204) }
        }
        _ => absent("unknown"),
    }
}

/// Without what is ours.
fn shown(method: &Value) -> Value {
    let mut shown = method.clone();
    shown.as_object_mut().unwrap().remove("user");
    shown
}

/// Puts a method there as it is; gives it as it is shown.
pub(super) fn put(state: &mut State, user: &str, body: &Value) -> Value {
    state.made += 1;
    let mut method = body.clone();
    method["id"] = format!("{}|dev_{:016}", body["type"].as_str().unwrap(), state.made).into();
    method["user"] = user.into();
    method["confirmed"] = true.into();
    method["created_at"] = "2026-06-26T10:28:12.580Z".into();
    state.methods.push(method.clone());
    shown(&method)
}

fn create(state: &mut State, user: &str, body: &Value) -> Answer {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let public_key = BASE64.decode(text("public_key").as_bytes()).unwrap_or_default();
    let is_right = body["type"] == "passkey"
        && CosePublicKey::parse(&public_key).is_ok()
        && BASE64URL_NOPAD.decode(text("key_id").as_bytes()).is_ok_and(|id| !id.is_empty())
        && BASE64URL_NOPAD.decode(text("user_handle").as_bytes()).is_ok_and(|handle| handle.len() == 64)
        && format!("auth0|{}", text("identity_user_id")) == user
        && text("relying_party_identifier") == RP_ID
        && (body["aaguid"].is_null() || text("aaguid").parse::<Aaguid>().is_ok());
    if !is_right {
        return error(400, "Bad Request", "invalid_body");
    }
    let mut shown = put(state, user, body);
    shown.as_object_mut().unwrap().remove("confirmed");
    Answer::json(201, &shown)
}
