//! Suspends a PingOne account (`enabled`); its devices, groups and roles stay. Confirmed by OpenAPI; whether a device can be registered
//! for it meanwhile is not documented.
//!
//! A lock is another thing: it comes from failed sign-ins and ends by itself, or is taken away when the account is restored.

use serde::Deserialize;
use serde_json::json;
use ureq::http::{Method, header};

use super::wire::Account;
use super::{PingOne, known, user_path};
use crate::idp::capability::suspension::{Standing, Suspension};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// The media type of taking a lock away (`EnumUserAccountContentTypeHeader`).
const UNLOCK: &str = "application/vnd.pingidentity.account.unlock+json";

/// `UserEnabled`.
#[derive(Deserialize)]
struct Enabled {
    enabled: bool,
}

impl PingOne {
    fn account(&self, user: &User) -> Result<Account, DirectoryError> {
        self.get(&user_path(&user.id), &known(user))?.json()
    }

    fn enable(&self, user: &User, wanted: bool) -> Result<(), DirectoryError> {
        let call =
            self.call(Method::PUT, &format!("{}/enabled", user_path(&user.id))).json(&json!({ "enabled": wanted }));
        let answer: Enabled = self.send(call, &known(user))?.json()?;
        match answer.enabled == wanted {
            true => Ok(()),
            false => Err(self.session.idp().invalid_response("the account is not as it was asked for")),
        }
    }
}

impl Suspension for PingOne {
    fn standing(&self, user: &User) -> Result<Standing, DirectoryError> {
        let account = self.account(user)?;
        Ok(match () {
            () if account.enabled == Some(false) => Standing::Suspended,
            () if account.is_locked() => Standing::Locked,
            () => Standing::Active,
        })
    }

    fn suspend(&self, user: &User) -> Result<(), DirectoryError> {
        self.enable(user, false)
    }

    fn restore(&self, user: &User) -> Result<(), DirectoryError> {
        self.enable(user, true)?;
        if !self.account(user)?.is_locked() {
            return Ok(());
        }
        let call = self.call(Method::POST, &user_path(&user.id)).json(&json!({})).header(header::CONTENT_TYPE, UNLOCK);
        self.send(call, &known(user))?;
        match self.account(user)?.is_locked() {
            false => Ok(()),
            true => Err(self.session.idp().invalid_response("the account is locked still")),
        }
    }

    fn registers_while_suspended(&self) -> Told<bool> {
        Told::CannotTell(Untold::not_offered("whether a device can be registered for a disabled account"))
    }
}
