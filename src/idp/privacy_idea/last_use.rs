//! When a person and their tokens were last used at privacyIDEA (as run: 3.14).
//!
//! | what | source |
//! |---|---|
//! | the person | the audit log's newest accepted `/validate` request (right `auditlog`) |
//! | a key | `last_auth` of the token; whether it is written for every type is not documented |
//!
//! | sign-ins | accepted `/validate` requests of the audit log, as far as it was not cleaned up |
//!
//! A key without `last_auth` may have been used all the same: it refuses to call that "never".

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use ureq::http::Method;

use super::PrivacyIdea;
use crate::idp::capability::last_use::{KeyUse, LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

const AUDITLOG: &str = "the right auditlog (Config > Policies, scope admin)";

#[derive(Deserialize)]
struct Audit {
    auditdata: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    /// In UTC, without saying so.
    #[serde(default)]
    date: String,
    /// `ACCEPT`, `CHALLENGE`, `REJECT`; missing in older versions.
    #[serde(default)]
    authentication: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
}

/// Pages of the audit log that are read before it is held to be without end.
const MOST_PAGES: usize = 100;

const PAGE: usize = 500;

/// `2026-11-30 10:46:54.948851+0000`, and the same with a `T` or without an offset.
fn time_of(text: &str) -> Option<OffsetDateTime> {
    let text = text.replacen(' ', "T", 1);
    let (time, offset) = match text.rfind(['+', '-']).filter(|at| *at > 10) {
        Some(at) => text.split_at(at),
        None => (text.as_str(), "+0000"),
    };
    let digits = offset.replace(':', "");
    let rfc3339 = format!("{time}{}:{}", digits.get(..3)?, digits.get(3..5)?);
    OffsetDateTime::parse(&rfc3339, &Rfc3339).ok()
}

impl PrivacyIdea {
    /// A page of accepted sign-ins, the newest first, and whether it is the last.
    fn accepted_page(&self, user: &User, page: usize, size: usize) -> Result<(Vec<SignInSeen>, bool), DirectoryError> {
        let call = self.call(Method::GET, "/audit/").query("user", &user.login).query("realm", &self.realm);
        let call = call.query("action", "*validate*").query("success", "1").query("sortorder", "desc");
        let call = call.query("page_size", &size.to_string()).query("page", &page.to_string());
        let entries = self.ask::<Audit>(call, "such audit entries")?.auditdata;
        let is_last = entries.len() < size;
        let is_refused =
            |entry: &Entry| matches!(entry.authentication.as_deref(), Some("REJECT" | "CHALLENGE" | "DECLINED"));
        let accepted = entries.into_iter().filter(|entry| !is_refused(entry));
        let seen = accepted.filter_map(|entry| Some(SignInSeen { at: time_of(&entry.date)?, by: entry.token_type }));
        Ok((seen.collect(), is_last))
    }

    fn last_accepted(&self, user: &User) -> Result<Option<OffsetDateTime>, DirectoryError> {
        Ok(self.accepted_page(user, 1, 100)?.0.into_iter().map(|seen| seen.at).max())
    }

    fn accepted_since(&self, user: &User, since: OffsetDateTime) -> Result<Vec<SignInSeen>, DirectoryError> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let (seen, is_last) = self.accepted_page(user, page, PAGE)?;
            let is_older = seen.iter().any(|seen| seen.at < since);
            all.extend(seen.into_iter().filter(|seen| seen.at >= since));
            if is_last || is_older {
                all.sort_by_key(|seen| seen.at);
                return Ok(all);
            }
        }
        Err(self.session.idp().invalid_response("an audit log without end"))
    }
}

impl LastUse for PrivacyIdea {
    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let asked = self.accepted_since(user, since);
        Ok(Listing::of(Told::from_answer("the audit log", AUDITLOG, asked)?))
    }

    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let what = "when the person last signed in";
        let account = Told::from_answer(what, AUDITLOG, self.last_accepted(user))?;
        let tokens = Told::of_existing("the person's keys", "the right tokenlist", self.keys(user))?;
        let mut keys = Listing::default();
        match tokens {
            Told::CannotTell(untold) => keys.untold.push(untold),
            Told::Known(tokens) => {
                for token in tokens {
                    match token.told("last_auth").and_then(time_of) {
                        Some(at) => keys.found.push(KeyUse { key: token.serial, at: Some(at) }),
                        None => {
                            keys.untold.push(Untold::not_offered(format!("when token {} was last used", token.serial)))
                        }
                    }
                }
            }
        }
        Ok(LastUsed { account: account.map(|at| Seen { at }), keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_server_writes_them() {
        let second = |text: &str| time_of(text).map(OffsetDateTime::unix_timestamp);
        let expected = Some(1_796_035_614);
        assert_eq!(second("2026-11-30 10:46:54.948851+0000"), expected);
        assert_eq!(second("2026-11-30T10:46:54.948851"), expected);
        assert_eq!(second("2026-11-30T12:46:54+02:00"), expected);
        for nothing in ["", "yesterday", "2026-11-30", "2026-11-30 10:46:54+0"] {
            assert_eq!(second(nothing), None, "{nothing}");
        }
    }
}
