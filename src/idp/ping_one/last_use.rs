//! When a PingOne account was last used: `lastSignOn` (confirmed by OpenAPI), and its sign-ins from the audit activities
//! (`GET /activities`, Ping's documentation: a filter has a range of time at least, and two weeks are there at once). PingOne tells the
//! last use of no device.
//!
//! A sign-in is an activity `USER.ACCESS_ALLOWED` of the person (seen in what Ping's subscriptions send). Which method opened the door
//! none of them says.

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use ureq::http::Method;

use super::wire::{Account, Links};
use super::{PingOne, known, user_path};
use crate::idp::capability::last_use::{LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::told::{Listing, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// For how long activities are there at once.
const KEPT: time::Duration = time::Duration::days(14);

/// Pages that are read before the list is held to be without end.
const MOST_PAGES: usize = 100;

const ALLOWED: &str = "USER.ACCESS_ALLOWED";

const NEEDS: &str = "a role that reads audit activities, such as Identity Data Admin or Environment Admin";

#[derive(Deserialize)]
struct Activities {
    #[serde(rename = "_embedded")]
    embedded: ActivityList,
    #[serde(default, rename = "_links")]
    links: Links,
}

#[derive(Deserialize)]
struct ActivityList {
    #[serde(default)]
    activities: Vec<Activity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    #[serde(default, with = "time::serde::rfc3339::option")]
    recorded_at: Option<OffsetDateTime>,
    action: Action,
    #[serde(default)]
    actors: Actors,
}

#[derive(Deserialize)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
struct Actors {
    #[serde(default)]
    user: Option<Actor>,
}

#[derive(Deserialize)]
struct Actor {
    id: String,
}

impl PingOne {
    fn activities(
        &self,
        user: &User,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Vec<SignInSeen>, DirectoryError> {
        let moment = |at: OffsetDateTime| at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
        let filter = format!(
            "recordedAt gt \"{}\" and recordedAt lt \"{}\" and actors.user.id eq \"{}\"",
            moment(from),
            moment(to),
            user.id.replace('\\', "\\\\").replace('"', "\\\"")
        );
        let what = "list of activities";
        let first = self.call(Method::GET, "/activities").query("filter", &filter).query("limit", "200");
        let mut reply = self.send(first, what)?;
        let mut seen = Vec::new();
        for _ in 0..MOST_PAGES {
            let page: Activities = reply.json()?;
            // A server that does not know the filter lists everybody's.
            let is_theirs = |one: &Activity| one.actors.user.as_ref().is_some_and(|actor| actor.id == user.id);
            let theirs =
                page.embedded.activities.into_iter().filter(|one| one.action.kind == ALLOWED && is_theirs(one));
            seen.extend(theirs.filter_map(|one| Some(SignInSeen { at: one.recorded_at?, by: None })));
            let Some(next) = self.next(page.links)? else {
                seen.sort_by_key(|one| one.at);
                return Ok(seen);
            };
            reply = self.get(&next, what)?;
        }
        Err(self.session.idp().invalid_response("a list of activities without end"))
    }
}

impl LastUse for PingOne {
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let account: Account = self.get(&user_path(&user.id), &known(user))?.json()?;
        let keys = Listing::untold(Untold::not_offered("when a key was last used"));
        Ok(LastUsed { account: Told::Known(Seen { at: account.last_sign_on.and_then(|last| last.at) }), keys })
    }

    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let now = OffsetDateTime::now_utc();
        let first = now - KEPT;
        let asked = self.activities(user, since.max(first), now + time::Duration::minutes(5));
        let mut listing = Listing::of(Told::from_answer("the sign-in log", NEEDS, asked)?);
        if since < first {
            let why = WhyUntold::Lags(Some(first));
            listing.untold.push(Untold { what: "sign-ins before that".into(), why, needs: String::new() });
        }
        Ok(listing)
    }
}
