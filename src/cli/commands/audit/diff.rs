//! `keywright audit diff`: what is not as it was, between two ledgers, exports, or moments.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;

use super::records::Asked;
use crate::audit::diff::{Difference, between, page};
use crate::audit::ledger::{LedgerAudit, Readable, Standards};
use crate::cli::shared::arguments::moment;
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::spreadsheet::Spreadsheet;
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::ledger::{Archive, Store};
use keywright_attest::Anchors;

/// Say what changed: keys and people that came and went, verdicts and why they are others, drills done and missed.
///
/// Between an export and the ledger, between two exports, or since a day. Both sides are judged by what is named here, each as of its own
/// moment; with --mds-then, the earlier one by what was known then. Ends with 3 if something changed.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright audit diff --since 2026-07-01\n  keywright audit diff evidence-2026-06\n  keywright audit diff evidence-2026-06 evidence-2026-09 --csv > changes.csv\n  keywright audit diff --since 2026-07-01 --page changes.html"
)]
pub(crate) struct Diff {
    /// The earlier exported folder
    #[arg(value_name = "EARLIER", required_unless_present = "since")]
    earlier: Option<PathBuf>,
    /// The later exported folder [default: the ledger, or --from]
    #[arg(value_name = "LATER")]
    later: Option<PathBuf>,
    /// The same ledger as it was at the end of this day, or at this moment (RFC 3339), as the earlier side
    #[arg(long, value_name = "DATE", value_parser = moment, conflicts_with_all = ["earlier", "later"])]
    since: Option<OffsetDateTime>,
    #[command(flatten)]
    asked: Asked,
    /// FIDO metadata to judge the earlier side by, as it was then [default: the same as the later side's]
    #[arg(long, value_name = "FILE")]
    mds_then: Option<PathBuf>,
    /// Print it as CSV, for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Write it as one page of HTML too, for managers and auditors
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

#[derive(Serialize)]
struct Line<'a>(&'a Difference);

impl View for Line<'_> {
    const KIND: &'static str = "audit-difference";
}

impl Diff {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let by = self.asked.by.set(Anchors::none(), session)?;
        let live = || session.ledger_for_reading();
        let exported = |folder: &PathBuf| Ok::<Box<dyn Store>, CliError>(Box::new(Archive::open(folder)?));
        let store = self.later.as_ref().map_or_else(live, exported)?;
        let later = self.read(&*store, by.as_of, session)?;
        // Clap sees to it that there is one of the two.
        let store = self.earlier.as_ref().filter(|_| self.since.is_none()).map_or_else(live, exported)?;
        let earlier = self.read(&*store, self.since, session)?;
        let then = self.mds_then.as_ref().map(|file| self.asked.by.with_metadata(file).set(Anchors::none(), session));
        let then = then.transpose()?;
        let judge = then.as_ref().map_or(&by.judge, |then| &then.judge);
        let earlier = LedgerAudit::judge(&earlier, &Standards { judge, at: self.since.unwrap_or(by.at) });
        let later = LedgerAudit::judge(&later, &Standards { judge: &by.judge, at: by.at });
        let differences = between(&earlier, &later);
        if let Some(file) = &self.page {
            let failed = |why: String| CliError::File { path: file.clone(), why };
            let html = page::render(&earlier, &later, &differences).map_err(|error| failed(error.to_string()))?;
            write_private(file, html.as_bytes())?;
        }
        self.print(&differences, session)?;
        session.console.say(&format!("{} changed", count(differences.len(), "thing", "things")));
        Ok(if differences.is_empty() { Exit::Done } else { Exit::Partial })
    }

    /// Reads one side. Fails where the chain is broken.
    fn read<'a>(
        &self,
        store: &'a dyn Store,
        as_of: Option<OffsetDateTime>,
        session: &Session,
    ) -> Result<Readable<'a>, CliError> {
        let mut readable = Readable::read(store, None, as_of)?;
        if let Some(broken) = readable.broken.take() {
            return Err(broken.into());
        }
        if self.asked.profiles.is_some() {
            readable.hold_against(&profiles::load(self.asked.profiles.as_deref(), &session.settings()?)?);
        }
        Ok(readable)
    }

    fn print(&self, differences: &[Difference], session: &Session) -> Result<(), CliError> {
        if session.output.is_json() {
            return differences.iter().try_for_each(|one| session.output.object(&Line(one)));
        }
        let cells = |one: &Difference| {
            let key = one.key.clone().unwrap_or_default();
            [
                one.change.words().to_owned(),
                one.account.clone(),
                key,
                one.before.clone(),
                one.after.clone(),
                one.why.join(" "),
            ]
        };
        if self.csv {
            let mut sheet = Spreadsheet::new(["change", "account", "key", "before", "after", "why"]);
            differences.iter().for_each(|one| sheet.row(cells(one)));
            return session.output.bytes(&sheet.finish());
        }
        if differences.is_empty() {
            return Ok(());
        }
        let heading = ["CHANGE", "WHO", "BEFORE", "AFTER", "WHY"].map(ToOwned::to_owned);
        let rows = differences.iter().map(cells).map(|[change, account, key, before, after, why]| {
            let who = if key.is_empty() { account } else { key };
            let empty = |text: String| if text.is_empty() { "-".to_owned() } else { text };
            [change, who, empty(before), empty(after), why]
        });
        session.output.text(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
    }
}
