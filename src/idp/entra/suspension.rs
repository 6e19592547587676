//! Suspends an Entra account (`accountEnabled`); its keys, groups and roles stay. Confirmed by CSDL and documentation; whether a
//! passkey can be registered for it meanwhile is not documented.
//!
//! For an account with a privileged role the app itself needs a higher administrator's role (documentation of the user resource), which
//! the refusal says. It refuses to read the account back: another of Entra's machines may not know yet what one has done.

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::graph::Permission;
use super::{Entra, known};
use crate::idp::capability::suspension::{Standing, Suspension};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    account_enabled: Option<bool>,
}

impl Entra {
    fn enable(&self, user: &User, enabled: bool) -> Result<(), DirectoryError> {
        let call = self.graph.call(Method::PATCH, &format!("/v1.0/users/{}", segment(&user.id)));
        let call = call.json(&json!({ "accountEnabled": enabled }));
        match self.graph.send(call, &known(user), Permission::ENABLE) {
            Ok(reply) if reply.status() == 204 => Ok(()),
            Ok(reply) => Err(self.graph.idp().invalid_response(format!("HTTP {} to a change", reply.status()))),
            Err(DirectoryError::Forbidden { why, .. }) => Err(self.graph.idp().forbidden(format!(
                "{why}; if the account has a privileged role, the app needs a higher one, such as Privileged Authentication \
                 Administrator"
            ))),
            Err(error) => Err(error),
        }
    }
}

impl Suspension for Entra {
    fn standing(&self, user: &User) -> Result<Standing, DirectoryError> {
        let call = self.graph.call(Method::GET, &format!("/v1.0/users/{}", segment(&user.id)));
        let call = call.query("$select", "id,userPrincipalName,accountEnabled");
        let account: Account = self.graph.send(call, &known(user), Permission::READ_USERS)?.json()?;
        match account.account_enabled {
            Some(true) => Ok(Standing::Active),
            Some(false) => Ok(Standing::Suspended),
            None => Err(self.graph.idp().invalid_response("an account without accountEnabled")),
        }
    }

    fn suspend(&self, user: &User) -> Result<(), DirectoryError> {
        self.enable(user, false)
    }

    fn restore(&self, user: &User) -> Result<(), DirectoryError> {
        self.enable(user, true)
    }

    fn registers_while_suspended(&self) -> Told<bool> {
        Told::CannotTell(Untold::not_offered("whether a passkey can be registered for a disabled account"))
    }
}
