//! `keywright key reset`: erases everything on a key.
//!
//! A key takes a reset only within 10 seconds of being plugged in, so it has to be replugged. It refuses to reset what comes
//! back if that is not the key that was pulled out.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::owner::{self, Owner};
use crate::cli::shared::arguments::{Change, OneKey};
use crate::cli::shared::console::Style;
use crate::cli::shared::device::describe;
use crate::cli::shared::open_key::{self, OpenKey, touch_prompt};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::Erasure;
use crate::provision::fingerprint;
use keywright_fido::ctap::Authenticator;
use keywright_fido::webauthn::Aaguid;

/// How long a person has to replug the key.
const REPLUG_TIME: Duration = Duration::from_secs(60);

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
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let OpenKey { keys, device, mut authenticator } = OpenKey::open(&self.which, session)?;
        let before = authenticator.info().clone();
        let owners = owners(&mut authenticator, session)?;
        // Our handle has to be gone, or the system does not see the key go.
        drop(authenticator);
        let name = describe(&device);
        if self.change.dry_run {
            session.console.say(&format!("would erase everything on {name}"));
            let (path, product, aaguid) = (&device.path, &device.product, before.aaguid);
            let done = Done { path, product, aaguid, reset: false, erased: &owners };
            session.output.result(&done, || "nothing was reset".to_owned())?;
            return Ok(Exit::Done);
        }
        let whose: String = owners.iter().map(|owner| format!(" {}", owner.sentence())).collect();
        confirm(&format!("erase everything on {name}?{whose}"), &owners, self.change.yes, session)?;
        let what = format!("pull the key out of port {} and plug it in again", device.port);
        session.console.mark(Style::Now, "now:", &what);
        let again = keys.bus().replug(&device, REPLUG_TIME, &session.cancel)?;
        let mut key = open_key::open(keys.bus(), &again, session)?;
        let after = key.info();
        if after.aaguid != before.aaguid {
            return Err(CliError::AnotherKey(format!("its model is {}, not {}", after.aaguid, before.aaguid)));
        }
        if fingerprint(after) != fingerprint(&before) || again.serial != device.serial {
            return Err(CliError::AnotherKey("it is of the same model and answers differently".into()));
        }
        key.reset(&mut touch_prompt(session, &again))?;
        let info = key.refresh_info()?;
        if info.has_pin() {
            return Err(CliError::NotFound("the key says that it was reset but still has a PIN".into()));
        }
        let (path, product, aaguid) = (&again.path, &again.product, info.aaguid);
        owner::record_erased(&owners, Erasure::Reset, session)?;
        let done = Done { path, product, aaguid, reset: true, erased: &owners };
        session.output.result(&done, || format!("{name} is reset to factory state"))?;
        Ok(Exit::Done)
    }
}

/// Whose key it is. A key that does not answer to that can be reset all the same.
fn owners(key: &mut Authenticator, session: &Session) -> Result<Vec<Owner>, CliError> {
    match owner::of_key(key, session) {
        Err(CliError::Ctap(error)) => {
            session
                .console
                .warn(&format!("cannot tell whose key this is: {error}; the ledger will not know that it was reset"));
            Ok(Vec::new())
        }
        found => found,
    }
}

/// Asks for the account's name if the ledger knows the key, else for a yes.
fn confirm(question: &str, owners: &[Owner], yes: bool, session: &Session) -> Result<(), CliError> {
    let Some(owner) = owners.first().filter(|_| !yes && session.console.looks().asks) else {
        return session.console.confirm(question, yes);
    };
    let answer = session.console.ask(&format!("{question} Type {} to go on: ", owner.login()))?;
    if answer == owner.login() { Ok(()) } else { Err(CliError::NotConfirmed) }
}
