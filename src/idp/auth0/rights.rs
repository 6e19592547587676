//! What our application may do at Auth0: the scopes of its access token, each held against what the API's reference demands.
//!
//! Whether the Management API keeps anything from an application that has the scope, such as accounts with roles, is documented nowhere.

use super::Auth0;
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::error::DirectoryError;

/// Source: the scopes at each request of Auth0's API reference (auth0/docs-v2).
const NEEDED: [(Capability, &str); 22] = [
    (Capability::Registration, "read:users"),
    (Capability::Registration, "read:authentication_methods"),
    (Capability::Registration, "create:authentication_methods"),
    (Capability::Registration, "update:authentication_methods"),
    (Capability::Registration, "delete:authentication_methods"),
    (Capability::Registration, "read:custom_domains"),
    (Capability::Registration, "read:connections"),
    (Capability::People, "read:users"),
    (Capability::People, "read:roles"),
    (Capability::People, "read:role_members"),
    (Capability::Methods, "read:users"),
    (Capability::Methods, "read:authentication_methods"),
    (Capability::Passkeys, "read:authentication_methods"),
    (Capability::LastUse, "read:users"),
    (Capability::LastUse, "read:authentication_methods"),
    (Capability::LastUse, "read:logs"),
    (Capability::LastUse, "read:logs_users"),
    (Capability::Removal, "delete:authentication_methods"),
    (Capability::Suspension, "read:users"),
    (Capability::Suspension, "update:users"),
    (Capability::Sessions, "delete:sessions"),
    (Capability::Sessions, "delete:refresh_tokens"),
];

impl Auth0 {
    /// The scopes of the access token.
    pub(super) fn scopes(&self) -> Result<Told<Vec<String>>, DirectoryError> {
        let claims = self.session.token_claims()?;
        let scope = claims.as_ref().and_then(|claims| claims["scope"].as_str());
        Ok(match scope {
            Some(scope) => Told::Known(scope.split_whitespace().map(str::to_owned).collect()),
            None => Told::CannotTell(Untold::not_offered("which scopes the application has")),
        })
    }
}

impl AccountRights for Auth0 {
    fn rights(&self) -> Result<Rights, DirectoryError> {
        let scopes = self.scopes()?;
        let right = |(capability, scope): (Capability, &str)| Right {
            capability,
            name: format!("scope {scope}"),
            there: scopes.clone().map(|scopes| scopes.iter().any(|one| one == scope)),
        };
        let needed = NEEDED.into_iter().map(right).collect();
        let is_beyond = |scope: &String| !NEEDED.iter().any(|(_, needed)| needed == scope);
        Ok(Rights { needed, beyond: scopes.map(|scopes| scopes.into_iter().filter(is_beyond).collect()) })
    }

    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        Ok(Told::CannotTell(Untold::not_offered("whether the application may change accounts that have roles")))
    }
}
