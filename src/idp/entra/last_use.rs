//! When an Entra account and its keys were last used.
//!
//! | what | source | how sure |
//! |---|---|---|
//! | the account | `signInActivity` of the user; licence P1 | confirmed (CSDL) |
//! | a key | `lastUsedDateTime` of the passkey, on beta alone | confirmed (CSDL of beta); since when it is filled in is not documented |
//!
//! | sign-ins | `auditLogs/signIns`, interactive ones; kept for 30 days, without a licence for 7 | confirmed (CSDL, documentation); v1.0 does not say by which method |
//!
//! So a key without a time may have been used before: it refuses to call that "never".

use serde::Deserialize;
use time::OffsetDateTime;
use ureq::http::Method;

use super::graph::{Permission, untold};
use super::{Entra, known};
use crate::idp::capability::last_use::{KeyUse, LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::told::{Listing, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const ACCOUNT: &str = "when the account was last used";
const KEYS: &str = "when the account's keys were last used";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    sign_in_activity: Option<Activity>,
}

/// `signInActivity`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    #[serde(default, with = "time::serde::rfc3339::option")]
    last_sign_in_date_time: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    last_non_interactive_sign_in_date_time: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsedPasskey {
    id: String,
    #[serde(default, with = "time::serde::rfc3339::option")]
    last_used_date_time: Option<OffsetDateTime>,
}

/// How long a licensed tenant keeps sign-ins.
const KEPT: time::Duration = time::Duration::days(30);

/// `signIn`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_date_time: Option<OffsetDateTime>,
    #[serde(default)]
    status: SignInStatus,
}

/// `signInStatus`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInStatus {
    /// 0: it came to a sign-in.
    #[serde(default)]
    error_code: Option<i64>,
}

impl Entra {
    fn account_use(&self, user: &User) -> Result<Told<Seen>, DirectoryError> {
        let call = self.graph.call(Method::GET, &format!("/v1.0/users/{}", segment(&user.id)));
        let call = call.query("$select", "id,signInActivity");
        let asked = self.graph.send(call, &known(user), Permission::REPORT).and_then(|reply| reply.json::<Account>());
        match asked {
            Ok(account) => {
                let times = account
                    .sign_in_activity
                    .map(|activity| [activity.last_sign_in_date_time, activity.last_non_interactive_sign_in_date_time]);
                Ok(Told::Known(Seen { at: times.into_iter().flatten().flatten().max() }))
            }
            Err(absent @ DirectoryError::NotFound { .. }) => Err(absent),
            Err(error) => untold(ACCOUNT, Permission::REPORT, error).map(Told::CannotTell),
        }
    }
}

impl LastUse for Entra {
    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let what = "the sign-in log";
        let first = self.graph.now() - KEPT;
        let from = since
            .max(first)
            .to_offset(time::UtcOffset::UTC)
            .replace_nanosecond(0)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let from = from.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        let filter = format!("userId eq '{}' and createdDateTime ge {from}", user.id.replace('\'', "''"));
        let path = format!("/v1.0/auditLogs/signIns?$filter={}&$top=1000", segment(&filter));
        let mut listing = match self.graph.collection::<SignedIn>(&path, what, Permission::REPORT) {
            Ok(seen) => {
                let seen = seen.into_iter().filter(|one| one.status.error_code.unwrap_or(0) == 0);
                let mut seen: Vec<_> =
                    seen.filter_map(|one| Some(SignInSeen { at: one.created_date_time?, by: None })).collect();
                seen.sort_by_key(|one| one.at);
                Listing::whole(seen)
            }
            Err(error) => Listing::untold(untold(what, Permission::REPORT, error)?),
        };
        if since < first {
            let why = WhyUntold::Lags(Some(first));
            listing.untold.push(Untold { what: "sign-ins before that".into(), why, needs: String::new() });
        }
        Ok(listing)
    }

    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let account = self.account_use(user)?;
        let path = format!("/beta/users/{}/authentication/fido2Methods", segment(&user.id));
        let keys = match self.graph.collection::<UsedPasskey>(&path, KEYS, Permission::READ_PASSKEYS) {
            Ok(passkeys) => {
                let mut keys = Listing::default();
                for passkey in passkeys {
                    match passkey.last_used_date_time {
                        Some(at) => keys.found.push(KeyUse { key: passkey.id, at: Some(at) }),
                        None => {
                            keys.untold.push(Untold::not_offered(format!("when passkey {} was last used", passkey.id)))
                        }
                    }
                }
                keys
            }
            Err(error) => Listing::untold(untold(KEYS, Permission::READ_PASSKEYS, error)?),
        };
        Ok(LastUsed { account, keys })
    }
}
