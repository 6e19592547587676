//! What every other room stands on: private files that appear whole or not at all ([`private`]), text in the encodings that
//! editors save ([`text`]), text that is safe to show ([`shown`]), where a person's own folders are ([`base_folder`]), and that somebody
//! wants to end ([`Cancel`]).
//!
//! It refuses to know what is in a file, and, among our own files, to follow a link.

mod cancel;
mod home;
pub mod private;
pub mod shown;
pub mod text;

pub use cancel::Cancel;
pub use home::base_folder;

/// What can go wrong with a private file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// A file or folder could not be read or written.
    #[error("{path}: {why}")]
    Io {
        /// The file or folder.
        path: String,
        /// The system's words.
        why: String,
    },
    /// The disk has no room for it.
    #[error("the disk is full; {path} was not written")]
    DiskFull {
        /// The file.
        path: String,
    },
    /// A file that others than its owner can read.
    #[error("others can read {path}; change that with: chmod 600 {path}")]
    InsecurePermissions {
        /// The file.
        path: String,
    },
    /// A file or folder that others can change, or put something of theirs in the place of.
    #[error("other accounts can write to {path}")]
    OthersCanWrite {
        /// The file or folder.
        path: String,
    },
    /// A file or folder of another account, which is not root's.
    #[error("{path} belongs to another account (uid {owner})")]
    Foreign {
        /// The file or folder.
        path: String,
        /// Whose it is.
        owner: u32,
    },
    /// A link where a file or folder of our own has to be.
    #[error("{path} is a symbolic link, and none is followed there")]
    Link {
        /// The link.
        path: String,
    },
}
