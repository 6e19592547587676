//! Ends a PingOne account's sessions, one by one (`users/{id}/sessions`). The requests are confirmed by OpenAPI, the members of the list
//! are seen in documentation.

use serde::Deserialize;
use ureq::http::Method;

use super::{PingOne, is_absent, known, user_path};
use crate::idp::capability::sessions::Sessions;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// How often the list is read: one that does not get empty is said so.
const ROUNDS: usize = 10;

#[derive(Deserialize)]
struct List {
    #[serde(rename = "_embedded")]
    embedded: Embedded,
}

#[derive(Deserialize)]
struct Embedded {
    #[serde(default)]
    sessions: Vec<Open>,
}

#[derive(Deserialize)]
struct Open {
    id: String,
}

impl Sessions for PingOne {
    fn end(&self, user: &User) -> Result<(), DirectoryError> {
        let path = format!("{}/sessions", user_path(&user.id));
        for _ in 0..ROUNDS {
            let open = self.get(&path, &known(user))?.json::<List>()?.embedded.sessions;
            if open.is_empty() {
                return Ok(());
            }
            for one in open {
                let reply = self.session.send(self.call(Method::DELETE, &format!("{path}/{}", segment(&one.id))))?;
                if is_absent(&reply) {
                    continue;
                }
                match self.judged(reply, "such session")?.status() {
                    204 => {}
                    status => return Err(self.session.idp().invalid_response(format!("HTTP {status} to a removal"))),
                }
            }
        }
        Err(self
            .session
            .idp()
            .invalid_response("new sessions come as fast as they are ended; suspend the account first"))
    }

    fn lives_on(&self) -> &'static str {
        "access tokens of applications live on until they run out"
    }
}
