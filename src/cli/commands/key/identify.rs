//! `keywright key identify`: whose key is this? Asked without a PIN and without a touch.
//!
//! The key is asked which of the ledger's credentials it has (getAssertion with `up` false). It refuses to guess from serial
//! numbers: some vendors give all keys the same.

use clap::Args;
use serde::Serialize;

use crate::audit::key::shown_of_ledger;
use crate::cli::shared::arguments::OneKey;
use crate::cli::shared::model_name::ModelNames;
use crate::cli::shared::open_key::OpenKey;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::ledger_credential::LedgerCredential;
use crate::ledger::{KeyNumber, KeyState};
use crate::provision::which_key;
use keywright_fido::webauthn::Aaguid;
use keywright_files::shown;

/// Say whose key this is, without its PIN.
///
/// The key blinks if it can, and is asked which of the ledger's credentials it has. That needs neither PIN nor touch. A
/// credential with credProtect level 3 does not answer to this.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key identify\n  keywright key identify --key 1-2.3 --json")]
pub(crate) struct Identify {
    #[command(flatten)]
    which: OneKey,
}

#[derive(Serialize)]
struct Found<'a> {
    path: &'a str,
    product: &'a str,
    serial: Option<&'a str>,
    aaguid: Aaguid,
    model: Option<String>,
    in_ledger: bool,
    /// Which key it is, where it is nobody's now.
    number: Option<KeyNumber>,
    state: Option<KeyState>,
    /// Those that the key names.
    credentials: Vec<LedgerCredential>,
    /// Those that it has by all appearances; its PIN tells.
    probably: Vec<LedgerCredential>,
    /// Why it does not tell of the others.
    cannot_tell: Option<String>,
}

impl View for Found<'_> {
    const KIND: &'static str = "key-owner";
}

impl Identify {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let mut key = OpenKey::open(&self.which, session)?;
        key.authenticator.wink()?;
        let shown = shown_of_ledger(&mut key.authenticator, &register)?;
        let credentials = LedgerCredential::all(&shown.has, &register);
        let probably = LedgerCredential::all(&shown.perhaps, &register);
        let number = match credentials.is_empty() && probably.is_empty() {
            true => which_key::number(&register, &key.device, &mut key.authenticator)?,
            false => None,
        };
        let found = Found {
            path: &key.device.path,
            product: &key.device.product,
            serial: key.device.serial.as_deref(),
            aaguid: key.authenticator.info().aaguid,
            model: ModelNames::read(session).of(key.authenticator.info().aaguid),
            in_ledger: !credentials.is_empty() || number.is_some(),
            number,
            state: number.and_then(|number| register.keys.get(number)).map(|key| key.state),
            credentials,
            probably,
            cannot_tell: shown.cannot_tell.map(|error| error.to_string()),
        };
        session.output.result(&found, || owners_text(&found))?;
        Ok(Exit::Done)
    }
}

fn owners_text(found: &Found<'_>) -> String {
    let model = found.model.clone().unwrap_or_else(|| found.aaguid.to_string());
    let mut text = format!("{}  {}  {}\n", found.path, shown::one_line(found.product), shown::one_line(&model));
    if let (Some(number), Some(state)) = (found.number, found.state) {
        text.push_str(&format!("  {number}, {state}\n"));
    } else if let Some(why) = &found.cannot_tell {
        text.push_str(&format!("  cannot tell without its PIN: {}\n", shown::one_line(why)));
    } else if found.credentials.is_empty() && found.probably.is_empty() {
        text.push_str("  not in the ledger\n");
    }
    for owned in &found.probably {
        let whose = format!("probably {}; confirm with its PIN: keywright drill", owned.owner_text());
        text.push_str(&format!("  {}\n", shown::one_line(&whose)));
    }
    for owned in &found.credentials {
        text.push_str(&format!("  {}\n", shown::one_line(&owned.owner_text())));
    }
    text
}
