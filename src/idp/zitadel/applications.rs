//! The applications of a Zitadel organization (`zitadel.application.v2.ApplicationService/ListApplications`, permission
//! `project.app.read`; confirmed by its proto). Each is under the login settings of the organization, and no rule of its own.
//!
//! APIs sign nobody in and are left out. It refuses to guess whose login settings hold where the settings name no organization.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{HeaderName, Method};

use super::Zitadel;
use crate::idp::capability::applications::{Application, Applications};
use crate::idp::capability::policies::{About, Policies as _, Rule};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold};
use crate::idp::error::DirectoryError;

const LIST: &str = "/zitadel.application.v2.ApplicationService/ListApplications";

/// Requests of the Connect protocol say so.
const CONNECT: HeaderName = HeaderName::from_static("connect-protocol-version");

const SIZE: usize = 100;

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    applications: Vec<App>,
}

/// `zitadel.application.v2.Application`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct App {
    application_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    api_configuration: Option<Value>,
}

impl Zitadel {
    fn sign_in_rules(&self) -> Result<Listing<Rule>, DirectoryError> {
        let Some(organization) = &self.organization else {
            let needs = "organization in keywright.toml".to_owned();
            return Ok(Listing::untold(Untold { needs, ..Untold::not_offered("which login settings guard it") }));
        };
        let mut rules = self.of_group(organization)?;
        rules.found.retain(|rule| rule.about == About::SignIn);
        Ok(rules)
    }
}

impl Applications for Zitadel {
    fn applications(&self, after: Option<&Cursor>) -> Result<Page<Application>, DirectoryError> {
        let from: usize = match after {
            None => 0,
            Some(cursor) => cursor.0.parse().map_err(|_| self.session.idp().refused("this is no page of that list"))?,
        };
        let body = json!({
            "pagination": { "offset": from.to_string(), "limit": SIZE, "asc": true },
            "filters": [{ "stateFilter": "APPLICATION_STATE_ACTIVE" }],
        });
        let call = self.call(Method::POST, LIST).header(CONNECT, "1").json(&body);
        let asked = self.send(call, "list of applications").and_then(|reply| reply.json::<Found>());
        let found = match Told::from_answer("the applications", "the permission project.app.read", asked)? {
            Told::Known(found) => found.applications,
            Told::CannotTell(untold) => return Ok(Page::only(Listing::untold(untold))),
        };
        let next = (found.len() == SIZE).then(|| Cursor((from + SIZE).to_string()));
        let rules = self.sign_in_rules()?;
        // A server that does not know the filter lists what is switched off too.
        let signs_in = |app: &App| app.api_configuration.is_none() && app.state == "APPLICATION_STATE_ACTIVE";
        let application =
            |app: App| Application { id: app.application_id, name: app.name, legacy: false, rules: rules.clone() };
        let listing = Listing::whole(found.into_iter().filter(signs_in).map(application).collect());
        Ok(Page { listing, next })
    }
}
