//! Who is in a realm or a resolver of privacyIDEA, and who administers it (as run: 3.14).
//!
//! privacyIDEA has no groups: a realm is one, or one of its resolvers. Administrators are everybody in the realms that the server's
//! configuration calls superusers' (`GET /realm/superuser`), and accounts of its own (`pi-manage admin list`), which no request tells:
//! so it refuses to call the list of administrators whole.

use std::collections::BTreeMap;

use serde::Deserialize;
use ureq::http::Method;

use super::PrivacyIdea;
use super::wire::Person as Listed;
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

const USERLIST: &str = "the right userlist (Config > Policies, scope admin)";

/// `GET /realm/`, one of them.
#[derive(Deserialize)]
pub(super) struct Realm {
    #[serde(default)]
    pub(super) resolver: Vec<Resolver>,
}

#[derive(Deserialize)]
pub(super) struct Resolver {
    pub(super) name: String,
}

/// What a group is here.
pub(super) enum Group {
    Realm(String),
    Resolver(String),
}

impl PrivacyIdea {
    pub(super) fn group(&self, name: &str) -> Result<Group, DirectoryError> {
        let realms: BTreeMap<String, Realm> = self.ask(self.call(Method::GET, "/realm/"), "list of realms")?;
        let is = |other: &String| other.eq_ignore_ascii_case(name);
        if let Some(realm) = realms.keys().find(|realm| is(realm)) {
            return Ok(Group::Realm(realm.clone()));
        }
        let mut resolvers = realms.into_values().flat_map(|realm| realm.resolver);
        match resolvers.find(|resolver| is(&resolver.name)) {
            Some(resolver) => Ok(Group::Resolver(resolver.name)),
            None => Err(self.session.idp().not_found(format!("realm or resolver {name}"))),
        }
    }

    fn listed(&self, group: &Group) -> Result<Vec<Listed>, DirectoryError> {
        let call = self.call(Method::GET, "/user/");
        let call = match group {
            Group::Realm(realm) => call.query("realm", realm),
            Group::Resolver(resolver) => call.query("resolver", resolver),
        };
        self.ask(call, "such people")
    }

    /// Realms whose people are administrators.
    fn superuser_realms(&self) -> Result<Vec<String>, DirectoryError> {
        self.ask(self.call(Method::GET, "/realm/superuser"), "list of superusers' realms")
    }
}

fn administrator(user: User, realm: &str) -> RoleHolder {
    RoleHolder {
        user_id: user.id,
        login: Some(user.login),
        role: Role { id: "administrator".into(), name: "administrator".into() },
        hold: Hold::Active,
        through: Some(format!("realm {realm}")),
    }
}

impl People for PrivacyIdea {
    /// All at once: the server has no pages of people.
    fn members(&self, group: &str, _after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        let asked = self.group(group).and_then(|group| self.listed(&group));
        let told = Told::of_existing("the realm's people", USERLIST, asked)?;
        let person = |listed: Listed| Person { user: listed.user(), guest: false };
        Ok(Page::only(Listing::of(told.map(|people| people.into_iter().map(person).collect()))))
    }

    fn admins(&self, _after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        let mut admins = Listing::untold(Untold::not_offered("the server's own administrators (pi-manage admin list)"));
        let what = "administrators of superusers' realms";
        let realms = match Told::from_answer(what, "the right configread", self.superuser_realms())? {
            Told::Known(realms) => realms,
            Told::CannotTell(untold) => {
                admins.untold.push(untold);
                return Ok(Page::only(admins));
            }
        };
        for realm in realms {
            match self.listed(&Group::Realm(realm.clone())) {
                Ok(people) => admins.found.extend(people.into_iter().map(|one| administrator(one.user(), &realm))),
                // The configuration may name one that nobody made.
                Err(DirectoryError::NotFound { .. } | DirectoryError::Refused { .. }) => {}
                Err(error) => admins.untold.push(Untold::of_refusal(what, USERLIST, error)?),
            }
        }
        Ok(Page::only(admins))
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        let told = Told::from_answer("the person's role", "the right configread", self.superuser_realms())?;
        let is_one = |realms: Vec<String>| realms.iter().any(|realm| realm.eq_ignore_ascii_case(&self.realm));
        let role = |is_one: bool| is_one.then(|| administrator(user.clone(), &self.realm)).into_iter().collect();
        Ok(Listing::of(told.map(is_one).map(role)))
    }
}
