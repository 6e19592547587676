//! `keywright mds update`: metadata from the FIDO Alliance's server.

use clap::Args;

use super::{Signer, store};
use crate::cli::shared::{CliError, Exit, Session, metadata};

/// Fetch the newest metadata and put it to use.
///
/// FIDO publishes several times a month. Its signature is verified, and it never goes back to an older one. On a machine without
/// a network, use 'mds import'.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright mds update\n  keywright mds update --url https://mirror.example/blob.jwt"
)]
pub(crate) struct Update {
    /// Where it is
    #[arg(long, default_value = metadata::FIDO)]
    url: String,
    #[command(flatten)]
    signer: Signer,
}

impl Update {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let roots = self.signer.roots()?;
        store(&metadata::fetch(&self.url, &roots)?, &self.url, session)
    }
}
