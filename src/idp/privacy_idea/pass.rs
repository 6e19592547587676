//! Registration codes: a token of type `registration`, good for one sign-in and gone after it, with an end (as run: 3.14; `POST
//! /token/init`, `validity_period_end`).
//!
//! The server keeps earlier codes; ours are found by their description and taken back before a new one is made, so that one whose
//! answer was lost does not stay. It refuses codes for several sign-ins: `POST /token/lost` makes a weak password for that.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;
use ureq::http::Method;

use super::classes::CLASSES;
use super::wire::Answer;
use super::{PrivacyIdea, known};
use crate::idp::capability::methods::Usable;
use crate::idp::capability::pass::{Pass, TemporaryPass, WantedPass};
use crate::idp::capability::removal::MethodRemoval as _;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

const KIND: &str = "registration";

/// What our codes are known by.
const DESCRIPTION: &str = "keywright: temporary pass";

#[derive(Deserialize)]
struct Code {
    serial: String,
    registrationcode: SecretString,
}

impl TemporaryPass for PrivacyIdea {
    fn issue(&self, user: &User, wanted: WantedPass) -> Result<Pass, DirectoryError> {
        if !wanted.once {
            return Err(self
                .session
                .idp()
                .refused("its registration codes are good for one sign-in; ask for one of those"));
        }
        for token in self.tokens(user)? {
            if token.tokentype == KIND && token.description.as_deref() == Some(DESCRIPTION) {
                self.withdraw(user, &token.serial)?;
            }
        }
        let lasts = time::Duration::try_from(wanted.lifetime).unwrap_or(time::Duration::MAX);
        let too_long = || self.session.idp().refused("no code lasts that long");
        // The server counts in minutes.
        let until = OffsetDateTime::now_utc().checked_add(lasts).and_then(|until| until.replace_second(0).ok());
        let until = until.and_then(|until| until.replace_nanosecond(0).ok()?.checked_add(time::Duration::MINUTE));
        let until = until.ok_or_else(too_long)?;
        let end =
            until.format(format_description!("[year]-[month]-[day]T[hour]:[minute]+0000")).map_err(|_| too_long())?;
        let body = json!({
            "type": KIND, "user": user.login, "realm": self.realm, "validity_period_end": end, "description": DESCRIPTION,
        });
        let reply = self.send(self.call(Method::POST, "/token/init").json(&body), &known(user))?;
        let code = reply.json::<Answer<bool, Code>>()?.detail;
        let code = code.ok_or_else(|| self.session.idp().invalid_response("no detail"))?;
        Ok(Pass { id: code.serial, secret: code.registrationcode, until: Some(until), usable: Usable::CannotTell })
    }

    fn withdraw(&self, user: &User, pass: &str) -> Result<(), DirectoryError> {
        self.remove(user, &CLASSES.method(KIND, pass)).map(drop)
    }

    fn limits(&self) -> &'static str {
        "a registration code, good for one sign-in; a policy that lets in certain types of tokens only has to let in registration"
    }
}
