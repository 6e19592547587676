//! `keywright key add`: keys come into stock, before they are anybody's.
//!
//! It refuses a key that has a PIN: something may be on it, and nobody knows whose.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::mark::{self, Marked};
use crate::audit::key::credentials_of_ledger;
use crate::cli::shared::arguments::KeySource;
use crate::cli::shared::device::{KeysError, describe};
use crate::cli::shared::open_key::{self, Keys};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::{Actor, Event, KeyNumber, Store};
use crate::profile::stock_list::{self, BoughtKey};
use crate::provision::{identity, which_key};
use crate::register::Register;
use keywright_attest::Judge;
use keywright_fido::hid::Device;

/// Take keys into stock.
///
/// The new keys that are plugged in, each with a touch, so that it is known again; or a list of what was bought. Each gets a number of
/// its own, to be printed on it. 'keywright key list --stock' shows them.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key add --stock --place safe-3\n  keywright key add --stock --list delivery.csv --model YubiKey-5C"
)]
pub(crate) struct Add {
    #[command(flatten)]
    source: KeySource,
    /// Into stock: they are nobody's yet
    #[arg(long, required = true)]
    stock: bool,
    /// A CSV file of what was bought, with the column serial, and model and place if you like, instead of the keys that are plugged in
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The model's name, where neither the list nor the key's attestation tells it
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Where they are kept
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,
    /// Say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// A key that is in stock now.
#[derive(Serialize)]
struct Added<'a> {
    number: KeyNumber,
    port: Option<&'a str>,
    model: Option<&'a str>,
    serial: Option<&'a str>,
    place: Option<&'a str>,
    /// Whether the key itself shows which one it is.
    recognisable: bool,
    dry_run: bool,
}

impl View for Added<'_> {
    const KIND: &'static str = "key-added";
}

impl Add {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        session.catch_interrupts(ENDING)?;
        let bought = self.list.as_deref().map(stock_list::read).transpose()?;
        let keys = match bought {
            Some(_) => None,
            None => Some(Keys::open(&self.source, session)?),
        };
        let store = if self.dry_run { session.ledger_or_empty()? } else { session.ledger_for_writing()? };
        let mut register = Register::of(&*store)?;
        let added = match (bought, keys) {
            (Some(bought), _) => self.add_list(&bought, &mut register, &*store, session)?,
            (None, Some(keys)) => self.add_plugged_in(&keys, &mut register, &*store, session)?,
            (None, None) => 0,
        };
        if !session.output.is_json() {
            let (keys, would) = (count(added, "key", "keys"), if self.dry_run { " would be" } else { "" });
            session.output.text(&format!("{keys}{would} taken into stock\n"))?;
        }
        Ok(if added == 0 { Exit::Failed } else { Exit::Done })
    }

    /// The log gets all of a list or nothing.
    fn add_list(
        &self,
        bought: &[BoughtKey],
        register: &mut Register,
        store: &dyn Store,
        session: &Session,
    ) -> Result<usize, CliError> {
        let known = |serial: &str| register.keys.with_serial(serial);
        let wrong: Vec<_> = bought
            .iter()
            .filter_map(|key| Some((key.row, format!("{} has this serial number", known(&key.serial)?))))
            .collect();
        if let (false, Some(file)) = (wrong.is_empty(), &self.list) {
            return Err(stock_list::StockListError::Rows { file: file.display().to_string(), rows: wrong }.into());
        }
        let operator = session.operator()?;
        let first = register.keys.next_number().0;
        let numbered: Vec<_> = (first..).map(KeyNumber).zip(bought).collect();
        let events: Vec<Event> = numbered
            .iter()
            .map(|(key, bought)| Event::KeyAdded {
                key: *key,
                identity: None,
                model: bought.model.clone().or_else(|| self.model.clone()),
                serial: Some(bought.serial.clone()),
                attested_serial: None,
                place: bought.place.clone().or_else(|| self.place.clone()),
                operator: operator.clone(),
            })
            .collect();
        if !self.dry_run {
            register.record_all(store, &events)?;
        }
        for (number, bought) in &numbered {
            let added = Added {
                number: *number,
                port: None,
                model: bought.model.as_deref().or(self.model.as_deref()),
                serial: Some(&bought.serial),
                place: bought.place.as_deref().or(self.place.as_deref()),
                recognisable: false,
                dry_run: self.dry_run,
            };
            self.tell(&added, session)?;
        }
        Ok(numbered.len())
    }

    fn add_plugged_in(
        &self,
        keys: &Keys,
        register: &mut Register,
        store: &dyn Store,
        session: &Session,
    ) -> Result<usize, CliError> {
        let devices = keys.bus().devices()?;
        if devices.is_empty() {
            return Err(KeysError::None.into());
        }
        let (judge, operator) = (mark::judge(keys, session)?, session.operator()?);
        let mut added = 0;
        for device in &devices {
            added += usize::from(self.add_one(keys, device, &judge, &operator, register, store, session)?);
        }
        Ok(added)
    }

    /// Whether it was added.
    #[expect(clippy::too_many_arguments, reason = "one key, and all that is held against it")]
    fn add_one(
        &self,
        keys: &Keys,
        device: &Device,
        judge: &Judge,
        operator: &Actor,
        register: &mut Register,
        store: &dyn Store,
        session: &Session,
    ) -> Result<bool, CliError> {
        let name = describe(device);
        let skip = |why: String| {
            session.console.say(&format!("{name}: left alone: {why}"));
            Ok(false)
        };
        let mut key = open_key::open(keys.bus(), device, session)?;
        if let Some(id) = credentials_of_ledger(&mut key, register)?.first() {
            let whose = &register.credentials[id];
            return skip(format!("it is key {} of {}", whose.ordinal, whose.account));
        }
        if let Some(number) = which_key::number(register, device, &mut key)? {
            return skip(format!("it is {number} already"));
        }
        if key.info().has_pin() {
            return skip("it has a PIN; 'keywright key reset' erases it".into());
        }
        let number = register.keys.next_number();
        let marked = match self.dry_run {
            true => None,
            false => mark::mark(&mut key, device, judge, session)?,
        };
        let identity = identity(device, key.info());
        let model = marked.as_ref().and_then(|marked| marked.model.clone()).or_else(|| self.model.clone());
        let attested_serial = marked.as_ref().and_then(|marked| marked.attested_serial.clone());
        let event = Event::KeyAdded {
            key: number,
            identity: Some(identity.clone().into()),
            model: model.clone(),
            serial: None,
            attested_serial: attested_serial.clone(),
            place: self.place.clone(),
            operator: operator.clone(),
        };
        let by = || Some(operator.clone());
        let marker =
            marked.map(|Marked { credential_id, .. }| Event::KeyMarked { key: number, credential_id, operator: by() });
        let recognisable = marker.is_some();
        if !self.dry_run {
            let events: Vec<Event> = std::iter::once(event).chain(marker).collect();
            register.record_all(store, &events)?;
            if !recognisable {
                session.console.say(&format!("{name}: makes no credential without a PIN; it may not be known again"));
            }
        }
        let added = Added {
            number,
            port: Some(&device.port),
            model: model.as_deref().or(Some(&device.product)),
            serial: attested_serial.as_deref().or(device.serial.as_deref()),
            place: self.place.as_deref(),
            recognisable,
            dry_run: self.dry_run,
        };
        self.tell(&added, session)?;
        Ok(true)
    }

    fn tell(&self, added: &Added<'_>, session: &Session) -> Result<(), CliError> {
        if session.output.is_json() {
            return session.output.object(added);
        }
        let part = |text: Option<&str>| text.map(|text| format!("  {text}")).unwrap_or_default();
        let port = added.port.map(|port| format!("port {port}"));
        let all = [port.as_deref(), added.model, added.serial].map(part).concat();
        session.output.text(&format!("{}{all}\n", added.number))
    }
}
