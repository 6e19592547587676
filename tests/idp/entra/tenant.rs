//! A tenant of Entra ID around the keys to play with: people, groups, roles, policies, sessions and passes, as Graph describes them.
//!
//! What is told apart here because it bites: collections have pages with links; counts want a header; roles come by groups, and can be
//! taken on; what the tenant has no licence for is refused in words of its own; a token says what the app may do.

use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::fake_idp::{Answer, FakeIdp, Request};

pub(super) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(super) const SECRET: &str = "a-client-secret";
pub(super) const ADMINS: &str = "0aaaaaaa-0000-4000-8000-000000000001";
const PARENT: &str = "0aaaaaaa-0000-4000-8000-000000000002";
const KEY: &str = "73e4b2c6-8a2f-4d3e-9b1a-5c7d8e9f0a1b";
pub(super) const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

pub(super) struct State {
    /// Ada is the first.
    pub logins: Vec<String>,
    pub enabled: bool,
    /// Kinds of telephones; the last is the default method, and the mobile one goes after the alternate one.
    pub phones: Vec<&'static str>,
    pub sessions: bool,
    pub passes: Vec<String>,
    /// What the pass's policy makes of it.
    pub pass_usable: bool,
    /// Paths whose requests are refused.
    pub refused: Vec<&'static str>,
    /// Whether there is PIM, and what needs P1.
    pub licensed: bool,
    /// The app's permissions and directory roles; `None`: the token is no JWT.
    pub granted: Option<(Vec<&'static str>, Vec<&'static str>)>,
    pub key: Value,
    pub used: Option<&'static str>,
    pub methods: Value,
    pub access: Vec<Value>,
    pub security_defaults: bool,
    /// Whether its what-if finds policies not to be about Ada.
    pub evaluates_to_users: bool,
    /// Whether the app may see ids of accounts alone.
    pub ids_alone: bool,
}

pub(super) struct Tenant {
    pub idp: FakeIdp,
    pub state: Arc<Mutex<State>>,
}

impl Tenant {
    pub(super) fn start() -> Self {
        let logins = std::iter::once("ada".to_owned()).chain((0..4).map(|number| format!("user{number}"))).collect();
        let state = State {
            logins,
            enabled: true,
            phones: vec!["mobile"],
            sessions: true,
            passes: Vec::new(),
            pass_usable: true,
            refused: Vec::new(),
            licensed: true,
            granted: Some((Vec::new(), Vec::new())),
            key: json!({ "aaGuid": MODEL, "attestationLevel": "attested", "passkeyType": "deviceBound" }),
            used: Some("2026-04-20T10:15:30Z"),
            methods: methods(),
            access: vec![strength("Keys for administrators", PARENT)],
            security_defaults: false,
            evaluates_to_users: false,
            ids_alone: false,
        };
        let (idp, state) = FakeIdp::sharing(state, answer);
        Self { idp, state }
    }
}

/// A policy that demands keys of this group, for all applications.
pub(super) fn strength(name: &str, group: &str) -> Value {
    json!({
        "id": "p1", "displayName": name, "state": "enabled",
        "conditions": {
            "users": { "includeUsers": [], "includeGroups": [group], "excludeUsers": ["b1"], "excludeGroups": [], "excludeRoles": [] },
            "applications": { "includeApplications": ["All"], "excludeApplications": [], "includeUserActions": [] },
            "clientAppTypes": ["all"], "userRiskLevels": [], "signInRiskLevels": [],
        },
        "grantControls": {
            "operator": "OR", "builtInControls": [], "customAuthenticationFactors": [], "termsOfUse": [],
            "authenticationStrength": {
                "id": "00000000-0000-0000-0000-000000000004", "displayName": "Phishing-resistant MFA", "policyType": "builtIn",
                "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
            },
        },
    })
}

fn methods() -> Value {
    let config = |kind: &str, id: &str, state: &str| {
        json!({
            "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethodConfiguration"), "id": id, "state": state,
            "includeTargets": [{ "targetType": "group", "id": "all_users", "isRegistrationRequired": false }],
            "excludeTargets": [{ "targetType": "group", "id": PARENT }],
        })
    };
    let mut keys = config("fido2", "Fido2", "enabled");
    keys["excludeTargets"] = json!([]);
    json!({
        "id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy", "policyMigrationState": "migrationComplete",
        "registrationEnforcement": { "authenticationMethodsRegistrationCampaign": { "state": "default", "includeTargets": [] } },
        "authenticationMethodConfigurations": [keys, config("sms", "Sms", "enabled"), config("voice", "Voice", "disabled")],
    })
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let inner = json!({ "date": "2026-04-20T10:00:00", "request-id": "b8d3e3a5-1d2c-4f0a-9c68-0a3f1f2b7c11" });
    Answer::json(status, &json!({ "error": { "code": code, "message": message, "innerError": inner } }))
}

fn absent() -> Answer {
    error(404, "Request_ResourceNotFound", "Resource does not exist.")
}

fn id_of(login: &str) -> String {
    let number = login.bytes().fold(0_u64, |sum, byte| (sum * 257 + u64::from(byte)) % 999_999_999_989);
    format!("87d349ed-44d7-43e1-9a83-{number:012}")
}

fn token(state: &State) -> String {
    match &state.granted {
        None => "opaque".into(),
        Some((roles, wids)) => {
            let claims = json!({ "aud": "https://graph.microsoft.com", "roles": roles, "wids": wids });
            format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.to_string().as_bytes()))
        }
    }
}

/// Long lists by pages of `$top`, or 100, as Graph has them; short ones by pages of two, so that they are walked too.
fn page(request: &Request, all: &[Value]) -> Answer {
    let size = match all.len() {
        0..=10 => 2,
        _ => request.parameter("$top").map_or(100, |top| top.parse().unwrap()),
    };
    let from: usize = request.parameter("$skiptoken").map_or(0, |token| token.parse().unwrap());
    let mut answer = json!({ "value": all.iter().skip(from).take(size).collect::<Vec<_>>() });
    if all.len() > from + size {
        let kept: Vec<&str> = request.query.split('&').filter(|one| !one.contains("skiptoken=")).collect();
        let host = request.header("host").unwrap();
        answer["@odata.nextLink"] =
            json!(format!("http://{host}{}?{}&$skiptoken={}", request.path, kept.join("&"), from + size));
    }
    Answer::json(200, &answer)
}

fn answer(state: &mut State, request: &Request) -> Answer {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    if path == [TENANT, "oauth2", "v2.0", "token"] {
        return Answer::json(200, &json!({ "access_token": token(state), "token_type": "Bearer", "expires_in": 3599 }));
    }
    if request.header("authorization") != Some(&format!("Bearer {}", token(state))) {
        return error(401, "InvalidAuthenticationToken", "Access token is empty.");
    }
    if state.refused.iter().any(|path| request.path.starts_with(path)) {
        return error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
    }
    if request.query.contains("$count=true") && request.header("consistencylevel") != Some("eventual") {
        return error(400, "Request_UnsupportedQuery", "The header ConsistencyLevel is missing.");
    }
    match (request.method.as_str(), &path[..]) {
        (_, ["v1.0", "roleManagement", "directory", list]) => roles(state, request, list),
        ("GET", ["v1.0", "identityGovernance", "privilegedAccess", "group", "eligibilityScheduleInstances"]) => {
            eligible_members(state, request)
        }
        ("GET", ["v1.0", "groups", rest @ ..]) => groups(state, request, rest),
        ("GET", ["v1.0", "policies", "authenticationMethodsPolicy"]) => Answer::json(200, &state.methods),
        ("GET", ["v1.0", "policies", "identitySecurityDefaultsEnforcementPolicy"]) => Answer::json(
            200,
            &json!({ "id": "d", "displayName": "Security Defaults", "isEnabled": state.security_defaults }),
        ),
        ("GET", ["v1.0", "reports", "authenticationMethods", "userRegistrationDetails", id]) => {
            let details = json!({
                "id": id, "userPrincipalName": "ada", "userDisplayName": "ADA", "isAdmin": false, "isMfaCapable": true,
                "isMfaRegistered": true, "isPasswordlessCapable": true, "isSsprCapable": false, "isSsprEnabled": false,
                "isSsprRegistered": false, "methodsRegistered": ["mobilePhone"], "lastUpdatedDateTime": "2026-04-20T10:15:30Z",
            });
            Answer::json(200, &details)
        }
        ("GET", ["v1.0", "servicePrincipals"]) => {
            let app = |id: &str, enabled: bool| json!({ "appId": id, "displayName": id, "accountEnabled": enabled });
            page(request, &[app("payroll", true), app("mail", true), app("gone", false)])
        }
        ("GET", ["v1.0", "auditLogs", "signIns"]) => sign_ins(state, request),
        ("GET", ["v1.0", "identity", "conditionalAccess", "policies"]) => page(request, &state.access),
        ("POST", ["v1.0", "identity", "conditionalAccess", "evaluate"]) => evaluated(state, &request.json()),
        (_, [version, "users", user, rest @ ..]) => {
            let Some(login) = state.logins.iter().find(|login| login == user || id_of(login) == *user).cloned() else {
                return absent();
            };
            of_user(state, request, version, &login, rest)
        }
        _ => absent(),
    }
}

/// Each policy, with whether it is about the sign-in that was asked about.
fn evaluated(state: &State, asked: &Value) -> Answer {
    assert_eq!(asked["signInIdentity"]["userId"], id_of("ada"));
    assert!(asked["signInContext"]["includeApplications"].as_array().is_some_and(|ids| ids.len() == 1));
    let judged = |policy: &Value| {
        let reason = match policy["state"] == "enabled" {
            true if state.evaluates_to_users => "users",
            true => "notSet",
            false => "policyNotEnabled",
        };
        let mut judged = policy.clone();
        judged["policyApplies"] = json!(reason == "notSet");
        judged["analysisReasons"] = json!(reason);
        judged
    };
    Answer::json(200, &json!({ "value": state.access.iter().map(judged).collect::<Vec<_>>() }))
}

fn sign_ins(state: &State, request: &Request) -> Answer {
    if !state.licensed {
        let why = "Neither tenant is B2C or tenant doesn't have premium license";
        return error(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", why);
    }
    let filter = request.parameter("$filter").unwrap();
    let seen = |at: &str, code: i64, app: &str, client: &str| json!({ "id": at, "createdDateTime": at, "appId": app, "clientAppUsed": client, "status": { "errorCode": code } });
    if filter.contains("IMAP4") {
        return page(request, &[seen("2026-04-20T10:15:30Z", 0, "mail", "IMAP4")]);
    }
    assert!(filter.starts_with(&format!("userId eq '{}' and createdDateTime ge ", id_of("ada"))), "{filter}");
    let all = [
        seen("2026-04-20T10:15:32Z", 0, "payroll", "Browser"),
        seen("2026-04-20T10:15:31Z", 50126, "payroll", "Browser"),
        seen("2026-04-20T10:15:30Z", 0, "payroll", "Browser"),
    ];
    page(request, &all)
}

fn user(state: &State, login: &str) -> Value {
    if state.ids_alone {
        return json!({ "id": id_of(login), "userPrincipalName": null, "displayName": null, "accountEnabled": null, "userType": null });
    }
    json!({
        "id": id_of(login), "userPrincipalName": login, "displayName": login.to_uppercase(), "accountEnabled": state.enabled,
        "userType": if login == "user3" { "Guest" } else { "Member" },
    })
}

fn principal(kind: &str, id: &str, name: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id, "displayName": name, "userPrincipalName": name })
}

fn roles(state: &State, request: &Request, list: &str) -> Answer {
    let of = |role: &str, principal: &Value| json!({ "id": "a", "roleDefinitionId": role, "principalId": principal["id"], "principal": principal, "directoryScopeId": "/" });
    let ada = principal("user", &id_of("ada"), "ada");
    let group = principal("group", ADMINS, "Admins");
    let all = match list {
        "roleDefinitions" => {
            return page(
                request,
                &["global", "helpdesk", "reader"].map(|id| json!({ "id": id, "displayName": id.to_uppercase() })),
            );
        }
        "roleAssignments" => {
            vec![of("global", &ada), of("helpdesk", &group), of("reader", &principal("servicePrincipal", "sp", "app"))]
        }
        "roleEligibilityScheduleInstances" if !state.licensed => {
            return error(
                400,
                "AadPremiumLicenseRequired",
                "The tenant needs Microsoft Entra ID P2: AadPremiumLicenseRequired",
            );
        }
        "roleEligibilityScheduleInstances" => vec![of("reader", &ada)],
        _ => return absent(),
    };
    let filter = request.parameter("$filter");
    let fits = |one: &&Value| {
        filter
            .as_ref()
            .is_none_or(|filter| *filter == format!("principalId eq '{}'", one["principalId"].as_str().unwrap()))
    };
    page(request, &all.iter().filter(fits).cloned().collect::<Vec<_>>())
}

fn eligible_members(state: &State, request: &Request) -> Answer {
    if !state.licensed {
        return error(
            400,
            "AadPremiumLicenseRequired",
            "The tenant needs Microsoft Entra ID P2: AadPremiumLicenseRequired",
        );
    }
    assert_eq!(request.parameter("$filter"), Some(format!("groupId eq '{ADMINS}'")));
    let one = json!({
        "id": "e", "accessId": "member", "groupId": ADMINS, "principalId": id_of("user2"), "memberType": "direct",
        "principal": principal("user", &id_of("user2"), "user2"),
    });
    page(request, &[one])
}

fn groups(state: &State, request: &Request, rest: &[&str]) -> Answer {
    let group = |id: &str, name: &str| json!({ "id": id, "displayName": name, "isAssignableToRole": id == ADMINS });
    match rest {
        [] => {
            let all = [group(ADMINS, "Admins"), group(PARENT, "All admins")];
            let filter = request.parameter("$filter").unwrap();
            let fits = |one: &&Value| filter == format!("displayName eq '{}'", one["displayName"].as_str().unwrap());
            page(request, &all.iter().filter(fits).cloned().collect::<Vec<_>>())
        }
        [id, "transitiveMembers", "microsoft.graph.user"] if *id == ADMINS || *id == PARENT => {
            page(request, &state.logins.iter().map(|login| user(state, login)).collect::<Vec<_>>())
        }
        [id, "transitiveMemberOf", "microsoft.graph.group"] => {
            page(request, &[group(PARENT, "All admins")][..usize::from(*id == ADMINS)])
        }
        _ => absent(),
    }
}

fn phone_id(kind: &str) -> &'static str {
    match kind {
        "mobile" => "3179e48a-750b-4051-897c-87b9720928f7",
        _ => "b6332ec1-7057-4abe-9331-3d72feddfe41",
    }
}

fn of_user(state: &mut State, request: &Request, version: &str, login: &str, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) if request.query.contains("signInActivity") => {
            if !state.licensed {
                let why = "Neither tenant is B2C or tenant doesn't have premium license";
                return error(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", why);
            }
            let activity =
                json!({ "lastSignInDateTime": "2026-04-21T08:00:00Z", "lastNonInteractiveSignInDateTime": null });
            Answer::json(200, &json!({ "id": id_of(login), "signInActivity": activity }))
        }
        ("GET", []) => Answer::json(200, &user(state, login)),
        ("PATCH", []) => {
            state.enabled = request.json()["accountEnabled"].as_bool().unwrap();
            Answer::empty(204)
        }
        ("POST", ["revokeSignInSessions"]) => {
            state.sessions = false;
            Answer::json(200, &json!({ "value": true }))
        }
        ("GET", ["transitiveMemberOf", "microsoft.graph.group"]) => {
            let of = |id: &str, roles: bool| json!({ "id": id, "displayName": "Admins", "isAssignableToRole": roles });
            page(request, &[of(ADMINS, true), of(PARENT, false)])
        }
        ("GET", ["authentication", "fido2Methods"]) => {
            let mut key = json!({
                "id": KEY, "displayName": "k", "createdDateTime": "2026-04-20T10:15:30Z", "model": "m",
                "attestationCertificates": [],
            });
            for (name, value) in state.key.as_object().unwrap() {
                key[name] = value.clone();
            }
            if version == "beta" {
                key["lastUsedDateTime"] = json!(state.used);
            }
            page(request, &[key])
        }
        ("GET", ["authentication", "methods"]) => {
            let pass = |id: &String| json!({ "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "id": id });
            let phone = |kind: &&str| json!({ "@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": phone_id(kind), "phoneType": kind });
            page(request, &state.passes.iter().map(pass).chain(state.phones.iter().map(phone)).collect::<Vec<_>>())
        }
        ("DELETE", ["authentication", "phoneMethods", id]) => {
            let Some(at) = state.phones.iter().position(|kind| phone_id(kind) == *id) else {
                return error(404, "resourceNotFound", "The method does not exist.");
            };
            if at + 1 == state.phones.len() && state.phones.len() > 1 {
                let why = "Cannot delete default method with other methods configured. Please change default method before deletion.";
                return error(400, "badRequest", why);
            }
            state.phones.remove(at);
            Answer::empty(204)
        }
        ("POST", ["authentication", "temporaryAccessPassMethods"]) => {
            let minutes = request.json()["lifetimeInMinutes"].as_u64().unwrap();
            if !(10..=43_200).contains(&minutes) {
                return error(400, "badRequest", "lifetimeInMinutes is out of range.");
            }
            state.passes = vec!["7a55".into()];
            let reason = if state.pass_usable { "EnabledByPolicy" } else { "DisabledByPolicy" };
            let issued = json!({
                "id": "7a55", "temporaryAccessPass": "TAPRocks!", "isUsable": state.pass_usable, "methodUsabilityReason": reason,
                "isUsableOnce": request.json()["isUsableOnce"], "lifetimeInMinutes": minutes, "startDateTime": "2126-04-20T10:15:30Z",
            });
            Answer::json(201, &issued)
        }
        ("DELETE", ["authentication", "temporaryAccessPassMethods", id]) => {
            match state.passes.iter().any(|pass| pass == id) {
                true => {
                    state.passes.clear();
                    Answer::empty(204)
                }
                false => error(404, "resourceNotFound", "The method does not exist."),
            }
        }
        _ => absent(),
    }
}
