//! `keywright key list`: the keys that are plugged in. One that cannot be read does not hide the others.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::KeySource;
use crate::cli::shared::device::KeysError;
use crate::cli::shared::open_key::{self, Keys};
use crate::cli::shared::output::{View, table};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::problem::Problem;
use keywright_fido::ctap::{CtapError, TimeoutPhase, TransportError};
use keywright_fido::hid::Device;
use keywright_fido::webauthn::Aaguid;
use keywright_files::shown;

/// List the keys that are plugged in.
///
/// A key that cannot be read is listed with the reason. With --json, each key is an object of kind key, or of kind
/// unreadable-key with error {code, message}.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key list\n  keywright key list --json\n  keywright key list --softkeys 2"
)]
pub(crate) struct List {
    #[command(flatten)]
    source: KeySource,
}

/// What was found at a path.
enum Row {
    Key(Key),
    Unreadable(Unreadable),
}

/// A key that answers.
#[derive(Serialize)]
struct Key {
    path: String,
    product: String,
    vendor_id: u16,
    product_id: u16,
    serial: Option<String>,
    aaguid: Aaguid,
    versions: Vec<String>,
    port: String,
}

impl View for Key {
    const KIND: &'static str = "key";
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
        session.catch_interrupts(ENDING)?;
        let keys = Keys::open(&self.source, session)?;
        let devices = keys.bus().devices()?;
        if devices.is_empty() {
            return Err(KeysError::None.into());
        }
        // Each key may take its seconds to answer, so they are asked at the same time.
        let rows: Vec<Row> = std::thread::scope(|scope| {
            let asked: Vec<_> = devices.iter().map(|device| scope.spawn(|| read(&keys, device, session))).collect();
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
            session.output.text(&key_table(&rows))?;
        }
        Ok(Exit::Done)
    }
}

fn read(keys: &Keys, device: &Device, session: &Session) -> Row {
    match open_key::open(keys.bus(), device, session) {
        Ok(key) => Row::Key(Key {
            path: device.path.clone(),
            product: device.product.clone(),
            vendor_id: device.vendor_id,
            product_id: device.product_id,
            serial: device.serial.clone(),
            aaguid: key.info().aaguid,
            versions: key.info().versions.clone(),
            port: device.port.clone(),
        }),
        Err(error) => {
            let reason = Problem { code: code(&error), message: error.to_string() };
            Row::Unreadable(Unreadable { path: device.path.clone(), error: reason })
        }
    }
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
    let heading = ["PATH", "PORT", "PRODUCT", "SERIAL", "AAGUID", "VERSIONS"].map(str::to_owned);
    let lines = rows.iter().filter_map(|row| match row {
        Row::Key(key) => Some([
            key.path.clone(),
            key.port.clone(),
            key.product.clone(),
            key.serial.clone().unwrap_or_else(|| "-".into()),
            key.aaguid.to_string(),
            key.versions.join(" "),
        ]),
        Row::Unreadable(_) => None,
    });
    let lines: Vec<_> = std::iter::once(heading).chain(lines).collect();
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
            vendor_id: 1,
            product_id: 2,
            serial: None,
            aaguid: Aaguid::ZERO,
            versions: vec!["FIDO_2_1".into()],
            port: "1-2".into(),
        };
        let text = key_table(&[Row::Unreadable(unreadable), Row::Key(key)]);
        assert!(text.contains("/dev/hidraw1  1-2"), "{text}");
        assert!(text.ends_with("/dev/hidraw0  cannot be read: the key was removed\n"), "{text}");
    }
}
