//! How a PIN reaches its reader: an age file for each of them, a printed letter, or once on the terminal.

use std::path::{Path, PathBuf};

use super::SecretError;
use crate::ctap::Pin;

/// Somebody who may read PINs: a name and an age recipient.
#[derive(Clone)]
pub struct Reader {
    /// For file names and the ledger: letters, digits, dashes.
    pub name: String,
    /// The public key, `age1...`.
    pub recipient: age::x25519::Recipient,
}

/// What stands on the hand-over of one key.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The login.
    pub account: String,
    /// The person's name.
    pub person: String,
    /// Which of the person's keys: 1, 2, ...
    pub ordinal: usize,
    /// The key's label.
    pub label: String,
    /// Whether the person has to choose a new PIN first.
    pub force_change: bool,
}

/// Writes `FOLDER/READER/ACCOUNT.ORDINAL.age` for each reader: an age file with a short text that has the PIN. Each file appears
/// whole or not at all, and the disk has it when this returns. Returns the paths.
pub fn to_readers(
    _folder: &Path,
    _readers: &[Reader],
    _delivery: &Delivery,
    _pin: &Pin,
) -> Result<Vec<PathBuf>, SecretError> {
    todo!()
}

/// The letter: plain text for A4, 72 columns, with the person's name, the key's label, the PIN, and what to do first.
pub fn letter(_delivery: &Delivery, _pin: &Pin) -> secrecy::SecretString {
    todo!()
}

/// Pipes the letter to a program such as `lp`; it is never on disk. Fails unless the program ends well.
pub fn print(_program: &[String], _delivery: &Delivery, _pin: &Pin) -> Result<(), SecretError> {
    todo!()
}
