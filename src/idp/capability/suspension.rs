//! Keeps an account from signing in for a while, and lets it in again.
//!
//! It refuses to deactivate or delete: what it does can be undone, and groups, roles and keys stay.

use serde::{Deserialize, Serialize};

use super::told::Told;
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// Whether an account may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "words")]
pub enum Standing {
    /// It may.
    Active,
    /// It may not, until it is restored.
    Suspended,
    /// It may not, because of failed sign-ins.
    Locked,
    /// It may not, and [`Suspension::restore`] does not change that; in the IdP's word.
    Out(String),
}

/// Suspending an account.
pub trait Suspension {
    /// How the account stands now. Changes nothing.
    fn standing(&self, user: &User) -> Result<Standing, DirectoryError>;

    /// Keeps it from signing in. Nothing happens if it is suspended already.
    fn suspend(&self, user: &User) -> Result<(), DirectoryError>;

    /// Lets it sign in again. Nothing happens if it may already.
    fn restore(&self, user: &User) -> Result<(), DirectoryError>;

    /// Whether keys can be registered for it while it is suspended; if not, or if that cannot be told, it has to be restored
    /// first.
    fn registers_while_suspended(&self) -> Told<bool>;
}
