//! `keywright mds import`: metadata from a file.

use clap::Args;

use super::{BlobFile, source_of, store};
use crate::cli::shared::{CliError, Exit, Session};

/// Put metadata from a file to use.
///
/// The file is the BLOB as mds3.fidoalliance.org hands it out. Its signature has to be FIDO's and valid today, and its
/// number not lower than that of any signed one before.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright mds import blob.jwt\n  keywright mds import payload.json --unsigned"
)]
pub(crate) struct Import {
    #[command(flatten)]
    blob: BlobFile,
}

impl Import {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        store(&self.blob.read()?, &source_of(&self.blob.file), session)
    }
}
