//! When an Auth0 account and each of its keys were last used: `last_login`, `last_auth_at`, and sign-ins from the account's log
//! (`users/{id}/logs`; confirmed by the types of Auth0's SDK). A sign-in is an event of type `s` (Auth0's list of log event types).
//!
//! The log is kept for 1 to 30 days by plan, which no request tells, and gives a thousand events at the most. It refuses to call it whole
//! where nothing in it is older than what was asked for.

use serde::Deserialize;
use time::OffsetDateTime;
use ureq::http::Method;

use super::passkeys::NEEDS;
use super::wire::AuthenticationMethod;
use super::{Auth0, known, user_path};
use crate::idp::capability::last_use::{KeyUse, LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::told::{Listing, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// "Success Login".
const SIGNED_IN: &str = "s";

/// Events on a page, and pages: no more are given.
const PER_PAGE: usize = 100;
const PAGES: usize = 10;

const LOG_NEEDS: &str = "the scopes read:logs and read:logs_users";

/// `Log`.
#[derive(Deserialize)]
struct Event {
    #[serde(with = "time::serde::rfc3339")]
    date: OffsetDateTime,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    strategy: Option<String>,
}

impl Auth0 {
    /// Events since then, the newest first, and whether the log goes back beyond it.
    fn events(&self, user: &User, since: OffsetDateTime) -> Result<(Vec<Event>, bool), DirectoryError> {
        let mut all = Vec::new();
        for page in 0..PAGES {
            let path = format!("{}/logs?page={page}&per_page={PER_PAGE}&sort=date:-1", user_path(&user.id));
            let events: Vec<Event> = self.send(self.call(Method::GET, &path), &known(user))?.json()?;
            let is_last = events.len() < PER_PAGE;
            let reaches = events.iter().any(|event| event.date < since);
            all.extend(events.into_iter().filter(|event| event.date >= since));
            if reaches || is_last {
                return Ok((all, reaches));
            }
        }
        Ok((all, false))
    }
}

impl LastUse for Auth0 {
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let account = self.account(&user.id, &known(user))?;
        let told = Told::of_existing("when keys were last used", NEEDS, self.authentication_methods(user))?;
        let used = |one: AuthenticationMethod| KeyUse { key: one.id, at: one.last_auth_at };
        let keys = told.map(|all| all.into_iter().filter(AuthenticationMethod::is_key).map(used).collect());
        Ok(LastUsed { account: Told::Known(Seen { at: account.last_login }), keys: Listing::of(keys) })
    }

    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let (events, reaches) = match Told::from_answer("the sign-in log", LOG_NEEDS, self.events(user, since))? {
            Told::Known(told) => told,
            Told::CannotTell(untold) => return Ok(Listing::untold(untold)),
        };
        let first = events.last().map(|event| event.date);
        let is_sign_in =
            |event: &Event| event.kind == SIGNED_IN && event.user_id.as_ref().is_none_or(|id| *id == user.id);
        let mut found: Vec<SignInSeen> = events
            .into_iter()
            .filter(is_sign_in)
            .map(|event| SignInSeen { at: event.date, by: event.strategy })
            .collect();
        found.sort_by_key(|one| one.at);
        let older = || Untold {
            what: "sign-ins before the first event of the log".into(),
            why: WhyUntold::Lags(first),
            needs: String::new(),
        };
        Ok(Listing { found, untold: if reaches { Vec::new() } else { vec![older()] } })
    }
}
