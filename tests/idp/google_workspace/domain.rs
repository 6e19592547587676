//! A domain at Google to play with: Directory and Reports API as Google's discovery documents and documentation describe them.
//!
//! What is told apart here because it bites: a token is for one scope, and refused if that is not delegated; reports are days late; a
//! quota is a 403; numbers are texts; roles name people by number.

use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::fake_idp::{Answer, FakeIdp, Request};

pub(super) struct State {
    /// By number and name; Ada is the first.
    pub people: Vec<(String, String)>,
    /// Scopes that are not delegated.
    pub denied: Vec<&'static str>,
    /// How many days late reports are.
    pub report_days: i64,
    pub over_quota: bool,
}

pub(super) struct Domain {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Domain {
    pub(super) fn start() -> Self {
        let people = [("1001", "ada"), ("1002", "bob"), ("1003", "eve")];
        let people = people.map(|(number, name)| (number.to_owned(), name.to_owned())).into();
        let state = State { people, denied: Vec::new(), report_days: 3, over_quota: false };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Self { idp, state }
    }
}

fn error(status: u16, reason: &str, message: &str) -> Answer {
    let detail = json!({ "domain": "global", "reason": reason, "message": message });
    Answer::json(status, &json!({ "error": { "code": status, "message": message, "errors": [detail] } }))
}

fn absent() -> Answer {
    error(404, "notFound", "Resource Not Found: userKey")
}

fn token(state: &State, request: &Request) -> Answer {
    assert_eq!(request.field("grant_type").as_deref(), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    let assertion = request.field("assertion").unwrap();
    let claims = BASE64URL_NOPAD.decode(assertion.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("keywright@project.iam.gserviceaccount.com"), &json!("admin@example.org"))
    );
    let scope = claims["scope"].as_str().unwrap().strip_prefix("https://www.googleapis.com/auth/").unwrap();
    if state.denied.contains(&scope) {
        let why = "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.";
        return Answer::json(401, &json!({ "error": "unauthorized_client", "error_description": why }));
    }
    Answer::json(200, &json!({ "access_token": scope, "token_type": "Bearer", "expires_in": 3599 }))
}

fn email(name: &str) -> String {
    format!("{name}@example.org")
}

fn account(number: &str, name: &str) -> Value {
    let is_ada = name == "ada";
    let mut account = json!({
        "kind": "admin#directory#user", "id": number, "primaryEmail": email(name), "name": { "fullName": name.to_uppercase() },
        "suspended": name == "eve", "isEnrolledIn2Sv": is_ada,
        "lastLoginTime": if is_ada { "2026-04-21T08:00:00.000Z" } else { "1970-01-01T00:00:00.000Z" },
    });
    if is_ada {
        account["recoveryPhone"] = json!("+495550100");
    }
    account
}

fn answer(state: &mut State, request: &Request) -> Answer {
    if request.path == "/token" {
        return token(state, request);
    }
    let Some(scope) = request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) else {
        return error(401, "authError", "Invalid Credentials");
    };
    if state.over_quota {
        return error(403, "userRateLimitExceeded", "User Rate Limit Exceeded");
    }
    let needs = |wanted: &str| {
        let refused = (scope != wanted)
            .then(|| error(403, "insufficientPermissions", "Request had insufficient authentication scopes."));
        refused.map_or(Ok(()), Err)
    };
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let asked = match &path[..] {
        ["admin", "directory", "v1", "users"] => needs("admin.directory.user.readonly").map(|()| {
            Answer::json(200, &json!({ "kind": "admin#directory#users", "users": state.people.iter().map(|(number, name)| account(number, name)).collect::<Vec<_>>() }))
        }),
        ["admin", "directory", "v1", "users", key] => needs("admin.directory.user.readonly").map(|()| of_key(state, key)),
        ["admin", "directory", "v1", "users", key, list @ ("asps" | "verificationCodes")] => {
            needs("admin.directory.user.security").map(|()| codes(key, list))
        }
        ["admin", "directory", "v1", "groups", rest @ ..] => {
            needs("admin.directory.group.readonly").map(|()| groups(state, request, rest))
        }
        ["admin", "directory", "v1", "customer", "my_customer", list] => {
            needs("admin.directory.rolemanagement.readonly").map(|()| roles(request, list))
        }
        ["admin", "reports", "v1", "usage", "users", key, "dates", date] => {
            needs("admin.reports.usage.readonly").map(|()| usage(state, request, key, date))
        }
        ["admin", "reports", "v1", "activity", "users", _, "applications", "login"] => {
            needs("admin.reports.audit.readonly").map(|()| activities(request))
        }
        _ => Err(absent()),
    };
    asked.unwrap_or_else(|refused| refused)
}

fn of_key(state: &State, key: &str) -> Answer {
    match state.people.iter().find(|(number, name)| *number == key || email(name) == key) {
        Some((number, name)) => Answer::json(200, &account(number, name)),
        None => absent(),
    }
}

fn codes(key: &str, list: &str) -> Answer {
    let items = match (key == email("ada"), list) {
        (false, _) => None,
        (true, "asps") => Some(json!([{ "codeId": 7, "name": "Mail", "userKey": "1001" }])),
        (true, _) => Some(json!([{ "userId": "1001", "verificationCode": "12345678" }])),
    };
    // Empty lists are left out.
    Answer::json(200, &items.map_or(json!({ "kind": "x" }), |items| json!({ "kind": "x", "items": items })))
}

fn groups(state: &State, request: &Request, rest: &[&str]) -> Answer {
    let group = email("admins");
    match rest {
        [] => Answer::json(200, &json!({ "kind": "admin#directory#groups", "groups": [] })),
        [id] if *id == "g1" || *id == group => {
            Answer::json(200, &json!({ "id": "g1", "email": group, "name": "Admins" }))
        }
        [id, "members"] if *id == "g1" || *id == group => {
            assert_eq!(request.parameter("includeDerivedMembership").as_deref(), Some("true"));
            let member = |(number, name): &(String, String)| json!({ "id": number, "email": email(name), "type": "USER", "role": "MEMBER", "status": "ACTIVE" });
            // A group within it stands among them.
            let nested = json!({ "id": "g2", "email": email("nested"), "type": "GROUP", "role": "MEMBER" });
            let mut members: Vec<Value> = state.people.iter().map(member).collect();
            members.insert(members.len().min(2), nested);
            // Long lists by pages of `maxResults`, as Google has them; short ones by pages of two, so that they are walked too.
            let size = match members.len() {
                0..=10 => 2,
                _ => request.parameter("maxResults").map_or(200, |most| most.parse().unwrap()),
            };
            let from: usize = request.parameter("pageToken").map_or(0, |token| token.parse().unwrap());
            let shown: Vec<Value> = members.iter().skip(from).take(size).cloned().collect();
            let mut body = json!({ "members": shown });
            if members.len() > from + size {
                body["nextPageToken"] = (from + size).to_string().into();
            }
            Answer::json(200, &body)
        }
        _ => error(404, "notFound", "Resource Not Found: groupKey"),
    }
}

fn roles(request: &Request, list: &str) -> Answer {
    let assigned = |role: &str, to: &str, kind: &str| json!({ "roleAssignmentId": "1", "roleId": role, "assignedTo": to, "assigneeType": kind, "scopeType": "CUSTOMER" });
    match (list, request.parameter("userKey"), request.parameter("pageToken")) {
        ("roles", ..) => {
            let role = |id: &str, name: &str| json!({ "roleId": id, "roleName": name });
            Answer::json(
                200,
                &json!({ "items": [role("10", "_SEED_ADMIN_ROLE"), role("20", "_HELP_DESK_ADMIN_ROLE")] }),
            )
        }
        ("roleassignments", Some(_), _) => Answer::json(200, &json!({ "items": [assigned("10", "1001", "user")] })),
        ("roleassignments", None, None) => {
            let items = [assigned("10", "1001", "user"), assigned("10", "999", "user")];
            Answer::json(200, &json!({ "items": items, "nextPageToken": "p2" }))
        }
        ("roleassignments", None, Some(_)) => Answer::json(200, &json!({ "items": [assigned("20", "g1", "group")] })),
        _ => absent(),
    }
}

fn usage(state: &State, request: &Request, key: &str, date: &str) -> Answer {
    let newest = OffsetDateTime::now_utc().date() - Duration::days(state.report_days);
    if date > newest.to_string().as_str() {
        return error(400, "invalid", &format!("Data for dates later than {newest} is not yet available."));
    }
    let report = |name: &str, keys: u32, passkeys: u32| {
        let number =
            |name: &str, value: u32| json!({ "name": format!("accounts:{name}"), "intValue": value.to_string() });
        let enrolled = json!({ "name": "accounts:is_2sv_enrolled", "boolValue": keys > 0 });
        json!({
            "date": date, "entity": { "type": "USER", "userEmail": email(name), "profileId": "1" },
            "parameters": [number("num_security_keys", keys), number("num_passkeys_enrolled", passkeys), enrolled],
        })
    };
    let mut body = json!({ "kind": "admin#reports#usageReports" });
    match (key, request.parameter("pageToken")) {
        ("all", None) => {
            body["usageReports"] = json!([report("ada", 2, 1), report("bob", 0, 0)]);
            body["nextPageToken"] = json!("p2");
        }
        ("all", Some(_)) => body["usageReports"] = json!([report("eve", 0, 0)]),
        (key, _) => {
            let (keys, passkeys) = if key == email("ada") { (2, 1) } else { (0, 0) };
            body["usageReports"] = json!([report(key.split('@').next().unwrap(), keys, passkeys)]);
        }
    }
    Answer::json(200, &body)
}

fn activities(request: &Request) -> Answer {
    assert_eq!(request.parameter("eventName").as_deref(), Some("login_success"));
    let ago = |hours: i64| {
        let at = OffsetDateTime::now_utc() - Duration::hours(hours);
        at.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    let item = |hours: i64, methods: &[&str]| {
        let parameters = [
            json!({ "name": "login_type", "value": "google_password" }),
            json!({ "name": "login_challenge_method", "multiValue": methods }),
        ];
        json!({
            "id": { "time": ago(hours), "applicationName": "login" }, "actor": { "email": "ada@example.org" },
            "events": [{ "type": "login", "name": "login_success", "parameters": parameters }],
        })
    };
    // The newest first, a page each.
    match request.parameter("pageToken") {
        None => Answer::json(200, &json!({ "items": [item(1, &["security_key"])], "nextPageToken": "p2" })),
        Some(_) => Answer::json(200, &json!({ "items": [item(5, &["google_password"])] })),
    }
}
