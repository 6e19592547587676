//! `keywright key identify`: whose key is this? Asked without a PIN and without a touch.
//!
//! The key is asked which of the ledger's credentials it has (getAssertion with `up` false). It refuses to guess from serial
//! numbers: some vendors give all keys the same.

use clap::Args;
use serde::Serialize;

use crate::audit::key::shown_of_ledger;
use crate::cli::shared::arguments::OneKey;
use crate::cli::shared::device::KeysError;
use crate::cli::shared::model_name::ModelNames;
use crate::cli::shared::open_key::{Keys, open};
use crate::cli::shared::output::{View, table};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::ledger_credential::LedgerCredential;
use crate::ledger::{KeyNumber, KeyState};
use crate::provision::which_key;
use crate::register::Register;
use keywright_fido::hid::{Bus, Device};
use keywright_fido::webauthn::Aaguid;
use keywright_files::shown;

/// Say whose key this is, without its PIN.
///
/// Each key that is plugged in, or the one that is named, is asked which of the ledger's credentials it has. That needs neither
/// PIN nor touch; one key alone blinks if it can. A credential with credProtect level 3 does not answer to this.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key identify\n  keywright key identify --key 1-2.3 --json")]
pub(crate) struct Identify {
    #[command(flatten)]
    which: OneKey,
}

#[derive(Serialize)]
struct Found<'a> {
    path: &'a str,
    port: &'a str,
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
        session.catch_interrupts(ENDING)?;
        let keys = Keys::open(&self.which.source, session)?;
        let devices = match &self.which.key {
            None => keys.bus().devices()?,
            Some(name) => vec![keys.choose(Some(name), session)?],
        };
        let names = ModelNames::read(session);
        let look = |device| Found::look(keys.bus(), device, devices.len() == 1, &register, &names, session);
        match devices.as_slice() {
            [] => Err(KeysError::None.into()),
            [device] => {
                let found = look(device)?;
                session.output.result(&found, || owners_text(&found))?;
                Ok(Exit::Done)
            }
            several => Self::all(several, look, session),
        }
    }

    /// A row for each key. One that cannot be asked does not keep the others from it.
    fn all<'d>(
        devices: &'d [Device],
        look: impl Fn(&'d Device) -> Result<Found<'d>, CliError>,
        session: &Session,
    ) -> Result<Exit, CliError> {
        let mut rows = vec![["PORT", "MODEL", "WHOSE"].map(str::to_owned)];
        let mut exits = Vec::new();
        for device in devices {
            exits.push(match look(device) {
                Ok(found) => {
                    match session.output.is_json() {
                        true => session.output.object(&found)?,
                        false => rows.push([device.port.clone(), found.model(), found.whose().join("; ")]),
                    }
                    Exit::Done
                }
                Err(error) => {
                    session.console.say(&format!("the key in {} cannot be asked: {error}", device.port));
                    error.exit()
                }
            });
        }
        if !session.output.is_json() && rows.len() > 1 {
            session.output.text(&table(&rows))?;
        }
        Ok(Exit::of_several(&exits))
    }
}

impl<'d> Found<'d> {
    /// Asks a key; one `alone` is shown by its light.
    fn look(
        bus: &dyn Bus,
        device: &'d Device,
        alone: bool,
        register: &Register,
        names: &ModelNames,
        session: &Session,
    ) -> Result<Self, CliError> {
        let mut authenticator = open(bus, device, session)?;
        if alone {
            authenticator.wink()?;
        }
        let shown = shown_of_ledger(&mut authenticator, register)?;
        let credentials = LedgerCredential::all(&shown.has, register);
        let probably = LedgerCredential::all(&shown.perhaps, register);
        let number = match credentials.is_empty() && probably.is_empty() {
            true => which_key::number(register, device, &mut authenticator)?,
            false => None,
        };
        let aaguid = authenticator.info().aaguid;
        Ok(Self {
            path: &device.path,
            port: &device.port,
            product: &device.product,
            serial: device.serial.as_deref(),
            aaguid,
            model: names.of(aaguid),
            in_ledger: !credentials.is_empty() || number.is_some(),
            number,
            state: number.and_then(|number| register.keys.get(number)).map(|key| key.state),
            credentials,
            probably,
            cannot_tell: shown.cannot_tell.map(|error| error.to_string()),
        })
    }

    fn model(&self) -> String {
        self.model.clone().unwrap_or_else(|| self.aaguid.to_string())
    }

    /// Whose it is: what it may be before what it is.
    fn whose(&self) -> Vec<String> {
        let of_key = match (self.number, self.state, &self.cannot_tell) {
            (Some(number), Some(state), _) => Some(format!("{number}, {state}")),
            (_, _, Some(why)) => Some(format!("cannot tell without its PIN: {why}")),
            _ if self.credentials.is_empty() && self.probably.is_empty() => Some("not in the ledger".to_owned()),
            _ => None,
        };
        let perhaps = |owned: &LedgerCredential| {
            format!("probably {}; confirm with its PIN: keywright drill", owned.owner_text())
        };
        let probably = self.probably.iter().map(perhaps);
        of_key.into_iter().chain(probably).chain(self.credentials.iter().map(LedgerCredential::owner_text)).collect()
    }
}

fn owners_text(found: &Found<'_>) -> String {
    let mut text = format!("{}  {}  {}\n", found.path, shown::one_line(found.product), shown::one_line(&found.model()));
    for whose in found.whose() {
        text.push_str(&format!("  {}\n", shown::one_line(&whose)));
    }
    text
}
