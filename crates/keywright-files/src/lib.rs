//! What every other room stands on: private files that appear whole or not at all ([`private`]), text in the encodings that
//! editors save ([`text`]), text that is safe to show ([`shown`]), where a person's own folders are ([`base_folder`]), and that somebody
//! wants to end ([`Cancel`]).
//!
//! It refuses to know what is in a file.

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
    /// A file that others than its owner can read.
    #[error("others can read {path}; change that with: chmod 600 {path}")]
    InsecurePermissions {
        /// The file.
        path: String,
    },
}
