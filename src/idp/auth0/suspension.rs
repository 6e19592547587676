//! Blocks an Auth0 account (`blocked`) and lets it in again; its keys and roles stay. Confirmed by the types of Auth0's SDK; whether a key
//! can be registered for it meanwhile is not documented.
//!
//! A block after failed sign-ins is another thing (`user-blocks`): it is for an address or for all, and is taken away when the account is
//! restored.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::wire::Account;
use super::{Auth0, known, user_path};
use crate::idp::capability::suspension::{Standing, Suspension};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// `ListUserBlocksByIdentifierResponseContent`.
#[derive(Deserialize)]
struct Blocks {
    blocked_for: Vec<Value>,
}

impl Auth0 {
    fn is_locked(&self, user: &User) -> Result<bool, DirectoryError> {
        let blocks: Blocks = self.get(&blocks_path(user), &known(user))?.json()?;
        Ok(!blocks.blocked_for.is_empty())
    }

    fn block(&self, user: &User, blocked: bool) -> Result<(), DirectoryError> {
        let call = self.call(Method::PATCH, &user_path(&user.id)).json(&json!({ "blocked": blocked }));
        let account: Account = self.send(call, &known(user))?.json()?;
        match account.user_id == user.id && account.blocked == Some(blocked) {
            true => Ok(()),
            false => Err(self.session.idp().invalid_response("the account is not as it was asked for")),
        }
    }
}

fn blocks_path(user: &User) -> String {
    format!("/user-blocks/{}", segment(&user.id))
}

impl Suspension for Auth0 {
    fn standing(&self, user: &User) -> Result<Standing, DirectoryError> {
        if self.account(&user.id, &known(user))?.blocked == Some(true) {
            return Ok(Standing::Suspended);
        }
        Ok(if self.is_locked(user)? { Standing::Locked } else { Standing::Active })
    }

    fn suspend(&self, user: &User) -> Result<(), DirectoryError> {
        self.block(user, true)
    }

    fn restore(&self, user: &User) -> Result<(), DirectoryError> {
        self.block(user, false)?;
        if !self.is_locked(user)? {
            return Ok(());
        }
        self.send(self.call(Method::DELETE, &blocks_path(user)), &known(user))?;
        match self.is_locked(user)? {
            false => Ok(()),
            true => Err(self.session.idp().invalid_response("the account is locked still")),
        }
    }

    fn registers_while_suspended(&self) -> Told<bool> {
        Told::CannotTell(Untold::not_offered("whether a passkey can be registered for a blocked account"))
    }
}
