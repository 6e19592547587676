//! Ends an Auth0 account's sessions and its refresh tokens at once (`users/{id}/revoke-access`). Request and scopes are confirmed by
//! Auth0's SDK and reference; its documentation has sessions for Enterprise plans alone.

use serde_json::json;
use ureq::http::Method;

use super::{Auth0, known, user_path};
use crate::idp::capability::sessions::Sessions;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

impl Sessions for Auth0 {
    fn end(&self, user: &User) -> Result<(), DirectoryError> {
        let call = self.call(Method::POST, &format!("{}/revoke-access", user_path(&user.id))).json(&json!({}));
        match self.send(call, &known(user))?.status() {
            202 | 204 => Ok(()),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to an end of sessions"))),
        }
    }

    fn lives_on(&self) -> &'static str {
        "access tokens and the applications' own sessions live on until they run out"
    }
}
