//! `keywright account edit`: what people keep of an account in their own words.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::Event;
use crate::settings::IdpChoice;

/// Correct an account's name, ticket or storage.
///
/// The login is the IdP's: it is read there at the next run. The profile is the roster's.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright account edit ada@example.org --name Ada")]
pub(crate) struct Edit {
    /// The login
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// The person's name
    #[arg(long, value_name = "NAME", required_unless_present_any = ["ticket", "storage"])]
    name: Option<String>,
    /// The request that its keys rest on
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// Where its backup or break-glass key is kept
    #[arg(long, value_name = "PLACE")]
    storage: Option<String>,
    /// The IdP, where several have this login
    #[arg(long, value_name = "NAME")]
    idp: Option<IdpChoice>,
    /// Say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Edited<'a> {
    account: &'a str,
    directory: &'a str,
    person: &'a str,
    ticket: Option<&'a str>,
    storage: Option<&'a str>,
    dry_run: bool,
}

impl View for Edited<'_> {
    const KIND: &'static str = "account-edited";
}

impl Edited<'_> {
    fn text(&self) -> String {
        let part = |what: &str, value: Option<&str>| value.map(|value| format!(", {what} {value}")).unwrap_or_default();
        let (ticket, storage) = (part("ticket", self.ticket), part("kept in", self.storage));
        let would = if self.dry_run { "would read" } else { "reads now" };
        format!("{} {would}: {}{ticket}{storage}", self.account, self.person)
    }
}

impl Edit {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut register = session.register()?;
        let id = account::find(&self.account, self.idp.as_ref(), &register)?;
        let (name, ticket, storage) = (self.name.clone(), self.ticket.clone(), self.storage.clone());
        let event = Event::AccountEdited { account: id.clone(), name, ticket, storage, operator: session.operator()? };
        if self.dry_run {
            register = register.supposing(&[event])?;
        } else {
            let store = session.ledger_for_writing()?;
            register.catch_up(&*store)?;
            register.record(&*store, &event)?;
        }
        let known = &register.accounts[&id];
        let edited = Edited {
            account: &known.login,
            directory: &id.directory,
            person: known.person.display_name(),
            ticket: known.person.ticket.as_deref(),
            storage: known.person.storage.as_deref(),
            dry_run: self.dry_run,
        };
        session.output.result(&edited, || edited.text())?;
        Ok(Exit::Done)
    }
}
