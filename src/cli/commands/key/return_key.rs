//! `keywright key return`: a key comes back, is recognised, wiped, and shown to be.

use clap::Args;
use serde::Serialize;

use super::{erase, mark};
use crate::audit::key::credentials_of_ledger;
use crate::cli::shared::arguments::{Change, OneKey};
use crate::cli::shared::device::describe;
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::Event;
use crate::provision::was_on_empty_key;
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
        let mut ids = credentials_of_ledger(&mut authenticator, &register)?;
        if ids.is_empty() {
            ids = was_on_empty_key(&register, &device, &mut authenticator)?;
        }
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
        let operator = session.operator()?;
        let back = ids.iter().map(|id| Event::KeyReturned { credential_id: id.clone(), operator: operator.clone() });
        if self.keep {
            let store = session.ledger_for_writing()?;
            let mut register = register.clone();
            register.catch_up(&*store)?;
            register.record_all(&*store, &back.collect::<Vec<_>>())?;
        } else {
            let (again, key) = erase::reset(&keys, &device, authenticator, &ids, back.collect(), session)?;
            returned.wiped = true;
            mark::mark_again(&keys, &again, key, &ids, session)?;
        }
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
