//! `keywright key return`: a key comes back, is recognised, wiped, and shown to be.

use clap::Args;
use serde::Serialize;

use super::erase::erase;
use crate::audit::key::credentials_of_ledger;
use crate::cli::shared::arguments::{Change, OneKey};
use crate::cli::shared::device::describe;
use crate::cli::shared::open_key::{self, OpenKey};
use crate::cli::shared::operator::operator_name;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::{Erasure, Event};
use crate::register::Register;
use keywright_fido::webauthn::CredentialId;

/// Take a key back into stock.
///
/// Says whose key it was, resets it, asks it for the old credential, which must not answer any more, and writes that down. A key
/// that is still in service no longer counts afterwards; revoke it, too.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key return\n  keywright key return --key 1-2.3 --keep")]
pub(crate) struct Return {
    #[command(flatten)]
    which: OneKey,
    /// Leave what is on it: only write down that it is back
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Returned<'a> {
    path: &'a str,
    product: &'a str,
    dry_run: bool,
    /// Whether it was reset, and the old credentials no longer answered.
    wiped: bool,
    keys: Vec<Was<'a>>,
}

impl View for Returned<'_> {
    const KIND: &'static str = "key-returned";
}

/// A key of an account that this one was.
#[derive(Serialize)]
struct Was<'a> {
    account: &'a str,
    directory: &'a str,
    ordinal: usize,
    credential_id: &'a CredentialId,
    in_use: bool,
}

impl Return {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let OpenKey { keys, device, mut authenticator } = OpenKey::open(&self.which, session)?;
        let before = authenticator.info().clone();
        let mut ids = credentials_of_ledger(&mut authenticator, &register)?;
        drop(authenticator);
        ids.retain(|id| register.credentials[id].returned.is_none());
        if ids.is_empty() {
            return Err(CliError::NotFound(
                "the key shows no credential of the ledger that is still out; if it was reset, nothing on it is left to take back"
                    .into(),
            ));
        }
        let was: Vec<Was<'_>> = ids.iter().filter_map(|id| was(id, &register)).collect();
        let whose =
            was.iter().map(|one| format!("key {} of {}", one.ordinal, one.account)).collect::<Vec<_>>().join(", ");
        let (path, product) = (&device.path, &device.product);
        let mut returned = Returned { path, product, dry_run: self.change.dry_run, wiped: false, keys: was };
        let does = if self.keep { "take back, without erasing it," } else { "take back and erase" };
        if self.change.dry_run {
            session.output.result(&returned, || format!("would {does} {} ({whose})", describe(&device)))?;
            return Ok(Exit::Done);
        }
        if let Some(one) = returned.keys.iter().find(|one| one.in_use) {
            session.console.warn(&format!(
                "it is still in service; revoke it, too: keywright revoke {} --key {} --reason returned",
                one.account, one.ordinal
            ));
        }
        session.console.confirm(&format!("{does} {} ({whose})?", describe(&device)), self.change.yes)?;
        if !self.keep {
            let (again, _) = erase(&keys, &device, &before, session)?;
            let mut key = open_key::open(keys.bus(), &again, session)?;
            let left = credentials_of_ledger(&mut key, &register)?;
            if let Some(id) = left.iter().find(|id| ids.contains(id)) {
                return Err(CliError::NotFound(format!(
                    "the key was reset, and yet has credential {id}; set it aside"
                )));
            }
            returned.wiped = true;
        }
        record(&ids, returned.wiped, register.clone(), session)?;
        let wiped = if returned.wiped { ", erased" } else { "" };
        session.output.result(&returned, || format!("{} is back{wiped} ({whose})", describe(&device)))?;
        Ok(Exit::Done)
    }
}

fn was<'a>(id: &'a CredentialId, register: &'a Register) -> Option<Was<'a>> {
    let credential = register.credentials.get(id)?;
    Some(Was {
        account: register.login(&credential.account),
        directory: &credential.account.directory,
        ordinal: credential.ordinal,
        credential_id: id,
        in_use: credential.state.is_in_use(),
    })
}

/// Writes all of it down at once.
fn record(ids: &[CredentialId], wiped: bool, mut register: Register, session: &Session) -> Result<(), CliError> {
    let store = session.ledger_for_writing()?;
    register.catch_up(&*store)?;
    let operator = operator_name();
    let erased = Event::KeyErased { credential_ids: ids.to_vec(), how: Erasure::Reset, operator: operator.clone() };
    let back = ids.iter().map(|id| Event::KeyReturned { credential_id: id.clone(), operator: operator.clone() });
    let events: Vec<Event> = wiped.then_some(erased).into_iter().chain(back).collect();
    Ok(register.record_all(&*store, &events)?)
}
