//! The label of a registered key, changed at the IdP.
//!
//! It refuses to name a key by anything but the IdP's own id of it.

use crate::idp::directory::{Registered, User};
use crate::idp::error::DirectoryError;

/// Changing labels.
pub trait Labels {
    /// Gives one of the user's keys another label. Doing it twice is the same as once.
    fn relabel(&self, user: &User, registered: &Registered, label: &str) -> Result<(), DirectoryError>;
}
