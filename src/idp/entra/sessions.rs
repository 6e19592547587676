//! Ends an Entra account's sessions (`revokeSignInSessions`). Confirmed by CSDL and documentation, which also says what lives on.

use serde::Deserialize;
use ureq::http::Method;

use super::graph::Permission;
use super::{Entra, known};
use crate::idp::capability::sessions::Sessions;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

#[derive(Deserialize)]
struct Done {
    value: bool,
}

impl Sessions for Entra {
    fn end(&self, user: &User) -> Result<(), DirectoryError> {
        let call = self.graph.call(Method::POST, &format!("/v1.0/users/{}/revokeSignInSessions", segment(&user.id)));
        let done: Done = self.graph.send(call, &known(user), Permission::SESSIONS)?.json()?;
        match done.value {
            true => Ok(()),
            false => Err(self.graph.idp().invalid_response("it did not end the sessions")),
        }
    }

    fn lives_on(&self) -> &'static str {
        "access tokens live on for up to an hour where the application does not evaluate access continuously; it takes some minutes"
    }
}
