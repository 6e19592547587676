//! Who is in a PingOne group, and who has an administrator's role, by themselves or through a group.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | members | `users` filtered by `memberOfGroups` | confirmed (OpenAPI); whether the filter sees groups within the group is not documented |
//! | roles | `users/{id}/roleAssignments` of every account, since there is no list of those who have any | confirmed (OpenAPI) |
//! | roles by a group | `groups/{id}/roleAssignments`, with the members | confirmed (OpenAPI) |
//!
//! So all administrators cost a request for each account. It refuses to call the members of a group whole that has groups in it.

use std::collections::BTreeMap;

use serde::Deserialize;
use ureq::http::Method;

use super::PingOne;
use super::wire::{Account, Links, Users};
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::{path_and_query, segment};

const MEMBERS: &str = "the group's members";
const ADMINS: &str = "administrators by a role of their own";
const ADMINS_BY_GROUP: &str = "administrators by a group";

/// What reading people needs.
pub(super) const NEEDS: &str = "the role Identity Data Admin or Identity Data Read Only";

/// Where accounts and groups begin, each of which is asked for its roles: few on a page, because a page that PingOne was asked too often for
/// is asked for again whole.
const ACCOUNTS: &str = "/users?limit=25";
const GROUPS: &str = "/groups?limit=25";

/// Pages that are read before a list is held to be a circle.
const MOST_PAGES: usize = 1000;

#[derive(Deserialize)]
struct Groups {
    #[serde(rename = "_embedded")]
    embedded: GroupList,
    #[serde(default, rename = "_links")]
    links: Links,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    groups: Vec<Group>,
}

/// `Group`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    direct_member_counts: Counts,
}

#[derive(Default, Deserialize)]
struct Counts {
    #[serde(default)]
    groups: u64,
}

#[derive(Deserialize)]
struct Assignments {
    #[serde(rename = "_embedded")]
    embedded: AssignmentList,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentList {
    #[serde(default)]
    role_assignments: Vec<Assignment>,
}

/// `RoleAssignment`.
#[derive(Deserialize)]
struct Assignment {
    role: Reference,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
struct Roles {
    #[serde(rename = "_embedded")]
    embedded: RoleList,
}

#[derive(Deserialize)]
struct RoleList {
    #[serde(default)]
    roles: Vec<NamedRole>,
}

#[derive(Deserialize)]
struct NamedRole {
    id: String,
    #[serde(default)]
    name: String,
}

impl PingOne {
    /// The id of a group that is named by its id or its name.
    pub(super) fn group_id(&self, group: &str) -> Result<String, DirectoryError> {
        let is_id = group.len() == 36 && group.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_id {
            return Ok(group.to_owned());
        }
        let what = format!("group {group}");
        let filter = format!("name eq \"{}\"", group.replace('\\', "\\\\").replace('"', "\\\""));
        let call = self.call(Method::GET, "/groups").query("filter", &filter);
        let mut found = self.send(call, &what)?.json::<Groups>()?.embedded.groups;
        found.retain(|one| one.name == group);
        match <[Group; 1]>::try_from(found) {
            Ok([one]) => Ok(one.id),
            Err(none) if none.is_empty() => Err(self.session.idp().not_found(what)),
            Err(several) => {
                let why = format!("{} groups are called {group}; name one by its id", several.len());
                Err(self.session.idp().refused(why))
            }
        }
    }

    /// A page of accounts, and the path of the next below the environment.
    fn accounts(&self, path: &str, what: &str) -> Result<(Vec<Account>, Option<String>), DirectoryError> {
        let page: Users = self.get(path, what)?.json()?;
        Ok((page.embedded.users, self.next(page.links)?))
    }

    /// The path of the next page below the environment.
    pub(super) fn next(&self, links: Links) -> Result<Option<String>, DirectoryError> {
        let Some(next) = links.next else { return Ok(None) };
        let path = path_and_query(&next.href);
        let below = path.as_deref().and_then(|path| path.strip_prefix(&self.environment));
        match below {
            Some(below) => Ok(Some(below.to_owned())),
            None => Err(self.session.idp().invalid_response("its next page is of another environment")),
        }
    }

    fn members_path(id: &str) -> String {
        format!("/users?filter={}&limit=1000", segment(&format!("memberOfGroups[id eq \"{id}\"]")))
    }

    /// Names of roles, which are the same in every environment, by their ids.
    pub(super) fn role_names(&self) -> Result<BTreeMap<String, String>, DirectoryError> {
        let call = self.session.call(Method::GET, "/v1/roles");
        let roles: Roles = self.send(call, "list of roles")?.json()?;
        Ok(roles.embedded.roles.into_iter().map(|role| (role.id, role.name)).collect())
    }

    /// The roles that this path's assignments give.
    pub(super) fn assigned(
        &self,
        path: &str,
        names: &BTreeMap<String, String>,
        what: &str,
    ) -> Result<Vec<Role>, DirectoryError> {
        let told: Assignments = self.get(&format!("{path}/roleAssignments"), what)?.json()?;
        let role = |one: Assignment| {
            let name = names.get(&one.role.id).cloned().unwrap_or_else(|| one.role.id.clone());
            Role { id: one.role.id, name }
        };
        let mut roles: Vec<Role> = told.embedded.role_assignments.into_iter().map(role).collect();
        // One role may be given for several environments.
        roles.sort();
        roles.dedup();
        Ok(roles)
    }

    fn admins_of_users(&self, path: &str) -> Result<(Vec<RoleHolder>, Option<String>), DirectoryError> {
        let names = self.role_names()?;
        let (accounts, next) = self.accounts(path, ADMINS)?;
        let mut holders = Vec::new();
        for account in accounts {
            let at = format!("/users/{}", segment(&account.id));
            let roles = match self.assigned(&at, &names, "such user") {
                // Deleted since.
                Err(DirectoryError::NotFound { .. }) => continue,
                roles => roles?,
            };
            holders.extend(roles.into_iter().map(|role| holder(&account, role, None)));
        }
        Ok((holders, next))
    }

    fn admins_of_groups(&self, path: &str) -> Result<(Listing<RoleHolder>, Option<String>), DirectoryError> {
        let names = self.role_names()?;
        let page: Groups = self.get(path, ADMINS_BY_GROUP)?.json()?;
        let mut listing = Listing::default();
        for group in page.embedded.groups {
            let roles = self.assigned(&format!("/groups/{}", segment(&group.id)), &names, "such group")?;
            if roles.is_empty() {
                continue;
            }
            listing.untold.extend(nested(&group));
            let mut next = Some(Self::members_path(&group.id));
            for _ in 0..MOST_PAGES {
                let Some(path) = next else { break };
                let (members, more) = self.accounts(&path, MEMBERS)?;
                for member in &members {
                    listing
                        .found
                        .extend(roles.iter().map(|role| holder(member, role.clone(), Some(group.name.clone()))));
                }
                next = more;
            }
        }
        Ok((listing, self.next(page.links)?))
    }
}

fn nested(group: &Group) -> Option<Untold> {
    let what = format!("whether people of the groups within {} are among its members", group.name);
    (group.direct_member_counts.groups > 0).then(|| Untold::not_offered(what))
}

fn holder(account: &Account, role: Role, through: Option<String>) -> RoleHolder {
    RoleHolder { user_id: account.id.clone(), login: Some(account.username.clone()), role, hold: Hold::Active, through }
}

impl People for PingOne {
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        let what = format!("group {group}");
        let asked = || {
            let mut kept_back = None;
            let path = match after {
                Some(cursor) if cursor.0.starts_with("/users?") => cursor.0.clone(),
                Some(_) => return Err(self.session.idp().refused("this is no page of that list")),
                None => {
                    let id = self.group_id(group)?;
                    let told: Group = self.get(&format!("/groups/{}", segment(&id)), &what)?.json()?;
                    kept_back = nested(&told);
                    Self::members_path(&id)
                }
            };
            let (accounts, next) = self.accounts(&path, &what)?;
            Ok((accounts, next, kept_back))
        };
        let person = |account: Account| Person { user: account.user(), guest: false };
        Ok(match Told::of_existing(MEMBERS, NEEDS, asked())? {
            Told::Known((accounts, next, kept_back)) => {
                let found = accounts.into_iter().map(person).collect();
                Page { listing: Listing { found, untold: kept_back.into_iter().collect() }, next: next.map(Cursor) }
            }
            Told::CannotTell(untold) => Page::only(Listing::untold(untold)),
        })
    }

    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        match after.map_or(ACCOUNTS, |cursor| cursor.0.as_str()) {
            path if path.starts_with("/users?") => {
                let page = Page::of(Told::from_answer(ADMINS, NEEDS, self.admins_of_users(path))?);
                Ok(Page { next: page.next.or_else(|| Some(Cursor(GROUPS.into()))), ..page })
            }
            path if path.starts_with("/groups?") => {
                Ok(match Told::from_answer(ADMINS_BY_GROUP, NEEDS, self.admins_of_groups(path))? {
                    Told::Known((listing, next)) => Page { listing, next: next.map(Cursor) },
                    Told::CannotTell(untold) => Page::only(Listing::untold(untold)),
                })
            }
            _ => Err(self.session.idp().refused("this is no page of that list")),
        }
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        let asked = || {
            let names = self.role_names()?;
            let account: Account =
                self.get(&format!("/users/{}", segment(&user.id)), &format!("user {}", user.login))?.json()?;
            let mut holders = Vec::new();
            let own = self.assigned(&format!("/users/{}", segment(&user.id)), &names, "such user")?;
            holders.extend(own.into_iter().map(|role| holder(&account, role, None)));
            for group in &account.member_of_group_ids {
                let by_group = self.assigned(&format!("/groups/{}", segment(group)), &names, "such group")?;
                holders.extend(by_group.into_iter().map(|role| holder(&account, role, Some(group.clone()))));
            }
            Ok(holders)
        };
        Ok(Listing::of(Told::of_existing("the person's roles", NEEDS, asked())?))
    }
}
