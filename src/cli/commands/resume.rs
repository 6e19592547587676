//! `keywright resume`: what an earlier run left unfinished.

use clap::Args;

use crate::cli::shared::arguments::Work;
use crate::cli::shared::batch::{Outcome, RunContext, RunKind};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view;
use crate::cli::view::recovery::{self, RecoveryView};
use crate::ledger::AccountId;
use crate::provision::Plan;

/// Continue what an earlier run left unfinished.
///
/// After an interruption, a power cut or a failure, the ledger says which step of which key was open. keywright looks at the key
/// and at the IdP, and finishes the step, undoes it, or says what a person has to do. Nothing is registered twice. People who lost a key are
/// got back in first.
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
        let of_recoveries = self.recoveries(&context, session)?;
        match context.run(RunKind::Resume, Plan::for_resuming, session)? {
            Outcome::Nothing if of_recoveries.is_some() => {}
            Outcome::Nothing => {
                let others = settings.idp.len() > 1 && self.work.idp.idp.is_none();
                match settings.default_idp().filter(|_| others) {
                    Some(default) => session.console.say(&format!(
                        "nothing is left to do at {}; the other IdPs: keywright resume --idp NAME",
                        default.name()
                    )),
                    None => session.console.say("nothing is left to do"),
                }
            }
            outcome => {
                let exit = view::print_outcome(&outcome, session)?;
                return Ok(if exit == Exit::Done { of_recoveries.unwrap_or(exit) } else { exit });
            }
        }
        Ok(of_recoveries.unwrap_or(Exit::Done))
    }

    /// Goes on with every recovery at this IdP that has not ended: before all else, because somebody cannot sign in. The worst of
    /// what came of them; `None` if there are none.
    fn recoveries(&self, context: &RunContext, session: &Session) -> Result<Option<Exit>, CliError> {
        let register = session.register_if_any()?.unwrap_or_default();
        let here = |account: &AccountId| account.directory == context.directory().name();
        let open = register.rollout.open_recoveries().filter(|(_, one)| here(&one.account));
        let mut worst = None;
        for (id, _) in open {
            let exit = if self.work.dry_run {
                let view = RecoveryView::of_register(&register, id, true);
                session.output.result(&view, || view.text())?;
                Exit::Done
            } else {
                recovery::go_on(context, id, session)?
            };
            worst = worst.filter(|worst| *worst != Exit::Done).or(Some(exit));
        }
        Ok(worst)
    }
}
