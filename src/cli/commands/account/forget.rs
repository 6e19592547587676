//! `keywright account forget`: an account that was planned by mistake.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::Change;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::Event;
use crate::settings::IdpChoice;

/// Take an account off the plans that never had a key.
///
/// For a typing error in a roster. It stays in the log and no longer counts. An account that had a key has left instead:
/// 'keywright account left'.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright account forget aad@example.org --reason typing-error")]
pub(crate) struct Forget {
    /// The login
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The IdP, where several have this login
    #[arg(long, value_name = "NAME")]
    idp: Option<IdpChoice>,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Forgotten<'a> {
    account: &'a str,
    directory: &'a str,
    dry_run: bool,
}

impl View for Forgotten<'_> {
    const KIND: &'static str = "account-forgotten";
}

impl Forget {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let known = session.register()?;
        let id = account::find(&self.account, self.idp.as_ref(), &known)?;
        let event =
            Event::AccountForgotten { account: id.clone(), reason: self.reason.clone(), operator: session.operator()? };
        if known.credentials_of(&id).count() > 0 {
            return Err(CliError::Usage(format!(
                "{} had a key; if the person left, use 'keywright account left {}'",
                known.login(&id),
                known.login(&id)
            )));
        }
        let (login, directory) = (known.login(&id), id.directory.as_str());
        let forgotten = Forgotten { account: login, directory, dry_run: self.change.dry_run };
        if self.change.dry_run {
            known.supposing(&[event])?;
            session.output.result(&forgotten, || format!("would forget {login}"))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&format!("forget {login}?"), self.change.yes)?;
        let store = session.ledger_for_writing()?;
        let mut register = known.clone();
        register.catch_up(&*store)?;
        register.record(&*store, &event)?;
        session.output.result(&forgotten, || format!("{login} is forgotten; nothing is planned for it any more"))?;
        Ok(Exit::Done)
    }
}
