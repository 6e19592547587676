//! An environment of PingOne around the keys to play with: people, groups, roles, policies and sessions, as PingOne documents them.
//!
//! What is told apart here because it bites: lists go on by a link with a cursor; roles are listed for each account alone; an application
//! without a policy has the environment's; a lock is another thing than a disabled account.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};

pub(super) const ENVIRONMENT: &str = "abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6";
pub(super) const POLICY: &str = "58b2c1d0-6f7e-4a8b-9c0d-1e2f3a4b5c6d";
pub(super) const CLIENT: &str = "1f2e3d4c-5b6a-4798-8796-a5b4c3d2e1f0";
pub(super) const SECRET: &str = "a-client-secret";
pub(super) const GROUP: &str = "0aaaaaaa-0000-4000-8000-000000000001";
const ACCESS_TOKEN: &str = "an-access-token";

pub(super) struct State {
    /// Ada is the first.
    pub logins: Vec<String>,
    pub enabled: bool,
    pub locked: bool,
    pub sessions: Vec<String>,
    /// Whether the account has a telephone.
    pub phone: bool,
    /// Paths below the environment whose requests are refused.
    pub refused: Vec<&'static str>,
    /// The worker app's roles.
    pub own_roles: Vec<&'static str>,
    /// How many groups are within the group.
    pub nested: u64,
    pub backup: Value,
    /// More members of the MFA policy, and of its action.
    pub devices: Value,
    pub mfa: Value,
    pub recovery: bool,
    pub flow: bool,
}

pub(super) struct Environment {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Environment {
    pub(super) fn start() -> Self {
        let state = State {
            logins: ["ada", "user1", "user2"].map(String::from).into(),
            enabled: true,
            locked: false,
            sessions: vec!["s1".into(), "s2".into()],
            phone: true,
            refused: Vec::new(),
            own_roles: vec!["Identity Data Admin"],
            nested: 0,
            backup: json!({ "allow": false, "enforceDuringAuthentication": true }),
            devices: json!({}),
            mfa: json!({}),
            recovery: false,
            flow: false,
        };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Self { idp, state }
    }
}

fn error(status: u16, code: &str) -> Answer {
    Answer::json(
        status,
        &json!({ "id": "c7d2b0a4", "code": code, "message": "The request could not be completed.", "details": [] }),
    )
}

fn absent() -> Answer {
    error(404, "NOT_FOUND")
}

fn id_of(login: &str) -> String {
    let number = login.bytes().fold(0_u64, |sum, byte| (sum * 257 + u64::from(byte)) % 999_999_999_989);
    format!("87d349ed-44d7-43e1-9a83-{number:012}")
}

fn with(mut value: Value, more: &Value) -> Value {
    for (name, member) in more.as_object().into_iter().flatten() {
        value[name] = member.clone();
    }
    value
}

fn account(state: &State, login: &str) -> Value {
    json!({
        "id": id_of(login), "username": login, "email": format!("{login}@example.org"), "enabled": state.enabled, "mfaEnabled": true,
        "name": { "given": login, "family": "Example" }, "memberOfGroupIDs": [GROUP],
        "lastSignOn": { "at": "2026-04-21T08:00:00.000Z", "remoteIp": "192.0.2.1" },
        "account": { "canAuthenticate": !state.locked, "status": if state.locked { "LOCKED" } else { "OK" } },
    })
}

fn list(member: &str, items: Vec<Value>) -> Answer {
    Answer::json(200, &json!({ "_links": {}, "_embedded": { member: items } }))
}

/// Long lists by pages of `limit`, or 100, as PingOne has them; short ones by pages of two, so that they are walked too.
fn page(request: &Request, member: &str, items: &[Value]) -> Answer {
    let size = match items.len() {
        0..=10 => 2,
        _ => request.parameter("limit").map_or(100, |limit| limit.parse().unwrap()),
    };
    let from: usize = request.parameter("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let shown: Vec<Value> = items.iter().skip(from).take(size).cloned().collect();
    let mut body = json!({ "_links": {}, "_embedded": { member: shown } });
    if items.len() > from + size {
        let kept: Vec<&str> = request.query.split('&').filter(|one| !one.starts_with("cursor=")).collect();
        let next = format!("https://api.pingone.com{}?{}&cursor={}", request.path, kept.join("&"), from + size);
        body["_links"]["next"] = json!({ "href": next });
    }
    Answer::json(200, &body)
}

fn answer(state: &mut State, request: &Request) -> Answer {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if path == [ENVIRONMENT, "as", "token"] {
        return Answer::json(200, &json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600 }));
    }
    if request.header("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) {
        return error(401, "ACCESS_FAILED");
    }
    let below = request.path.split_once(ENVIRONMENT).map_or(request.path.as_str(), |(_, below)| below);
    if state.refused.iter().any(|path| below.starts_with(path)) {
        return error(403, "ACCESS_FAILED");
    }
    let role =
        |id: &str| json!({ "id": "ra", "role": { "id": id }, "scope": { "id": ENVIRONMENT, "type": "ENVIRONMENT" } });
    let people = || state.logins.iter().map(|login| account(state, login)).collect::<Vec<_>>();
    let path = match &path[..] {
        ["v1", "roles"] => {
            let names = ["Environment Admin", "Identity Data Admin", "Organization Admin", "Configuration Read Only"];
            return list("roles", names.map(|name| json!({ "id": name.to_lowercase(), "name": name })).into());
        }
        ["v1", "environments", ENVIRONMENT, path @ ..] => path,
        _ => return absent(),
    };
    match (request.method.as_str(), path) {
        ("GET", ["users"]) => match request.parameter("filter") {
            None => page(request, "users", &people()),
            Some(filter) if filter == format!("memberOfGroups[id eq \"{GROUP}\"]") => page(request, "users", &people()),
            Some(filter) => {
                let named = people().into_iter().filter(|one| filter == format!("username eq {}", one["username"]));
                list("users", named.collect())
            }
        },
        ("GET", ["users", id, "roleAssignments"]) => match *id == id_of("ada") {
            true => list("roleAssignments", vec![role("environment admin"), role("environment admin")]),
            false => list("roleAssignments", Vec::new()),
        },
        ("GET", ["groups", GROUP, "roleAssignments"]) => list("roleAssignments", vec![role("identity data admin")]),
        ("GET", ["applications", CLIENT, "roleAssignments"]) => {
            list("roleAssignments", state.own_roles.iter().map(|name| role(&name.to_lowercase())).collect())
        }
        ("GET", ["activities"]) => activities(request),
        ("GET", ["groups", rest @ ..]) => groups(state, request, rest),
        (_, ["users", id, rest @ ..]) => {
            let Some(login) = state.logins.iter().find(|login| id_of(login) == *id).cloned() else { return absent() };
            of_user(state, request, &login, rest)
        }
        ("GET", path) => policies(state, path),
        _ => absent(),
    }
}

/// A server that knows no filter for people: what others did is among it.
fn activities(request: &Request) -> Answer {
    let filter = request.parameter("filter").unwrap();
    assert!(
        filter.contains("recordedAt gt ") && filter.contains(&format!("actors.user.id eq \"{}\"", id_of("ada"))),
        "{filter}"
    );
    let one = |at: &str, action: &str, by: &str| json!({ "id": at, "recordedAt": at, "action": { "type": action }, "actors": { "user": { "id": id_of(by), "name": by } }, "result": { "status": "SUCCESS" } });
    let all = [
        one("2026-04-21T08:00:02.000Z", "USER.ACCESS_ALLOWED", "ada"),
        one("2026-04-21T08:00:01.000Z", "USER.UPDATED", "ada"),
        one("2026-04-21T08:00:00.000Z", "USER.ACCESS_ALLOWED", "user0"),
        one("2026-04-21T07:00:00.000Z", "USER.ACCESS_ALLOWED", "ada"),
    ];
    page(request, "activities", &all)
}

fn groups(state: &State, request: &Request, rest: &[&str]) -> Answer {
    let counts = json!({ "users": state.logins.len(), "groups": state.nested });
    let group = json!({ "id": GROUP, "name": "Admins", "directMemberCounts": counts });
    match rest {
        [] => match request.parameter("filter") {
            Some(filter) if filter != "name eq \"Admins\"" => list("groups", Vec::new()),
            _ => list("groups", vec![group]),
        },
        [GROUP] => Answer::json(200, &group),
        _ => absent(),
    }
}

fn policies(state: &State, path: &[&str]) -> Answer {
    let devices = with(
        json!({ "id": POLICY, "name": "Staff", "default": true, "fido2": { "enabled": true }, "sms": { "enabled": false } }),
        &state.devices,
    );
    let assigned = |id: &str| vec![json!({ "id": "a", "priority": 1, "signOnPolicy": { "id": id } })];
    match path {
        ["deviceAuthenticationPolicies"] => list("deviceAuthenticationPolicies", vec![devices]),
        ["deviceAuthenticationPolicies", POLICY] => Answer::json(200, &devices),
        ["fido2Policies"] => {
            let policy = json!({
                "id": "f1d0", "name": "Keys", "default": true, "relyingPartyId": "auth.example.org", "attestationRequirements": "NONE",
                "authenticatorAttachment": "BOTH", "discoverableCredentials": "REQUIRED", "backupEligibility": state.backup,
                "mdsAuthenticatorsRequirements": { "option": "NONE", "enforceDuringAuthentication": false },
                "userVerification": { "option": "REQUIRED", "enforceDuringAuthentication": true },
            });
            list("fido2Policies", vec![policy])
        }
        ["signOnPolicies"] => {
            let policy = |id: &str, default: bool| json!({ "id": id, "name": id, "default": default });
            list("signOnPolicies", vec![policy("Multi", true), policy("Single", false), policy("Unused", false)])
        }
        ["signOnPolicies", "Multi", "actions"] => {
            let login = json!({ "id": "l", "type": "LOGIN", "priority": 1, "recovery": { "enabled": state.recovery } });
            let mfa = json!({ "id": "m", "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 2, "deviceAuthenticationPolicy": { "id": POLICY } });
            list("actions", vec![with(mfa, &state.mfa), login])
        }
        ["signOnPolicies", _, "actions"] => list("actions", vec![json!({ "id": "l", "type": "LOGIN", "priority": 1 })]),
        ["applications"] => {
            let one = |id: &str, kind: &str| json!({ "id": id, "name": id, "enabled": true, "protocol": "OPENID_CONNECT", "type": kind });
            list("applications", vec![one("Portal", "WEB_APP"), one("Wiki", "WEB_APP"), one(CLIENT, "WORKER")])
        }
        ["applications", "Wiki", "flowPolicyAssignments"] if state.flow => {
            list("flowPolicyAssignments", vec![json!({ "id": "f", "priority": 1, "flowPolicy": { "id": "p" } })])
        }
        ["applications", _, "flowPolicyAssignments"] => list("flowPolicyAssignments", Vec::new()),
        ["applications", "Wiki", "signOnPolicyAssignments"] => list("signOnPolicyAssignments", assigned("Single")),
        ["applications", _, "signOnPolicyAssignments"] => list("signOnPolicyAssignments", Vec::new()),
        _ => absent(),
    }
}

fn of_user(state: &mut State, request: &Request, login: &str, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &account(state, login)),
        ("POST", []) => {
            assert_eq!(request.header("content-type"), Some("application/vnd.pingidentity.account.unlock+json"));
            state.locked = false;
            Answer::json(200, &account(state, login))
        }
        ("PUT", ["enabled"]) => {
            state.enabled = request.json()["enabled"].as_bool().unwrap();
            Answer::json(200, &json!({ "enabled": state.enabled }))
        }
        ("GET", ["sessions"]) => list("sessions", state.sessions.iter().map(|id| json!({ "id": id })).collect()),
        ("DELETE", ["sessions", id]) => {
            let before = state.sessions.len();
            state.sessions.retain(|one| one != id);
            if state.sessions.len() == before { absent() } else { Answer::empty(204) }
        }
        ("DELETE", ["devices", "d2"]) if state.phone => {
            state.phone = false;
            Answer::empty(204)
        }
        ("GET", ["devices"]) => {
            let device = |id: &str, kind: &str| json!({ "id": id, "type": kind, "status": "ACTIVE", "nickname": "k" });
            let phone = state.phone.then(|| device("d2", "SMS"));
            list("devices", [device("d1", "FIDO2")].into_iter().chain(phone).collect())
        }
        _ => absent(),
    }
}
