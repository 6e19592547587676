//! `keywright mds update`: metadata from the FIDO Alliance's server.

use std::time::Duration;

use clap::Args;
use ureq::http::{Method, header};

use super::{Signer, store};
use crate::cli::shared::{CliError, Exit, Session};
use crate::idp::http::{Client, Limits};
use keywright_attest::mds::Blob;

/// The longest BLOB that is taken, in bytes. The one of August 2026 has ten million.
const LONGEST: u64 = 64 * 1024 * 1024;

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
    #[arg(long, default_value = "https://mds3.fidoalliance.org/")]
    url: String,
    #[command(flatten)]
    signer: Signer,
}

impl Update {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let roots = self.signer.roots()?;
        let limits = Limits { connect: Duration::from_secs(20), total: Duration::from_secs(300) };
        let fetched = Client::new("the metadata service", &self.url, limits).and_then(|client| {
            client.call(Method::GET, "").header(header::ACCEPT, "*/*").up_to(LONGEST).send()?.accepted("metadata")
        });
        let bytes = fetched.map_err(CliError::Download)?.into_body();
        store(&Blob::signed(bytes, &roots, Session::now())?, &self.url, session)
    }
}
