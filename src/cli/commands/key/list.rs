//! `keywright key list`: the keys that are plugged in. One that cannot be read does not hide the others.

use clap::Args;
use serde::Serialize;

use crate::audit::key::shown_of_ledger;
use crate::cli::shared::arguments::KeySource;
use crate::cli::shared::device::KeysError;
use crate::cli::shared::model_name::ModelNames;
use crate::cli::shared::open_key::{self, Keys};
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::ledger_credential::LedgerCredential;
use crate::cli::view::problem::Problem;
use crate::cli::view::status_account::day_of;
use crate::ledger::{KeyNumber, KeyState};
use crate::provision::which_key;
use crate::register::Register;
use keywright_fido::bus::Device;
use keywright_fido::ctap::{Authenticator, CtapError, TimeoutPhase, TransportError};
use keywright_fido::webauthn::{Aaguid, CredentialId};
use keywright_files::shown;

/// List the keys that are plugged in.
///
/// A key that cannot be read is listed with the reason. With --json, each key is an object of kind key, or of kind
/// unreadable-key with error {code, message}.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key list\n  keywright key list --json\n  keywright key list --known\n  keywright key list --softkeys 2"
)]
pub(crate) struct List {
    #[command(flatten)]
    source: KeySource,
    /// Say whose each key is, by the ledger: asked without PIN and touch
    #[arg(long)]
    known: bool,
    /// List the keys that are in stock, by the ledger, instead of those that are plugged in
    #[arg(long, conflicts_with = "known")]
    stock: bool,
}

/// What was found at a path.
#[expect(clippy::large_enum_variant, reason = "there are as many as keys that are plugged in")]
enum Row {
    Key(Key),
    Unreadable(Unreadable),
}

/// A key that answers.
#[derive(Serialize)]
struct Key {
    path: String,
    product: String,
    /// How it is reached: WebAuthn's word.
    transport: &'static str,
    /// `null` for a card, and so is the next.
    vendor_id: Option<u16>,
    product_id: Option<u16>,
    serial: Option<String>,
    aaguid: Aaguid,
    model: Option<String>,
    versions: Vec<String>,
    port: String,
    /// The ledger's credentials that the key shows; `null` if nobody asked, or the key does not tell.
    credentials: Option<Vec<LedgerCredential>>,
    /// Those that it has by all appearances; its PIN tells.
    probably: Vec<LedgerCredential>,
    /// Which key it is, where it is nobody's now; `null` if nobody asked or it is not known.
    thing: Option<Thing>,
    /// Why the key does not tell whose it is, if it was asked.
    cannot_tell: Option<String>,
}

impl View for Key {
    const KIND: &'static str = "key";
}

/// A key of the ledger that shows no credential.
#[derive(Serialize)]
struct Thing {
    number: KeyNumber,
    state: KeyState,
}

/// A key that does not, and why.
#[derive(Serialize)]
struct Unreadable {
    path: String,
    error: Problem,
}

impl View for Unreadable {
    const KIND: &'static str = "unreadable-key";
}

impl List {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if self.stock {
            return stock(session);
        }
        session.catch_interrupts(ENDING)?;
        let keys = Keys::open(&self.source, session)?;
        let register = self.known.then(|| session.register()).transpose()?;
        let devices = keys.bus().devices()?;
        if devices.is_empty() {
            return Err(KeysError::None.into());
        }
        let names = ModelNames::read(session);
        // Each key may take its seconds to answer, so they are asked at the same time.
        let rows: Vec<Row> = std::thread::scope(|scope| {
            let asked: Vec<_> = devices
                .iter()
                .map(|device| scope.spawn(|| read(&keys, device, register.as_ref(), &names, session)))
                .collect();
            asked
                .into_iter()
                .map(|asked| asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        if session.cancel.is_cancelled() {
            return Err(TransportError::Cancelled.into());
        }
        if session.output.is_json() {
            for row in &rows {
                match row {
                    Row::Key(key) => session.output.object(key)?,
                    Row::Unreadable(unreadable) => session.output.object(unreadable)?,
                }
            }
        } else {
            session.output.text(&if self.known { owner_table(&rows) } else { key_table(&rows) })?;
        }
        Ok(Exit::Done)
    }
}

/// A key that is in stock.
#[derive(Serialize)]
struct StockKey<'a> {
    number: KeyNumber,
    state: KeyState,
    /// RFC 3339: since when.
    since: &'a str,
    model: Option<&'a str>,
    serial: Option<&'a str>,
    label: Option<&'a str>,
    place: Option<&'a str>,
    /// Times that it was seen to be reset.
    resets: usize,
    /// Whether the key itself shows which one it is.
    recognisable: bool,
}

impl View for StockKey<'_> {
    const KIND: &'static str = "stock-key";
}

/// The keys in stock.
fn stock(session: &Session) -> Result<Exit, CliError> {
    let register = session.register()?;
    let keys: Vec<StockKey<'_>> = register
        .keys
        .in_stock()
        .map(|(number, key)| StockKey {
            number,
            state: key.state,
            since: &key.since,
            model: key.model(),
            serial: key.serial(),
            label: key.kept.label.as_deref(),
            place: key.kept.place.as_deref(),
            resets: key.resets.len(),
            recognisable: register.keys.is_recognisable(number),
        })
        .collect();
    if session.output.is_json() {
        keys.iter().try_for_each(|key| session.output.object(key))?;
        return Ok(Exit::Done);
    }
    let heading = ["NUMBER", "MODEL", "SERIAL", "PLACE", "SINCE"].map(str::to_owned);
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let rows = keys.iter().map(|key| {
        [
            key.number.to_string(),
            or_dash(key.model),
            or_dash(key.serial),
            or_dash(key.place),
            day_of(key.since).to_owned(),
        ]
    });
    let mut text = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    let seen = |number| register.keys.get(number).is_some_and(|key| key.identity.is_some());
    for key in keys.iter().filter(|key| !key.recognisable && seen(key.number)) {
        text.push_str(&format!("{}: nothing on it shows which key it is; write its number on it\n", key.number));
    }
    text.push_str(&format!("{} in stock\n", count(keys.len(), "key", "keys")));
    session.output.text(&text)?;
    Ok(Exit::Done)
}

fn read(keys: &Keys, device: &Device, register: Option<&Register>, names: &ModelNames, session: &Session) -> Row {
    match open_key::open(keys.bus(), device, session) {
        Ok(mut key) => {
            let (credentials, probably, thing, cannot_tell) =
                match register.map(|register| whose(device, &mut key, register)) {
                    None => (None, Vec::new(), None, None),
                    Some(Ok(Whose { credentials, probably, thing, cannot_tell })) => {
                        let untold = credentials.is_empty() && cannot_tell.is_some();
                        (Some(credentials).filter(|_| !untold), probably, thing, cannot_tell)
                    }
                    Some(Err(error)) => (None, Vec::new(), None, Some(error.to_string())),
                };
            Row::Key(Key {
                path: device.path.clone(),
                product: device.product.clone(),
                transport: device.kind.as_str(),
                vendor_id: device.usb_id.map(|usb| usb.vendor),
                product_id: device.usb_id.map(|usb| usb.product),
                serial: device.serial.clone(),
                aaguid: key.info().aaguid,
                model: names.of(key.info().aaguid),
                versions: key.info().versions.clone(),
                port: device.port.clone(),
                credentials,
                probably,
                thing,
                cannot_tell,
            })
        }
        Err(error) => {
            let reason = Problem { code: code(&error), message: error.to_string() };
            Row::Unreadable(Unreadable { path: device.path.clone(), error: reason })
        }
    }
}

/// The ledger's credentials that the key shows without PIN and touch, those that it probably has, which key it is if it shows none, and
/// why it does not tell of all.
fn whose(device: &Device, key: &mut Authenticator, register: &Register) -> Result<Whose, CtapError> {
    let shown = shown_of_ledger(key, register)?;
    let known = |ids: &[CredentialId]| LedgerCredential::all(ids, register);
    let number = match shown.has.is_empty() && shown.perhaps.is_empty() {
        true => which_key::number(register, device, key)?,
        false => None,
    };
    Ok(Whose {
        credentials: known(&shown.has),
        probably: known(&shown.perhaps),
        thing: number.and_then(|number| Some(Thing { number, state: register.keys.get(number)?.state })),
        cannot_tell: shown.cannot_tell.map(|error| error.to_string()),
    })
}

/// What a key says of whose it is.
struct Whose {
    credentials: Vec<LedgerCredential>,
    probably: Vec<LedgerCredential>,
    thing: Option<Thing>,
    cannot_tell: Option<String>,
}

/// Why a key cannot be read, as a stable name.
fn code(error: &CliError) -> &'static str {
    let CliError::Ctap(error) = error else {
        return match error {
            CliError::Transport(error) => transport_code(error),
            _ => "other",
        };
    };
    match error {
        CtapError::Transport(error) => transport_code(error),
        CtapError::Status { .. } => "ctap-status",
        CtapError::Unsupported(_) => "unsupported",
        _ => "malformed-answer",
    }
}

fn transport_code(error: &TransportError) -> &'static str {
    match error {
        TransportError::Removed => "removed",
        TransportError::NoPermission { .. } => "no-permission",
        TransportError::Held { .. } => "held",
        TransportError::Timeout { phase: TimeoutPhase::Silence, .. } => "silent",
        TransportError::Timeout { .. } => "too-long",
        TransportError::Refused { .. } => "refused",
        TransportError::Busy(_) => "busy",
        TransportError::Protocol(_) => "protocol",
        TransportError::Cancelled => "cancelled",
        _ => "system",
    }
}

fn key_table(rows: &[Row]) -> String {
    let heading = ["PATH", "PORT", "PRODUCT", "SERIAL", "MODEL", "VERSIONS"].map(str::to_owned);
    let lines = rows.iter().filter_map(|row| match row {
        Row::Key(key) => Some([
            key.path.clone(),
            key.port.clone(),
            key.product.clone(),
            key.serial.clone().unwrap_or_else(|| "-".into()),
            key.model.clone().unwrap_or_else(|| key.aaguid.to_string()),
            key.versions.join(" "),
        ]),
        Row::Unreadable(_) => None,
    });
    with_unreadable(std::iter::once(heading).chain(lines).collect(), rows)
}

/// Whose the keys are: a line for each account's key.
fn owner_table(rows: &[Row]) -> String {
    let heading = ["PORT", "NUMBER", "ACCOUNT", "KEY", "STATE", "LABEL", "PRODUCT", "SERIAL"].map(str::to_owned);
    let dash = || "-".to_owned();
    let lines = rows.iter().flat_map(|row| {
        let Row::Key(key) = row else { return Vec::new() };
        let serial = key.serial.clone().unwrap_or_else(dash);
        let line = |number: Option<KeyNumber>, account: String, ordinal: String, state: String, label: String| {
            let number = number.map_or_else(dash, |number| number.to_string());
            [key.port.clone(), number, account, ordinal, state, label, key.product.clone(), serial.clone()]
        };
        let named = |one: &LedgerCredential, state: String| {
            let label = one.label.clone().unwrap_or_else(dash);
            line(one.number, one.account.clone(), one.ordinal.to_string(), state, label)
        };
        let probably = key.probably.iter().map(|one| named(one, format!("probably {}", one.state_text())));
        match (&key.credentials, &key.cannot_tell) {
            (Some(known), _) if !known.is_empty() => {
                known.iter().map(|one| named(one, one.state_text().to_owned())).chain(probably).collect()
            }
            _ if !key.probably.is_empty() => probably.collect(),
            (_, Some(why)) => {
                vec![line(None, dash(), dash(), format!("cannot tell: {}", shown::one_line(why)), dash())]
            }
            _ => {
                let state = match &key.thing {
                    Some(thing) => thing.state.to_string(),
                    None => "not in the ledger".to_owned(),
                };
                vec![line(key.thing.as_ref().map(|thing| thing.number), dash(), dash(), state, dash())]
            }
        }
    });
    with_unreadable(std::iter::once(heading).chain(lines).collect(), rows)
}

/// The table, and the keys that cannot be read below it.
fn with_unreadable<const N: usize>(lines: Vec<[String; N]>, rows: &[Row]) -> String {
    let mut text = if lines.len() > 1 { table(&lines) } else { String::new() };
    for row in rows {
        if let Row::Unreadable(Unreadable { path, error }) = row {
            text.push_str(&format!("{path}  cannot be read: {}\n", shown::one_line(&error.message)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_key_is_listed_beside_the_good_ones() {
        let error =
            Problem { code: code(&TransportError::Removed.into()), message: TransportError::Removed.to_string() };
        let unreadable = Unreadable { path: "/dev/hidraw0".into(), error };
        let key = Key {
            path: "/dev/hidraw1".into(),
            product: "Key".into(),
            transport: "usb",
            vendor_id: Some(1),
            product_id: Some(2),
            serial: None,
            aaguid: Aaguid::ZERO,
            model: None,
            versions: vec!["FIDO_2_1".into()],
            port: "1-2".into(),
            credentials: None,
            probably: Vec::new(),
            thing: None,
            cannot_tell: None,
        };
        let text = key_table(&[Row::Unreadable(unreadable), Row::Key(key)]);
        assert!(text.contains("/dev/hidraw1  1-2"), "{text}");
        assert!(text.ends_with("/dev/hidraw0  cannot be read: the key was removed\n"), "{text}");
    }
}
