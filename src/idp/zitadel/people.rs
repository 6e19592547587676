//! Who is in a Zitadel organization, and who manages the instance or the organization.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | members | Zitadel has no groups of people: an organization, by its id, is one (`POST /v2/users`) | confirmed (proto) |
//! | managers | `admin/v1/members/_search` of the instance, `management/v1/orgs/me/members/_search` of the organization | confirmed (proto) |
//! | a person's roles | `management/v1/users/{id}/memberships/_search` | confirmed (proto) |
//!
//! Managers of single projects are told for a person and not among all. Service accounts are nobody.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Account, Users, Zitadel};
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::told::{Cursor, Listing, Page, Told};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// How many are asked for at once.
const SIZE: usize = 100;

const INSTANCE: &str = "managers of the instance";
const ORGANIZATION: &str = "managers of the organization";

/// What reading an organization's people needs.
pub(super) const NEEDS: &str = "the permission user.read, such as the role Org User Manager has";

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "details")]
    _details: Value,
    #[serde(default)]
    result: Vec<Member>,
}

/// `zitadel.member.v1.Member`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    user_id: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    preferred_login_name: String,
    /// `TYPE_HUMAN`, `TYPE_MACHINE`.
    #[serde(default)]
    user_type: String,
}

#[derive(Deserialize)]
struct Memberships {
    #[serde(rename = "details")]
    _details: Value,
    #[serde(default)]
    result: Vec<Membership>,
}

/// `zitadel.user.v1.Membership`: of the instance, an organization or a project.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Membership {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    display_name: String,
}

fn holder(user_id: &str, login: &str, role: &str) -> RoleHolder {
    RoleHolder {
        user_id: user_id.to_owned(),
        login: Some(login.to_owned()).filter(|login| !login.is_empty()),
        role: Role { id: role.to_owned(), name: role.to_owned() },
        hold: Hold::Active,
        through: None,
    }
}

/// A cursor is the list's name and how many were told.
fn at<'a>(after: Option<&'a Cursor>, first: &'a str) -> Option<(&'a str, usize)> {
    match after {
        None => Some((first, 0)),
        Some(cursor) => {
            let (list, told) = cursor.0.split_once('/')?;
            Some((list, told.parse().ok()?))
        }
    }
}

fn next(list: &str, told: usize, found: usize) -> Option<Cursor> {
    (found == SIZE).then(|| Cursor(format!("{list}/{}", told.saturating_add(found))))
}

impl Zitadel {
    fn managers(&self, path: &str, from: usize, what: &str) -> Result<(Vec<RoleHolder>, usize), DirectoryError> {
        let query = json!({ "query": { "offset": from.to_string(), "limit": SIZE, "asc": true } });
        let members = self.post(path, &query, what)?.json::<Members>()?.result;
        let count = members.len();
        let people = members.into_iter().filter(|member| member.user_type != "TYPE_MACHINE");
        let roles = people.flat_map(|member| {
            let of = |role: &String| holder(&member.user_id, &member.preferred_login_name, role);
            member.roles.iter().map(of).collect::<Vec<_>>()
        });
        Ok((roles.collect(), count))
    }

    fn page_of_managers(
        &self,
        list: &str,
        path: &str,
        from: usize,
        what: &str,
        needs: &str,
    ) -> Result<Page<RoleHolder>, DirectoryError> {
        Ok(match Told::from_answer(what, needs, self.managers(path, from, what))? {
            Told::Known((found, count)) => Page { listing: Listing::whole(found), next: next(list, from, count) },
            Told::CannotTell(untold) => Page::only(Listing::untold(untold)),
        })
    }
}

impl People for Zitadel {
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        if group.is_empty() || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            let why = format!("Zitadel has no groups of people; name an organization by its id instead of {group}");
            return Err(self.session.idp().refused(why));
        }
        let Some(("users", from)) = at(after, "users") else {
            return Err(self.session.idp().refused("this is no page of that list"));
        };
        let body = json!({
            "query": { "offset": from.to_string(), "limit": SIZE, "asc": true },
            "sortingColumn": "USER_FIELD_NAME_CREATION_DATE",
            "queries": [{ "organizationIdQuery": { "organizationId": group } }],
        });
        let what = format!("organization {group}");
        let asked = self.post("/v2/users", &body, &what).and_then(|reply| reply.json::<Users>());
        Ok(match Told::of_existing("the organization's people", NEEDS, asked)? {
            Told::Known(users) => {
                let count = users.result.len();
                let people = users.result.into_iter().filter_map(Account::person);
                let found = people.map(|user| Person { user, guest: false }).collect();
                Page { listing: Listing::whole(found), next: next("users", from, count) }
            }
            Told::CannotTell(untold) => Page::only(Listing::untold(untold)),
        })
    }

    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        match at(after, "instance") {
            Some((list @ "instance", from)) => {
                let needs = "the permission iam.member.read, such as the role IAM Owner Viewer has";
                let page = self.page_of_managers(list, "/admin/v1/members/_search", from, INSTANCE, needs)?;
                Ok(Page { next: page.next.or_else(|| Some(Cursor("organization/0".into()))), ..page })
            }
            Some((list @ "organization", from)) => {
                let needs = "the permission org.member.read, such as the role Org Owner Viewer has";
                let path = "/management/v1/orgs/me/members/_search";
                self.page_of_managers(list, path, from, ORGANIZATION, needs)
            }
            _ => Err(self.session.idp().refused("this is no page of that list")),
        }
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        let path = format!("/management/v1/users/{}/memberships/_search", segment(&user.id));
        let asked = self.post(&path, &json!({}), "such user").and_then(|reply| reply.json::<Memberships>());
        let told = Told::of_existing("the person's roles", "the permission user.membership.read", asked)?;
        let roles = |memberships: Memberships| {
            let of = |one: &Membership| {
                let through = Some(one.display_name.clone()).filter(|name| !name.is_empty());
                let roles = one.roles.iter().map(|role| holder(&user.id, &user.login, role));
                roles.map(|held| RoleHolder { through: through.clone(), ..held }).collect::<Vec<_>>()
            };
            memberships.result.iter().flat_map(of).collect()
        };
        Ok(Listing::of(told.map(roles)))
    }
}
