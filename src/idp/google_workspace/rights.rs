//! What the service account may read at Google: each scope is tried. Whether the administrator for whom it stands in has the role for it
//! shows in the same requests.

use super::people::probe;
use super::{Scope, Sdk};
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::error::DirectoryError;

const NEEDED: [(Capability, Scope); 8] = [
    (Capability::People, Scope::Groups),
    (Capability::People, Scope::Roles),
    (Capability::People, Scope::Users),
    (Capability::Methods, Scope::Users),
    (Capability::Methods, Scope::Usage),
    (Capability::Methods, Scope::Security),
    (Capability::LastUse, Scope::Users),
    (Capability::LastUse, Scope::Audit),
];

impl Sdk {
    fn has(&self, scope: Scope) -> Result<Told<bool>, DirectoryError> {
        let what = format!("whether the scope {} is there", scope.name());
        let (path, query) = probe(scope);
        if !path.is_empty() {
            return Told::probed(&what, scope.name(), self.read(scope, path, query, "such list"));
        }
        // These need an account to be asked about: a token for the scope is what can be tried without one.
        let session = self.sessions.iter().find(|(one, _)| *one == scope);
        Ok(match session.map(|(_, session)| session.sign_in()) {
            Some(Ok(())) => Told::Known(true),
            Some(Err(DirectoryError::SignIn { .. })) => Told::Known(false),
            Some(Err(error)) => return Err(error),
            None => Told::CannotTell(Untold::not_offered(what)),
        })
    }
}

impl AccountRights for Sdk {
    fn rights(&self) -> Result<Rights, DirectoryError> {
        let mut needed = Vec::new();
        for (capability, scope) in NEEDED {
            needed.push(Right { capability, name: format!("scope {}", scope.name()), there: self.has(scope)? });
        }
        let what = "which other scopes are delegated to the service account";
        Ok(Rights { needed, beyond: Told::CannotTell(Untold::not_offered(what)) })
    }

    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        Ok(Told::Known(false))
    }
}
