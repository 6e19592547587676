//! The applications of an Okta org, and the rules of the sign-on policy that each uses (`GET /apps`, `GET /policies/{id}/rules`; confirmed
//! by Okta's description).
//!
//! An application to which Okta types a stored password (`AUTO_LOGIN`, `BASIC_AUTH`, `BROWSER_PLUGIN`, `SECURE_PASSWORD_STORE`), and one
//! that speaks RADIUS, is reached by that password without Okta too. Bookmarks sign nobody in. An application without a policy is one of
//! the Classic Engine, whose rules are not read: it refuses to call that unguarded or guarded.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Okta, Scope};
use crate::idp::capability::applications::{Application, Applications};
use crate::idp::capability::policies::Rule;
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold};
use crate::idp::error::DirectoryError;

const APPS: &str = "/api/v1/apps";

/// Ways in by a password that the application knows.
const STORED: [&str; 4] = ["AUTO_LOGIN", "BASIC_AUTH", "BROWSER_PLUGIN", "SECURE_PASSWORD_STORE"];

/// `Application`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct App {
    pub(super) id: String,
    /// What it is an instance of, such as `radius_generic`.
    #[serde(default)]
    name: String,
    #[serde(default)]
    pub(super) label: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    sign_on_mode: String,
    #[serde(default, rename = "_links")]
    links: Links,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Links {
    access_policy: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

impl App {
    /// The id of its sign-on policy.
    pub(super) fn policy(&self) -> Option<&str> {
        let href = &self.links.access_policy.as_ref()?.href;
        href.rsplit('/').next().filter(|id| !id.is_empty())
    }

    /// Whether it is in use, and people sign in to it.
    pub(super) fn signs_in(&self) -> bool {
        self.status == "ACTIVE" && self.sign_on_mode != "BOOKMARK"
    }
}

impl Applications for Okta {
    fn applications(&self, after: Option<&Cursor>) -> Result<Page<Application>, DirectoryError> {
        let path = match after {
            None => format!("{APPS}?limit=200"),
            Some(cursor) if cursor.0.starts_with(APPS) => cursor.0.clone(),
            Some(_) => return Err(self.session.idp().refused("this is no page of that list")),
        };
        let asked = self.page::<App>(Scope::Apps, &path, "list of applications");
        let (apps, next) = match Told::from_answer("the applications", "the scope okta.apps.read", asked)? {
            Told::Known(page) => page,
            Told::CannotTell(untold) => return Ok(Page::only(Listing::untold(untold))),
        };
        // Many use one policy.
        let mut rules: BTreeMap<String, Listing<Rule>> = BTreeMap::new();
        let mut found = Vec::new();
        for app in apps.into_iter().filter(App::signs_in) {
            let of_policy = match app.policy() {
                None => Listing::untold(Untold::not_offered(format!("which rules guard {}", app.label))),
                Some(id) => match rules.get(id) {
                    Some(known) => known.clone(),
                    None => {
                        let asked = self.rules_for_everybody(id)?;
                        rules.entry(id.to_owned()).or_insert(asked).clone()
                    }
                },
            };
            let legacy = STORED.contains(&app.sign_on_mode.as_str()) || app.name.contains("radius");
            found.push(Application { id: app.id, name: app.label, legacy, rules: of_policy });
        }
        Ok(Page { listing: Listing::whole(found), next: next.map(Cursor) })
    }
}
