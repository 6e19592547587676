//! `keywright ledger verify`: the hash chain from the first event to the last.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::ledger_head::HeadLine;
use crate::ledger::{Head, chain};
use crate::register::Register;

/// Check that no event was changed, removed or reordered.
///
/// Each event's hash covers the event and the hash before it. Events that are missing at the end can only be found with a head
/// that was kept somewhere else: --head names the number and the hash that this command printed then.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright ledger verify\n  keywright ledger verify --head 212:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)]
pub(crate) struct Verify {
    /// A head that you kept somewhere else
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Option<Head>,
}

#[derive(Serialize)]
struct Verified {
    verified: bool,
    #[serde(flatten)]
    head: HeadLine,
}

impl View for Verified {
    const KIND: &'static str = "ledger-verified";
}

impl Verify {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let entries = session.ledger_for_reading()?.entries(0)?;
        let head = chain::verify(&entries, self.head.as_ref())?;
        // The chain holds; do the events make sense one after the other as well?
        Register::read(&entries)?;
        let verified = Verified { verified: true, head: HeadLine::new(&head) };
        session
            .output
            .result(&verified, || format!("{}, unchanged\nhead {}", count(entries.len(), "event", "events"), head))?;
        Ok(Exit::Done)
    }
}
