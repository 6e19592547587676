//! Who is in an Entra group, and who has a directory role: now, by a group, or as soon as they take it on.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | members | `groups/{id}/transitiveMembers/microsoft.graph.user` | confirmed (CSDL, documentation) |
//! | active roles | `roleManagement/directory/roleAssignments`, a group's with its members | confirmed |
//! | roles that can be taken on | `roleEligibilityScheduleInstances` (PIM) | confirmed; 400 without a licence, as seen in answers |
//! | memberships that can be taken on | `identityGovernance/privilegedAccess/group/eligibilityScheduleInstances`, for each group with a role | confirmed |
//!
//! Custom roles are told with the others; which roles are privileged only beta says, so all are told. It refuses to take a tenant
//! without PIM, or one that keeps it back, for one without eligible people.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::graph::{Permission, untold};
use super::{Entra, is_guid, wire};
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const MEMBERS: &str = "the group's members";
const ACTIVE: &str = "roles that are held now";
const ELIGIBLE: &str = "roles that can be taken on";
const ELIGIBLE_MEMBERS: &str = "memberships that can be taken on, of groups with a role";

const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
const ELIGIBILITIES: &str = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances";
const GROUP_ELIGIBILITIES: &str = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances";
const PERSON: &str = "$select=id,userPrincipalName,displayName,accountEnabled,userType&$count=true&$top=999";

/// `unifiedRoleAssignment`, `unifiedRoleEligibilityScheduleInstance`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    #[serde(default)]
    role_definition_id: String,
    principal_id: Option<String>,
    principal: Option<Principal>,
}

/// `directoryObject`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Principal {
    #[serde(default, rename = "@odata.type")]
    odata_type: String,
    id: String,
    display_name: Option<String>,
    user_principal_name: Option<String>,
}

/// `unifiedRoleDefinition`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    id: String,
    display_name: Option<String>,
}

/// `group`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    is_assignable_to_role: Option<bool>,
}

/// Names of roles, by their ids.
struct Names(BTreeMap<String, String>);

impl Names {
    fn role(&self, id: &str) -> Role {
        Role { id: id.to_owned(), name: self.0.get(id).cloned().unwrap_or_else(|| id.to_owned()) }
    }
}

/// A text within a filter.
pub(super) fn quoted(text: &str) -> String {
    segment(&format!("'{}'", text.replace('\'', "''")))
}

impl Entra {
    /// The id of a group that is named by its id or its name.
    pub(super) fn group_id(&self, group: &str) -> Result<String, DirectoryError> {
        if is_guid(group) {
            return Ok(group.to_owned());
        }
        let what = format!("group {group}");
        let path = format!("/v1.0/groups?$filter=displayName%20eq%20{}&$select=id,displayName", quoted(group));
        let found: Vec<Group> = self.graph.collection(&path, &what, Permission::GROUPS)?;
        match <[Group; 1]>::try_from(found) {
            Ok([one]) => Ok(one.id),
            Err(none) if none.is_empty() => Err(self.graph.idp().not_found(what)),
            Err(several) => {
                let why = format!("{} groups are called {group}; name one by its id", several.len());
                Err(self.graph.idp().refused(why))
            }
        }
    }

    fn role_names(&self) -> Result<Names, DirectoryError> {
        let path = "/v1.0/roleManagement/directory/roleDefinitions?$select=id,displayName";
        let definitions: Vec<Definition> = self.graph.collection(path, "list of roles", Permission::ROLES)?;
        let named = definitions.into_iter().filter_map(|one| Some((one.id, one.display_name?)));
        Ok(Names(named.collect()))
    }

    /// Who has what these say, groups with their members. People of groups with a role who can become members are told too.
    fn holders(&self, assignments: Vec<Assignment>, hold: Hold) -> Result<Listing<RoleHolder>, DirectoryError> {
        let names = self.role_names()?;
        let mut listing = Listing::default();
        for assignment in assignments {
            let Some(principal) = assignment.principal else { continue };
            let role = names.role(&assignment.role_definition_id);
            match principal.odata_type.as_str() {
                "#microsoft.graph.user" => listing.found.push(RoleHolder {
                    user_id: principal.id,
                    login: principal.user_principal_name,
                    role,
                    hold,
                    through: None,
                }),
                "#microsoft.graph.group" => self.of_group_with_role(&principal, &role, hold, &mut listing)?,
                // Applications are nobody.
                _ => {}
            }
        }
        Ok(listing)
    }

    fn of_group_with_role(
        &self,
        group: &Principal,
        role: &Role,
        hold: Hold,
        listing: &mut Listing<RoleHolder>,
    ) -> Result<(), DirectoryError> {
        let through = group.display_name.clone().or_else(|| Some(group.id.clone()));
        let path = format!("/v1.0/groups/{}/transitiveMembers/microsoft.graph.user?{PERSON}", segment(&group.id));
        match self.graph.collection::<wire::User>(&path, MEMBERS, Permission::GROUPS) {
            Ok(members) => listing.found.extend(members.into_iter().map(|member| RoleHolder {
                login: member.login(),
                user_id: member.id,
                role: role.clone(),
                hold,
                through: through.clone(),
            })),
            Err(error) => listing.untold.push(untold(MEMBERS, Permission::GROUPS, error)?),
        }
        let path = format!("{GROUP_ELIGIBILITIES}?$filter=groupId%20eq%20{}&$expand=principal", quoted(&group.id));
        match self.graph.collection::<Assignment>(&path, ELIGIBLE_MEMBERS, Permission::GROUP_ELIGIBILITY) {
            Ok(eligible) => listing.found.extend(eligible.into_iter().filter_map(|one| {
                let principal = one.principal.filter(|one| one.odata_type == "#microsoft.graph.user");
                Some(RoleHolder {
                    user_id: one.principal_id?,
                    login: principal.and_then(|one| one.user_principal_name),
                    role: role.clone(),
                    hold: Hold::Eligible,
                    through: through.clone(),
                })
            })),
            Err(error) => {
                let kept_back = untold(ELIGIBLE_MEMBERS, Permission::GROUP_ELIGIBILITY, error)?;
                if !listing.untold.contains(&kept_back) {
                    listing.untold.push(kept_back);
                }
            }
        }
        Ok(())
    }

    /// A page of one of the two lists of roles.
    fn role_page(
        &self,
        path: &str,
        what: &str,
        permission: Permission,
        hold: Hold,
    ) -> Result<Page<RoleHolder>, DirectoryError> {
        let asked = self.graph.page::<Assignment>(path, what, permission);
        let (assignments, next) = match asked {
            Ok(page) => page,
            Err(error) => return Ok(Page::only(Listing::untold(untold(what, permission, error)?))),
        };
        Ok(Page { listing: self.holders(assignments, hold)?, next: next.map(Cursor) })
    }

    /// The groups of an account that may have roles.
    fn groups_with_roles(&self, user: &User) -> Result<Vec<Group>, DirectoryError> {
        let path = format!(
            "/v1.0/users/{}/transitiveMemberOf/microsoft.graph.group?$select=id,displayName,isAssignableToRole&$count=true&$top=999",
            segment(&user.id)
        );
        let mut groups: Vec<Group> =
            self.graph.collection(&path, &format!("user {}", user.login), Permission::GROUPS)?;
        groups.retain(|group| group.is_assignable_to_role == Some(true));
        Ok(groups)
    }
}

impl People for Entra {
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        let path = match after {
            Some(cursor) if cursor.0.starts_with("/v1.0/groups/") => Ok(cursor.0.clone()),
            Some(_) => return Err(self.graph.idp().refused("this is no page of that list")),
            None => self
                .group_id(group)
                .map(|id| format!("/v1.0/groups/{}/transitiveMembers/microsoft.graph.user?{PERSON}", segment(&id))),
        };
        let what = format!("group {group}");
        let asked = path.and_then(|path| self.graph.page::<wire::User>(&path, &what, Permission::GROUPS));
        match asked {
            Ok((found, next)) => {
                let (named, nameless): (Vec<_>, Vec<_>) = found.into_iter().partition(|user| user.login().is_some());
                let named = named.into_iter().map(|user| Person { guest: user.is_guest(), user: user.user() });
                let mut listing = Listing::whole(named.collect());
                if !nameless.is_empty() {
                    let what = format!("who {} of the group's members are", nameless.len());
                    let why = WhyUntold::Refused("it tells their ids alone".into());
                    listing.untold.push(Untold { what, why, needs: Permission::GROUPS.name().into() });
                }
                Ok(Page { listing, next: next.map(Cursor) })
            }
            Err(absent @ DirectoryError::NotFound { .. }) => Err(absent),
            Err(error) => Ok(Page::only(Listing::untold(untold(MEMBERS, Permission::GROUPS, error)?))),
        }
    }

    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        let first = format!("{ASSIGNMENTS}?$expand=principal");
        match after.map_or(first.as_str(), |cursor| cursor.0.as_str()) {
            path if path.starts_with(ASSIGNMENTS) => {
                let page = self.role_page(path, ACTIVE, Permission::ROLES, Hold::Active)?;
                let then = || Cursor(format!("{ELIGIBILITIES}?$expand=principal"));
                Ok(Page { next: page.next.or_else(|| Some(then())), ..page })
            }
            path if path.starts_with(ELIGIBILITIES) => {
                self.role_page(path, ELIGIBLE, Permission::ELIGIBILITY, Hold::Eligible)
            }
            _ => Err(self.graph.idp().refused("this is no page of that list")),
        }
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        let mut listing = Listing::default();
        let mut principals = vec![(user.id.clone(), None)];
        match self.groups_with_roles(user) {
            Ok(groups) => {
                principals
                    .extend(groups.into_iter().map(|one| (one.id.clone(), Some(one.display_name.unwrap_or(one.id)))));
            }
            Err(absent @ DirectoryError::NotFound { .. }) => return Err(absent),
            Err(error) => listing.untold.push(untold("the person's groups", Permission::GROUPS, error)?),
        }
        let names = match self.role_names() {
            Ok(names) => names,
            Err(error) => {
                listing.untold.push(untold(ACTIVE, Permission::ROLES, error)?);
                return Ok(listing);
            }
        };
        for (id, through) in principals {
            for (list, what, permission, hold) in [
                (ASSIGNMENTS, ACTIVE, Permission::ROLES, Hold::Active),
                (ELIGIBILITIES, ELIGIBLE, Permission::ELIGIBILITY, Hold::Eligible),
            ] {
                let path = format!("{list}?$filter=principalId%20eq%20{}", quoted(&id));
                match self.graph.collection::<Assignment>(&path, what, permission) {
                    Ok(assignments) => listing.found.extend(assignments.into_iter().map(|one| RoleHolder {
                        user_id: user.id.clone(),
                        login: Some(user.login.clone()),
                        role: names.role(&one.role_definition_id),
                        hold,
                        through: through.clone(),
                    })),
                    Err(error) => {
                        let kept_back = untold(what, permission, error)?;
                        if !listing.untold.contains(&kept_back) {
                            listing.untold.push(kept_back);
                        }
                    }
                }
            }
        }
        Ok(listing)
    }
}

impl Entra {
    /// Ids of the groups that a group is in, itself among them.
    pub(super) fn with_parents(&self, group: &str) -> Result<Told<Vec<String>>, DirectoryError> {
        let path = format!(
            "/v1.0/groups/{}/transitiveMemberOf/microsoft.graph.group?$select=id&$count=true&$top=999",
            segment(group)
        );
        match self.graph.collection::<Group>(&path, &format!("group {group}"), Permission::GROUPS) {
            Ok(parents) => {
                let ids = std::iter::once(group.to_owned()).chain(parents.into_iter().map(|one| one.id));
                Ok(Told::Known(ids.collect()))
            }
            Err(absent @ DirectoryError::NotFound { .. }) => Err(absent),
            Err(error) => Ok(Told::CannotTell(untold("which groups the group is in", Permission::GROUPS, error)?)),
        }
    }
}
