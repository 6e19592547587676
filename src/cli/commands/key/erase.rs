//! What the key commands erase with: the station's keys and ledger, and the words on the terminal.
//!
//! It refuses to make a ledger where there is nothing to be written down.

use std::time::Duration;

use crate::cli::shared::console::Style;
use crate::cli::shared::open_key::Keys;
use crate::cli::shared::{CliError, Session};
use crate::ledger::{Event, Store};
use crate::provision::Eraser;
use crate::secret::SystemEntropy;
use keywright_fido::ctap::{Authenticator, PinUvAuthToken};
use keywright_fido::hid::{Device, Limits};
use keywright_fido::webauthn::CredentialId;

/// How long a person has to replug the key.
const REPLUG_TIME: Duration = Duration::from_secs(60);

/// Resets the key. `ids` are the credentials of the ledger that go with it; `then` is written with their end. Returns where the key is
/// now, and the key.
pub(in crate::cli::commands) fn reset(
    keys: &Keys,
    device: &Device,
    key: Authenticator,
    ids: &[CredentialId],
    then: Vec<Event>,
    session: &Session,
) -> Result<(Device, Authenticator), CliError> {
    let store = ledger(!ids.is_empty(), session)?;
    let again = |device: &Device| {
        let what = format!("pull the key out of port {} and plug it in again", device.port);
        session.console.mark(Style::Now, "now:", &what);
    };
    let long = match key.info().long_touch_for_reset {
        Some(true) => ", and hold it for ten seconds",
        Some(false) | None => "",
    };
    let touch = |device: &Device| {
        session.console.mark(Style::Now, "touch now:", &format!("{} in port {}{long}", device.product, device.port));
    };
    Ok(eraser(keys, &*store, &again, &touch, session)?.reset(device, key, ids, then)?)
}

/// Deletes one credential; `token` needs cm.
pub(super) fn delete(
    keys: &Keys,
    key: &mut Authenticator,
    token: &PinUvAuthToken,
    id: &CredentialId,
    session: &Session,
) -> Result<(), CliError> {
    let known = session.register_if_any()?.is_some_and(|register| register.credentials.contains_key(id));
    let store = ledger(known, session)?;
    Ok(eraser(keys, &*store, &|_| {}, &|_| {}, session)?.delete(key, token, id)?)
}

fn ledger(is_written: bool, session: &Session) -> Result<Box<dyn Store>, CliError> {
    if is_written { session.ledger_for_writing() } else { session.ledger_or_empty() }
}

fn eraser<'a>(
    keys: &'a Keys,
    store: &'a dyn Store,
    ask_to_replug: &'a dyn Fn(&Device),
    ask_to_touch: &'a dyn Fn(&Device),
    session: &Session,
) -> Result<Eraser<'a>, CliError> {
    Ok(Eraser {
        bus: keys.bus(),
        store,
        limits: Limits::default(),
        patience: REPLUG_TIME,
        cancel: session.cancel.clone(),
        entropy: &SystemEntropy,
        operator_name: session.operator()?,
        ask_to_replug,
        ask_to_touch,
    })
}
