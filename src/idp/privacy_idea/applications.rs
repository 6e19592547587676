//! What people sign in to by privacyIDEA: the kinds of clients that asked it of late (`GET /client/`, right `clienttype`; as run: 3.14).
//!
//! privacyIDEA knows no applications, only what its clients call themselves. Those that speak RADIUS, PAM or LDAP carry a typed password
//! and no key: rules for keys have no hold on them. The rules are those of the realm, which are the same for every client.

use std::collections::BTreeMap;

use serde_json::Value;
use ureq::http::Method;

use super::PrivacyIdea;
use crate::idp::capability::applications::{Application, Applications};
use crate::idp::capability::policies::{About, Policies as _};
use crate::idp::capability::told::{Cursor, Listing, Page, Told};
use crate::idp::error::DirectoryError;

/// Parts of names of clients that carry passwords alone.
const LEGACY: [&str; 3] = ["radius", "pam", "ldap"];

impl Applications for PrivacyIdea {
    fn applications(&self, _after: Option<&Cursor>) -> Result<Page<Application>, DirectoryError> {
        let asked = self.ask::<BTreeMap<String, Value>>(self.call(Method::GET, "/client/"), "list of clients");
        let clients =
            match Told::from_answer("the clients", "the right clienttype (Config > Policies, scope admin)", asked)? {
                Told::Known(clients) => clients,
                Told::CannotTell(untold) => return Ok(Page::only(Listing::untold(untold))),
            };
        let mut rules = self.of_group(&self.realm)?;
        rules.found.retain(|rule| rule.about == About::SignIn);
        let application = |name: String| {
            let legacy = LEGACY.iter().any(|part| name.to_lowercase().contains(part));
            Application { id: name.clone(), name, legacy, rules: rules.clone() }
        };
        Ok(Page::only(Listing::whole(clients.into_keys().map(application).collect())))
    }
}
