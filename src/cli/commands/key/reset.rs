//! `keywright key reset`: erases everything on a key.
//!
//! A key takes a reset only within 10 seconds of being plugged in, so it has to be replugged. It refuses to erase somebody's key
//! without saying whose it is.

use clap::Args;
use serde::Serialize;

use super::erase;
use super::owner::{self, Owner};
use crate::audit::key::credentials_of_ledger;
use crate::cli::shared::arguments::{Change, OneKey};
use crate::cli::shared::device::describe;
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::provision::was_on_empty_key;
use keywright_fido::ctap::Authenticator;
use keywright_fido::hid::Device;
use keywright_fido::webauthn::{Aaguid, CredentialId};

/// Erase everything on a key.
///
/// Credentials, PIN and policy are gone for good. Says whose key it is, if the ledger knows it, and writes down that it was
/// erased. Accounts that have no other key are locked out. The key has to be pulled out and plugged in again, and touched when it blinks.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key reset --key 1-2.3")]
pub(crate) struct Reset {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Done<'a> {
    path: &'a str,
    product: &'a str,
    aaguid: Aaguid,
    reset: bool,
    /// Credentials in use that the ledger knew on it.
    erased: &'a [Owner],
}

impl View for Done<'_> {
    const KIND: &'static str = "key-reset";
}

impl Reset {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let OpenKey { keys, device, mut authenticator } = OpenKey::open(&self.which, session)?;
        let found = on_key(&device, &mut authenticator, session)?;
        let owners = owner::of_credentials(&found.ids, session)?;
        let name = describe(&device);
        let aaguid = authenticator.info().aaguid;
        if self.change.dry_run {
            session.console.say(&format!("would erase everything on {name}"));
            let (path, product) = (&device.path, &device.product);
            let done = Done { path, product, aaguid, reset: false, erased: &owners };
            session.output.result(&done, || "nothing was reset".to_owned())?;
            return Ok(Exit::Done);
        }
        let whose: String = owners.iter().map(|owner| format!(" {}", owner.sentence())).collect();
        let began = if found.begun { " It is empty already, and taken for that key." } else { "" };
        confirm(&format!("erase everything on {name}?{whose}{began}"), &owners, self.change.yes, session)?;
        let (again, _) = erase::reset(&keys, &device, authenticator, &found.ids, Vec::new(), session)?;
        let (path, product) = (&again.path, &again.product);
        owner::tell_registered(&owners, session);
        let done = Done { path, product, aaguid, reset: true, erased: &owners };
        session.output.result(&done, || format!("{name} is reset to factory state"))?;
        Ok(Exit::Done)
    }
}

/// The credentials of the ledger on a key.
struct OnKey {
    ids: Vec<CredentialId>,
    /// Whether it does not show them, because it is empty, and is taken for the key that they were on.
    begun: bool,
}

/// Which credentials a reset erases. A key that does not answer to that can be reset all the same.
fn on_key(device: &Device, key: &mut Authenticator, session: &Session) -> Result<OnKey, CliError> {
    let Some(register) = session.register_if_any()? else { return Ok(OnKey { ids: Vec::new(), begun: false }) };
    let ids = match credentials_of_ledger(key, &register) {
        Ok(ids) => ids,
        Err(error) => {
            session
                .console
                .warn(&format!("cannot tell whose key this is: {error}; the ledger will not know that it was reset"));
            return Ok(OnKey { ids: Vec::new(), begun: false });
        }
    };
    if !ids.is_empty() {
        return Ok(OnKey { ids, begun: false });
    }
    let ids = was_on_empty_key(&register, device, key)?;
    Ok(OnKey { begun: !ids.is_empty(), ids })
}

/// Asks for the account's name if the ledger knows the key, else for a yes.
fn confirm(question: &str, owners: &[Owner], yes: bool, session: &Session) -> Result<(), CliError> {
    let Some(owner) = owners.first().filter(|_| !yes && session.console.looks().asks) else {
        return session.console.confirm(question, yes);
    };
    let answer = session.console.ask(&format!("{question} Type {} to go on: ", owner.login()))?;
    if answer == owner.login() { Ok(()) } else { Err(CliError::NotConfirmed) }
}
