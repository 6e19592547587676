//! `keywright ledger verify`: the hash chain from the first event to the last.

use clap::Args;
use data_encoding::HEXLOWER;
use serde::Serialize;

use super::super::output::count;
use super::super::{CliError, Exit, Session};
use crate::ledger::{Head, SqliteStore, Store as _, chain};
use crate::register::Register;

/// Check that no event was changed, removed or reordered.
///
/// Each event's hash covers the event and the hash before it. Events that are missing at the end can only be found with a head
/// that was kept somewhere else: --head names the number and the hash that this command printed then.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright ledger verify\n  keywright ledger verify --head 212:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)]
pub struct Verify {
    /// A head that is known from elsewhere
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Option<Head>,
}

/// A head, as JSON.
#[derive(Serialize)]
pub struct HeadLine {
    seq: u64,
    hash: String,
}

impl HeadLine {
    /// In hexadecimal.
    pub fn of(head: &Head) -> Self {
        Self { seq: head.seq, hash: HEXLOWER.encode(&head.hash) }
    }
}

#[derive(Serialize)]
struct Verified {
    verified: bool,
    #[serde(flatten)]
    head: HeadLine,
}

impl Verify {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let entries = SqliteStore::read(&session.state()?.ledger())?.entries(0)?;
        let head = chain::verify(&entries, self.head.as_ref())?;
        // The chain holds; do the events make sense one after the other as well?
        Register::read(&entries)?;
        let verified = Verified { verified: true, head: HeadLine::of(&head) };
        session.output.result(&verified, || {
            format!("{} as written\nhead {}", count(entries.len(), "event is", "events are"), head)
        })?;
        Ok(Exit::Done)
    }
}
