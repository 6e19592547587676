//! A Zitadel around the keys to play with: people, managers, sessions and login settings, as its protos describe them.
//!
//! What is told apart here because it bites: JSON leaves out what is empty or off; numbers are texts; a state that is there already is a
//! refusal; a session that was ended is listed once more.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};

pub(super) const PAT: &str = "a-personal-access-token";
pub(super) const ORGANIZATION: &str = "69629023906488334";

pub(super) struct State {
    /// Ada is the first.
    pub logins: Vec<String>,
    pub user_state: &'static str,
    /// Whether the account has a telephone.
    pub phone: bool,
    pub sessions: Vec<&'static str>,
    /// Ended, and listed once more.
    lagging: Vec<&'static str>,
    pub permissions: Vec<&'static str>,
    /// Paths whose requests are refused.
    pub refused: Vec<&'static str>,
    pub settings: Value,
}

pub(super) struct People {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl People {
    pub(super) fn start() -> Self {
        let state = State {
            logins: std::iter::once("ada".to_owned()).chain((0..120).map(|number| format!("user{number}"))).collect(),
            user_state: "ACTIVE",
            phone: true,
            sessions: vec!["s1", "s2"],
            lagging: Vec::new(),
            permissions: vec!["user.read", "user.write", "user.passkey.write", "org.member.read", "policy.read"],
            refused: Vec::new(),
            settings: json!({ "passkeysType": "PASSKEYS_TYPE_ALLOWED" }),
        };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Self { idp, state }
    }
}

fn error(status: u16, code: u8, message: &str) -> Answer {
    Answer::json(status, &json!({ "code": code, "message": message, "details": [] }))
}

fn done() -> Answer {
    let details = json!({ "sequence": "2", "changeDate": "2026-01-01T00:00:00Z", "resourceOwner": ORGANIZATION });
    Answer::json(200, &json!({ "details": details }))
}

fn id_of(login: &str) -> String {
    let number = login.bytes().fold(0_u64, |sum, byte| (sum * 257 + u64::from(byte)) % 99_999_989);
    format!("1638407768{number:08}")
}

fn account(state: &State, login: &str) -> Value {
    json!({
        "userId": id_of(login), "state": format!("USER_STATE_{}", state.user_state), "username": login, "loginNames": [login],
        "preferredLoginName": login, "human": { "profile": { "givenName": login, "familyName": "E", "displayName": login } },
    })
}

/// Empty lists are left out of JSON.
fn list(member: &str, all: &[Value], body: &Value) -> Answer {
    let number = |value: &Value| value.as_str().map_or(value.as_u64(), |text| text.parse().ok()).unwrap_or(0) as usize;
    let (from, size) = (number(&body["query"]["offset"]), number(&body["query"]["limit"]));
    let shown: Vec<Value> = all.iter().skip(from).take(if size == 0 { 100 } else { size }).cloned().collect();
    let mut answer = json!({ "details": { "totalResult": all.len().to_string() } });
    if !shown.is_empty() {
        answer[member] = json!(shown);
    }
    Answer::json(200, &answer)
}

fn answer(state: &mut State, request: &Request) -> Answer {
    if request.header("authorization") != Some(&format!("Bearer {PAT}")) {
        return error(401, 16, "invalid token (AUTH-7fs1e)");
    }
    if state.refused.iter().any(|path| request.path.starts_with(path)) {
        return error(403, 7, "No matching permissions found (AUTH-AWfge)");
    }
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let body = request.json();
    let member = |login: &str, roles: Value, kind: &str| json!({ "userId": id_of(login), "preferredLoginName": login, "roles": roles, "userType": kind });
    match (request.method.as_str(), &path[..]) {
        ("POST", ["auth", "v1", "permissions", "zitadel", "me", "_search"]) => {
            Answer::json(200, &json!({ "result": state.permissions }))
        }
        ("POST", ["v2", "users"]) => {
            let query = &body["queries"][0];
            let people: Vec<Value> = match query["loginNameQuery"]["loginName"].as_str() {
                Some(login) => {
                    state.logins.iter().filter(|known| *known == login).map(|login| account(state, login)).collect()
                }
                None if query["organizationIdQuery"]["organizationId"] == ORGANIZATION => {
                    let machine =
                        json!({ "userId": "9", "state": "USER_STATE_ACTIVE", "username": "bot", "machine": {} });
                    state.logins.iter().map(|login| account(state, login)).chain([machine]).collect()
                }
                None => Vec::new(),
            };
            list("result", &people, &body)
        }
        ("POST", ["admin", "v1", "members", "_search"]) => list(
            "result",
            &[member("ada", json!(["IAM_OWNER"]), "TYPE_HUMAN"), member("bot", json!(["IAM_OWNER"]), "TYPE_MACHINE")],
            &body,
        ),
        ("POST", ["management", "v1", "orgs", "me", "members", "_search"]) => {
            list("result", &[member("user1", json!(["ORG_OWNER", "ORG_USER_MANAGER"]), "TYPE_HUMAN")], &body)
        }
        ("POST", ["management", "v1", "users", _, "memberships", "_search"]) => {
            let of = |name: &str, roles: Value| json!({ "displayName": name, "roles": roles });
            list("result", &[of("ZITADEL", json!(["IAM_OWNER"])), of("Acme", json!(["ORG_OWNER"]))], &body)
        }
        ("GET", ["v2", "settings", "login"]) => {
            assert_eq!(request.parameter("ctx.orgId").as_deref(), Some(ORGANIZATION));
            Answer::json(200, &json!({ "details": {}, "settings": state.settings }))
        }
        ("POST", ["v2", "sessions", "search"]) => sessions(state, &body),
        ("POST", ["admin", "v1", "events", "_search"]) => events(&body),
        ("POST", ["zitadel.application.v2.ApplicationService", "ListApplications"]) => {
            assert_eq!(request.header("connect-protocol-version"), Some("1"));
            applications(&body)
        }
        ("DELETE", ["v2", "sessions", id]) => {
            let Some(at) = state.sessions.iter().position(|one| one == id) else {
                return error(404, 5, "Session not found (QUERY-SFeaa)");
            };
            let ended = state.sessions.remove(at);
            state.lagging.push(ended);
            done()
        }
        (method, ["v2", "users", user, rest @ ..]) => {
            match state.logins.iter().find(|login| id_of(login) == *user).cloned() {
                Some(login) => of_user(state, &login, method, rest),
                None => error(404, 5, "Not Found"),
            }
        }
        _ => error(404, 5, "Not Found"),
    }
}

fn sessions(state: &mut State, body: &Value) -> Answer {
    let asked = body["queries"][0]["userIdQuery"]["id"] == id_of("ada");
    let session = |id: &str, login: &str| {
        json!({ "id": id, "factors": {
            "user": { "verifiedAt": "2026-04-21T08:00:00Z", "id": id_of(login), "loginName": login },
            "webAuthN": { "verifiedAt": "2026-04-21T08:00:05Z", "userVerified": true },
        } })
    };
    let lagging = std::mem::take(&mut state.lagging);
    let own = state.sessions.iter().chain(&lagging).filter(|_| asked).map(|id| session(id, "ada"));
    // A server that does not know the query lists everybody's.
    list("sessions", &own.chain([session("s9", "user1")]).collect::<Vec<_>>(), body)
}

/// Pages of two: what comes after a sequence.
fn events(body: &Value) -> Answer {
    assert_eq!((&body["aggregateId"], &body["asc"]), (&json!(id_of("ada")), &json!(true)));
    let all: Vec<Value> = (1..=100)
        .map(|sequence| {
            json!({
                "aggregate": { "id": id_of("ada"), "type": { "type": "user" } }, "sequence": sequence.to_string(),
                "creationDate": format!("2026-04-21T08:{:02}:00Z", sequence % 60),
                "type": { "type": "user.human.passwordless.token.check.succeeded" },
            })
        })
        .chain([json!({
            "aggregate": { "id": id_of("ada"), "type": { "type": "user" } }, "sequence": "101",
            "creationDate": "2026-04-21T09:00:00Z", "type": { "type": "user.human.password.check.succeeded" },
        })])
        .collect();
    let after: u64 = body["sequence"].as_str().map_or(0, |text| text.parse().unwrap());
    let later = all.into_iter().filter(|event| event["sequence"].as_str().unwrap().parse::<u64>().unwrap() > after);
    Answer::json(200, &json!({ "events": later.take(100).collect::<Vec<_>>() }))
}

/// Knows no filter: what is switched off is among them.
fn applications(body: &Value) -> Answer {
    assert_eq!(body["pagination"]["offset"], "0");
    let app = |id: &str, state: &str, kind: &str| json!({ "applicationId": id, "name": id, "state": format!("APPLICATION_STATE_{state}"), kind: {} });
    let all = [
        app("Wiki", "ACTIVE", "oidcConfiguration"),
        app("Old", "INACTIVE", "samlConfiguration"),
        app("Backend", "ACTIVE", "apiConfiguration"),
    ];
    Answer::json(200, &json!({ "pagination": { "totalResult": "3" }, "applications": all }))
}

fn of_user(state: &mut State, login: &str, method: &str, rest: &[&str]) -> Answer {
    match (method, rest) {
        ("GET", []) => Answer::json(200, &json!({ "details": {}, "user": account(state, login) })),
        ("GET", ["authentication_methods"]) => {
            let kinds = ["PASSKEY"].into_iter().chain(state.phone.then_some("OTP_SMS"));
            let types: Vec<String> = kinds.map(|kind| format!("AUTHENTICATION_METHOD_TYPE_{kind}")).collect();
            Answer::json(200, &json!({ "details": {}, "authMethodTypes": types }))
        }
        ("DELETE", ["otp_sms"]) if state.phone => {
            state.phone = false;
            done()
        }
        ("POST", ["passkeys", "_search"]) => {
            let key = json!({ "id": "k1", "state": "AUTH_FACTOR_STATE_READY", "name": "k" });
            list("result", &[key], &json!({}))
        }
        ("POST", [change]) => {
            let (from, to) = match *change {
                "deactivate" => ("ACTIVE", "INACTIVE"),
                "reactivate" => ("INACTIVE", "ACTIVE"),
                "unlock" => ("LOCKED", "ACTIVE"),
                _ => return error(404, 5, "Not Found"),
            };
            if state.user_state != from {
                return error(400, 9, "User is in the wrong state (COMMAND-3M9sf)");
            }
            state.user_state = to;
            done()
        }
        _ => error(404, 5, "Not Found"),
    }
}
