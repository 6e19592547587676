//! `keywright inventory`: reads the estate, shows it and keeps it.

use std::path::PathBuf;

use clap::Args;

use super::paths;
use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::estate::{Estate, WhichPeople, WhichPlan};
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::inventory::{self, InventoryLine, PersonLine};
use crate::ledger::rollout::Reading;
use crate::rollout::inventory::read::Depth;
use crate::rollout::page;

#[derive(Args)]
pub(super) struct Take {
    #[command(flatten)]
    people: WhichPeople,
    #[command(flatten)]
    plan: WhichPlan,
    #[command(flatten)]
    idp: WhichIdp,
    /// Print one row for each key as CSV, for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Write the inventory as one page of HTML
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// List the ways in besides the front door instead: applications with what guards each, and those of the plan. Exit code 3 if one is undecided
    #[arg(long, conflicts_with_all = ["people", "csv", "page"])]
    paths: bool,
    /// Begin anew, though an inventory of the same people was interrupted
    #[arg(long)]
    anew: bool,
}

impl Take {
    pub(super) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if self.paths {
            let plan = self.plan.read_if_any(session)?;
            let estate = Estate::open(&self.idp, plan.as_ref(), session)?;
            return paths::run(&estate, plan.as_ref(), session);
        }
        let plan = self.people.plan(&self.plan, session)?;
        let scope = self.people.scope();
        let estate = Estate::open(&self.idp, plan.as_ref(), session)?;
        session.catch_interrupts("ending; what was read is kept for a day; Ctrl-C again ends at once")?;
        let register = session.register_or_empty()?;
        let taken = estate.inventory(&scope, plan.as_ref(), Depth::Report, &register, self.anew)?;
        let findings = taken.all_untold().count();
        let sha256 = session.record_reading(Reading::Inventory, &scope.to_string(), &taken, findings)?;
        let number = session.register()?.rollout.inventories().count();
        let line = InventoryLine::new(&taken, &sha256, number);
        if let Some(file) = &self.page {
            let failed = |why: String| CliError::File { path: file.clone(), why };
            let html = page::inventory(&taken, &sha256).map_err(|error| failed(error.to_string()))?;
            write_private(file, html.as_bytes())?;
        }
        if session.output.is_json() {
            for entry in &taken.people {
                session.output.object(&PersonLine::new(entry, &taken.directory))?;
            }
            session.output.object(&line)?;
        } else if self.csv {
            session.output.bytes(&inventory::csv(&taken))?;
            session.console.say(inventory::untold_words(&taken).trim_end());
        } else {
            session.output.text(&inventory::text(&taken, &line))?;
        }
        Ok(Exit::Done)
    }
}
