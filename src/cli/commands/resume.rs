//! `keywright resume`: what an earlier run left unfinished.

use clap::Args;

use crate::cli::shared::arguments::Work;
use crate::cli::shared::batch::{Outcome, RunContext, RunKind};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view;
use crate::provision::Plan;

/// Continue what an earlier run left unfinished.
///
/// After an interruption, a power cut or a failure, the ledger says which step of which key was open. keywright looks at the key
/// and at the IdP, and finishes the step, undoes it, or says what a person has to do. Nothing is registered twice.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright resume\n  keywright resume --dry-run")]
pub(crate) struct Resume {
    #[command(flatten)]
    work: Work,
}

impl Resume {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        session.catch_interrupts(ENDING)?;
        let context = RunContext::open(&self.work, &settings, session)?;
        match context.run(RunKind::Resume, Plan::for_resuming, session)? {
            Outcome::Nothing => {
                let others = settings.idp.len() > 1 && self.work.idp.idp.is_none();
                match settings.default_idp().filter(|_| others) {
                    Some(default) => session.console.say(&format!(
                        "nothing is left to do at {}; the other IdPs: keywright resume --idp NAME",
                        default.name()
                    )),
                    None => session.console.say("nothing is left to do"),
                }
                Ok(Exit::Done)
            }
            outcome => view::print_outcome(&outcome, session),
        }
    }
}
