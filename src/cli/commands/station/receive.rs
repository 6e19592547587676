//! `keywright station receive`: this machine goes on as a station that moved here.
//!
//! It refuses a file that was sealed to another machine, and to take the place of a station that has done something already.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session, parcel};
use crate::ledger::StationKey;
use crate::secret::{SecretError, Vault};
use keywright_files::private;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 2 << 30;

/// Go on as the station that moved to this machine.
///
/// Takes the file that 'keywright station move' wrote there into the state folder, which has nothing in it but the keys that 'keywright
/// station show' made. These are replaced by the station's own. Interrupted, it is run again.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright station receive station.parcel")]
pub(crate) struct Receive {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Serialize)]
struct Received {
    /// What checkpoints and the ledger name it by.
    station: String,
    recipient: String,
    files: usize,
}

impl View for Received {
    const KIND: &'static str = "station-received";
}

impl Receive {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let state = session.state()?.create()?.clone();
        let vault = Vault::open(&state.vault())?;
        let unsealable = |why: String| SecretError::Unsealable { path: self.file.display().to_string(), why };
        let mut sealed = Vec::new();
        let opened = File::open(&self.file).map_err(private::at(&self.file))?;
        opened.take(LONGEST).read_to_end(&mut sealed).map_err(private::at(&self.file))?;
        let text = vault.open_sealed(&sealed).map_err(unsealable)?;
        let files = parcel::unpack(&text).map_err(unsealable)?;
        let own = vault.list()?.into_iter().map(|name| format!("vault/pins/{}.age", name.0));
        if let Some(name) = own.into_iter().find(|name| files.iter().all(|(known, _)| known != name)) {
            let why = "this machine sealed it; take an empty state folder".to_owned();
            return Err(CliError::File { path: state.path().join(name), why });
        }
        let how_many = files.len();
        parcel::lay_out(&state, files)?;
        let (Some(key), vault) = (StationKey::read(&state.station_key())?, Vault::open(&state.vault())?) else {
            return Err(unsealable("there is no station in it".to_owned()).into());
        };
        // From now on this machine remembers where the ledger ends.
        session.checkpoint()?;
        let received =
            Received { station: key.fingerprint(), recipient: vault.recipient().to_string(), files: how_many };
        session.output.result(&received, || {
            format!("this machine is station {} now; {} came", received.station, count(how_many, "file", "files"))
        })?;
        Ok(Exit::Done)
    }
}
