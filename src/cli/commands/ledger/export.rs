//! `keywright ledger export`: a folder of evidence.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::audit::export;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::ledger_head::HeadLine;

/// Write a folder that other software can check.
///
/// It has the events with their hashes, each credential with the key's answer as received, its attestation object and client data, the accounts,
/// the checkpoints with their signatures and time stamps, the head of the chain, and SHA256SUMS. The folder must not exist.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright ledger export evidence-2026-11")]
pub(crate) struct Export {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Serialize)]
struct Exported {
    folder: PathBuf,
    #[serde(flatten)]
    head: HeadLine,
}

impl View for Exported {
    const KIND: &'static str = "ledger-exported";
}

impl Export {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let store = session.ledger_for_reading()?;
        let head = export::export(&*store, &session.checkpoints()?.all()?, &self.folder)?;
        let exported = Exported { folder: self.folder.clone(), head: HeadLine::new(&head) };
        session.output.result(&exported, || format!("{}\nhead {}", self.folder.display(), head))?;
        session.console.hint(&format!("{} says how to check it", self.folder.join("README.txt").display()));
        Ok(Exit::Done)
    }
}
