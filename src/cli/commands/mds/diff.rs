//! `keywright mds diff`: what changed.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{BlobFile, Signer, in_use};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use keywright_attest::Metadata;
use keywright_attest::mds::{Change, ChangeKind, changes};
use keywright_files::shown;

/// Show what changed since the metadata before this, or what a file would change.
///
/// Without FILE, the metadata in use is held against the one that was in use before it. With FILE, FILE is held against the
/// metadata in use; nothing is stored.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright mds diff\n  keywright mds diff blob.jwt --json")]
pub(crate) struct Diff {
    /// A BLOB
    file: Option<PathBuf>,
    /// Take FILE without a valid signature
    #[arg(long, requires = "file", conflicts_with = "root")]
    unsigned: bool,
    #[command(flatten)]
    signer: Signer,
}

#[derive(Serialize)]
struct Document {
    from: u64,
    to: u64,
    changes: Vec<Change>,
}

impl View for Document {
    const KIND: &'static str = "metadata-changes";
}

impl Diff {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let blob_store = session.state()?.metadata()?;
        let (current, _) = in_use(&blob_store)?;
        let (before, after) = match &self.file {
            Some(file) => {
                let file = BlobFile { file: file.clone(), unsigned: self.unsigned, signer: self.signer.clone() };
                (current, Metadata::read(&file.read()?)?)
            }
            None => {
                let previous = blob_store.load_previous()?.ok_or_else(|| {
                    CliError::NotFound("there was no other metadata before the one in use".to_owned())
                })?;
                (previous.0, current)
            }
        };
        let document = Document { from: before.id().no, to: after.id().no, changes: changes(&before, &after) };
        session.output.result(&document, || metadata_changes_text(&document))?;
        Ok(Exit::Done)
    }
}

fn metadata_changes_text(document: &Document) -> String {
    let mut text = format!("from number {} to {}: ", document.from, document.to);
    text.push_str(&match document.changes.len() {
        0 => "nothing changed\n".to_owned(),
        1 => "1 change\n".to_owned(),
        many => format!("{many} changes\n"),
    });
    for Change { model, name, kind } in &document.changes {
        let statuses = |reports: &[keywright_attest::StatusReport]| {
            reports.iter().map(|report| report.status.to_string()).collect::<Vec<_>>().join(", ")
        };
        let what = match kind {
            ChangeKind::Added => "is new".to_owned(),
            ChangeKind::Removed => "is no longer listed".to_owned(),
            ChangeKind::Renamed { from } => format!("was called {from}"),
            ChangeKind::Reported { reports } => format!("is reported {}", statuses(reports)),
            ChangeKind::Withdrawn { reports } => format!("is no longer reported {}", statuses(reports)),
            ChangeKind::Anchors { added, removed } => format!("has other anchors: {added} new, {removed} gone"),
        };
        text.push_str(&format!("  {}\n", shown::one_line(&format!("{name} ({model}) {what}"))));
    }
    text
}
