//! The FIDO Alliance's metadata, fetched.

use std::time::Duration;

use ureq::http::{Method, header};

use crate::cli::shared::{CliError, Session};
use crate::idp::http::{Client, Limits};
use keywright_attest::Anchors;
use keywright_attest::mds::Blob;

/// Where the FIDO Alliance publishes it.
pub(crate) const FIDO: &str = "https://mds3.fidoalliance.org/";

/// The longest BLOB that is taken, in bytes. The one of August 2026 has ten million.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Fetches a BLOB and verifies its signature.
pub(crate) fn fetch(url: &str, roots: &Anchors) -> Result<Blob, CliError> {
    let limits = Limits { connect: Duration::from_secs(20), total: Duration::from_secs(300) };
    let fetched = Client::new("the metadata service", url, limits).and_then(|client| {
        client.call(Method::GET, "").header(header::ACCEPT, "*/*").up_to(LONGEST).send()?.accepted("metadata")
    });
    let bytes = fetched.map_err(CliError::Download)?.into_body();
    Ok(Blob::signed(bytes, roots, Session::now())?)
}
