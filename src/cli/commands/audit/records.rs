//! What `audit list` and `audit sample` share: judging the ledger, and rows of keys.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::audit::ledger::{LedgerAudit, Readable, Standards};
use crate::audit::record::{KeyRecord, state_in_words};
use crate::cli::shared::judging::JudgedBy;
use crate::cli::shared::output::{View, table};
use crate::cli::shared::spreadsheet::Spreadsheet;
use crate::cli::shared::{CliError, Session, profiles};
use keywright_attest::Anchors;

/// By what the ledger is judged.
#[derive(Args)]
pub(super) struct Asked {
    #[command(flatten)]
    pub(super) by: JudgedBy,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR")]
    pub(super) profiles: Option<PathBuf>,
}

/// How rows are printed.
#[derive(Args)]
pub(super) struct Sheet {
    /// Print every column as CSV, for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl Asked {
    /// Judges the ledger and hands the audit over. Fails where the chain is broken: rows of a changed log prove nothing.
    pub(super) fn audit<T>(&self, session: &Session, ask: impl FnOnce(&LedgerAudit<'_>) -> T) -> Result<T, CliError> {
        if let Some(mismatch) = session.mismatch()? {
            return Err(CliError::Ledger(mismatch.into()));
        }
        let by = self.by.set(Anchors::none(), session)?;
        let store = session.ledger_for_reading()?;
        let mut readable = Readable::read(&*store, None, by.as_of)?;
        if let Some(broken) = readable.broken.take() {
            return Err(broken.into());
        }
        if by.as_of.is_none() || self.profiles.is_some() {
            readable.hold_against(&profiles::load(self.profiles.as_deref(), &session.settings()?)?);
        }
        Ok(ask(&LedgerAudit::judge(&readable, &Standards { judge: &by.judge, at: by.at })))
    }
}

#[derive(Serialize)]
struct Row<'a>(&'a KeyRecord);

impl View for Row<'_> {
    const KIND: &'static str = "audited-key";
}

/// Prints keys: as JSON, as CSV with every column, or as a table of those that fit a terminal.
pub(super) fn print(records: &[KeyRecord], sheet: &Sheet, session: &Session) -> Result<(), CliError> {
    if session.output.is_json() {
        return records.iter().try_for_each(|record| session.output.object(&Row(record)));
    }
    if sheet.csv {
        let mut sheet = Spreadsheet::new(KeyRecord::HEADING);
        records.iter().for_each(|record| sheet.row(record.cells()));
        return session.output.bytes(&sheet.finish());
    }
    let heading = ["ACCOUNT", "KEY", "PROFILE", "MODEL", "SERIAL", "STATE", "VERDICT"].map(ToOwned::to_owned);
    let rows = records.iter().map(|record| {
        let key = if record.number.is_empty() { record.ordinal.to_string() } else { record.number.clone() };
        let serial = if record.serial.is_empty() { "-".to_owned() } else { record.serial.clone() };
        let state = state_in_words(record.state).to_owned();
        [
            record.account.clone(),
            key,
            record.profile.clone(),
            record.model.clone(),
            serial,
            state,
            record.verdict.clone(),
        ]
    });
    session.output.text(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
}
