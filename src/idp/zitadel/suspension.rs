//! Suspends a Zitadel account: it is deactivated, which keeps passkeys, memberships and all else, and reactivated. Confirmed by its
//! proto; whether a passkey can be registered for it meanwhile is not documented.
//!
//! A lock is another thing: it comes from failed sign-ins too, and is taken away when the account is restored. A change is believed
//! when Zitadel's own answer says it: reading it back may be too early, because what is read comes from events a moment later.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::{Done, Zitadel, known, path};
use crate::idp::capability::suspension::{Standing, Suspension};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "details")]
    _details: Value,
    user: State,
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    state: String,
}

impl Zitadel {
    /// A refusal of what is so already is none.
    fn change(&self, user: &User, change: &str, wanted: &Standing) -> Result<(), DirectoryError> {
        match self.post(&path(&user.id, &format!("/{change}")), &json!({}), &known(user)) {
            Ok(reply) => reply.json::<Done>().map(drop),
            Err(refused @ DirectoryError::Refused { .. }) => match self.standing(user)? == *wanted {
                true => Ok(()),
                false => Err(refused),
            },
            Err(error) => Err(error),
        }
    }
}

impl Suspension for Zitadel {
    fn standing(&self, user: &User) -> Result<Standing, DirectoryError> {
        let answer: Answer = self.send(self.call(Method::GET, &path(&user.id, "")), &known(user))?.json()?;
        Ok(match answer.user.state.trim_start_matches("USER_STATE_") {
            "ACTIVE" => Standing::Active,
            "INACTIVE" => Standing::Suspended,
            "LOCKED" => Standing::Locked,
            other => Standing::Out(other.to_owned()),
        })
    }

    fn suspend(&self, user: &User) -> Result<(), DirectoryError> {
        self.change(user, "deactivate", &Standing::Suspended)
    }

    fn restore(&self, user: &User) -> Result<(), DirectoryError> {
        match self.standing(user)? {
            Standing::Active => Ok(()),
            Standing::Suspended => self.change(user, "reactivate", &Standing::Active),
            Standing::Locked => self.change(user, "unlock", &Standing::Active),
            Standing::Out(state) => {
                Err(self.session.idp().refused(format!("{} is {state}; nothing here lets it in again", user.login)))
            }
        }
    }

    fn registers_while_suspended(&self) -> Told<bool> {
        Told::CannotTell(Untold::not_offered("whether a passkey can be registered for a deactivated account"))
    }
}
