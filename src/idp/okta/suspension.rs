//! Suspends an Okta account: it keeps its groups, applications and factors. Confirmed by Okta's description; whether a factor can be
//! enrolled for a suspended account is not documented, so that cannot be told.
//!
//! Only active accounts can be suspended. What counts is the status that Okta shows afterwards, not that it said "ok". It refuses to
//! deactivate: a deactivated account loses its factors.

use ureq::http::Method;

use super::wire::Account;
use super::{Okta, known};
use crate::idp::capability::suspension::{Standing, Suspension};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

impl Okta {
    /// Sends a change of the account's life, and looks whether it came to that. A refusal of what is so already is none.
    fn change(&self, user: &User, change: &str, wanted: &Standing) -> Result<(), DirectoryError> {
        let path = format!("/api/v1/users/{}/lifecycle/{change}", segment(&user.id));
        let answer = self.send(self.session.call(Method::POST, &path), &known(user));
        match answer {
            Ok(_) if self.standing(user)? == *wanted => Ok(()),
            Ok(_) => Err(self.session.idp().invalid_response(format!("the account is not as {change} leaves it"))),
            Err(refused @ DirectoryError::Refused { .. }) => match self.standing(user)? == *wanted {
                true => Ok(()),
                false => Err(refused),
            },
            Err(error) => Err(error),
        }
    }
}

/// `UserStatus`.
pub(super) fn standing(status: &str) -> Standing {
    match status {
        "ACTIVE" | "PASSWORD_EXPIRED" | "RECOVERY" => Standing::Active,
        "SUSPENDED" => Standing::Suspended,
        "LOCKED_OUT" => Standing::Locked,
        other => Standing::Out(other.to_owned()),
    }
}

impl Suspension for Okta {
    fn standing(&self, user: &User) -> Result<Standing, DirectoryError> {
        let account: Account = self.get(&format!("/api/v1/users/{}", segment(&user.id)), &known(user))?.json()?;
        Ok(standing(&account.status))
    }

    fn suspend(&self, user: &User) -> Result<(), DirectoryError> {
        match self.standing(user)? {
            Standing::Suspended => Ok(()),
            _ => self.change(user, "suspend", &Standing::Suspended),
        }
    }

    fn restore(&self, user: &User) -> Result<(), DirectoryError> {
        match self.standing(user)? {
            Standing::Active => Ok(()),
            Standing::Suspended => self.change(user, "unsuspend", &Standing::Active),
            Standing::Locked => self.change(user, "unlock", &Standing::Active),
            Standing::Out(status) => {
                let why = format!("{} is {status}; an administrator has to activate it", user.login);
                Err(self.session.idp().refused(why))
            }
        }
    }

    fn registers_while_suspended(&self) -> Told<bool> {
        Told::CannotTell(Untold::not_offered("whether a key can be enrolled for a suspended account"))
    }
}
