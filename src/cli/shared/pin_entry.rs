//! Taking a key's PIN from the person: the rules are shown and the attempts counted before anything is sent.
//!
//! It refuses to spend one of the last attempts without `--yes`, and to try a PIN twice.

use secrecy::ExposeSecret as _;

use crate::cli::shared::{CliError, Session};
use crate::provision::{PinAttemptError, pin_attempts};
use crate::secret::SecretSource;
use keywright_fido::ctap::{Authenticator, GetInfo, Permissions, Pin, PinUvAuthToken};

/// The current PIN of a key that has one.
pub(crate) fn current(
    key: &mut Authenticator,
    source: Option<&SecretSource>,
    yes: bool,
    session: &Session,
) -> Result<Pin, CliError> {
    if !key.info().has_pin() {
        return Err(CliError::PinState { what: "the key has no PIN", next: "'keywright key pin set' gives it one" });
    }
    let left = match pin_attempts::may_be_spent(key) {
        Err(PinAttemptError::Few { left }) if yes => left,
        answer => answer?,
    };
    session.console.say(&format!("PIN attempts left: {left}"));
    take(source, "--pin", "PIN", session)
}

/// The current PIN of a key that gives tokens for it.
pub(crate) fn for_tokens(
    key: &mut Authenticator,
    source: Option<&SecretSource>,
    yes: bool,
    session: &Session,
) -> Result<Pin, CliError> {
    if key.info().force_pin_change {
        return Err(CliError::PinState {
            what: "the key demands a new PIN before anything else",
            next: "'keywright key pin change' gives it one",
        });
    }
    current(key, source, yes, session)
}

/// A token for these permissions, for the PIN that the person gives.
pub(crate) fn token(
    key: &mut Authenticator,
    permissions: Permissions,
    source: Option<&SecretSource>,
    yes: bool,
    session: &Session,
) -> Result<PinUvAuthToken, CliError> {
    let pin = for_tokens(key, source, yes, session)?;
    Ok(pin_attempts::token(key, &pin, permissions, None)?)
}

/// A PIN for a key, within the key's rules. At a prompt it is typed twice.
pub(crate) fn new(info: &GetInfo, source: Option<&SecretSource>, session: &Session) -> Result<Pin, CliError> {
    session.console.say(&format!(
        "the new PIN: at least {} characters, at most {} bytes{}",
        info.min_pin_length,
        info.max_pin_length,
        if info.pin_complexity_policy == Some(true) { "; the key has rules of its own about simple PINs" } else { "" }
    ));
    let pin = take(source, "--new-pin", "new PIN", session)?;
    pin.check(info.min_pin_length, info.max_pin_length)?;
    if is_prompt(source) {
        let again = take(source, "--new-pin", "new PIN again", session)?;
        if again.expose() != pin.expose() {
            return Err(CliError::PinState {
                what: "the two PINs are not the same; nothing was sent",
                next: "type the same new PIN twice",
            });
        }
    }
    Ok(pin)
}

fn is_prompt(source: Option<&SecretSource>) -> bool {
    matches!(source, None | Some(SecretSource::Prompt))
}

/// A PIN from its source; `what` is shown at a prompt, `flag` names a place where there is no terminal.
pub(crate) fn take(source: Option<&SecretSource>, flag: &str, what: &str, session: &Session) -> Result<Pin, CliError> {
    if is_prompt(source) && !session.console.looks().asks {
        return Err(CliError::Usage(format!("there is no terminal to ask on; name the place of the PIN with {flag}")));
    }
    let text = source.unwrap_or(&SecretSource::Prompt).take(what)?;
    Ok(Pin::new(text.expose_secret())?)
}
