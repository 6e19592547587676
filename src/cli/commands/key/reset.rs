//! `keywright key reset`: erases everything on a key.
//!
//! A key takes a reset only within 10 seconds of being plugged in, so it has to be replugged. It refuses to reset what comes
//! back if that is not the key that was pulled out.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::{Change, OneKey};
use crate::cli::shared::console::Style;
use crate::cli::shared::device::describe;
use crate::cli::shared::open_key::{self, OpenKey, touch_prompt};
use crate::cli::shared::{CliError, Exit, Session};
use crate::provision::fingerprint;
use keywright_fido::webauthn::Aaguid;

/// How long a person has to replug the key.
const PATIENCE: Duration = Duration::from_secs(60);

/// Erase everything on a key.
///
/// Credentials, PIN and policy are gone for good; the key is as it came from the factory. Accounts that have no other key are
/// locked out. The key has to be pulled out and plugged in again, and touched when it blinks.
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
}

impl Reset {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let OpenKey { keys, device, authenticator } = OpenKey::open(&self.which, session)?;
        let before = authenticator.info().clone();
        // Our handle has to be gone, or the system does not see the key go.
        drop(authenticator);
        let name = describe(&device);
        if self.change.dry_run {
            session.console.say(&format!("would erase everything on {name}"));
            let done = Done { path: &device.path, product: &device.product, aaguid: before.aaguid, reset: false };
            session.output.result(&done, || "nothing was reset".to_owned())?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&format!("erase everything on {name}?"), self.change.yes)?;
        session.console.say(&format!(
            "{} pull the key out of port {} and plug it in again",
            session.console.paint(Style::Now, "now:"),
            device.port
        ));
        let again = keys.bus().replug(&device, PATIENCE, &session.cancel)?;
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
            return Err(CliError::NotFound("the key says that it was reset, and yet has a PIN".into()));
        }
        let done = Done { path: &again.path, product: &again.product, aaguid: info.aaguid, reset: true };
        session.output.result(&done, || format!("{name} is as it came from the factory"))?;
        Ok(Exit::Done)
    }
}
