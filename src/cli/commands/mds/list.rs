//! `keywright mds list`: the models that the metadata has, by name and certification.

use clap::Args;
use serde::Serialize;

use super::in_use;
use crate::cli::shared::output::{View, table};
use crate::cli::shared::{CliError, Exit, Session};
use keywright_attest::Certification;
use keywright_fido::webauthn::Aaguid;

/// List the models that metadata has.
///
/// Those whose name has the given words, in any order and in capitals or not, and that are certified at the given level at least.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright mds list --name yubikey\n  keywright mds list --certification L2 --json"
)]
pub(crate) struct List {
    /// Words of the model's name
    #[arg(long, value_name = "WORDS")]
    name: Option<String>,
    /// The lowest certification level: certified, L1, L1plus, L2, L2plus, L3 or L3plus
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    certification: Option<Certification>,
}

fn level(text: &str) -> Result<Certification, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "the levels are certified, L1, L1plus, L2, L2plus, L3 and L3plus".to_owned())
}

#[derive(Serialize)]
struct Line<'a> {
    aaguid: Aaguid,
    name: &'a str,
    certification: Option<Certification>,
    /// The metadata's number.
    metadata: u64,
}

impl View for Line<'_> {
    const KIND: &'static str = "listed-model";
}

impl List {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (metadata, record) = in_use(&session.state()?.metadata()?)?;
        let today = Session::now().date();
        let words: Vec<String> =
            self.name.iter().flat_map(|name| name.split_whitespace()).map(str::to_lowercase).collect();
        let mut lines: Vec<Line<'_>> = Vec::new();
        for model in metadata.models() {
            let (name, certification) = (model.name.to_lowercase(), model.certification_on(today));
            if words.iter().all(|word| name.contains(word.as_str()))
                && self.certification.is_none_or(|lowest| certification.is_some_and(|level| level >= lowest))
            {
                let line = |aaguid: &Aaguid| Line {
                    aaguid: *aaguid,
                    name: &model.name,
                    certification,
                    metadata: record.id.no,
                };
                lines.extend(model.aaguid.iter().map(line));
            }
        }
        lines.sort_by_key(|line| (line.name.to_lowercase(), line.aaguid));
        if session.output.is_json() {
            for line in &lines {
                session.output.object(line)?;
            }
        } else if lines.is_empty() {
            session.console.say(&format!("metadata number {} has no such model", record.id.no));
        } else {
            let heading = ["AAGUID", "CERTIFIED", "NAME"].map(str::to_owned);
            let rows = lines.iter().map(|line| {
                let level = line.certification.map_or_else(|| "-".to_owned(), |level| level.to_string());
                [line.aaguid.to_string(), level, line.name.to_owned()]
            });
            session.output.text(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))?;
        }
        Ok(Exit::Done)
    }
}
