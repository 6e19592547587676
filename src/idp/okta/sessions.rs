//! Ends an Okta account's sessions, with its OAuth tokens and remembered devices. Confirmed by Okta's description, which also says
//! that sessions within applications go on.

use ureq::http::Method;

use super::{Okta, known};
use crate::idp::capability::sessions::Sessions;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

impl Sessions for Okta {
    fn end(&self, user: &User) -> Result<(), DirectoryError> {
        let call = self.session.call(Method::DELETE, &format!("/api/v1/users/{}/sessions", segment(&user.id)));
        let call = call.query("oauthTokens", "true").query("forgetDevices", "true");
        match self.send(call, &known(user))?.status() {
            204 => Ok(()),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to the end of sessions"))),
        }
    }

    fn lives_on(&self) -> &'static str {
        "sessions within applications go on until those end them"
    }
}
