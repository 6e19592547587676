//! `keywright mds status`: which metadata is in use.

use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;

use super::in_use;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use keywright_attest::mds::{Record, Unreadable};
use keywright_attest::{Metadata, MetadataId};

/// Show which metadata is in use, how old it is, and what of it could not be read.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright mds status\n  keywright mds status --json")]
pub(crate) struct Status {}

/// What is told of metadata.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    #[serde(flatten)]
    id: &'a MetadataId,
    next_update: String,
    days_overdue: u32,
    #[serde(with = "time::serde::rfc3339")]
    stored: OffsetDateTime,
    source: &'a str,
    models: usize,
    uaf_entries: usize,
    unreadable: &'a [Unreadable],
    /// Whether certificates of the signing chain were looked up in revocation lists. They never are.
    signer_revocation_checked: bool,
    legal_header: &'a str,
}

impl View for Document<'_> {
    const KIND: &'static str = "metadata";
}

impl Status {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (metadata, record) = in_use(&session.state()?.metadata()?)?;
        let document = Document::new(&record, &metadata);
        session.output.result(&document, || document.metadata_text())?;
        Ok(Exit::Done)
    }
}

impl<'a> Document<'a> {
    /// What is told of this metadata today.
    pub(crate) fn new(record: &'a Record, metadata: &'a Metadata) -> Self {
        Self {
            id: &record.id,
            next_update: record.next_update.to_string(),
            days_overdue: metadata.days_overdue(Session::now()),
            stored: record.stored,
            source: &record.source,
            models: metadata.models().len(),
            uaf_entries: metadata.uaf_entries(),
            unreadable: metadata.unreadable(),
            signer_revocation_checked: false,
            legal_header: metadata.legal_header(),
        }
    }

    /// The same for people.
    pub(crate) fn metadata_text(&self) -> String {
        let signature = match (self.id.signed, &self.id.root) {
            (true, None) => "FIDO's, verified; whether a signing certificate was revoked is not asked".to_owned(),
            (true, Some(root)) => format!("NOT FIDO'S: verified under the root with the SHA-256 {root}"),
            (false, _) => "NOT VERIFIED".to_owned(),
        };
        let age = match self.days_overdue {
            0 => String::new(),
            days => format!(", {days} days ago: 'keywright mds update'"),
        };
        let mut text = format!(
            "number       {}\nsignature    {signature}\nnext update  {}{age}\nmodels       {}, and {} of UAF, which are ignored\n\
             stored       {} from {}\nSHA-256      {}\n",
            self.id.no,
            self.next_update,
            self.models,
            self.uaf_entries,
            self.stored.date(),
            self.source,
            self.id.sha256,
        );
        for Unreadable { entry, why } in self.unreadable {
            text.push_str(&format!("unreadable   {entry}: {why}\n"));
        }
        text
    }
}
