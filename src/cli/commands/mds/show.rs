//! `keywright mds show`: one model.

use clap::Args;
use serde::Serialize;

use super::in_use;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use keywright_attest::mds::Model;
use keywright_attest::{self, Advice, Anchors, Certification, StatusReport};
use keywright_fido::webauthn::Aaguid;
use keywright_files::shown;

/// Show what metadata, and keywright's own table of advisories, say of a model.
///
/// With --json, its entry in the metadata is there too, as FIDO publishes it.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright mds show 2fc0579f-8113-47ea-b116-bb5a8db9202a")]
pub(crate) struct Show {
    /// The model's AAGUID; 'keywright key info' shows a key's
    aaguid: Aaguid,
}

#[derive(Serialize)]
struct Document<'a> {
    aaguid: Aaguid,
    name: &'a str,
    metadata: u64,
    signed: bool,
    /// SHA-256 of the root that the metadata is signed under, if that is none of FIDO's.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<&'a str>,
    certification: Option<Certification>,
    status_reports: Vec<&'a StatusReport>,
    firmware: Option<u64>,
    attestation_types: &'a [String],
    key_protection: &'a [String],
    attachment: &'a [String],
    anchors: Vec<AnchorLine>,
    advisories: Vec<Advice>,
    entry: Option<serde_json::Value>,
}

impl View for Document<'_> {
    const KIND: &'static str = "model";
}

#[derive(Serialize)]
struct AnchorLine {
    subject: String,
    root: bool,
    not_after: Option<String>,
}

impl Show {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let blob_store = session.state()?.metadata()?;
        let (metadata, record) = in_use(&blob_store)?;
        let model: &Model = metadata.model(self.aaguid).ok_or_else(|| {
            CliError::NotFound(format!("metadata number {} does not list the model {}", record.id.no, self.aaguid))
        })?;
        let today = Session::now().date();
        let document = Document {
            aaguid: self.aaguid,
            name: &model.name,
            metadata: record.id.no,
            signed: record.id.signed,
            root: record.id.root.as_deref(),
            certification: model.certification_on(today),
            status_reports: model.reports_on(today).collect(),
            firmware: model.firmware,
            attestation_types: &model.attestation_types,
            key_protection: &model.key_protection,
            attachment: &model.attachment,
            anchors: lines(&metadata.anchors(model)),
            advisories: keywright_attest::advisories_of(self.aaguid),
            entry: if session.output.is_json() { blob_store.entry(self.aaguid)? } else { None },
        };
        session.output.result(&document, || model_text(&document))?;
        Ok(Exit::Done)
    }
}

fn lines(anchors: &Anchors) -> Vec<AnchorLine> {
    let day = |seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok().map(|end| end.date().to_string());
    let line = |anchor: &keywright_attest::AnchorCertificate| AnchorLine {
        subject: anchor.subject.clone(),
        root: anchor.self_issued,
        not_after: day(anchor.not_after),
    };
    anchors.iter().map(line).collect()
}

fn model_text(document: &Document<'_>) -> String {
    let unsigned = match (document.signed, document.root) {
        (false, _) => " (UNSIGNED)",
        (true, Some(_)) => " (NOT FIDO'S)",
        (true, None) => "",
    };
    let certification = document.certification.map_or_else(|| "none".into(), |level| level.to_string());
    let name = shown::one_line(document.name);
    let mut text = format!(
        "name           {name}\nAAGUID         {}\nmetadata       number {}{unsigned}\ncertification  {certification}\n",
        document.aaguid, document.metadata
    );
    for report in &document.status_reports {
        let since = report.effective_date.as_deref().unwrap_or("always");
        text.push_str(&format!(
            "reported       {} since {}\n",
            shown::one_line(&report.status.to_string()),
            shown::one_line(since)
        ));
    }
    let mut list = |name: &str, items: &[String]| {
        if !items.is_empty() {
            text.push_str(&format!("{name:<15}{}\n", shown::one_line(&items.join(", "))));
        }
    };
    list("attestation", document.attestation_types);
    list("keys", document.key_protection);
    list("reached by", document.attachment);
    for anchor in &document.anchors {
        let kind = if anchor.root { "root" } else { "no root" };
        let until = anchor.not_after.as_deref().unwrap_or("?");
        text.push_str(&format!("anchor         {} ({kind}, until {until})\n", shown::one_line(&anchor.subject)));
    }
    for advice in &document.advisories {
        text.push_str(&format!("advisory       {}: {} {}\n", advice.id, advice.summary, advice.link));
    }
    text
}
