//! When a Google account was last used: `lastLoginTime` of the account (confirmed by the discovery document), and sign-ins of the login
//! activities, which Google keeps for 180 days (documentation). Of keys it tells nothing.

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{Scope, Sdk};
use crate::idp::capability::last_use::{LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::told::{Listing, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// How long login activities are kept.
const KEPT: Duration = Duration::days(180);

/// Pages that are read before the log is held to be without end.
const MOST_PAGES: usize = 200;

const LOG: &str = "the login activities";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activities {
    #[serde(default = "Vec::new")]
    items: Vec<Activity>,
    #[serde(default)]
    next_page_token: Option<String>,
}

/// `Activity`.
#[derive(Deserialize)]
struct Activity {
    id: ActivityId,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct ActivityId {
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    parameters: Vec<EventParameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventParameter {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    multi_value: Vec<String>,
}

impl Activity {
    /// Google's words for how it was shown who it is.
    fn by(&self) -> Option<String> {
        let parameters = || self.events.iter().flat_map(|event| &event.parameters);
        let kinds = parameters().filter(|one| one.name == "login_type").filter_map(|one| one.value.as_deref());
        let challenges = parameters().filter(|one| one.name == "login_challenge_method");
        let challenges =
            challenges.flat_map(|one| one.multi_value.iter().map(String::as_str).chain(one.value.as_deref()));
        let mut words: Vec<&str> = Vec::new();
        for word in kinds.chain(challenges) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        (!words.is_empty()).then(|| words.join(", "))
    }
}

impl Sdk {
    fn logins(&self, login: &str, since: OffsetDateTime) -> Result<Vec<SignInSeen>, DirectoryError> {
        let path = format!("/admin/reports/v1/activity/users/{}/applications/login", segment(login));
        let since = since.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let since = since.format(&Rfc3339).map_err(|error| self.idp().invalid_response(error.to_string()))?;
        let (mut seen, mut token) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut query = vec![("eventName", "login_success"), ("startTime", since.as_str()), ("maxResults", "1000")];
            query.extend(token.as_deref().map(|token| ("pageToken", token)));
            let page: Activities = self.read(Scope::Audit, &path, &query, LOG)?.json()?;
            seen.extend(page.items.into_iter().map(|one| SignInSeen { at: one.id.time, by: one.by() }));
            match page.next_page_token {
                Some(next) => token = Some(next),
                None => {
                    // The newest is told first.
                    seen.sort_by_key(|one| one.at);
                    return Ok(seen);
                }
            }
        }
        Err(self.idp().invalid_response("a log without end"))
    }
}

impl LastUse for Sdk {
    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let first = OffsetDateTime::now_utc() - KEPT;
        let asked = self.logins(&user.login, since.max(first));
        let mut listing = Listing::of(Told::from_answer(LOG, &Scope::Audit.needs(), asked)?);
        if since < first {
            let why = WhyUntold::Lags(Some(first));
            listing.untold.push(Untold { what: "sign-ins before that".into(), why, needs: String::new() });
        }
        Ok(listing)
    }

    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let account = self.account(&user.login);
        let told = Told::of_existing("when the account was last used", &Scope::Users.needs(), account)?;
        // 1970 stands for never.
        let account = told.map(|account| Seen { at: account.last_login_time.filter(|at| at.unix_timestamp() > 0) });
        Ok(LastUsed { account, keys: Listing::untold(Untold::not_offered("when a key was last used")) })
    }
}
