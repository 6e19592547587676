//! Rosters: CSV with a heading line `account,profile` and optional `name,ticket,reason,storage`, in any order.

use std::path::Path;

use super::{ProfileName, Profiles};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// The login at the IdP.
    pub account: String,
    /// The profile.
    pub profile: ProfileName,
    /// The person's name, for prompts and letters; the account if absent.
    pub name: Option<String>,
    /// The request that this rests on.
    pub ticket: Option<String>,
    /// Why the account gets keys.
    pub reason: Option<String>,
    /// Where the backup or break-glass key is kept.
    pub storage: Option<String>,
}

impl Person {
    /// The name to address the person by.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.account)
    }
}

/// People, each once, each with a profile that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// In the order of the file.
    pub people: Vec<Person>,
    /// SHA-256 of the file as read.
    pub sha256: [u8; 32],
}

/// Everything that is wrong with a roster, found in one reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's words.
        why: String,
    },
    /// Nobody is on it.
    #[error("{file}: the roster is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// Rows that are wrong, each with its row number (the heading is row 1).
    #[error("{file}: {} rows are wrong", rows.len())]
    Rows {
        /// The file.
        file: String,
        /// Row number and what is wrong there.
        rows: Vec<(usize, String)>,
    },
}

impl Roster {
    /// Reads a file: UTF-8 with or without byte order mark, LF or CRLF.
    pub fn read(_file: &Path, _profiles: &Profiles) -> Result<Self, RosterError> {
        todo!()
    }

    /// Reads a text; `file` is only named in errors.
    pub fn parse(_file: &str, _bytes: &[u8], _profiles: &Profiles) -> Result<Self, RosterError> {
        todo!()
    }
}
