//! Who is in an Okta group, and who has an administrator's role, by themselves or through a group.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | members | `GET /groups/{id}/users`; groups are flat | confirmed by Okta's description |
//! | people with a role of their own | `GET /iam/assignees/users`, then each one's roles | confirmed; whether those are listed who have one through a group is not documented |
//! | people with one through a group | groups that have `hasAdminPrivlege` in their statistics, their roles, their members | confirmed |
//!
//! So both ways are walked, and a role may be told twice. It refuses to call the list whole where one of the ways was refused.

use serde::Deserialize;

use super::wire::Account;
use super::{Okta, Scope};
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::{path_and_query, segment};

const MEMBERS: &str = "the group's members";
const ADMINS: &str = "administrators by a role of their own";
const ADMINS_BY_GROUP: &str = "administrators by a group";

const GROUPS_PATH: &str = "/api/v1/groups";
const ASSIGNEES_PATH: &str = "/api/v1/iam/assignees/users";

/// `Group`, as far as it is needed.
#[derive(Deserialize)]
pub(super) struct Group {
    pub id: String,
    #[serde(default)]
    profile: GroupProfile,
    #[serde(default, rename = "_embedded")]
    embedded: GroupEmbedded,
}

#[derive(Default, Deserialize)]
struct GroupProfile {
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
struct GroupEmbedded {
    #[serde(default)]
    stats: Option<GroupStatistics>,
}

#[derive(Deserialize)]
struct GroupStatistics {
    /// Spelled like this.
    #[serde(default, rename = "hasAdminPrivlege")]
    has_admin_privilege: Option<bool>,
}

/// `RoleAssignedUsers`.
#[derive(Deserialize)]
struct Assignees {
    #[serde(default)]
    value: Vec<Assignee>,
    #[serde(default, rename = "_links")]
    links: AssigneeLinks,
}

#[derive(Deserialize)]
struct Assignee {
    id: String,
}

#[derive(Default, Deserialize)]
struct AssigneeLinks {
    next: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

/// `StandardRole`, `CustomRole`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assigned {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    assignment_type: Option<String>,
}

impl Assigned {
    pub(super) fn is_active(&self) -> bool {
        self.status.as_deref() != Some("INACTIVE")
    }

    fn role(&self) -> Role {
        let name = self.label.clone().unwrap_or_else(|| self.kind.clone());
        // Custom roles all have one type.
        let id = if self.kind == "CUSTOM" { format!("CUSTOM {name}") } else { self.kind.clone() };
        Role { id, name }
    }
}

fn holder(user_id: &str, login: Option<&str>, assigned: &Assigned) -> RoleHolder {
    let by_group = assigned.assignment_type.as_deref() == Some("GROUP");
    RoleHolder {
        user_id: user_id.to_owned(),
        login: login.map(str::to_owned),
        role: assigned.role(),
        hold: Hold::Active,
        through: by_group.then(|| "a group".to_owned()),
    }
}

impl Okta {
    /// The id of a group that is named by its id or its name.
    pub(super) fn group_id(&self, group: &str) -> Result<String, DirectoryError> {
        if group.len() == 20 && group.starts_with("00g") {
            return Ok(group.to_owned());
        }
        let what = format!("group {group}");
        let query = format!("profile.name eq \"{}\"", group.replace('\\', "\\\\").replace('"', "\\\""));
        let found = self.read(Scope::Groups, GROUPS_PATH, &[("search", &query), ("limit", "10")], &what)?;
        let mut found: Vec<Group> = found.json()?;
        found.retain(|one| one.profile.name == group);
        match <[Group; 1]>::try_from(found) {
            Ok([one]) => Ok(one.id),
            Err(none) if none.is_empty() => Err(self.session.idp().not_found(what)),
            Err(several) => {
                let why = format!("{} groups are called {group}; name one by its id", several.len());
                Err(self.session.idp().refused(why))
            }
        }
    }

    fn user_roles(&self, user_id: &str) -> Result<Vec<Assigned>, DirectoryError> {
        let path = format!("/api/v1/users/{}/roles", segment(user_id));
        let mut roles: Vec<Assigned> = self.read(Scope::Roles, &path, &[], "such user")?.json()?;
        roles.retain(Assigned::is_active);
        Ok(roles)
    }

    /// A page of people who have a role of their own.
    fn assignees(&self, path: &str) -> Result<(Vec<RoleHolder>, Option<String>), DirectoryError> {
        let page: Assignees = self.read(Scope::Roles, path, &[], ADMINS)?.json()?;
        let mut holders = Vec::new();
        for one in &page.value {
            let roles = match self.user_roles(&one.id) {
                // Deleted since.
                Err(DirectoryError::NotFound { .. }) => continue,
                roles => roles?,
            };
            holders.extend(roles.iter().map(|role| holder(&one.id, None, role)));
        }
        let next = match page.links.next {
            Some(link) => Some(
                path_and_query(&link.href)
                    .filter(|next| next.starts_with(ASSIGNEES_PATH))
                    .ok_or_else(|| self.session.idp().invalid_response("its next page is no page of this list"))?,
            ),
            None => None,
        };
        Ok((holders, next))
    }

    /// A page of groups: the people of those that give a role.
    fn by_groups(&self, path: &str) -> Result<(Vec<RoleHolder>, Option<String>), DirectoryError> {
        let (groups, next) = self.page::<Group>(Scope::Groups, path, ADMINS_BY_GROUP)?;
        let mut holders = Vec::new();
        let may_give =
            |group: &&Group| group.embedded.stats.as_ref().and_then(|stats| stats.has_admin_privilege).unwrap_or(true);
        for group in groups.iter().filter(may_give) {
            let path = format!("{GROUPS_PATH}/{}/roles", segment(&group.id));
            let mut roles: Vec<Assigned> = self.read(Scope::Roles, &path, &[], "such group")?.json()?;
            roles.retain(Assigned::is_active);
            if roles.is_empty() {
                continue;
            }
            let path = format!("{GROUPS_PATH}/{}/users?limit=200", segment(&group.id));
            for account in self.every::<Account>(Scope::Groups, &path, MEMBERS)? {
                let through = Some(group.profile.name.clone());
                let of = |role| RoleHolder {
                    through: through.clone(),
                    ..holder(&account.id, Some(&account.profile.login), role)
                };
                holders.extend(roles.iter().map(of));
            }
        }
        Ok((holders, next))
    }

    /// A cursor that this list gave, as the path that it is.
    fn resumed<'a>(&self, after: &'a Cursor, list: &str) -> Result<&'a str, DirectoryError> {
        match after.0.starts_with(list) {
            true => Ok(&after.0),
            false => Err(self.session.idp().refused("this is no page of that list")),
        }
    }
}

impl People for Okta {
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        let first = || Ok(format!("{GROUPS_PATH}/{}/users?limit=200", segment(&self.group_id(group)?)));
        let path = match after {
            Some(cursor) => Ok(self.resumed(cursor, &format!("{GROUPS_PATH}/"))?.to_owned()),
            None => first(),
        };
        let asked = path.and_then(|path| self.page::<Account>(Scope::Groups, &path, &format!("group {group}")));
        let person = |account: Account| Person { user: account.user(), guest: false };
        let asked = asked.map(|(found, next)| (found.into_iter().map(person).collect(), next));
        Told::of_existing(MEMBERS, "the scope okta.groups.read", asked).map(Page::of)
    }

    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        let groups = format!("{GROUPS_PATH}?expand=stats&limit=200");
        let at = match after {
            None => format!("{ASSIGNEES_PATH}?limit=100"),
            Some(cursor) if cursor.0.starts_with(ASSIGNEES_PATH) => cursor.0.clone(),
            Some(cursor) => self.resumed(cursor, &format!("{GROUPS_PATH}?"))?.to_owned(),
        };
        if at.starts_with(ASSIGNEES_PATH) {
            let told = Told::from_answer(ADMINS, "the scope okta.roles.read", self.assignees(&at))?;
            let page = Page::of(told);
            return Ok(Page { next: page.next.or(Some(Cursor(groups))), ..page });
        }
        let needs = "the scopes okta.groups.read and okta.roles.read";
        Ok(Page::of(Told::from_answer(ADMINS_BY_GROUP, needs, self.by_groups(&at))?))
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        let asked = self.user_roles(&user.id);
        let told = Told::of_existing("the person's roles", "the scope okta.roles.read", asked)?;
        let holders =
            |roles: Vec<Assigned>| roles.iter().map(|role| holder(&user.id, Some(&user.login), role)).collect();
        Ok(Listing::of(told.map(holders)))
    }
}

impl Okta {
    /// The group that everybody is in, which Okta makes itself.
    pub(super) fn everybody(&self) -> Result<Told<Vec<String>>, DirectoryError> {
        let query = [("filter", "type eq \"BUILT_IN\""), ("limit", "50")];
        let asked = self.read(Scope::Groups, GROUPS_PATH, &query, "built-in groups");
        let asked = asked.and_then(|reply| reply.json::<Vec<Group>>());
        let everyone = |groups: Vec<Group>| {
            let everyone = groups.into_iter().filter(|group| group.profile.name == "Everyone");
            everyone.map(|group| group.id).collect()
        };
        Told::from_answer("which group is everybody", "the scope okta.groups.read", asked.map(everyone))
    }

    /// The administrator's roles of our own account; `None`: it cannot be told.
    pub(super) fn own_roles(&self) -> Result<Told<Vec<Assigned>>, DirectoryError> {
        let path = match &self.app {
            Some(client_id) => format!("/oauth2/v1/clients/{}/roles", segment(client_id)),
            None => {
                // Who the token is of.
                let me: Account = self.read(Scope::Users, "/api/v1/users/me", &[], "account of the token")?.json()?;
                format!("/api/v1/users/{}/roles", segment(&me.id))
            }
        };
        let asked = self.read(Scope::Roles, &path, &[], "roles of our account");
        let asked = asked.and_then(|reply| reply.json::<Vec<Assigned>>());
        let asked = asked.map(|roles| roles.into_iter().filter(Assigned::is_active).collect());
        Told::from_answer("the roles of our account", "the scope okta.roles.read", asked)
    }

    /// What an administrator of our own may not be told.
    pub(super) fn of_the_role(what: &str, held: &[Assigned]) -> Untold {
        let names: Vec<String> = held.iter().map(|role| role.role().name).collect();
        Untold::not_offered(format!("whether the role {} lets us {what}", names.join(", ")))
    }
}
