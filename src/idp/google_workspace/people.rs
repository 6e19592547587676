//! Who is in a Google group, and who has an administrator's role, by themselves or by a group (Directory API; confirmed by its discovery
//! document).
//!
//! Roles name accounts by number, so each is looked up. It refuses to leave out a role that a group has: its members are told with it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Scope, Sdk};
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const MEMBERS: &str = "the group's members";
const ADMINS: &str = "administrators";

const ASSIGNMENTS: &str = "/admin/directory/v1/customer/my_customer/roleassignments";

/// Pages that are read before a list is held to be a circle.
const MOST_PAGES: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(default)]
    members: Vec<Member>,
    #[serde(default)]
    next_page_token: Option<String>,
}

/// `Member`.
#[derive(Deserialize)]
struct Member {
    #[serde(default)]
    email: String,
    /// `USER`, `GROUP`, `CUSTOMER`.
    #[serde(default, rename = "type")]
    kind: String,
    /// `ACTIVE`, `SUSPENDED`.
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignments {
    #[serde(default = "Vec::new")]
    items: Vec<Assignment>,
    #[serde(default)]
    next_page_token: Option<String>,
}

/// `RoleAssignment`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    /// A number as text.
    role_id: String,
    assigned_to: String,
    /// `user`, `group`, in any case.
    #[serde(default)]
    assignee_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Roles {
    #[serde(default = "Vec::new")]
    items: Vec<NamedRole>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedRole {
    role_id: String,
    #[serde(default)]
    role_name: String,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    email: String,
}

impl Sdk {
    fn role_names(&self) -> Result<BTreeMap<String, String>, DirectoryError> {
        let (mut names, mut token) = (BTreeMap::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut query = vec![("maxResults", "100")];
            query.extend(token.as_deref().map(|token| ("pageToken", token)));
            let page: Roles = self
                .read(Scope::Roles, "/admin/directory/v1/customer/my_customer/roles", &query, "list of roles")?
                .json()?;
            names.extend(page.items.into_iter().map(|role| (role.role_id, role.role_name)));
            match page.next_page_token {
                Some(next) => token = Some(next),
                None => return Ok(names),
            }
        }
        Err(self.idp().invalid_response("a list without end"))
    }

    fn members_page(&self, group: &str, token: Option<&str>) -> Result<Members, DirectoryError> {
        let path = format!("/admin/directory/v1/groups/{}/members", segment(group));
        // Those of groups within it too.
        let mut query = vec![("includeDerivedMembership", "true"), ("maxResults", "200")];
        query.extend(token.map(|token| ("pageToken", token)));
        self.read(Scope::Groups, &path, &query, &format!("group {group}"))?.json()
    }

    fn every_member(&self, group: &str) -> Result<Vec<Member>, DirectoryError> {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let page = self.members_page(group, token.as_deref())?;
            all.extend(page.members.into_iter().filter(|member| member.kind == "USER"));
            match page.next_page_token {
                Some(next) => token = Some(next),
                None => return Ok(all),
            }
        }
        Err(self.idp().invalid_response("a list without end"))
    }

    fn holders(&self, assignments: Vec<Assignment>) -> Result<Listing<RoleHolder>, DirectoryError> {
        let names = self.role_names()?;
        let mut listing = Listing::default();
        for one in assignments {
            let name = names.get(&one.role_id).cloned().unwrap_or_else(|| one.role_id.clone());
            let role = Role { id: one.role_id, name };
            let holder = |login: String, through: Option<String>| RoleHolder {
                user_id: login.clone(),
                login: Some(login),
                role: role.clone(),
                hold: Hold::Active,
                through,
            };
            if one.assignee_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("group")) {
                let told = self.of_group(&one.assigned_to);
                match Told::from_answer("members of a group with a role", &Scope::Groups.needs(), told)? {
                    Told::Known((group, members)) => {
                        listing
                            .found
                            .extend(members.into_iter().map(|member| holder(member.email, Some(group.clone()))));
                    }
                    Told::CannotTell(untold) => listing.untold.push(untold),
                }
                continue;
            }
            match self.account(&one.assigned_to) {
                Ok(account) => listing.found.push(holder(account.primary_email, None)),
                // A service account, or somebody who is deleted.
                Err(DirectoryError::NotFound { .. }) => {}
                Err(error) => {
                    let what = format!("who account {} with the role {} is", one.assigned_to, role.name);
                    listing.untold.push(Untold::of_refusal(what, Scope::Users.needs(), error)?);
                }
            }
        }
        Ok(listing)
    }

    fn of_group(&self, id: &str) -> Result<(String, Vec<Member>), DirectoryError> {
        let path = format!("/admin/directory/v1/groups/{}", segment(id));
        let group: Group = self.read(Scope::Groups, &path, &[], "such group")?.json()?;
        let members = self.every_member(id)?;
        Ok((group.email, members))
    }

    fn assignments(&self, query: &[(&str, &str)]) -> Result<Assignments, DirectoryError> {
        self.read(Scope::Roles, ASSIGNMENTS, query, "list of role assignments")?.json()
    }
}

impl People for Sdk {
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        let asked = self.members_page(group, after.map(|cursor| cursor.0.as_str()));
        let person = |member: Member| {
            let active = member.status != "SUSPENDED";
            let (id, login, display_name) = (member.email.clone(), member.email.clone(), member.email);
            Person { user: User { id, login, display_name, active }, guest: false }
        };
        let asked = asked.map(|page| {
            let people = page.members.into_iter().filter(|member| member.kind == "USER").map(person);
            (people.collect(), page.next_page_token)
        });
        Told::of_existing(MEMBERS, &Scope::Groups.needs(), asked).map(Page::of)
    }

    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        let mut query = vec![("maxResults", "100")];
        query.extend(after.map(|cursor| ("pageToken", cursor.0.as_str())));
        let page = match Told::from_answer(ADMINS, &Scope::Roles.needs(), self.assignments(&query))? {
            Told::Known(page) => page,
            Told::CannotTell(untold) => return Ok(Page::only(Listing::untold(untold))),
        };
        Ok(Page { listing: self.holders(page.items)?, next: page.next_page_token.map(Cursor) })
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        // Also those that come by a group.
        let query = [("userKey", user.login.as_str()), ("includeIndirectRoleAssignments", "true")];
        let asked = || {
            let page = self.assignments(&query)?;
            let names = self.role_names()?;
            let role = |one: Assignment| {
                let name = names.get(&one.role_id).cloned().unwrap_or_else(|| one.role_id.clone());
                let by_group = one.assignee_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("group"));
                RoleHolder {
                    user_id: user.id.clone(),
                    login: Some(user.login.clone()),
                    role: Role { id: one.role_id, name },
                    hold: Hold::Active,
                    through: by_group.then_some(one.assigned_to),
                }
            };
            Ok(page.items.into_iter().map(role).collect())
        };
        Ok(Listing::of(Told::from_answer("the person's roles", &Scope::Roles.needs(), asked())?))
    }
}

/// A request that is let through with a scope.
pub(super) fn probe(scope: Scope) -> (&'static str, &'static [(&'static str, &'static str)]) {
    match scope {
        Scope::Users => ("/admin/directory/v1/users", &[("customer", "my_customer"), ("maxResults", "1")]),
        Scope::Groups => ("/admin/directory/v1/groups", &[("customer", "my_customer"), ("maxResults", "1")]),
        Scope::Roles => (ASSIGNMENTS, &[("maxResults", "1")]),
        Scope::Usage | Scope::Audit | Scope::Security => ("", &[]),
    }
}
