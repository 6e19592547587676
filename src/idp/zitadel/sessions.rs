//! A Zitadel account's sessions: ends them one by one, and reads from them when it was last used (`/v2/sessions`; confirmed by its
//! proto, except which permission it takes).
//!
//! A session that was ended is gone: it refuses to read none as "never". Which passkey was used none of them says. Sign-ins are in the
//! events, which only somebody with `events.read` of the instance sees (`POST /admin/v1/events/_search`; confirmed by its proto, the
//! names of events by its source).

use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use ureq::http::Method;

use super::{Done, GRPC_NOT_FOUND, Zitadel};
use crate::idp::capability::last_use::{LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::sessions::Sessions;
use crate::idp::capability::told::{Listing, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const SIZE: usize = 100;

/// Pages that are read before the list is held to be without end.
const MOST_PAGES: usize = 100;

const ACCOUNT: &str = "when the account was last used";

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "details")]
    _details: Value,
    #[serde(default)]
    sessions: Vec<Open>,
}

/// `zitadel.session.v2.Session`.
#[derive(Deserialize)]
struct Open {
    id: String,
    #[serde(default)]
    factors: Factors,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Factors {
    user: Option<Checked>,
    password: Option<Checked>,
    web_auth_n: Option<Checked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    #[serde(default, with = "time::serde::rfc3339::option")]
    verified_at: Option<OffsetDateTime>,
    /// Of the factor `user`: whose session it is.
    #[serde(default)]
    id: Option<String>,
}

/// Events of an account that opened a door by themselves: a second factor comes after one of them.
const SIGN_INS: [&str; 3] = [
    "user.human.password.check.succeeded",
    "user.human.passwordless.token.check.succeeded",
    "user.human.externallogin.check.succeeded",
];

#[derive(Deserialize)]
struct Events {
    #[serde(default)]
    events: Vec<Event>,
}

/// `zitadel.event.v1.Event`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    aggregate: Aggregate,
    #[serde(default)]
    sequence: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    creation_date: Option<OffsetDateTime>,
    #[serde(default, rename = "type")]
    kind: EventType,
}

#[derive(Default, Deserialize)]
struct Aggregate {
    #[serde(default)]
    id: String,
}

#[derive(Default, Deserialize)]
struct EventType {
    #[serde(default, rename = "type")]
    name: String,
}

impl Zitadel {
    fn sign_in_events(&self, user: &User, since: OffsetDateTime) -> Result<Vec<SignInSeen>, DirectoryError> {
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut body = json!({
                "limit": SIZE, "asc": true, "aggregateId": user.id, "aggregateTypes": ["user"], "eventTypes": SIGN_INS,
            });
            if let Some(after) = &after {
                body["sequence"] = json!(after);
            }
            let page = self.post("/admin/v1/events/_search", &body, "list of events")?.json::<Events>()?.events;
            let last = page.last().and_then(|event| event.sequence.clone());
            let is_whole = page.len() < SIZE || last.is_none() || last == after;
            // A page may begin with the one that the last page ended with.
            let is_theirs = |event: &Event| {
                let is_new = after.is_none() || event.sequence != after;
                is_new && event.aggregate.id == user.id && SIGN_INS.contains(&event.kind.name.as_str())
            };
            let theirs = page.into_iter().filter(is_theirs);
            let signed =
                theirs.filter_map(|event| Some(SignInSeen { at: event.creation_date?, by: Some(event.kind.name) }));
            seen.extend(signed.filter(|one| one.at >= since));
            if is_whole {
                return Ok(seen);
            }
            after = last;
        }
        Err(self.session.idp().invalid_response("a list of events without end"))
    }

    /// The account's sessions. One of somebody else is never among them, whatever a server makes of the query.
    fn open_sessions(&self, user: &User) -> Result<Vec<Open>, DirectoryError> {
        let mut all = Vec::new();
        for page in 0..MOST_PAGES {
            let body = json!({
                "query": { "offset": (page * SIZE).to_string(), "limit": SIZE, "asc": true },
                "queries": [{ "userIdQuery": { "id": user.id } }],
            });
            let found = self.post("/v2/sessions/search", &body, "list of sessions")?.json::<Found>()?.sessions;
            let count = found.len();
            let is_theirs = |one: &Open| {
                one.factors.user.as_ref().and_then(|checked| checked.id.as_deref()) == Some(user.id.as_str())
            };
            all.extend(found.into_iter().filter(is_theirs));
            if count < SIZE {
                return Ok(all);
            }
        }
        Err(self.session.idp().invalid_response("a list of sessions without end"))
    }
}

impl Sessions for Zitadel {
    fn end(&self, user: &User) -> Result<(), DirectoryError> {
        for one in self.open_sessions(user)? {
            let reply = self.session.send(self.call(Method::DELETE, &format!("/v2/sessions/{}", segment(&one.id))))?;
            // The list may lag behind what was ended.
            if reply.status() == 404 && reply.fault().code.as_deref() == Some(GRPC_NOT_FOUND) {
                continue;
            }
            reply.accepted("such session")?.json::<Done>()?;
        }
        Ok(())
    }

    fn lives_on(&self) -> &'static str {
        "access tokens of applications live on until they run out, and so do sessions of the older login"
    }
}

impl LastUse for Zitadel {
    /// By the login pages that sign people in at the account itself. Sign-ins over the session service leave events of sessions, which
    /// do not name the account.
    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let needs = "the permission events.read, such as the role Iam Owner Viewer has";
        let told = Told::from_answer("the sign-in log", needs, self.sign_in_events(user, since))?;
        let mut listing = Listing::of(told);
        if listing.is_whole() {
            listing.untold.push(Untold::not_offered("sign-ins over the session service"));
        }
        Ok(listing)
    }

    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let asked = self.open_sessions(user);
        let account = match Told::from_answer(ACCOUNT, "the permission session.read", asked)? {
            Told::Known(sessions) => {
                let checked = |one: &Open| {
                    let factors = [&one.factors.user, &one.factors.password, &one.factors.web_auth_n];
                    factors.into_iter().flatten().filter_map(|checked| checked.verified_at).max()
                };
                match sessions.iter().filter_map(checked).max() {
                    Some(at) => Told::Known(Seen { at: Some(at) }),
                    None => {
                        let why = WhyUntold::Lags(None);
                        Told::CannotTell(Untold { what: ACCOUNT.into(), why, needs: String::new() })
                    }
                }
            }
            Told::CannotTell(untold) => Told::CannotTell(untold),
        };
        Ok(LastUsed { account, keys: Listing::untold(Untold::not_offered("when a passkey was last used")) })
    }
}
