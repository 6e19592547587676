//! `keywright account left`: a person leaves.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::{Change, WhichIdp};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::AccountId;
use crate::provision::{self, RetryPolicy};
use crate::register::Register;
use keywright_fido::webauthn::CredentialId;

/// Take everything of a person who leaves out of service.
///
/// Revokes every key of the account at the IdP, ends what was left to do for it, and lists the keys that are to be collected;
/// 'keywright key return' takes each back, and 'keywright status' names those that are still out. It can be run again: what the
/// IdP could not be told the first time is done then, or by 'keywright resume'.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright account left ada@example.org --reason HR-2026-114")]
pub(crate) struct Left {
    /// The login
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

#[derive(Serialize)]
struct Departed<'a> {
    account: &'a str,
    directory: &'a str,
    dry_run: bool,
    removed: Vec<CredentialId>,
    absent: Vec<CredentialId>,
    /// To be removed at the IdP by the next `resume`: they still sign in.
    pending: Vec<CredentialId>,
    by_hand: Vec<CredentialId>,
    collect: Vec<ToCollect>,
}

impl View for Departed<'_> {
    const KIND: &'static str = "account-left";
}

/// A key that is still out.
#[derive(Serialize)]
struct ToCollect {
    ordinal: usize,
    label: Option<String>,
    serial: Option<String>,
}

impl Left {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let directory = account::directory_of(&self.account, &register, &self.idp, &session.settings()?)?;
        let id = account::known_at_idp(&self.account, &*directory, &register)?;
        session.catch_interrupts(ENDING)?;
        let mut departed = Departed {
            account: register.login(&id),
            directory: directory.name(),
            dry_run: self.change.dry_run,
            removed: Vec::new(),
            absent: Vec::new(),
            pending: Vec::new(),
            by_hand: Vec::new(),
            collect: to_collect(&register, &id),
        };
        let keys = count(in_use(&register, &id), "key", "keys");
        if let Some(by_hand) = directory.registration().by_hand() {
            session.console.say(&format!(
                "{} has no API: {}, for each of the {keys}",
                directory.name(),
                by_hand.removal
            ));
        }
        let question = format!("take {} of {id} out of service, as of somebody who left?", keys);
        if self.change.dry_run {
            session.output.result(&departed, || format!("would {}", question.trim_end_matches('?')))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&question, self.change.yes)?;
        let store = session.ledger_for_writing()?;
        let (retry, cancel, operator) = (RetryPolicy::default(), &session.cancel, session.operator()?);
        for done in provision::leave(&*directory, &*store, &retry, cancel, &id, &self.reason, &operator)? {
            departed.removed.extend(done.removed);
            departed.absent.extend(done.absent);
            departed.pending.extend(done.pending);
            departed.by_hand.extend(done.by_hand);
        }
        session.output.result(&departed, || departure_text(&departed))?;
        if departed.pending.is_empty() {
            return Ok(Exit::Done);
        }
        session.console.hint("the IdP did not answer; 'keywright resume' removes the keys there once it does");
        Ok(Exit::Directory)
    }
}

/// Keys of the account that its IdP may have.
fn in_use(register: &Register, id: &AccountId) -> usize {
    register.credentials_of(id).filter(|(_, one)| one.state.may_be_registered()).count()
}

/// Keys of the account that somebody has: made, and neither back nor wiped.
fn to_collect(register: &Register, id: &AccountId) -> Vec<ToCollect> {
    let out = register.credentials_of(id).filter(|(_, one)| one.is_out());
    let out = out.map(|(_, one)| ToCollect {
        ordinal: one.ordinal,
        label: one.label().map(str::to_owned),
        serial: one.serial().map(str::to_owned),
    });
    out.collect()
}

fn departure_text(departed: &Departed<'_>) -> String {
    let removed = departed.removed.len() + departed.by_hand.len();
    let mut text = format!("{} left; {} removed at the IdP\n", departed.account, count(removed, "key", "keys"));
    for id in &departed.pending {
        text.push_str(&format!("  still signs in, because the IdP did not answer: credential {id}\n"));
    }
    for key in &departed.collect {
        let label = key.label.as_deref().unwrap_or("no label");
        let serial = key.serial.as_deref().map(|serial| format!(", serial {serial}")).unwrap_or_default();
        text.push_str(&format!("  to be collected: key {}, {label}{serial}\n", key.ordinal));
    }
    if !departed.collect.is_empty() {
        text.push_str("take each back with: keywright key return\n");
    }
    text
}
