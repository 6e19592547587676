//! When an Okta account and its keys were last used.
//!
//! | what | source | how sure |
//! |---|---|---|
//! | the account | `lastLogin` of the user | confirmed by Okta's description |
//! | a key | `lastVerified` of its factor | seen in answers of real orgs, in no description |
//! | a key, where that is missing | the System Log's `user.authentication.auth_via_mfa` that names the factor | confirmed; kept for some months |
//!
//! | sign-ins | the System Log's `user.session.start` and `user.authentication.auth_via_mfa` | confirmed; the factor's word is seen in answers |
//!
//! A key that neither knows may have been used before the log begins: it refuses to call that "never".

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::wire::{Account, Factor};
use super::{Okta, Scope, known};
use crate::idp::capability::last_use::{KeyUse, LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::told::{Listing, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// How far back the log is asked for.
const LOOKS_BACK: time::Duration = time::Duration::days(90);

const LOG: &str = "the System Log";
const LOG_NEEDS: &str = "the scope okta.logs.read";

/// `LogEvent`.
#[derive(Deserialize)]
struct Event {
    #[serde(default, with = "time::serde::rfc3339::option")]
    published: Option<OffsetDateTime>,
    #[serde(default)]
    target: Option<Vec<Target>>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    id: Option<String>,
}

impl Okta {
    /// Sign-ins with a second factor, the newest first.
    fn verifications(&self, user: &User) -> Result<Told<Vec<Event>>, DirectoryError> {
        let since =
            (OffsetDateTime::now_utc() - LOOKS_BACK).replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let since = since.format(&Rfc3339).unwrap_or_default();
        let filter = format!(
            "eventType eq \"user.authentication.auth_via_mfa\" and outcome.result eq \"SUCCESS\" and actor.id eq \"{}\"",
            user.id
        );
        let query = [("since", since.as_str()), ("filter", &filter), ("sortOrder", "DESCENDING"), ("limit", "1000")];
        let asked = self.read(Scope::Logs, "/api/v1/logs", &query, LOG).and_then(|reply| reply.json());
        Told::from_answer(LOG, LOG_NEEDS, asked)
    }
}

/// `LogEvent` of a sign-in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    #[serde(default, with = "time::serde::rfc3339::option")]
    published: Option<OffsetDateTime>,
    #[serde(default)]
    debug_context: DebugContext,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DebugContext {
    #[serde(default)]
    debug_data: DebugData,
}

#[derive(Default, Deserialize)]
struct DebugData {
    #[serde(default)]
    factor: Option<String>,
}

fn moment(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}

impl LastUse for Okta {
    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let now = OffsetDateTime::now_utc();
        let first = now - LOOKS_BACK;
        let filter = format!(
            "(eventType eq \"user.session.start\" or eventType eq \"user.authentication.auth_via_mfa\") and outcome.result eq \
             \"SUCCESS\" and actor.id eq \"{}\"",
            user.id
        );
        // With an end the log has a last page.
        let path = format!(
            "/api/v1/logs?since={}&until={}&filter={}&sortOrder=ASCENDING&limit=1000",
            segment(&moment(since.max(first))),
            segment(&moment(now + time::Duration::minutes(1))),
            segment(&filter)
        );
        let asked = self.every::<SignedIn>(Scope::Logs, &path, LOG);
        let seen = |events: Vec<SignedIn>| {
            let seen =
                |event: SignedIn| Some(SignInSeen { at: event.published?, by: event.debug_context.debug_data.factor });
            events.into_iter().filter_map(seen).collect()
        };
        let mut listing = Listing::of(Told::from_answer(LOG, LOG_NEEDS, asked.map(seen))?);
        if since < first {
            let why = WhyUntold::Lags(Some(first));
            listing.untold.push(Untold { what: "sign-ins before that".into(), why, needs: String::new() });
        }
        Ok(listing)
    }

    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let account: Account = self.get(&format!("/api/v1/users/{}", segment(&user.id)), &known(user))?.json()?;
        let account = Told::Known(Seen { at: account.last_login });
        let factors = self.factors(user);
        let factors = Told::of_existing("the account's factors", "the scope okta.users.read", factors)?;
        let mut keys = Listing::default();
        let factors: Vec<Factor> = match factors {
            Told::Known(factors) => factors.into_iter().filter(Factor::is_key).collect(),
            Told::CannotTell(untold) => return Ok(LastUsed { account, keys: Listing::untold(untold) }),
        };
        let (told, rest): (Vec<_>, Vec<_>) = factors.into_iter().partition(|factor| factor.last_verified.is_some());
        keys.found.extend(told.into_iter().map(|factor| KeyUse { at: factor.last_verified, key: factor.id }));
        if rest.is_empty() {
            return Ok(LastUsed { account, keys });
        }
        let events = match self.verifications(user)? {
            Told::Known(events) => events,
            Told::CannotTell(untold) => {
                keys.untold.push(untold);
                return Ok(LastUsed { account, keys });
            }
        };
        for factor in rest {
            let names = |event: &&Event| {
                event.target.iter().flatten().any(|target| target.id.as_deref() == Some(factor.id.as_str()))
            };
            match events.iter().filter(names).filter_map(|event| event.published).max() {
                Some(at) => keys.found.push(KeyUse { key: factor.id, at: Some(at) }),
                None => keys.untold.push(Untold {
                    what: format!("when key {} was last used", factor.id),
                    why: WhyUntold::Lags(Some(OffsetDateTime::now_utc() - LOOKS_BACK)),
                    needs: String::new(),
                }),
            }
        }
        Ok(LastUsed { account, keys })
    }
}
