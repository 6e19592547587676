//! `keywright breakglass drill`: two people take a key out of its bag and try it.

use clap::Args;

use crate::cli::commands::drill;
use crate::cli::shared::arguments::{OneKey, PinArgument, WhichIdp, WhichKey};
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::cli::view::break_glass::AccountView;
use crate::ledger::rollout::{BreakGlassDrilled, SignInLog};
use crate::ledger::{AccountId, Event};
use crate::provision::{PersonError, RetryPolicy, same_person};
use crate::register::Register;
use crate::rollout::breakglass;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Try a break-glass account: two people, every 90 days.
///
/// Take the bag from its place, check that its seal is whole and its number the one in the ledger, open it, and plug the key in.
/// keywright proves the key as 'keywright drill' does, signs in where the IdP lets us try, and reads the IdP's sign-in log right
/// after it: IdPs forget it within days, the ledger does not. Then seal the key in a new bag.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright breakglass drill bg1@example.org --by ada --by bo --new-bag 004712")]
pub(crate) struct Drill {
    /// The login at the IdP
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Who does it: two people at least (repeatable)
    #[arg(long, value_name = "NAME", required = true)]
    by: Vec<String>,
    /// The number on the new bag's seal; without it the key is in no bag until 'keywright breakglass add' says so
    #[arg(long, value_name = "NUMBER")]
    new_bag: Option<String>,
    /// Which of the account's keys it is, as its label says, or its own number (K-0042)
    #[arg(long, value_name = "NUMBER")]
    number: Option<WhichKey>,
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    #[command(flatten)]
    idp: WhichIdp,
    /// Somebody has signed in with this key, at an IdP without an API [default: asks]
    #[arg(long)]
    signed_in: bool,
    /// Ask ledger, IdP and key what can be asked without PIN and touch, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Drill {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let id = account::find(&self.account, self.idp.idp.as_ref(), &register)?;
        let login = register.login(&id).to_owned();
        if !register.is_break_glass(&id) {
            return Err(CliError::NotFound(format!("{login} is no break-glass account")));
        }
        let first = self.by.first().map(|name| name.trim().to_lowercase()).unwrap_or_default();
        if first.is_empty()
            || !self.by.iter().any(|name| name.trim().to_lowercase() != first && !name.trim().is_empty())
        {
            return Err(CliError::Usage("a break-glass drill takes two people: name both with --by".to_owned()));
        }
        for (ordinal, bag) in &register.rollout.break_glass[&id].bags {
            let (number, place) = (bag.number.as_deref().unwrap_or("none"), &bag.place);
            let who = bag.may_open.join(", ");
            session.console.say(&format!("key {ordinal}: bag {number}, {place}; to be opened by {who}"));
        }
        let began = Session::now();
        let drill = drill::Drill {
            account: Some(login),
            number: self.number,
            which: self.which.clone(),
            pin: self.pin.clone(),
            idp: self.idp.clone(),
            signed_in: self.signed_in,
            dry_run: self.dry_run,
        };
        let exit = drill.run(session)?;
        if self.dry_run {
            return Ok(exit);
        }
        self.write_down(&id, began, exit, session)
    }

    /// What the drill of the key came to, and what the IdP's log says of it.
    fn write_down(
        &self,
        id: &AccountId,
        began: OffsetDateTime,
        exit: Exit,
        session: &Session,
    ) -> Result<Exit, CliError> {
        let store = session.ledger_for_writing()?;
        let mut register = Register::of(&*store)?;
        let Some((ordinal, passed)) = tried(&register, id, began) else {
            // Nothing was written of a key: somebody mistyped, or the IdP was away.
            return Ok(exit);
        };
        let sign_in_log = self.read_log(id, began, &register, session)?;
        if let SignInLog::Read { sign_ins, .. } = &sign_in_log
            && passed
            && sign_ins.is_empty()
        {
            session
                .console
                .warn("the IdP's sign-in log does not show the drill; it may lag behind, or nobody could try");
        }
        let drilled = BreakGlassDrilled {
            account: id.clone(),
            ordinal,
            by: self.by.clone(),
            began: began.format(&Rfc3339).unwrap_or_default(),
            passed,
            sign_in_log,
            bag: self.new_bag.clone(),
            operator: session.operator()?,
        };
        register.record(&*store, &Event::BreakGlassDrilled(drilled))?;
        let view = AccountView::of_register(&register, id, Session::now(), false);
        session.output.result(&view, || view.text())?;
        if self.new_bag.is_none() {
            session.console.hint("seal the key in a new bag, then write it down with 'keywright breakglass add'");
        }
        Ok(exit)
    }

    fn read_log(
        &self,
        id: &AccountId,
        began: OffsetDateTime,
        register: &Register,
        session: &Session,
    ) -> Result<SignInLog, CliError> {
        let directory = account::directory_of(&self.account, register, &self.idp, &session.settings()?)?;
        let (retry, since) = (RetryPolicy::default(), breakglass::since_drill(began));
        let read = same_person::find(&*directory, &retry, &session.cancel, &register.person(id)).and_then(|user| {
            breakglass::sign_ins(&*directory, &retry, &session.cancel, &user, since).map_err(PersonError::from)
        });
        Ok(match read {
            Ok(log) => breakglass::kept(&log, since),
            Err(error) => SignInLog::CannotTell { why: error.to_string() },
        })
    }
}

/// The key in a bag that was tried since then, and whether it passed.
fn tried(register: &Register, id: &AccountId, began: OffsetDateTime) -> Option<(usize, bool)> {
    let since = |at: &Option<String>| {
        let at = OffsetDateTime::parse(at.as_deref()?, &Rfc3339).ok()?;
        (at >= began).then_some(at)
    };
    let bags = &register.rollout.break_glass.get(id)?.bags;
    bags.keys().find_map(|ordinal| {
        let credential = register.credentials.get(register.credential_of_key(id, *ordinal)?)?;
        match (since(&credential.drilled), since(&credential.failed)) {
            (_, Some(_)) => Some((*ordinal, false)),
            (Some(_), None) => Some((*ordinal, true)),
            (None, None) => None,
        }
    })
}
