//! Time-stamping servers say when a checkpoint existed: RFC 3161 over HTTP (its section 3.4).
//!
//! It refuses to keep a time stamp that does not verify with the root that the settings, or the command line, name for the server.

use std::path::Path;

use aws_lc_rs::rand;
use ureq::http::{Method, header};

use crate::cli::shared::outside::PATIENCE;
use crate::cli::shared::{CliError, Session};
use crate::idp::http::Client;
use crate::ledger::time_stamp::{Query, Roots, Stamped};
use crate::ledger::{Kept, TimeStampError};
use crate::settings::TimeStampServer;
use keywright_files::private;

/// The longest answer that is taken, in bytes.
const LONGEST: u64 = 1 << 20;

/// How far its clock and ours may be apart before it is told.
const CLOCK_IS_OFF: time::Duration = time::Duration::minutes(10);

/// A good time stamp of the checkpoint by this server: one that is kept already, or else a new one, which is kept.
pub(crate) fn ask(server: &TimeStampServer, kept: &Kept, session: &Session) -> Result<Stamped, CliError> {
    let roots = roots(&server.root)?;
    if let Some(stamped) = kept.stamped(&roots)? {
        return Ok(stamped);
    }
    let failed = |why: TimeStampError| CliError::TimeStamp { server: server.url.host().to_owned(), why };
    let mut nonce = [0; 8];
    let no_random = |_| CliError::System { what: "asking for random bytes", why: "the system gave none".to_owned() };
    rand::fill(&mut nonce).map_err(no_random)?;
    let query = Query::new(kept.note.text(), nonce);
    let client = Client::of_signed_answers(&server.url, PATIENCE).map_err(CliError::Witness)?;
    let call = client.call(Method::POST, "").bytes("application/timestamp-query", query.to_der());
    let call = call.header(header::ACCEPT, "application/timestamp-reply").up_to(LONGEST);
    let reply = call.send().and_then(|reply| reply.accepted("time-stamping server")).map_err(CliError::Witness)?;
    let stamp = query.answered(reply.into_body()).map_err(failed)?;
    let stamped = stamp.verify(kept.note.text(), &roots).map_err(failed)?;
    kept.keep_time_stamp(&stamp)?;
    let apart = Session::now() - stamped.at;
    if apart.abs() > CLOCK_IS_OFF {
        session.console.warn(&format!(
            "{} says that it is {}, which is not what this station's clock says; set the clock",
            server.url.host(),
            stamped.time()
        ));
    }
    Ok(stamped)
}

/// The root certificates in a file that nobody else can change.
pub(crate) fn roots(file: &Path) -> Result<Roots, CliError> {
    let failed = |why: String| CliError::File { path: file.to_owned(), why };
    let bytes = private::read_unshared(file)?.ok_or_else(|| failed("there is no such file".to_owned()))?;
    Roots::read(&bytes).map_err(|error| failed(error.to_string()))
}
