//! Who has a role at Auth0, and who has which.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | roles | `roles`, paged by offset | confirmed (types of Auth0's SDK) |
//! | who has one | `roles/{id}/users`, by checkpoints, which go beyond 1000 people | confirmed; it does not say who is blocked, so a page's accounts are searched for by their ids, and read one by one where the search, which lags, has them not |
//! | one person's | `users/{id}/roles` | confirmed |
//!
//! A role is what a tenant makes of it: all count as roles of power, and one can be named where a group is asked for. It refuses to speak
//! for the administrators of the tenant itself: they are no users of it, and the Management API has no list of them.

use super::wire::{Account, RoleObject, RoleUser, RoleUsers};
use super::{Auth0, known, phrase, user_path};
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::told::{Cursor, Listing, Page, Told};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const ADMINS: &str = "administrators by their roles";

pub(super) const NEEDS: &str = "the scopes read:users, read:roles and read:role_members";

/// People on a page of members: as many as one search can name in its address.
const TAKE: usize = 25;

impl Auth0 {
    fn roles_of_tenant(&self) -> Result<Vec<Role>, DirectoryError> {
        let roles: Vec<RoleObject> = self.listed("/roles", "roles", "list of roles")?;
        Ok(roles.into_iter().map(role).collect())
    }

    /// The id of a role that is named by its id or its name.
    fn role_id(&self, group: &str) -> Result<String, DirectoryError> {
        if group.starts_with("rol_") {
            return Ok(group.to_owned());
        }
        let found = self.roles_of_tenant()?.into_iter().find(|role| role.name == group);
        found.map(|role| role.id).ok_or_else(|| self.session.idp().not_found(format!("role {group}")))
    }

    fn with_role(
        &self,
        id: &str,
        from: Option<&str>,
        take: usize,
    ) -> Result<(Vec<RoleUser>, Option<String>), DirectoryError> {
        let mut path = format!("/roles/{}/users?take={take}", segment(id));
        if let Some(from) = from {
            path = format!("{path}&from={}", segment(from));
        }
        let page: RoleUsers = self.get(&path, "such role")?.json()?;
        Ok((page.users, page.next))
    }

    /// The accounts of some people, without those that were deleted since.
    fn accounts(&self, users: &[RoleUser]) -> Result<Vec<Account>, DirectoryError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = users.iter().map(|one| phrase(&one.user_id)).collect();
        let mut accounts = self.search(&format!("user_id:({})", ids.join(" OR ")), "search for users")?;
        // Whatever else a search has that does not know the query.
        accounts.retain(|account| users.iter().any(|one| one.user_id == account.user_id));
        for one in users {
            if accounts.iter().any(|account| account.user_id == one.user_id) {
                continue;
            }
            match self.account(&one.user_id, "such user") {
                Ok(account) => accounts.push(account),
                Err(DirectoryError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(accounts)
    }

    /// A page of people with any role: `after` names the role and, past its first page, where it goes on.
    fn holders(&self, after: Option<&Cursor>) -> Result<(Vec<RoleHolder>, Option<String>), DirectoryError> {
        let roles = self.roles_of_tenant()?;
        let (at, from) = match after {
            None => (0, None),
            Some(Cursor(text)) => {
                let (id, from) = text.split_once('/').unwrap_or((text, ""));
                let at = roles.iter().position(|role| role.id == id);
                let at = at.ok_or_else(|| self.session.idp().refused("this is no page of that list"))?;
                (at, Some(from).filter(|from| !from.is_empty()))
            }
        };
        let Some(role) = roles.get(at) else { return Ok((Vec::new(), None)) };
        let (users, next) = self.with_role(&role.id, from, 100)?;
        let holder = |one: RoleUser| RoleHolder {
            user_id: one.user_id,
            login: one.email,
            role: role.clone(),
            hold: Hold::Active,
            through: None,
        };
        let next = match next {
            Some(from) => Some(format!("{}/{from}", role.id)),
            None => roles.get(at + 1).map(|next| next.id.clone()),
        };
        Ok((users.into_iter().map(holder).collect(), next))
    }
}

fn role(role: RoleObject) -> Role {
    Role { name: if role.name.is_empty() { role.id.clone() } else { role.name }, id: role.id }
}

impl People for Auth0 {
    /// `group` is a role.
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        let asked = || {
            let id = self.role_id(group)?;
            let (users, next) = self.with_role(&id, after.map(|cursor| cursor.0.as_str()), TAKE)?;
            let people = self.accounts(&users)?.into_iter();
            Ok((people.map(|account| Person { user: account.user(), guest: false }).collect(), next))
        };
        Ok(Page::of(Told::of_existing("the people with the role", NEEDS, asked())?))
    }

    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        Ok(Page::of(Told::from_answer(ADMINS, NEEDS, self.holders(after))?))
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        let asked = self.listed(&format!("{}/roles", user_path(&user.id)), "roles", &known(user));
        let holder = |one: RoleObject| RoleHolder {
            user_id: user.id.clone(),
            login: Some(user.login.clone()),
            role: role(one),
            hold: Hold::Active,
            through: None,
        };
        let told = Told::of_existing("the person's roles", NEEDS, asked)?;
        Ok(Listing::of(told.map(|roles| roles.into_iter().map(holder).collect())))
    }
}
