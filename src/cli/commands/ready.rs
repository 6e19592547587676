//! `keywright ready`: can a wave or a group be enforced now?

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::estate::{Estate, WhichPart, WhichPlan};
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::readiness::{self, ReadinessLine, ReasonLine};
use crate::ledger::rollout::Reading;
use crate::rollout::page;

/// Can it be enforced now? If not, why not: per person and per group.
///
/// Yes means: each person has two proved keys, which the IdP has and lets in; recovery was rehearsed in each group within 90 days; two
/// break-glass accounts passed a drill within 90 days; a policy is prepared that lets in nothing weaker, and no other one does; our
/// account may do what an enforcement and a recovery do; no weak method would stay behind; each way in is decided; and all of that could
/// be read. Weak methods that 'enforce' removes are no reason to wait. Changes nothing at the IdP. Exit code 0: yes; 3: no.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright ready --wave 1\n  keywright ready --group admins --page ready.html\n  keywright ready --json"
)]
pub(crate) struct Ready {
    #[command(flatten)]
    which: WhichPart,
    /// Write the answer as one page of HTML, for the meeting where the decision is taken
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    #[command(flatten)]
    plan: WhichPlan,
    #[command(flatten)]
    idp: WhichIdp,
}

impl Ready {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let plan = self.plan.read(session)?;
        let which = self.which.read(&plan)?;
        let estate = Estate::open(&self.idp, Some(&plan), session)?;
        session.catch_interrupts("ending; what was read is kept for a day; Ctrl-C again ends at once")?;
        let register = session.register_or_empty()?;
        let (inventory, answer) = estate.readiness(&which, &plan, &register)?;
        if answer.groups.is_empty() {
            return Err(CliError::NotFound(format!("nobody in the plan is in {which}")));
        }
        let findings = answer.all().count();
        let sha256 = session.record_reading(Reading::Readiness, &which.to_string(), &inventory, findings)?;
        if let Some(file) = &self.page {
            let failed = |why: String| CliError::File { path: file.clone(), why };
            let html = page::ready(&which, &inventory.directory, &answer).map_err(|error| failed(error.to_string()))?;
            write_private(file, html.as_bytes())?;
        }
        let line = ReadinessLine::new(&which, &inventory.directory, &answer, &sha256);
        if session.output.is_json() {
            for (group, person, reason) in answer.all() {
                session.output.object(&ReasonLine::new(group, person, reason))?;
            }
            session.output.object(&line)?;
        } else {
            session.output.text(&readiness::text(&which, &answer))?;
        }
        Ok(if answer.is_ready() { Exit::Done } else { Exit::Partial })
    }
}
