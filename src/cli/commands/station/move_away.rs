//! `keywright station move`: everything that is this station, sealed to another machine. Here it ends.
//!
//! It refuses to leave two stations with one identity: before the file is written this one is marked, and writes nothing from then on;
//! afterwards its keys and sealed PINs are gone from here.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use age::x25519;
use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::{Change, unrepeated};
use crate::cli::shared::output::View;
use crate::cli::shared::state::StateFolder;
use crate::cli::shared::{CliError, Exit, Session, parcel};
use crate::ledger::{Event, Store};
use crate::register::Register;
use crate::secret::{Vault, seal};
use keywright_files::private;

/// Move this station to another machine.
///
/// Writes the state folder into a file that only the other machine opens: ledger, checkpoints, sealed PINs, the station's keys. Soft keys
/// stay. Then this one is no station any more: it can still be read, and refuses to write. On the other machine, 'keywright station
/// show' prints the recipient before, and 'keywright station receive' takes the file; settings are copied by hand. Keep the file until
/// the other machine has it: nothing else has the station's keys then.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright station move station.parcel --to age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
)]
pub(crate) struct Move {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The other machine's recipient
    #[arg(long, value_name = "age1...", value_parser = unrepeated::<x25519::Recipient>())]
    to: x25519::Recipient,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Moved<'a> {
    file: &'a Path,
    to: String,
    dry_run: bool,
}

impl View for Moved<'_> {
    const KIND: &'static str = "station-moved";
}

impl Move {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let state = session.state()?;
        let to = self.to.to_string();
        let stage = match state.moved_to()? {
            None => Stage::Station,
            Some(other) if other != to || !identity(&state).exists() => return Err(CliError::Moved { to: other }),
            Some(_) if state.station_key().exists() => Stage::Marked,
            Some(_) => Stage::Written,
        };
        let moved = Moved { file: &self.file, to, dry_run: self.change.dry_run };
        if self.change.dry_run {
            session.output.result(&moved, || format!("would move this station to {}", moved.to))?;
            return Ok(Exit::Done);
        }
        let question = format!("this machine stops being the station; only {} goes on with it. Go on?", moved.to);
        session.console.confirm(&question, self.change.yes)?;
        if Vault::open(&state.vault())?.recipient() == self.to {
            return Err(CliError::Usage("this is the recipient of this machine; name the other one's".to_owned()));
        }
        // Nobody writes until this is over; once the mark is there, nobody does anyway.
        let _writer = match stage {
            Stage::Station => Some(self.announce(&moved.to, session)?),
            Stage::Marked | Stage::Written => None,
        };
        if stage != Stage::Written {
            state.mark_moved(&moved.to)?;
            self.write(&state)?;
        }
        forget(&state)?;
        session.output.result(&moved, || words(&moved))?;
        Ok(Exit::Done)
    }

    fn write(&self, state: &StateFolder) -> Result<(), CliError> {
        let text = parcel::pack(state)?;
        let sealed = seal::seal(std::iter::once(&self.to), &text);
        if private::write_new(&self.file, &sealed)? {
            return Ok(());
        }
        let why = "it is there already; name another file".to_owned();
        Err(CliError::File { path: self.file.clone(), why })
    }

    /// The last event that this machine writes, and its last signature: what is put back here later is known to be older.
    fn announce(&self, to: &str, session: &Session) -> Result<Box<dyn Store>, CliError> {
        let store = session.ledger_for_writing()?;
        let mut register = Register::of(&*store)?;
        let operator = session.operator()?;
        let message = format!("this station moves to the machine that opens {to}, by {operator}");
        register.record(&*store, &Event::AttentionNeeded { job: None, message })?;
        session.checkpoint()?;
        Ok(store)
    }
}

/// How far it is: interrupted, it goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// This machine is the station.
    Station,
    /// It is marked, and has everything still.
    Marked,
    /// The file is whole, and something of what goes is gone.
    Written,
}

/// What opens sealed PINs.
fn identity(state: &StateFolder) -> PathBuf {
    state.vault().join("station.key")
}

/// Takes what only the other machine has from now on. The first to go says that the file is whole, the last that all is done.
fn forget(state: &StateFolder) -> Result<(), CliError> {
    remove(&state.station_key())?;
    let vault = Vault::open(&state.vault())?;
    vault.list()?.iter().try_for_each(|name| vault.destroy(name))?;
    remove(&identity(state))
}

fn remove(key: &Path) -> Result<(), CliError> {
    match std::fs::remove_file(key) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(private::at(key)(error).into()),
        _ => Ok(private::sync_folder(key.parent().unwrap_or(Path::new(".")))?),
    }
}

fn words(moved: &Moved<'_>) -> String {
    format!(
        "this machine is the station no longer\non the other one: keywright station receive {}",
        moved.file.file_name().unwrap_or_default().to_string_lossy()
    )
}
