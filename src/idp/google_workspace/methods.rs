//! The ways in that a Google account has, and how many keys: from the account, its app passwords and backup codes, and the usage report.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | 2-step verification, recovery addresses | `users/{key}` | confirmed (discovery document) |
//! | app passwords, backup codes | `users/{key}/asps`, `users/{key}/verificationCodes` | confirmed (discovery document) |
//! | numbers of keys and of passkeys | usage report, some days late | confirmed (documentation); whether one key can count as both is not documented |
//!
//! Which second steps an account has besides keys no request tells: prompts, codes and text messages may be among them, so it refuses
//! to call an account clean.

use serde::Deserialize;
use time::{Date, Duration, OffsetDateTime, Time};

use super::classes::CLASSES;
use super::{Account, Scope, Sdk};
use crate::idp::capability::methods::{Method, Removal, Reported, SignInMethods, Usable};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const KEYS: &str = "how many keys the account has";
const OTHERS: &str = "which second steps there are besides keys";
const CODES: &str = "the account's app passwords and backup codes";

/// How many days back a report is looked for. Google has them some days late.
const LOOKS_BACK: i64 = 8;

const PARAMETERS: &str = "accounts:is_2sv_enrolled,accounts:num_security_keys,accounts:num_passkeys_enrolled";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    #[serde(default)]
    usage_reports: Vec<UsageReport>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct UsageReport {
    entity: Entity,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    #[serde(default)]
    user_email: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    #[serde(default)]
    name: String,
    /// A number as text.
    #[serde(default)]
    int_value: Option<String>,
    #[serde(default)]
    bool_value: Option<bool>,
}

impl UsageReport {
    fn number(&self, name: &str) -> Option<u32> {
        let one = self.parameters.iter().find(|one| one.name == format!("accounts:{name}"))?;
        one.int_value.as_ref()?.parse().ok()
    }

    fn is(&self, name: &str) -> Option<bool> {
        self.parameters.iter().find(|one| one.name == format!("accounts:{name}"))?.bool_value
    }

    /// A method for each key, as of the report's day; what it leaves out is not told.
    fn keys(&self, as_of: OffsetDateTime) -> Listing<Method> {
        let mut keys = Listing::untold(lags(as_of));
        for (kind, name) in [("security-key", "num_security_keys"), ("passkey", "num_passkeys_enrolled")] {
            match self.number(name) {
                Some(count) => keys
                    .found
                    .extend((1..=count.min(MOST_KEYS)).map(|number| impossible(kind, &format!("{kind}/{number}")))),
                None => keys.untold.push(Untold::not_offered(format!("{KEYS} ({name})"))),
            }
        }
        keys
    }
}

/// More keys of one kind than this are told as this many.
const MOST_KEYS: u32 = 50;

fn lags(as_of: OffsetDateTime) -> Untold {
    Untold { what: KEYS.into(), why: WhyUntold::Lags(Some(as_of)), needs: String::new() }
}

/// A method that the Admin SDK is only read for.
fn impossible(kind: &str, id: &str) -> Method {
    let why = "the Admin SDK is only read; remove it at admin.google.com > Directory > Users > the person > Security";
    Method { removal: Removal::Impossible { why: why.into() }, usable: Usable::CannotTell, ..CLASSES.method(kind, id) }
}

#[derive(Deserialize)]
struct Items<T> {
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

/// `Asp`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppPassword {
    #[serde(default)]
    code_id: i64,
    #[serde(default)]
    name: String,
}

/// `VerificationCode`; the code itself is not read.
#[derive(Deserialize)]
struct BackupCode {}

fn of_account(account: &Account) -> Vec<Method> {
    let mut found = Vec::new();
    if account.is_enrolled_in2_sv != Some(true) {
        found.push(Method { usable: Usable::Yes, ..impossible("password", "password") });
    }
    let is_set = |told: &Option<String>| told.as_deref().is_some_and(|told| !told.trim().is_empty());
    if is_set(&account.recovery_phone) {
        found.push(impossible("recovery-phone", "recovery-phone"));
    }
    if is_set(&account.recovery_email) {
        found.push(impossible("recovery-email", "recovery-email"));
    }
    found
}

impl Sdk {
    fn codes(&self, login: &str) -> Result<Vec<Method>, DirectoryError> {
        let path = |list: &str| format!("/admin/directory/v1/users/{}/{list}", segment(login));
        let asps: Items<AppPassword> = self.read(Scope::Security, &path("asps"), &[], CODES)?.json()?;
        let mut found: Vec<Method> = asps
            .items
            .into_iter()
            .map(|one| {
                let mut method = impossible("app-password", &format!("asps/{}", one.code_id));
                if !one.name.is_empty() {
                    method.name = format!("app password ({})", one.name);
                }
                Method { usable: Usable::Yes, ..method }
            })
            .collect();
        let codes: Items<BackupCode> = self.read(Scope::Security, &path("verificationCodes"), &[], CODES)?.json()?;
        if !codes.items.is_empty() {
            found.push(Method { usable: Usable::Yes, ..impossible("backup-codes", "backup-codes") });
        }
        Ok(found)
    }

    /// The newest day of which there is a report, with a page of it. Google refuses days that are not there yet with 400.
    fn usage(&self, key: &str, page: Option<(&str, &str)>) -> Result<(Date, Usage), DirectoryError> {
        let read = |date: &str, token: Option<&str>| {
            let path = format!("/admin/reports/v1/usage/users/{}/dates/{}", segment(key), segment(date));
            let mut query = vec![("parameters", PARAMETERS), ("maxResults", "1000")];
            query.extend(token.map(|token| ("pageToken", token)));
            self.read(Scope::Usage, &path, &query, "such report").and_then(|reply| reply.json::<Usage>())
        };
        let format = time::macros::format_description!("[year]-[month]-[day]");
        if let Some((date, token)) = page {
            let day =
                Date::parse(date, format).map_err(|_| self.idp().refused("this is no page of Google's report"))?;
            return Ok((day, read(date, Some(token))?));
        }
        let today = OffsetDateTime::now_utc().date();
        for back in 2..=LOOKS_BACK {
            let day = today.saturating_sub(Duration::days(back));
            let date = day.format(format).map_err(|error| self.idp().invalid_response(error.to_string()))?;
            match read(&date, None) {
                Ok(usage) if usage.usage_reports.is_empty() => {}
                Ok(usage) => return Ok((day, usage)),
                Err(DirectoryError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(self.idp().not_found("report of the last days"))
    }
}

fn midnight(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_utc()
}

impl SignInMethods for Sdk {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        let account = self.account(&user.login);
        let account = Told::of_existing("the account", &Scope::Users.needs(), account)?;
        let mut methods = Listing::of(account.map(|account| of_account(&account)));
        methods.untold.push(Untold::not_offered(OTHERS));
        methods.take(Told::from_answer(CODES, &Scope::Security.needs(), self.codes(&user.login))?);
        let usage = Told::from_answer(KEYS, &Scope::Usage.needs(), self.usage(&user.login, None))?;
        match usage {
            Told::Known((day, usage)) => match usage.usage_reports.first() {
                Some(report) => {
                    let keys = report.keys(midnight(day));
                    methods.found.extend(keys.found);
                    methods.untold.extend(keys.untold);
                }
                None => methods.untold.push(lags(midnight(day))),
            },
            Told::CannotTell(untold) => methods.untold.push(untold),
        }
        Ok(methods)
    }

    /// Keys of every account, some days old.
    fn report(&self, after: Option<&Cursor>) -> Option<Result<Told<Page<Reported>>, DirectoryError>> {
        let page = match after.map(|cursor| cursor.0.split_once('/')) {
            None => None,
            Some(Some(page)) => Some(page),
            Some(None) => return Some(Err(self.idp().refused("this is no page of Google's report"))),
        };
        let asked = self.usage("all", page).map(|(day, usage)| {
            let as_of = midnight(day);
            let reported = |report: UsageReport| {
                let mut methods = report.keys(as_of);
                if report.is("is_2sv_enrolled") == Some(false) {
                    methods.found.push(impossible("password", "password"));
                }
                methods.untold.push(Untold::not_offered(OTHERS));
                let login = report.entity.user_email;
                Reported { user_id: login.clone(), login, is_admin: None, methods }
            };
            let found = usage.usage_reports.into_iter().map(reported).collect();
            let next = usage.next_page_token.map(|token| Cursor(format!("{day}/{token}")));
            Page { listing: Listing::whole(found), next }
        });
        Some(Told::from_answer("the usage report", &Scope::Usage.needs(), asked))
    }
}
