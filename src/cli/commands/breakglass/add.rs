//! `keywright breakglass add`: a key goes into a sealed bag.

use clap::Args;

use crate::cli::shared::arguments::{Change, WhichIdp, WhichKey};
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::cli::view::break_glass::AccountView;
use crate::ledger::Event;
use crate::ledger::rollout::BreakGlassAdded;
use crate::register::Register;

/// Write down that a key of a break-glass account is in a sealed bag.
///
/// Once for each of its keys; for a key that is in a bag already, the new bag takes the place of the old one. Where the bag is,
/// its number and who may open it can be erased with the account.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright breakglass add bg1@example.org --key 1 --place safe-linz --bag 004711 --may-open ada --may-open bo")]
pub(crate) struct Add {
    /// The login at the IdP
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Which of the account's keys: 1, 2, ... as 'keywright status' counts them, or its own number (K-0042)
    #[arg(long, value_name = "NUMBER")]
    key: WhichKey,
    /// Where the bag is
    #[arg(long, value_name = "PLACE")]
    place: String,
    /// The number on the bag's seal
    #[arg(long, value_name = "NUMBER")]
    bag: String,
    /// Who may open it (repeatable)
    #[arg(long, value_name = "NAME", required = true)]
    may_open: Vec<String>,
    #[command(flatten)]
    idp: WhichIdp,
    #[command(flatten)]
    change: Change,
}

impl Add {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let id = account::find(&self.account, self.idp.idp.as_ref(), &register)?;
        let ordinal = self.key.of_account(&id, &register)?;
        let standing = register.standing(&id, Session::now());
        let keys = standing.iter().flat_map(|standing| &standing.keys);
        if !keys.rev().find(|key| key.ordinal == ordinal).is_some_and(|key| key.standing.counts()) {
            return Err(CliError::NotFound(format!("{id} has no key {ordinal} that counts")));
        }
        let filled = [&self.place, &self.bag].into_iter().chain(&self.may_open);
        if filled.into_iter().any(|text| text.trim().is_empty()) {
            return Err(CliError::Usage("--place, --bag and --may-open have something in them".to_owned()));
        }
        let added = Event::BreakGlassAdded(BreakGlassAdded {
            account: id.clone(),
            ordinal,
            place: self.place.clone(),
            bag: self.bag.clone(),
            may_open: self.may_open.clone(),
            operator: session.operator()?,
        });
        register.validate(&added)?;
        let question = format!(
            "write down key {ordinal} of {} as break-glass, in bag {} at {}?",
            register.login(&id),
            self.bag,
            self.place
        );
        if self.change.dry_run {
            let view = AccountView::of_register(&register, &id, Session::now(), true);
            session.output.result(&view, || format!("would {}", question.trim_end_matches('?')))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&question, self.change.yes)?;
        let store = session.ledger_for_writing()?;
        let mut register = Register::of(&*store)?;
        register.record(&*store, &added)?;
        let view = AccountView::of_register(&register, &id, Session::now(), false);
        session.output.result(&view, || view.text())?;
        session
            .console
            .hint("'keywright breakglass drill' tries it; 'keywright breakglass status' says what is missing");
        Ok(Exit::Done)
    }
}
