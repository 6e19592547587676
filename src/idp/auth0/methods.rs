//! The ways in that an Auth0 account has: its authentication methods, the password of its database connection, and other IdPs that it is
//! linked with.
//!
//! It refuses to say that an account in a database connection has no password: Auth0 does not tell whether one was ever set.

use super::classes::{CLASSES, FEDERATED, PASSWORD};
use super::passkeys::NEEDS;
use super::wire::{Account, AuthenticationMethod, PASSKEY};
use super::{Auth0, known};
use crate::idp::capability::methods::{Method, Removal, SignInMethods, Usable};
use crate::idp::capability::removal::{MethodRemoval, Removed};
use crate::idp::capability::told::{Listing, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const NO_REMOVAL: &str = "Auth0 removes no password from a database connection; have applications ask for a passkey";
const UNLINK: &str =
    "unlink the identity in the dashboard (User Management > Users > the person > Accounts associated)";

impl SignInMethods for Auth0 {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        let account = self.account(&user.id, &known(user))?;
        let mut methods = Listing::default();
        match self.authentication_methods(user) {
            Ok(all) => methods.found.extend(all.iter().map(|one| of_method(one, &all))),
            Err(error) => {
                methods.untold.push(Untold::of_refusal("the account's authentication methods", NEEDS, error)?);
            }
        }
        let lists_password = methods.found.iter().any(|method| method.kind == PASSWORD);
        methods.found.extend(of_identities(&account).filter(|one| one.kind != PASSWORD || !lists_password));
        Ok(methods)
    }
}

fn of_method(one: &AuthenticationMethod, all: &[AuthenticationMethod]) -> Method {
    let mut method = CLASSES.method(&one.kind, one.id.clone());
    if one.kind == PASSKEY {
        method.class = one.binding().into();
    }
    if one.confirmed == Some(false) {
        method.usable = Usable::No { why: "not confirmed".into() };
    }
    let is_linked = |other: &&AuthenticationMethod| other.id != one.id && other.link_id == one.link_id;
    let linked = all.iter().filter(|_| one.link_id.is_some()).filter(is_linked);
    let which: Vec<&str> = linked.map(|other| other.kind.as_str()).collect();
    method.removal = match () {
        () if one.kind == PASSWORD => Removal::Impossible { why: NO_REMOVAL.into() },
        () if which.is_empty() => Removal::Possible,
        () => Removal::WithOthers { which: which.join(", ") },
    };
    method
}

fn of_identities(account: &Account) -> impl Iterator<Item = Method> + '_ {
    account.identities.iter().map(|identity| {
        let id = format!("identities/{}/{}", segment(&identity.provider), segment(&identity.id()));
        match identity.is_database() {
            true => Method {
                removal: Removal::Impossible { why: NO_REMOVAL.into() },
                // Whether one was ever set nobody tells.
                usable: Usable::CannotTell,
                ..CLASSES.method(PASSWORD, id)
            },
            false => Method {
                name: format!("sign-in by {}", identity.connection),
                removal: Removal::Impossible { why: UNLINK.into() },
                ..CLASSES.method(FEDERATED, id)
            },
        }
    })
}

impl MethodRemoval for Auth0 {
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        if let Removal::Impossible { why } = &method.removal {
            return Err(self.session.idp().refused(why.clone()));
        }
        self.remove_method(user, &method.id).map(|_| Removed::Gone)
    }
}
