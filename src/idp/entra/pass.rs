//! Temporary Access Passes. Confirmed by CSDL and documentation.
//!
//! One for each account: a new one takes the place of the old. A pass can be made for somebody whom the policy keeps from using it;
//! then Entra says `DisabledByPolicy`, which is told. It refuses passes of less than ten minutes, as Graph does.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use ureq::http::Method;

use super::graph::Permission;
use super::{Entra, known};
use crate::idp::capability::methods::{MethodTable, Usable};
use crate::idp::capability::pass::{Pass, TemporaryPass, WantedPass};
use crate::idp::capability::removal::MethodRemoval as _;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// The shortest that Graph takes, in minutes.
const SHORTEST: u64 = 10;

const KIND: &str = "temporaryAccessPass";

/// `temporaryAccessPassAuthenticationMethod`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    id: String,
    /// This once.
    temporary_access_pass: SecretString,
    #[serde(default, with = "time::serde::rfc3339::option")]
    start_date_time: Option<OffsetDateTime>,
    lifetime_in_minutes: Option<u64>,
    is_usable: Option<bool>,
    method_usability_reason: Option<String>,
}

impl TemporaryPass for Entra {
    fn issue(&self, user: &User, wanted: WantedPass) -> Result<Pass, DirectoryError> {
        let minutes = wanted.lifetime.as_secs().div_ceil(60).max(SHORTEST);
        let body = json!({ "lifetimeInMinutes": minutes, "isUsableOnce": wanted.once });
        let path = format!("/v1.0/users/{}/authentication/temporaryAccessPassMethods", segment(&user.id));
        let call = self.graph.call(Method::POST, &path).json(&body);
        let reply = self.graph.send(call, &known(user), Permission::PASSES)?;
        if reply.status() != 201 {
            return Err(self.graph.idp().invalid_response(format!("HTTP {} to a new pass", reply.status())));
        }
        let issued: Issued = reply.json()?;
        let minutes = issued.lifetime_in_minutes.unwrap_or(minutes);
        let lasts = Duration::from_secs(minutes.saturating_mul(60));
        let until = issued
            .start_date_time
            .unwrap_or_else(|| self.graph.now())
            .checked_add(lasts.try_into().unwrap_or_default());
        let usable = match issued.is_usable {
            Some(true) => Usable::Yes,
            Some(false) => Usable::No { why: issued.method_usability_reason.unwrap_or_else(|| "not usable".into()) },
            None => Usable::CannotTell,
        };
        Ok(Pass { id: issued.id, secret: issued.temporary_access_pass, until, usable })
    }

    fn withdraw(&self, user: &User, pass: &str) -> Result<(), DirectoryError> {
        let classes: &MethodTable = &super::classes::CLASSES;
        self.remove(user, &classes.method(KIND, format!("temporaryAccessPassMethods/{pass}"))).map(drop)
    }

    fn limits(&self) -> &'static str {
        "a Temporary Access Pass of at least 10 minutes, one for each account; one for one sign-in registers a key within 10 minutes, \
         and none satisfies a phishing-resistant strength"
    }
}
