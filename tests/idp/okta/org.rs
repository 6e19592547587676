//! An Okta org around the keys to play with: people, groups, roles, policies, sessions, codes and the System Log, as Okta's description
//! has them.
//!
//! What is told apart here because it bites: lists have pages, and links between them; only active accounts can be suspended, and
//! none twice; a role comes by a group too; a code takes the place of the one before.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};

pub(super) const TOKEN: &str = "an-api-token";
pub(super) const ADMINS: &str = "00gadmins00000000001";
const EVERYONE: &str = "00geveryone000000001";
const WEBAUTHN: &str = "fwf00000000000000001";

pub(super) struct State {
    /// Logins with their status; Ada is the first.
    pub people: Vec<(String, &'static str)>,
    /// Paths whose requests are refused.
    pub refused: Vec<&'static str>,
    pub sessions: usize,
    /// Whether the org has temporary access codes, and the account's.
    pub has_codes: bool,
    pub codes: Vec<String>,
    /// The type of our own account's role.
    pub own_role: Option<&'static str>,
    /// When the key was last used: as the factor tells, and as the log tells.
    pub verified: Option<&'static str>,
    pub logged: Option<&'static str>,
    pub key_name: &'static str,
    /// Whether the account has a telephone, and whether that is good for recovery too.
    pub phone: bool,
    pub recovery_phone: bool,
    /// Policies and their rules.
    pub policies: Vec<Value>,
    pub rules: Vec<(&'static str, Value)>,
    pub unmapped: Vec<&'static str>,
    /// Whether Okta turned policy simulation on for the org, and whether it finds catch-all rules to take Ada.
    pub simulates: bool,
    pub simulates_catch_all: bool,
    made: usize,
}

pub(super) struct Org {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Org {
    pub(super) fn start() -> Self {
        let mut people = vec![("ada".to_owned(), "ACTIVE")];
        people.extend((0..250).map(|number| (format!("user{number}"), "ACTIVE")));
        let (policies, rules) = policies();
        let state = State {
            people,
            refused: Vec::new(),
            sessions: 3,
            has_codes: true,
            codes: Vec::new(),
            own_role: Some("HELP_DESK_ADMIN"),
            verified: Some("2026-04-20T10:15:30.000Z"),
            logged: None,
            key_name: "Soft key",
            phone: true,
            recovery_phone: true,
            policies,
            rules,
            unmapped: vec!["acp-unused"],
            simulates: true,
            simulates_catch_all: false,
            made: 0,
        };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Self { idp, state }
    }
}

/// A policy of each type for administrators, and Okta's own for everybody else.
fn policies() -> (Vec<Value>, Vec<(&'static str, Value)>) {
    let policy = |kind: &str, id: &str, name: &str, priority: u32, system: bool| json!({ "id": id, "type": kind, "name": name, "status": "ACTIVE", "priority": priority, "system": system });
    let with = |mut policy: Value, more: Value| {
        for (name, value) in more.as_object().unwrap() {
            policy[name] = value.clone();
        }
        policy
    };
    let of = |groups: Value| json!({ "people": { "groups": { "include": groups } } });
    let may = |keys: Value| json!({ "settings": { "type": "AUTHENTICATORS", "authenticators": keys } });
    let key = |key: &str, by_oneself: &str| json!({ "key": key, "enroll": { "self": by_oneself } });
    let strict =
        may(json!([key("webauthn", "REQUIRED"), key("okta_password", "REQUIRED"), key("phone_number", "NOT_ALLOWED")]));
    let lax = may(json!([key("webauthn", "OPTIONAL"), key("phone_number", "OPTIONAL")]));
    let password = |provider: &str, groups: Value| json!({ "conditions": { "authProvider": { "provider": provider }, "people": { "groups": { "include": groups } } } });
    let policies = vec![
        with(
            with(policy("MFA_ENROLL", "enr-default", "Default", 2, true), lax),
            json!({ "conditions": of(json!([EVERYONE])) }),
        ),
        with(
            with(policy("MFA_ENROLL", "enr-admins", "Keys", 1, false), strict),
            json!({ "conditions": of(json!([ADMINS])) }),
        ),
        policy("ACCESS_POLICY", "acp-console", "Console", 1, false),
        policy("ACCESS_POLICY", "acp-unused", "Any two factors", 2, false),
        with(
            policy("ACCESS_POLICY", "acp-account", "Account management", 3, true),
            json!({ "_embedded": { "resourceType": "END_USER_ACCOUNT_MANAGEMENT" } }),
        ),
        with(policy("PASSWORD", "pwd-admins", "Admins", 1, false), password("OKTA", json!([ADMINS]))),
        with(policy("PASSWORD", "pwd-default", "Default", 2, true), password("OKTA", json!([EVERYONE]))),
    ];
    let rule = |kind: &str, name: &str, priority: u32, more: Value| {
        with(
            json!({ "id": format!("0pr{name}"), "type": kind, "name": name, "status": "ACTIVE", "priority": priority, "system": false }),
            more,
        )
    };
    let anywhere = json!({ "network": { "connection": "ANYWHERE" } });
    let enrol = |name: &str| {
        rule("MFA_ENROLL", name, 1, json!({ "conditions": anywhere, "actions": { "enroll": { "self": "CHALLENGE" } } }))
    };
    let assure = |constraints: Value| {
        json!({ "appSignOn": { "access": "ALLOW", "verificationMethod": {
            "type": "ASSURANCE", "factorMode": "2FA", "constraints": constraints,
        } } })
    };
    let strong = assure(json!([{ "possession": { "required": true, "phishingResistant": "REQUIRED" } }]));
    let reset = |access: &str, control: &str| {
        json!({ "conditions": { "network": { "connection": "ANYWHERE" } }, "actions": { "selfServicePasswordReset": {
            "access": access, "requirement": { "accessControl": control, "primary": { "methods": ["sms", "email"] } },
        } } })
    };
    let rules = vec![
        ("enr-default", enrol("all")),
        ("enr-admins", enrol("admins")),
        (
            "acp-console",
            rule("ACCESS_POLICY", "Admins", 1, json!({ "conditions": of(json!([ADMINS])), "actions": strong })),
        ),
        ("acp-console", rule("ACCESS_POLICY", "Catch-all", 99, json!({ "actions": assure(json!([])) }))),
        ("acp-unused", rule("ACCESS_POLICY", "Catch-all", 99, json!({ "actions": assure(json!([])) }))),
        ("acp-account", rule("ACCESS_POLICY", "Recovery", 1, json!({ "actions": strong }))),
        ("pwd-admins", rule("PASSWORD", "Admins", 1, reset("ALLOW", "AUTH_POLICY"))),
        ("pwd-default", rule("PASSWORD", "Default", 1, reset("ALLOW", "LEGACY"))),
    ];
    (policies, rules)
}

fn error(status: u16, code: &str, summary: &str) -> Answer {
    let body =
        json!({ "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae1", "errorCauses": [] });
    Answer::json(status, &body)
}

fn absent() -> Answer {
    error(404, "E0000007", "Not found: Resource not found")
}

fn id_of(login: &str) -> String {
    format!("00u{login:0>17}")
}

fn account((login, status): &(String, &'static str)) -> Value {
    json!({
        "id": id_of(login), "status": status, "lastLogin": "2026-04-21T08:00:00.000Z",
        "profile": { "login": login, "firstName": login.to_uppercase(), "lastName": "Example" },
    })
}

fn role(kind: &str, label: &str, by: &str) -> Value {
    json!({ "id": format!("ra{kind}"), "type": kind, "label": label, "status": "ACTIVE", "assignmentType": by })
}

/// A page of this many, with links as Okta has them.
fn paged(request: &Request, all: &[Value], most: usize) -> (Vec<Value>, Option<String>) {
    let number = |name: &str| request.parameter(name).and_then(|value| value.parse().ok());
    let from: usize = number("after").unwrap_or(0);
    let size: usize = number("limit").unwrap_or(most).min(most);
    let page: Vec<Value> = all.iter().skip(from).take(size).cloned().collect();
    let kept: Vec<&str> =
        request.query.split('&').filter(|one| !one.is_empty() && !one.starts_with("after=")).collect();
    let query = [format!("after={}", from + size), kept.join("&")].join("&");
    let next = (from + size < all.len()).then(|| format!("https://acme.okta.com{}?{query}", request.path));
    (page, next)
}

fn page(request: &Request, all: &[Value], most: usize) -> Answer {
    let (page, next) = paged(request, all, most);
    let answer = Answer::json(200, &Value::Array(page))
        .with("Link", &format!("<https://acme.okta.com{}>; rel=\"self\"", request.path));
    match next {
        Some(next) => answer.with("Link", &format!("<{next}>; rel=\"next\"")),
        None => answer,
    }
}

fn answer(state: &mut State, request: &Request) -> Answer {
    if request.header("authorization") != Some(&format!("SSWS {TOKEN}")) {
        return error(401, "E0000011", "Invalid token provided");
    }
    if state.refused.iter().any(|path| request.path.starts_with(path)) {
        return error(403, "E0000006", "You do not have permission to perform the requested action");
    }
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["api", "v1", path @ ..] = &path[..] else { return absent() };
    let accounts = || state.people.iter().map(account).collect::<Vec<_>>();
    match (request.method.as_str(), path) {
        ("GET", ["users"]) => page(request, &accounts(), 200),
        ("GET", ["users", "me"]) => Answer::json(200, &account(&("service".into(), "ACTIVE"))),
        ("GET", ["users", id, "roles"]) => roles(state, id),
        ("GET", ["groups"]) => groups(request),
        ("GET", ["groups", id, "users"]) => match *id {
            ADMINS => page(request, &accounts()[..state.people.len().min(205)], 200),
            EVERYONE => page(request, &accounts(), 200),
            _ => absent(),
        },
        ("GET", ["groups", id, "roles"]) => match *id {
            ADMINS => Answer::json(200, &json!([role("APP_ADMIN", "Application Administrator", "GROUP")])),
            _ => Answer::json(200, &json!([])),
        },
        ("GET", ["iam", "assignees", "users"]) => {
            let all: Vec<Value> = state.people[..3].iter().map(|one| json!({ "id": id_of(&one.0) })).collect();
            let (value, next) = paged(request, &all, 2);
            let mut body = json!({ "value": value });
            if let Some(href) = next {
                body["_links"] = json!({ "next": { "href": href } });
            }
            Answer::json(200, &body)
        }
        ("GET", ["policies"]) => {
            let kind = request.parameter("type");
            let of = state.policies.iter().filter(|one| one["type"].as_str() == kind.as_deref());
            page(request, &of.cloned().collect::<Vec<_>>(), 1)
        }
        ("POST", ["policies", "simulate"]) => simulated(state, &request.json()),
        ("GET", ["policies", id, "rules"]) => Answer::json(
            200,
            &state.rules.iter().filter(|(policy, _)| policy == id).map(|(_, rule)| rule.clone()).collect(),
        ),
        ("GET", ["policies", id, "mappings"]) => match state.unmapped.contains(id) {
            true => Answer::json(200, &json!([])),
            false => Answer::json(200, &json!([{ "id": "rsm1" }])),
        },
        ("GET", ["authenticators"]) => {
            let tac = json!({ "type": "tac", "id": "aut1", "key": "tac", "status": "ACTIVE", "name": "Temporary Access Code" });
            Answer::json(200, &state.has_codes.then_some(tac).into_iter().collect())
        }
        ("GET", ["apps" | "logs"]) => apps_and_logs(state, request, path[0]),
        (_, ["users", id, rest @ ..]) => {
            let Some(at) = state.people.iter().position(|(login, _)| login == id || id_of(login) == *id) else {
                return absent();
            };
            of_user(state, request, at, rest)
        }
        _ => absent(),
    }
}

/// The rule of the application's policy that takes Ada, an administrator.
fn simulated(state: &State, asked: &Value) -> Answer {
    if !state.simulates {
        return absent();
    }
    let [asked] = asked.as_array().unwrap().as_slice() else { panic!("one at a time") };
    assert_eq!(asked["policyContext"]["user"]["id"], id_of("ada"));
    let policy = match asked["appInstance"].as_str().unwrap() {
        "Console" => "acp-console",
        _ => "acp-account",
    };
    let of_policy = state.rules.iter().filter(|(id, _)| *id == policy).map(|(_, rule)| rule);
    let taken: Vec<&Value> = of_policy.collect();
    let rule = if state.simulates_catch_all { taken[taken.len() - 1] } else { taken[0] };
    let rules = json!([{ "id": rule["id"], "name": rule["name"], "status": "MATCH", "conditions": [] }]);
    let policies = json!([{ "id": policy, "name": policy, "status": "MATCH", "conditions": [], "rules": rules }]);
    Answer::json(200, &json!([{ "policyType": ["ACCESS_POLICY"], "result": { "policies": policies } }]))
}

fn apps_and_logs(state: &State, request: &Request, list: &str) -> Answer {
    match list {
        "apps" => {
            let app = |id: &str, name: &str, mode: &str, policy: Option<&str>| {
                let links = policy.map_or(
                    json!({}),
                    |id| json!({ "accessPolicy": { "href": format!("https://acme.okta.com/api/v1/policies/{id}") } }),
                );
                json!({ "id": id, "label": id, "name": name, "status": "ACTIVE", "signOnMode": mode, "_links": links })
            };
            let all = [
                app("Console", "saasure", "OPENID_CONNECT", Some("acp-console")),
                app("Vault", "template_swa", "BROWSER_PLUGIN", Some("acp-account")),
                app("Wiki", "oidc_client", "OPENID_CONNECT", Some("acp-account")),
                app("Link", "bookmark", "BOOKMARK", None),
                app("Old", "saml", "SAML_2_0", None),
            ];
            page(request, &all, 3)
        }
        "logs" if request.parameter("until").is_some() => {
            assert_eq!(request.parameter("sortOrder").as_deref(), Some("ASCENDING"));
            let event = |published: &str, factor: Option<&str>| {
                let debug = json!({ "debugData": { "factor": factor.unwrap_or("") } });
                json!({ "eventType": "user.session.start", "published": published, "debugContext": debug })
            };
            page(
                request,
                &[event("2026-04-20T10:15:30.000Z", None), event("2026-04-20T10:15:31.000Z", Some("FIDO_WEBAUTHN"))],
                1,
            )
        }
        _ => {
            let event = |published| {
                json!({
                    "eventType": "user.authentication.auth_via_mfa", "published": published,
                    "target": [{ "id": WEBAUTHN, "type": "AuthenticatorEnrollment", "displayName": "k", "alternateId": "k" }],
                })
            };
            Answer::json(200, &state.logged.map(event).into_iter().collect())
        }
    }
}

fn roles(state: &State, id: &str) -> Answer {
    let own = |kind: &'static str| role(kind, kind, "USER");
    let roles = match id {
        _ if id == id_of("service") => state.own_role.map(own).into_iter().collect(),
        _ if id == id_of("ada") => {
            vec![
                role("SUPER_ADMIN", "Super Administrator", "USER"),
                role("APP_ADMIN", "Application Administrator", "GROUP"),
            ]
        }
        _ => vec![role("READ_ONLY_ADMIN", "Read-Only Administrator", "USER")],
    };
    Answer::json(200, &Value::Array(roles))
}

fn groups(request: &Request) -> Answer {
    let group = |id: &str, name: &str, admin: bool| json!({ "id": id, "profile": { "name": name }, "_embedded": { "stats": { "hasAdminPrivlege": admin } } });
    let all = [
        group(ADMINS, "Admins", true),
        group("00gstaff000000000001", "Staff", false),
        group(EVERYONE, "Everyone", false),
    ];
    if let Some(search) = request.parameter("search") {
        let named = all.iter().filter(|one| search == format!("profile.name eq {}", one["profile"]["name"]));
        return Answer::json(200, &named.cloned().collect());
    }
    match request.parameter("filter").as_deref() {
        Some("type eq \"BUILT_IN\"") => Answer::json(200, &json!([all[2]])),
        Some(_) => error(400, "E0000031", "Invalid search criteria."),
        None => page(request, &all, 2),
    }
}

fn of_user(state: &mut State, request: &Request, at: usize, rest: &[&str]) -> Answer {
    let status = state.people[at].1;
    match (request.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &account(&state.people[at])),
        ("GET", ["factors"]) => {
            let mut key = json!({
                "id": WEBAUTHN, "factorType": "webauthn", "provider": "FIDO", "vendorName": "FIDO", "status": "ACTIVE",
                "profile": { "credentialId": "AQID", "authenticatorName": state.key_name },
            });
            if let Some(verified) = state.verified {
                key["lastVerified"] = json!(verified);
            }
            let phone = json!({ "id": "mbl1", "factorType": "sms", "provider": "OKTA", "vendorName": "OKTA", "status": "ACTIVE" });
            Answer::json(200, &[key].into_iter().chain(state.phone.then_some(phone)).collect())
        }
        ("GET", ["authenticator-enrollments"]) => {
            let enrolled = |id: &str, key: &str| json!({ "id": id, "key": key, "status": "ACTIVE" });
            let phone = state.recovery_phone.then(|| enrolled("mbl1", "phone_number"));
            Answer::json(200, &[enrolled(WEBAUTHN, "webauthn")].into_iter().chain(phone).collect())
        }
        ("DELETE", ["factors", "mbl1"]) if state.phone => {
            state.phone = false;
            // Without a word it stays for recovery.
            state.recovery_phone &= request.parameter("removeRecoveryEnrollment").as_deref() != Some("true");
            Answer::empty(204)
        }
        ("POST", ["lifecycle", change]) => {
            let (from, to) = match *change {
                "suspend" => ("ACTIVE", "SUSPENDED"),
                "unsuspend" => ("SUSPENDED", "ACTIVE"),
                "unlock" => ("LOCKED_OUT", "ACTIVE"),
                _ => return absent(),
            };
            if status != from {
                return error(400, "E0000001", "Api validation failed: user status");
            }
            state.people[at].1 = to;
            Answer::json(200, &json!({}))
        }
        ("DELETE", ["sessions"]) => {
            assert_eq!(request.parameter("oauthTokens").as_deref(), Some("true"));
            state.sessions = 0;
            Answer::empty(204)
        }
        ("POST", ["authenticator-enrollments", "tac"]) => {
            let body = request.json();
            let minutes: i64 = body["profile"]["ttl"].as_str().unwrap().parse().unwrap();
            if !(10..=14_400).contains(&minutes) || body["authenticatorId"] != "aut1" {
                return error(400, "E0000001", "Api validation failed: ttl");
            }
            state.made += 1;
            let id = format!("tac{}", state.made);
            state.codes = vec![id.clone()];
            let profile = json!({ "tac": "73a1-9f", "multiUse": body["profile"]["multiUse"], "expiresAt": "2126-04-20T11:15:30.000Z" });
            Answer::json(
                200,
                &json!({ "id": id, "key": "tac", "type": "tac", "status": "ACTIVE", "name": "TAC", "profile": profile }),
            )
        }
        ("DELETE", ["authenticator-enrollments", id]) => match state.codes.iter().any(|code| code == id) {
            true => {
                state.codes.clear();
                Answer::empty(204)
            }
            false => absent(),
        },
        _ => absent(),
    }
}
