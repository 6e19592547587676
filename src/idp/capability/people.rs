//! Who is in a group, and who has a role of power: also roles that a person can take on at any time.
//!
//! It refuses to call a list of administrators whole where one of the ways to a role could not be read.

use serde::{Deserialize, Serialize};

use super::told::{Cursor, Listing, Page};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// A person's account in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account.
    pub user: User,
    /// Whether it is another organization's, where the IdP tells them apart.
    pub guest: bool,
}

/// A role of an IdP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Role {
    /// The IdP's id for it.
    pub id: String,
    /// Its name there.
    pub name: String,
}

/// How a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Now.
    Active,
    /// It can be taken on at any time, which is as much power.
    Eligible,
}

/// Somebody who has a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleHolder {
    /// The IdP's id of the account.
    pub user_id: String,
    /// The login, where the list has it.
    pub login: Option<String>,
    /// The role.
    pub role: Role,
    /// How it is held.
    pub hold: Hold,
    /// The group that gives it; `None`: it is the account's own.
    pub through: Option<String>,
}

/// Lists of people.
pub trait People {
    /// The members of a group, those of its groups too, a page at a time. `group` is its id, or its name if only one has it.
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError>;

    /// Everybody with a role of power, a page at a time.
    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError>;

    /// The roles of one person.
    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError>;
}
