//! When a person and their tokens were last used at privacyIDEA (as run: 3.14).
//!
//! | what | source |
//! |---|---|
//! | the person | the audit log's newest accepted `/validate` request (right `auditlog`) |
//! | a key | `last_auth` of the token; whether it is written for every type is not documented |
//!
//! A key without `last_auth` may have been used all the same: it refuses to call that "never".

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use ureq::http::Method;

use super::PrivacyIdea;
use crate::idp::capability::last_use::{KeyUse, LastUse, LastUsed, Seen};
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

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
}

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
    fn last_accepted(&self, user: &User) -> Result<Option<OffsetDateTime>, DirectoryError> {
        let call = self.call(Method::GET, "/audit/").query("user", &user.login).query("realm", &self.realm);
        let call = call.query("action", "*validate*").query("success", "1");
        let call = call.query("page_size", "100").query("sortorder", "desc");
        let audit: Audit = self.ask(call, "such audit entries")?;
        let accepted = audit
            .auditdata
            .into_iter()
            .filter(|entry| !matches!(entry.authentication.as_deref(), Some("REJECT" | "CHALLENGE" | "DECLINED")));
        Ok(accepted.filter_map(|entry| time_of(&entry.date)).max())
    }
}

impl LastUse for PrivacyIdea {
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let what = "when the person last signed in";
        let account =
            Told::from_answer(what, "the right auditlog (Config > Policies, scope admin)", self.last_accepted(user))?;
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
