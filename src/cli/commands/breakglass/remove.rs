//! `keywright breakglass remove`: an account is no longer kept for emergencies.

use clap::Args;

use crate::cli::shared::arguments::{Change, WhichIdp};
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::cli::view::break_glass::AccountView;
use crate::ledger::Event;
use crate::ledger::rollout::BreakGlassRemoved;
use crate::register::Register;

/// Write down that an account is no longer kept for emergencies.
///
/// Its keys stay as they are: 'keywright account left' takes them out of service. From now on 'keywright enforce' may touch it.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright breakglass remove bg1@example.org --reason replaced-by-bg3")]
pub(crate) struct Remove {
    /// The login at the IdP
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    idp: WhichIdp,
    #[command(flatten)]
    change: Change,
}

impl Remove {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let id = account::find(&self.account, self.idp.idp.as_ref(), &register)?;
        let (login, now) = (register.login(&id).to_owned(), Session::now());
        if !register.is_break_glass(&id) {
            return Err(CliError::NotFound(format!("{login} is no break-glass account")));
        }
        let question = format!("keep {login} for emergencies no longer?");
        if self.change.dry_run {
            let view = AccountView::of_register(&register, &id, now, true);
            session.output.result(&view, || format!("would keep {login} for emergencies no longer"))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&question, self.change.yes)?;
        let store = session.ledger_for_writing()?;
        let mut register = Register::of(&*store)?;
        let (account, reason, operator) = (id.clone(), self.reason.clone(), session.operator()?);
        register.record(&*store, &Event::BreakGlassRemoved(BreakGlassRemoved { account, reason, operator }))?;
        let view = AccountView::of_register(&register, &id, now, false);
        session.output.result(&view, || format!("{login} is no longer a break-glass account"))?;
        Ok(Exit::Done)
    }
}
