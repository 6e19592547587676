//! What can end a command of the roll-out.

use crate::idp::DirectoryError;
use keywright_files::FileError;

/// Why something of the roll-out was not done.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A private file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The adapter reads no groups and roles.
    #[error("{directory} tells nobody who is in a group or has a role")]
    NoPeople {
        /// The IdP's name.
        directory: String,
    },
    /// Nobody has the role, and the list of those who have roles is whole.
    #[error("nobody has the role {role}")]
    NobodyHasRole {
        /// The role.
        role: String,
        /// Roles that somebody has.
        known: Vec<String>,
    },
    /// A file that was kept is not what was written.
    #[error("{file} is no inventory of this version: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A file of an inventory is not the one that the ledger has.
    #[error("{file} is not the inventory that the ledger has: its SHA-256 is another")]
    Changed {
        /// The file.
        file: String,
    },
    /// Somebody ended it.
    #[error("interrupted")]
    Stopped,
}
